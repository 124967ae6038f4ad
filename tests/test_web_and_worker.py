"""A clinic past one machine: `web` receives, `worker` answers and sends, on one PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot import app
from bot.clock import MovableClock
from bot.simulator import Simulator
from tests.apart import Apart
from tests.postgres import PostgresServer, free_port
from tests.process import BotProcess, environment_of
from tests.story import enrolled, heard, settings_for

ROOT = Path(__file__).parents[1]
LINE = "/newsession Ana López, today 13:30, face, 1.0 mm, 1/1"
TAKEOVER = 10
"""Seconds; a promise."""


class House(Apart):
    """Processes on one database, and the Telegram they speak to."""

    def __init__(self, simulator: Simulator, clock: MovableClock, folder: Path, url: str) -> None:
        settings = settings_for(simulator, folder / "unused.db")
        super().__init__(
            simulator, clock, folder, settings.model_copy(update={"database_url": url})
        )
        port, health = free_port(), free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.health = f"http://127.0.0.1:{health}"
        common = environment_of(self.settings)
        of_web = {
            "WEBHOOK_URL": f"{self.address}/telegram",
            "WEBHOOK_SECRET": "a_long_secret",
            "PORT": str(port),
        }
        self.web = self._process("web", {**common, **of_web})
        self.worker = self._process("worker", {**common, "HEALTH_PORT": str(health)})
        self.second = self._process("worker", {**common, "HEALTH_PORT": ""}, "second")

    def _process(self, command: str, environment: dict[str, str], name: str = "") -> BotProcess:
        log = self.folder / f"{name or command}.log"
        return BotProcess(environment, self.clock_file, log, command)

    async def enrolled(self) -> None:
        await enrolled(self.owner, self.ana, await app.invite_owner(self.settings), LINE)


@pytest.fixture
async def house(
    simulator: Simulator, clock: MovableClock, tmp_path: Path, postgres_url: str
) -> AsyncIterator[House]:
    house = House(simulator, clock, tmp_path, postgres_url)
    yield house
    for process in (house.web, house.worker, house.second):
        if process.runs:
            await process.kill()


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TAKEOVER):
        while not condition():  # noqa: ASYNC110  another process's
            await asyncio.sleep(0.02)


async def test_the_story_goes_through_both(house: House) -> None:
    await house.web.start()
    await house.worker.start()
    await house.enrolled()
    first = house.rows()[0]
    before = len(house.ana.received)
    house.move_to(first.due_at)
    await house.ana.until(lambda: len(house.ana.received) == before + 1)
    for address in (house.address, house.health):
        for path in ("healthz", "readyz", "metrics"):
            assert (await get(f"{address}/{path}"))[0] == 200, path
    await until(lambda: house.rows()[0].state == "sent")
    _, metrics = await get(f"{house.health}/metrics")
    assert 'aftercare_messages_total{kind="reminder",outcome="sent"} 1.0' in metrics
    assert {call.method for call in house.simulator.journal} >= {"setWebhook", "sendMessage"}
    assert await house.web.terminate() == 0
    assert await house.worker.terminate() == 0


async def test_web_makes_one_call_only_and_the_worker_fetches_nothing(house: House) -> None:
    await house.web.start()
    assert [call.method for call in house.simulator.journal] == ["setWebhook"]
    await house.worker.start()
    await house.enrolled()
    methods = {call.method for call in house.simulator.journal}
    assert not methods & {"getUpdates", "deleteWebhook"}


async def test_a_second_worker_stands_by_and_takes_over_within_ten_seconds(house: House) -> None:
    await house.web.start()
    await house.worker.start()
    await house.enrolled()
    await house.second.start()
    assert "standing_by" in house.second.log.read_text()
    await house.worker.kill()
    killed = house.clock.monotonic()
    house.ana.say("Is my face meant to be this red?")
    await heard(house.ana, "expected")
    assert house.clock.monotonic() - killed < TAKEOVER
    first = house.rows()[0]
    before = len(house.ana.received)
    house.move_to(first.due_at)
    await house.ana.until(lambda: len(house.ana.received) == before + 1)
    assert await house.second.terminate() == 0


async def test_what_came_while_no_worker_ran_is_answered_when_one_does(house: House) -> None:
    await house.web.start()
    await house.worker.start()
    await house.enrolled()
    await house.worker.kill()
    house.ana.say("Can I wear make-up?")
    async with asyncio.timeout(TAKEOVER):
        while house.simulator.updates.pending():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    before = len(house.ana.received)
    await house.worker.start()
    await house.ana.until(lambda: len(house.ana.received) == before + 1)


@pytest.mark.parametrize("command", ["web", "worker"])
async def test_a_database_of_another_version_is_refused(
    house: House, postgres_server: PostgresServer, command: str
) -> None:
    empty = postgres_server.create_database()
    process = house.web if command == "web" else house.worker
    process.environment["DATABASE_URL"] = postgres_server.url(empty)
    with pytest.raises(AssertionError):
        await process.start()
    assert "python -m bot migrate" in process.log.read_text()


async def test_a_second_run_on_the_same_postgresql_is_refused(house: House) -> None:
    await house.worker.start()
    run = house._process("run", house.worker.environment | {"HEALTH_PORT": ""})
    with pytest.raises(AssertionError):
        await run.start()
    assert "is at work on" in run.log.read_text()


async def test_after_an_hour_without_telegram_what_is_still_in_time_is_sent(house: House) -> None:
    await house.web.start()
    await house.worker.start()
    await house.enrolled()
    first, *_ = house.rows()
    down = house.simulator.faults.add("down")
    before = len(house.ana.received)
    house.move_to(first.due_at)
    await until(lambda: house.rows()[0].attempts > 0)
    house.move_to(first.due_at + timedelta(hours=1))
    down.lift()
    await house.ana.until(lambda: len(house.ana.received) == before + 1)


async def test_run_with_a_health_port_is_ready_once_telegram_has_answered(
    house: House, tmp_path: Path
) -> None:
    environment = house.worker.environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'run.db'}"}
    house.worker = house._process("run", environment)
    await house.worker.start()
    house.ana.say("hello")  # a long poll is answered
    await heard(house.ana, "Rosewood")
    assert await get(f"{house.health}/readyz") == (200, "ready\n")


async def test_nobody_is_ready_before_telegram_was_reached(house: House) -> None:
    house.simulator.faults.add("down")
    await house.web.begin()
    await house.worker.begin()
    for address, missing in ((house.address, "webhook"), (house.health, "not reached")):
        async with asyncio.timeout(TAKEOVER):
            while True:
                try:
                    status, said = await get(f"{address}/readyz")
                    break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
        assert status == 503
        assert missing in said
