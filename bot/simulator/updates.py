"""Updates as Telegram keeps them for a bot: numbered, for a day, until confirmed by an offset."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.simulator.errors import ApiError
from bot.simulator.waiting import Changes

KEPT = timedelta(hours=24)
CALLBACK_KEPT = timedelta(seconds=150)
_ASKED_FOR = {"chat_member", "message_reaction", "message_reaction_count"}
_TERMINATED = "terminated by {by}"
OTHER_REQUEST = "other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_SET = "setWebhook request"


@dataclass(frozen=True, kw_only=True)
class Update:
    id: int
    kind: str
    content: dict[str, Any]
    created: datetime

    def as_json(self) -> dict[str, Any]:
        return {"update_id": self.id, self.kind: self.content}

    def is_kept(self, now: datetime) -> bool:
        kept = CALLBACK_KEPT if self.kind == "callback_query" else KEPT
        return now - self.created < kept


class Updates:
    """The queue of one bot, and the one long poll that may wait on it."""

    def __init__(self, *, clock: Clock, first_id: int, activity: Changes) -> None:
        self._clock = clock
        self._next_id = first_id
        self._pending: deque[Update] = deque()
        self._poller: asyncio.Task[object] | None = None
        self._ended_by = OTHER_REQUEST
        self._activity = activity
        self._added = Changes()
        self.allowed: tuple[str, ...] = ()

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Keep an update, if its kind is one the bot asked for."""
        if kind not in self.allowed if self.allowed else kind in _ASKED_FOR:
            return
        now = self._clock.now()
        self._pending.append(Update(id=self._next_id, kind=kind, content=content, created=now))
        self._next_id += 1
        self._added.tell()

    def pending(self) -> list[Update]:
        """What is still kept, oldest first."""
        now = self._clock.now()
        self._pending = deque(one for one in self._pending if one.is_kept(now))
        return list(self._pending)

    def confirm(self, offset: int) -> None:
        """Forget all before `offset`; a negative one keeps only that many of the last."""
        if offset < 0:
            pending = self.pending()
            offset = pending[offset].id if len(pending) >= -offset else 0
        while self._pending and self._pending[0].id < offset:
            self._pending.popleft()

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Only these kinds from now on; None leaves it as it was, empty means the usual ones."""
        if kinds is not None:
            self.allowed = tuple(kinds)

    def drop_all(self) -> None:
        """Forget everything, as `drop_pending_updates` does."""
        self._pending.clear()

    async def poll(self, *, limit: int, timeout_seconds: float) -> list[Update]:
        """Up to `limit` updates, waiting for the first. Raises ApiError 409 when superseded."""
        self.end_poll(OTHER_REQUEST)
        if self.pending() or timeout_seconds <= 0:
            return self.pending()[:limit]
        waiting = asyncio.create_task(self._added.wait())
        self._poller = waiting
        self._activity.tell()
        try:
            await asyncio.wait([waiting], timeout=timeout_seconds)
            if self._poller is not waiting:
                raise ApiError(_TERMINATED.format(by=self._ended_by), code=409)
            self._poller = None
        finally:
            waiting.cancel()
        return self.pending()[:limit]

    @property
    def is_polled(self) -> bool:
        """Whether a long poll waits right now."""
        return self._poller is not None

    def end_poll(self, by: str) -> None:
        """End the long poll that waits, if one does; it is answered 409."""
        if self._poller is not None:
            self._poller.cancel()
            self._poller = None
            self._ended_by = by
