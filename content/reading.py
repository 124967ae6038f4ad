"""Reading the data files, and the error that names every problem in them at once."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

DATA = Path(__file__).parent / "data"


class ContentError(Exception):
    """The content cannot be used: every problem with its file and key, and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def read_toml(file: Path) -> dict[str, Any]:
    """Read a data file. Raises ContentError, naming it, where it is no TOML."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContentError([f"{file.name}: {error}"]) from error


def read_table(file: Path, model: type[Model]) -> dict[str, Model]:
    """Read a file of tables `[key]` as `model(key=key, …)`, in the order of the file.

    Raises ContentError with every problem of the file, as `file: key.field: what is wrong`.
    """
    entries: dict[str, Model] = {}
    problems: list[str] = []
    for key, fields in read_toml(file).items():
        if not isinstance(fields, dict):
            problems.append(f"{file.name}: {key}: expected a table [{key}]")
            continue
        try:
            entries[key] = model.model_validate({"key": key, **fields})
        except ValidationError as error:
            problems += [f"{file.name}: {_place(key, found)}" for found in error.errors()]
    if problems:
        raise ContentError(problems)
    return entries


def _place(key: str, found: Any) -> str:
    field = ".".join(str(part) for part in (key, *found["loc"]))
    return f"{field}: {found['msg']}"
