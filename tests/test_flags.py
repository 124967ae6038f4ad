"""Red flags: every phrase of clinical.md B2 and every sign of C, denials, numbers, combinations."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from content.answers import Answer, answer
from content.flags import LEVELS, Flag, flag_problems
from content.library import load
from tests.situations import after

HERE = Path(__file__).parent
PHRASES: dict[str, Any] = tomllib.loads((HERE / "clinical_phrases.toml").read_text("utf-8"))
SIGNS: dict[str, Any] = tomllib.loads((HERE / "clinical_signs.toml").read_text("utf-8"))
HOURS = PHRASES["hours"]


def rank(level: str) -> int:
    return [str(each) for each in LEVELS].index(level)


def ask(text: str, hours: float | None = 30) -> Answer:
    return answer(load(), text, after(hours), language="en")


@pytest.mark.parametrize(
    ("say", "group"),
    [(say, group) for group in PHRASES["phrases"] for say in group["say"]],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_phrase_of_b2_has_its_level_at_every_hour(say: str, group: dict[str, Any]) -> None:
    found = [ask(say, hours) for hours in HOURS]
    assert [one.level for one in found] == group["levels"], group["why"]
    assert {one.topic for one in found} == {group["topic"]}


@pytest.mark.parametrize(
    ("say", "group"),
    [(say, group) for group in SIGNS["signs"] for say in group["say"]],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_sign_of_c_is_answered_with_less_at_any_hour(say: str, group: dict[str, Any]) -> None:
    for hours in (*HOURS, 2000, None):
        assert rank(ask(say, hours).level) >= rank(group["level"]), (group["row"], hours)


@pytest.mark.parametrize("late", SIGNS["late"], ids=lambda late: late["say"])
def test_what_lasts_too_long_is_said_to_the_clinic(late: dict[str, Any]) -> None:
    assert ask(late["say"], late["hours"]).level == late["level"]


DANGER: list[dict[str, str]] = tomllib.loads((HERE / "danger.toml").read_text("utf-8"))["danger"]


@pytest.mark.parametrize("sign", DANGER, ids=lambda sign: sign["say"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_danger_is_answered_with_less_whatever_the_language_set(
    sign: dict[str, str], language: str
) -> None:
    for hours in (2, 30, 100, None):
        found = answer(load(), sign["say"], after(hours), language=language)
        assert rank(found.level) >= rank(sign["at_least"]), found.matched


@pytest.mark.parametrize(
    "text",
    [
        "no fever",
        "No fever or pus, just red",
        "no pus, swelling or fever",
        "i don't have a fever or pus",
        "I haven't had any fever",
        "there is no sign of pus",
        "not infected, just red",
        "my lips are not swollen",
        "no trouble breathing",
        "no blisters, no pus, no rash",
        "without any pus or bad smell",
        "temp is 36.8",
        "fever of 37.2? no, 37.2 is what it says",
        "98.6",
        "sin fiebre",
        "sin fiebre ni pus",
        "no tengo fiebre ni me sale pus",
        "no me he desmayado",
        "no hay pus",
        "no esta caliente",
        "tengo 37,2",
    ],
)
def test_what_is_clearly_denied_or_normal_is_no_flag(text: str) -> None:
    assert rank(ask(text).level) < rank("today"), ask(text).matched


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("no fever but pus", "today"),
        ("no fever pus everywhere", "today"),
        ("no fever - pus everywhere", "today"),
        ("no fever, pus coming out", "today"),
        ("no pus just yellow crusts", "today"),
        ("never had a fever like this", "today"),
        ("not sure if it is a fever", "today"),
        ("i dont think it is infected", "today"),
        ("isn't this infected?", "today"),
        ("not infected?", "today"),
        ("not really a fever", "today"),
        ("the fever is not going down", "today"),
        ("no puedo respirar", "emergency"),
        ("no, mi garganta se cierra", "emergency"),
        ("no my throat is closing", "emergency"),
        ("no veo bien", "emergency"),
        ("no se si tengo fiebre", "today"),
        ("no me baja la fiebre", "today"),
        ("sin fiebre pero sale pus", "today"),
        ("i had a temp of 36.8 but now it is 38.4", "today"),
        ("feverish but the temp says 37.0", "today"),
    ],
)
def test_in_doubt_it_counts(text: str, level: str) -> None:
    assert rank(ask(text).level) >= rank(level), ask(text)


@pytest.mark.parametrize(
    "text",
    [
        *("39", "101", "38,5", "38'5", "38.5", "38ºC", "38 C", "100.4", "101f", "temp of 101"),
        *("it's 39 now", "estoy a 39", "tengo 38 y medio", "fever of 39", "I was 102.3 degrees"),
        "38 point 6",
    ],
)
def test_a_number_that_is_a_fever_counts(text: str) -> None:
    assert ask(text).flag == "C11"


@pytest.mark.parametrize(
    "text",
    [
        *("at 10:39", "39 years old", "I'm 39 and my face is red", "101 questions", "SPF 50"),
        *("call me on 020 39 38 11", "wash my pillowcase at 40 degrees", "38 weeks", "day 38"),
        *("it is 38 degrees outside", "£39", "39%", "room 101", "tengo 39 años"),
    ],
)
def test_a_number_that_is_something_else_does_not(text: str) -> None:
    assert rank(ask(text).level) < rank("today"), ask(text).matched


@pytest.mark.parametrize(
    "text",
    [
        *("can i have a hot shower", "I cant see any results yet", "is green tea ok"),
        *("is room temperature water ok", "confused about the sunscreen", "the cream smells nice"),
        *("purple bruise on my cheek", "i can breathe fine", "cant see the button"),
        "i have black skin",
    ],
)
def test_words_of_a_flag_that_mean_something_else_are_no_flag(text: str) -> None:
    assert rank(ask(text).level) < rank("today"), ask(text).matched


def test_oozing_blood_is_expected_on_the_first_day_only() -> None:
    assert [ask("oozing blood", hours).level for hours in (23.9, 24)] == ["normal", "today"]


def test_a_flag_names_its_row_and_the_phrases_that_raised_it_not_the_words() -> None:
    found = ask("my zzlips qqare swollen, tongue swollen")
    assert found.flag == "C2"
    assert "zz" not in found.reply
    assert found.matched
    assert all("qq" not in phrase for phrase in found.matched)


def test_every_flag_has_its_text() -> None:
    for flag in load().flags:
        assert load().texts.has(f"flags.{flag.says}.what"), flag.key


def test_every_row_of_c_can_be_raised() -> None:
    rows = {flag.row for flag in load().flags} | {"C20", "C22"}  # by the hour: topics.toml
    rows.discard("U")  # of ours: an overdose
    assert rows == {f"C{number}" for number in range(1, 25)}


def test_an_emergency_has_no_other_topic() -> None:
    values = {"key": "X", "row": "C1", "level": "emergency", "says": "x", "sources": []}
    with pytest.raises(ValueError, match="topic must be"):
        Flag.model_validate({**values, "topic": "swelling"})


def test_what_a_flag_names_and_is_not_there_is_said() -> None:
    values = {"row": "C1", "level": "today", "topic": "swelling", "says": "x", "sources": ["OLD"]}
    x = Flag.model_validate({**values, "key": "X"})
    y = Flag.model_validate({**values, "key": "Y", "sources": [], "all_of": [["nothing"]]})
    keys = {key for key in load().phrases.keys if not key.startswith("flag:")}
    assert list(flag_problems([x, y], keys, load().sources)) == [
        "flags.toml: X: no phrases in [flags] and no all_of: it never comes up",
        "flags.toml: X.sources: OLD is not in sources.toml",
        "flags.toml: Y: nothing is called 'nothing' in phrases or flags",
    ]


VIVID: dict[str, list[str]] = tomllib.loads((HERE / "vivid.toml").read_text("utf-8"))


@pytest.mark.parametrize("level", ["emergency", "today"])
def test_danger_in_their_own_words_is_seen(level: str) -> None:
    missed = [text for text in VIVID[level] if rank(ask(text, 40).level) < rank(level)]
    assert not missed


def test_what_only_sounds_like_danger_is_no_alarm() -> None:
    alarms = [text for text in VIVID["harmless"] if rank(ask(text, 40).level) >= rank("today")]
    assert not alarms
