"""What tests do with the whole product: record a session, agree, move the clock, read the chat."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import col, func, select

from bot.app import Bot, Joined, put_clinic, staff_code
from bot.clock import MovableClock
from bot.config import Settings
from bot.simulator import Simulator
from bot.simulator.chats import Message
from bot.simulator.people import Person
from storage.database import Database, Transaction
from storage.migrate import migrate
from storage.models import Inbox, OutgoingRow, Reminder

T = TypeVar("T")

LINE = "Ana López, today 13:30, face, 1.0 mm, 2/4, next 2026-12-21 10:00, use: plain cream"
LINK = re.compile(r"https://t\.me/\w+\?start=([\w-]+)")
PATIENCE = 10
"""Seconds a test waits for what happens at once."""


@dataclass
class Story:
    """One clinic and its bot, in this process."""

    simulator: Simulator
    clock: MovableClock
    folder: Path
    settings: Settings = field(init=False)
    database: Database = field(init=False)
    joined: Joined = field(default_factory=Joined)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Story:
        self.settings = settings_for(self.simulator, self.folder / "clinic.db")
        migrate(self.settings.database_url)
        self.database = Database(self.settings.database_url)
        await self.database.run(put_clinic, self.settings, self.clock.now())
        self.owner = self.simulator.add_person(1001, "Rosa", last_name="Marín")
        self.ana = self.simulator.add_person(2001, "Ana")
        self.ben = self.simulator.add_person(2002, "Ben")
        self.start()
        self.owner.open(await self.database.run(staff_code, "owner", self.clock.now()))
        await self.owner.next_message(PATIENCE)
        await self.settled()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self.database.close()

    # --- the bot

    def start(self) -> None:
        self._stop = asyncio.Event()
        bot = Bot(self.settings, self.database, self.clock, self.joined)
        self._running = asyncio.create_task(bot.run(self._stop))

    async def stop(self) -> None:
        """Let the bot end as it does at SIGTERM; raises what ended it otherwise."""
        self._stop.set()
        if self._running:
            await self._running
            self._running = None

    # --- the clinic

    async def record(self, line: str = LINE) -> str:
        """Record a session and save it; the code of the patient's link."""
        self.owner.say(f"/newsession {line}")
        await self.owner.next_message(PATIENCE)
        self.owner.press("Save session")
        saved = await self.owner.next_message(PATIENCE)
        await self.settled()
        self.owner.skip()
        found = LINK.search(saved.text)
        return found[1] if found else ""

    async def enrol(self, person: Person, line: str = LINE) -> Message:
        """Record a session, open its link and agree; the answer to `I agree`."""
        person.open(await self.record(line))
        await person.next_message(PATIENCE)
        person.press("I agree")
        answer = await person.next_message(PATIENCE)
        await self.settled()
        return answer

    # --- time

    def move(self, **by: float) -> None:
        self.clock.move(timedelta(**by))
        self.joined.wake()

    def move_to(self, moment: datetime) -> None:
        self.clock.move_to(moment)
        self.joined.wake()

    async def settled(self) -> None:
        """Wait until all that is due at this moment has happened."""
        async with asyncio.timeout(PATIENCE):
            while self.simulator.updates.pending() or not await self.database.run(
                _nothing_to_do, self.clock.now()
            ):
                self.joined.wake()
                await asyncio.sleep(0.01)

    async def reads(self, person: Person) -> list[str]:
        """All that came to `person` since the last look, once everything has settled."""
        await self.settled()
        seen = getattr(person, "_read", 0)
        received = person.received
        person._read = len(received)  # type: ignore[attr-defined]
        return [message.text for message in received[seen:]]

    async def rows(self) -> list[Reminder]:
        return await self.database.run(all_reminders)

    async def query(self, function: Callable[..., T], *args: Any) -> T:
        return await self.database.run(function, *args)


def settings_for(simulator: Simulator, file: Path) -> Settings:
    return Settings(
        telegram_token=simulator.token,
        telegram_api_url=simulator.url,
        database_url=f"sqlite:///{file}",
        clinic_name="Rosewood Clinic",
        clinic_phone="+44 20 7946 0000",
        clinic_emergency_number="999",
        clinic_urgent_line="111",
        clinic_timezone="Europe/London",
    )


def _nothing_to_do(tx: Transaction, now: datetime) -> bool:
    open_ones = (
        select(func.count()).select_from(Inbox).where(col(Inbox.state) == "new"),
        select(func.count())
        .select_from(OutgoingRow)
        .where(col(OutgoingRow.state).in_(("scheduled", "sending"))),
        select(func.count())
        .select_from(Reminder)
        .where((col(Reminder.try_at) <= now) | (col(Reminder.state) == "sending")),
    )
    return all(tx.exec(statement).one() == 0 for statement in open_ones)


def all_reminders(tx: Transaction) -> list[Reminder]:
    return list(tx.exec(select(Reminder).order_by(col(Reminder.due_at), col(Reminder.id))).all())


async def heard(person: Person, text: str) -> None:
    """Wait until the last that came to `person` says so."""
    await person.until(lambda: text in person.received[-1].text if person.received else False)


async def enrolled(owner: Person, ana: Person, owners_link: str, line: str) -> None:
    """The way in, over the wire, with a bot in another process: an owner, a session, `I agree`."""
    owner.open_link(owners_link)
    await heard(owner, "You are on the team")
    owner.say(line)
    await heard(owner, "Nothing is saved yet")
    owner.press("Save session")
    await heard(owner, "scans this")
    found = LINK.search(owner.received[-2].text)
    assert found
    ana.open(found[1])
    await heard(ana, "not for emergencies")
    ana.press("I agree")
    await heard(ana, "Thank you")
