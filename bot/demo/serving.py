"""The demo's page and its endpoints, served beside the simulated Bot API."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.demo import acting, told
from bot.demo.cast import Actor
from bot.demo.running import Demo
from bot.demo.scripts import scripts
from bot.demo.stage import Stage
from bot.demo.story import NATURAL
from bot.demo.timeline import empty, plan_of
from storage import reminders
from storage.database import Transaction

POLL_SECONDS = 20
GATHER = 0.04
"""Seconds for which changes are gathered into one answer."""
FASTEST = 50.0
"""How many times as fast as for reading along a story can be played."""
_PAGE = Path(__file__).with_name("page")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; "
    "img-src 'self' data: blob:; script-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

Asked = dict[str, Any]
Does = Callable[[Asked], Awaitable[Mapping[str, Any] | None]]


def routes(demo: Demo) -> list[web.AbstractRouteDef]:
    """All that is served of a demo, whatever stage it is at."""
    endpoints = Endpoints(demo)
    return [
        web.get("/", endpoints.page),
        web.get("/demo/page/{name}", endpoints.page),
        web.get("/demo/state", endpoints.state),
        web.get("/demo/timeline", endpoints.timeline),
        web.get("/demo/timeline/{id:[0-9]{1,15}}", endpoints.detail),
        web.get("/demo/file/{id}", endpoints.file),
        *(web.post(f"/demo/{name}", _asking(do)) for name, do in endpoints.doing()),
    ]


class Endpoints:
    """What the page asks for, and what it wants done."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo

    # What it asks for.

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page itself and the files beside it."""
        name = request.match_info.get("name", "index.html")
        file = _PAGE / name
        if file.parent != _PAGE or not file.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(file, headers=_HEADERS)

    async def state(self, request: web.Request) -> web.StreamResponse:
        """Everything that is shown but the line, as soon as it differs from the state `since`."""
        _refuse_other_names(request)
        changes = self._demo.stage.simulator.changes
        if request.query.get("since") == str(changes.count):
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await changes.wait()
                    await asyncio.sleep(GATHER)
        return web.json_response(self._told(request.query.get("chats", "")))

    def _told(self, chats: str) -> dict[str, Any]:
        demo, stage = self._demo, self._demo.stage
        number = stage.simulator.changes.count
        return {
            "number": number,
            "stage": stage.first,
            "now": told.milliseconds(stage.clock.now()),
            "speed": demo.machine.speed,
            "rate": demo.machine.rate,
            "bot": {
                "name": stage.simulator.bot["first_name"],
                "username": stage.simulator.username,
                "running": stage.bot.running,
                "problems": list(stage.bot.problems),
            },
            "faults": demo.breaking.told(),
            "people": [
                told.person(actor, stage.simulator.people[actor.id]) for actor in stage.actors
            ],
            "chats": {
                str(person): told.chat(
                    stage.person(person), held if held >= stage.first else -1, number
                )
                for person, held in _held(chats)
                if any(actor.id == person for actor in stage.actors)
            },
            "story": demo.story.told() if demo.story else None,
            "stories": [
                {"name": name, **script.model_dump(include={"title", "about", "minutes"})}
                for name, script in scripts().items()
            ],
            "content": demo.content.told(),
        }

    async def timeline(self, request: web.Request) -> web.StreamResponse:
        """The line of one person: what is planned, what was sent, and what not and why."""
        _refuse_other_names(request)
        stage = self._demo.stage
        actor = _found(stage, request.query.get("person", ""))
        library = await self._demo.content.library()
        plan = await stage.database.read(plan_of, library, actor.id)
        line = plan.told() if plan else empty(actor.timezone)
        return web.json_response({"person": actor.id, **line})

    async def detail(self, request: web.Request) -> web.StreamResponse:
        """One message of a line: its text, and what it rests on."""
        _refuse_other_names(request)
        stage, number = self._demo.stage, int(request.match_info["id"])
        account = await stage.database.read(_account_of, number)
        if account not in stage.simulator.people:
            raise web.HTTPNotFound
        plan = await stage.database.read(plan_of, await self._demo.content.library(), account)
        row = next((it for it in plan.rows if it.id == number), None) if plan else None
        if plan is None or row is None:
            raise web.HTTPNotFound
        return web.json_response(plan.detail(row, stage.simulator.people[account].chat))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A picture to be shown, any other file to be kept."""
        _refuse_other_names(request)
        file = self._demo.stage.simulator.files.find(request.match_info["id"])
        if file is None:
            raise web.HTTPNotFound
        shown = file.content_type in ("image/png", "image/jpeg")
        headers = {"X-Content-Type-Options": "nosniff"}
        if not shown:
            headers["Content-Disposition"] = "attachment"
        kind = file.content_type if shown else "application/octet-stream"
        return web.Response(body=file.content, content_type=kind, headers=headers)

    # What it wants done.

    def doing(self) -> Iterable[tuple[str, Does]]:
        """The name of each endpoint, and what it does; each may raise what `_asking` knows."""
        for name in acting.ACTIONS:
            yield name, self._acting(name)
        for do in (self.move, self.play, self.fault, self.bot, self.story, self.reset, self.person):
            yield do.__name__, do

    def _acting(self, name: str) -> Does:
        async def do(asked: Asked) -> None:
            self._demo.take_over()
            acting.act(self._demo.stage, name, asked)

        return do

    async def move(self, asked: Asked) -> None:
        self._demo.take_over()
        await self._demo.machine.move(asked)

    async def play(self, asked: Asked) -> None:
        self._demo.take_over()
        await self._demo.machine.play(asked["speed"])

    async def fault(self, asked: Asked) -> None:
        self._demo.take_over()
        self._demo.breaking.put(asked["kind"], on=bool(asked["on"]))
        self._demo.stage.changed()

    async def bot(self, asked: Asked) -> None:
        self._demo.take_over()
        await {"kill": self._demo.stage.bot.kill, "start": self._demo.start_bot}[asked["do"]]()

    async def story(self, asked: Asked) -> None:
        demo = self._demo
        if asked["do"] == "start":
            tempo = min(FASTEST, max(NATURAL, float(asked.get("tempo", NATURAL))))
            await demo.play_story(asked["name"], tempo)
        elif asked["do"] == "stop":
            await demo.end_story()
        elif demo.story:
            {"pause": demo.story.pause, "resume": demo.story.resume}[asked["do"]]()

    async def reset(self, _: Asked) -> None:
        self._demo.begin_afresh()

    async def person(self, asked: Asked) -> Mapping[str, Any]:
        stage = self._demo.stage
        said = (str(asked[name]) for name in ("name", "language", "timezone"))
        actor = stage.add_patient(*said)
        return {"id": actor.id}


def _asking(do: Does) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """An endpoint that takes a JSON object; what cannot be done is answered in words."""

    async def endpoint(request: web.Request) -> web.StreamResponse:
        asked = await _asked(request)
        try:
            answer = await do(asked)
        except (KeyError, TypeError) as error:
            return _refused(f"That was not understood ({type(error).__name__}: {error}).")
        except (LookupError, ValueError, RuntimeError) as error:
            return _refused(str(error))
        return web.json_response({"ok": True, **(answer or {})})

    return endpoint


def _refused(why: str) -> web.Response:
    """An answer like any other: a status of 400 would be an error in the browser's console."""
    return web.json_response({"ok": False, "error": why})


async def _asked(request: web.Request) -> Asked:
    """The JSON object of a request. Other web pages can send no JSON here, only forms."""
    _refuse_other_names(request)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        asked = await request.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="a JSON object is needed")
    return asked


def _refuse_other_names(request: web.Request) -> None:
    """A web page elsewhere whose name was pointed at this machine must not read the chats."""
    name = request.url.host or ""
    try:
        known = name == "localhost" or ipaddress.ip_address(name) is not None
    except ValueError:
        known = False
    if not known:
        raise web.HTTPForbidden(text="open this page by its address")


def _held(chats: str) -> Iterable[tuple[int, int]]:
    """`1001:-1,2001:57`: the chats on the screen, each with the number it was told of last."""
    for chat in filter(None, chats.split(",")):
        person, _, held = chat.partition(":")
        try:
            yield int(person), int(held or -1)
        except ValueError:
            raise web.HTTPBadRequest(text=f"not a chat: {chat}") from None


def _found(stage: Stage, number: str) -> Actor:
    try:
        return stage.actor(int(number))
    except (LookupError, ValueError):
        raise web.HTTPNotFound(text="no such person") from None


def _account_of(tx: Transaction, reminder_id: int) -> int | None:
    return reminders.account_of(tx, reminder_id)
