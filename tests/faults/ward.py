"""A ward under load: hundreds of patients whose messages fall due, who write and press meanwhile.

The plans are made by the product's own functions in a prepared database. Telegram is the simulator
with replies as slow as in real life. The clock is moved on whenever little is left to do, never
past the end of a message that still has to go.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import col, func, or_, select

import content.library
from bot.app import put_clinic
from bot.care.session_line import Understood
from bot.care.sessions import record_session
from bot.care.values import Desk
from bot.clock import MovableClock
from bot.config import Settings
from bot.simulator import Simulator
from bot.simulator.chats import Message
from bot.simulator.people import Person
from storage.database import Database, Transaction
from storage.models import Clinic, Inbox, OutgoingRow, Patient, Reminder, Staff

OWNER = 1001
SILENT, WRITING, INVITED = 10_000, 20_000, 30_000
"""First accounts: of those who only read, of those who write too, of those who are yet to agree."""
AGES = (0, 0, 0, 14, 28)
"""Days since the session, taken in turn: each step of the plan has its hour from the start on."""
LITTLE = 40
"""So few due rows, and the clock moves on."""
PATIENCE = 60.0
ASKS_AGAIN = 15.0
"""Seconds until somebody who heard nothing asks once more: an answer that was on its way when the
process died, twice in a row, does not come a third time."""
MINUTE = timedelta(minutes=1)
WORDS = (
    "is it normal that my face is red",
    "can I wash my face",
    "when may I wear makeup again",
    "can I go to the gym tomorrow",
    "/today",
    "/plan",
    "/sunscreen",
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many people: silent ones, writing ones, and ones still to agree."""

    silent: int
    writing: int
    invited: int


def prepare(database: Database, settings: Settings, size: Size, now: datetime) -> list[str]:
    """Fill a migrated database; the links' codes of those who are yet to agree."""
    library = content.library.load()
    return database.run_now(_prepare, Desk(library, "bot"), settings, size, now)


def _prepare(
    tx: Transaction, desk: Desk, settings: Settings, size: Size, now: datetime
) -> list[str]:
    clinic = put_clinic(tx, settings, now)
    owner = Staff(clinic_id=clinic.id, account=OWNER, name="Rosa", role="owner", joined_at=now)
    tx.add(owner)
    tx.flush()
    reading = [SILENT + n for n in range(size.silent)] + [WRITING + n for n in range(size.writing)]
    for number, account in enumerate(reading):
        _agreed_patient(tx, desk, clinic, owner, account, AGES[number % len(AGES)], now)
    return [
        _recorded(tx, desk, owner, None, now - 10 * MINUTE, f"Invited {n}", now)
        for n in range(size.invited)
    ]


def _agreed_patient(
    tx: Transaction, desk: Desk, clinic: Clinic, staff: Staff, account: int, age: int, now: datetime
) -> None:
    """Somebody who agreed a while ago, and whose last session was `age` days and some hours ago."""
    ended = now - timedelta(days=age) - (61 + account % 113) * MINUTE
    patient = Patient(
        clinic_id=clinic.id,
        account=account,
        name=f"Patient {account}",
        plain_name=f"patient {account}",
        timezone=clinic.timezone,
        agreed_at=ended,
        created_at=ended,
    )
    tx.add(patient)
    tx.flush()
    _recorded(tx, desk, staff, patient, ended, patient.name, now)


def _recorded(
    tx: Transaction,
    desk: Desk,
    staff: Staff,
    patient: Patient | None,
    ended: datetime,
    name: str,
    now: datetime,
) -> str:
    understood = Understood(
        name=name,
        ended=ended,
        not_over_yet=False,
        area="face",
        device="needling",
        depth_mm=1.0,
        number=1,
        of=1,
        next=None,
        use=None,
        assumed=(),
        inside_use=(),
    )
    recorded = record_session(
        tx,
        desk.library,
        staff=staff,
        understood=understood,
        recommended_from_hours=0,
        patient=patient,
        now=now,
    )
    return recorded.codes.link if recorded.codes else ""


@dataclass
class Ward:
    """The people, what they did, and the clock."""

    simulator: Simulator
    clock: MovableClock
    database: Database
    """For looking only: the bots have their own."""
    moved: Callable[[datetime], None]
    """Tells the bots the time."""
    size: Size
    codes: Sequence[str]
    random: random.Random
    updates: int = 0
    """How many updates the people have caused."""
    agreed: set[int] = field(default_factory=set)
    recorded: list[str] = field(default_factory=list)
    _resting: bool = False
    _busy: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.simulator.reply_seconds = lambda: self.random.uniform(0.015, 0.060)
        for first, count in ((SILENT, self.size.silent), (WRITING, self.size.writing)):
            for account in range(first, first + count):
                self.simulator.add_person(account, "Patient").chat.refusal = None
        for account in range(INVITED, INVITED + self.size.invited):
            self.simulator.add_person(account, "Invited")
        self.owner = self.simulator.add_person(OWNER, "Rosa")
        self.owner.chat.refusal = None
        self.move_to(self.clock.now())

    # --- time

    def move_to(self, moment: datetime) -> None:
        """Telegram's clock first: what the bot then does is never before it."""
        self.clock.move_to(moment)
        self.moved(moment)

    def move(self, by: timedelta) -> None:
        self.move_to(self.clock.now() + by)

    async def keep_loaded(self) -> None:
        """See to it that there is work: when little is due, move on to what comes next."""
        due, ahead = await self.database.read(_outlook, self.clock.now())
        if due < LITTLE and ahead:
            await self.rest()
            _, ahead = await self.database.read(
                _outlook, self.clock.now()
            )  # what is claimed by now
            self.move_to(max(self.clock.now(), ahead or self.clock.now()))
            self.go_on()

    async def rest(self) -> None:
        """Nobody writes any more, and all that was written is answered. Needs a bot that runs."""
        self._resting = True
        async with asyncio.timeout(PATIENCE):
            while (  # noqa: ASYNC110  another process's
                self._busy
                or self.simulator.updates.pending()
                or not await self.database.read(_all_answered)
            ):
                await asyncio.sleep(0.02)

    def go_on(self) -> None:
        """People write again."""
        self._resting = False

    async def drain(self) -> None:
        """Let everything end that is due by now, the repeats of the doubtful included."""
        await self.rest()
        async with asyncio.timeout(PATIENCE * 2):
            while not await self.database.read(_all_sent, self.clock.now()):
                if await self.database.read(_only_repeats, self.clock.now()):
                    self.move(MINUTE)
                await asyncio.sleep(0.05)

    # --- people

    def open_doors(self) -> None:
        """From now on people write, press, and agree; the owner records sessions."""
        starts = [self._writing(), self._recording()]
        starts += [self._agreeing(range(n, self.size.invited, 3)) for n in range(3)]
        self._tasks = [asyncio.create_task(start) for start in starts]

    async def close_doors(self) -> None:
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for problem in ended:
            if isinstance(problem, Exception):
                raise problem

    async def _writing(self) -> None:
        """Several at once, as when a message has just come to many."""
        while self.size.writing:
            await asyncio.sleep(self.random.uniform(0.2, 0.5))
            if self._resting or len(self.simulator.updates.pending()) > 30:
                continue
            self.some_write(self.random.randint(2, 6))

    def some_write(self, count: int) -> None:
        """So many messages at one moment, from whoever writes."""
        for _ in range(count):
            account = WRITING + self.random.randrange(self.size.writing)
            self._does(self.simulator.people[account].say, self.random.choice(WORDS))

    async def _agreeing(self, numbers: range) -> None:
        for number in numbers:
            await self._begin()
            account = INVITED + number
            person = self.simulator.people[account]
            opens = partial(self._does, person.open, self.codes[number])
            asked = await self._hears(opens, person, "not for emergencies")
            for _ in range(self.random.randint(1, 2)):
                self._presses(person, "I agree", asked)
            await self._heard(person, "Thank you") or await self._hears(opens, person, "all set")
            self.agreed.add(account)
            self._busy -= 1
            await asyncio.sleep(self.random.uniform(0.2, 1.0))

    async def _recording(self) -> None:
        for number in range(self.size.invited):
            await self._begin()
            name = f"Recorded {number}"
            ended = self.clock.now() - timedelta(hours=2)
            line = f"/newsession {name}, {ended:%Y-%m-%d %H:%M}, face, 1.0 mm, 1/1"
            writes = partial(self._does, self.owner.say, line)
            asked = await self._hears(writes, self.owner, name, "Nothing is saved yet")
            for _ in range(self.random.randint(1, 2)):
                self._presses(self.owner, "Save session", asked)
            if not await self._heard(self.owner, name, "Saved."):
                looks = partial(
                    self._does, self.owner.say, f"/cancel {name}"
                )  # asks, changes nothing
                await self._hears(looks, self.owner, name, "Cancel this session?")
            self.recorded.append(name)
            self._busy -= 1
            await asyncio.sleep(self.random.uniform(0.2, 1.0))

    async def _begin(self) -> None:
        while self._resting:  # noqa: ASYNC110  a moment, in a test
            await asyncio.sleep(0.05)
        self._busy += 1

    def _does(self, what: Callable[[str], object], words: str) -> None:
        what(words)
        self.updates += 1

    def _presses(self, person: Person, label: str, message: Message) -> None:
        person.press(label, message=message)
        self.updates += 1

    async def _hears(self, asks: Callable[[], None], person: Person, *words: str) -> Message:
        """Ask until a message with all these words has come, as people do."""
        async with asyncio.timeout(4 * PATIENCE):
            while True:
                asks()
                if heard := await self._heard(person, *words):
                    return heard

    async def _heard(self, person: Person, *words: str) -> Message | None:
        """Wait a while for it; of an earlier answer a copy may come between."""

        def found() -> list[Message]:
            return [it for it in person.received if all(word in it.text for word in words)]

        with suppress(TimeoutError):
            await person.until(lambda: bool(found()), ASKS_AGAIN)
        return found()[-1] if found() else None


# --- what the database says


def _outlook(tx: Transaction, now: datetime) -> tuple[int, datetime | None]:
    """How many rows are due, and how far the clock may go so that enough fall due."""
    rows = tx.exec(
        select(Reminder.try_at, Reminder.expires_at)
        .where(col(Reminder.try_at).is_not(None))
        .order_by(col(Reminder.try_at))
        .limit(3 * LITTLE)
    ).all()
    sending = tx.exec(select(Reminder.expires_at).where(Reminder.state == "sending")).all()
    if not rows:
        return 0, None
    tries = [try_at or now for try_at, _ in rows]
    ends = min([expires_at for _, expires_at in rows] + list(sending))
    return sum(at <= now for at in tries), max(tries[0], min(tries[-1], ends - 5 * MINUTE))


def _all_answered(tx: Transaction) -> bool:
    waiting = (
        select(func.count()).select_from(Inbox).where(Inbox.state == "new"),
        select(func.count())
        .select_from(OutgoingRow)
        .where(col(OutgoingRow.state).in_(("scheduled", "sending"))),
    )
    return not any(tx.exec(one).one() for one in waiting)


def _all_sent(tx: Transaction, now: datetime) -> bool:
    """Nothing is due, on its way, or in doubt and to be repeated."""
    open_ones = or_(
        col(Reminder.try_at) <= now,
        col(Reminder.state) == "sending",
        (col(Reminder.state) == "unknown") & col(Reminder.try_at).is_not(None),
    )
    return not tx.exec(select(func.count()).select_from(Reminder).where(open_ones)).one()


def _only_repeats(tx: Transaction, now: datetime) -> bool:
    busy = or_(col(Reminder.try_at) <= now, col(Reminder.state) == "sending")
    return not tx.exec(select(func.count()).select_from(Reminder).where(busy)).one()
