"""What is logged: what happened and where, never a token, a name or a word."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from bot import logs
from storage.database import Database, DatabaseError

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


def test_why_a_database_cannot_be_used_is_said_and_nothing_of_what_was_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT_MS", 20)
    database = Database(f"sqlite:///{tmp_path / 'held.db'}")
    database.run_now(lambda tx: tx.execute(text("CREATE TABLE said (words TEXT)")))
    other = sqlite3.connect(tmp_path / "held.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    logs.configure("info", "json")
    try:
        database.run_now(
            lambda tx: tx.execute(text("INSERT INTO said VALUES (:words)"), {"words": SECRET})
        )
    except DatabaseError:
        structlog.get_logger("bot.x").exception("it.not_stored")
    other.close()
    database.close()
    said = json.loads(capsys.readouterr().err)
    assert said["why"] == "another program holds it"
    assert SECRET not in json.dumps(said, ensure_ascii=False)
    assert "held.db" not in json.dumps(said)
