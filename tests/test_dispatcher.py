"""From a due row to a sent message, on a real database; only Telegram is made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from markupsafe import Markup
from sqlalchemy import text
from sqlmodel import col, select
from structlog.testing import capture_logs

from bot.care.sessions import settle
from bot.care.values import Outgoing
from bot.clock import MovableClock
from bot.delivery.dispatcher import Dispatcher, Haul, slots_for, take_due
from bot.delivery.outcome import (
    Disowned,
    Kind,
    Outcome,
    Refused,
    Retry,
    Sent,
    Unknown,
    Unreachable,
    backoff,
)
from bot.delivery.pacing import Pacing
from bot.delivery.silence import IN_A_ROW, LAST_TRIES_AFTER, Silence
from bot.metrics import Metrics
from content import library, messages
from content.facts import Situation
from content.library import Library
from storage.database import Database, Transaction
from storage.models import Clinic, Patient, Reminder, Staff, Treatment

ENDED = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
FIRST = ENDED + timedelta(hours=1)
PATIENCE = 5


class Telegram:
    """Takes messages, and says of each what it is told to say."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.says: list[Outcome] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.at_once = 0
        self.apart = 0
        """Turns of the loop between one that comes back and the next."""
        self.hears, self.asked, self.disowned = True, 0, False
        self._taken = asyncio.Condition()

    async def until(self, count: int) -> None:
        """Wait until so many are on their way at once."""
        async with asyncio.timeout(PATIENCE), self._taken:
            await self._taken.wait_for(lambda: self.at_once >= count)

    async def __call__(self, message: Outgoing, kind: Kind) -> Outcome:
        assert kind == "reminder"
        self.sent.append(message)
        place = len(self.sent)
        async with self._taken:
            self.at_once += 1
            self._taken.notify_all()
        await self.go_on.wait()
        for _ in range(self.apart * place):
            await asyncio.sleep(0)
        self.at_once -= 1
        return self.says.pop(0) if self.says else Sent(len(self.sent))

    async def is_heard(self) -> bool:
        self.asked += 1
        if self.disowned:
            raise Disowned
        return self.hears


class Bench:
    """A dispatcher at work on a file, with patients who agreed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovableClock(ENDED)
        self.telegram = Telegram()
        self.answering: set[int] = set()
        self.silence = Silence()
        self.dispatcher = self.new_dispatcher()
        self._running: asyncio.Task[None] | None = None

    def new_dispatcher(self, slots: int = 10) -> Dispatcher:
        return Dispatcher(
            database=self.database,
            library=library.load(),
            clock=self.clock,
            pacing=Pacing(1000),
            send=self.telegram,
            slots=slots,
            answering=lambda: self.answering,
            silence=self.silence,
            metrics=Metrics(),
        )

    def start(self) -> None:
        self._running = asyncio.create_task(self.dispatcher.run())

    async def stop(self) -> None:
        await self.dispatcher.stop()
        if self._running:
            await self._running
            self._running = None

    def move_to(self, moment: datetime) -> None:
        self.clock.move_to(moment)
        self.dispatcher.wake()

    async def until(self, condition: Callable[[list[Reminder]], bool]) -> list[Reminder]:
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = await self.rows()
                if condition(rows):
                    return rows
                self.dispatcher.wake()
                await asyncio.sleep(0.01)

    async def first(self, condition: Callable[[Reminder], bool]) -> Reminder:
        """The first message of the first patient, once it is as it should be."""
        return (await self.until(lambda rows: condition(rows[0])))[0]

    async def begin_and_hold(self) -> None:
        """Begin; the first message is on its way, and Telegram says nothing of it yet."""
        self.telegram.go_on.clear()
        self.start()
        self.move_to(FIRST)
        await self.first(lambda row: row.state == "sending")

    async def rows(self) -> list[Reminder]:
        return await self.database.run(all_rows)

    async def patients(self, count: int = 1, **fields: object) -> None:
        await self.database.run(add_patients, count, fields)


def add_patients(tx: Transaction, count: int, fields: dict[str, object]) -> None:
    clinic = Clinic(
        name="Rosewood", phone="1", emergency_number="112", timezone="UTC", created_at=ENDED
    )
    tx.add(clinic)
    tx.flush()
    staff = Staff(clinic_id=clinic.id, account=clinic.id, name="R", role="owner", joined_at=ENDED)
    tx.add(staff)
    tx.flush()
    for n in range(count):
        patient = Patient(
            clinic_id=clinic.id,
            account=100 + n,
            name="Ana",
            plain_name="ana",
            timezone="UTC",
            agreed_at=ENDED,
            created_at=ENDED,
        )
        patient.sqlmodel_update(fields)
        tx.add(patient)
        tx.flush()
        tx.add(
            Treatment(
                clinic_id=clinic.id,
                patient_id=patient.id,
                ended_at=ENDED,
                ended_local=ENDED.replace(tzinfo=None),
                timezone="UTC",
                area="face",
                device="needling",
                depth_mm=1.0,
                number=1,
                of=1,
                recorded_by=staff.id,
                recorded_at=ENDED,
            )
        )
        settle(tx, library.load(), patient, ENDED)


def all_rows(tx: Transaction) -> list[Reminder]:
    return list(tx.exec(select(Reminder).order_by(col(Reminder.due_at), col(Reminder.id))).all())


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    bench = Bench(database)
    yield bench
    bench.telegram.go_on.set()
    await bench.stop()


async def test_a_due_row_is_sent_once_and_says_what_was_sent(bench: Bench) -> None:
    await bench.patients()
    bench.start()
    bench.move_to(FIRST)
    row = await bench.first(lambda row: row.state == "sent")
    assert len(bench.telegram.sent) == 1
    assert (row.message_id, row.language, row.try_at) == (1, "en", None)
    assert row.content_version == library.load().version
    assert row.sent_at
    assert row.sent_at >= row.due_at


async def test_the_claim_is_committed_before_the_message_goes_out(bench: Bench) -> None:
    await bench.patients()
    bench.telegram.go_on.clear()
    bench.start()
    bench.move_to(FIRST)
    row = await bench.first(lambda row: row.state == "sending")
    await bench.telegram.until(1)
    assert (row.attempts, row.fence, row.try_at) == (1, 1, None)


async def test_no_more_are_claimed_than_are_on_their_way(bench: Bench) -> None:
    await bench.patients(30)
    bench.dispatcher = bench.new_dispatcher(slots=4)
    bench.telegram.go_on.clear()
    bench.start()
    bench.move_to(FIRST)
    rows = await bench.until(lambda rows: sum(r.state == "sending" for r in rows) >= 4)
    assert sum(row.state == "sending" for row in rows) == 4
    await bench.telegram.until(4)
    bench.telegram.go_on.set()
    await bench.until(lambda rows: sum(r.state == "sent" for r in rows) == 30)
    assert len({message.account for message in bench.telegram.sent}) == 30


async def test_what_comes_back_together_is_written_down_together(bench: Bench) -> None:
    """A commit for each would cost ten times as much as one for all."""
    await bench.patients(8)
    bench.telegram.go_on.clear()
    bench.telegram.apart = 3
    bench.start()
    bench.move_to(FIRST)
    await bench.telegram.until(8)
    with capture_logs() as logged:
        bench.telegram.go_on.set()
        await bench.until(lambda rows: sum(row.state == "sent" for row in rows) == 8)
    written = [len(it["sent"]) for it in logged if it["event"] == "reminders.recorded"]
    assert sum(written) == 8
    assert len(written) == 1


async def test_what_was_surely_not_sent_is_tried_again(bench: Bench) -> None:
    await bench.patients()
    bench.telegram.says = [Retry(), Retry(after=7)]
    bench.start()
    bench.move_to(FIRST)
    row = await bench.first(lambda row: row.attempts == 1 and row.state == "scheduled")
    assert row.try_at
    assert row.tried_at
    assert row.try_at - row.tried_at >= timedelta(seconds=1)  # not from now: the clock runs on
    assert row.try_at - bench.clock.now() <= timedelta(seconds=2)
    assert not row.doubted
    bench.move_to(row.try_at)
    row = await bench.first(lambda row: row.attempts == 2 and row.state == "scheduled")
    assert row.try_at
    assert row.try_at - bench.clock.now() > timedelta(seconds=6)


async def test_a_message_that_may_have_arrived_is_repeated_once_after_60_seconds(
    bench: Bench,
) -> None:
    await bench.patients()
    bench.telegram.says = [Unknown(), Unknown()]
    bench.start()
    bench.move_to(FIRST)
    row = await bench.first(lambda row: row.state == "unknown")
    assert row.try_at
    assert row.try_at - bench.clock.now() > timedelta(seconds=55)
    bench.move_to(row.try_at)
    row = await bench.first(lambda row: row.attempts == 2 and row.state == "unknown")
    assert (row.try_at, row.reason, row.doubted) == (None, "not_repeated", True)
    assert len(bench.telegram.sent) == 2


async def test_the_doubt_stays_on_a_row_whose_repeat_arrived(bench: Bench) -> None:
    await bench.patients()
    bench.telegram.says = [Unknown()]
    bench.start()
    bench.move_to(FIRST)
    row = await bench.first(lambda row: row.state == "unknown")
    assert row.try_at
    bench.move_to(row.try_at)
    assert (await bench.first(lambda row: row.state == "sent")).doubted


async def test_a_step_that_says_hold_is_never_repeated(bench: Bench) -> None:
    await bench.patients()
    bench.start()
    for row in await bench.rows():
        if row.step == "day14":
            due = row.due_at
    bench.telegram.says = [Unknown()]
    bench.move_to(due)
    rows = await bench.until(lambda rows: any(r.state == "unknown" for r in rows))
    held = next(row for row in rows if row.state == "unknown")
    assert (held.step, held.try_at, held.reason) == ("day14", None, "not_repeated")


async def test_a_step_that_says_hold_is_not_what_is_tried_while_messages_are_not_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`getMe` is answered all along; the one try of that step would be lost for nothing."""
    monkeypatch.setattr("bot.delivery.transmitter.ASK_AGAIN", 30)
    await bench.patients()
    due = next(row.due_at for row in await bench.rows() if row.step == "day14")
    bench.move_to(due)
    for _ in range(IN_A_ROW):
        bench.silence.note(Unknown(), bench.clock.monotonic())
    bench.start()
    rows = await bench.until(lambda rows: any(row.attempts for row in rows))
    held = next(row for row in rows if row.attempts)
    await bench.until(lambda rows: all(row.state != "sending" for row in rows))
    assert held.step == "day14"
    assert bench.telegram.sent == []
    bench.move_to(due + timedelta(seconds=LAST_TRIES_AFTER + 30))
    await bench.until(lambda rows: any(row.state == "sent" for row in rows))


async def test_after_a_turn_that_failed_there_is_a_pause(bench: Bench) -> None:
    """Each of a thousand messages that come due wakes it; a full disk stays full for hours."""
    await bench.patients()
    await bench.database.run(lambda tx: tx.execute(text("ALTER TABLE reminder RENAME TO gone")))
    with capture_logs() as logged:
        bench.start()
        bench.move_to(FIRST)
        for _ in range(20):
            bench.dispatcher.wake()
            await asyncio.sleep(0.01)
        assert [it["event"] for it in logged] == ["dispatcher.turn_failed"]
    await bench.database.run(lambda tx: tx.execute(text("ALTER TABLE gone RENAME TO reminder")))
    await bench.first(lambda row: row.state == "sent")


async def test_after_a_crash_what_was_on_its_way_is_unknown_and_repeated(bench: Bench) -> None:
    await bench.patients()
    await bench.database.run(crash_while_sending)
    assert await bench.dispatcher.recover() == 1
    bench.start()
    row = (await bench.rows())[0]
    assert row.state == "unknown"
    assert row.try_at
    assert bench.telegram.sent == []
    bench.move_to(max(row.try_at, FIRST))
    await bench.first(lambda row: row.state == "sent")


def crash_while_sending(tx: Transaction) -> None:
    row = all_rows(tx)[0]
    row.state, row.try_at, row.attempts, row.fence = "sending", None, 1, 1


async def test_an_outcome_of_a_row_that_is_no_longer_ours_changes_nothing(bench: Bench) -> None:
    await bench.patients()
    await bench.begin_and_hold()

    def taken_over(tx: Transaction) -> None:
        row = all_rows(tx)[0]
        row.fence, row.state, row.reason = 9, "unknown", "not_repeated"

    await bench.database.run(taken_over)
    bench.telegram.go_on.set()
    await bench.stop()
    row = (await bench.rows())[0]
    assert (row.state, row.fence) == ("unknown", 9)


async def test_who_blocked_the_bot_is_noted_and_gets_nothing_more(bench: Bench) -> None:
    await bench.patients()
    bench.telegram.says = [Unreachable("Forbidden: bot was blocked by the user")]
    bench.start()
    bench.move_to(FIRST)
    await bench.first(lambda row: row.state == "unreachable")
    rows = await bench.rows()
    bench.move_to(rows[1].due_at)
    rows = await bench.until(lambda rows: rows[1].state == "skipped")
    assert rows[1].reason == "unreachable"
    assert len(bench.telegram.sent) == 1


async def test_who_is_found_gone_gets_nothing_more_in_the_same_turn(bench: Bench) -> None:
    await bench.patients()
    bench.telegram.says = [Unreachable("Forbidden: bot was blocked by the user")]
    await bench.begin_and_hold()
    bench.clock.move_to((await bench.rows())[1].due_at)
    bench.telegram.go_on.set()
    rows = await bench.until(lambda rows: rows[1].state != "scheduled")
    assert [rows[0].state, rows[1].state] == ["unreachable", "skipped"]
    assert len(bench.telegram.sent) == 1


async def test_what_telegram_refuses_is_failed_and_the_others_go_on(bench: Bench) -> None:
    await bench.patients(3)
    bench.telegram.says = [Refused("Bad Request: message is too long")]
    bench.start()
    bench.move_to(FIRST)
    rows = await bench.until(lambda rows: {r.state for r in rows[:3]} == {"failed", "sent"})
    assert [row.state for row in rows[:3]].count("sent") == 2


async def test_a_row_nothing_can_be_made_of_fails_alone(bench: Bench) -> None:
    await bench.patients(3)

    def spoil(tx: Transaction) -> None:
        all_rows(tx)[0].step = "a_step_of_another_version"

    await bench.database.run(spoil)
    bench.start()
    bench.move_to(FIRST)
    rows = await bench.until(lambda rows: [r.state for r in rows[:3]] == ["failed", "sent", "sent"])
    assert rows[0].reason == "unusable"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stopped": "everything"}, "stopped"),
        ({"stopped": "tips"}, "tips_off"),
        ({"unreachable_at": ENDED}, "unreachable"),
        ({"agreed_at": None}, "not_agreed"),
    ],
)
async def test_the_patient_is_looked_at_once_more_at_the_moment_of_sending(
    bench: Bench, fields: dict[str, object], reason: str
) -> None:
    await bench.patients()

    def change(tx: Transaction) -> None:
        tx.get_one(Patient, 1).sqlmodel_update(fields)

    await bench.database.run(change)
    bench.start()
    bench.move_to(FIRST)
    row = await bench.first(lambda row: row.state == "skipped")
    assert row.reason == reason
    assert bench.telegram.sent == []


async def test_after_its_time_a_message_is_not_sent_any_more(bench: Bench) -> None:
    await bench.patients()
    first = (await bench.rows())[0]
    bench.start()
    bench.move_to(first.expires_at)
    row = await bench.first(lambda row: row.state == "skipped")
    assert row.reason == "expired"
    assert bench.telegram.sent == []


async def test_what_is_late_into_the_night_waits_for_the_morning(bench: Bench) -> None:
    await bench.patients()
    evening = next(row for row in await bench.rows() if row.step == "day1_evening")
    bench.move_to(evening.due_at.replace(hour=22))
    bench.start()
    rows = await bench.until(
        lambda rows: any(
            r.step == "day1_evening" and r.try_at and r.try_at > evening.due_at for r in rows
        )
    )
    waiting = next(row for row in rows if row.step == "day1_evening")
    assert waiting.try_at == datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
    assert bench.telegram.sent == []
    bench.move_to(waiting.try_at)
    await bench.until(
        lambda rows: any(r.step == "day1_evening" and r.state == "sent" for r in rows)
    )


async def test_reminders_come_after_an_answer_to_the_same_person(bench: Bench) -> None:
    await bench.patients(2)
    bench.answering.add(100)
    bench.start()
    bench.move_to(FIRST)
    await bench.until(lambda rows: rows[1].state == "sent")
    assert [message.account for message in bench.telegram.sent] == [101]
    bench.answering.clear()
    await bench.first(lambda row: row.state == "sent")


async def test_stopping_waits_for_what_is_on_its_way(bench: Bench) -> None:
    await bench.patients()
    await bench.begin_and_hold()
    stopping = asyncio.create_task(bench.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    bench.telegram.go_on.set()
    await stopping
    assert (await bench.rows())[0].state == "sent"


def test_the_pause_between_tries_doubles_to_five_minutes() -> None:
    for attempts, most in [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (50, 300)]:
        assert all(most / 2 <= backoff(attempts) <= most for _ in range(50))


@pytest.mark.parametrize(("rate", "slots"), [(1, 10), (25, 10), (400, 20), (5000, 64)])
def test_slots_follow_the_rate_within_bounds(rate: float, slots: int) -> None:
    assert slots_for(rate) == slots


async def test_a_message_whose_session_was_cancelled_while_it_was_on_its_way_does_not_go_again(
    bench: Bench,
) -> None:
    await bench.patients()
    bench.telegram.says = [Retry(after=0.01)]
    bench.telegram.go_on.clear()
    bench.start()
    bench.move_to(FIRST)
    await bench.telegram.until(1)

    def cancelled(tx: Transaction) -> None:
        tx.get_one(Treatment, 1).cancelled_at = FIRST
        settle(tx, library.load(), tx.get_one(Patient, 1), FIRST)

    await bench.database.run(cancelled)
    bench.telegram.go_on.set()
    row = await bench.first(lambda row: row.state == "skipped")
    assert row.reason == "cancelled"
    assert len(bench.telegram.sent) == 1


async def test_a_reminder_of_a_visit_that_moved_while_it_was_on_its_way_does_not_go_again(
    bench: Bench,
) -> None:
    await bench.patients()
    visit = ENDED + timedelta(days=28)
    now = visit - timedelta(hours=3)

    def booked(at: datetime) -> Callable[[Transaction], None]:
        def book(tx: Transaction) -> None:
            treatment = tx.get_one(Treatment, 1)
            treatment.next_at, treatment.appointment = at, treatment.appointment + 1
            settle(tx, library.load(), tx.get_one(Patient, 1), bench.clock.now())

        return book

    await bench.database.run(booked(visit))
    bench.telegram.says = [Retry(after=0.01)]
    bench.telegram.go_on.clear()
    bench.move_to(now)
    bench.start()
    await bench.telegram.until(1)
    await bench.database.run(booked(visit + timedelta(days=7)))
    bench.telegram.go_on.set()
    rows = await bench.until(
        lambda rows: any(r.step == "today" and r.reason == "moved" for r in rows)
    )
    assert sum("Come without" in message.text for message in bench.telegram.sent) == 1
    fresh = [row for row in rows if row.step == "today" and row.state == "scheduled"]
    assert [row.due_at for row in fresh] == [now + timedelta(days=7)]


async def test_a_doubt_that_waits_for_its_repeat_is_not_touched_by_planning_again(
    bench: Bench,
) -> None:
    await bench.patients()
    bench.telegram.says = [Unknown()]
    bench.start()
    bench.move_to(FIRST)
    before = await bench.first(lambda row: row.state == "unknown")

    def again(tx: Transaction) -> None:
        settle(tx, library.load(), tx.get_one(Patient, 1), bench.clock.now())

    await bench.database.run(again)
    after = (await bench.rows())[0]
    assert (after.state, after.try_at) == ("unknown", before.try_at)


async def test_a_send_that_breaks_is_in_doubt_and_its_slot_is_free_again(bench: Bench) -> None:
    await bench.patients(3)
    broken = 0

    class Breaks(Telegram):
        async def __call__(self, message: Outgoing, kind: Kind) -> Outcome:
            nonlocal broken
            broken += 1
            if broken <= IN_A_ROW - 1:
                raise AttributeError("a reply nobody expects")
            return await super().__call__(message, kind)

    bench.telegram = Breaks()
    bench.dispatcher = bench.new_dispatcher(slots=1)
    bench.start()
    bench.move_to(FIRST)
    rows = await bench.until(lambda rows: sum(r.state == "sent" for r in rows) == 2)
    assert sum(row.state == "unknown" for row in rows) == IN_A_ROW - 1


async def test_whatever_is_wrong_with_one_row_stops_that_row_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.patients(3)

    says = messages.step_text

    def breaks_once(lib: Library, step: str, situation: Situation) -> Markup:
        if situation.patient.name == "Bea":
            raise AssertionError("nobody thought of this")
        return says(lib, step, situation)

    await bench.database.run(lambda tx: setattr(tx.get_one(Patient, 1), "name", "Bea"))
    monkeypatch.setattr(messages, "step_text", breaks_once)
    bench.start()
    bench.move_to(FIRST)
    rows = await bench.until(lambda rows: sum(r.state == "sent" for r in rows) == 2)
    assert rows[0].reason == "unusable"


async def test_a_row_of_another_version_that_was_on_its_way_does_not_stop_the_start(
    bench: Bench,
) -> None:
    await bench.patients(2)

    def crash(tx: Transaction) -> None:
        for row in all_rows(tx)[:2]:
            row.state, row.try_at, row.attempts, row.fence = "sending", None, 1, 1
        all_rows(tx)[0].step = "a_step_of_another_version"

    await bench.database.run(crash)
    assert await bench.dispatcher.recover() == 2
    assert [row.state for row in (await bench.rows())[:2]] == ["failed", "unknown"]


async def test_a_claim_that_is_being_made_at_a_stop_is_still_sent(bench: Bench) -> None:
    await bench.patients()
    bench.move_to(FIRST)
    running = asyncio.create_task(bench.dispatcher.run())
    await asyncio.sleep(0)  # it is in its first turn now
    await bench.dispatcher.stop()
    await running
    assert {row.state for row in (await bench.rows())[:1]} <= {"sent", "scheduled"}
    assert len(bench.telegram.sent) == sum(row.state == "sent" for row in await bench.rows())


async def test_messages_that_waited_together_go_as_one(bench: Bench) -> None:
    await bench.patients()

    def close_together(tx: Transaction) -> None:
        for minutes, row in enumerate(all_rows(tx)):
            row.try_at = None
            if row.step in ("first_evening", "day5"):
                row.due_at = row.try_at = FIRST + timedelta(minutes=minutes)
                row.expires_at = FIRST + timedelta(hours=3)

    await bench.database.run(close_together)
    bench.start()
    bench.move_to(FIRST + timedelta(hours=1))
    rows = await bench.until(lambda rows: sum(row.state == "sent" for row in rows) == 2)
    (message,) = bench.telegram.sent
    assert "pillow" in message.text.lower()
    assert "Still red or puffy?" in message.text
    assert [row.message_id for row in rows if row.state == "sent"] == [1, 1]


async def test_while_telegram_says_nothing_no_more_are_put_into_doubt(bench: Bench) -> None:
    await bench.patients(30)
    bench.dispatcher = bench.new_dispatcher(slots=1)
    bench.telegram.hears = False
    bench.telegram.says = [Unknown()] * 30
    bench.start()
    bench.move_to(FIRST)
    await bench.until(lambda rows: sum(row.state == "unknown" for row in rows) == IN_A_ROW)
    while bench.telegram.asked < 3:
        bench.clock.move(timedelta(seconds=2))
        bench.dispatcher.wake()
        await asyncio.sleep(0)
    assert len(bench.telegram.sent) == IN_A_ROW

    bench.telegram.hears = True  # yet it takes no messages: one is tried
    bench.clock.move(timedelta(seconds=20))
    await bench.until(lambda rows: sum(row.state == "unknown" for row in rows) == IN_A_ROW + 1)
    assert len(bench.telegram.sent) == IN_A_ROW + 1

    bench.telegram.says = []
    bench.clock.move(timedelta(seconds=20))
    rows = await bench.until(lambda rows: sum(row.state == "sent" for row in rows) == 29 - IN_A_ROW)
    assert all(row.state in ("sent", "unknown") for row in rows if row.step == "first_hours")


async def test_a_token_that_was_revoked_ends_the_sending(bench: Bench) -> None:
    await bench.patients(IN_A_ROW)
    bench.telegram.disowned = True
    bench.telegram.says = [Retry()] * IN_A_ROW
    bench.move_to(FIRST)
    with pytest.raises(Disowned):
        await bench.dispatcher.run()


async def test_those_an_answer_waits_for_do_not_hold_up_the_others(bench: Bench) -> None:
    await bench.patients(400)
    bench.answering = {100 + n for n in range(399)}
    bench.start()
    bench.move_to(FIRST)
    await bench.until(lambda rows: any(row.state == "sent" for row in rows))
    assert [message.account for message in bench.telegram.sent] == [499]


async def test_rows_that_are_only_given_up_do_not_hold_up_those_that_go(bench: Bench) -> None:
    await bench.patients(150)

    def all_but_the_last_expired(tx: Transaction) -> None:
        for row in all_rows(tx):
            if row.step == "first_hours" and row.patient_id < 150:
                row.expires_at = row.due_at

    await bench.database.run(all_but_the_last_expired)
    haul = Haul()
    await bench.database.run(
        take_due, library.load(), FIRST + timedelta(minutes=1), limit=2, without=(), haul=haul
    )
    assert [errand.message.account for errand in haul.errands] == [249]
    assert haul.dropped == ["expired"] * 149


async def test_one_who_is_a_patient_of_two_clinics_gets_one_message_at_a_time(
    bench: Bench,
) -> None:
    await bench.patients(1)
    await bench.patients(1)
    now, library_ = FIRST + timedelta(minutes=1), library.load()
    first, second = Haul(), Haul()
    await bench.database.run(take_due, library_, now, limit=5, without=(), haul=first)
    assert len(first.errands) == 1
    await bench.database.run(take_due, library_, now, limit=5, without=(), haul=second)
    assert len(second.errands) == 1


async def test_a_stale_word_that_somebody_is_unreachable_changes_nothing(bench: Bench) -> None:
    await bench.patients()
    bench.telegram.says = [Unreachable("blocked by the user")]
    await bench.begin_and_hold()

    def taken_over(tx: Transaction) -> None:
        all_rows(tx)[0].fence = 9

    await bench.database.run(taken_over)
    bench.telegram.go_on.set()
    await bench.stop()
    patient = await bench.database.run(lambda tx: tx.get_one(Patient, 1))
    assert patient.unreachable_at is None


async def test_after_a_look_it_sleeps_until_the_next_is_due(bench: Bench) -> None:
    await bench.patients()
    haul = Haul()
    due = (await bench.rows())[0].due_at
    await bench.database.run(take_due, library.load(), ENDED, limit=5, without=(), haul=haul)
    assert haul.next_at == due
    await bench.database.run(take_due, library.load(), due, limit=5, without=(), haul=haul)
    assert haul.next_at == (await bench.rows())[1].due_at


async def test_a_reminder_in_doubt_is_not_repeated_into_the_same_outage(bench: Bench) -> None:
    await bench.patients()
    bench.telegram.says, bench.telegram.hears = [Unknown()], False
    bench.start()
    bench.move_to(FIRST)
    row = await bench.first(lambda row: row.state == "unknown")
    assert row.try_at
    bench.move_to(row.try_at)
    row = await bench.first(lambda row: row.attempts == 2 and row.state == "scheduled")
    assert len(bench.telegram.sent) == 1
    bench.telegram.hears = True
    assert row.try_at
    bench.move_to(row.try_at)
    row = await bench.first(lambda row: row.state == "sent")
    assert (row.doubted, len(bench.telegram.sent)) == (True, 2)


async def test_a_question_that_breaks_is_asked_again(bench: Bench) -> None:
    await bench.patients(IN_A_ROW + 1)
    broken = 0

    class Breaks(Telegram):
        async def is_heard(self) -> bool:
            nonlocal broken
            broken += 1
            if broken == 1:
                raise AttributeError("a reply nobody expects")
            return await super().is_heard()

    bench.telegram = Breaks()
    bench.telegram.says = [Unknown()] * IN_A_ROW
    bench.dispatcher = bench.new_dispatcher(slots=1)
    bench.start()
    bench.move_to(FIRST)
    await bench.until(lambda rows: sum(row.state == "unknown" for row in rows) == IN_A_ROW)
    bench.clock.move(timedelta(seconds=20))
    await bench.until(lambda rows: any(row.state == "sent" for row in rows))
