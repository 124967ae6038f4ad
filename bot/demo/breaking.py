"""What the page can break in the simulated Telegram."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.simulator.faults import Fault, Faults

SLOW_SECONDS = 3.0
RETRY_AFTER = 5
"""Seconds."""

KINDS: Mapping[str, Callable[[Faults], Fault]] = {
    "down": lambda faults: faults.add("down"),
    "slow": lambda faults: faults.add("slow", method=None, times=None, seconds=SLOW_SECONDS),
    "too_many": lambda faults: faults.add("too_many_requests", times=None, retry_after=RETRY_AFTER),
}


class Breaking:
    """The faults that are on."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._on: dict[str, Fault] = {}

    def put(self, kind: str, *, on: bool) -> None:
        """Begin or end a fault. Raises ValueError for one that there is not."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}.")
        if on and kind not in self._on:
            self._on[kind] = KINDS[kind](self._faults)
        elif not on and kind in self._on:
            self._on.pop(kind).lift()

    def told(self) -> dict[str, bool]:
        """Which are on."""
        return {kind: kind in self._on for kind in KINDS}
