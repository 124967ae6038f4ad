"""The real thing, small: a Telegram on loopback, a database file, the bot, and a clock to move."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from bot.clock import MovableClock
from bot.simulator import Simulator
from tests.story import Story

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
"""A Monday afternoon in London, where the test clinic is: 14:00 on its clocks."""


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env` and no variable of whoever runs the tests reaches them."""
    monkeypatch.chdir(tmp_path)
    for name in ("TELEGRAM_TOKEN", "TELEGRAM_API_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


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
