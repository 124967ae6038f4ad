"""One run of the demo from its beginning: a Telegram with people in it, a database, and the bot."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from aiohttp import web

from bot import app
from bot.clock import MovableClock, SystemClock
from bot.config import Settings, SettingsError
from bot.demo import cast
from bot.demo.bot_process import BotProcess
from bot.demo.cast import Actor
from bot.simulator import Simulator
from bot.simulator.people import Person
from storage import reminders
from storage.database import Database, Transaction
from storage.migrate import migrate


class Stage:
    """Everything there is until the demo is begun afresh."""

    database: Database
    bot: BotProcess
    _settings: Settings

    def __init__(
        self, content_dir: Path | None, routes: Sequence[web.AbstractRouteDef], first: int
    ) -> None:
        """`first`: the number its changes begin after; they are not to look like older ones."""
        self.first = first
        self.was_moved = False
        self.clock = MovableClock(cast.opening_hour(SystemClock().now()))
        # The Bot API is open to every page in this browser that knows the token.
        token = f"42:{secrets.token_urlsafe(24)}"
        self.simulator = Simulator(clock=self.clock, username=cast.BOT, token=token)
        self.simulator.changes.count = first
        self.simulator.profile["name", ""] = cast.CLINIC
        self.simulator.routes += routes
        self.actors: list[Actor] = []
        self._content_dir = content_dir
        self._stack = AsyncExitStack()
        for actor in cast.CAST:
            self._enter(actor)

    async def open(self) -> None:
        """Make its database; nothing is served yet, and its bot is not started."""
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="aftercare-demo-")))
        self._settings = cast.clinic(folder, self._content_dir, self.simulator.token)
        await asyncio.to_thread(migrate, self._settings.database_url)
        opened = app.opened(self._settings, self.clock)
        self.database = await self._stack.enter_async_context(opened)
        self.bot = BotProcess(self._settings, self.clock, self.changed)
        for actor, role in cast.INVITED.items():
            code = await self.database.run(app.staff_code, role, self.clock.now())
            self.simulator.people[actor.id].open(code)

    async def serve(self, port: int) -> None:
        """Be there for the page and for the bot.

        Raises SettingsError if the port cannot be listened on.
        """
        try:
            await self.simulator.start(port)
        except (OSError, OverflowError):
            raise SettingsError([f"--port {port}: cannot be listened on; try another"]) from None
        self._stack.push_async_callback(self.simulator.stop)
        self._settings.telegram_api_url = self.simulator.url
        self._stack.push_async_callback(self.bot.kill)

    @property
    def port(self) -> int:
        """Where it is served."""
        return urlsplit(self.simulator.url).port or 0

    async def close(self) -> None:
        """End it all; nothing of it is kept."""
        await self._stack.aclose()

    def changed(self) -> None:
        """Something of the demo's own is to be shown."""
        self.simulator.changes.tell()

    def person(self, number: object) -> Person:
        """Raises LookupError for nobody of this demo."""
        if not any(actor.id == number for actor in self.actors):
            raise LookupError("There is no such person.")
        return self.simulator.people[number]  # type: ignore[index]  # found among them

    def actor(self, number: object) -> Actor:
        """Raises LookupError for nobody of this demo."""
        found = next((actor for actor in self.actors if actor.id == number), None)
        if found is None:
            raise LookupError("There is no such person.")
        return found

    def add_patient(self, name: str, language: str, timezone: str) -> Actor:
        """Somebody new. Raises ValueError with what is wrong."""
        actor = cast.new_patient(len(self.actors), name, language, timezone)
        self._enter(actor)
        self.changed()
        return actor

    async def next_due(self) -> datetime | None:
        """When the next planned message is due that is not due yet; None: nothing is planned."""
        return await self.database.read(_next_due, self.clock.now())

    async def is_anything_due(self) -> bool:
        """Whether a message waits to be sent or given up, or is on its way."""
        return await self.database.read(_is_anything_due, self.clock.now())

    @property
    def is_starting(self) -> bool:
        """Whether the bot will be there in a moment, or has not read yet what was written to it."""
        unread = self.can_send and bool(self.simulator.updates.pending())
        return self.bot.running == "starting" or unread

    @property
    def can_send(self) -> bool:
        """Whether the bot is there, and Telegram for it."""
        return self.bot.running == "running" and not self.simulator.faults.is_down

    def move_to(self, moment: datetime) -> None:
        """Move the clock, the bot's with it."""
        self.was_moved = True
        self.clock.move_to(moment)
        self.bot.tell_time()
        self.changed()

    def _enter(self, actor: Actor) -> None:
        first, _, last = actor.name.partition(" ")
        self.simulator.add_person(
            actor.id, first, last_name=last or None, language_code=actor.language
        )
        self.actors.append(actor)


def _next_due(tx: Transaction, now: datetime) -> datetime | None:
    return reminders.next_due(tx, after=now)


def _is_anything_due(tx: Transaction, now: datetime) -> bool:
    due = reminders.next_due(tx)
    return (due is not None and due <= now) or bool(reminders.sending(tx))
