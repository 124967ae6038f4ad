"""Hands what is in the inbox to the handlers: chats side by side, in order within a chat."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from telegram import Update
from telegram.ext import Application

from bot.care.values import Desk
from bot.chat import arrival
from bot.clock import Clock
from bot.delivery.ending import let_end
from storage import inbox, outgoing
from storage.database import Database, Transaction

log = structlog.get_logger(__name__)

SET_ASIDE_AFTER = 3
SIDE_BY_SIDE = 16
"""Chats whose updates are worked on at once."""
PAUSE = 0.5
"""Seconds before an update that failed is tried again."""


class InboxWorker:
    """One task a chat that has updates waiting."""

    def __init__(
        self,
        *,
        application: Application[Any, Any, Any, Any, Any, Any],
        desk: Desk,
        database: Database,
        clock: Clock,
        failures: dict[int, BaseException],
        answered: Callable[[Sequence[int]], None],
    ) -> None:
        """`failures`: by update id, what the error handler saw; `answered`: told of new answers."""
        self._application = application
        self._desk = desk
        self._database = database
        self._clock = clock
        self._failures = failures
        self._answered = answered
        self._waiting: dict[int | None, deque[int]] = defaultdict(deque)
        self._tasks: dict[int | None, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)
        self._stopping = False

    async def recover(self) -> None:
        """At a start: take up what was stored and not handled."""
        self.arrived(await self._database.run(inbox.waiting))

    def arrived(self, rows: Sequence[tuple[int, int | None]]) -> None:
        """(arrival, chat) of updates that are in the inbox now."""
        for number, chat in rows:
            self._waiting[chat].append(number)
            if chat not in self._tasks and not self._stopping:
                self._tasks[chat] = asyncio.create_task(self._serve(chat))

    async def stop(self) -> None:
        """Finish the updates being worked on; the others stay in the inbox."""
        self._stopping = True
        await let_end(self._tasks.values())

    async def _serve(self, chat: int | None) -> None:
        waiting = self._waiting[chat]
        try:
            while waiting and not self._stopping:
                async with self._places:
                    await self._handle(waiting.popleft())
        finally:
            del self._tasks[chat]
            if not waiting:
                self._waiting.pop(chat, None)

    async def _handle(self, number: int) -> None:
        """Work on one update until it is done or set aside."""
        while not self._stopping:
            try:
                payload = await self._database.run(inbox.payload, number)
                if payload is None:
                    return
                problem = await self._try(payload)
                if problem is None:
                    return
                if await self._count(number, problem):
                    return
            except Exception:
                log.exception("inbox.store_failed", arrival=number)  # the row waits with us
            await asyncio.sleep(PAUSE)

    async def _try(self, payload: str) -> str | None:
        """Let the handlers have it once; the kind of what went wrong."""
        try:
            update = Update.de_json(json.loads(payload), self._application.bot)
            await self._application.process_update(update)
        except Exception as error:  # a malformed update: anything may be missing in it
            return type(error).__name__
        failure = self._failures.pop(update.update_id, None)
        return type(failure).__name__ if failure else None

    async def _count(self, number: int, problem: str) -> bool:
        """Count the failed try; True if the update is set aside, and its sender told."""
        account = await self._database.run(_failed, self._desk, number, problem, self._clock.now())
        if account is None:
            return False
        log.error("inbox.set_aside", arrival=number, problem=problem)
        self._answered([account] if account else [])
        return True


def _failed(tx: Transaction, desk: Desk, number: int, problem: str, now: datetime) -> int | None:
    """The account to be answered once it is set aside (0: nobody); None: it is tried again."""
    row = inbox.failed(tx, number, problem, tries=SET_ASIDE_AFTER, now=now)
    if row.state != "aside":
        return None
    if row.account is None or row.account < 0:
        return 0
    sorry = arrival.could_not_answer(desk, tx, row.account)
    outgoing.add(tx, [(row.account, sorry.dumps())], update_id=row.update_id, now=now)
    return row.account
