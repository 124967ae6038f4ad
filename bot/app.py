"""The composition root: the one file that knows all the parts, joins them and takes them apart."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

import content.library
from bot.care import dates
from bot.care.values import Desk
from bot.chat import menus
from bot.chat.application import AnyApplication, Doors
from bot.chat.connection import NotReached, WrongToken, connect, telegram_bot, username
from bot.chat.inbox_worker import InboxWorker
from bot.chat.limiter import Limiter
from bot.chat.poll import Poll
from bot.chat.request import AiohttpRequest
from bot.chat.sender import Sender
from bot.clock import Clock, MovableClock, SystemClock
from bot.config import Settings, SettingsError
from bot.delivery.answers import Answers
from bot.delivery.dispatcher import Dispatcher, slots_for
from bot.delivery.jobs import Jobs
from bot.delivery.pacing import Pacing
from bot.simulator import Simulator
from bot.simulator.page import Demo, DemoPerson
from storage import invitations, people, reminders
from storage.database import Database, Transaction, file_of
from storage.migrate import migrate
from storage.models import Clinic

log = structlog.get_logger(__name__)

NOT_KNOWN = "TELEGRAM_TOKEN: Telegram does not know this token"


class Joined:
    """Lets whoever moves the clock wake what sends, once there is something to wake."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] | None = None

    def to(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def wake(self) -> None:
        if self._wake:
            self._wake()


@dataclass(frozen=True)
class Parts:
    """What runs beside each other in one process."""

    desk: Desk
    doors: Doors
    application: AnyApplication
    worker: InboxWorker
    poll: Poll
    dispatcher: Dispatcher
    answers: Answers
    jobs: Jobs


class Bot:
    """Everything that runs in one process, joined: receiving, answering, sending, jobs."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        joined: Joined | None = None,
    ) -> None:
        """`joined` is told what to wake when the clock is moved."""
        self._joined = joined or Joined()
        self._settings = settings
        self._database = database
        self._clock = clock
        self._pacing = Pacing(settings.messages_per_second)
        self._polling = AiohttpRequest()
        self._bot = telegram_bot(
            settings.telegram_token or "",
            settings.telegram_api_url,
            self._polling,
            Limiter(self._pacing, clock),
        )
        self._library = content.library.load()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises SettingsError if Telegram refuses the token."""
        try:
            await connect(self._bot, stop)
            if not stop.is_set():
                await self._serve(stop)
        except WrongToken:
            raise SettingsError([NOT_KNOWN]) from None
        finally:
            await self._bot.shutdown()

    def _join(self) -> Parts:
        """Every part, each given what it needs of the others. The bot's name is known by now."""
        desk = Desk(self._library, self._bot.username)
        database, clock, sender = self._database, self._clock, Sender(self._bot)
        answers = Answers(database=database, clock=clock, send=sender)
        dispatcher = Dispatcher(
            database=database,
            library=self._library,
            clock=clock,
            pacing=self._pacing,
            send=sender,
            slots=slots_for(self._settings.messages_per_second),
            answering=answers.waiting,
        )
        doors = Doors(desk=desk, database=database, clock=clock, answered=answers.notify)
        application = doors.application(self._bot)
        worker = InboxWorker(
            application=application,
            desk=desk,
            database=database,
            clock=clock,
            failures=doors.failures,
            answered=answers.notify,
        )
        poll = Poll(
            bot=self._bot,
            request=self._polling,
            database=database,
            clock=clock,
            arrived=worker.arrived,
        )
        jobs = Jobs(database=database, clock=clock, wake=dispatcher.wake)
        self._joined.to(dispatcher.wake)
        return Parts(desk, doors, application, worker, poll, dispatcher, answers, jobs)

    async def _serve(self, stop: asyncio.Event) -> None:
        parts = self._join()
        await asyncio.to_thread(dates.warm_up)
        await parts.application.initialize()
        doubted = await parts.dispatcher.recover()
        await parts.answers.recover()
        await parts.worker.recover()
        parts.jobs.start()
        sending = asyncio.create_task(parts.dispatcher.run())
        polling = asyncio.create_task(parts.poll.run())
        stopping = asyncio.create_task(stop.wait())
        looks = asyncio.create_task(menus.show_to_all(self._bot, parts.desk, self._database))
        log.info("ready", bot=self._bot.username, in_doubt=doubted)
        try:
            done, _ = await asyncio.wait(
                (sending, polling, stopping), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            for task in (polling, stopping, looks):
                task.cancel()
            parts.jobs.stop()
            await asyncio.gather(
                parts.worker.stop(),
                parts.dispatcher.stop(),
                parts.answers.stop(),
                parts.doors.stop(),
            )
            await asyncio.gather(sending, polling, stopping, looks, return_exceptions=True)
            await parts.application.shutdown()
            log.info("stopped")


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncIterator[Database]:
    """The database, of the current schema, with the clinic of the settings in it."""
    database = Database(settings.database_url)
    try:
        await asyncio.to_thread(migrate, settings.database_url)
        await database.run(put_clinic, settings, clock.now())
        yield database
    finally:
        await asyncio.to_thread(database.close)


async def run(settings: Settings, clock: Clock | None = None) -> None:
    """`run`: one clinic on one machine. Raises SettingsError."""
    clock = clock or SystemClock()
    with only_one(settings.database_url):
        async with opened(settings, clock) as database:
            await Bot(settings, database, clock).run(stop_signal())


async def invite_owner(settings: Settings) -> str:
    """`invite-owner`: a one-time link; whoever opens it owns the clinic. Raises SettingsError."""
    clock = SystemClock()
    token, api_url = settings.telegram_token or "", settings.telegram_api_url
    async with opened(settings, clock) as database:
        try:
            name = await username(token, api_url)
        except WrongToken:
            raise SettingsError([NOT_KNOWN]) from None
        except NotReached:
            raise SettingsError([f"TELEGRAM_API_URL: {api_url} could not be reached"]) from None
        code = await database.run(_owner_code, clock.now())
        return Desk(content.library.load(), name).link(code)


def put_clinic(tx: Transaction, settings: Settings, now: datetime) -> Clinic:
    """The first clinic as the settings have it."""
    clinic = people.first_clinic(tx)
    facts = settings.clinic()
    values = {
        "name": facts.name,
        "phone": facts.phone,
        "emergency_number": facts.emergency_number,
        "urgent_line": facts.urgent_line,
        "timezone": facts.timezone,
        "language": settings.clinic_language,
    }
    clinic = clinic or Clinic.model_validate({**values, "created_at": now})
    clinic.sqlmodel_update(values)
    tx.add(clinic)
    tx.flush()
    return clinic


@contextmanager
def only_one(url: str) -> Iterator[None]:
    """Hold the database's lock file. Raises SettingsError if another process has it."""
    try:
        with FileLock(f"{file_of(url)}.lock", timeout=0):
            yield
    except Timeout:
        raise SettingsError(
            [f"DATABASE_URL: another `run` is at work on {url}; stop it first"]
        ) from None


def stop_signal() -> asyncio.Event:
    """Set at SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _owner_code(tx: Transaction, now: datetime) -> str:
    clinic = people.first_clinic(tx)
    if clinic is None:
        raise LookupError("there is no clinic")
    _, codes = invitations.invite(tx, clinic_id=clinic.id, role="owner", now=now, created_by=None)
    return codes.link


DEMO_OWNER = DemoPerson(id=1001, role="owner", timezone="Europe/London")
DEMO_PEOPLE = {
    DEMO_OWNER: "Rosa Marin",
    DemoPerson(id=2001, role="patient", timezone="Europe/London"): "Ana Lopez",
    DemoPerson(id=2002, role="patient", timezone="Europe/London"): "Ben Okafor",
}


async def demo(*, port: int, browser: bool) -> None:
    """`demo`: the whole product against a Telegram on this machine, on a fresh database."""
    clock = MovableClock()
    simulator = Simulator(clock=clock, username="rosewood_demo_bot")
    for person, name in DEMO_PEOPLE.items():
        first, _, last = name.partition(" ")
        simulator.add_person(person.id, first, last_name=last)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            telegram_token=simulator.token,
            database_url=f"sqlite:///{Path(folder, 'demo.db')}",
            clinic_name="Rosewood Skin Clinic",
            clinic_phone="+44 20 7946 0000",
            clinic_emergency_number="999",
            clinic_urgent_line="111",
            clinic_timezone="Europe/London",
        )
        async with opened(settings, clock) as database:
            joined = Joined()
            Demo(
                simulator=simulator,
                clock=clock,
                people=list(DEMO_PEOPLE),
                next_due=lambda: database.read(reminders.next_due),
                moved=joined.wake,
            )
            try:
                await simulator.start(port)
            except (OSError, OverflowError):
                raise SettingsError(
                    [f"--port {port}: cannot be listened on; try another"]
                ) from None
            settings.telegram_api_url = simulator.url
            owner = simulator.people[DEMO_OWNER.id]
            owner.open(await database.run(_owner_code, clock.now()))
            print(f"Aftercare's demo is at {simulator.url} (stop it with Ctrl-C)", flush=True)
            if browser:
                await asyncio.to_thread(webbrowser.open, simulator.url)
            try:
                await Bot(settings, database, clock, joined).run(stop_signal())
            finally:
                await simulator.stop()
