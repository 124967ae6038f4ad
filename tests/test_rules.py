"""What is allowed from which hour: the clinical table, and the time before a visit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from content import rules
from content.facts import Area, Clinic, Device, Patient, Session, Situation
from content.library import load
from content.rules import Block, Hours

LIBRARY = load()
ENDED = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)

# The clinical table, parts A1 and A2: (default, most cautious) hours; "no" in A1 until that hour.
TABLE = {
    "water": (4, 6),
    "cleansing": (24, 48),
    "sunscreen": (24, 48),
    "alcohol": (48, 168),
    "makeup": (72, 72),
    "exercise": (72, 168),
    "hot_shower": (72, 168),
    "shaving": (72, 168),
    "moisturiser": (24, 72),
    "sleep": (72, 72),
    "clean_hands": (48, 72),
    "picking": (336, 336),
    "pain_relief": (48, 48),
    "actives": (168, 336),
    "vitamin_c": (168, 336),
    "heat": (168, 168),
    "swimming": (168, 168),
    "waxing": (168, 168),
    "fake_tan": (168, 168),
    "brushes": (168, 168),
    "sun": (336, 672),
    "sunbathing": (672, 672),
    "painkillers": (336, 336),
    "other_procedures": (336, 1344),
}
# Part D, its cautious value in days; 0: on the day of the visit.
BEFORE_A_VISIT = {
    "alcohol": 1,
    "makeup": 0,
    "shaving": 0,
    "actives": 7,
    "waxing": 7,
    "fake_tan": 14,
    "sunbathing": 28,
    "painkillers": 7,
    "other_procedures": 28,
}


def session(**fields: object) -> Session:
    values: dict[str, object] = {"ended_at": ENDED, "depth_mm": 1.0, **fields}
    return Session(**values)  # type: ignore[arg-type]


def situation(of: Session, at: datetime, *, zone: str = "UTC") -> Situation:
    return Situation(
        at=at,
        clinic=Clinic(name="C", phone="1", emergency_number="112", timezone="UTC"),
        patient=Patient(name="P", timezone=zone),
        session=of,
    )


def test_every_rule_has_the_hours_of_the_clinical_table() -> None:
    found = {key: (r.from_hours, r.cautious_from_hours) for key, r in LIBRARY.rules.items()}
    assert found == TABLE


def test_every_rule_is_left_out_before_a_visit_as_the_clinical_table_says() -> None:
    found = {key: r.leave_out_days for key, r in LIBRARY.rules.items()}
    assert {key: days for key, days in found.items() if days is not None} == BEFORE_A_VISIT


@pytest.mark.parametrize(
    ("depth", "device", "cautious"),
    [
        (0.5, "needling", False),
        (1.49, "needling", False),
        (1.5, "needling", True),
        (2.5, "needling", True),
        (None, "needling", True),
        (0.5, "RF", True),
    ],
)
def test_deep_needles_rf_and_an_unknown_depth_take_the_cautious_values(
    depth: float | None, device: Device, cautious: bool
) -> None:
    of = session(depth_mm=depth, device=device)
    assert rules.is_cautious(of) is cautious
    assert rules.hours(LIBRARY.rules["exercise"], of) == (168 if cautious else 72)


@pytest.mark.parametrize(("area", "depth", "hours"), [("scalp", 1.0, 24), ("scalp", None, 48)])
def test_hair_is_not_washed_before_the_hour_of_the_scalp(
    area: Area, depth: float | None, hours: float
) -> None:
    assert rules.hours(LIBRARY.rules["water"], session(area=area, depth_mm=depth)) == hours


def test_a_rule_allows_from_its_minute_and_not_a_second_earlier() -> None:
    rule, of = LIBRARY.rules["makeup"], session()
    moment = ENDED + timedelta(hours=72)
    assert rules.moment_allowed(rule, of) == moment
    assert rules.is_allowed(rule, of, moment)
    assert not rules.is_allowed(rule, of, moment - timedelta(seconds=1))


def test_a_session_that_ended_within_a_minute_allows_from_the_next_whole_one() -> None:
    of = session(ended_at=ENDED + timedelta(seconds=1))
    moment = rules.moment_allowed(LIBRARY.rules["makeup"], of)
    assert moment == ENDED + timedelta(hours=72, minutes=1)


def test_nothing_is_blocked_for_somebody_without_a_session() -> None:
    nobody = situation(session(), ENDED)
    nobody = Situation(at=ENDED, clinic=nobody.clinic, patient=nobody.patient)
    assert rules.blocked(LIBRARY.rules["makeup"], nobody) is None


@pytest.mark.parametrize(
    ("visit_days", "expected"),
    [
        (None, "allowed"),
        (16, "allowed"),  # 7 dates before it have not begun on day 8
        (15, "visit"),
        (8.5, "visit"),
        (8, "allowed"),  # the visit is over
        (1, "allowed"),
    ],
)
def test_acids_stay_out_in_the_seven_dates_before_a_visit(
    visit_days: float | None, expected: str
) -> None:
    visit = None if visit_days is None else ENDED + timedelta(days=visit_days)
    found = rules.blocked(
        LIBRARY.rules["actives"],
        situation(session(next_at=visit), ENDED + timedelta(days=8)),
    )
    assert found == (None if expected == "allowed" else Block(until=visit, because="visit"))  # type: ignore[arg-type]


def test_what_would_be_allowed_only_shortly_before_a_visit_waits_for_the_visit() -> None:
    visit = ENDED + timedelta(days=10)
    day_2 = situation(session(next_at=visit), ENDED + timedelta(days=2))
    assert rules.blocked(LIBRARY.rules["actives"], day_2) == Block(until=visit, because="visit")


def test_what_is_forbidden_beyond_a_visit_stays_forbidden_beyond_it() -> None:
    visit = ENDED + timedelta(days=3)
    day_2 = situation(session(next_at=visit), ENDED + timedelta(days=2))
    week = ENDED + timedelta(hours=168)
    assert rules.blocked(LIBRARY.rules["actives"], day_2) == Block(until=week, because="session")


def test_the_day_of_a_visit_is_the_patients_own_day() -> None:
    visit = ENDED + timedelta(days=20)  # 12 December, 14:30 UTC; in Auckland 13 December, 03:30
    evening = datetime(2026, 12, 12, 10, 59, tzinfo=UTC)  # in Auckland 23:59 of the day before
    makeup, of = LIBRARY.rules["makeup"], session(next_at=visit)
    assert rules.blocked(makeup, situation(of, evening, zone="Pacific/Auckland")) is None
    midnight = situation(of, evening + timedelta(minutes=1), zone="Pacific/Auckland")
    assert rules.blocked(makeup, midnight) == Block(until=visit, because="visit")


def test_a_cautious_value_below_the_default_is_refused() -> None:
    with pytest.raises(ValidationError, match="must not be below"):
        Hours(from_hours=72, cautious_from_hours=24)
