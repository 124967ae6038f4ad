"""Stopping: what is on its way may come back, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

STOP_WITHIN = 5.0
"""Seconds for what is on its way; the whole process ends within ten."""
RECORD_WITHIN = 2.0
"""Seconds for writing down what came back."""


async def let_end(tasks: Collection[asyncio.Task[Any]], within: float = STOP_WITHIN) -> None:
    """Wait for the tasks as long as a stop may take, then cancel those that are left.

    What they had begun to write to the database is committed all the same.
    """
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=within)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
