"""Fetches updates and keeps them: Telegram is told to forget a batch only when it is stored.

PTB's own Updater moves on when an update is queued, not when it is safe, so it is not used.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import structlog
from telegram.error import Conflict, RetryAfter, TelegramError

from bot.chat.connection import ALLOWED, AnyBot, host_of, is_wrong_token, why_not
from bot.chat.limiter import seconds
from bot.chat.request import AiohttpRequest
from bot.clock import Clock
from bot.metrics import Metrics
from bot.updates import as_row
from storage import inbox
from storage.database import Database, NotLeading

log = structlog.get_logger(__name__)

LONG_POLL = 25
"""Seconds Telegram may hold an empty answer back."""
GRACE = 10
"""Seconds beyond that before the connection counts as dead."""
PAUSE_FIRST, PAUSE_MOST = 1.0, 30.0


class Poll:
    """Long polling into the inbox."""

    def __init__(
        self,
        *,
        bot: AnyBot,
        request: AiohttpRequest,
        database: Database,
        clock: Clock,
        arrived: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        """`request`: a connection of its own; `arrived`: told that something was stored."""
        self._bot = bot
        self._request = request
        self._database = database
        self._clock = clock
        self._arrived = arrived
        self._metrics = metrics
        self._offset: int | None = None  # none at a start: ids may begin anew after a quiet week

    async def run(self) -> None:
        """Fetch until cancelled. Raises WrongToken, NotLeading."""
        failures = 0
        while True:
            try:
                await self._fetch()
                failures = 0
            except NotLeading:
                raise
            except RetryAfter as error:
                await asyncio.sleep(seconds(error))
            except Conflict:
                log.warning("poll.conflict", hint="another program fetches this bot's updates")
                failures += 1
            except TelegramError as error:
                if is_wrong_token(error):
                    raise
                log.warning("poll.failed", host=host_of(self._bot), problem=why_not(error))
                failures += 1
            except Exception:
                # The store. The offset has not moved: the batch is fetched again.
                log.exception("poll.not_stored")
                self._metrics.store_failed()
                failures += 1
            if failures:
                await asyncio.sleep(min(PAUSE_MOST, PAUSE_FIRST * 2 ** min(failures - 1, 5)))

    async def _fetch(self) -> None:
        parameters = {"timeout": str(LONG_POLL), "allowed_updates": json.dumps(ALLOWED)}
        if self._offset is not None:
            parameters["offset"] = str(self._offset)
        # As raw JSON, each update apart: one that cannot be read must not stop the others.
        result = await self._request.call(
            f"{self._bot.base_url}/getUpdates", parameters, seconds=LONG_POLL + GRACE
        )
        self._metrics.polled(self._clock.now())
        rows = [row for row in map(as_row, result) if row]
        if len(rows) < len(result):
            log.error("poll.not_an_update", count=len(result) - len(rows))
        if not rows:
            if result:
                await asyncio.sleep(PAUSE_FIRST)  # nothing can be confirmed: it comes again at once
            return
        stored = await self._database.run(inbox.store, rows, self._clock.now())
        self._offset = max(update_id for update_id, _, _ in rows) + 1
        self._metrics.received(len(stored))
        self._arrived()
