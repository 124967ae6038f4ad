"""Answers: messages as data (tests/answers), and what every reply holds."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from content.answers import answer
from content.library import load
from tests.situations import after

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
