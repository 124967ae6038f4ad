"""The demo's page: what it tells and what it lets people do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.clock import MovableClock
from bot.simulator import Simulator
from bot.simulator.page import Demo, DemoPerson

START = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
TOKEN = "42:TEST"


class Served:
    """A page with two people on it, and a client that calls it."""

    session: aiohttp.ClientSession

    def __init__(self) -> None:
        self.clock = MovableClock(START)
        self.simulator = Simulator(clock=self.clock)
        self.owner = self.simulator.add_person(1, "Olga")
        self.ana = self.simulator.add_person(2, "Ana", last_name="<b>Ruiz</b>")
        self.due: datetime | None = None
        self.moves = 0
        Demo(
            simulator=self.simulator,
            clock=self.clock,
            people=[
                DemoPerson(id=1, role="owner", timezone="Europe/London"),
                DemoPerson(id=2, role="patient", timezone="Pacific/Kiritimati"),
            ],
            next_due=self.next_due,
            moved=self.moved,
        )

    async def next_due(self) -> datetime | None:
        return self.due

    def moved(self) -> None:
        self.moves += 1

    async def post(self, name: str, **body: Any) -> int:
        async with self.session.post(f"/demo/{name}", json=body) as answer:
            self.answer = await answer.json() if answer.content_type == "application/json" else {}
            return answer.status

    async def state(self, **query: Any) -> dict[str, Any]:
        async with self.session.get("/demo/state", params=query) as answer:
            assert answer.status == 200
            told: dict[str, Any] = await answer.json()
            return told

    async def send(self, method: str = "sendMessage", **params: Any) -> None:
        async with self.session.post(f"/bot{TOKEN}/{method}", json=params) as answer:
            assert answer.status == 200


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    page = Served()
    async with page.simulator, aiohttp.ClientSession(page.simulator.url) as page.session:
        yield page


async def test_the_page_is_served_and_loads_nothing_from_elsewhere(served: Served) -> None:
    async with served.session.get("/") as answer:
        text = await answer.text()
        assert answer.content_type == "text/html"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "innerHTML" not in text
    assert "http://" not in text
    assert "src=" not in text


async def test_the_state_tells_people_and_the_chosen_chat(served: Served) -> None:
    served.ana.open()
    buttons = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y", "style": "success"}]]}
    await served.send(chat_id=2, text="<b>Hi</b>", parse_mode="HTML", reply_markup=buttons)
    await served.send("setMyCommands", commands=[{"command": "today", "description": "Now"}])
    await served.send("sendChatAction", chat_id=2, action="typing")
    told = await served.state(person=2)
    assert told["people"][1] == {
        "id": 2,
        "name": "Ana <b>Ruiz</b>",
        "role": "patient",
        "timezone": "Pacific/Kiritimati",
        "blocked": False,
        "received": 1,
    }
    assert [message["text"] for message in told["messages"]] == ["/start", "Hi"]
    assert told["messages"][1]["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert told["messages"][1]["buttons"] == [
        [{"label": "Yes", "callback_data": "y", "style": "success"}]
    ]
    assert told["commands"] == [{"command": "today", "description": "Now"}]
    assert (told["typing"], told["person"], told["bot"]["username"]) == (
        True,
        2,
        "aftercare_test_bot",
    )
    assert (await served.state())["person"] == 1


async def test_the_state_waits_until_something_is_new(served: Served) -> None:
    number = (await served.state())["number"]
    waiting = asyncio.create_task(served.state(since=number))
    await served.post("say", person=1, text="hello")
    told = await waiting
    assert told["number"] > number
    assert told["messages"][0]["text"] == "hello"


async def test_people_can_write_press_and_open_links(served: Served) -> None:
    assert await served.post("open", person=2) == 200
    buttons = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    await served.send(chat_id=2, text="?", reply_markup=buttons)
    message = served.ana.received[-1].id
    assert await served.post("press", person=2, message=message, label="Yes") == 200
    link = "https://t.me/aftercare_test_bot?start=CODE"
    assert await served.post("open", person=2, link=link) == 200
    assert await served.post("say", person=2, text=" hello ") == 200
    pending = served.simulator.updates.pending()
    kinds = [(update.kind, update.content.get("text")) for update in pending]
    assert kinds == [
        ("message", "/start"),
        ("callback_query", None),
        ("message", "/start CODE"),
        ("message", "hello"),
    ]


async def test_what_cannot_be_done_is_said(served: Served) -> None:
    served.ana.open()
    for name, body, words in (
        ("say", {"text": " "}, "nothing to send"),
        ("press", {"message": 99, "label": "x"}, "message is gone"),
        ("press", {"message": 1, "label": "x"}, "sees no button"),
        ("open", {"link": "https://t.me/other?start=x"}, "does not lead to"),
    ):
        assert await served.post(name, person=2, **body) == 400
        assert words in served.answer["error"]
    assert await served.post("say", person=77, text="x") == 404


async def test_people_can_block_and_return(served: Served) -> None:
    served.ana.open()
    assert await served.post("block", person=2) == 200
    assert (await served.state())["people"][1]["blocked"]
    assert await served.post("say", person=2, text="x") == 400
    assert await served.post("unblock", person=2) == 200
    assert not served.ana.has_blocked


async def test_the_clock_moves_by_hours_and_to_the_next_message(served: Served) -> None:
    assert await served.post("move", hours=24) == 200
    assert abs(served.clock.now() - START - timedelta(hours=24)) < timedelta(seconds=30)
    assert await served.post("move") == 400
    assert "No message is planned" in served.answer["error"]
    served.due = START + timedelta(days=3)
    assert await served.post("move") == 200
    assert timedelta() <= served.clock.now() - served.due < timedelta(seconds=30)
    assert served.moves == 2
    told = await served.state()
    assert abs(told["now"] / 1000 - served.clock.now().timestamp()) < 30


async def test_a_due_moment_already_past_does_not_turn_the_clock_back(served: Served) -> None:
    served.due = START - timedelta(hours=1)
    assert await served.post("move") == 200
    assert served.clock.now() >= START
    assert served.moves == 1


async def test_pictures_are_shown_and_other_files_only_downloaded(served: Served) -> None:
    picture = served.simulator.files.store("photos", "a.png", b"png", "image/png")
    page = served.simulator.files.store("documents", "a.html", b"<script>", "text/html")
    async with served.session.get(f"/demo/file/{picture.id}") as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", b"png")
    async with served.session.get(f"/demo/file/{page.id}") as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
    async with served.session.get("/demo/file/none") as answer:
        assert answer.status == 404


async def test_other_web_pages_can_neither_read_nor_act(served: Served) -> None:
    async with served.session.get("/demo/state", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    async with served.session.post("/demo/block", data='{"person": 2}') as answer:
        assert answer.status == 415
    assert not served.ana.has_blocked
