"""From a due row to a sent message.

What a crash can do, and what it cannot. A row is claimed only when its message is sent at once, and
the claim is committed before the first byte goes out. So if the process dies, at most the messages
that were on their way at that moment are in doubt: each of them may have arrived or not, and nobody
can find out, because Telegram has no way to ask. Such a row is `unknown`. Where its step says
`resend` it goes out once more after 60 seconds, so a patient may read it twice; where it says
`hold` it does not, so a patient may miss it, and the clinic sees it. A message that was not on its
way is never lost, never doubled, and never comes after its time.

    due rows -> claimed (as many as may go now) -> sent -> outcome -> recorded, in batches
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from bot.care import sending
from bot.care.sending import Attempt, Errand
from bot.clock import Clock
from bot.delivery.outcome import Outcome, Refused, Retry, Send, Sent, Unknown, Unreachable
from bot.delivery.pacing import Pacing
from content.library import Library
from storage import people, reminders
from storage.database import Database, Transaction
from storage.reminders import Record

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 1.0
"""Seconds; the wall clock is read anew after each, so a clock that jumps is noticed."""
GROUP_COMMIT = 0.005
"""Seconds in which outcomes gather to be recorded in one commit."""
REPEAT_UNKNOWN = timedelta(seconds=60)
BACKOFF_FIRST, BACKOFF_MOST = 2.0, 300.0
STOP_WITHIN = 10.0
SLOT_SECONDS, LEAST_SLOTS, MOST_SLOTS = 0.05, 10, 64


def slots_for(messages_per_second: float) -> int:
    """How many messages may be on their way at once."""
    return min(MOST_SLOTS, max(LEAST_SLOTS, round(messages_per_second * SLOT_SECONDS)))


class Dispatcher:
    """Sends what is due, one process only."""

    def __init__(
        self,
        *,
        database: Database,
        library: Library,
        clock: Clock,
        pacing: Pacing,
        send: Send,
        slots: int,
        answering: Callable[[], Collection[int]],
    ) -> None:
        """`answering`: the accounts an answer waits for; their reminders come after it."""
        self._database = database
        self._library = library
        self._clock = clock
        self._pacing = pacing
        self._send = send
        self._slots = slots
        self._answering = answering
        self._wake = asyncio.Event()
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._finished: list[tuple[Errand, Outcome]] = []
        self._recording = asyncio.Lock()
        self._stopping = False

    def wake(self) -> None:
        """Look now: something may have fallen due, or the clock has moved."""
        self._wake.set()

    async def recover(self) -> int:
        """At a start: whatever is `sending` was on its way when a process died. How many."""
        return await self._database.run(_orphans, self._library, self._clock.now())

    async def run(self) -> None:
        """Send what is due until `stop`."""
        while not self._stopping:
            self._wake.clear()
            try:
                await self._turn()
            except Exception:
                # The database may be locked or full: what is due stays due, and is looked at again.
                log.exception("dispatcher.turn_failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout=self._pause())

    async def stop(self) -> None:
        """Claim nothing more and wait for what is on its way; what is not back then is unknown."""
        self._stopping = True
        self.wake()
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight.values(), timeout=STOP_WITHIN - 2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._record()

    async def _turn(self) -> None:
        if self._finished:
            await self._record()  # while outcomes cannot be stored, nothing more is claimed
        now = self._clock.monotonic()
        free = min(self._slots - len(self._in_flight), self._pacing.reminders_now(now))
        if free <= 0:
            return
        without = self._pacing.chats_not_ready(now) | set(self._answering()) | set(self._in_flight)
        haul = await self._database.run(
            sending.take_due, self._library, self._clock.now(), limit=free, without=without
        )
        for errand in haul.errands:
            account = errand.message.account
            self._pacing.reminder_claimed(account, now)
            self._in_flight[account] = asyncio.create_task(self._deliver(errand))
        if haul.more:
            self.wake()

    def _pause(self) -> float:
        now = self._clock.monotonic()
        if len(self._in_flight) >= self._slots:
            return LONGEST_SLEEP  # a freed slot wakes
        waits = self._pacing.next_reminder_at(now) - now
        if waits > 0:
            return min(LONGEST_SLEEP, waits)
        return LONGEST_SLEEP if not self._in_flight else GROUP_COMMIT

    async def _deliver(self, errand: Errand) -> None:
        outcome: Outcome = Unknown()
        try:
            outcome = await self._send(errand.message, "reminder")
        finally:
            self._finished.append((errand, outcome))
        await asyncio.sleep(GROUP_COMMIT)
        try:
            await self._record()
        except Exception:
            log.exception("dispatcher.record_failed")  # kept, and tried again before the next claim
        finally:
            self._in_flight.pop(errand.message.account, None)
            self.wake()

    async def _record(self) -> None:
        """Write down all outcomes gathered so far in one commit."""
        async with self._recording:
            batch = list(self._finished)
            if not batch:
                return
            lost = await self._database.run(_record, batch, self._clock.now())
            self._finished = self._finished[len(batch) :]
        for errand, outcome in batch:
            log.info(
                "reminder.outcome",
                reminder=errand.attempt.id,
                outcome=type(outcome).__name__.lower(),
                lost=errand.attempt.id in lost,
            )


def _record(tx: Transaction, batch: list[tuple[Errand, Outcome]], now: datetime) -> list[int]:
    for errand, outcome in batch:
        if isinstance(outcome, Unreachable):
            people.unreachable(tx, errand.message.account, now, outcome.why)
    return reminders.record(
        tx, [to_record(errand.attempt, outcome, now) for errand, outcome in batch]
    )


def to_record(attempt: Attempt, outcome: Outcome, now: datetime) -> Record:
    """What is written down of one attempt."""
    match outcome:
        case Sent(message_id):
            return Record(
                id=attempt.id, fence=attempt.fence, state="sent", sent_at=now, message_id=message_id
            )
        case Retry(after):
            wait = timedelta(seconds=backoff(attempt.attempts) if after is None else after)
            return Record(id=attempt.id, fence=attempt.fence, state="scheduled", try_at=now + wait)
        case Unreachable(why):
            return Record(id=attempt.id, fence=attempt.fence, state="unreachable", reason=why)
        case Refused(why):
            return Record(id=attempt.id, fence=attempt.fence, state="failed", reason=why)
        case Unknown():
            return doubt(attempt, now)


def doubt(attempt: Attempt, now: datetime) -> Record:
    """It may have arrived: once more where its step says so and there is time, never twice."""
    again = now + REPEAT_UNKNOWN
    repeats = attempt.if_unknown == "resend" and not attempt.doubted and again < attempt.expires_at
    return Record(
        id=attempt.id,
        fence=attempt.fence,
        state="unknown",
        reason="repeats" if repeats else "not_repeated",
        try_at=again if repeats else None,
        doubted=True,
    )


def backoff(attempts: int) -> float:
    """Seconds before the next try: doubling from 2 s to 5 min, spread out."""
    most = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(attempts - 1, 10))
    return random.uniform(most / 2, most)  # noqa: S311  not a secret


def _orphans(tx: Transaction, library: Library, now: datetime) -> int:
    rows = reminders.sending(tx, lease_before=None)
    reminders.record(tx, [doubt(sending.attempt_of(library, row), now) for row in rows])
    return len(rows)
