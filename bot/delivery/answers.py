"""Sends the answers that were committed with what they tell of: in order within a chat, retried.

An answer may come twice (it was on its way when the process died, or no reply came), an effect
never: the effect is in the transaction that wrote the row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.care.values import Outgoing
from bot.clock import Clock
from bot.delivery.ending import let_end
from bot.delivery.outcome import (
    Line,
    Outcome,
    Refused,
    Retry,
    Sent,
    Unknown,
    Unreachable,
    backoff,
)
from bot.delivery.pacing import Pacing
from bot.delivery.silence import Silence
from bot.delivery.transmitter import Transmitter
from bot.metrics import Metrics
from storage import outgoing, people
from storage.database import Database, NotLeading, Transaction
from storage.models import OutgoingRow
from storage.outgoing import Claimed

log = structlog.get_logger(__name__)

Unheard = Callable[[Transaction, int], Outgoing | None]

SIDE_BY_SIDE = 64
"""Chats answered at once: after an outage thousands wait, and what is claimed is to go soon."""
LOOK_AGAIN = 1.0
"""Seconds between two looks whether Telegram speaks again (the dispatcher asks it), or lets us."""
RECORD_AGAIN = 2.0
"""Seconds at the most between two tries to write something down: what follows waits for it."""
REPEAT_UNKNOWN, REPEAT_MOST = 15.0, 300.0
"""Seconds before an answer that may have arrived goes out once more, doubling: somebody waits, yet
what cut it off must have time to pass."""
ALARMS_TRIED_FOR = timedelta(hours=1)
"""So long after it was raised an alarm in doubt is tried again: a double costs staff a glance, and
one that is missing may cost a patient more."""


class Answers:
    """One task a chat that has answers waiting."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        send: Line,
        too_late: Callable[[Transaction, int], Outgoing],
        unheard: Unheard,
        pacing: Pacing,
        silence: Silence,
        metrics: Metrics,
    ) -> None:
        """What is said when something did not arrive.

        `too_late`: to an account whose answers could not be sent in time; `unheard`: to the patient
        of an alert that reached nobody on the team.
        """
        self._database = database
        self._clock = clock
        self._transmit = Transmitter(send, silence, clock)
        self._too_late = too_late
        self._unheard = unheard
        self._pacing = pacing
        self._silence = silence
        self._metrics = metrics
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)
        self._chats: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        self._stopping = asyncio.Event()

    def waiting(self) -> Collection[int]:
        """The accounts an answer is on its way to."""
        return self._chats.keys()

    def notify(self, accounts: Iterable[int]) -> None:
        """There are new answers for these accounts."""
        for account in set(accounts):
            if self._stopping.is_set():
                return
            if account in self._chats:
                self._again.add(account)
            else:
                self._chats[account] = asyncio.create_task(self._serve(account))

    async def recover(self) -> None:
        """At a start: take up what was not sent, and what was on its way, once more."""
        await self._database.run(_orphans, self._unheard, self._clock.now())
        self.notify(await self._database.run(outgoing.accounts_waiting))

    async def stop(self) -> None:
        """Let what is on its way come back; what is not sent yet stays a row."""
        self._stopping.set()
        await let_end(self._chats.values())

    async def _serve(self, account: int) -> None:
        failures = 0
        try:
            while not self._stopping.is_set():
                if not self._may_go(account):
                    await self._sleep(LOOK_AGAIN)
                    continue
                try:
                    async with self._places:
                        pause = await self._one(account, failures)
                except NotLeading:
                    self._silence.stays()
                    return  # whoever leads now takes it up
                except Exception:
                    # The database: the row is there, and is looked at again.
                    self._silence.stays()
                    log.exception("answers.failed")
                    pause = min(RECORD_AGAIN, backoff(failures + 1))
                if pause is None:
                    return
                failures = failures + 1 if pause else 0
                await self._sleep(pause)
        finally:
            del self._chats[account]
            if account in self._again:
                self._again.discard(account)
                self.notify([account])

    def _may_go(self, account: int) -> bool:
        """Before the claim: what is claimed is to go at once."""
        now = self._clock.monotonic()
        if self._pacing.held_for(account, now) or not self._silence.room(1, now):
            return False
        self._silence.goes(now)
        return True

    async def _one(self, account: int, failures: int) -> float | None:
        """Send the oldest open answer; the seconds to wait before the next, None: none left."""
        begun = self._clock.monotonic()
        claimed, also = await self._database.run(
            _claim, account, self._too_late, self._unheard, self._clock.now()
        )
        self.notify(also)
        if claimed is None:
            self._silence.stays()
            return None
        outcome = await self._try(claimed, begun)
        await self._record(claimed, outcome)
        self._metrics.outcome("answer", type(outcome).__name__.lower())
        log.info("answer.outcome", answer=claimed.id, outcome=type(outcome).__name__.lower())
        match outcome:
            case Retry(after):
                return backoff(failures + 1) if after is None else after
            case Unknown() if not claimed.doubted or claimed.alert_id is not None:
                return min(REPEAT_MOST, REPEAT_UNKNOWN * float(2 ** min(failures, 10)))
        return 0

    async def _try(self, claimed: Claimed, begun: float) -> Outcome:
        try:
            message = Outgoing.loads(claimed.payload)
        except Exception as error:  # of a version that is not ours
            log.error("answers.unusable", answer=claimed.id, problem=type(error).__name__)
            self._silence.stays()
            return Refused("unusable")
        doubted = claimed.doubted
        return await self._transmit(
            message, "answer", in_doubt=doubted, last_try=doubted, claimed=begun
        )

    async def _record(self, claimed: Claimed, outcome: Outcome) -> None:
        """Write down what became of it, for as long as it takes: until then nothing follows it."""
        tries = 0
        while True:
            try:
                self.notify(
                    await self._database.run_without_lead(
                        _record, claimed, outcome, self._unheard, self._clock.now()
                    )
                )
                return
            except Exception:
                log.exception("answers.not_recorded", answer=claimed.id)
                tries += 1
                if self._stopping.is_set():
                    return  # still `sending`: the next start sends it once more
                await self._sleep(min(RECORD_AGAIN, backoff(tries)))

    async def _sleep(self, seconds: float) -> None:
        if seconds:
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds)
            except TimeoutError:
                return


def _claim(
    tx: Transaction,
    account: int,
    too_late: Callable[[Transaction, int], Outgoing],
    unheard: Unheard,
    now: datetime,
) -> tuple[Claimed | None, Sequence[int]]:
    """The next answer; after those that came to nothing, a word about them, and to whom else."""
    late = outgoing.give_up_late(tx, account, now)
    if any(row.update_id is not None and row.alert_id is None for row in late):
        sorry = (account, too_late(tx, account).dumps())
        outgoing.add(tx, [sorry], update_id=None, now=now)
    also = _tell_unheard(tx, late, unheard, now)
    return outgoing.claim(tx, account), also


def _orphans(tx: Transaction, unheard: Unheard, now: datetime) -> None:
    _tell_unheard(tx, outgoing.orphans(tx), unheard, now)


def _try_alarm_anew(tx: Transaction, claimed: Claimed, now: datetime) -> None:
    """An alarm that came to nothing twice goes on as a row of its own, belonging to no update:
    the patient is told of the first, once.
    """  # noqa: D205
    raised_at = tx.get_one(OutgoingRow, claimed.id).created_at
    if claimed.alert_id is not None and now - raised_at < ALARMS_TRIED_FOR:
        outgoing.add(
            tx,
            [(claimed.account, claimed.payload)],
            update_id=None,
            now=raised_at,
            good_for=outgoing.GOOD_FOR_OTHERS,
            alert_id=claimed.alert_id,
        )


def _tell_unheard(
    tx: Transaction, given_up: Iterable[OutgoingRow], unheard: Unheard, now: datetime
) -> list[int]:
    """Tell the patients whose alarm reached nobody now that these are given up; their accounts."""
    tx.flush()
    of_updates = (it for it in given_up if it.update_id is not None)
    rows = {(it.alert_id, it.update_id): it.id for it in of_updates if it.alert_id is not None}
    told = []
    for (alert_id, _), row_id in rows.items():
        said = None if outgoing.has_hope(tx, row_id) else unheard(tx, alert_id)
        if said is not None:
            row = (said.account, said.dumps())
            outgoing.add(tx, [row], update_id=None, now=now, good_for=outgoing.GOOD_FOR_OTHERS)
            told.append(said.account)
    return told


def _record(
    tx: Transaction, claimed: Claimed, outcome: Outcome, unheard: Unheard, now: datetime
) -> Sequence[int]:
    """Write the outcome down; the accounts that something new is for."""
    match outcome:
        case Sent(message_id):
            outgoing.finish(tx, claimed, "sent", message_id=message_id)
            return []
        case Retry():
            outgoing.release(tx, claimed, doubted=False)
            return []
        case Unknown() if not claimed.doubted:
            outgoing.release(tx, claimed, doubted=True)
            return []
        case Unknown():
            given_up = outgoing.finish(tx, claimed, "unknown")
            if given_up:
                _try_alarm_anew(tx, claimed, now)
        case Unreachable(why):
            people.unreachable(tx, claimed.account, now, why)
            given_up = outgoing.finish(tx, claimed, "unreachable", reason=why)
        case Refused(why):
            given_up = outgoing.finish(tx, claimed, "failed", reason=why)
    rows = [tx.get_one(OutgoingRow, claimed.id)] if given_up else []
    return _tell_unheard(tx, rows, unheard, now)
