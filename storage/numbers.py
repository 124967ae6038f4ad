"""Many numbers as one value of a statement, for PostgreSQL: an array."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, BindParameter, bindparam
from sqlalchemy.dialects.postgresql import ARRAY


def numbers(name: str) -> BindParameter[Sequence[int]]:
    """The parameter `name` of a statement, for many whole numbers."""
    return bindparam(name, type_=ARRAY(BigInteger))
