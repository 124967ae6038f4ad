"""The only reader of time. Below the shell every function takes `now` as a value."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is, for the product and for its pacing."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: for pacing and for waiting only."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  the one place

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class MovableClock:
    """The machine's clock, moved: the demo and the tests jump with it."""

    def __init__(self, start: datetime | None = None) -> None:
        """Begin at `start` (aware), or at the machine's time; from there it runs as usual."""
        self._system = SystemClock()
        self._offset = start - self._system.now() if start else timedelta()
        self._forward = 0.0

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the machine's clock."""
        return self._offset

    def now(self) -> datetime:
        """The moved moment, aware, in UTC."""
        return self._system.now() + self._offset

    def monotonic(self) -> float:
        """Seconds that never go back; a jump forward has passed for pacing as well."""
        return self._system.monotonic() + self._forward

    def move(self, by: timedelta) -> None:
        """Jump by `by` (it may be negative)."""
        self._offset += by
        self._forward += max(0.0, by.total_seconds())

    def move_to(self, moment: datetime) -> None:
        """Jump to `moment` (aware)."""
        self.move(moment - self.now())
