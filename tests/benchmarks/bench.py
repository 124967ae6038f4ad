"""What every benchmark is given: where to work, on which databases, and how large."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

from bot.clock import SystemClock
from tests.benchmarks.databases import Fill

Size = TypeVar("Size", int, float)


class Place(Protocol):
    """A kind of database."""

    name: str

    def filled(self, what: str, fill: Fill) -> str: ...

    def drop(self, url: str) -> None: ...


def _noon_tomorrow() -> datetime:
    tomorrow = SystemClock().now() + timedelta(days=1)
    return tomorrow.replace(hour=12, minute=0, second=0, microsecond=0)


@dataclass
class Bench:
    """One run. `smallest`: only to see that everything still works; `largest`: the largest too."""

    folder: Path
    places: list[Place]
    smallest: bool = False
    largest: bool = False
    noon: datetime = field(default_factory=_noon_tomorrow)
    """A moment ahead of the whole run, when people whose clock shows UTC are awake."""
    _numbers: count[int] = field(default_factory=count)

    @property
    def log(self) -> Path:
        """What the measured processes say."""
        return self.folder / "log"

    def new_log(self) -> Path:
        """A log of its own."""
        return self.folder / f"log{self.next_number()}"

    def size(self, usual: Size, least: Size) -> Size:
        """How many there are of something, or how long it lasts."""
        return least if self.smallest else usual

    def more_rows(self) -> list[int]:
        """Sizes of tables that are measured only by hand: they take minutes to fill."""
        return [10_000_000] if self.largest else []

    def rounds(self, usual: int) -> int:
        return 1 if self.smallest else usual

    def next_number(self) -> int:
        """For names that are new."""
        return next(self._numbers)
