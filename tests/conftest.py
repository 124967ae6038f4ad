"""The real thing, small: a Telegram on loopback, a database file, the bot, and a clock to move."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from bot.clock import MovableClock
from bot.config import Settings
from bot.simulator import Simulator
from storage.database import Database
from storage.migrate import migrate
from tests.demo.browser import MISSING
from tests.postgres import PostgresServer
from tests.story import Story

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
"""A Monday afternoon in London, where the test clinic is: 14:00 on its clocks."""


LONG = (
    "tests/demo",
    "test_web_and_worker",
    "test_benchmarks",
    "test_kill",
    "faults",
    "test_check_command",
)
"""Files with tests of many seconds: begun first, so that none is left over at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(name in item.path.as_posix() for name in LONG))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was left out for want of a browser."""
    skipped = terminalreporter.getreports("skipped")
    if left_out := sum(MISSING in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(f"{left_out} left out: {MISSING}")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env` and no variable of whoever runs the tests reaches them."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that sets up logging does so for its own test only."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(START)


@pytest.fixture
async def simulator(clock: MovableClock) -> AsyncIterator[Simulator]:
    """A Telegram; a call it should never have been sent fails the test that caused it."""
    simulator = Simulator(clock=clock)
    async with simulator:
        yield simulator
    assert simulator.wrong_calls == []


@pytest.fixture
async def story(simulator: Simulator, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Story]:
    """A clinic with its owner, and the bot running."""
    story = Story(simulator=simulator, clock=clock, folder=tmp_path)
    async with story:
        yield story


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests that do not pull its plug; those start one of their own."""
    with PostgresServer(fsync=False) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh database with the current schema."""
    name = postgres_server.create_migrated()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database with the current schema: a test runs once on each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite:///{tmp_path / 'clinic.db'}"
    migrate(url)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Such a database, in the hands of the process that leads."""
    database = Database(database_url, leads=True)
    assert await database.take_lead()
    yield database
    database.close()
