"""What is allowed from which hour: the clinical table, and the time before a visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from content import rules
from content.facts import AREAS, Area, Clinic, Device, Patient, Session, Situation
from content.library import ContentError, load, read
from content.profiles import Case
from content.reading import Layers
from content.rules import Block

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
    deep = session(depth_mm=1.5)
    found = {key: (r.from_hours, rules.hours(r, deep)) for key, r in LIBRARY.rules.items()}
    assert found == TABLE
    assert {key: r.cautious_from_hours for key, r in LIBRARY.rules.items()} == {
        key: cautious for key, (_, cautious) in TABLE.items()
    }


def test_every_rule_is_left_out_before_a_visit_as_the_clinical_table_says() -> None:
    found = {key: r.leave_out_days for key, r in LIBRARY.rules.items()}
    assert {key: days for key, days in found.items() if days is not None} == BEFORE_A_VISIT


@pytest.mark.parametrize(
    ("depth", "device", "cautious"),
    [
        (0.5, "needling", False),
        (1.0, "needling", False),
        (1.1, "needling", True),
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
    assert ("cautious" in LIBRARY.profiles_of(of)) is cautious
    assert rules.hours(LIBRARY.rules["exercise"], of) == (168 if cautious else 72)


# Part F and part D: what differs from the column of the table that counts for the depth.
OWN: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "0.3 mm": ({"depth_mm": 0.3}, {"actives": 72}),
    "0.4 mm": ({"depth_mm": 0.4}, {}),
    "0.5 mm": ({"depth_mm": 0.5}, {}),
    "1.0 mm": ({"depth_mm": 1.0}, {}),
    "1.5 mm": ({"depth_mm": 1.5}, {}),
    "not known": ({"depth_mm": None}, {}),
    "RF": ({"device": "RF"}, {"sunbathing": 2160}),
    "shallow RF": ({"device": "RF", "depth_mm": 0.3}, {"sunbathing": 2160}),
    "neck": ({"area": "neck"}, {}),
    "eyes": ({"area": "eyes"}, {}),
    "body": ({"area": "body"}, {}),
    "deep on the body": ({"area": "body", "depth_mm": 2}, {}),
    "scalp": ({"area": "scalp"}, {"water": 24}),
    "deep on the scalp": ({"area": "scalp", "depth_mm": 2}, {"water": 48}),
    "RF on the scalp": ({"area": "scalp", "device": "RF"}, {"water": 48, "sunbathing": 2160}),
    "marks easily": ({"marks_easily": True}, {"sun": 672}),
    "shallow and marks easily": (
        {"marks_easily": True, "depth_mm": 0.3},
        {"sun": 672, "actives": 72},
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_a_profile_changes_what_the_clinical_table_says_and_nothing_else(name: str) -> None:
    fields, own = OWN[name]
    of = session(**fields)
    deep = of.device == "RF" or of.depth_mm is None or of.depth_mm >= 1.5
    usual = {key: cautious if deep else default for key, (default, cautious) in TABLE.items()}
    found = {key: rules.hours(rule, of) for key, rule in LIBRARY.rules.items()}
    assert found == {**usual, **own}
    assert LIBRARY.hours_of(of) == found


def test_the_body_keeps_its_three_days_without_sport_where_a_clinic_shortens_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "rules.toml").write_text("exercise.from_hours = 24\n", "utf-8")
    rule = read(Layers(own=tmp_path)).rules["exercise"]
    assert rules.hours(rule, session()) == 24
    assert rules.hours(rule, session(area="body")) == 72


@pytest.mark.parametrize("depth", [0.3, 1.0, 2.0, None])
def test_a_clinic_that_changes_make_up_in_one_line_changes_it_for_every_session(
    tmp_path: Path, depth: float | None
) -> None:
    (tmp_path / "rules.toml").write_text("makeup.from_hours = 24\n", "utf-8")
    rule = read(Layers(own=tmp_path)).rules["makeup"]
    assert {rules.hours(rule, session(depth_mm=depth, area=area)) for area in AREAS} == {24}
    assert rule.cautious_from_hours == 24


def test_a_clinic_may_have_profiles_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text("[thin]\nany_of = [{ area = 'eyes' }]\n", "utf-8")
    (tmp_path / "rules.toml").write_text("makeup.profiles.thin = 120\n", "utf-8")
    rule = read(Layers(own=tmp_path)).rules["makeup"]
    assert rules.hours(rule, session(area="eyes")) == 120
    assert rules.hours(rule, session()) == 72


@pytest.mark.parametrize(
    ("file", "said", "named"),
    [
        ("rules.toml", "makeup.profiles.cautios = 120", "no cautios (is cautious meant?)"),
        ("rules.toml", "makeup.profiles.cautious = -1", "makeup.profiles.cautious"),
        ("rules.toml", "makeup.needs = ['watr']", "makeup.needs: there is no watr"),
        (
            "profiles.toml",
            "body.any_of = [{ area = 'elbow' }]",
            "profiles.toml: body.any_of.0.area",
        ),
        ("profiles.toml", "body.any_of = []", "profiles.toml: body.any_of"),
        (
            "profiles.toml",
            "body.any_of = [{ depth = 'unknown', from_mm = 1 }]",
            "an unknown depth is neither",
        ),
    ],
)
def test_a_wrong_profile_is_named(tmp_path: Path, file: str, said: str, named: str) -> None:
    (tmp_path / file).write_text(said + "\n", "utf-8")
    with pytest.raises(ContentError) as caught:
        read(Layers(own=tmp_path))
    assert named in str(caught.value)


@pytest.mark.parametrize(("mm", "holds"), [(0.5, True), (0.49, False), (1.0, False), (None, False)])
def test_a_depth_is_from_its_first_millimetre_and_below_its_last(
    mm: float | None, holds: bool
) -> None:
    assert Case(from_mm=0.5, below_mm=1.0).holds(session(depth_mm=mm)) is holds


@pytest.mark.parametrize(
    ("area", "weeks"), [("face", 4), ("neck", 4), ("body", 6), ("scalp", 4), ("eyes", 4)]
)
def test_sessions_of_the_body_are_six_weeks_apart(area: Area, weeks: int) -> None:
    assert LIBRARY.weeks_apart(session(area=area)) == weeks


# -- what staff set for one session


@pytest.mark.parametrize("hours", [24, 240])
def test_what_staff_set_for_a_session_counts_before_everything(hours: float) -> None:
    of = session(depth_mm=None, area="scalp", overrides={"heat": hours})
    rule = LIBRARY.rules["heat"]
    assert rules.hours(rule, of) == hours
    assert rules.moment_allowed(rule, of) == ENDED + timedelta(hours=hours)
    assert LIBRARY.hours_of(of)["heat"] == hours
    assert rule.usual_hours(of) == 168


def test_the_hours_of_a_kind_do_not_remember_what_was_set_for_one_session() -> None:
    LIBRARY.hours_of(session(overrides={"heat": 24}))
    assert LIBRARY.hours_of(session())["heat"] == 168


def test_what_needs_water_waits_for_water() -> None:
    whole = rules.with_needs(LIBRARY.rules, session(), {"water": 100, "makeup": 24})
    assert whole == {"water": 100, "makeup": 24, "cleansing": 100, "hot_shower": 100}
    assert rules.with_needs(LIBRARY.rules, session(), {"water": 5}) == {"water": 5}
    far = rules.with_needs(LIBRARY.rules, session(), {"water": 200})
    assert far["brushes"] == 200  # it needs what needs water


def test_no_rule_comes_before_what_it_needs() -> None:
    for area in AREAS:
        for depth in (0.3, 1.0, None):
            of = session(area=area, depth_mm=depth)
            assert rules.with_needs(LIBRARY.rules, of, {}) == {}
            assert rules.with_needs(LIBRARY.rules, replace(of, device="RF"), {}) == {}


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
