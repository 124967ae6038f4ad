"""Hours that staff set for one session: every text keeps to them, in every language.

The words are looked up in the texts, so that what is said is read back as a patient reads it; the
hours are those that were set, not what the code made of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from content import answers, messages, schedule
from content.facts import AREAS, Clinic, Patient, Session, Situation
from content.library import load

LIBRARY = load()
LANGUAGES = LIBRARY.texts.languages
ENDED = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
CLINIC = Clinic(
    name="C", phone="+44 20 7946 0018", emergency_number="112", timezone="UTC", maintenance_months=2
)
FORBIDDING = [rule.key for rule in LIBRARY.forbidding]

# Sentences that permit by themselves, and what they permit; their words are those of the texts.
PERMIT = {
    "common.wash.water": ("water",),
    "common.wash.cleanser": ("water", "cleansing"),
    "common.moisturise.plain": ("moisturiser",),
    "common.sunscreen.start": ("sunscreen",),
    "common.sunscreen.keep": ("sunscreen",),
    "common.sunscreen.protect": ("sunscreen",),
    "common.now.later": tuple(FORBIDDING),
}
NAMES = ("common.fine.any", "common.fine.calm", "common.fine.healed", "common.moisturise.besides")
FORBID = ("common.still.session", "common.still.longer")

set_hours = st.dictionaries(
    st.sampled_from(FORBIDDING), st.integers(4, 2160).map(float), max_size=8
)
sessions = st.builds(
    Session,
    ended_at=st.integers(0, 7 * 24 * 60).map(lambda minutes: ENDED + timedelta(minutes=minutes)),
    depth_mm=st.sampled_from([0.3, 1.0, 2.0, None]),
    area=st.sampled_from(AREAS),
    device=st.sampled_from(["needling", "needling", "RF"]),
    marks_easily=st.booleans(),
    overrides=set_hours,
)


def seen(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def pattern(key: str, where: Situation) -> re.Pattern[str]:
    """A sentence of the texts as it is found in a message, its values as groups."""
    asked = LIBRARY.texts_for(where.patient.language, where.session)[key]
    said = seen(str(asked.fill({field: f"\0{field}\0" for field in asked.fields})))
    return re.compile("\0".join(
        rf"(?P<{part}>.+)" if n % 2 else re.escape(part) for n, part in enumerate(said.split("\0"))
    ).replace("\0", ""), re.MULTILINE)  # fmt: skip


def free(key: str, of: Session) -> datetime:
    """From when it is allowed: what staff set, or the hour of the kind of session."""
    hours = of.overrides.get(key, LIBRARY.rules[key].usual_hours(of))
    return of.ended_at + timedelta(hours=hours)


def words(key: str, form: str, where: Situation) -> set[str]:
    texts = LIBRARY.texts_for(where.patient.language, where.session)
    return set(messages.said_of(texts, key, form))  # type: ignore[arg-type]


def things(listed: str, where: Situation) -> set[str]:
    joined = {"en": r", | or | and ", "es": r", | o | y "}[where.patient.language]
    return set(re.split(joined, listed.rstrip(".")))


def obeys(text: str, where: Situation) -> None:
    """Nothing is called allowed before its hour, and nothing forbidden after it."""
    of, text = where.session, seen(text)
    assert of is not None
    for key, permitted in PERMIT.items():
        if pattern(key, where).search(text):
            assert all(where.at >= free(rule, of) for rule in permitted), (key, text)
    for key in NAMES:
        form = "no" if key.endswith("besides") else "fine"
        for rule in named(key, form, text, where):
            assert where.at >= free(rule, of), (rule, text)
    for key in FORBID:
        for rule in named(key, "no", text, where):
            assert where.at < free(rule, of) + timedelta(minutes=1), (rule, text)


def named(key: str, form: str, text: str, where: Situation) -> Iterator[str]:
    """The rules that the sentences `key` of a message name."""
    for match in pattern(key, where).finditer(text):
        listed = things(match["things"], where)
        forms = ("no", "short") if form == "no" else (form,)
        said = {rule: set().union(*(words(rule, it, where) for it in forms)) for rule in FORBIDDING}
        yield from (rule for rule in FORBIDDING if said[rule] & listed)


def moments(row: schedule.Planned) -> Iterator[datetime]:
    yield row.due_at
    yield row.due_at + (row.expires_at - row.due_at) / 2
    yield row.expires_at - timedelta(seconds=1)


LONGEST = Session(
    ended_at=ENDED,
    area="body",
    overrides={"moisturiser": 121.0, "cleansing": 2160.0, "sunscreen": 73.0, "water": 169.0},
)
"""What is still forbidden at 72 h fills a message when every thing has all its words."""


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=100, deadline=None)
@example(of=LONGEST)
@example(of=replace(LONGEST, area="scalp", depth_mm=1.0))
@given(of=sessions)
def test_no_step_says_anything_against_an_hour_that_staff_set(language: str, of: Session) -> None:
    patient = Patient(name="Ana", timezone="Europe/London", language=language)
    for row in schedule.plan(LIBRARY, of, CLINIC, patient):
        for at in moments(row):
            where = Situation(at=at, clinic=CLINIC, patient=patient, session=of)
            text = str(messages.step_text(LIBRARY, row.key, where))
            obeys(text, where)
            assert len(seen(text)) <= 600, text


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=100, deadline=None)
@given(of=sessions, hours=st.floats(-12, 2300))
def test_what_is_said_of_an_hour_keeps_to_the_hours_that_staff_set(
    language: str, of: Session, hours: float
) -> None:
    patient = Patient(name="Ana", timezone="Europe/London", language=language)
    at = of.ended_at + timedelta(hours=hours)
    where = Situation(at=at, clinic=CLINIC, patient=patient, session=of)
    obeys(str(messages.now_text(LIBRARY, where)), where)
    assert len(seen(str(messages.plan_text(LIBRARY, where, [])))) < 4000


def after(hours: float, overrides: Mapping[str, float]) -> Situation:
    of = Session(ended_at=ENDED, depth_mm=1.0, overrides=overrides)
    patient = Patient(name="Ana", timezone="UTC")
    return Situation(at=ENDED + timedelta(hours=hours), clinic=CLINIC, patient=patient, session=of)


def step(key: str, where: Situation) -> str:
    return seen(str(messages.step_text(LIBRARY, key, where)))


def plan(overrides: Mapping[str, float]) -> dict[str, schedule.Planned]:
    where = after(0, overrides)
    assert where.session is not None
    rows = schedule.plan(LIBRARY, where.session, CLINIC, where.patient)
    return {row.key: row for row in rows}


def test_no_sauna_for_ten_days_is_in_every_text() -> None:
    own = {"heat": 240.0}
    assert "Until Wednesday, 14:30: no sauna, steam or hot tub." in step("day7", after(168, own))
    assert "Until Wednesday, 14:30: no sauna" in seen(
        str(messages.now_text(LIBRARY, after(200, own)))
    )
    plan_text = seen(str(messages.plan_text(LIBRARY, after(30, own), [])))
    assert "Wednesday 2 December, 14:30: sauna, steam and hot tub" in plan_text
    said = seen(str(answers.about(LIBRARY, "heat", after(200, own)).reply))
    assert "Wednesday 2 December, 14:30" in said
    assert "sauna" not in step("day7", after(168, {})).split("Until")[1]


def test_make_up_allowed_early_is_not_called_forbidden_after_its_hour() -> None:
    own = {"makeup": 24.0}
    assert "make-up" not in step("day1_evening", after(28.5, own))
    assert "Fine if calm, not sore, raw or weeping: make-up" in step("check_72", after(72, own))
    assert "make-up" in step("next_morning", after(18, own))


@pytest.mark.parametrize(
    ("overrides", "key", "hours"),
    [
        ({}, "check_72", 72),
        ({"makeup": 24}, "check_72", 72),  # its other lines do not depend on make-up
        ({"makeup": 96}, "check_72", 96),
        ({"makeup": 120}, "check_72", 120),
        ({"makeup": 121}, "check_72", 72),  # too far off: it goes at its hour, and says so
        ({"swimming": 336}, "day7", 168),
        ({"swimming": 192}, "day7", 192),
    ],
)
def test_a_step_waits_for_its_rule_within_reason(
    overrides: dict[str, float], key: str, hours: float
) -> None:
    assert plan(overrides)[key].due_at == ENDED + timedelta(hours=hours)


def test_a_step_that_does_not_wait_says_from_when() -> None:
    text = step("check_72", after(72, {"makeup": 240}))
    assert "Until 2 December, 14:30: no make-up." in text
    assert "make-up with clean brushes" not in text


def test_reminders_moved_by_staff_are_kept_apart() -> None:
    rows = sorted(plan({"cleansing": 42}).values(), key=lambda row: row.due_at)
    care = [row for row in rows if LIBRARY.step(row.key).kind == "care"]
    gaps = [later.due_at - row.due_at for row, later in pairwise(care)]
    assert min(gaps) >= timedelta(hours=2)


def test_too_many_moments_for_one_message_are_told_in_one_line() -> None:
    own = {key: 200.0 + 20 * n for n, key in enumerate(FORBIDDING)}
    text = step("day7", after(168, own))
    assert len(text) <= 600
    assert "Longer, see /plan: no " in text
    assert text.count("Until") >= 1
    where = after(168, own)
    assert all(word in text for rule in FORBIDDING for word in words(rule, "no", where))


def test_an_hour_set_for_a_rule_that_is_no_more_changes_nothing() -> None:
    where = after(30, {"tea": 240.0})
    assert messages.now_text(LIBRARY, where) == messages.now_text(
        LIBRARY,
        replace(where, session=replace(where.session, overrides={})),  # type: ignore[type-var]
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("sauna", "is_said"), [(4, False), (5, True)])
def test_the_first_message_forbids_only_what_is_forbidden_then(
    language: str, sauna: float, is_said: bool
) -> None:
    where = after(4.2, {"heat": sauna})
    where = replace(where, patient=replace(where.patient, language=language))
    short = words("heat", "short", where).pop()
    line = seen(str(messages.step_text(LIBRARY, "first_hours", where))).split("\n")[1]
    assert (short in line) is is_said
    assert words("sun", "short", where).pop() in line


# -- profiles in words


@pytest.mark.parametrize(
    ("fields", "key", "hours", "said"),
    [
        ({"marks_easily": True}, "next_morning", 18, "sun can leave dark marks"),
        ({"marks_easily": True}, "day2", 42.5, "SPF 50"),
        ({"marks_easily": True}, "day2", 42.5, "Sun can leave dark marks on your skin."),
        ({"marks_easily": True}, "day14", 331.5, "Sun can leave dark marks"),
        ({"marks_easily": True}, "week4", 667.5, "Sun can leave dark marks."),
        ({"area": "body"}, "next_morning", 18, "no make-up, sport, gym, rubbing clothes"),
        ({"area": "body"}, "check_72", 72, "sport, gym"),
        ({"area": "scalp"}, "day2", 42.5, "Ask before hair dye, heat tools or minoxidil."),
        ({"area": "scalp"}, "next_morning", 18, "no water on treated skin, shampoo or cream"),
        ({"device": "RF"}, "week4", 672, "Still no sunbathing and no sunbeds."),
        ({"depth_mm": 0.3}, "day2", 42.5, "no make-up, sport, hot showers, shaving, acids"),
    ],
)
def test_a_profile_is_heard_in_the_reminders(
    fields: dict[str, object], key: str, hours: float, said: str
) -> None:
    def text(own: dict[str, object]) -> str:
        where = after(hours, {})
        assert where.session is not None
        return step(key, replace(where, session=replace(where.session, **own)))  # type: ignore[arg-type]

    assert said in text(fields)
    assert said not in text({})
