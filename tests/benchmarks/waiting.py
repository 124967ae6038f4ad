"""APScheduler with jobs of weeks ahead, and nothing else: how it starts.

python -m tests.benchmarks.waiting STORE JOBS      STORE: `memory`, or a file `put` has filled
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.job import Job as ScheduledJob
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from sqlalchemy import insert

from bot.clock import SystemClock

SPREAD = timedelta(days=28)
Job = Callable[[int], Awaitable[None]]


async def send(n: int) -> None:
    """What a job would do, were it ever due here."""


def moments(jobs: int) -> list[datetime]:
    """When the jobs are due: evenly over four weeks from tomorrow on."""
    since = SystemClock().now() + timedelta(days=1)
    return [since + n * (SPREAD / jobs) for n in range(jobs)]


def put(file: Path, jobs: int) -> None:
    """Fill a job store's file."""

    async def fill() -> None:
        scheduler = AsyncIOScheduler(timezone="UTC")
        store = SQLAlchemyJobStore(f"sqlite:///{file}")
        scheduler.add_jobstore(store)
        scheduler.start(paused=True)
        put_jobs(scheduler, store, send, moments(jobs))
        scheduler.shutdown(wait=False)

    asyncio.run(fill())


def put_jobs(scheduler: Any, store: SQLAlchemyJobStore, send: Job, due: list[datetime]) -> None:
    """The rows that `add_job` makes, in one transaction: one by one takes minutes."""
    rows = []
    for n, at in enumerate(due, 1):
        options = {
            "func": send,
            "args": (n,),
            "kwargs": {},
            "name": str(n),
            "trigger": DateTrigger(at, UTC),
            "executor": "default",
            "next_run_time": at,
            **scheduler._job_defaults,
        }
        state = ScheduledJob(scheduler, id=str(n), **options).__getstate__()
        row = {"id": str(n), "next_run_time": at.timestamp()}
        rows.append({**row, "job_state": pickle.dumps(state, store.pickle_protocol)})
    with store.engine.begin() as connection:
        connection.execute(insert(store.jobs_t), rows)


async def start(store: str, jobs: int) -> None:
    scheduler = AsyncIOScheduler(timezone="UTC")
    if store == "memory":
        for n, moment in enumerate(moments(jobs)):
            scheduler.add_job(send, "date", run_date=moment, args=(n,))
    else:
        scheduler.add_jobstore(SQLAlchemyJobStore(f"sqlite:///{store}"))
    scheduler.start()
    print("", "ready", "", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(start(sys.argv[1], int(sys.argv[2])))
