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
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.care.sessions import message_of, why_unwanted
from bot.care.values import Outgoing
from bot.clock import Clock
from bot.delivery.ending import let_end
from bot.delivery.outcome import Attempt, Outcome, Send, Unknown, Unreachable, doubt, to_record
from bot.delivery.pacing import Pacing
from content import schedule
from content.library import Library
from content.steps import Step
from storage import people, reminders
from storage.database import Database, Transaction
from storage.models import Patient, Reminder

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 1.0
"""Seconds; the wall clock is read anew after each, so a clock that jumps is noticed."""
GROUP_COMMIT = 0.005
"""Seconds in which outcomes gather to be recorded in one commit."""
LEASE = timedelta(seconds=60)
LOOKED_AT_ONCE = 50
"""Rows looked at in one transaction at the most: a long backlog never holds the writer."""
SLOT_SECONDS, LEAST_SLOTS, MOST_SLOTS = 0.05, 10, 64


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A claimed reminder, ready to be sent: its claim is committed."""

    attempt: Attempt
    message: Outgoing


@dataclass(frozen=True, kw_only=True)
class Haul:
    """What one look at the due rows gave."""

    errands: list[Errand]
    more: bool
    """There may be more due rows than were looked at."""


@dataclass(frozen=True)
class Wait:
    """Not now; look again at `until`."""

    until: datetime


@dataclass(frozen=True)
class GiveUp:
    """Never; `reason` is a key that is shown in words."""

    reason: str


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
        self._ended = asyncio.Event()
        self._ended.set()

    def wake(self) -> None:
        """Look now: something may have fallen due, or the clock has moved."""
        self._wake.set()

    async def recover(self) -> int:
        """At a start: whatever is `sending` was on its way when a process died. How many."""
        return await self._database.run(_orphans, self._library, self._clock.now())

    async def run(self) -> None:
        """Send what is due until `stop`."""
        self._ended.clear()
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    await self._turn()
                except Exception:
                    # The database may be locked or full: what is due stays due.
                    log.exception("dispatcher.turn_failed")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), timeout=self._pause())
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Claim nothing more and wait for what is on its way; what is not back then is unknown."""
        self._stopping = True
        self.wake()
        await self._ended.wait()  # a claim that is being made now is still sent
        await let_end(self._in_flight.values())
        await self._record()

    async def _turn(self) -> None:
        if self._finished:
            await asyncio.sleep(GROUP_COMMIT)
            await self._record()  # while outcomes cannot be stored, nothing more is claimed
        now = self._clock.monotonic()
        free = min(self._slots - len(self._in_flight), self._pacing.reminders_now(now))
        if free <= 0:
            return
        without = self._pacing.chats_not_ready(now) | set(self._answering()) | set(self._in_flight)
        haul = await self._database.run(
            take_due, self._library, self._clock.now(), limit=free, without=without
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
        return min(LONGEST_SLEEP, waits) if waits > 0 else LONGEST_SLEEP

    async def _deliver(self, errand: Errand) -> None:
        outcome: Outcome = Unknown()
        try:
            outcome = await self._send(errand.message, "reminder")
        except Exception:
            log.exception("dispatcher.send_failed", reminder=errand.attempt.id)
        finally:
            self._finished.append((errand, outcome))
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


def take_due(
    tx: Transaction, library: Library, now: datetime, *, limit: int, without: Collection[int]
) -> Haul:
    """Claim up to `limit` messages that can be sent now, none to the accounts `without`.

    One to an account: its next one goes when this one has gone. A row that cannot be made into a
    message is marked as failed; the others go on.
    """
    errands: list[Errand] = []
    busy = set(without)
    rows = reminders.due(tx, now, limit=LOOKED_AT_ONCE, without=without)
    for row, patient in rows:
        if len(errands) == limit:
            break
        if patient.account in busy:
            continue
        try:
            errand = _look_at(tx, library, row, patient, now)
        except Exception:  # whatever is wrong with one row stops that row only
            log.exception("reminder.unusable", reminder=row.id)
            row.state, row.reason, row.try_at = "failed", "unusable", None
            continue
        if errand:
            errands.append(errand)
            busy.add(errand.message.account)
    return Haul(errands=errands, more=len(rows) == LOOKED_AT_ONCE)


def _look_at(
    tx: Transaction, library: Library, row: Reminder, patient: Patient, now: datetime
) -> Errand | None:
    if row.attempts and (reason := why_unwanted(tx, library, row, patient)):
        row.state, row.reason, row.try_at = "skipped", reason, None
        return None
    match may_go(row, patient, library.step(row.step), now):
        case GiveUp(reason):
            row.state, row.reason, row.try_at = "skipped", reason, None
        case Wait(until):
            row.try_at = until
        case None:
            return _claim(tx, library, row, patient, now)
    return None


def may_go(row: Reminder, patient: Patient, step: Step, now: datetime) -> GiveUp | Wait | None:
    """Whether a due row is sent at `now`; None: yes. Stop and block are facts of the patient."""
    reasons = {
        "expired": row.expires_at <= now,
        "not_agreed": patient.agreed_at is None or patient.account is None,
        "stopped": patient.stopped == "everything",
        "tips_off": patient.stopped == "tips" and step.kind != "appointment",
        "unreachable": patient.unreachable_at is not None,
    }
    if reason := next((key for key, holds in reasons.items() if holds), None):
        return GiveUp(reason)
    morning = schedule.night_ends(now, ZoneInfo(patient.timezone))
    if morning and step.at_night != "send":
        return Wait(morning)
    return None


def _claim(
    tx: Transaction, library: Library, row: Reminder, patient: Patient, now: datetime
) -> Errand:
    message = message_of(tx, library, row, now)
    row.language, row.content_version = library.texts.known(patient.language), library.version
    reminders.claim(tx, row, lease_until=now + LEASE)
    return Errand(attempt=attempt_of(library, row), message=message)


def attempt_of(library: Library, row: Reminder) -> Attempt:
    """A row that is being sent."""
    return Attempt(
        id=row.id,
        fence=row.fence,
        attempts=row.attempts,
        expires_at=row.expires_at,
        if_unknown=library.step(row.step).if_unknown,
        doubted=row.doubted,
    )


def _record(tx: Transaction, batch: list[tuple[Errand, Outcome]], now: datetime) -> list[int]:
    for errand, outcome in batch:
        if isinstance(outcome, Unreachable):
            people.unreachable(tx, errand.message.account, now, outcome.why)
    return reminders.record(
        tx, [to_record(errand.attempt, outcome, now) for errand, outcome in batch]
    )


def _orphans(tx: Transaction, library: Library, now: datetime) -> int:
    rows = reminders.sending(tx)
    known = {step.key for step in library.steps}
    for row in rows:
        if row.step not in known:  # of another version of the content
            row.state, row.reason = "failed", "unusable"
    doubts = [doubt(attempt_of(library, row), now) for row in rows if row.step in known]
    reminders.record(tx, doubts)
    return len(rows)
