"""What every benchmark is given: where to work, on which databases, and how large."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

from tests.benchmarks.databases import Fill

Size = TypeVar("Size", int, float)


class Place(Protocol):
    """A kind of database."""

    name: str

    def filled(self, what: str, fill: Fill) -> str: ...

    def drop(self, url: str) -> None: ...


@dataclass
class Bench:
    """One run. `smallest`: only to see that everything still works; `largest`: the largest too."""

    folder: Path
    places: list[Place]
    smallest: bool = False
    largest: bool = False
    _numbers: count[int] = field(default_factory=count)

    @property
    def log(self) -> Path:
        """What the measured processes say."""
        return self.folder / "log"

    def size(self, usual: Size, least: Size) -> Size:
        """How many there are of something, or how long it lasts."""
        return least if self.smallest else usual

    def rounds(self, usual: int) -> int:
        return 1 if self.smallest else usual

    def next_number(self) -> int:
        """For names that are new."""
        return next(self._numbers)
