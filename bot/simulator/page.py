"""A plain page to be the people of a simulated Telegram, and to move its clock."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.clock import MovableClock
from bot.simulator.chats import Message
from bot.simulator.people import Person
from bot.simulator.server import Simulator

SHOWN_MESSAGES = 200
POLL_SECONDS = 20
_PAGE = Path(__file__).with_name("page.html")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self' data:; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
}

Action = Callable[[Person, dict[str, Any]], object]


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    """Someone to be on the page: a person of the simulator, their role and IANA zone."""

    id: int
    role: str
    timezone: str


class Demo:
    """The page and its endpoints, served beside the Bot API once the simulator starts.

    `next_due` tells when the next planned message is due (None: nothing is planned); `moved` is
    called after the clock was moved.
    """

    def __init__(
        self,
        *,
        simulator: Simulator,
        clock: MovableClock,
        people: Sequence[DemoPerson],
        next_due: Callable[[], Awaitable[datetime | None]],
        moved: Callable[[], None],
    ) -> None:
        self._simulator = simulator
        self._clock = clock
        self._people = people
        self._next_due = next_due
        self._moved = moved
        simulator.routes += [
            web.get("/", self._page),
            web.get("/demo/state", self._state),
            web.get("/demo/file/{id}", self._file),
            web.post("/demo/move", self._move),
            *(web.post(f"/demo/{name}", self._acting(do)) for name, do in _ACTIONS.items()),
        ]

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGE, headers=_HEADERS)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        """Everything the page shows, as soon as it differs from the state numbered `since`."""
        _refuse_other_names(request)
        since = int(request.query.get("since", "-1"))
        changes = self._simulator.changes
        if since == changes.count:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await changes.wait()
            except TimeoutError:
                pass
        person = self._person(int(request.query.get("person", self._people[0].id)))
        return web.json_response(self._told(person))

    def _told(self, person: Person) -> dict[str, Any]:
        return {
            "number": self._simulator.changes.count,
            "now": int(self._clock.now().timestamp() * 1000),
            "bot": {
                "name": self._simulator.bot["first_name"],
                "username": self._simulator.username,
            },
            "people": [self._told_person(one) for one in self._people],
            "person": person.id,
            "commands": person.commands,
            "toasts": person.toasts,
            "typing": person.chat.action is not None,
            "messages": [_told_message(one) for one in person.messages[-SHOWN_MESSAGES:]],
        }

    def _told_person(self, one: DemoPerson) -> dict[str, Any]:
        person = self._simulator.people[one.id]
        return {
            "id": one.id,
            "name": " ".join(filter(None, (person.first_name, person.last_name))),
            "role": one.role,
            "timezone": one.timezone,
            "blocked": person.has_blocked,
            "received": len(person.received),
        }

    def _person(self, number: int) -> Person:
        if all(one.id != number for one in self._people):
            raise web.HTTPNotFound(text="no such person")
        return self._simulator.people[number]

    async def _file(self, request: web.Request) -> web.StreamResponse:
        _refuse_other_names(request)
        file = self._simulator.files.find(request.match_info["id"])
        if file is None:
            raise web.HTTPNotFound
        shown = file.content_type in ("image/png", "image/jpeg")
        headers = {} if shown else {"Content-Disposition": "attachment"}
        kind = file.content_type if shown else "application/octet-stream"
        return web.Response(body=file.content, content_type=kind, headers=headers)

    def _acting(self, do: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """An endpoint that lets a person do something."""

        async def endpoint(request: web.Request) -> web.StreamResponse:
            asked = await _asked(request)
            try:
                do(self._person(asked["person"]), asked)
            except (LookupError, ValueError, RuntimeError) as error:
                return _refused(str(error))
            return web.json_response({"ok": True})

        return endpoint

    async def _move(self, request: web.Request) -> web.StreamResponse:
        """Move the clock by `hours`, or to the next planned message where none are given."""
        hours = (await _asked(request)).get("hours")
        if hours is not None:
            self._clock.move(timedelta(hours=hours))
        else:
            due = await self._next_due()
            if due is None:
                return _refused("No message is planned.")
            self._clock.move_to(max(due, self._clock.now()))
        self._moved()
        self._simulator.changes.tell()
        return web.json_response({"ok": True})


def _say(person: Person, asked: dict[str, Any]) -> None:
    if not asked["text"].strip():
        raise ValueError("There is nothing to send.")
    person.say(asked["text"])


def _open(person: Person, asked: dict[str, Any]) -> None:
    if "link" in asked:
        person.open_link(asked["link"])
    else:
        person.open()


def _press(person: Person, asked: dict[str, Any]) -> None:
    message = person.chat.find(asked["message"])
    if message is None:
        raise ValueError("That message is gone.")
    person.press(asked["label"], message=message)


def _block(person: Person, _: dict[str, Any]) -> None:
    person.block()


def _unblock(person: Person, _: dict[str, Any]) -> None:
    person.unblock()


_ACTIONS: dict[str, Action] = {
    "say": _say,
    "open": _open,
    "press": _press,
    "block": _block,
    "unblock": _unblock,
}


async def _asked(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request. Other web pages can send no JSON here, only forms."""
    _refuse_other_names(request)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    asked: dict[str, Any] = await request.json()
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


def _refused(why: str) -> web.Response:
    return web.json_response({"ok": False, "error": why}, status=400)


def _told_message(message: Message) -> dict[str, Any]:
    file = message.file
    return {
        "id": message.id,
        "from_bot": message.from_bot,
        "date": int(message.date.timestamp() * 1000),
        "kind": message.kind,
        "text": message.text,
        "entities": message.entities,
        "edited": message.edited is not None,
        "protected": message.protected,
        "file": {"id": file.id, "name": file.name} if file else None,
        "reply_to": message.reply_to.text[:120] if message.reply_to else None,
        "buttons": [
            [{name: value for name, value in vars(one).items() if value} for one in row]
            for row in message.buttons
        ],
    }
