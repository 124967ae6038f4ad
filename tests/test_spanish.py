"""The Spanish texts say all that the English ones do, and nothing in English."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from content import answers, messages, schedule
from content.facts import AREAS, Area, Clinic, Patient, Session, Situation
from content.library import load

LIBRARY = load()
ENGLISH = LIBRARY.texts.variant("en")
SPANISH = LIBRARY.texts.variant("es")
KEYS = sorted(LIBRARY.texts.keys("en"))
ENDED = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)  # a Sunday
VISIT = datetime(2026, 12, 20, 11, 0, tzinfo=UTC)
CLINIC = Clinic(
    name="Clínica Piel Sana",
    phone="+34 910 123 456",
    emergency_number="112",
    timezone="Europe/Madrid",
    maintenance_months=6,
)
PATIENT = Patient(name="Ana", timezone="Europe/Madrid", language="es")
LONGEST = 600
"""Characters of a reminder, as its reader sees it (clinical.md, part H)."""
HOURS = (None, -1, 5, 30, 60, 100, 200, 400, 700)

GIVE_AWAY = re.compile(
    r"\b(?:the|your?|yours|we|and|of|is|are|not|with|from|for|this|that|until|before|after|days?"
    r"|hours?|skin|please|call|ask|tell|wash|today|tomorrow|week|morning|evening|visit|clinic"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|november|december|january)\b",
    re.IGNORECASE,
)
COMMAND = re.compile(r"/\w+")
TYPED = re.compile(r"/invite(?: front desk| \w+)")
"""What staff type to the bot in English words."""
WORD_LISTS = ("staff.newsession.example", "said.")
"""Not said to anybody in Spanish: a line to type, and words that staff may write."""


def session(**fields: object) -> Session:
    values: dict[str, object] = {"ended_at": ENDED, "depth_mm": 1.0, **fields}
    return Session(**values)  # type: ignore[arg-type]


def situation(of: Session | None, at: datetime) -> Situation:
    return Situation(at=at, clinic=CLINIC, patient=PATIENT, session=of)


def hours_after(hours: float | None, **fields: object) -> Situation:
    if hours is None:
        return situation(None, ENDED)
    return situation(session(**fields), ENDED + timedelta(hours=hours))


def seen(text: str) -> str:
    """The text as the reader sees it."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def english_in(text: str) -> list[str]:
    return GIVE_AWAY.findall(COMMAND.sub("", TYPED.sub("", seen(text))))


def words(key: str) -> str:
    """The Spanish text `key` with nothing put in."""
    text = SPANISH[key]
    return str(text.fill(dict.fromkeys(text.fields, "")))


def test_spanish_holds_the_keys_of_english() -> None:
    assert LIBRARY.texts.keys("es") == LIBRARY.texts.keys("en")


@pytest.mark.parametrize("key", KEYS)
def test_a_spanish_text_asks_for_the_same_values(key: str) -> None:
    assert set(SPANISH[key].fields) == set(ENGLISH[key].fields)


@pytest.mark.parametrize("key", KEYS)
def test_no_english_is_left_in_a_spanish_text(key: str) -> None:
    if not key.startswith(WORD_LISTS):
        assert english_in(words(key)) == []


def test_the_check_for_english_finds_it_and_leaves_commands_alone() -> None:
    assert english_in("Llame a la clínica <b>today</b>") == ["today"]
    assert english_in("Escriba /invite front desk o mire /today") == []


def said_to(where: Situation) -> Iterator[str]:
    """Whatever is not a reminder."""
    yield messages.now_text(LIBRARY, where)
    yield answers.side_effects(LIBRARY, where)
    for topic in LIBRARY.topics:
        yield answers.about(LIBRARY, topic, where).reply


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("depth", [1.0, None])
def test_what_is_worked_out_for_the_hour_is_spanish_too(
    hours: float | None, depth: float | None
) -> None:
    for text in said_to(hours_after(hours, depth_mm=depth, next_at=VISIT)):
        assert english_in(text) == [], text


def reminders(of: Session) -> Iterator[str]:
    """Each message of the plan when it falls due, halfway, and in its last second."""
    for row in schedule.plan(LIBRARY, of, CLINIC, PATIENT):
        good_for = row.expires_at - row.due_at
        for at in (row.due_at, row.due_at + good_for / 2, row.expires_at - timedelta(seconds=1)):
            yield str(messages.step_text(LIBRARY, row.key, situation(of, at)))


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("depth", [1.0, None])
@pytest.mark.parametrize("visit", [VISIT, None])
def test_a_spanish_reminder_is_short_and_spanish(
    area: Area, depth: float | None, visit: datetime | None
) -> None:
    of = session(area=area, depth_mm=depth, next_at=visit, number=2, of=4)
    for text in reminders(of):
        assert len(seen(text)) <= LONGEST, text
        assert english_in(text) == [], text


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("depth", [1.0, None])
def test_a_spanish_plan_is_spanish(area: Area, depth: float | None) -> None:
    of = session(area=area, depth_mm=depth, next_at=VISIT)
    where = situation(of, ENDED + timedelta(hours=2))
    planned = schedule.plan(LIBRARY, of, CLINIC, PATIENT)
    for text in (
        messages.plan_text(LIBRARY, where, planned),
        messages.next_text(LIBRARY, where, planned),
        messages.next_text(LIBRARY, situation(replace(of, next_at=None), where.at), planned),
    ):
        assert english_in(text) == [], text


@pytest.mark.parametrize("rule", sorted(LIBRARY.rules))
def test_no_list_ends_in_a_word_that_needs_another_y_or_o(rule: str) -> None:
    """Lists are joined with "y" and "o"; before i-, hi-, o-, ho- Spanish has "e" and "u"."""
    for form in ("no", "fine", "no_body", "fine_body", "no_scalp", "fine_scalp"):
        key = f"rules.{rule}.{form}"
        if key in SPANISH:
            last = words(key).split("; ")[-1]
            assert not re.match(r"h?[ioíó]", last), last
