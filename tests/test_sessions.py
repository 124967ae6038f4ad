"""`settle`: the rows agree with what is recorded, on a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

import content.library
from bot.care.sessions import Letters, settle
from storage import reminders
from storage.database import Database, Transaction
from storage.migrate import migrate
from storage.models import Clinic, Patient, Reminder, Staff, Treatment

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
ENDED = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
VISIT = datetime(2026, 12, 21, 10, 0, tzinfo=UTC)
LIBRARY = content.library.load()
VISIT_STEPS = {"precare", "coming", "today"}


class Bench:
    """One patient who has agreed, and what is recorded of her."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.do(_people)

    def do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._database.run_now(function, *args, **kwargs)

    def session(
        self, ended: datetime = ENDED, visit: datetime | None = None, *, now: datetime = NOW
    ) -> int:
        """Record a session and settle; its id."""
        return int(self.do(_session, ended, visit, now))

    def change(self, treatment: int, now: datetime = NOW, **values: object) -> None:
        self.do(_change, treatment, values, now)

    def settle(self, now: datetime = NOW, *, covered: bool = False) -> None:
        self.do(
            lambda tx: settle(tx, LIBRARY, tx.get_one(Patient, 1), now, covered=covered),
        )

    def mark(self, step: str, **values: object) -> None:
        """What the dispatcher would have written into a row."""
        self.do(_mark, step, values)

    def rows(self) -> list[Reminder]:
        every = select(Reminder).order_by(col(Reminder.id))
        return list(self.do(lambda tx: tx.exec(every).all()))

    def states(self, treatment: int) -> dict[str, str]:
        """step -> state or the reason it was given up."""
        return {
            row.step: row.reason or row.state
            for row in self.rows()
            if row.treatment_id == treatment
        }

    def scheduled(self, treatment: int) -> set[str]:
        return {step for step, state in self.states(treatment).items() if state == "scheduled"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    url = f"sqlite:///{tmp_path / 'clinic.db'}"
    migrate(url)
    database = Database(url)
    yield Bench(database)
    database.close()


def _people(tx: Transaction) -> None:
    tx.add(
        Clinic(
            name="C", phone="1", emergency_number="999", timezone="Europe/London", created_at=NOW
        )
    )
    tx.flush()
    tx.add(Staff(clinic_id=1, account=1, name="Rosa", role="owner", joined_at=NOW))
    tx.add(
        Patient(
            clinic_id=1, account=2, name="Ana",
            plain_name="ana", timezone="Europe/London", agreed_at=NOW,
            created_at=NOW,
        )
    )  # fmt: skip


def _session(tx: Transaction, ended: datetime, visit: datetime | None, now: datetime) -> int:
    treatment = Treatment(
        clinic_id=1, patient_id=1, ended_at=ended, ended_local=ended.replace(tzinfo=None),
        timezone="Europe/London", area="face", device="needling", depth_mm=1.0, number=1, of=4,
        next_at=visit, recorded_by=1, recorded_at=now,
    )  # fmt: skip
    tx.add(treatment)
    tx.flush()
    settle(tx, LIBRARY, tx.get_one(Patient, 1), now)
    return treatment.id


def _change(tx: Transaction, treatment: int, values: dict[str, object], now: datetime) -> None:
    tx.get_one(Treatment, treatment).sqlmodel_update(values)
    settle(tx, LIBRARY, tx.get_one(Patient, 1), now)


def _mark(tx: Transaction, step: str, values: dict[str, object]) -> None:
    for row in tx.exec(select(Reminder).where(Reminder.step == step)):
        row.sqlmodel_update(values)


def test_nothing_is_planned_before_the_patient_agrees(bench: Bench) -> None:
    bench.do(lambda tx: tx.get_one(Patient, 1).sqlmodel_update({"agreed_at": None}))
    bench.session()
    assert bench.rows() == []


def test_planning_twice_changes_nothing(bench: Bench) -> None:
    bench.session(visit=VISIT)
    before = [row.model_dump() for row in bench.rows()]
    bench.settle()
    assert [row.model_dump() for row in bench.rows()] == before


def test_every_row_carries_its_wall_time_and_is_looked_at_when_due(bench: Bench) -> None:
    bench.session(visit=VISIT)
    for row in bench.rows():
        assert row.try_at == row.due_at
        assert row.due_local == row.due_at.replace(tzinfo=None), "London is on UTC in winter"
        assert row.expires_at > row.due_at


def test_what_is_over_already_is_never_sent(bench: Bench) -> None:
    session = bench.session(now=ENDED + timedelta(days=3))
    states = bench.states(session)
    assert states["first_hours"] == states["next_morning"] == "too_late"
    assert states["day5"] == "scheduled"


def test_agreed_late_what_is_due_is_covered_and_the_rest_comes(bench: Bench) -> None:
    bench.do(lambda tx: tx.get_one(Patient, 1).sqlmodel_update({"agreed_at": None}))
    session = bench.session()
    bench.do(lambda tx: tx.get_one(Patient, 1).sqlmodel_update({"agreed_at": NOW}))
    bench.settle(ENDED + timedelta(hours=2), covered=True)
    states = bench.states(session)
    assert states["first_hours"] == "covered"
    assert states["first_evening"] == "scheduled"


def test_a_newer_session_ends_the_care_and_the_past_visit_of_the_older(bench: Bench) -> None:
    older = bench.session(visit=VISIT)
    newer = bench.session(VISIT, now=VISIT)
    assert bench.scheduled(older) == set()
    assert "first_hours" in bench.scheduled(newer)
    assert not VISIT_STEPS & set(bench.states(newer))


def test_an_older_sessions_visit_well_after_the_newer_session_is_kept(bench: Bench) -> None:
    older = bench.session(visit=VISIT)
    newer = bench.session(ENDED + timedelta(days=7), now=ENDED + timedelta(days=7))
    assert bench.scheduled(older) == VISIT_STEPS
    assert "day5" in bench.scheduled(newer)


def test_a_visit_within_a_week_after_the_newer_session_was_that_session(bench: Bench) -> None:
    older = bench.session(visit=VISIT)
    bench.session(VISIT - timedelta(days=7), now=VISIT - timedelta(days=7))
    assert bench.scheduled(older) == set()


def test_a_follow_up_given_anew_replaces_the_older_one(bench: Bench) -> None:
    older = bench.session(visit=VISIT)
    later = VISIT + timedelta(days=7)
    newer = bench.session(ENDED + timedelta(days=7), later, now=ENDED + timedelta(days=7))
    assert bench.scheduled(older) == set()
    assert bench.scheduled(newer) >= VISIT_STEPS


def test_a_session_recorded_late_does_not_end_the_newer_plan(bench: Bench) -> None:
    newer = bench.session()
    older = bench.session(ENDED - timedelta(days=20))
    assert "day5" in bench.scheduled(newer)
    assert bench.scheduled(older) == set()


def test_taking_the_newer_session_back_revives_the_older_plan(bench: Bench) -> None:
    older = bench.session(visit=VISIT)
    before = bench.states(older)
    newer = bench.session(ENDED + timedelta(minutes=10))
    assert set(bench.states(older).values()) == {"superseded", "scheduled"}
    bench.change(newer, cancelled_at=NOW)
    assert bench.states(older) == before
    assert set(bench.states(newer).values()) == {"cancelled"}


def test_revived_rows_that_ran_out_meanwhile_stay_away(bench: Bench) -> None:
    older = bench.session()
    newer = bench.session(ENDED + timedelta(minutes=10))
    bench.change(newer, ENDED + timedelta(days=6), cancelled_at=NOW)
    states = bench.states(older)
    assert states["day2"] == "too_late"
    assert states["day7"] == "scheduled"


@pytest.mark.parametrize("state", ["sent", "failed", "unreachable", "unknown"])
def test_what_was_sent_or_failed_is_not_touched_again(bench: Bench, state: str) -> None:
    older = bench.session()
    bench.mark("first_hours", state=state, reason=None, try_at=None)
    newer = bench.session(ENDED + timedelta(minutes=10))
    assert bench.states(older)["first_hours"] == state
    bench.change(newer, cancelled_at=NOW)
    assert bench.states(older)["first_hours"] == state


@pytest.mark.parametrize("reason", ["expired", "stopped", "tips_off", "unreachable", "covered"])
def test_what_was_given_up_for_good_is_not_revived(bench: Bench, reason: str) -> None:
    older = bench.session()
    bench.mark("first_hours", state="skipped", reason=reason, try_at=None)
    newer = bench.session(ENDED + timedelta(minutes=10))
    bench.change(newer, cancelled_at=NOW)
    assert bench.states(older)["first_hours"] == reason


def test_a_row_that_is_being_sent_is_left_to_the_dispatcher(bench: Bench) -> None:
    older = bench.session()
    bench.mark("first_hours", state="sending", try_at=None)
    bench.session(ENDED + timedelta(minutes=10))
    assert bench.states(older)["first_hours"] == "sending"


def test_a_moved_visit_is_a_new_occasion(bench: Bench) -> None:
    session = bench.session(visit=VISIT)
    bench.change(session, next_at=VISIT + timedelta(days=1), appointment=1)
    visits = [row for row in bench.rows() if row.step in VISIT_STEPS]
    by_occasion = {(row.occasion, row.reason or row.state) for row in visits}
    assert by_occasion == {
        ("0:2026-12-21T10:00:00+00:00", "moved"),
        ("1:2026-12-22T10:00:00+00:00", "scheduled"),
    }


def test_the_plan_of_a_cancelled_session_ends(bench: Bench) -> None:
    session = bench.session(visit=VISIT)
    bench.change(session, cancelled_at=NOW)
    assert set(bench.states(session).values()) == {"cancelled"}
    assert all(row.try_at is None for row in bench.rows())


def test_a_corrected_zone_moves_the_rows_that_are_ahead(bench: Bench) -> None:
    session = bench.session()
    before = {row.step: row.due_at for row in bench.rows()}
    bench.do(lambda tx: tx.get_one(Patient, 1).sqlmodel_update({"timezone": "Europe/Madrid"}))
    bench.settle()
    after = {row.step: row for row in bench.rows()}
    assert after["day5"].due_at == before["day5"] - timedelta(hours=1)
    assert after["day5"].timezone == "Europe/Madrid"
    assert "day5" in bench.scheduled(session)


def test_hours_that_staff_set_move_the_reminder_that_waits_for_them(bench: Bench) -> None:
    session = bench.session()
    bench.change(session, overrides='{"makeup": 96, "heat": 240}', marks_easily=True)
    due = {row.step: row.due_at for row in bench.rows()}
    assert due["check_72"] == ENDED + timedelta(hours=96)
    assert due["day7"] == ENDED + timedelta(hours=168)


def test_what_a_row_says_keeps_to_the_hours_that_staff_set(bench: Bench) -> None:
    session = bench.session()
    bench.change(session, overrides='{"heat": 240}', marks_easily=True)

    def said(tx: Transaction) -> str:
        row = next(row for row in tx.exec(select(Reminder)) if row.step == "day7")
        due = next(
            it
            for it in reminders.to_look_at(tx, [1], row.due_at, tried_since=NOW)
            if it.id == row.id
        )
        return Letters(tx, LIBRARY, [1]).text(due, row.due_at)

    text = bench.do(said)
    assert "Until Thursday, 13:30: no sauna, steam or hot tub." in text
    assert "Until 21 December, 13:30: no direct sun or tanning." in text
