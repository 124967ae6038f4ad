"""`check`: what is wrong before it hurts, in lines that say what to do; changes nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from aiohttp import web

from bot import check
from bot.app import library_of
from bot.clock import MovableClock, SystemClock
from bot.config import CLINIC, Settings
from bot.simulator import Simulator
from content.library import ContentError
from storage.migrate import head, migrate
from tests.process import environment_of
from tests.story import settings_for

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 11, 23)


class Checked:
    """What `python -m bot check` printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.lines = out.splitlines()


async def checked(folder: Path, environment: dict[str, str]) -> Checked:
    """Run it in `folder` with these settings and no others."""
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "check",
        env={**kept, "PYTHONPATH": str(ROOT), **environment}, cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return Checked(process.returncode, out.decode(), err.decode())


def said(found: list[check.Finding]) -> str:
    return "\n".join(map(str, found))


# --- the command -----------------------------------------------------------------------------


@pytest.fixture
async def real_time() -> AsyncIterator[Simulator]:
    """A Telegram whose clock is this machine's."""
    async with Simulator(clock=SystemClock()) as simulator:
        yield simulator
    assert [wrong for wrong in simulator.wrong_calls if wrong.own] == []


async def test_where_all_is_well_it_ends_with_ok_and_has_changed_nothing(
    real_time: Simulator, tmp_path: Path
) -> None:
    settings = settings_for(real_time, tmp_path / "clinic.db")
    migrate(settings.database_url)
    before = (tmp_path / "clinic.db").read_bytes()
    told = await checked(tmp_path, environment_of(settings))
    assert (told.code, told.err) == (0, "")
    assert [line.split()[:2] for line in told.lines[:-1]] == [
        ["warning", "SETTINGS"],
        ["warning", "CONTENT"],
    ]
    assert "ENCRYPTION_KEY: is not set" in told.lines[0]
    assert "not yet approved by a clinician" in told.lines[1]
    assert told.lines[-1] == "ok: 2 warnings"
    assert (tmp_path / "clinic.db").read_bytes() == before
    assert [call.method for call in real_time.journal] == ["getMe", "getWebhookInfo"]
    assert real_time.wrong_calls == []


async def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    async with skewed(timedelta(minutes=5)) as simulator:
        own = tmp_path / "own"
        (own / "texts/en").mkdir(parents=True)
        (own / "texts/en/steps.toml").write_text("day5.text = '<b>Look at your skin.'")
        migrate(f"sqlite:///{tmp_path / 'clinic.db'}")
        schema_is(tmp_path / "clinic.db", "v9999")
        told = await checked(
            tmp_path,
            {
                "TELEGRAM_TOKEN": "1:WRONG",
                "TELEGRAM_API_URL": simulator.url,
                "CLINIC_TIMEZONE": "Mars/Base",
                "CLINIC_PHONE": "1",
                "CONTENT_DIR": str(own),
                "DATABASE_URL": f"sqlite:///{tmp_path / 'clinic.db'}",
                "WEBHOOK_URL": "https://bot.example.com/telegram",
            },
        )
        simulator.wrong_calls.clear()
    assert (told.code, told.err) == (1, "")
    for expected in (
        "error SETTINGS CLINIC_TIMEZONE: 'Mars/Base' is not a time zone",
        "error SETTINGS CLINIC_EMERGENCY_NUMBER: is needed and not set",
        "error SETTINGS WEBHOOK_SECRET: is not set; without it `web` does not start",
        "warning SETTINGS WEBHOOK_URL: is for `web`, which needs PostgreSQL",
        "error CONTENT texts/en/steps.toml: day5.text: <b> is not closed",
        "error DATABASE sqlite:///",
        "error TOKEN TELEGRAM_TOKEN: Telegram does not know this token",
        "error CLOCK this machine's clock is ",
    ):
        assert any(line.startswith(expected) for line in told.lines), expected
    assert told.lines[-1].startswith("not ok: ")
    assert "WRONG" not in told.out


async def test_without_settings_and_without_a_network_it_still_tells(tmp_path: Path) -> None:
    told = await checked(tmp_path, {})
    assert (told.code, told.err) == (1, "")
    for name in ("telegram_token", *CLINIC):
        assert f"error SETTINGS {name.upper()}: is needed and not set" in told.lines
    assert "TOKEN not tried" not in told.out
    assert "warning DATABASE sqlite:///aftercare.db: is empty yet" in told.out
    assert not (tmp_path / "aftercare.db").exists()


# --- settings and content --------------------------------------------------------------------


def test_a_setting_of_a_later_version_is_said_to_do_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", "x")
    found = said(list(check.of_settings(Settings())))
    assert "ENCRYPTION_KEY: nothing comes of it in this version" in found


def test_content_that_cannot_be_read_is_an_error_with_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("makeup.from_hours = -1")
    found = said(list(check.of_content(Settings(content_dir=tmp_path), TODAY)))
    assert "error CONTENT CONTENT_DIR/rules.toml: makeup.from_hours: " in found


@pytest.mark.parametrize(
    ("name", "text", "said_of_it"),
    [
        (
            "steps.toml",
            "day14.topic = 'sunshine'",
            "steps.toml: day14.topic: there is no topic sunshine",
        ),
        (
            "texts/en/steps.toml",
            "week4.text = 'Look at your skin. Trouble? {emergency_number}'",
            "texts/en/steps.toml: week4.text: speaks of trouble without the clinic's number",
        ),
        ("steps.toml", "day14.lasts_hours = 1", "day14"),
    ],
)
def test_what_the_check_calls_an_error_in_a_clinics_content_does_not_start(
    tmp_path: Path, name: str, text: str, said_of_it: str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    settings = Settings(
        content_dir=tmp_path, clinic_phone="+44 20 7946 0000", clinic_emergency_number="112"
    )
    assert "error CONTENT" in said(list(check.of_content(settings, TODAY)))
    with pytest.raises(ContentError) as refused:
        library_of(settings)
    assert said_of_it in str(refused.value)


def test_an_approval_that_is_still_to_come_is_told(tmp_path: Path) -> None:
    (tmp_path / "protocol.toml").write_text("approved_by = 'Dr Fox'\napproved_on = 2026-11-24")
    settings = Settings(content_dir=tmp_path)
    still_to_come = "warning CONTENT protocol.toml: approved_on: 2026-11-24 is still to come"
    assert still_to_come in said(list(check.of_content(settings, TODAY)))
    assert still_to_come not in said(list(check.of_content(settings, TODAY + timedelta(days=1))))


def test_a_language_of_the_clinic_without_texts() -> None:
    first = str(next(check.of_content(Settings(clinic_language="fr"), TODAY)))
    assert first == ("error SETTINGS CLINIC_LANGUAGE: there are no texts in 'fr'; there are en, es")


# --- the database ----------------------------------------------------------------------------


def schema_is(file: Path, revision: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()


def of_database(url: str) -> str:
    return said(list(check.of_database(url)))


def test_a_database_of_this_version_is_nothing_to_speak_of(database_url: str) -> None:
    assert of_database(database_url) == ""


def test_a_database_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = of_database(f"sqlite:///{tmp_path / 'x.db'}")
    assert found.startswith("warning DATABASE sqlite:///")
    assert "is empty yet; `run` or `migrate` makes its tables" in found
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_an_older_version(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'x.db'}", "0001")
    found = of_database(f"sqlite:///{tmp_path / 'x.db'}")
    assert found.startswith("warning DATABASE ")
    assert "is of an older version; back it up, then `run` or `migrate` brings it up" in found


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'x.db'}")
    schema_is(tmp_path / "x.db", "v9999")
    found = of_database(f"sqlite:///{tmp_path / 'x.db'}")
    assert found.startswith("error DATABASE ")
    assert "is of a newer version than this one: use that version" in found


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    found = of_database(f"sqlite:///{tmp_path / 'x.db'}")
    assert found.endswith("has tables of something else in it")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database" * 100)
    assert of_database(f"sqlite:///{tmp_path / 'x.db'}").endswith("the file is not a database")


def test_a_database_that_must_not_be_written_to(postgres_url: str) -> None:
    name = urlsplit(postgres_url).path.removeprefix("/")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode()
        )
    found = of_database(postgres_url)
    assert found.startswith("error DATABASE postgresql://")
    assert found.endswith("it must not be written to")
    password = urlsplit(postgres_url).password
    assert password
    assert password not in found


def test_a_server_that_cannot_be_reached() -> None:
    found = of_database("postgresql://clinic:secret@127.0.0.1:1/clinic")
    assert found.endswith("nothing listens there")
    assert "secret" not in found


def test_the_newest_schema_is_one_that_is_known() -> None:
    assert head() is not None


# --- Telegram --------------------------------------------------------------------------------


class Dated(Simulator):
    """A Telegram whose answers are dated otherwise than by this machine's clock."""

    def __init__(self, date: Callable[[], str]) -> None:
        super().__init__(clock=SystemClock())
        self._date = date

    async def stop(self) -> None:
        await super().stop()
        assert [wrong for wrong in self.wrong_calls if wrong.own] == []

    def _application(self) -> web.Application:
        application = super()._application()

        async def date(_: web.Request, response: web.StreamResponse) -> None:
            response.headers["Date"] = self._date()

        application.on_response_prepare.append(date)
        return application


def skewed(ahead: timedelta) -> Dated:
    return Dated(lambda: format_datetime(SystemClock().now() + ahead, usegmt=True))


async def of_telegram(simulator: Simulator, **settings: object) -> str:
    given = settings_for(simulator, Path("x.db")).model_copy(update=settings)
    return said(await check.of_telegram(given, SystemClock()))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, ""),
        (-1, ""),
        (10, "warning CLOCK this machine's clock is "),
        (-10, "warning CLOCK this machine's clock is "),
        (60, "error CLOCK this machine's clock is "),
        (-60, "error CLOCK this machine's clock is "),
    ],
)
async def test_the_clock_is_held_against_telegrams(seconds: int, expected: str) -> None:
    async with skewed(timedelta(seconds=seconds)) as simulator:
        found = await of_telegram(simulator)
    assert found.startswith(expected) if expected else found == ""
    assert ("behind" in found) is (seconds > 2)
    assert ("ahead of" in found) is (seconds < -2)


@pytest.mark.parametrize(
    "date", ["junk", "Mon, 99 Nov 2026 10:00:00 GMT", "1 Jan 9999999999999 1:0"]
)
async def test_a_date_that_is_none_tells_nothing_of_the_clock(date: str) -> None:
    async with Dated(lambda: date) as simulator:
        assert await of_telegram(simulator) == ""


async def test_a_date_without_a_zone_is_utc() -> None:
    async with Dated(lambda: f"{SystemClock().now():%d %b %Y %H:%M:%S} -0000") as simulator:
        assert await of_telegram(simulator) == ""


async def test_the_bots_own_clock_is_the_one_that_is_looked_at() -> None:
    async with Simulator(clock=SystemClock()) as simulator:
        given = settings_for(simulator, Path("x.db"))
        late = MovableClock(datetime.now(UTC) - timedelta(hours=1))  # noqa: TID251  the real one
        found = said(await check.of_telegram(given, late))
        assert simulator.wrong_calls == []
    assert found.startswith("error CLOCK this machine's clock is 3")
    assert "behind" in found


async def test_a_token_that_telegram_does_not_know(real_time: Simulator) -> None:
    found = await of_telegram(real_time, telegram_token="1:WRONG")
    assert found == "error TOKEN TELEGRAM_TOKEN: Telegram does not know this token"


async def test_where_telegram_cannot_be_reached_the_token_is_not_tried(
    real_time: Simulator,
) -> None:
    found = await of_telegram(real_time, telegram_api_url="http://127.0.0.1:1")
    assert found == (
        "error TOKEN not tried: TELEGRAM_API_URL http://127.0.0.1:1 could not be reached"
    )


async def test_something_else_answers_in_telegrams_place(real_time: Simulator) -> None:
    real_time.faults.add("server_error", method="getMe")
    assert "answered 502, which Telegram does not" in await of_telegram(real_time)


HOOK = "https://bot.example.com/telegram"


async def test_a_webhook_where_run_is_used(real_time: Simulator) -> None:
    real_time.webhook.url = HOOK
    found = await of_telegram(real_time)
    assert found.startswith("warning WEBHOOK one is set, and WEBHOOK_URL is not")


async def test_no_webhook_where_web_is_used(real_time: Simulator) -> None:
    found = await of_telegram(real_time, webhook_url=HOOK)
    assert found.startswith("warning WEBHOOK none is set yet")


async def test_a_webhook_to_another_address_and_its_last_error(real_time: Simulator) -> None:
    real_time.webhook.url = "https://old.example.com/123:secret"
    real_time.webhook.last_error = "Connection timed out"
    real_time.webhook.last_error_at = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
    found = (await of_telegram(real_time, webhook_url=HOOK)).splitlines()
    assert "posts to another address, at old.example.com" in found[0]
    assert found[1] == (
        "warning WEBHOOK the last time it failed, 22 November 14:30 UTC: Connection timed out"
    )
    assert "secret" not in "".join(found)


async def test_the_webhook_that_is_meant_is_nothing_to_speak_of(real_time: Simulator) -> None:
    real_time.webhook.url = HOOK
    assert await of_telegram(real_time, webhook_url=HOOK) == ""
