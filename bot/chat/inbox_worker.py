"""Hands what is in the inbox to the handlers: chats side by side, in order within a chat."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from telegram import Update
from telegram.ext import Application

from bot.care.values import Desk
from bot.chat import arrival
from bot.clock import Clock
from bot.delivery.ending import let_end
from bot.metrics import Metrics
from storage import inbox, outgoing
from storage.database import AWAY, Database, NotLeading, Transaction

log = structlog.get_logger(__name__)

Row = tuple[int, int | None, str]
"""(arrival, chat, payload) of an update in the inbox."""

SET_ASIDE_AFTER = 3
SIDE_BY_SIDE = 16
"""Chats whose updates are worked on at once."""
LOOKED_AT_ONCE = 200
"""Updates taken from the inbox at a time; the others wait there."""
OF_ONE_CHAT = 10
"""Updates of one chat held in memory at the most, so that it shuts nobody else out."""
LOOK_EACH = 1.0
"""Seconds; whoever stores updates also says so, but a word may be lost."""
PAUSE = 0.5
"""Seconds before an update that failed is tried again."""
AWAY_MOST = 20
"""Times that the database may fail under one update before that counts against the update."""


class InboxWorker:
    """Looks into the inbox; one task a chat that has updates waiting."""

    def __init__(
        self,
        *,
        application: Application[Any, Any, Any, Any, Any, Any],
        desk: Desk,
        database: Database,
        clock: Clock,
        failures: dict[int, BaseException],
        answered: Callable[[Sequence[int]], None],
        metrics: Metrics,
    ) -> None:
        """`failures`: by update id, what the error handler saw; `answered`: told of new answers."""
        self._application = application
        self._desk = desk
        self._database = database
        self._clock = clock
        self._failures = failures
        self._answered = answered
        self._metrics = metrics
        self._held: set[int] = set()
        self._waiting: dict[int | None, deque[Row]] = defaultdict(deque)
        self._tasks: dict[int | None, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)
        self._wake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """There may be something new."""
        self._wake.set()

    async def run(self) -> None:
        """Work on what comes until `stop`. Raises NotLeading if another process does so by now."""
        while not self._stopping:
            self._wake.clear()
            try:
                full = [chat for chat, held in self._waiting.items() if len(held) >= OF_ONE_CHAT]
                without = [chat for chat in full if chat is not None]
                rows = await self._database.run(inbox.waiting, LOOKED_AT_ONCE, without=without)
                self._take_up(rows)
            except NotLeading:
                raise
            except Exception:
                log.exception("inbox.not_read")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EACH)

    def _take_up(self, rows: Sequence[Row]) -> None:
        for row in rows:
            number, chat, _ = row
            waiting = self._waiting[chat]
            if number in self._held or self._stopping or len(waiting) >= OF_ONE_CHAT:
                continue
            self._held.add(number)
            waiting.append(row)
            if chat not in self._tasks:
                self._tasks[chat] = asyncio.create_task(self._serve(chat))

    async def stop(self) -> None:
        """Finish the updates being worked on; the others stay in the inbox."""
        self._stopping = True
        self.wake()
        await let_end(self._tasks.values())

    async def _serve(self, chat: int | None) -> None:
        waiting = self._waiting[chat]
        try:
            while waiting and not self._stopping:
                row = waiting.popleft()
                async with self._places:
                    await self._handle(row)
                self._held.discard(row[0])
                if len(waiting) == OF_ONE_CHAT // 2 or len(self._held) == LOOKED_AT_ONCE // 2:
                    self.wake()  # others may come in
        except NotLeading:
            log.info("inbox.left_to_the_leader")
        finally:
            del self._tasks[chat]
            self._held.difference_update(number for number, _, _ in waiting)
            del self._waiting[chat]

    async def _handle(self, row: Row) -> None:
        """Work on one update until it is done or set aside. Raises NotLeading."""
        number, _, payload = row
        away = 0
        while not self._stopping:
            problem = await self._try(payload)
            if problem is None:
                return
            if isinstance(problem, NotLeading):
                raise problem
            if isinstance(problem, AWAY) and away < AWAY_MOST:
                away += 1  # no fault of the update's: that try does not count
            elif await self._count(number, type(problem).__name__):
                return
            await asyncio.sleep(PAUSE)

    async def _try(self, payload: str) -> BaseException | None:
        """Let the handlers have it once; what went wrong."""
        try:
            update = Update.de_json(json.loads(payload), self._application.bot)
            await self._application.process_update(update)
        except Exception as error:  # a malformed update: anything may be missing in it
            return error
        return self._failures.pop(update.update_id, None)

    async def _count(self, number: int, problem: str) -> bool:
        """Count the failed try; True if the update is set aside, and its sender told."""
        try:
            now = self._clock.now()
            account = await self._database.run(_failed, self._desk, number, problem, now)
        except NotLeading:
            raise
        except Exception:
            log.exception("inbox.not_counted", arrival=number)  # the row waits with us
            return False
        if account is None:
            return False
        log.error("inbox.set_aside", arrival=number, problem=problem)
        self._metrics.set_aside()
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
