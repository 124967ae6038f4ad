"""Reading the data files: those that ship, and a clinic's own laid over them.

A clinic's folder holds only what it changes, in files of the same names: one value of one rule, one
text, one more phrase, a whole language. What is wrong is named all at once, with file and key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

DATA = Path(__file__).parent / "data"
ADDED_TO = ("phrases/",)
"""Files of these folders are lists that a clinic adds to; everywhere else its value takes the place
of the shipped one."""
LEARNED_FROM = "examples/"
"""Files that only `make learn` reads."""


MORE_OF = frozenset({"steps.toml", "profiles.toml", "sources.toml"})
"""Files of tables to which a clinic can add its own; what is in the others is tied to texts,
phrases and code."""
INSTEAD = {"until": "lasts_hours", "lasts_hours": "until"}
"""Values of which one takes the place of the other (content.steps)."""
POINT = "anchor"
"""What a table holds that is one value, and takes the place of the whole of another."""


class ContentError(Exception):
    """The content cannot be used: every problem with its file and key, and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Layers:
    """The data files as one: `own` over `shipped`. File names are relative, with `/`."""

    shipped: Path = DATA
    own: Path | None = None

    def names(self, pattern: str) -> list[str]:
        """The files that match, of either layer, sorted."""
        return sorted({file for folder in self._folders() for file in _files(folder, pattern)})

    def toml(self, name: str) -> dict[str, Any]:
        """What a file says, {} where there is none. Raises ContentError where it is no TOML."""
        merged: dict[str, Any] = {}
        for folder in self._folders():
            if (folder / name).is_file():
                said = _read(folder / name, self._called(folder, name))
                merged = _over(merged, said, adds=name.startswith(ADDED_TO))
        return merged

    def table(self, name: str, model: type[Model]) -> dict[str, Model]:
        """A file of tables `[key]` as `model(key=key, …)`, the shipped ones first.

        Raises ContentError with every problem of the file, as `file: key.field: what is wrong`.
        """
        entries: dict[str, Model] = {}
        problems: list[str] = []
        for key, values in self.toml(name).items():
            place = f"{self.place(name, key)}: {key}"
            if not isinstance(values, dict):
                problems.append(f"{place}: expected a table [{key}]")
                continue
            if name not in MORE_OF and key not in (shipped := self._shipped(name)):
                problems.append(f"{place}: {unknown(key, shipped)}; {name} takes no new ones")
                continue
            try:
                entries[key] = model.model_validate({"key": key, **values})
            except ValidationError as error:
                problems += self._wrong(name, key, place, error)
        if problems:
            raise ContentError(problems)
        return entries

    def place(self, name: str, *keys: str) -> str:
        """The file to look into for what stands at `keys`: the clinic's own if it says so."""
        if self.own is None or not (self.own / name).is_file():
            return name
        said: Any = _read(self.own / name, name)
        for key in keys:
            if not isinstance(said, dict) or key not in said:
                return name
            said = said[key]
        return self._called(self.own, name)

    def strangers(self) -> Iterator[str]:
        """Files of the clinic's that nothing reads: a name with a letter wrong, say."""
        if self.own is None:
            return
        shipped = [it for it in _files(self.shipped, "*.toml") if not it.startswith(LEARNED_FROM)]
        known = [*shipped, "protocol.toml"]
        areas = {Path(name).name for name in known if name.startswith("texts/")}
        for name in _files(self.own, "*.toml"):
            parts = Path(name).parts
            is_text = len(parts) == 3 and parts[0] == "texts" and parts[2] in areas
            of_words = len(parts) == 2 and name.startswith(ADDED_TO)
            if name not in known and not is_text and not of_words:
                called = self._called(self.own, name)
                yield f"{called}: nothing reads this file{_meant(name, known)}"

    def _folders(self) -> tuple[Path, ...]:
        return (self.shipped,) if self.own is None else (self.shipped, self.own)

    def _shipped(self, name: str) -> dict[str, Any]:
        return _read(self.shipped / name, name) if (self.shipped / name).is_file() else {}

    def _called(self, folder: Path, name: str) -> str:
        return f"CONTENT_DIR/{name}" if folder == self.own else name

    def _wrong(self, name: str, key: str, place: str, error: ValidationError) -> Iterator[str]:
        shipped = self._shipped(name)
        faults = error.errors(include_url=False, include_input=False)
        if key not in shipped and any(fault["type"] == "missing" for fault in faults):
            needed = ", ".join(str(fault["loc"][0]) for fault in faults)
            yield f"{place}: {unknown(key, shipped)}; a new one needs {needed}"
            return
        for fault in faults:
            field = "".join(f".{part}" for part in fault["loc"])
            yield f"{place}{field}: {reason(fault)}"


def reason(fault: Mapping[str, object]) -> str:
    """What pydantic says is wrong, for somebody who has never heard of it."""
    if fault["type"] == "extra_forbidden":
        return "is not known here"
    return str(fault["msg"]).removeprefix("Value error, ")


def _meant(written: str, known: Mapping[str, object] | Sequence[str]) -> str:
    close = get_close_matches(written, list(known), n=1)
    return f" (is {close[0]} meant?)" if close else ""


def unknown(key: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """'there is no … (is … meant?)': for a key that nothing asks for."""
    return f"there is no {key}{_meant(key, known)}"


def _files(folder: Path, pattern: str) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in sorted(folder.rglob(pattern))]


def _read(file: Path, called: str) -> dict[str, Any]:
    return _parsed(file, file.stat().st_mtime_ns, called)


@lru_cache(maxsize=256)
def _parsed(file: Path, _changed: int, called: str) -> dict[str, Any]:
    """Kept for as long as the file is as it was; whoever asks changes nothing in it."""
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContentError([f"{called}: {error}"]) from error


def _over(below: dict[str, Any], above: dict[str, Any], *, adds: bool) -> dict[str, Any]:
    """`below` with `above` laid over it, table by table."""
    replaced = {INSTEAD[key] for key in above if key in INSTEAD}
    merged = {key: value for key, value in below.items() if key not in replaced}
    for key, value in above.items():
        known = merged.get(key)
        if isinstance(known, dict) and isinstance(value, dict) and POINT not in value:
            merged[key] = _over(known, value, adds=adds)
        elif adds and isinstance(known, list) and isinstance(value, list):
            merged[key] = [*known, *value]
        else:
            merged[key] = value
    return merged
