"""APScheduler: the heartbeat, and the clinic's own calendar of housekeeping.

Nothing a patient waits for lives here: a lost tick costs a second. Each job is handed `now` from
the product's clock and does what is due by it, so that a moved clock moves everything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock
from storage import drafts, inbox, invitations, outgoing, questions
from storage.database import Database, Transaction

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1
CLEAN_UP_HOURS = 1


class Jobs:
    """Everything that happens by itself, apart from reminders."""

    def __init__(self, *, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        # A late job runs once, late; never twice at a time, and never dropped for being late.
        self._scheduler.configure(
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._wake = wake
        self._scheduler.add_job(self._beat, "interval", seconds=HEARTBEAT_SECONDS, id="heartbeat")
        self._scheduler.add_job(self.clean_up, "interval", hours=CLEAN_UP_HOURS, id="clean_up")

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    async def _beat(self) -> None:
        # A coroutine, so that it runs in the event loop; APScheduler puts functions into threads.
        self._wake()

    async def clean_up(self) -> None:
        """Forget what is long done: ids of updates and answers, forms, wrong tries at codes.

        A little at a time: nobody's message waits for it.
        """
        forgotten = 0
        while some := await self._database.run(_clean_up, self._clock.now()):
            forgotten += some
        log.info("jobs.clean_up", forgotten=forgotten)


def _clean_up(tx: Transaction, now: datetime) -> int:
    forget = (
        inbox.forget_handled,
        outgoing.forget_old,
        drafts.forget_old,
        invitations.forget_tries,
        questions.forget_old,
    )
    return sum(one(tx, now) for one in forget)
