"""Answers: messages as data (tests/answers), and what every reply holds."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from content.answers import about, answer, side_effects
from content.flags import LEVELS
from content.library import load
from content.topics import Phase, Raise, Topic, topic_problems
from tests.situations import CLINIC, ENDED_AT, after

VALUES = (
    "clinic",
    "phone",
    "emergency_number",
    "when_closed",
    "name",
    "day",
    "moment",
    "condition",
    "span",
    "count",
    "names",
    "number",
    "of",
)

MESSAGES: list[dict[str, Any]] = [
    {"lang": data["lang"], **message}
    for file in sorted((Path(__file__).parent / "answers").glob("*.toml"))
    for data in [tomllib.loads(file.read_text("utf-8"))]
    for message in data["messages"]
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["say"])
def test_a_message_is_understood_and_placed_at_its_hour(message: dict[str, Any]) -> None:
    found = answer(load(), message["say"], after(message["hours"]), language=message["lang"])
    assert (found.topic, found.level) == (message["topic"], message["level"]), found.matched


TEXT = st.text(max_size=300) | st.lists(
    st.sampled_from(
        ["no", "fever", "39", "lips", "swollen", "¿", "no puedo", ",", "\n", "ünd", "😱"]
    )
).map(" ".join)


@settings(deadline=None)
@given(
    text=TEXT, hours=st.none() | st.floats(-12, 5000), language=st.sampled_from(["en", "es", "xx"])
)
def test_whatever_is_written_is_answered(text: str, hours: float | None, language: str) -> None:
    found = answer(load(), text, after(hours), language=language)
    assert found.level in LEVELS
    assert str(found.reply)
    assert answer(load(), text, after(hours), language=language) == found


@pytest.mark.parametrize(
    "text", ["", " ", "a" * 100_000, "🤒" * 5000, "\x00\ud800", "לא מרגיש טוב", "发烧"]
)
def test_any_length_and_any_script_is_answered(text: str) -> None:
    assert answer(load(), text, after(30), language="en").reply


def test_danger_at_the_end_of_a_long_message_is_seen() -> None:
    text = "my skin is dry and " * 500 + "i cant breathe"
    assert answer(load(), text, after(30), language="en").level == "emergency"


@pytest.mark.parametrize("hours", [-2, 0, 2, 30, 80, 200, 400, 2000, None])
def test_every_topic_answers_at_every_hour(hours: float | None) -> None:
    for topic in load().topics:
        found = about(load(), topic, after(hours))
        assert found.topic == topic
        assert found.reply
        assert "{" not in found.reply
    assert "112" in side_effects(load(), after(hours))


@pytest.mark.parametrize("hours", [2, 100, None])
def test_every_reply_to_a_side_effect_says_what_to_call_for(hours: float | None) -> None:
    for topic in load().topics.values():
        if topic.kind == "effect":
            reply = about(load(), topic.key, after(hours)).reply
            assert CLINIC.phone in reply
            assert CLINIC.emergency_number in reply


def test_a_reply_begins_with_whom_to_call() -> None:
    emergency = answer(load(), "i cant breathe", after(2), language="en").reply
    today = answer(load(), "there is pus", after(60), language="en").reply
    assert "112" in emergency.splitlines()[0]
    assert CLINIC.phone in today.splitlines()[0]
    assert "out-of-hours" in today.splitlines()[0]


def test_talk_of_self_harm_is_met_kindly_and_with_the_number() -> None:
    found = answer(load(), "i want to kill myself", after(60), language="en")
    assert (found.level, found.flag) == ("emergency", "C24")
    assert "sorry" in found.reply.splitlines()[0]
    assert "112" in found.reply.splitlines()[0]
    assert "not alone" in found.reply
    assert "112" in found.reply


def test_care_is_answered_with_this_patients_moment() -> None:
    before = answer(load(), "can i wear makeup", after(30), language="en").reply
    later = answer(load(), "can i wear makeup", after(72), language="en").reply
    nobody = answer(load(), "can i wear makeup", after(None), language="en").reply
    assert before.startswith("<b>Not yet.</b> From Wednesday 25 November, 14:30")
    assert later.startswith("<b>Yes</b>, if")
    assert nobody.startswith("<b>Not for 72 hours after a session.</b>")


def test_the_cautious_hours_count_where_the_depth_is_not_known() -> None:
    shallow = answer(load(), "can i go to the gym", after(100), language="en").reply
    unknown = answer(load(), "can i go to the gym", after(100, depth_mm=None), language="en").reply
    assert shallow.startswith("<b>Yes</b>")
    assert unknown.startswith("<b>Not yet.</b>")


def test_what_a_visit_ahead_forbids_is_not_allowed() -> None:
    next_at = ENDED_AT + timedelta(days=10)
    found = answer(load(), "can i use retinol", after(200, next_at=next_at), language="en").reply
    assert found.startswith("<b>Not before your next session</b>")


def test_a_late_side_effect_comes_before_the_care_asked_for_and_both_are_answered() -> None:
    found = answer(load(), "still red, can i wear makeup", after(80), language="en")
    assert (found.topic, found.level) == ("redness", "soon")
    assert "brushes" in found.reply


def test_side_effects_change_their_place_with_the_hour() -> None:
    early, late = (str(side_effects(load(), after(hours))) for hours in (10, 100))
    assert "Expected now:</b> Redness" in early
    assert "Redness" not in late[late.index("Expected now") : late.index("If you have it now")]


def test_side_effects_are_expected_only_once_they_can_have_begun() -> None:
    early, week = (str(side_effects(load(), after(hours))) for hours in (2, 60))
    expected = early[early.index("Expected now") : early.index("May come later")]
    assert "Peeling" not in expected
    assert "Peeling" in week[week.index("Expected now") :]
    for never in ("Dark patches", "Marks or lines"):
        assert never not in early


def test_a_product_of_their_own_is_never_simply_allowed() -> None:
    reply = answer(load(), "is emla cream ok", after(200), language="en").reply
    assert reply.startswith("<b>Ask us first")


def test_sunbeds_are_never_allowed() -> None:
    assert "sunbeds out" in about(load(), "sun", after(1200)).reply


def test_home_care_is_said_once() -> None:
    assert about(load(), "redness", after(72)).reply.count("At home") == 1


def test_names_are_shown_literally() -> None:
    situation = replace(after(2), clinic=replace(CLINIC, name='<b>&"Derma"'))
    found = answer(load(), "there is pus", situation, language="en")
    assert "&lt;b&gt;&amp;" in found.reply


def test_the_patients_words_are_never_repeated() -> None:
    assert "xyzzy" not in answer(load(), "xyzzy pus xyzzy", after(2), language="en").reply
    assert "xyzzy" not in answer(load(), "xyzzy", after(2), language="en").reply


@pytest.mark.parametrize("text", ["thanks", "hello", "what is the capital of France"])
def test_what_is_not_understood_is_said_with_the_numbers(text: str) -> None:
    found = answer(load(), text, after(2), language="en")
    assert found.topic == "unknown"
    assert CLINIC.phone in found.reply
    assert CLINIC.emergency_number in found.reply


def test_no_text_names_a_dose_or_promises() -> None:
    for key in load().texts.keys("en"):
        if key.split(".")[0] in {"answers", "topics", "flags"}:
            text = str(load().texts.say("en", key, **dict.fromkeys(VALUES, "x"))).lower()
            assert not re.search(r"\d ?(mg|ml)\b|guarantee|will remove|you have an? ", text), key


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kind": "effect"}, "every side effect has some"),
        ({"kind": "care", "phases": [{"level": "soon"}]}, "phases belong to a side effect"),
        (
            {"kind": "effect", "phases": [{"level": "soon", "until_hours": 3}]},
            "only the last phase",
        ),
        (
            {
                "kind": "effect",
                "phases": [
                    {"level": "normal", "until_hours": 9},
                    {"level": "normal", "until_hours": 3},
                    {"level": "soon"},
                ],
            },
            "must follow each other",
        ),
    ],
)
def test_a_topic_whose_phases_leave_an_hour_out_is_refused(
    values: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        Topic.model_validate({"key": "x", **values})


def test_what_a_topic_names_and_is_not_there_is_said() -> None:
    topic = Topic(
        key="x",
        kind="effect",
        phases=(Phase(level="soon"),),
        raised=(Raise(signal="none", level="today"),),
        rules=("none",),
        sources=("OLD",),
    )
    assert list(topic_problems({"x": topic}, (), {"topic:acne"}, ())) == [
        "topics.toml: x.rules: there is no rule 'none'",
        "topics.toml: x.raised: no signal 'none' in phrases",
        "topics.toml: x.sources: OLD is not in sources.toml",
        "phrases: [topics] acne: not in topics.toml",
        "topics.toml: x: no phrases in [topics]",
    ]
