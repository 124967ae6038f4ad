"""The commands, as people type them: each in a process of its own, or called."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from sqlalchemy import create_engine, text

from bot.__main__ import main
from bot.simulator import Simulator
from storage.database import engine_url
from storage.migrate import head, migrate, schema_of
from tests.postgres import PostgresServer
from tests.story import settings_for

ROOT = Path(__file__).parents[1]
PLAN = [
    "plan", "--json", "--at", "2026-11-22T14:30", "--timezone", "Europe/London", "--lang", "en",
    "--area", "face", "--depth", "1.0", "--number", "2", "--of", "4",
    "--next", "2026-12-20T10:00",
]  # fmt: skip


class Said:
    """What a command printed, and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str, given: str = "") -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        code = main(arguments)
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def rows(self, *arguments: str, given: str = "") -> list[dict[str, Any]]:
        code, out, err = self(*arguments, given=given)
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    return Said(capsys, monkeypatch)


def test_plan_says_each_message_with_its_time_and_its_words(said: Said) -> None:
    rows = said.rows(*PLAN)
    assert [row["key"] for row in rows] == [
        "first_hours", "first_evening", "next_morning", "day1_evening", "day2", "check_72",
        "day5", "day7", "day14", "precare", "coming", "today",
    ]  # fmt: skip
    assert rows[0]["due_at"] == "2026-11-22T15:30:00+00:00"
    due = [datetime.fromisoformat(row["due_at"]) for row in rows]
    assert due == sorted(due)
    for row in rows:
        assert set(row) == {"key", "topic", "due_at", "expires_at", "text"}
        assert datetime.fromisoformat(row["expires_at"]) > datetime.fromisoformat(row["due_at"])
        assert "<" not in row["text"]
        assert 0 < len(row["text"]) <= 600
    topics = {row["topic"] for row in rows}
    assert topics >= {"sunscreen", "makeup", "cleansing", "moisturiser", "next_session"}


def test_plan_reads_sessions_as_lines_and_numbers_their_messages(said: Said) -> None:
    lines = [
        {"at": "2026-11-22T14:30", "timezone": "Europe/London", "depth": 1.0},
        {"at": "2026-11-22T23:30", "timezone": "Asia/Kathmandu", "next": "2026-12-20T08:30"},
    ]
    rows = said.rows("plan", "--json", given="\n".join(map(json.dumps, lines)) + "\n")
    assert {row["line"] for row in rows} == {0, 1}
    assert all(row["due_at"].endswith("+05:45") for row in rows if row["line"] == 1)
    assert "next_session" in {row["topic"] for row in rows if row["line"] == 1}


PROOF = [word for word in PLAN if word != "--json"]


def test_plan_in_words_is_for_a_clinician_to_proof_read(said: Said) -> None:
    code, out, _ = said(*PROOF)
    assert code == 0
    assert "Sunday 22 November, 15:30" in out
    assert "step first_hours" in out
    assert "| Hands off." in out
    assert "make-up: from 72 hours (default 72 hours, most cautious 72 hours)" in out
    assert "NOT YET APPROVED" in out
    in_spanish = said(*PROOF, "--lang", "es")[1]
    assert "MENSAJES, HORA POR HORA" in in_spanish


def test_plan_as_a_page_shows_the_session_asked_for(said: Said, tmp_path: Path) -> None:
    file = tmp_path / "sheet.html"
    code, out, _ = said(*PROOF, "--html", str(file), "--marks-easily")
    assert code == 0
    assert str(file) in out
    page = file.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "Sunday 22 November 2026, 14:30" in page
    assert "Skin that marks easily" in page


def test_plan_as_a_page_needs_no_session(said: Said, tmp_path: Path) -> None:
    file = tmp_path / "sheet.html"
    code, _, err = said("plan", "--html", str(file), "--lang", "es", "--area", "scalp")
    assert (code, err) == (0, "")
    page = file.read_text("utf-8")
    assert '<html lang="es" dir="ltr">' in page
    assert "Zona: cuero cabelludo" in page
    assert "Próxima sesión: " in page


def test_plan_follows_a_clinics_own_content(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules.toml").write_text("makeup.from_hours = 24\n", "utf-8")
    monkeypatch.setenv("CONTENT_DIR", str(tmp_path))
    assert "make-up: from 24 hours (default 24 hours" in said(*PROOF)[1]


@pytest.mark.parametrize(
    ("arguments", "given", "complaint"),
    [
        (["plan"], "", "--at"),
        (["plan", "--at", "yesterday"], "", "at:"),
        (["plan", "--at", "2026-11-22T14:30", "--timezone", "Mars/Base"], "", "Mars/Base"),
        (["plan", "--at", "2026-11-22T14:30", "--area", "knee", "--depth", "x"], "", "area:"),
        (["plan", "--json"], "nonsense\n", "JSON"),
        (["plan", "--at", "2026-11-22T14:30", "--lang", "xx"], "", "there are en, es"),
        (["plan", "--html", "/nowhere/sheet.html"], "", "--html /nowhere/sheet.html: No such"),
        (["plan", "--html", "x.html", "--json"], "", "do not go together"),
        (["ask"], "", "--json"),
        (["ask", "--json"], '{"hours": 3}\n', "text:"),
        (["run"], "", "TELEGRAM_TOKEN"),
        (["invite-owner"], "", "CLINIC_PHONE"),
        (["web"], "", "for one clinic on one machine, use: run"),
        (["worker"], "", "for one clinic on one machine, use: run"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_2(
    said: Said, arguments: list[str], given: str, complaint: str
) -> None:
    code, _, err = said(*arguments, given=given)
    assert code == 2
    assert complaint in err
    assert "Traceback" not in err


def test_ask_answers_line_by_line_in_order(said: Said) -> None:
    asked = [
        {"text": "is my face meant to be red", "lang": "en", "hours": 20},
        {"text": "is my face meant to be red", "lang": "en", "hours": 100},
        {"text": "I can't breathe", "lang": "en", "hours": 3},
        {"text": "can I wear make-up", "lang": "en", "hours": 10},
        {"text": "no puedo respirar", "lang": "es", "hours": 10},
        {"text": "hello"},
    ]
    rows = said.rows("ask", "--json", given="\n".join(map(json.dumps, asked)))
    assert [(row["topic"], row["level"]) for row in rows] == [
        ("redness", "normal"),
        ("redness", "soon"),
        ("emergency", "emergency"),
        ("makeup", "info"),
        ("emergency", "emergency"),
        ("unknown", "info"),
    ]
    assert "112" in rows[2]["reply"].splitlines()[0]
    assert all("<" not in row["reply"] for row in rows)


def test_ask_in_words(said: Said) -> None:
    code, out, _ = said("ask", "is my face meant to be red", "--hours", "30", "--lang", "en")
    assert code == 0
    assert "[redness, normal]" in out


def test_migrate_makes_the_database(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    assert said("migrate")[0] == 0
    assert schema_of(url) == head()


async def test_invite_owner_prints_a_link_that_makes_an_owner(
    simulator: Simulator, tmp_path: Path
) -> None:
    settings = settings_for(simulator, tmp_path / "clinic.db")
    environment = {
        name.upper(): str(value) for name, value in settings.model_dump().items() if value
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "invite-owner",
        env={**os.environ, **environment}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.decode().startswith(f"https://t.me/{simulator.username}?start=")


async def test_a_wrong_token_is_said_plainly(simulator: Simulator, tmp_path: Path) -> None:
    settings = settings_for(simulator, tmp_path / "clinic.db")
    environment = {
        name.upper(): str(value) for name, value in settings.model_dump().items() if value
    } | {"TELEGRAM_TOKEN": "1:WRONG"}
    for command in ("run", "invite-owner"):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", command,
            env={**os.environ, **environment}, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, err = await process.communicate()
        assert process.returncode == 2
        assert "TELEGRAM_TOKEN: Telegram does not know this token" in err.decode()
        assert "WRONG" not in err.decode()
    assert {wrong.problem for wrong in simulator.wrong_calls} == {"Unauthorized"}
    simulator.wrong_calls.clear()


def test_where_telegram_cannot_be_reached_no_owner_is_invited(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "TELEGRAM_TOKEN": "1:x",
        "TELEGRAM_API_URL": "http://127.0.0.1:1",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
        "CLINIC_PHONE": "1",
        "CLINIC_EMERGENCY_NUMBER": "112",
        "CLINIC_TIMEZONE": "UTC",
    }.items():
        monkeypatch.setenv(name, value)
    code, out, err = said("invite-owner")
    assert (code, out) == (2, "")
    assert "could not be reached" in err


@pytest.fixture
async def demo() -> AsyncIterator[str]:
    """The demo in a process of its own; the address of its page."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--no-browser", "--port", "0",
        cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    yield next(word for word in line.split() if word.startswith("http://"))
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_the_demo_prints_its_page_where_the_owner_is_welcomed(demo: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(demo) as page:
            assert "Aftercare" in await page.text()
        async with asyncio.timeout(10):
            while True:
                async with session.get(f"{demo}/demo/state", params={"person": 1001}) as state:
                    shown = await state.text()
                if "You are on the team" in shown:
                    break
    assert "Ana" in shown


@pytest.mark.parametrize(
    ("arguments", "given", "complaint"),
    [
        (["ask", "--json"], '{"text":"x"}\n{"text":"x","hours":NaN}\n', "line 1: "),
        (["ask", "x", "--hours", "nan"], "", "hours"),
        (["ask", "x", "--hours", "1e300"], "", "hours"),
        (["plan", "--at", "9999-12-31T23:59"], "", "between 2000 and 2099"),
        (["plan", "--at", "2026-11-22T14:30", "--depth", "-1"], "", "depth"),
        (["plan", "--at", "2026-11-22T14:30", "--number", "5", "--of", "2"], "", "5 of 2"),
        (
            ["plan", "--at", "2026-11-22T14:30", "--next", "2026-11-01T10:00"],
            "",
            "after the session",
        ),
        (["demo", "--no-browser", "--port", "99999"], "", "--port 99999"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    said: Said, arguments: list[str], given: str, complaint: str
) -> None:
    code, _, err = said(*arguments, given=given)
    assert code == 2
    assert complaint in err


def test_letters_that_are_none_and_a_mark_at_the_start_are_read_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "bot", "ask", "--json"],
        input=b'\xef\xbb\xbf{"text":"red face \xff","hours":3}\n',
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    assert json.loads(said.stdout)["topic"] == "redness"


def test_a_file_that_is_no_database_is_said(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database" * 100)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'x.db'}")
    code, _, err = said("migrate")
    assert code == 2
    assert "DATABASE_URL" in err


WHOLE = {
    "TELEGRAM_TOKEN": "1:x",
    "TELEGRAM_API_URL": "http://127.0.0.1:1",
    "CLINIC_PHONE": "1",
    "CLINIC_EMERGENCY_NUMBER": "112",
    "CLINIC_TIMEZONE": "UTC",
}
"""Settings to start with, where there is no Telegram."""


def test_where_the_database_is_and_that_it_was_empty_is_said_at_the_start(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**WHOLE, "DATABASE_URL": "sqlite:///wrong.db"}.items():
        monkeypatch.setenv(name, value)
    first, again = said("invite-owner")[2], said("invite-owner")[2]
    place = str(tmp_path / "wrong.db")
    assert f"database.opened                [bot.app] at={place}" in first
    assert "database.new" in first
    assert "it was empty" in first
    assert f"at={place}" in again
    assert "database.new" not in again


def test_a_lock_that_cannot_be_made_is_not_another_run(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clinic.db.lock").mkdir()
    for name, value in {**WHOLE, "DATABASE_URL": "sqlite:///clinic.db"}.items():
        monkeypatch.setenv(name, value)
    code, out, err = said("run")
    assert (code, out) == (2, "")
    assert f"DATABASE_URL: the file {tmp_path / 'clinic.db.lock'}" in err
    assert "cannot be made" in err
    assert "another `run` is" not in err
    assert err.count("\n") == 1
    assert not (tmp_path / "clinic.db").exists()


@pytest.mark.parametrize("command", ["run", "invite-owner"])
def test_a_database_in_memory_is_refused(
    command: str, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**WHOLE, "DATABASE_URL": "sqlite:///:memory:"}.items():
        monkeypatch.setenv(name, value)
    code, _, err = said(command)
    assert code == 2
    assert "a database in memory" in err


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("clinic:", "nobody:"), "the user or the password is wrong"),
        (("/postgres", "/not_there"), "there is no such database"),
        (("127.0.0.1:{port}", "127.0.0.1:1"), "nothing listens there"),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_line_that_says_why(
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
    postgres_server: PostgresServer,
    change: tuple[str, str],
    complaint: str,
) -> None:
    url = postgres_server.url()
    old, new = change
    monkeypatch.setenv("DATABASE_URL", url.replace(old.format(port=urlsplit(url).port), new))
    code, out, err = said("migrate")
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1
    password = urlsplit(url).password
    assert password
    assert password not in err


@pytest.mark.parametrize("command", ["migrate", "run", "worker"])
def test_a_database_of_a_later_version_is_left_alone(
    command: str,
    said: Said,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres_server: PostgresServer,
) -> None:
    """As after going back to an older version: one line, and nothing is changed."""
    url = f"sqlite:///{tmp_path / 'later.db'}"
    if command == "worker":
        url = postgres_server.url(postgres_server.create_migrated())
    migrate(url)
    engine = create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for name, value in {
        "TELEGRAM_TOKEN": "42:TEST",
        "DATABASE_URL": url,
        "CLINIC_PHONE": "1",
        "CLINIC_EMERGENCY_NUMBER": "112",
        "CLINIC_TIMEZONE": "UTC",
    }.items():
        monkeypatch.setenv(name, value)
    code, _, err = said(command)
    assert code == 2
    assert "a later version of Aftercare has changed the database (to schema 9999)" in err
    assert len(err.strip().splitlines()) == 1
    with engine.begin() as connection:
        kept = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert kept == "9999"
    engine.dispose()
