"""Who sends: the process that holds the lead; the others stand by and take over within seconds.

On SQLite there is one process only, which leads from its start.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from storage.database import AWAY, Database, NotLeading

log = structlog.get_logger(__name__)

EACH = 1.0
"""Seconds between two looks of those who stand by, and between two signs of life of the leader."""


async def stand_by(database: Database, stop: asyncio.Event) -> bool:
    """Wait until this process leads (True) or is to stop (False)."""
    said = False
    while not stop.is_set():
        try:
            if await database.take_lead():
                return True
            if not said:
                log.info("ready", standing_by=True)
                said = True
        except AWAY as error:
            log.warning("lead.database_away", problem=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EACH)
    return False


async def hold(database: Database) -> None:
    """Show signs of life for as long as this process leads. Raises NotLeading when it does not."""
    while True:
        await asyncio.sleep(EACH)
        if database.is_sqlite:
            continue
        try:
            await database.hold_lead()
        except NotLeading:
            raise
        except AWAY as error:
            log.warning("lead.database_away", problem=type(error).__name__)
