"""Sends the answers that were committed with what they tell of: in order within a chat, retried.

An answer may come twice (it was on its way when the process died, or no reply came), an effect
never: the effect is in the transaction that wrote the row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

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
REPEAT_UNKNOWN, REPEAT_MOST = 15.0, 60.0
"""Seconds before an answer that may have arrived goes out once more, doubling: somebody waits, yet
what cut it off must have time to pass."""


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
                try:
                    async with self._places:
                        if may_go := self._may_go(account):
                            pause, failures = await self._one(account, failures)
                    if not may_go:
                        await self._sleep(LOOK_AGAIN)
                        continue
                except NotLeading:
                    self._silence.stays()
                    return  # whoever leads now takes it up
                except Exception:
                    # The database: the row is there, and is looked at again.
                    self._silence.stays()
                    log.exception("answers.failed")
                    failures += 1
                    pause = min(RECORD_AGAIN, backoff(failures))
                if pause is None:
                    return
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

    async def _one(self, account: int, failures: int) -> tuple[float | None, int]:
        """Send the next open answer, after so many failures in a row.

        The seconds to wait before the one after it, None: none left; and the failures by then.
        """
        begun = self._clock.monotonic()
        claimed, also = await self._database.run(
            _claim, account, self._too_late, self._unheard, self._clock.now()
        )
        self.notify(also)
        if claimed is None:
            self._silence.stays()
            return None, 0
        outcome = await self._try(claimed, begun)
        goes_on = await self._record(claimed, outcome)
        self._metrics.outcome("answer", type(outcome).__name__.lower())
        log.info("answer.outcome", answer=claimed.id, outcome=type(outcome).__name__.lower())
        match outcome:
            case Retry(None):
                return backoff(failures + 1), failures + 1
            case Retry(after):
                return after, failures
            case Unknown() if goes_on:
                pause = REPEAT_UNKNOWN * 2 ** min(failures, 10)
                return min(REPEAT_MOST, pause), failures + 1
        return 0, 0

    async def _try(self, claimed: Claimed, begun: float) -> Outcome:
        try:
            message = Outgoing.loads(claimed.payload)
        except Exception as error:  # of a version that is not ours
            log.error("answers.unusable", answer=claimed.id, problem=type(error).__name__)
            self._silence.stays()
            return Refused("unusable")
        is_last = claimed.doubted and claimed.alert_id is None
        return await self._transmit(
            message, "answer", in_doubt=claimed.doubted, last_try=is_last, claimed=begun
        )

    async def _record(self, claimed: Claimed, outcome: Outcome) -> bool:
        """Write down what became of it, for as long as it takes: until then nothing follows it.

        Whether it is to be tried again.
        """
        tries = 0
        while True:
            try:
                goes_on, also = await self._database.run_without_lead(
                    _record, claimed, outcome, self._unheard, self._clock.now()
                )
                self.notify(also)
                return goes_on
            except Exception:
                log.exception("answers.not_recorded", answer=claimed.id)
                tries += 1
                if self._stopping.is_set():
                    return False  # still `sending`: the next start sends it once more
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
    untold = [row for row in late if row.reason != outgoing.UNHEARD]
    also = _tell_unheard(tx, untold, unheard, now)
    return outgoing.claim(tx, account), also


def _orphans(tx: Transaction, unheard: Unheard, now: datetime) -> None:
    _tell_unheard(tx, outgoing.orphans(tx, now), unheard, now)


def _tell_unheard(
    tx: Transaction, given_up: Iterable[OutgoingRow], unheard: Unheard, now: datetime
) -> list[int]:
    """Tell the patients whose alarm reached nobody now that these are given up; their accounts."""
    tx.flush()
    rows = {(it.alert_id, it.update_id): it.id for it in given_up if it.alert_id is not None}
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
) -> tuple[bool, Sequence[int]]:
    """Write the outcome down; whether it is tried again, and the accounts something new is for."""
    match outcome:
        case Sent(message_id):
            outgoing.finish(tx, claimed, "sent", message_id=message_id)
            return False, []
        case Retry():
            outgoing.release(tx, claimed, doubted=False)
            return True, []
        case Unknown() if not claimed.doubted:
            outgoing.release(tx, claimed, doubted=True)
            return True, []
        case Unknown():
            return _in_vain(tx, claimed, unheard, now)
        case Unreachable(why):
            people.unreachable(tx, claimed.account, now, why)
            given_up = outgoing.finish(tx, claimed, "unreachable", reason=why)
        case Refused(why):
            given_up = outgoing.finish(tx, claimed, "failed", reason=why)
    rows = [tx.get_one(OutgoingRow, claimed.id)] if given_up else []
    return False, _tell_unheard(tx, rows, unheard, now)


def _in_vain(
    tx: Transaction, claimed: Claimed, unheard: Unheard, now: datetime
) -> tuple[bool, Sequence[int]]:
    """Of a repeat nothing was heard either: nobody counts on it, whether or not it is given up."""
    row = tx.get_one(OutgoingRow, claimed.id)
    if row.fence != claimed.fence or row.state not in ("sending", "scheduled"):
        return False, []  # not ours any more
    told_before = row.reason == outgoing.UNHEARD
    goes_on = outgoing.goes_on(row, now)
    if not goes_on:
        outgoing.finish(tx, claimed, "unknown")
    return goes_on, [] if told_before else _tell_unheard(tx, [row], unheard, now)
