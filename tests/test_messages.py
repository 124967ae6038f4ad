"""What each message says at the hour it is sent: never against a rule, short, and well-formed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from content import messages, schedule, wording
from content.facts import AREAS, Area, Clinic, Patient, Session, Situation
from content.library import load
from content.preview import plan_lines
from content.reading import DATA

LIBRARY = load()
ENDED = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)  # a Sunday
VISIT = datetime(2026, 12, 20, 11, 0, tzinfo=UTC)
CLINIC = Clinic(
    name="The Skin Clinic",
    phone="+44 20 7946 0000",
    emergency_number="999",
    timezone="Europe/London",
    maintenance_months=6,
)
PATIENT = Patient(name="Ana", timezone="Europe/London")

# The words of each rule that forbids, in "no …" and in "Fine …".
NO = {
    "water": {"water on treated skin"},
    "cleansing": {"cleanser"},
    "sunscreen": {"sunscreen"},
    "moisturiser": {"cream of your own"},
    "alcohol": {"alcohol"},
    "makeup": {"make-up"},
    "exercise": {"sport"},
    "hot_shower": {"hot showers"},
    "shaving": {"shaving"},
    "actives": {"acids", "retinoids", "benzoyl peroxide", "scrubs"},
    "vitamin_c": {"vitamin C"},
    "heat": {"sauna", "steam", "hot tub"},
    "swimming": {"swimming"},
    "waxing": {"other hair removal"},
    "fake_tan": {"fake tan"},
    "brushes": {"cloths", "cleansing brushes"},
    "sun": {"direct sun"},
    "sunbathing": {"tanning"},
}
FINE = {
    **{key: words for key, words in NO.items() if key not in ("sun", "sunbathing")},
    "makeup": {"make-up with clean brushes"},
    "waxing": {"waxing", "threading", "hair-removal cream"},
    "brushes": {"cleansing brushes", "cloths"},
}
# Where an area has other words.
NO_OF_AREA = {
    ("exercise", "body"): {"sport", "gym", "rubbing clothes"},
    ("cleansing", "scalp"): {"shampoo"},
}
FINE_OF_AREA = {("exercise", "body"): {"sport", "gym"}}
# (default, cautious) hours, and the dates before a visit: written out here a second time, so that
# what is said is held against the clinical table and not against the code that says it.
HOURS = {
    "water": (4, 6),
    "cleansing": (24, 48),
    "sunscreen": (24, 48),
    "moisturiser": (24, 72),
    "alcohol": (48, 168),
    "makeup": (72, 72),
    "exercise": (72, 168),
    "hot_shower": (72, 168),
    "shaving": (72, 168),
    "actives": (168, 336),
    "vitamin_c": (168, 336),
    "heat": (168, 168),
    "swimming": (168, 168),
    "waxing": (168, 168),
    "fake_tan": (168, 168),
    "brushes": (168, 168),
    "sun": (336, 672),
    "sunbathing": (672, 672),
}
BEFORE = {
    "alcohol": 1,
    "makeup": 0,
    "shaving": 0,
    "actives": 7,
    "waxing": 7,
    "fake_tan": 14,
    "sunbathing": 28,
}
NAMES_ALL = ("next_morning", "day1_evening", "day2", "check_72")
# A sentence that permits, and the rules that must allow it.
PERMITS = {
    "Wash with lukewarm water": ["water"],
    "Wash gently twice a day": ["water", "cleansing"],
    "Wash your hair gently": ["water", "cleansing"],
    "Use plain moisturiser": ["moisturiser"],
    "mineral sunscreen every morning": ["sunscreen"],
    "Keep using sunscreen": ["sunscreen"],
    "use sunscreen every day": ["sunscreen"],
    "usual care again": list(HOURS),
}
# A sentence that forbids or belongs to the first days, and the hours it is right until.
ENDS = {
    "No water on treated skin before": ("water",),
    "Use only what we gave you on your skin": ("moisturiser", "sunscreen"),
    "sunscreen, use only what we gave you": ("moisturiser",),
    "Shade and a hat: no sunscreen before": ("sunscreen",),
    "No sunscreen before": ("sunscreen",),
    "Still no sunbathing": ("sunbathing",),
}


def session(**fields: object) -> Session:
    values: dict[str, object] = {"ended_at": ENDED, "depth_mm": 1.0, **fields}
    return Session(**values)  # type: ignore[arg-type]


def situation(
    of: Session | None, at: datetime, *, clinic: Clinic = CLINIC, patient: Patient = PATIENT
) -> Situation:
    return Situation(at=at, clinic=clinic, patient=patient, session=of)


def after(hours: float, of: Session | None = None, **fields: object) -> Situation:
    of = of or session(**fields)
    return situation(of, of.ended_at + timedelta(hours=hours))


def step(key: str, where: Situation) -> str:
    return str(messages.step_text(LIBRARY, key, where))


def now(where: Situation) -> str:
    return str(messages.now_text(LIBRARY, where))


def seen(text: str) -> str:
    """The text as the reader sees it."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def no(key: str, of: Session) -> set[str]:
    return NO_OF_AREA.get((key, of.area), NO[key])


def free(key: str, of: Session) -> datetime:
    """When the hour of a rule comes, by the table above."""
    default, cautious = HOURS[key]
    is_default = of.device == "needling" and of.depth_mm is not None and of.depth_mm <= 1.0
    if key == "water" and of.area == "scalp":
        default, cautious = 24, 48
    if key == "sunbathing" and of.device == "RF":
        cautious = 2160
    if key == "sun" and of.marks_easily:
        default = 672
    if key == "actives" and is_default and of.depth_mm is not None and of.depth_mm <= 0.3:
        default = 72
    return of.ended_at + timedelta(hours=default if is_default else cautious)


def free_now(key: str, where: Situation) -> datetime:
    """The same, counted again from a visit that has begun and came before it."""
    of = where.session
    assert of is not None
    begun = of.next_at is not None and of.next_at <= where.at
    if of.next_at is None or not begun or free(key, of) <= of.next_at:
        return free(key, of)
    return free(key, replace(of, ended_at=of.next_at))


def is_free(key: str, where: Situation) -> bool:
    """Whether a rule allows at this hour, with the visit ahead, by the tables above."""
    of = where.session
    assert of is not None
    if where.at < free_now(key, where):
        return False
    if of.next_at is None or of.next_at <= where.at or key not in BEFORE:
        return True
    begins = of.next_at.astimezone(where.zone).date() - timedelta(days=BEFORE[key])
    return where.local_date < begins


def things(line: str) -> set[str]:
    """'a, b and c' -> {'a', 'b', 'c'}."""
    return set(re.split(r", | or | and ", line))


LONGER = r"^Longer, see /plan: no (.*)\.$"


def named(text: str, pattern: str) -> set[str]:
    return {thing for line in re.findall(pattern, text, re.MULTILINE) for thing in things(line)}


def agree(text: str, where: Situation) -> None:
    """Nothing it says is against a rule at its hour."""
    assert where.session is not None
    text = seen(text)
    for line in re.findall(r"^Until .*$", text, re.MULTILINE):
        line_agrees(line, where)
    longer = named(text, LONGER)
    for key in NO:
        assert not (no(key, where.session) & longer and is_free(key, where)), (key, text)
    fine = named(text, r"^Fine [^:]*: (.*)\.$")
    area = where.session.area
    of_area = {key: FINE_OF_AREA.get((key, area), words) for key, words in FINE.items()}
    assert fine <= set().union(*of_area.values()), fine
    for key, words in of_area.items():
        if words & fine:
            assert is_free(key, where), (key, text)
    for sentence, rules in PERMITS.items():
        if sentence in text:
            assert all(where.at >= free_now(key, where) for key in rules), (sentence, text)
    for sentence, rules_ in ENDS.items():
        if sentence in text:
            assert all(where.at < free_now(key, where) for key in rules_), (sentence, text)


def line_agrees(line: str, where: Situation) -> None:
    """'Until …: no …' names the moment when the rules of its things end."""
    of = where.session
    assert of is not None
    match = re.fullmatch(r"Until (your session on )?(.+?): no (.*)\.", line)
    assert match, line
    visit, until, words = match[1], match[2], things(match[3])
    keys = [key for key in NO if no(key, of) & words]
    assert set().union(*(no(key, of) for key in keys)) == words, line
    for key in keys:
        assert not is_free(key, where), line
        if visit:
            assert of.next_at is not None
            assert until == wording.date_only(of.next_at, where.zone, "en")
            assert not is_free(key, replace(where, at=of.next_at - timedelta(minutes=1))), line
        else:
            end = free_now(key, where)
            moment = wording.date_time(end, where.zone, "en")
            weekday = wording.weekday_time(end, where.zone, "en")
            today = "today, " + wording.time_of_day(end, where.zone, "en")
            is_today = end.astimezone(where.zone).date() == where.local_date
            assert until in ((today,) if is_today else (moment, weekday)), line
            assert until in (moment, today) or end - where.at < timedelta(days=6), line


def well_formed(text: str) -> None:
    """Only Telegram's tags, each closed, and no placeholder left."""
    parser = Tags()
    parser.feed(text)
    parser.close()
    assert parser.open == [], text
    assert not re.search(r"[{}]", text), text
    assert not re.search(r"\n{3,}|^\s|\s$|[ \t]\n", text), text


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag in {"b", "i", "u", "s", "code", "a", "blockquote"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def moments(row: schedule.Planned) -> Iterator[datetime]:
    """When a row may be sent: at once, late, and as the last moment of its life comes."""
    yield row.due_at
    yield row.due_at + (row.expires_at - row.due_at) / 2
    yield row.expires_at - timedelta(seconds=1)


sessions = st.builds(
    Session,
    ended_at=st.integers(0, 3 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    depth_mm=st.sampled_from([1.0, 1.0, 1.2, 1.5, 0.4, 0.3, None]),
    area=st.sampled_from(AREAS),
    device=st.sampled_from(["needling", "needling", "RF"]),
    marks_easily=st.booleans(),
)
visits = st.one_of(st.none(), st.integers(60, 45 * 24 * 60))
zones = st.sampled_from(
    ["Europe/London", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati", "Africa/Cairo"]
)


def with_visit(of: Session, minutes: int | None) -> Session:
    return of if minutes is None else replace(of, next_at=of.ended_at + timedelta(minutes=minutes))


@settings(max_examples=150, deadline=None)
@given(of=sessions, visit=visits, zone=zones)
def test_no_message_contradicts_a_rule_at_any_moment_of_its_life(
    of: Session, visit: int | None, zone: str
) -> None:
    of, patient = with_visit(of, visit), Patient(name="Ana", timezone=zone)
    for row in schedule.plan(LIBRARY, of, CLINIC, patient):
        for at in moments(row):
            where = situation(of, at, patient=patient)
            text = step(row.key, where)
            agree(text, where)
            well_formed(text)
            assert len(seen(text)) <= 600, text
            if row.key in NAMES_ALL:
                every_rule_is_named(text, where)


def every_rule_is_named(text: str, where: Situation) -> None:
    of = where.session
    assert of is not None
    said = named(seen(text), r"^Until .*?: no (.*)\.$") | named(seen(text), LONGER)
    if "o sunscreen before" in text:
        said |= NO["sunscreen"]
    if "No water on treated skin before" in text:
        said |= NO["water"]
    assert "No picking or beauty treatments." in text
    missing = {key for key in NO if not is_free(key, where) and not no(key, of) <= said}
    assert not missing, text


@settings(max_examples=150, deadline=None)
@given(of=sessions, visit=visits, zone=zones, hours=st.floats(-12, 1500))
def test_what_is_said_of_an_hour_is_true_at_that_hour(
    of: Session, visit: int | None, zone: str, hours: float
) -> None:
    of = with_visit(of, visit)
    at = of.ended_at + timedelta(hours=hours)
    where = situation(of, at, patient=Patient(name="Ana", timezone=zone))
    text = now(where)
    agree(text, where)
    well_formed(text)
    assert len(seen(text)) <= 1200, text


WINDOWS = (-1, 0, 2, 4, 10, 24, 30, 48, 60, 72, 100, 168, 200, 336, 400, 672, 2000)


@pytest.mark.parametrize("depth", [1.0, None])
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("hours", WINDOWS)
def test_every_window_of_the_clinical_table_is_said_right(
    hours: float, area: Area, depth: float | None
) -> None:
    where = after(hours, area=area, depth_mm=depth)
    text = now(where)
    agree(text, where)
    blocked = {key for key in NO if not is_free(key, where)}
    said = named(seen(text), r"^Until .*?: no (.*)\.$")
    listed = blocked - {"water", "cleansing", "sunscreen", "moisturiser", "sunbathing"}
    assert ("Still no sunbathing" in text) is ("sunbathing" in blocked)  # never until when
    of = where.session
    assert of is not None
    assert {key for key in NO if no(key, of) & said} == listed


@pytest.mark.parametrize(
    ("hours", "depth", "said"),
    [
        # Default values, row by row of A1.
        (2, 1.0, ["No water on treated skin before today, 18:30", "Hands off your skin"]),
        (2, 1.0, ["Use only what we gave you on your skin", "Shade and a hat", "Cool pack"]),
        (10, 1.0, ["lukewarm water only", "no sunscreen before today, 14:30", "clean pillowcase"]),
        (30, 1.0, ["Wash gently twice a day", "moisturiser 3 to 4 times", "SPF 30 or more"]),
        (60, 1.0, ["Fine as usual: alcohol", "Still in pain? Call us", "on a clean pillowcase"]),
        (100, 1.0, ["Fine if calm", "Do not pick", "no acids", "Ask us before ibuprofen"]),
        (200, 1.0, ["one new thing at a time: acids", "no direct sun", "Ask us before ibuprofen"]),
        (400, 1.0, ["Ask us before any other skin", "Still no sunbathing"]),
        (700, 1.0, ["usual care again", "Keep using sunscreen every day"]),
        # The cautious column.
        (2, None, ["No water on treated skin before today, 20:30", "Paracetamol as the pack"]),
        (30, None, ["lukewarm water only", "no sunscreen before Tuesday, 14:30"]),
        (
            60,
            None,
            ["Wash gently twice a day", "Besides cleanser and sunscreen, use only", "SPF 50"],
        ),
        (100, None, ["plain moisturiser", "no alcohol, sport, hot showers, shaving, sauna"]),
        (
            200,
            None,
            [
                "Fine as usual: alcohol",
                "no acids, retinoids, benzoyl peroxide, scrubs or vitamin C",
            ],
        ),
        (400, None, ["no direct sun.", "Still no sunbathing", "one new thing at a time: acids"]),
    ],
)
def test_each_hour_says_what_to_do(hours: float, depth: float | None, said: list[str]) -> None:
    text = seen(now(after(hours, depth_mm=depth)))
    for words in said:
        assert words in text


@pytest.mark.parametrize(
    ("hours", "depth", "never"),
    [
        (2, 1.0, ["Wash", "Fine", "Still in pain"]),
        (2, None, ["ool pack"]),
        (30, 1.0, ["lukewarm", "Fine", "Still in pain"]),
        (60, 1.0, ["ool pack", "paracetamol"]),
        (100, 1.0, ["pillowcase", "Hands off"]),
        (200, 1.0, ["Wash", "moisturiser"]),
        (400, 1.0, ["ibuprofen", "Do not pick", "Still in pain"]),
        (700, 1.0, ["Until", "Fine"]),
    ],
)
def test_each_hour_leaves_out_what_is_over_or_to_come(
    hours: float, depth: float | None, never: list[str]
) -> None:
    text = seen(now(after(hours, depth_mm=depth)))
    for words in never:
        assert words not in text


def test_before_a_session_is_over_its_hours_are_counted_from_its_end() -> None:
    text = seen(now(after(-2)))
    assert text.startswith("We count from Sunday 22 November, 14:30, when your session ends.")
    assert "No water on treated skin before today, 18:30." in text


def test_somebody_without_a_session_is_told_whom_to_call() -> None:
    nobody = situation(None, ENDED)
    for text in (
        now(nobody),
        str(messages.plan_text(LIBRARY, nobody, [])),
        str(messages.next_text(LIBRARY, nobody, [])),
    ):
        assert CLINIC.phone in text


def test_a_message_of_the_plan_needs_a_session_and_a_step() -> None:
    with pytest.raises(ValueError, match="needs a session"):
        messages.step_text(LIBRARY, "day5", situation(None, ENDED))
    with pytest.raises(KeyError):
        messages.step_text(LIBRARY, "day6", after(1))


# -- each message of the plan


@pytest.mark.parametrize(
    ("key", "hours", "first_line"),
    [
        ("first_hours", 1, "Hands off. No water on treated skin before 18:30."),
        (
            "first_evening",
            5,
            "Sleep on your back, head up, on a clean pillowcase. Do this for 3 nights.",
        ),
        (
            "next_morning",
            17.5,
            "Shade and a hat: no sunscreen before today, 14:30."
            " Then mineral, SPF 30 or more, if skin is not raw.",
        ),
        (
            "day1_evening",
            28.5,
            "Wash gently twice a day with a fragrance-free cleanser. Pat dry.",
        ),
        (
            "day2",
            42.5,
            "If your skin is not raw: mineral sunscreen every morning, SPF 30 or more."
            " Use it again every 2 hours outdoors.",
        ),
        (
            "check_72",
            72,
            "Redness should be fading, swelling gone. If not, call +44 20 7946 0000.",
        ),
        (
            "day5",
            115.5,
            "Use plain moisturiser 3 to 4 times a day. Let flakes come off by themselves.",
        ),
        (
            "day7",
            168,
            "Look at your skin first. Still red, puffy or sore? Call us: +44 20 7946 0000."
            " Still peeling? Wait.",
        ),
        ("day14", 331.5, "Still no sunbathing and no sunbeds."),
        (
            "week4",
            667.5,
            "Keep protecting your skin from the sun: use sunscreen every day.",
        ),
        ("precare", 499.5, "Tell us before your session on Sunday 20 December, 11:00 about:"),
        ("coming", 619.5, "Are you coming on Sunday 20 December, 11:00?"),
        ("today", 665.5, "Come without make-up on Sunday 20 December, 11:00."),
        (
            "maintenance",
            4000,
            "Would you like to talk about another session? Call The Skin Clinic: +44 20 7946 0000.",
        ),
    ],
)
def test_the_action_is_in_the_first_line(key: str, hours: float, first_line: str) -> None:
    assert seen(step(key, after(hours, next_at=VISIT))).split("\n")[0] == first_line


def test_the_first_message_says_the_emergency_lines_and_to_stop_nothing_prescribed() -> None:
    text = seen(step("first_hours", after(1)))
    assert "Call 999 now for trouble breathing, swollen lips, tongue or throat" in text
    assert "Do not wait for us." in text
    assert "Call us today (+44 20 7946 0000) for fever of 38 °C (100.4 °F) or more" in text
    assert "If closed: an out-of-hours doctor or emergency department." in text
    assert "Ask us before ibuprofen or aspirin. Stop nothing prescribed." in text
    assert "paracetamol as the pack says" in text


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ("2026-11-22T17:30", False),
        ("2026-11-22T17:31", True),
        ("2026-11-22T23:30", True),
        ("2026-11-22T00:30", True),  # the evening's own message comes only after this night
    ],
)
def test_where_no_message_comes_before_bedtime_the_first_one_says_the_evening(
    ended: str, said: bool
) -> None:
    of = session(ended_at=datetime.fromisoformat(ended).replace(tzinfo=UTC))
    text = step("first_hours", after(1, of))
    assert ("Tonight: head up, clean pillowcase." in text) is said
    assert (", then lukewarm only." in text) is said


@pytest.mark.parametrize(
    ("ended", "water"),
    [
        ("2026-11-22T14:30", "Wash with lukewarm water only, with clean hands."),
        ("2026-11-22T17:30", "No water on treated skin before 21:30. Then lukewarm water only"),
    ],
)
def test_the_first_evening_says_from_when_water_is_allowed(ended: str, water: str) -> None:
    of = session(ended_at=datetime.fromisoformat(ended).replace(tzinfo=UTC))
    assert water in step("first_evening", situation(of, datetime(2026, 11, 22, 19, 30, tzinfo=UTC)))


@pytest.mark.parametrize(("area", "pillow"), [("face", True), ("scalp", True), ("body", False)])
def test_whose_body_was_treated_is_told_of_clothes_and_not_of_pillows(
    area: Area, pillow: bool
) -> None:
    for text in (
        step("first_evening", after(5, area=area)),
        step("first_hours", after(1, area=area, ended_at=ENDED + timedelta(hours=6))),
        now(after(5, area=area)),
    ):
        assert ("pillowcase" in text) is pillow
        assert ("loose cotton clothes" in text) is not pillow


@pytest.mark.parametrize(
    ("hours", "depth", "allowed"), [(23, 1.0, False), (24, 1.0, True), (30, None, False)]
)
def test_nobody_is_told_to_wash_their_hair_before_the_hour_of_the_scalp(
    hours: float, depth: float | None, allowed: bool
) -> None:
    text = now(after(hours, area="scalp", depth_mm=depth))
    assert ("Wash your hair gently, with lukewarm water and a mild shampoo." in text) is allowed
    assert ("No water on treated skin" in text) is not allowed


@pytest.mark.parametrize(("key", "hours"), [("day2", 42.5), ("day14", 331.5)])
def test_what_ends_on_the_day_itself_ends_today(key: str, hours: float) -> None:
    assert "Until today, 14:30: no" in step(key, after(hours))


@pytest.mark.parametrize(("area", "washing"), [("face", "cleanser"), ("scalp", "shampoo")])
def test_who_may_wash_and_use_sunscreen_is_not_told_to_use_only_the_clinics(
    area: Area, washing: str
) -> None:
    where = after(48, area=area, device="RF")
    for text in (step("day1_evening", where), now(where)):
        assert f"Besides {washing} and sunscreen, use only what we gave you." in text
        assert "Use only" not in text


@pytest.mark.parametrize("key", ["day7", "day14"])
def test_after_a_visit_the_old_plan_allows_nothing_new_before_its_hours_from_the_visit(
    key: str,
) -> None:
    of = session(next_at=ENDED + timedelta(days=5))
    where = after(168 if key == "day7" else 337, of)
    text = seen(step(key, where))
    assert ("no acids" in text) is (key == "day7")
    assert "no direct sun" in text
    assert "Fine" not in text


def test_the_plan_promises_nothing_that_comes_after_a_visit() -> None:
    of = session(next_at=ENDED + timedelta(days=9))
    text = seen(str(messages.plan_text(LIBRARY, after(30, of), [])))
    assert "being out in the sun" not in text
    assert "direct sun." in text
    assert "Still no sunbathing and no sunbeds." in text
    assert "Sunday 29 November, 14:30: vitamin C, sauna" in text


def test_what_is_still_forbidden_is_grouped_by_the_moment_it_ends() -> None:
    assert seen(step("next_morning", after(17.5))).split("\n")[2:] == [
        "Until today, 14:30: no cleanser or cream of your own.",
        "Until Tuesday, 14:30: no alcohol.",
        "Until Wednesday, 14:30: no make-up, sport, hot showers or shaving.",
        "Until 29 November, 14:30: no acids, retinoids, benzoyl peroxide, scrubs, vitamin C,"
        " sauna, steam, hot tub, swimming, other hair removal, fake tan,"
        " cloths or cleansing brushes.",
        "Until 6 December, 14:30: no direct sun.",
        "Until 20 December, 14:30: no tanning.",
        "No picking or beauty treatments.",
    ]


@pytest.mark.parametrize("at", ["2026-11-23T14:29", "2026-11-23T14:30"])
def test_the_same_message_an_hour_later_says_what_is_true_then(at: str) -> None:
    text = step("next_morning", situation(session(), datetime.fromisoformat(at + "+00:00")))
    assert ("no sunscreen before" in text) is at.endswith("29")
    assert ("mineral sunscreen every morning" in text) is at.endswith("30")
    assert ("no cleanser" in text) is at.endswith("29")


def test_a_visit_within_a_week_keeps_acids_waxing_and_fake_tan_out_of_day_7() -> None:
    visit = ENDED + timedelta(days=12)
    text = seen(step("day7", after(168, next_at=visit)))
    assert (
        "Until your session on 4 December: no acids, retinoids, benzoyl peroxide, scrubs, other"
        in text
    )
    assert named(text, r"^Fine [^:]*: (.*)\.$") == {
        "vitamin C",
        "sauna",
        "steam",
        "hot tub",
        "swimming",
    }


def test_with_cautious_values_day_7_says_from_when_acids_and_vitamin_c_are_allowed() -> None:
    text = seen(step("day7", after(168, depth_mm=None)))
    assert (
        "Until 6 December, 14:30: no acids, retinoids, benzoyl peroxide, scrubs or vitamin C."
        in text
    )
    assert "acids" not in " ".join(named(text, r"^Fine [^:]*: (.*)\.$"))


def test_on_the_day_of_a_visit_make_up_is_not_called_fine() -> None:
    text = seen(step("check_72", after(72, next_at=ENDED + timedelta(hours=75))))
    assert "Until your session on 25 November: no alcohol, make-up or shaving." in text


@pytest.mark.parametrize(("days", "said"), [(6, True), (7, True), (8, False)])
def test_in_the_week_before_a_visit_its_precare_is_said(days: int, said: bool) -> None:
    where = situation(session(next_at=VISIT), VISIT - timedelta(days=days))
    text = seen(now(where))
    assert "Your next session is on Sunday 20 December, 11:00." in text
    assert ("tell us about new medicines, pregnancy, a cold sore" in text) is said


def test_a_visit_that_is_over_is_not_spoken_of() -> None:
    where = situation(session(next_at=VISIT), VISIT)
    assert "next session" not in now(where)
    assert "No next session is booked" in messages.next_text(LIBRARY, where, [])


@pytest.mark.parametrize("key", ["coming", "today"])
def test_where_the_clinics_clock_shows_another_time_it_is_said(key: str) -> None:
    away = Patient(name="Ana", timezone="America/New_York")
    at = VISIT - timedelta(hours=3)
    text = seen(step(key, situation(session(next_at=VISIT), at, patient=away)))
    assert "Sunday 20 December, 06:00" in text
    assert "At the clinic that is Sunday 20 December, 11:00 (United Kingdom Time)." in text
    assert "At the clinic" not in step(key, situation(session(next_at=VISIT), at))


def test_a_zone_by_another_name_with_the_same_clock_is_not_another_time() -> None:
    lisbon = Patient(name="Ana", timezone="Europe/Lisbon")
    where = situation(session(next_at=VISIT), VISIT - timedelta(hours=3), patient=lisbon)
    assert "At the clinic" not in step("today", where)


# -- names, recommendations, lists


HOSTILE = '<b>&"{x} مرحبا 🙂'


def test_names_are_shown_as_they_are_and_break_nothing() -> None:
    clinic = replace(CLINIC, name=HOSTILE, phone=HOSTILE, urgent_line=HOSTILE)
    of = session(next_at=VISIT, recommended=HOSTILE)
    patient = Patient(name=HOSTILE, timezone="Europe/London")
    for row in schedule.plan(LIBRARY, of, clinic, patient):
        text = step(row.key, situation(of, row.due_at, clinic=clinic, patient=patient))
        assert HOSTILE not in text
        Tags().feed(text)
    assert HOSTILE in seen(step("coming", situation(of, VISIT, clinic=clinic, patient=patient)))


@pytest.mark.parametrize(
    ("recommended", "from_hours", "hours", "shown"),
    [
        ("Hyaluronic serum", 0, 1, True),
        ("Hyaluronic serum", 0, -1, False),
        ("Vitamin C", 168, 167.9, False),
        ("Vitamin C", 168, 168, True),
        (None, 0, 1, False),
        ("", 0, 1, False),
    ],
)
def test_a_recommendation_is_quoted_under_the_clinics_name_from_its_hour(
    recommended: str | None, from_hours: float, hours: float, shown: bool
) -> None:
    where = after(hours, recommended=recommended, recommended_from_hours=from_hours)
    quoted = messages.recommendation(LIBRARY, where)
    expected = f"<b>The Skin Clinic</b> recommends for you:\n<blockquote>{recommended}</blockquote>"
    assert quoted == (Markup(expected) if shown else None)


def test_nobody_without_a_session_has_a_recommendation() -> None:
    assert messages.recommendation(LIBRARY, situation(None, ENDED)) is None


def test_the_recommendation_is_in_the_evening_of_day_1_and_in_the_plan() -> None:
    where = after(28.5, recommended="Hyaluronic <serum>")
    quote = "<blockquote>Hyaluronic &lt;serum&gt;</blockquote>"
    assert quote in step("day1_evening", where)
    assert quote in messages.plan_text(LIBRARY, where, [])
    assert quote not in step("day2", where)


def test_the_urgent_line_of_the_clinic_is_said_where_it_has_one() -> None:
    where = replace(after(1), clinic=replace(CLINIC, urgent_line="111"))
    assert "If closed: 111." in messages.emergency_lines(LIBRARY, where)


def test_the_emergency_lines_need_no_session() -> None:
    lines = messages.emergency_lines(LIBRARY, situation(None, ENDED)).split("\n")
    assert lines[0].startswith("<b>Call 999 now</b>")
    assert lines[1].startswith("<b>Call us today</b>")


def test_the_plan_says_from_when_and_what_messages_come() -> None:
    of = session(next_at=VISIT)
    rows = schedule.plan(LIBRARY, of, CLINIC, PATIENT)
    text = seen(str(messages.plan_text(LIBRARY, after(30, of), rows)))
    assert "Wednesday 25 November, 14:30: make-up with clean brushes, sport" in text
    assert "Until your session on Sunday 20 December: no fake tan" not in text
    assert "Tuesday 24 November, 09:00: sunscreen" in text
    assert "the first hours" not in text
    assert len(text) < 3500


def test_the_plan_promises_nothing_for_after_a_visit() -> None:
    of = session(next_at=ENDED + timedelta(days=12))
    text = seen(str(messages.plan_text(LIBRARY, after(30, of), [])))
    assert "Until your session on 4 December: no acids" in text
    assert "No more messages are planned." in text


def test_the_plan_of_somebody_long_healed_forbids_nothing() -> None:
    text = messages.plan_text(LIBRARY, after(800), [])
    assert "From when" not in text


@settings(max_examples=60, deadline=None)
@given(of=sessions, visit=visits, hours=st.floats(-12, 1000))
def test_the_plan_fits_one_message(of: Session, visit: int | None, hours: float) -> None:
    of = with_visit(of, visit)
    rows = schedule.plan(LIBRARY, of, CLINIC, PATIENT)
    text = str(messages.plan_text(LIBRARY, after(hours, of), rows))
    well_formed(text)
    assert len(seen(text)) < 3500


def test_next_is_the_visit_and_the_nearest_message() -> None:
    of = session(next_at=VISIT)
    rows = schedule.plan(LIBRARY, of, CLINIC, PATIENT)
    text = seen(str(messages.next_text(LIBRARY, after(30, of), rows)))
    assert text.split("\n") == [
        "Your next session is on Sunday 20 December, 11:00, at The Skin Clinic.",
        "My next message comes on Tuesday 24 November, 09:00: sunscreen.",
    ]


def test_without_a_visit_or_a_message_to_come_next_says_whom_to_call() -> None:
    text = messages.next_text(LIBRARY, after(5000), [])
    assert text == (
        "No next session is booked here. To book one, call The Skin Clinic: +44 20 7946 0000."
    )


def test_the_lines_of_a_plan_are_what_would_be_sent() -> None:
    of = session(next_at=VISIT)
    lines = plan_lines(LIBRARY, of, CLINIC, Patient(name="Ana", timezone="Asia/Kolkata"))
    assert [line["due_at"] for line in lines] == sorted(line["due_at"] for line in lines)
    assert len({line["key"] for line in lines}) == len(lines)
    assert lines[0]["due_at"] == "2026-11-22T21:00:00+05:30"
    assert lines[0].keys() == {"key", "topic", "due_at", "expires_at", "text"}
    for line in lines:
        due, expires = (datetime.fromisoformat(line[name]) for name in ("due_at", "expires_at"))
        assert due < expires
        well_formed(line["text"])


# -- how it is written


def test_no_text_shouts_promises_or_doses() -> None:
    folder = DATA / "texts" / "en"
    for file in ("rules.toml", "steps.toml", "common.toml"):
        said = (folder / file).read_text("utf-8")
        assert "!" not in said, file
        assert not re.search(r"\bwill (remove|cure|disappear)\b|\b\d+ ?mg\b", said), file
