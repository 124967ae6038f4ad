"""A demo with everything real: its Telegram, its database, and its bot in a process of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.clock import MovableClock
from bot.demo.running import Demo
from bot.demo.serving import routes
from bot.demo.stage import Stage
from bot.simulator import Simulator
from bot.simulator.people import Person

ANA, BEN, LUCIA = 2001, 2002, 2003
ROSA, TOM = 1001, 1002


class Visitor:
    """Somebody with the page open: asks for what the page asks for, and does what it can do."""

    def __init__(self, demo: Demo, session: aiohttp.ClientSession) -> None:
        self.demo = demo
        self.session = session
        self.answer: dict[str, Any] = {}

    @property
    def stage(self) -> Stage:
        return self.demo.stage

    @property
    def simulator(self) -> Simulator:
        return self.stage.simulator

    @property
    def clock(self) -> MovableClock:
        return self.stage.clock

    def person(self, number: int) -> Person:
        return self.simulator.people[number]

    async def can(self, name: str, /, **body: Any) -> bool:
        """Whether that could be done; `answer` has the page's words."""
        async with self.session.post(f"/demo/{name}", json=body) as answer:
            assert answer.status == 200
            self.answer = await answer.json()
            return bool(self.answer["ok"])

    async def do(self, name: str, /, **body: Any) -> None:
        assert await self.can(name, **body), self.answer

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        async with self.session.get(f"/demo/{path}", params=query) as answer:
            assert answer.status == 200, await answer.text()
            told: dict[str, Any] = await answer.json()
            return told

    async def state(self, **query: Any) -> dict[str, Any]:
        return await self.get("state", **query)

    async def chat(self, number: int, held: int = -1) -> dict[str, Any]:
        told: dict[str, Any] = (await self.state(chats=f"{number}:{held}"))["chats"][str(number)]
        return told

    async def send(self, method: str = "sendMessage", **params: Any) -> dict[str, Any]:
        """A call of the bot's, as Telegram gets it."""
        token = self.simulator.token
        async with self.session.post(f"/bot{token}/{method}", json=params) as answer:
            assert answer.status == 200, await answer.text()
            result: dict[str, Any] = (await answer.json())["result"]
            return result

    async def ready(self) -> None:
        await self.simulator.until(lambda: self.stage.bot.running == "running", 30)

    async def enrol(self, number: int, line: str, agree: str = "I agree") -> None:
        """Record a session in one line as the owner, and agree as the patient."""
        rosa, patient = self.person(ROSA), self.person(number)
        await rosa.until(lambda: bool(rosa.received), 20)
        rosa.say(line)
        await rosa.until(lambda: "Save session" in rosa.messages[-1].labels, 20)
        rosa.press("Save session")
        await rosa.until(lambda: bool(rosa.messages[-1].photo), 20)
        given = next(it for it in reversed(rosa.messages) if "?start=" in it.text)
        patient.open_link(next(word for word in given.text.split() if "?start=" in word))
        await patient.until(lambda: agree in patient.messages[-1].labels, 20)
        heard = len(patient.received)
        patient.press(agree)
        await patient.until(lambda: len(patient.received) > heard, 20)

    def later(self, since: datetime, hours: float) -> bool:
        """Whether the clock is `hours` after `since`, give or take what this test takes."""
        return abs(self.clock.now() - since - timedelta(hours=hours)) < timedelta(minutes=1)


async def visiting(content_dir: Path | None) -> AsyncIterator[Visitor]:
    demo = Demo(content_dir, routes)
    async with demo.served(0) as url, aiohttp.ClientSession(url) as session:
        visitor = Visitor(demo, session)
        yield visitor
        assert visitor.simulator.wrong_calls == []


@pytest.fixture(autouse=True)
def _bots_start_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bot does is measured elsewhere: here its start is only waited for."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    """With the bot running."""
    async for each in visiting(None):
        await each.ready()
        yield each


@pytest.fixture
async def alone() -> AsyncIterator[Visitor]:
    """Without the bot: only what the page and its people do."""
    async for each in visiting(None):
        await each.stage.bot.kill()
        yield each


def written(folder: Path, **files: dict[str, Any]) -> None:
    """Write TOML files of one level: `texts__en__steps={"a.b": "words"}`."""
    for name, values in files.items():
        file = folder / f"{name.replace('__', '/')}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{key} = {json.dumps(value)}" for key, value in values.items())
        file.write_text("\n".join(lines), "utf-8")
