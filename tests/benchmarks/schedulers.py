"""The usual way to send reminders: a job each, in PTB's JobQueue or in APScheduler's job store."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from telegram import Bot
from telegram.constants import ParseMode
from telegram.ext import Application, CallbackContext

from bot.clock import SystemClock
from storage.database import engine_url
from tests.benchmarks import filling
from tests.benchmarks.load import WARM_UP, Load, Sent
from tests.benchmarks.plain import ptb_bot
from tests.benchmarks.processes import Watch, all_of
from tests.benchmarks.waiting import put_jobs

ENDED = EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED
AHEAD = timedelta(seconds=2)
"""From when all jobs are in place to when all are due."""


class Run:
    """One run's bot and its places: a job store holds names of functions, so this is global."""

    def __init__(self, load: Load, bot: Bot) -> None:
        self.bot = bot
        self.texts = filling.texts()
        # Hundreds of jobs at once would each wait for a connection; in turn they are faster.
        self.places = asyncio.Semaphore(load.concurrency)
        self.left = load.count
        self.sent = 0
        self.ended = asyncio.Event()

    def one_ended(self, _event: Any) -> None:
        self.left -= 1
        if not self.left:
            self.ended.set()


_run: Run


async def send(n: int) -> None:
    """What a job does."""
    async with _run.places:
        text = _run.texts[n % len(_run.texts)]
        await _run.bot.send_message(n, text, parse_mode=ParseMode.HTML)
        _run.sent += 1


async def job_queue(load: Load) -> Sent:
    """PTB's JobQueue, `run_once` for each reminder, all due at one second."""
    bot = ptb_bot(load)
    application = Application.builder().bot(bot).updater(None).build()
    async with bot:
        await _begin(load, bot)
        jobs = application.job_queue
        assert jobs
        jobs.scheduler.add_listener(_run.one_ended, ENDED)
        due = SystemClock().now() + AHEAD
        for n in range(1, load.count + 1):
            jobs.run_once(_send_from_queue, due, data=n)
        await application.initialize()
        await jobs.start()
        sent = await _measured(due)
        await jobs.stop(wait=False)
        return sent


async def _send_from_queue(context: CallbackContext[Any, Any, Any, Any]) -> None:
    job = context.job
    assert job
    assert isinstance(job.data, int)
    await send(job.data)


async def apscheduler(load: Load) -> Sent:
    """APScheduler over SQLAlchemyJobStore, which drops what is over a second late."""
    return await _apscheduler(load, {})


async def apscheduler_patient(load: Load) -> Sent:
    """The same, told to run every job however late."""
    return await _apscheduler(load, {"misfire_grace_time": None})


async def _apscheduler(load: Load, defaults: dict[str, Any]) -> Sent:
    async with ptb_bot(load) as bot:
        await _begin(load, bot)
        scheduler = AsyncIOScheduler(timezone="UTC", job_defaults=defaults)
        store = SQLAlchemyJobStore(engine_url(load.database))
        scheduler.add_jobstore(store)
        scheduler.add_listener(_run.one_ended, ENDED)
        scheduler.start(paused=True)
        due = SystemClock().now() + AHEAD
        put_jobs(scheduler, store, send, [due] * load.count)
        scheduler.resume()
        sent = await _measured(due)
        scheduler.shutdown(wait=False)
        return sent


async def _begin(load: Load, bot: Bot) -> None:
    global _run  # noqa: PLW0603  a job store holds names of functions
    _run = Run(load, bot)
    await all_of(min(WARM_UP, load.count), load.concurrency, send)
    _run.sent = 0


async def _measured(due: datetime) -> Sent:
    """From the moment all are due: the event loop may be busy with finding them at once."""
    watch = Watch()
    await _run.ended.wait()
    seconds = (SystemClock().now() - due).total_seconds()
    return Sent(messages=_run.sent, seconds=seconds, cpu=watch.cpu())
