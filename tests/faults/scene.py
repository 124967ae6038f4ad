"""Where faults happen: a Telegram, a prepared database, the people, and the bot's processes."""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import select

from bot.clock import MovableClock
from bot.config import Settings
from bot.simulator import Simulator
from bot.simulator.buckets import Limits, Rate
from bot.simulator.journal import Call
from bot.simulator.methods import SENDING
from storage.database import Database, Transaction
from storage.migrate import migrate
from storage.models import Inbox, OutgoingRow, Reminder
from storage.reminders import sending
from tests.faults.count import Count, Kill, count, read_rows
from tests.faults.ward import PATIENCE, Size, Ward, prepare
from tests.postgres import PostgresServer, free_port
from tests.process import BotProcess, Nursery, environment_of, write_offset
from tests.story import settings_for

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
"""A Monday afternoon in London: the hold messages of 10:00 and the first hours' are due."""
RATE = 60.0
"""Messages a second: with replies after 15-60 ms two or three are on their way at any moment."""
ENOUGH = Limits(bot=Rate(per_second=10 * RATE, burst=10 * RATE))
"""Telegram's own limit for one chat, and a larger one for the bot: here it is not the fault."""


class Store:
    """Prepared databases, each made once and copied."""

    def __init__(self, folder: Path, server: PostgresServer | None = None) -> None:
        """On PostgreSQL if there is a `server`."""
        self.server = server
        self._folder = folder
        self._prepared: dict[Size, tuple[str, list[str]]] = {}
        self._copies = 0

    @property
    def kind(self) -> str:
        return "PostgreSQL" if self.server else "SQLite"

    def copy(self, settings: Settings, size: Size) -> tuple[str, list[str]]:
        """The address of a fresh database with so many people, and the codes of the invited."""
        if size not in self._prepared:
            self._prepared[size] = self._prepare(settings, size)
        template, codes = self._prepared[size]
        self._copies += 1
        if self.server:
            copied = self.server.create_database(template)
            self.server.checkpoint()
            return self.server.url(copied), codes
        copy = self._folder / f"copy{self._copies}.db"
        shutil.copy(template, copy)
        return f"sqlite:///{copy}", codes

    def _prepare(self, settings: Settings, size: Size) -> tuple[str, list[str]]:
        if self.server:
            name = self.server.create_database()
            url = self.server.url(name)
        else:
            name = str(self._folder / f"prepared{len(self._prepared)}.db")
            url = f"sqlite:///{name}"
        migrate(url)
        database = Database(url)
        try:
            return name, prepare(database, settings, size, START)
        finally:
            database.close()


@dataclass
class Scene:
    """Everything at hand while something goes wrong."""

    store: Store
    simulator: Simulator
    clock: MovableClock
    settings: Settings
    folder: Path
    database: Database
    ward: Ward
    random: random.Random
    nursery: Nursery
    port: int
    """Telegram's."""
    bot: BotProcess = field(init=False)
    """What sends: `run` on SQLite, `worker` on PostgreSQL, where `web` receives beside it."""
    web: BotProcess | None = field(init=False)
    processes: list[BotProcess] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    _began: float = 0.0

    def __post_init__(self) -> None:
        self.web = self.process("web") if self.store.server else None
        self.bot = self.process("worker" if self.store.server else "run")

    def process(self, command: str) -> BotProcess:
        """One more process of the bot, not started yet."""
        environment = environment_of(self.settings)
        number = len(self.processes)
        log = self.folder / f"{command}{number}.log"
        made = BotProcess(environment, self.folder / "offset", log, command, self.nursery)
        self.processes.append(made)
        return made

    async def start(self) -> None:
        """Start the bot, and note since when it has been at it."""
        self._began = self.clock.monotonic()
        await self.bot.start()

    async def receive(self) -> None:
        """See to it that `web` is there, where there is one."""
        if self.web and not self.web.runs:
            await self.web.start()

    async def begin(self) -> None:
        """`start` without waiting."""
        self._began = self.clock.monotonic()
        await self.bot.begin()

    async def kill(self) -> None:
        """SIGKILL, and note what was open at that moment."""
        sends = [
            call.message_id
            for call in self.simulator.journal
            if call.method in SENDING and call.monotonic >= self._began
        ]
        ended = self.clock.monotonic()
        await self.bot.kill()
        if self.store.server:
            await asyncio.sleep(0.1)  # the server ends the transaction it was in the middle of
        reminders, answers, updates, recorded = await self.database.read(_open)
        self.kills.append(
            Kill(
                began=self._began,
                ended=ended + 0.1,  # what was written to the wire still arrives
                in_flight=sum(number is None or number not in recorded for number in sends),
                reminders=frozenset(reminders),
                answers=frozenset(answers),
                updates=updates,
            )
        )

    def sent(self) -> list[Call]:
        """Every message Telegram has taken, in order."""
        return [call for call in self.simulator.journal if call.method in SENDING and call.accepted]

    async def loaded_until(
        self, condition: Callable[[], bool], *, within: float = 2 * PATIENCE
    ) -> None:
        """Keep the bot busy until something has happened, `within` seconds."""
        async with asyncio.timeout(within):
            while not condition():
                await self.ward.keep_loaded()
                await asyncio.sleep(0.05)

    async def sends_again(self) -> None:
        """Wait until one more message is sent than by now."""
        before = len(self.sent())
        await self.loaded_until(lambda: len(self.sent()) > before)

    async def loaded_for(self, seconds: float) -> None:
        """Keep the bot busy for so long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        await self.loaded_until(lambda: loop.time() > until, within=seconds + PATIENCE)

    async def jump(self, by: timedelta) -> None:
        """Set the clock while the bot stands still, so that both Telegram and it see it at once."""
        self.bot.freeze()
        await asyncio.sleep(0.1)  # what it has sent arrives
        self.ward.move(by)
        self.bot.wake()

    async def end(self) -> Count:
        """Let all that is due end, stop the bot as a host does, and count."""
        await self.ward.drain()
        await self.ward.close_doors()
        for process in self.processes:
            if process.runs:
                assert await process.terminate() == 0, process.log.read_text()
        return count(self.ward, await self.database.read(read_rows), self.kills)


@asynccontextmanager
async def scene(
    store: Store, nursery: Nursery, folder: Path, seed: int, size: Size
) -> AsyncIterator[Scene]:
    """Open a scene on a fresh copy; afterwards no process is left."""
    chance = random.Random(seed)
    clock = MovableClock(START)
    async with Simulator(clock=clock, limits=ENOUGH) as simulator:
        settings = settings_for(simulator, folder / "none.db")
        url, codes = await asyncio.to_thread(store.copy, settings, size)
        settings = settings.model_copy(
            update={"database_url": url, "messages_per_second": RATE, **_webhook(free_port())}
        )
        database = Database(url)
        ward = Ward(
            simulator=simulator,
            clock=clock,
            database=database,
            moved=lambda moment: write_offset(folder / "offset", moment),
            size=size,
            codes=codes,
            random=chance,
        )
        made = Scene(
            store=store,
            simulator=simulator,
            clock=clock,
            settings=settings,
            folder=folder,
            database=database,
            ward=ward,
            random=chance,
            nursery=nursery,
            port=int(simulator.url.rpartition(":")[2]),
        )
        try:
            yield made
        finally:
            for process in made.processes:
                if process.runs:
                    await process.kill()
            await asyncio.to_thread(database.close)
        assert simulator.wrong_calls == []


def _webhook(port: int) -> dict[str, object]:
    return {
        "webhook_url": f"http://127.0.0.1:{port}/updates",
        "webhook_secret": secrets.token_urlsafe(12),
        "port": port,
    }


def _open(tx: Transaction) -> tuple[list[int], list[int], int, set[int | None]]:
    """Reminders and answers on their way, updates not done, and the messages that rows know of."""
    answers = tx.exec(select(OutgoingRow.id).where(OutgoingRow.state == "sending")).all()
    updates = tx.exec(select(Inbox.id).where(Inbox.state == "new")).all()
    recorded = {*tx.exec(select(Reminder.message_id)), *tx.exec(select(OutgoingRow.message_id))}
    return [row.id for row in sending(tx)], list(answers), len(updates), recorded
