"""The demo's page: what it tells and what it lets people do, without a bot."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from yarl import URL

from bot.demo import cast
from tests.demo.conftest import ANA, BEN, LUCIA, ROSA, Visitor

PAGE = Path(cast.__file__).parent / "page"


async def test_the_page_and_its_files_are_served_and_load_nothing_from_elsewhere(
    alone: Visitor,
) -> None:
    async with alone.session.get("/") as answer:
        assert answer.content_type == "text/html"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    files = sorted(PAGE.iterdir())
    assert {".html", ".css", ".js"} == {file.suffix for file in files}
    for file in files:
        async with alone.session.get(f"/demo/page/{file.name}") as answer:
            text = await answer.text()
            assert answer.status == 200
        assert "innerHTML" not in text
        elsewhere = re.findall(r"""["'(](?:https?:)?//[a-z0-9.]+""", text)
        assert set(elsewhere) <= {'"http://www.w3.org'}, file  # the name of SVG, not an address


@pytest.mark.parametrize("name", ["..%2Fcast.py", "none.js", "%2Fetc%2Fpasswd", ".."])
async def test_nothing_but_the_page_is_served(alone: Visitor, name: str) -> None:
    address = URL(f"{alone.simulator.url}/demo/page/{name}", encoded=True)
    async with alone.session.get(address) as answer:
        assert answer.status == 404


async def test_the_state_tells_people_and_the_chats_on_the_screen(alone: Visitor) -> None:
    alone.person(LUCIA).open()
    buttons = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y", "style": "success"}]]}
    await alone.send(chat_id=LUCIA, text="<b>Hi</b>", parse_mode="HTML", reply_markup=buttons)
    await alone.send("setMyCommands", commands=[{"command": "today", "description": "Now"}])
    await alone.send("sendChatAction", chat_id=LUCIA, action="typing")
    told = await alone.state(chats=f"{LUCIA}:-1,{ROSA}:-1,77:-1")
    lucia = next(one for one in told["people"] if one["id"] == LUCIA)
    last = lucia.pop("last")
    assert lucia == {
        "id": LUCIA,
        "name": "Lucía Serrano",
        "role": "patient",
        "language": "es",
        "spoken": "Spanish",
        "timezone": "Europe/Madrid",
        "blocked": False,
        "started": True,
        "received": 1,
    }
    assert (last["text"], last["from_bot"]) == ("Hi", True)
    assert sorted(told["chats"]) == [str(ROSA), str(LUCIA)]
    chat = told["chats"][str(LUCIA)]
    assert [message["text"] for message in chat["messages"]] == ["/start", "Hi"]
    assert chat["messages"][1]["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert chat["messages"][1]["buttons"] == [
        [{"label": "Yes", "callback_data": "y", "style": "success"}]
    ]
    assert chat["commands"] == [{"command": "today", "description": "Now"}]
    assert (chat["whole"], chat["typing"], chat["earlier"]) == (True, True, 0)
    assert told["bot"]["username"] == "rosewood_demo_bot"
    assert abs(told["now"] / 1000 - alone.clock.now().timestamp()) < 30


async def test_the_state_waits_until_something_is_new(alone: Visitor) -> None:
    number = (await alone.state())["number"]
    waiting = asyncio.create_task(alone.state(since=number, chats=f"{BEN}:-1"))
    await alone.do("say", person=BEN, text="hello")
    told = await waiting
    assert told["number"] > number
    assert told["chats"][str(BEN)]["messages"][0]["text"] == "hello"


async def test_a_chat_is_told_again_only_as_far_as_it_changed(alone: Visitor) -> None:
    ana = alone.person(ANA)
    ana.open()
    first = await alone.send(chat_id=ANA, text="one")
    second = await alone.send(chat_id=ANA, text="two")
    held = (await alone.chat(ANA))["held"]
    assert (await alone.chat(ANA, held))["messages"] == []
    await alone.send("editMessageText", chat_id=ANA, message_id=second["message_id"], text="2")
    await alone.send("deleteMessage", chat_id=ANA, message_id=first["message_id"])
    await alone.send(chat_id=ANA, text="three")
    told = await alone.chat(ANA, held)
    assert not told["whole"]
    assert [(one["text"], one["edited"]) for one in told["messages"]] == [
        ("2", True),
        ("three", False),
    ]
    assert told["gone"] == [first["message_id"]]


async def test_of_a_long_chat_the_end_is_told(alone: Visitor) -> None:
    ana = alone.person(ANA)
    for number in range(230):
        ana.say(f"message {number}")
    told = await alone.chat(ANA)
    assert (told["earlier"], len(told["messages"])) == (30, 200)
    assert told["messages"][-1]["text"] == "message 229"


async def test_people_can_write_reply_edit_press_and_open_links(alone: Visitor) -> None:
    ana = alone.person(ANA)
    await alone.do("open", person=ANA)
    buttons = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    question = (await alone.send(chat_id=ANA, text="?", reply_markup=buttons))["message_id"]
    await alone.do("press", person=ANA, message=question, label="Yes")
    link = "https://t.me/rosewood_demo_bot?start=CODE"
    await alone.do("open", person=ANA, link=link)
    await alone.do("say", person=ANA, text=" hello ", reply_to=question)
    await alone.do("edit", person=ANA, message=ana.messages[-1].id, text="hallo")
    pending = [it for it in alone.simulator.updates.pending() if "Ana" in str(it.content)]
    kinds = [(update.kind, update.content.get("text")) for update in pending]
    assert kinds == [
        ("message", "/start"),
        ("callback_query", None),
        ("message", "/start CODE"),
        ("message", "hello"),
        ("edited_message", "hallo"),
    ]
    told = await alone.chat(ANA)
    assert told["messages"][-1]["reply_to"] == {"id": question, "text": "?"}


async def test_people_can_send_pictures_and_files(alone: Visitor) -> None:
    content = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()
    await alone.do("attach", person=ANA, name="skin.PNG", content=content, caption="look")
    await alone.do("attach", person=ANA, name="notes.pdf", content=content)
    picture, file = (await alone.chat(ANA))["messages"]
    assert (picture["kind"], picture["text"], file["kind"]) == ("photo", "look", "document")
    assert file["file"]["name"] == "notes.pdf"
    for wrong in ("", "!!!"):
        assert not await alone.can("attach", person=ANA, name="a.png", content=wrong)


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("say", {"text": " "}, "nothing to send"),
        ("say", {}, "not understood"),
        ("press", {"message": 99, "label": "x"}, "message is gone"),
        ("open", {"link": "https://t.me/other?start=x"}, "does not lead to"),
        ("say", {"person": 77, "text": "x"}, "no such person"),
        ("move", {"hours": "soon"}, "Say where to"),
        ("move", {"hours": -5}, "goes forward only"),
        ("move", {"hours": 1e5}, "goes forward only"),
        ("move", {"hours": 1e99}, "Say where to"),
        ("move", {"to": "next"}, "No message is planned"),
        ("play", {"speed": 7}, "600 or 3600"),
        ("fault", {"kind": "rain", "on": True}, "none of down"),
        ("bot", {"do": "sing"}, "not understood"),
        ("story", {"do": "start", "name": "none"}, "There is no story"),
        ("person", {"name": " ", "language": "en", "timezone": "Europe/London"}, "1 to 60"),
        ("person", {"name": "Al", "language": "xx", "timezone": "Europe/London"}, "English"),
        ("person", {"name": "Al", "language": "en", "timezone": "Nowhere"}, "do not know"),
    ],
)
async def test_what_cannot_be_done_is_said(
    alone: Visitor, name: str, body: dict[str, object], words: str
) -> None:
    alone.person(ANA).open()
    assert not await alone.can(name, **{"person": ANA, **body})
    assert words in alone.answer["error"]


async def test_people_can_block_and_return(alone: Visitor) -> None:
    ana = alone.person(ANA)
    ana.open()
    await alone.do("block", person=ANA)
    told = next(one for one in (await alone.state())["people"] if one["id"] == ANA)
    assert told["blocked"]
    assert not await alone.can("say", person=ANA, text="x")
    await alone.do("unblock", person=ANA)
    assert not ana.has_blocked


async def test_somebody_can_be_added(alone: Visitor) -> None:
    await alone.do("person", name=" Zoë  O'Hara ", language="es", timezone="Asia/Tokyo")
    told = (await alone.state())["people"][-1]
    assert told["id"] == alone.answer["id"]
    assert (told["name"], told["spoken"], told["timezone"]) == (
        "Zoë O'Hara",
        "Spanish",
        "Asia/Tokyo",
    )
    await alone.do("say", person=told["id"], text="hola")
    await alone.do("person", name="Yuki", language="en", timezone="tokio")
    assert (await alone.state())["people"][-1]["timezone"] == "Asia/Tokyo"


async def test_the_clock_begins_in_an_afternoon_and_moves_by_hours(alone: Visitor) -> None:
    began = alone.clock.now()
    local = began.astimezone(ZoneInfo("Europe/London"))
    assert (local.hour, local.minute, local.weekday() < 5) == (14, 30, True)
    await alone.do("move", hours=24)
    assert alone.later(began, 24)


async def test_the_clock_jumps_over_the_night_on_which_clocks_change(alone: Visitor) -> None:
    zone = ZoneInfo("America/New_York")
    before = alone.clock.now().astimezone(zone).utcoffset()
    await alone.do("move", to="clock_change", person=BEN)
    after = alone.clock.now().astimezone(zone)
    assert before is not None
    assert abs((after.utcoffset() or timedelta()) - before) == timedelta(hours=1)
    await alone.do("person", name="Aiko", language="en", timezone="Asia/Tokyo")
    tokyo = alone.answer["id"]
    assert not await alone.can("move", to="clock_change", person=tokyo)
    assert "do not change" in alone.answer["error"]


async def test_the_line_of_somebody_without_a_plan_is_empty(alone: Visitor) -> None:
    told = await alone.get("timeline", person=BEN)
    assert (told["messages"], told["timezone"]) == ([], "America/New_York")
    for path in ("timeline?person=77", "timeline?person=x", "timeline/99"):
        async with alone.session.get(f"/demo/{path}") as answer:
            assert answer.status == 404


async def test_pictures_are_shown_and_other_files_only_downloaded(alone: Visitor) -> None:
    picture = alone.simulator.files.store("photos", "a.png", b"png", "image/png")
    page = alone.simulator.files.store("documents", "a.html", b"<script>", "text/html")
    async with alone.session.get(f"/demo/file/{picture.id}") as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", b"png")
    async with alone.session.get(f"/demo/file/{page.id}") as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
    async with alone.session.get("/demo/file/none") as answer:
        assert answer.status == 404


async def test_other_web_pages_can_neither_read_nor_act(alone: Visitor) -> None:
    alone.person(ANA).open()
    for path in ("state", "timeline?person=2001", "timeline/1", "file/1"):
        async with alone.session.get(f"/demo/{path}", headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
    async with alone.session.post("/demo/block", data='{"person": 2001}') as answer:
        assert answer.status == 415
    for body in ("[1]", "{"):
        async with alone.session.post(
            "/demo/block", data=body, headers={"Content-Type": "application/json"}
        ) as answer:
            assert answer.status == 400
    assert not alone.person(ANA).has_blocked


async def test_the_bot_api_beside_the_page_opens_with_its_own_token_only(alone: Visitor) -> None:
    for token in ("42:TEST", "42:"):
        async with alone.session.get(f"/bot{token}/getUpdates") as answer:
            assert answer.status in (401, 404)
    assert len(alone.simulator.token) > 30
    alone.simulator.wrong_calls.clear()


async def test_moves_at_the_same_time_add_up(alone: Visitor) -> None:
    began = alone.clock.now()
    await asyncio.gather(*(alone.do("move", hours=hours) for hours in (24, 1, 2)))
    assert alone.later(began, 27)


async def test_beginning_afresh_forgets_everything(alone: Visitor) -> None:
    alone.person(ANA).say("hello")
    await alone.do("move", hours=5)
    before = await alone.state(chats=f"{ANA}:-1")
    url = alone.simulator.url
    await alone.do("reset")
    async with asyncio.timeout(20):
        while alone.stage.first == 0 or not alone.simulator.url:  # noqa: ASYNC110  its connections end
            await asyncio.sleep(0.05)
    assert alone.simulator.url == url
    held = before["chats"][str(ANA)]["held"]
    told = await alone.state(since=before["number"], chats=f"{ANA}:{held}")
    assert told["number"] > before["number"]
    assert told["chats"][str(ANA)]["whole"]
    assert told["chats"][str(ANA)]["messages"] == []
