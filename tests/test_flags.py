"""Red flags: every phrase of clinical.md B2 and every sign of C, denials, numbers, combinations."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from content.answers import Answer, answer
from content.flags import Flag, rank, read_flags
from content.library import load
from content.reading import DATA, ContentError
from tests.situations import after

HERE = Path(__file__).parent
PHRASES: dict[str, Any] = tomllib.loads((HERE / "clinical_phrases.toml").read_text("utf-8"))
SIGNS: dict[str, Any] = tomllib.loads((HERE / "clinical_signs.toml").read_text("utf-8"))
HOURS = PHRASES["hours"]


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
