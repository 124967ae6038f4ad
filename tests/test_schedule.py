"""When each message is due: the plan's table to the letter, the night, and clocks that jump."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content import schedule
from content.facts import Clinic, Patient, Session
from content.library import ContentError, Library, load
from content.rules import moment_allowed
from content.schedule import Planned
from content.steps import Point, Step

LIBRARY = load()
LONDON = "Europe/London"
CLINIC = Clinic(name="C", phone="1", emergency_number="999", timezone=LONDON)
YEARLY = replace(CLINIC, maintenance_months=6)
ZONES = (
    LONDON,
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)
FOLLOW_UP_TOPICS = {"sunscreen", "makeup", "cleansing", "moisturiser", "next_session"}


def at(wall: str, zone: str = LONDON) -> datetime:
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def plan(
    ended: str | datetime,
    *,
    zone: str = LONDON,
    depth: float | None = 1.0,
    visit: str | datetime | None = None,
    clinic: Clinic = CLINIC,
    number: int = 1,
    of: int = 1,
) -> dict[str, Planned]:
    session = Session(
        ended_at=at(ended, zone) if isinstance(ended, str) else ended,
        depth_mm=depth,
        next_at=at(visit, zone) if isinstance(visit, str) else visit,
        number=number,
        of=of,
    )
    rows = schedule.plan(LIBRARY, session, clinic, Patient(name="P", timezone=zone))
    assert rows == sorted(rows, key=lambda row: row.due_at)
    assert len({row.key for row in rows}) == len(rows)
    return {row.key: row for row in rows}


def walls(rows: dict[str, Planned], zone: str = LONDON) -> dict[str, tuple[str, str]]:
    """Due and expiry of each row on the patient's clock, without the year."""

    def wall(moment: datetime) -> str:
        return moment.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M")

    return {key: (wall(row.due_at), wall(row.expires_at)) for key, row in rows.items()}


# A Sunday. Each table: step -> (due, expires) on the patient's clock.
USUAL = {
    "first_hours": ("11-22 15:30", "11-22 18:30"),
    "first_evening": ("11-22 19:30", "11-22 21:00"),
    "next_morning": ("11-23 08:30", "11-23 20:00"),
    "day1_evening": ("11-23 19:00", "11-24 12:00"),
    "day2": ("11-24 09:00", "11-24 20:00"),
    "check_72": ("11-25 14:30", "11-26 14:30"),
    "day5": ("11-27 10:00", "11-28 10:00"),
    "day7": ("11-29 14:30", "12-01 14:30"),
    "day14": ("12-06 10:00", "12-09 10:00"),
    "week4": ("12-20 10:00", "12-27 10:00"),
}
NO_EVENING = {key: value for key, value in USUAL.items() if key != "first_evening"}
ENDS = {
    "2026-11-22T17:29": {
        **USUAL,
        "first_hours": ("11-22 18:29", "11-22 21:29"),
        "check_72": ("11-25 17:29", "11-26 17:29"),
        "day7": ("11-29 17:29", "12-01 17:29"),
    },
    "2026-11-22T17:30": {
        **USUAL,
        "first_hours": ("11-22 18:30", "11-22 21:30"),
        "check_72": ("11-25 17:30", "11-26 17:30"),
        "day7": ("11-29 17:30", "12-01 17:30"),
    },
    "2026-11-22T17:31": {
        **NO_EVENING,
        "first_hours": ("11-22 18:31", "11-22 21:31"),
        "check_72": ("11-25 17:31", "11-26 17:31"),
        "day7": ("11-29 17:31", "12-01 17:31"),
    },
    "2026-11-22T19:00": {
        **NO_EVENING,
        "first_hours": ("11-22 20:00", "11-22 23:00"),
        "day1_evening": ("11-23 19:00", "11-24 12:00"),
        "check_72": ("11-25 19:00", "11-26 19:00"),
        "day7": ("11-29 19:00", "12-01 19:00"),
    },
    "2026-11-22T20:30": {
        **NO_EVENING,
        "first_hours": ("11-22 21:30", "11-23 00:30"),
        "day1_evening": ("11-23 20:30", "11-24 12:00"),
        "check_72": ("11-25 20:30", "11-26 20:30"),
        "day7": ("11-29 20:30", "12-01 20:30"),
    },
    "2026-11-22T23:30": {
        **NO_EVENING,
        "first_hours": ("11-23 00:30", "11-23 03:30"),
        "day1_evening": ("11-24 08:30", "11-24 12:00"),
        "check_72": ("11-26 08:30", "11-26 23:30"),
        "day7": ("11-30 08:30", "12-01 23:30"),
    },
    "2026-11-22T00:30": {
        **USUAL,
        "first_hours": ("11-22 01:30", "11-22 04:30"),
        "check_72": ("11-25 08:30", "11-26 00:30"),
        "day7": ("11-29 08:30", "12-01 00:30"),
    },
}


def test_the_usual_plan_is_the_table() -> None:
    assert walls(plan("2026-11-22T14:30")) == USUAL


@pytest.mark.parametrize("ended", ENDS)
def test_the_plan_of_sessions_that_end_at_the_edges_of_the_evening(ended: str) -> None:
    assert walls(plan(ended)) == ENDS[ended]


@pytest.mark.parametrize(
    ("ended", "evening", "day2", "check"),
    [
        (
            "2026-11-22T14:30",
            ("11-24 14:30", "11-25 12:00"),
            ("11-24 17:30", "11-24 20:00"),
            ("11-25 14:30", "11-26 14:30"),
        ),
        # Half a waking hour is left, or none: the life is made longer.
        (
            "2026-11-22T20:30",
            ("11-24 20:30", "11-25 12:00"),
            ("11-25 08:30", "11-25 10:00"),
            ("11-25 20:30", "11-26 20:30"),
        ),
        (
            "2026-11-22T23:30",
            ("11-25 08:30", "11-25 12:00"),
            ("11-25 11:30", "11-25 13:00"),
            ("11-26 08:30", "11-26 23:30"),
        ),
    ],
)
def test_with_cautious_values_what_allows_waits_for_the_cautious_hour(
    ended: str, evening: tuple[str, str], day2: tuple[str, str], check: tuple[str, str]
) -> None:
    found = walls(plan(ended, depth=None))
    assert (found["day1_evening"], found["day2"], found["check_72"]) == (evening, day2, check)


@pytest.mark.parametrize(
    ("visit", "precare", "coming", "today"),
    [
        # An hour from 20:00 to the night is too little, so that it goes at 19:30.
        ("12-20T08:00", "12-19 08:00", "12-19 20:00", ("12-19 19:30", "12-20 08:00")),
        ("12-20T08:15", "12-19 08:15", "12-19 20:00", ("12-19 19:45", "12-20 08:15")),
        ("12-20T08:30", "12-19 08:30", "12-19 20:00", ("12-19 20:00", "12-20 08:30")),
        ("12-20T10:59", "12-19 10:59", "12-19 20:00", ("12-19 20:00", "12-20 10:59")),
        ("12-20T11:00", "12-19 11:00", "12-19 20:00", ("12-20 08:00", "12-20 11:00")),
        ("12-20T19:00", "12-19 19:00", "12-19 20:00", ("12-20 16:00", "12-20 19:00")),
        ("12-20T23:30", "12-19 23:30", "12-19 20:00", ("12-20 19:30", "12-20 23:30")),
        ("12-20T00:15", "12-19 00:15", "12-19 20:00", ("12-19 19:30", "12-20 00:15")),
    ],
)
def test_the_messages_before_a_visit_come_by_day_and_end_before_it(
    visit: str, precare: str, coming: str, today: tuple[str, str]
) -> None:
    found = walls(plan("2026-11-22T14:30", visit=f"2026-{visit}"))
    assert found["precare"] == ("12-13 10:00", precare)
    assert found["coming"] == ("12-18 10:00", coming)
    assert found["today"] == today


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        ("2026-11-23T11:00", {"today"}),
        ("2026-11-23T08:00", {"today"}),
        ("2026-11-25T11:00", {"coming", "today"}),
        ("2026-11-29T11:00", {"coming", "today"}),
        ("2026-11-30T11:00", {"precare", "coming", "today"}),
        ("2027-05-22T11:00", {"precare", "coming", "today"}),
    ],
)
def test_of_a_visit_soon_only_what_comes_after_the_session_is_planned(
    visit: str, expected: set[str]
) -> None:
    found = plan("2026-11-22T14:30", visit=visit)
    assert found.keys() & {"precare", "coming", "today"} == expected


def test_a_visit_the_morning_after_a_late_session_has_no_message_of_its_own() -> None:
    assert "today" not in plan("2026-11-22T20:30", visit="2026-11-23T08:30")


def test_without_a_follow_up_nothing_speaks_of_one() -> None:
    assert not plan("2026-11-22T14:30").keys() & {"precare", "coming", "today", "maintenance"}


@pytest.mark.parametrize(
    ("visit", "there"),
    [
        ("2026-12-12T10:00", True),
        ("2026-12-13T18:00", False),
        ("2026-12-20T09:00", False),
        ("2026-12-27T18:00", False),
        ("2026-12-28T10:00", True),
        (None, True),
    ],
)
def test_week_4_is_left_out_within_7_days_of_a_visit(visit: str | None, there: bool) -> None:
    assert ("week4" in plan("2026-11-22T14:30", visit=visit)) is there


@pytest.mark.parametrize(
    ("visit", "there"),
    [
        ("2026-11-27T10:00", True),
        ("2026-11-28T10:00", False),
        ("2026-11-29T18:00", False),
        ("2026-11-30T09:00", False),
        ("2026-12-01T10:00", True),
    ],
)
def test_day_7_is_left_out_on_the_day_of_a_visit_and_next_to_it(visit: str, there: bool) -> None:
    assert ("day7" in plan("2026-11-22T14:30", visit=visit)) is there


@pytest.mark.parametrize(
    ("clinic", "number", "visit", "there"),
    [
        (CLINIC, 4, None, False),
        (YEARLY, 3, None, False),
        (YEARLY, 4, "2027-01-20T10:00", False),
        (YEARLY, 4, None, True),
    ],
)
def test_maintenance_comes_only_after_the_last_of_a_series_if_the_clinic_wants_it(
    clinic: Clinic, number: int, visit: str | None, there: bool
) -> None:
    found = plan("2026-11-22T14:30", clinic=clinic, number=number, of=4, visit=visit)
    assert ("maintenance" in found) is there


@pytest.mark.parametrize(
    ("ended", "due"),
    [
        ("2026-11-22T14:30", "2027-05-22T10:00"),
        ("2026-08-31T14:30", "2027-02-28T10:00"),
        ("2027-08-31T14:30", "2028-02-29T10:00"),
        ("2026-06-30T14:30", "2026-12-30T10:00"),
    ],
)
def test_maintenance_comes_on_the_same_day_of_the_month_or_its_last(ended: str, due: str) -> None:
    found = plan(ended, clinic=YEARLY)["maintenance"]
    assert found.due_at == at(due)
    assert found.expires_at == found.due_at + timedelta(days=14)


def test_a_moved_visit_is_another_occasion_and_a_care_step_has_one_only() -> None:
    first = plan("2026-11-22T14:30", visit="2026-12-20T10:00")
    moved = plan("2026-11-22T14:30", visit="2026-12-20T11:00")
    assert first["today"].occasion == "0:2026-12-20T10:00:00+00:00"
    assert first["today"].occasion != moved["today"].occasion
    assert first["day7"].occasion == moved["day7"].occasion == "0"


def test_another_booking_of_the_same_hour_is_another_occasion() -> None:
    session = Session(ended_at=at("2026-11-22T14:30"), next_at=at("2026-12-20T10:00"))
    patient = Patient(name="P", timezone=LONDON)
    rows = schedule.plan(LIBRARY, replace(session, appointment=3), CLINIC, patient)
    assert {row.occasion for row in rows} == {"0", "3:2026-12-20T10:00:00+00:00"}


@pytest.mark.parametrize(
    ("zone", "ended", "key", "due"),
    [
        # The clocks of London go back on 25 October 2026 and forward on 28 March 2027.
        (LONDON, "2026-10-24T14:30", "next_morning", "2026-10-25T08:30+00:00"),
        (LONDON, "2026-10-24T14:30", "check_72", "2026-10-27T13:30+00:00"),
        (LONDON, "2027-03-27T14:30", "next_morning", "2027-03-28T08:30+01:00"),
        (LONDON, "2027-03-27T14:30", "check_72", "2027-03-30T15:30+01:00"),
        ("Europe/Berlin", "2027-03-27T14:30", "day2", "2027-03-29T09:00+02:00"),
        # Half an hour back on 4 April 2027.
        ("Australia/Lord_Howe", "2027-04-03T14:30", "next_morning", "2027-04-04T08:30+10:30"),
        # Midnight itself is skipped on 30 April 2027.
        ("Africa/Cairo", "2027-04-29T14:30", "next_morning", "2027-04-30T08:30+03:00"),
        ("America/Havana", "2027-03-13T14:30", "day1_evening", "2027-03-14T19:00-04:00"),
        ("Pacific/Kiritimati", "2026-12-31T14:30", "next_morning", "2027-01-01T08:30+14:00"),
        ("Pacific/Pago_Pago", "2026-12-31T14:30", "next_morning", "2027-01-01T08:30-11:00"),
        ("Asia/Kathmandu", "2028-02-28T14:30", "next_morning", "2028-02-29T08:30+05:45"),
        ("Asia/Kolkata", "2027-02-28T14:30", "next_morning", "2027-03-01T08:30+05:30"),
    ],
)
def test_the_time_is_that_of_the_patients_own_clock(
    zone: str, ended: str, key: str, due: str
) -> None:
    row = plan(ended, zone=zone)[key]
    assert row.due_at == datetime.fromisoformat(due)
    assert row.due_at.tzinfo is UTC
    assert row.due_local == datetime.fromisoformat(due).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("zone", "wall", "moment"),
    [
        (LONDON, "2027-03-28T01:30", "2027-03-28T02:30+01:00"),  # skipped: shifted forward
        (LONDON, "2026-10-25T01:30", "2026-10-25T01:30+01:00"),  # twice: the first
        ("Africa/Cairo", "2027-04-30T00:00", "2027-04-30T01:00+03:00"),
    ],
)
def test_a_time_the_clock_skips_is_shifted_forward_and_one_that_comes_twice_is_the_first(
    zone: str, wall: str, moment: str
) -> None:
    local = datetime.fromisoformat(wall)
    found = schedule.on_clock(local.date(), local.time(), ZoneInfo(zone))
    assert found == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("wall", "ends"),
    [
        ("2026-11-22T20:59:59", None),
        ("2026-11-22T21:00", "2026-11-23T08:30"),
        ("2026-11-22T23:59", "2026-11-23T08:30"),
        ("2026-11-23T00:00", "2026-11-23T08:30"),
        ("2026-11-23T07:59:59", "2026-11-23T08:30"),
        ("2026-11-23T08:00", None),
        ("2027-03-27T22:00", "2027-03-28T08:30"),
    ],
)
def test_the_night_is_from_21_to_8_and_what_waited_goes_at_half_past_8(
    wall: str, ends: str | None
) -> None:
    found = schedule.night_ends(at(wall), ZoneInfo(LONDON))
    assert found == (at(ends) if ends else None)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-11-22T19:30", "2026-11-22T21:00", 90),
        ("2026-11-22T20:00", "2026-11-23T08:00", 60),
        ("2026-11-22T20:00", "2026-11-23T09:00", 120),
        ("2026-11-22T22:00", "2026-11-23T07:00", 0),
        ("2026-11-22T07:00", "2026-11-24T22:00", 3 * 13 * 60),
    ],
)
def test_waking_time_is_what_is_not_night(start: str, end: str, minutes: int) -> None:
    zone = ZoneInfo(LONDON)
    assert schedule.waking_time(at(start), at(end), zone) == timedelta(minutes=minutes)


def shortened(**fields: object) -> Library:
    """The shipped content with a `day5` of its own."""
    day5 = Step(
        key="day5",
        topic="peeling",
        kind="care",
        if_unknown="resend",
        due=Point(anchor="session", days=5, at=time(10)),
        **fields,  # type: ignore[arg-type]
    )
    return replace(LIBRARY, steps=(day5,))


@pytest.mark.parametrize(("hours", "fine"), [(1.49, False), (1.5, True)])
def test_a_step_with_a_life_of_less_than_90_waking_minutes_is_refused(
    hours: float, fine: bool
) -> None:
    session = Session(ended_at=at("2026-11-22T14:30"))
    library, patient = shortened(lasts_hours=hours), Patient(name="P", timezone=LONDON)
    if fine:
        assert len(schedule.plan(library, session, CLINIC, patient)) == 1
        return
    with pytest.raises(ContentError, match=r"steps\.toml: day5: its life must leave"):
        schedule.plan(library, session, CLINIC, patient)


def test_a_life_that_ends_before_it_begins_is_refused() -> None:
    library = shortened(until=Point(anchor="session", days=4, at=time(10)))
    with pytest.raises(ContentError):
        schedule.plan(
            library,
            Session(ended_at=at("2026-11-22T14:30")),
            CLINIC,
            Patient(name="P", timezone=LONDON),
        )


@pytest.mark.parametrize("key", ["first_hours", "first_evening"])
def test_whether_a_step_comes_can_be_asked(key: str) -> None:
    late = Session(ended_at=at("2026-11-22T17:31"))
    patient = Patient(name="P", timezone=LONDON)
    assert schedule.comes(LIBRARY, key, late, CLINIC, patient) is (key == "first_hours")


# -- what holds for every session

RULE_OF = {step.key: step.not_before for step in LIBRARY.steps if step.not_before}
ABOUT_THE_VISIT = {"precare", "coming", "today"}


def check(ended: datetime, visit: datetime | None, depth: float | None, zone: str) -> None:
    rows = plan(ended, zone=zone, depth=depth, visit=visit, clinic=YEARLY)
    session = Session(ended_at=ended, depth_mm=depth)
    for key, row in rows.items():
        assert ended <= row.due_at < row.expires_at, key
        assert row.due_local == row.due_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None), key
        if key != "first_hours":
            assert time(8) <= row.due_local.time() < time(21), key
            awake = schedule.waking_time(row.due_at, row.expires_at, ZoneInfo(zone))
            assert awake >= timedelta(minutes=90), key
        if key in RULE_OF:
            assert row.due_at >= moment_allowed(LIBRARY.rules[RULE_OF[key]], session), key
        if key in ABOUT_THE_VISIT:
            assert visit is not None
            assert row.expires_at <= visit, key
    if depth is None:
        gap = rows["day2"].due_at - rows["day1_evening"].due_at
        assert abs(gap) >= timedelta(hours=2)
    if visit is not None and visit > ended + timedelta(days=2):
        assert {row.topic for row in rows.values()} >= FOLLOW_UP_TOPICS


@pytest.mark.parametrize("depth", [1.0, None])
def test_whatever_minute_of_the_day_a_session_ends_its_plan_holds(depth: float | None) -> None:
    start = at("2026-11-22T00:00")
    for minute in range(24 * 60):
        ended = start + timedelta(minutes=minute)
        check(ended, at("2026-12-20T10:00"), depth, LONDON)


@settings(max_examples=400, deadline=None)
@given(
    day=st.dates(date(2026, 1, 1), date(2032, 12, 31)),
    minute=st.integers(0, 24 * 60 - 1),
    visit_in=st.one_of(st.none(), st.integers(60, 200 * 24 * 60)),
    depth=st.sampled_from([0.5, 1.0, 1.5, None]),
    zone=st.sampled_from(ZONES),
)
def test_whatever_the_session_the_visit_and_the_zone_the_plan_holds(
    day: date, minute: int, visit_in: int | None, depth: float | None, zone: str
) -> None:
    wall = time(minute // 60, minute % 60)
    ended = schedule.on_clock(day, wall, ZoneInfo(zone))
    visit = None if visit_in is None else ended + timedelta(minutes=visit_in)
    check(ended, visit, depth, zone)


@settings(deadline=None)
@given(
    night=st.sampled_from(
        [
            (LONDON, date(2026, 10, 25)),
            (LONDON, date(2027, 3, 28)),
            ("Europe/Berlin", date(2027, 3, 28)),
            ("Europe/Berlin", date(2027, 10, 31)),
            ("Australia/Lord_Howe", date(2026, 10, 4)),
            ("Australia/Lord_Howe", date(2027, 4, 4)),
            ("Africa/Cairo", date(2027, 4, 30)),
            ("Africa/Cairo", date(2026, 10, 29)),
            ("America/Havana", date(2027, 3, 14)),
            ("America/Havana", date(2027, 11, 7)),
        ]
    ),
    days_before=st.integers(0, 15),
    minute=st.integers(0, 24 * 60 - 1),
    depth=st.sampled_from([1.0, None]),
)
def test_the_nights_when_the_clock_is_set_change_nothing_that_is_promised(
    night: tuple[str, date], days_before: int, minute: int, depth: float | None
) -> None:
    zone, day = night
    wall = time(minute // 60, minute % 60)
    ended = schedule.on_clock(day - timedelta(days=days_before), wall, ZoneInfo(zone))
    check(ended, ended + timedelta(days=15), depth, zone)
