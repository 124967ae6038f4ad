"""What is logged: what happened and where, never a token, a name or a word."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from bot import logs

SECRET = "Ana López has pus"


def fail() -> None:
    raise ValueError(SECRET)


@pytest.mark.parametrize("style", ["text", "json"])
def test_an_error_is_its_kind_and_its_place(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", style)
    try:
        fail()
    except ValueError:
        structlog.get_logger("bot.x").exception("it.failed", reminder=7)
    said = capsys.readouterr().err
    assert "it.failed" in said
    assert "ValueError" in said
    assert "test_logs.py" in said
    assert SECRET not in said


def test_other_libraries_are_logged_without_their_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info", "json")
    try:
        fail()
    except ValueError:
        logging.getLogger("telegram.ext").exception("Update %s failed", SECRET)
    said = json.loads(capsys.readouterr().err)
    assert "Update %s failed (ValueError)" in said["event"]
    assert SECRET not in json.dumps(said, ensure_ascii=False)


def test_an_error_nobody_fetched_is_logged_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info", "json")
    logging.getLogger("asyncio").error(
        f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{SECRET}')>"
    )
    said = capsys.readouterr().err
    assert "never retrieved" in said
    assert SECRET not in said


def test_what_is_below_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "text")
    structlog.get_logger("bot.x").info("quiet")
    structlog.get_logger("bot.x").warning("loud")
    said = capsys.readouterr().err
    assert "quiet" not in said
    assert "loud" in said
