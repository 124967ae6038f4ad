"""Which of a patient's due rows go now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.delivery.choosing import A_DAY_AT_MOST, LONGEST_TOGETHER, choose, fits
from content import library
from storage.reminders import Due, LaterOrNever

LIBRARY = library.load()
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ROW = Due(
    id=1,
    clinic_id=1,
    patient_id=1,
    treatment_id=1,
    step="day2",
    occasion="0",
    due_at=NOON,
    expires_at=NOON + timedelta(days=2),
    state="scheduled",
    reason=None,
    try_at=NOON,
    tried_at=None,
    fence=0,
    attempts=0,
    doubted=False,
    account=7,
    name="Ana",
    language="en",
    timezone="Europe/London",
    agreed_at=NOON,
    stopped="nothing",
    unreachable_at=None,
)


def sent(number: int, at: datetime, state: str = "sent") -> Due:
    return ROW._replace(id=100 + number, state=state, try_at=None, tried_at=at, attempts=1)


def ids(rows: object) -> list[int]:
    assert isinstance(rows, list)
    return [row.id for row in rows]


def had_enough(state: str = "sent", *, at: datetime = NOON) -> list[Due]:
    return [sent(n, at - timedelta(hours=n), state) for n in range(A_DAY_AT_MOST)]


def test_what_is_due_within_half_an_hour_goes_together() -> None:
    rows = [
        ROW,
        ROW._replace(id=2, step="check_72", due_at=NOON + 30 * MINUTE),
        ROW._replace(id=3, step="day5", due_at=NOON + 31 * MINUTE),
    ]
    now = NOON + timedelta(hours=1)
    rows = [row._replace(try_at=row.due_at) for row in rows]
    assert ids(choose(LIBRARY, rows, now).go) == [1, 2]


def test_what_is_not_due_yet_never_goes_early_with_what_is() -> None:
    later = ROW._replace(id=2, due_at=NOON + MINUTE, try_at=NOON + MINUTE)
    assert ids(choose(LIBRARY, [ROW, later], NOON).go) == [1]


def test_a_message_that_may_be_repeated_never_goes_with_one_that_may_not() -> None:
    hold = ROW._replace(id=2, step="day14")
    assert LIBRARY.step("day14").if_unknown == "hold"
    assert ids(choose(LIBRARY, [ROW, hold], NOON).go) == [1]


def test_a_repeat_goes_by_itself() -> None:
    again = ROW._replace(id=2, state="unknown", doubted=True, attempts=1)
    assert ids(choose(LIBRARY, [ROW, again], NOON).go) == [1]


def test_together_they_stay_short_enough_to_be_read() -> None:
    half = "x" * (LONGEST_TOGETHER // 2 - 2)
    assert fits([half], half)
    assert not fits([half], half + "xxx")
    assert fits([f"<b>{half}</b>"], f"<i>{half}</i>")


def test_care_waits_for_the_morning_after_four_messages_on_one_day() -> None:
    rest = choose(LIBRARY, [*had_enough(), ROW], NOON).rest
    morning = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
    assert rest == [LaterOrNever(id=1, state="scheduled", reason=None, try_at=morning)]


def test_care_that_would_be_too_late_then_is_given_up_for_that_reason() -> None:
    short = ROW._replace(expires_at=NOON + timedelta(hours=5))
    rest = choose(LIBRARY, [*had_enough(), short], NOON).rest
    assert rest == [LaterOrNever(id=1, state="skipped", reason="enough_today", try_at=None)]


@pytest.mark.parametrize("step", ["check_72", "coming", "today"])
def test_safety_and_visits_never_wait_for_that(step: str) -> None:
    assert ids(choose(LIBRARY, [*had_enough(), ROW._replace(step=step)], NOON).go) == [1]


def test_a_repeat_does_not_wait_for_that_its_first_was_counted() -> None:
    again = ROW._replace(state="unknown", doubted=True, attempts=1, tried_at=NOON - MINUTE)
    assert ids(choose(LIBRARY, [*had_enough(), again], NOON).go) == [1]


def test_rows_of_one_message_count_once_and_those_surely_not_sent_do_not() -> None:
    one_message = [sent(n, NOON - MINUTE) for n in range(6)]
    not_sent = had_enough("scheduled")
    assert ids(choose(LIBRARY, [*one_message, *not_sent, ROW], NOON).go) == [1]


@pytest.mark.parametrize("state", ["sending", "sent", "unknown"])
def test_what_may_have_arrived_counts(state: str) -> None:
    assert ids(choose(LIBRARY, [*had_enough(state), ROW], NOON).go) == []


def test_the_day_is_the_patients_own() -> None:
    yesterday_in_auckland = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)  # 23:30 there
    now = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # 09:00 of the 25th there
    rows = [*had_enough(at=yesterday_in_auckland), ROW]
    assert ids(choose(LIBRARY, rows, now).go) == []
    there = [row._replace(timezone="Pacific/Auckland") for row in rows]
    assert ids(choose(LIBRARY, there, now).go) == [1]


def test_a_step_of_another_version_fails_alone() -> None:
    choice = choose(LIBRARY, [ROW._replace(step="gone"), ROW._replace(id=2)], NOON)
    assert ids(choice.go) == [2]
    assert choice.rest == [LaterOrNever(id=1, state="failed", reason="unusable", try_at=None)]


def test_a_doubt_that_waits_for_the_morning_keeps_its_reason() -> None:
    night = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    row = ROW._replace(state="unknown", reason="repeats", doubted=True, attempts=1)
    (later,) = choose(LIBRARY, [row], night).rest
    assert (later.state, later.reason) == ("unknown", "repeats")


@pytest.mark.parametrize(
    "fact", [{"expires_at": NOON}, {"stopped": "everything"}, {"unreachable_at": NOON}]
)
def test_a_doubt_that_is_not_repeated_after_all_stays_one_that_staff_see(
    fact: dict[str, object],
) -> None:
    row = ROW._replace(state="unknown", doubted=True, attempts=1, **fact)  # type: ignore[arg-type]
    assert choose(LIBRARY, [row], NOON).rest == [
        LaterOrNever(id=1, state="unknown", reason="not_repeated", try_at=None)
    ]
