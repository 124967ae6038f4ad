"""Waiting for something to change, within one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine


class Changes:
    """Wakes all who wait whenever something changed; telling needs no await and loses nobody."""

    def __init__(self, *, within: Changes | None = None) -> None:
        """`within` is told of every change here too."""
        self._next = asyncio.Event()
        self._within = within
        self.count = 0

    def tell(self) -> None:
        """Something changed."""
        self.count += 1
        told, self._next = self._next, asyncio.Event()
        told.set()
        if self._within:
            self._within.tell()

    def wait(self) -> Coroutine[None, None, object]:
        """Until the next change after this call, even if it is awaited only later."""
        return self._next.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until a change after which the condition holds, or at once if it does."""
        while not condition():
            await self.wait()
