"""From a due row to a sent message.

What a crash can do, and what it cannot. A row is claimed only when its message is sent at once, and
the claim is committed before the first byte goes out. So if the process dies, at most the messages
that were on their way at that moment are in doubt: each of them may have arrived or not, and nobody
can find out, because Telegram has no way to ask. Such a row is `unknown`. Where its step says
`resend` it goes out once more 60 seconds after it was claimed, so a patient may read it twice;
where it says `hold` it does not, so a patient may miss it, and the clinic sees it. A message that
was not on its way is never lost, never doubled, and never comes after its time. A process that was
taken for dead and is not sends nothing more: it cannot claim, and what it has claimed and not
written by then it leaves.

    due rows -> chosen -> claimed (as many as may go now) -> sent -> outcome -> recorded, in batches
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

import structlog

from bot.care.sessions import Letters, why_unwanted
from bot.care.values import Outgoing
from bot.clock import Clock
from bot.delivery.choosing import TRIED_LATELY, Choice, choose, fits, never
from bot.delivery.ending import RECORD_WITHIN, STOP_WITHIN, let_end
from bot.delivery.outcome import (
    Attempt,
    Disowned,
    Line,
    Outcome,
    Retry,
    Sent,
    Unknown,
    Unreachable,
    backoff,
    doubt,
    to_record,
)
from bot.delivery.pacing import Pacing
from bot.delivery.silence import Silence
from bot.delivery.transmitter import Transmitter
from bot.metrics import Metrics
from content.library import Library
from storage import people, reminders
from storage.database import AWAY, Database, NotLeading, Transaction
from storage.models import Reminder
from storage.reminders import Claim, Due, LaterOrNever, Record

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 1.0
"""Seconds; the wall clock is read anew after each, so a clock that jumps is noticed."""
TURN_AGAIN = 5.0
"""Seconds at the most between two turns that fail: a disk may be full for hours."""
MORE_WHERE_DROPPED = (100, 100)
"""Patients looked at in the same transaction beyond those that may go, where rows are given up."""
GATHER = 0.02
"""Seconds that what came back waits for the rest of those sent with it."""
SLOT_SECONDS, LEAST_SLOTS, MOST_SLOTS = 0.05, 10, 64


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A message ready to be sent, for one row or several: their claim is committed."""

    attempts: Sequence[Attempt]
    message: Outgoing


@dataclass
class Haul:
    """What one look at the due rows gives."""

    errands: list[Errand] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    """Why rows were given up, one for each."""
    more: bool = False
    """There may be more due rows than were looked at."""
    next_at: datetime | None = None
    """When the next row falls due, of those that are not due yet."""


def slots_for(messages_per_second: float) -> int:
    """How many messages may be on their way at once."""
    return min(MOST_SLOTS, max(LEAST_SLOTS, round(messages_per_second * SLOT_SECONDS)))


class Dispatcher:
    """Sends what is due; in one process only, the one that leads."""

    def __init__(
        self,
        *,
        database: Database,
        library: Library,
        clock: Clock,
        pacing: Pacing,
        send: Line,
        slots: int,
        answering: Callable[[], Collection[int]],
        silence: Silence,
        metrics: Metrics,
        unrecorded: Sequence[tuple[Errand, Outcome]] = (),
    ) -> None:
        """`answering`: the accounts an answer waits for; their reminders come after it.

        `unrecorded`: what the one before could not write down while the database was away.
        """
        self._database = database
        self._library = library
        self._clock = clock
        self._pacing = pacing
        self._line = send
        self._transmit = Transmitter(send, silence, clock)
        self._slots = slots
        self._answering = answering
        self._metrics = metrics
        self._silence = silence
        self._wake = asyncio.Event()
        self._all_back = asyncio.Event()
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._finished = list(unrecorded)
        self._question: asyncio.Task[bool] | None = None
        self._looked = False
        self._next_at: datetime | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    def wake(self) -> None:
        """Look now: something may have fallen due, or the clock has moved."""
        self._wake.set()

    async def recover(self) -> int:
        """At a start: whatever is `sending` was on its way when a process died. How many."""
        return await self._database.run(orphans, self._library, self._clock.now())

    async def run(self) -> None:
        """Send what is due until `stop`.

        Raises NotLeading if another process does so by now, Disowned if the token was revoked.
        """
        self._ended.clear()
        try:
            failures = 0
            while not self._stopping.is_set():
                self._wake.clear()
                await self._gather()
                try:
                    await self._turn()
                    failures = 0
                except (NotLeading, Disowned):
                    raise
                except Exception:
                    # The database may be locked or full: what is due stays due.
                    log.exception("dispatcher.turn_failed")
                    failures += 1
                signal = self._stopping if failures else self._wake
                pause = min(TURN_AGAIN, backoff(failures)) if failures else self._pause()
                with suppress(TimeoutError):
                    await asyncio.wait_for(signal.wait(), timeout=pause)
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Claim nothing more and wait for what is on its way; what is not back then is unknown."""
        self._stopping.set()
        self.wake()
        if self._question:
            self._question.cancel()
        # A claim that is being made now is still sent, unless the database hangs over it.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), STOP_WITHIN)
        await let_end(self._in_flight.values())
        await let_end([asyncio.create_task(self._record_what_is_left())], RECORD_WITHIN)

    @property
    def unrecorded(self) -> Sequence[tuple[Errand, Outcome]]:
        """What came back and is not written down yet."""
        return tuple(self._finished)

    async def _gather(self) -> None:
        """Let those that come back together be written down together.

        A commit for thirty costs hardly more than one for the first of them.
        """
        if self._finished and self._in_flight:
            self._all_back.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_back.wait(), GATHER)

    async def _turn(self) -> None:
        """Record what came back and claim what may go, in one commit: both or neither.

        So nothing is claimed while outcomes cannot be stored.
        """
        self._ask_if_silent()
        now = self._clock.monotonic()
        free = min(self._slots - len(self._in_flight), self._pacing.reminders_now(now))
        free = self._silence.room(free, now)
        batch = list(self._finished)
        self._looked = free > 0
        if free <= 0 and not batch:
            return
        without = self._pacing.chats_not_ready(now) | set(self._answering()) | set(self._in_flight)
        haul = Haul()
        try:
            lost = await self._database.run(
                _record_and_take,
                self._library,
                batch,
                self._clock.now(),
                limit=free,
                without=without,
                haul=haul,
            )
        except Exception:
            # The commit may have succeeded all the same. Then these rows are ours and not sent; if
            # it has not, their fence says so, and nothing happens.
            self._finished += [(errand, Retry(0)) for errand in haul.errands]
            raise
        self._recorded(batch, lost)
        self._send_out(haul, now)

    def _send_out(self, haul: Haul, now: float) -> None:
        self._next_at = haul.next_at
        for reason in haul.dropped:
            self._metrics.skipped(reason)
        for errand in haul.errands:
            for attempt in errand.attempts:
                if attempt.doubted:
                    self._metrics.repeated()
            account = errand.message.account
            self._pacing.reminder_claimed(account, now)
            self._silence.goes(now)
            self._in_flight[account] = asyncio.create_task(self._deliver(errand, now))
        if haul.more and (haul.errands or haul.dropped):
            self.wake()

    def _ask_if_silent(self) -> None:
        """Ask Telegram whether it is there, beside everything else. Raises Disowned."""
        if self._question and self._question.done():
            question, self._question = self._question, None  # whatever it raises, once
            if question.result():
                self._silence.question_answered()
                log.info("dispatcher.telegram_answers_again")
        if self._question is None and self._silence.asks(self._clock.monotonic()):
            self._question = asyncio.create_task(self._line.is_heard())
            self._question.add_done_callback(lambda _: self.wake())

    def _pause(self) -> float:
        """Seconds until there is something to do, as far as is known now."""
        now = self._clock.monotonic()
        if len(self._in_flight) >= self._slots:
            return LONGEST_SLEEP  # a freed slot wakes
        waits = self._pacing.next_reminder_at(now) - now
        if waits > 0:
            return min(LONGEST_SLEEP, waits)
        if not self._looked:  # a place came free meanwhile
            return 0.0 if self._silence.room(1, now) else LONGEST_SLEEP
        if self._next_at is None:
            return LONGEST_SLEEP
        until_due = (self._next_at - self._clock.now()).total_seconds()
        return min(LONGEST_SLEEP, max(0.0, until_due))

    async def _deliver(self, errand: Errand, claimed: float) -> None:
        outcome: Outcome = Unknown()
        in_doubt = any(attempt.doubted for attempt in errand.attempts)
        held = any(attempt.if_unknown == "hold" for attempt in errand.attempts)
        try:
            outcome = await self._transmit(
                errand.message,
                "reminder",
                in_doubt=in_doubt,
                last_try=in_doubt or held,
                claimed=claimed,
            )
        finally:
            self._finished.append((errand, outcome))
            self._in_flight.pop(errand.message.account, None)
            if not self._in_flight:
                self._all_back.set()
            self.wake()

    async def _record_what_is_left(self) -> None:
        """At the end, for as long as it takes; also what came back after the lead was lost."""
        tries = 0
        while self._finished:
            batch = list(self._finished)
            try:
                lost = await self._database.run_without_lead(record, batch, self._clock.now())
                self._recorded(batch, lost)
            except AWAY:
                tries += 1
                await asyncio.sleep(min(1.0, backoff(tries)))

    def _recorded(self, batch: Sequence[tuple[Errand, Outcome]], lost: int) -> None:
        if not batch:
            return
        self._finished = self._finished[len(batch) :]
        now = self._clock.now()
        told: dict[str, list[int]] = defaultdict(list)
        for errand, outcome in batch:
            for attempt in errand.attempts:
                told[type(outcome).__name__.lower()].append(attempt.id)
                if isinstance(outcome, Sent):
                    self._metrics.lateness((now - attempt.expected_at).total_seconds())
        for name, ids in told.items():
            self._metrics.outcome("reminder", name, len(ids))
        log.info("reminders.recorded", lost=lost, **told)


def _record_and_take(
    tx: Transaction,
    library: Library,
    batch: Sequence[tuple[Errand, Outcome]],
    now: datetime,
    *,
    limit: int,
    without: Collection[int],
    haul: Haul,
) -> int:
    lost = record(tx, batch, now)
    if limit > 0:
        take_due(tx, library, now, limit=limit, without=without, haul=haul)
    return lost


def take_due(
    tx: Transaction,
    library: Library,
    now: datetime,
    *,
    limit: int,
    without: Collection[int],
    haul: Haul,
) -> None:
    """Claim up to `limit` messages that can be sent now, none to the accounts `without`.

    One to an account: its next one goes when this one has gone. A row that cannot be made into a
    message is marked as failed; the others go on. Where rows are only given up (expired in an
    outage, say), many more are looked at: that costs nothing Telegram limits.
    """
    busy = set(without)
    for size in (limit, *MORE_WHERE_DROPPED):
        dropped = len(haul.dropped)
        _take_some(tx, library, now, size=size, limit=limit, busy=busy, haul=haul)
        if not haul.more or len(haul.errands) == limit or len(haul.dropped) == dropped:
            break
    if not haul.more:  # else there is a next look anyway
        haul.next_at = reminders.next_due(tx, after=now)


def _take_some(
    tx: Transaction,
    library: Library,
    now: datetime,
    *,
    size: int,
    limit: int,
    busy: set[int],
    haul: Haul,
) -> None:
    patients, haul.more = reminders.patients_due(tx, now, limit=size, without=busy)
    if not patients:
        return
    rows = reminders.to_look_at(tx, patients, now, tried_since=now - TRIED_LATELY)
    rows.sort(key=lambda row: row.patient_id)  # stable: of one patient the first due stays first
    letters = Letters(tx, library, patients)
    looks: list[Look] = []
    places = limit - len(haul.errands)
    for _, of_one in groupby(rows, key=lambda row: row.patient_id):
        choice = choose(library, list(of_one), now)
        if places <= 0:
            choice = replace(choice, go=())  # no place is left for it: it stays due
        look = _look_at(tx, library, letters, choice, now)
        looks.append(look)
        places -= bool(look.go)
    rest = [it for look in looks for it in look.rest]
    reminders.put_off(tx, rest)
    reminders.claim(tx, [_claim(library, row) for look in looks for row in look.go], now)
    errands = [_errand(library, look, now) for look in looks if look.go]
    busy.update(errand.message.account for errand in errands)
    haul.errands += errands
    haul.dropped += [it.reason for it in rest if it.state == "skipped" and it.reason]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What comes of one patient's due rows: those that `go`, as one message of the `texts`."""

    go: list[Due]
    texts: list[str]
    rest: list[LaterOrNever]


def _look_at(
    tx: Transaction, library: Library, letters: Letters, choice: Choice, now: datetime
) -> Look:
    look = Look(go=[], texts=[], rest=list(choice.rest))
    for row in choice.go:
        try:
            if row.attempts and (reason := why_unwanted(tx, library, row)):
                look.rest.append(never(row, "skipped", reason))
                continue
            text = letters.text(row, now)
        except Exception:  # whatever is wrong with one row stops that row only
            log.exception("reminder.unusable", reminder=row.id)
            look.rest.append(never(row, "failed", "unusable"))
            continue
        if look.go and not fits(look.texts, text):
            break  # it stays due, and goes when this one has gone
        look.go.append(row)
        look.texts.append(text)
    return look


def _claim(library: Library, row: Due) -> Claim:
    return Claim(
        id=row.id,
        language=library.texts.known(row.language),
        content_version=library.version,
    )


def _errand(library: Library, look: Look, now: datetime) -> Errand:
    account = look.go[0].account
    if account is None:
        raise LookupError(f"reminder {look.go[0].id} has nobody to go to")
    return Errand(
        attempts=[
            attempt_of(library, row, fence=row.fence + 1, attempts=row.attempts + 1, tried_at=now)
            for row in look.go
        ],
        message=Outgoing(account=account, text="\n\n".join(look.texts)),
    )


def attempt_of(
    library: Library, row: Due | Reminder, *, fence: int, attempts: int, tried_at: datetime
) -> Attempt:
    """A row that is being sent."""
    return Attempt(
        id=row.id,
        fence=fence,
        attempts=attempts,
        # One that rightly waited, for the morning say, is not late; one tried again is.
        expected_at=row.due_at if row.attempts or row.try_at is None else row.try_at,
        tried_at=tried_at,
        expires_at=row.expires_at,
        if_unknown=library.step(row.step).if_unknown,
        doubted=row.doubted,
    )


def record(tx: Transaction, batch: Sequence[tuple[Errand, Outcome]], now: datetime) -> int:
    """Write down what became of claimed rows; how many of them were no longer ours."""
    lost = 0
    records: list[Record] = []
    for errand, outcome in batch:
        of_one = [to_record(attempt, outcome, now) for attempt in errand.attempts]
        if isinstance(outcome, Unreachable):
            # Said of the person only as long as it is the latest word: it may come late.
            stale = reminders.record(tx, of_one)
            lost += stale
            if not stale:
                people.unreachable(tx, errand.message.account, now, outcome.why)
        else:
            records += of_one
    return lost + reminders.record(tx, records)


def orphans(tx: Transaction, library: Library, now: datetime) -> int:
    """Judge what was on its way when a process died; how many rows that are."""
    rows = reminders.sending(tx)
    doubts = []
    for row in rows:
        if not library.has_step(row.step):  # of another version of the content
            row.state, row.reason = "failed", "unusable"
            continue
        attempt = attempt_of(
            library, row, fence=row.fence, attempts=row.attempts, tried_at=row.tried_at or now
        )
        doubts.append(doubt(attempt, now))
    tx.flush()
    reminders.record(tx, doubts)
    return len(rows)
