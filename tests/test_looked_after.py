"""What a process sees to beside its work: its lock, and what it says of its database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from bot.app import Alone, looked_after, only_one, put_clinic
from bot.clock import MovableClock
from bot.config import Settings, SettingsError
from bot.simulator import Simulator
from storage.database import Database, DatabaseError
from storage.migrate import migrate
from tests.postgres import free_port
from tests.process import BotProcess, environment_of, write_offset
from tests.story import settings_for
from tests.test_database import no_room

SETTINGS = Settings(clinic_phone="1", clinic_emergency_number="112", clinic_timezone="UTC")
PATIENCE = 10


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of the current schema, looked after many times a second."""
    monkeypatch.setattr("bot.app.LOOK_EACH", 0.01)
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT_MS", 20)
    file = tmp_path / "clinic.db"
    migrate(f"sqlite:///{file}")
    return file


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110  the database's threads tell nobody
            await asyncio.sleep(0.005)


def test_a_file_has_one_lock_by_whatever_name_it_is_reached(file: Path) -> None:
    other_name = file.with_name("link.db")
    other_name.symlink_to(file)
    with (
        only_one(f"sqlite:///{file}"),
        pytest.raises(SettingsError, match="another `run` is at work"),
        only_one(f"sqlite:///{other_name}"),
    ):
        pass
    with only_one(f"sqlite:///{other_name}"):
        pass


def test_a_lock_that_was_taken_away_is_made_anew(file: Path) -> None:
    url = f"sqlite:///{file}"
    with only_one(url) as alone:
        assert alone
        alone.path.unlink()
        alone.make_sure()
        with pytest.raises(SettingsError, match="another `run`"), only_one(url):
            pass


async def test_who_lost_the_lock_to_another_ends_and_says_so(file: Path) -> None:
    url, stop = f"sqlite:///{file}", asyncio.Event()

    async def lose(database: Database, alone: Alone) -> None:
        async with looked_after(database, stop, alone):
            alone.path.unlink()
            with only_one(url):
                await asyncio.wait_for(stop.wait(), PATIENCE)

    database = Database(url)
    with only_one(url) as alone:
        assert alone
        with pytest.raises(SettingsError, match="another `run`"):
            await lose(database, alone)
    database.close()


async def test_a_lock_that_cannot_be_made_for_a_while_ends_nothing(file: Path) -> None:
    url, stop = f"sqlite:///{file}", asyncio.Event()
    database = Database(url)
    with only_one(url) as alone:
        assert alone
        async with looked_after(database, stop, alone):
            alone.path.unlink()
            alone.path.mkdir()
            await asyncio.sleep(0.1)
            assert not stop.is_set()
            alone.path.rmdir()
            await until(alone.path.is_file)
    database.close()


async def test_trouble_that_is_over_is_noticed_though_nobody_writes(
    file: Path, clock: MovableClock
) -> None:
    database = Database(f"sqlite:///{file}")
    async with looked_after(database, asyncio.Event()):
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError):
            await database.run(put_clinic, SETTINGS, clock.now())
        assert database.problem == "another program holds it"
        other.close()
        await until(lambda: database.problem is None)
    database.close()


async def test_a_disk_that_fills_is_noticed_though_nobody_writes(
    file: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.TRY_EACH", 1)
    database = Database(f"sqlite:///{file}")
    await database.run(put_clinic, SETTINGS, clock.now())
    with no_room(file):
        async with looked_after(database, asyncio.Event()):
            await until(lambda: database.problem is not None)
    async with looked_after(database, asyncio.Event()):
        await until(lambda: database.problem is None)
    database.close()


async def test_a_run_says_what_became_of_its_file_and_keeps_its_lock(
    simulator: Simulator, clock: MovableClock, file: Path
) -> None:
    """As processes: the parts above, joined."""
    port, offset = free_port(), file.with_name("offset")
    settings = settings_for(simulator, file).model_copy(update={"health_port": port})
    write_offset(offset, clock.now())
    bot, second = (
        BotProcess(environment_of(settings), offset, file.with_name(name)) for name in ("1", "2")
    )
    await bot.start()
    assert f"at={file}" in bot.log.read_text()
    lock, away = file.with_name("clinic.db.lock"), file.with_name("away.db")
    lock.unlink()
    async with asyncio.timeout(PATIENCE):
        while not lock.exists():  # noqa: ASYNC110  another process's
            await asyncio.sleep(0.02)
    await second.begin()
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as caller:
        file.rename(away)  # noqa: ASYNC240  one call, of a local file
        async with caller.get(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == 503
            assert "database: the file was moved or deleted\n" in await answer.text()
        away.rename(file)
        while second.runs:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.02)
    assert "another `run` is at work" in second.log.read_text()
    assert await bot.terminate() == 0
