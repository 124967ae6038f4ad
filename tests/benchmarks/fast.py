"""Time that runs faster than the machine's, for a whole process alike.

The product's clock, every sleep and every timeout run `speed` times as fast, so rates, waits and
limits stand in their true proportions; only work does not: a commit of 2 ms seems to take 20 at
ten times. What is measured so is no better than it would be, rather worse.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any


class FastClock:
    """`start` at the machine's monotonic second `origin`; processes that share both agree."""

    def __init__(self, start: datetime, origin: float, speed: float) -> None:
        self._start, self._origin, self._speed = start, origin, speed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._origin) * self._speed)

    def monotonic(self) -> float:
        return time.monotonic() * self._speed


class _FastSelector(selectors.DefaultSelector):
    speed = 1.0

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout and timeout / self.speed)


class FastLoop(asyncio.SelectorEventLoop):
    def __init__(self, speed: float) -> None:
        self._speed = speed
        selector = _FastSelector()
        selector.speed = speed
        super().__init__(selector)

    def time(self) -> float:
        return super().time() * self._speed


def run(main: Coroutine[Any, Any, None], speed: float) -> None:
    """`asyncio.run` on such time."""
    with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
        runner.run(main)
