"""Many numbers as one value of a statement, so that it is the same statement however many they are.

PostgreSQL gets an array; SQLite, which has none, a JSON list. A statement whose text grows with its
list would be put together, and planned by the server, anew for each length.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Boolean, ColumnElement, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Numbers(TypeDecorator[Sequence[int]]):
    """Whole numbers, sent as one value."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        on_postgresql = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(BigInteger) if on_postgresql else Text())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        numbers = list(value or ())
        return numbers if dialect.name == "postgresql" else json.dumps(numbers)


def numbers(name: str) -> BindParameter[Sequence[int]]:
    """The parameter `name` of a statement, for many numbers."""
    return bindparam(name, type_=Numbers())


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()


def among(column: Mapped[int], name: str) -> ColumnElement[bool]:
    """Whether the column's value is one of the numbers of the parameter `name`."""
    return _Among(column, numbers(name))


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, given = (compiler.process(part, **how) for part in element.clauses)
    return f"{column} = ANY ({given})"


@compiles(_Among, "sqlite")
def _in_list(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, given = (compiler.process(part, **how) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({given}))"  # noqa: S608  a placeholder
