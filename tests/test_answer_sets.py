"""The message sets of tests/answers: each message has one of its topics and one of its levels."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from content.answers import answer
from content.flags import LEVELS
from content.library import load
from tests.situations import after

FILES = sorted((Path(__file__).parent / "answers").glob("*.toml"))


def cases(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(file.read_text("utf-8"))["case"]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_message_is_understood_and_placed(file: Path) -> None:
    wrong = []
    for case in cases(file):
        language = file.stem.partition("_")[0]
        got = answer(load(), case["text"], after(case.get("hours")), language=language)
        if got.topic not in case["topic"] or got.level not in case["level"]:
            wrong.append(
                f"{case['text']!r} at {case.get('hours')} h: got {got.topic} {got.level}"
                f" by {got.matched}, wanted {case['topic']} {case['level']}"
            )
    assert not wrong, f"{len(wrong)} messages:\n" + "\n".join(wrong)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_message_is_asked_once_and_names_real_levels(file: Path) -> None:
    texts = [case["text"] for case in cases(file)]
    assert len(texts) == len(set(texts))
    for case in cases(file):
        assert set(case) <= {"text", "hours", "topic", "level"}, case
        assert case["topic"]
        assert set(case["level"]) <= set(LEVELS), case
        assert set(case["topic"]) <= {*load().topics, "emergency", "unknown"}, case


def test_there_are_enough_messages() -> None:
    count = {file.stem: len(cases(file)) for file in FILES}
    assert count["en"] >= 300
    assert count["es"] >= 150
