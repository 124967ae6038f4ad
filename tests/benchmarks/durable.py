"""Sending as the product does it: claim, check, render, send over HTTP, record."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlmodel import func, select

import content.library
from bot import logs
from bot.app import settle_memory
from bot.care.values import Outgoing
from bot.chat.connection import AnyBot, telegram_bot
from bot.chat.limiter import Limiter
from bot.chat.request import AiohttpRequest
from bot.chat.sender import Sender
from bot.clock import MovableClock
from bot.delivery.dispatcher import Dispatcher
from bot.delivery.outcome import Kind, Outcome
from bot.delivery.pacing import Pacing
from bot.delivery.silence import Silence
from bot.metrics import Metrics
from storage.database import Database, Transaction
from storage.models import Reminder
from tests.benchmarks.filling import NOON
from tests.benchmarks.load import WARM_UP, Load, Sent
from tests.benchmarks.processes import Watch
from tests.benchmarks.sink import TOKEN

UNPACED = 100_000.0
"""Reminders a second: pacing does its work and never waits."""
FIRST_DUE = NOON
THEN_DUE = NOON + timedelta(minutes=10)
PROFILED = 25
"""Lines of a profile: by own time, and of our own rooms by all that is called in them."""
OURS = r"/(bot|content|storage)/"


class Counting(Sender):
    """The product's sender, which tells when so many messages are through."""

    def __init__(self, bot: AnyBot) -> None:
        super().__init__(bot)
        self._left = 0
        self._done = asyncio.Event()

    def expect(self, count: int) -> None:
        self._left = count
        self._done.clear()

    async def all_through(self) -> None:
        await self._done.wait()

    async def __call__(self, message: Outgoing, kind: Kind) -> Outcome:
        outcome = await super().__call__(message, kind)
        self._left -= 1
        if not self._left:
            self._done.set()
        return outcome


@asynccontextmanager
async def wired(
    load: Load, clock: MovableClock
) -> AsyncIterator[tuple[Database, Counting, Dispatcher]]:
    """The sending half of `bot.app`, joined as it joins it."""
    database, metrics, pacing = Database(load.database, leads=True), Metrics(), Pacing(UNPACED)
    bot = telegram_bot(TOKEN, load.url, AiohttpRequest(), Limiter(pacing, clock, metrics))
    send = Counting(bot)
    dispatcher = Dispatcher(
        database=database,
        library=content.library.load(),
        clock=clock,
        pacing=pacing,
        send=send,
        slots=load.concurrency,
        answering=list,
        silence=Silence(),
        metrics=metrics,
    )
    try:
        await database.take_lead()
        async with bot:
            yield database, send, dispatcher
    finally:
        await asyncio.to_thread(database.close)


async def durable(load: Load) -> Sent:
    """All that is due, until the last outcome is committed. Raises if one row is not `sent`."""
    logs.configure("info", "text")
    clock = MovableClock(FIRST_DUE + timedelta(seconds=1))
    async with wired(load, clock) as (database, send, dispatcher):
        settle_memory()
        send.expect(min(WARM_UP, load.count))
        running = asyncio.create_task(dispatcher.run())
        await send.all_through()
        send.expect(load.count)
        profiler = await _profiling(load, database)
        watch = Watch()
        clock.move_to(THEN_DUE)
        dispatcher.wake()
        await send.all_through()
        await dispatcher.stop()
        sent = Sent(messages=load.count, seconds=watch.seconds(), cpu=watch.cpu())
        await _print_profile(load, database, profiler)
        await running
        states = await database.run(_states)
    if set(states) != {"sent"}:
        raise RuntimeError(f"not all were sent: {states}")
    return sent


def _states(tx: Transaction) -> dict[str, int]:
    found = tx.exec(select(Reminder.state, func.count()).group_by(Reminder.state)).all()
    return dict(found)


async def _profiling(load: Load, database: Database) -> cProfile.Profile:
    profiler = cProfile.Profile()
    if load.profile:
        await _where(load, database, profiler.enable)
    return profiler


async def _print_profile(load: Load, database: Database, profiler: cProfile.Profile) -> None:
    if load.profile:
        await _where(load, database, profiler.disable)
        told = pstats.Stats(profiler)
        told.sort_stats("tottime").print_stats(PROFILED)
        told.sort_stats("cumulative").print_stats(OURS, PROFILED)


async def _where(load: Load, database: Database, switch: Callable[[], None]) -> None:
    """A profiler sees the thread in which it is switched on."""
    if load.profile == "storage":
        await database.run(lambda _tx: switch())
    else:
        switch()
