"""The composition root: the one file that knows all the parts, joins them and takes them apart."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from filelock import FileLock, Timeout

import content.library
from bot import web as web_server
from bot.care import alerts, dates
from bot.care.values import Desk, start_link
from bot.chat import arrival, menus
from bot.chat.application import AnyApplication, Doors
from bot.chat.connection import (
    NotReached,
    NotTaken,
    WrongToken,
    connect,
    fetch_from_now_on,
    post_to,
    telegram_bot,
    username,
)
from bot.chat.inbox_worker import InboxWorker
from bot.chat.limiter import Limiter
from bot.chat.poll import Poll
from bot.chat.request import AiohttpRequest
from bot.chat.sender import Sender
from bot.clock import Clock, SystemClock
from bot.config import Settings, SettingsError
from bot.delivery import lead
from bot.delivery.answers import Answers
from bot.delivery.dispatcher import Dispatcher, Errand, slots_for
from bot.delivery.jobs import Jobs
from bot.delivery.outcome import Disowned, Outcome
from bot.delivery.pacing import Pacing
from bot.delivery.silence import Silence
from bot.metrics import Metrics
from bot.web import Health, Webhook
from content import checks
from content.library import ContentError, Library
from storage import invitations, people, wake
from storage.database import (
    Database,
    DatabaseError,
    Identity,
    InterfaceError,
    NotLeading,
    Transaction,
    file_of,
    identity_of,
    place_of,
    why_away,
)
from storage.migrate import head, migrate, schema_of
from storage.models import Clinic

log = structlog.get_logger(__name__)

NOT_KNOWN = "TELEGRAM_TOKEN: Telegram does not know this token"
TAKEN = "DATABASE_URL: another `run` is at work on {url}; stop it first"
OLD_SCHEMA = "DATABASE_URL: the database is not of this version; first run: python -m bot migrate"
END_WITHIN = 9.0
"""Seconds from SIGTERM to the end; ten are promised."""
SILENCE = timedelta(seconds=90)
"""A long poll is answered within 35 s; after so long without one, something is wrong."""
LOOK_EACH = 1.0
"""Seconds between two looks at the lock, and at a database that could not be written to."""
TRY_EACH = 60
"""Looks after which it is written to anyway: a disk fills at night too, when nothing is due."""
NO_LOCK = "DATABASE_URL: the file {lock}, which keeps a second `run` away, cannot be made ({why})"
IN_MEMORY = "DATABASE_URL: a database in memory is gone at the end of the process; name a file"
EMPTY = (
    "it was empty, and its tables have just been made; if there should be patients in it, stop, "
    "and look at DATABASE_URL and at the folder this was started in"
)


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
    """What runs beside each other in the process that leads."""

    desk: Desk
    doors: Doors
    application: AnyApplication
    worker: InboxWorker
    dispatcher: Dispatcher
    answers: Answers
    jobs: Jobs


class Bot:
    """Everything that speaks to people, joined: answering, sending, jobs; `polls`: receiving too.

    It stands by until it leads, and again when the lead was lost.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        joined: Joined | None = None,
        *,
        polls: bool = True,
        library: Library | None = None,
    ) -> None:
        """`joined` is told what to wake when the clock is moved; `library`: content looked at."""
        self._joined = joined or Joined()
        self._settings = settings
        self._database = database
        self._clock = clock
        self._polls = polls
        self.metrics = Metrics()
        self._pacing = Pacing(settings.messages_per_second)
        self._polling = AiohttpRequest()
        self._bot = telegram_bot(
            settings.telegram_token or "",
            settings.telegram_api_url,
            self._polling,
            Limiter(self._pacing, clock, self.metrics),
        )
        self._library = library or library_of(settings)
        self._silence = Silence()
        self._connected = False
        self._unrecorded: Sequence[tuple[Errand, Outcome]] = ()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises SettingsError if Telegram refuses the token."""
        try:
            await connect(self._bot, stop)
            if self._polls:
                await fetch_from_now_on(self._bot, stop)
            self._connected = True
            await asyncio.to_thread(dates.warm_up)
            while not stop.is_set() and await lead.stand_by(self._database, stop):
                await self._serve_while_possible(stop)
        except (WrongToken, Disowned):
            raise SettingsError([NOT_KNOWN]) from None
        finally:
            await self._database.give_up_lead()
            await self._bot.shutdown()
            log.info("stopped")

    async def _serve_while_possible(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, or until the lead or the database is lost."""
        self.metrics.leads(True)
        try:
            await self._serve(stop)
        except NotLeading:
            log.warning("lead.lost")
        except DatabaseError as error:
            log.warning("lead.database_away", problem=type(error).__name__, why=why_away(error))
            await asyncio.sleep(lead.EACH)
        finally:
            self.metrics.leads(False)

    def health(self) -> Health:
        """What tells others how this process is."""
        return Health(
            checks=self.problems,
            metrics=self.metrics,
            database=self._database,
            clock=self._clock,
            token=self._settings.metrics_token,
        )

    async def problems(self) -> list[str]:
        """What keeps this process from its work now, for `/readyz`."""
        found = await problems_of(self._database)
        if not self._connected:
            return [*found, "telegram: not reached since the start"]
        last = self.metrics.last_poll
        if self._polls and (last is None or self._clock.now() - last > SILENCE):
            since = f"since {last:%Y-%m-%d %H:%M:%S} UTC" if last else "since the start"
            found.append(f"telegram: no answer {since}")
        elif self._silence.takes_nothing:
            found.append("telegram: it takes no messages")
        return found

    def _join(self) -> Parts:
        """Every part, each given what it needs of the others. The bot's name is known by now."""
        desk = Desk(self._library, self._bot.username)
        database, clock, metrics, sender = (
            self._database,
            self._clock,
            self.metrics,
            Sender(self._bot),
        )
        answers = Answers(
            database=database,
            clock=clock,
            send=sender,
            too_late=partial(arrival.answered_too_late, desk),
            unheard=partial(alerts.unheard, desk),
            pacing=self._pacing,
            silence=self._silence,
            metrics=metrics,
        )
        dispatcher = Dispatcher(
            database=database,
            library=self._library,
            clock=clock,
            pacing=self._pacing,
            send=sender,
            slots=slots_for(self._settings.messages_per_second),
            answering=answers.waiting,
            silence=self._silence,
            metrics=metrics,
            unrecorded=self._unrecorded,
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
            metrics=metrics,
        )
        jobs = Jobs(database=database, clock=clock, wake=dispatcher.wake)
        self._joined.to(dispatcher.wake)
        return Parts(desk, doors, application, worker, dispatcher, answers, jobs)

    def _receiving(self, parts: Parts) -> Coroutine[None, None, None]:
        if not self._polls:
            return wake.listen(self._settings.database_url, parts.worker.wake)
        poll = Poll(
            bot=self._bot,
            request=self._polling,
            database=self._database,
            clock=self._clock,
            arrived=parts.worker.wake,
            metrics=self.metrics,
        )
        return poll.run()

    async def _serve(self, stop: asyncio.Event) -> None:
        """Do all of it until `stop`. Raises NotLeading when another process does it by now."""
        parts = self._join()
        await parts.application.initialize()  # asks nothing: the bot is
        doubted = await parts.dispatcher.recover()
        await parts.answers.recover()
        parts.jobs.start()
        begun = [
            asyncio.create_task(work)
            for work in (
                parts.dispatcher.run(),
                parts.worker.run(),
                self._receiving(parts),
                lead.hold(self._database),
                stop.wait(),
            )
        ]
        looks = asyncio.create_task(menus.show_to_all(self._bot, parts.desk, self._database))
        log.info("ready", bot=self._bot.username, in_doubt=doubted)
        try:
            done, _ = await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._end(parts, [*begun, looks])

    async def _end(self, parts: Parts, tasks: Sequence[asyncio.Task[Any]]) -> None:
        _, _, *others = tasks  # the dispatcher and the inbox worker end by themselves
        for task in others:
            task.cancel()
        parts.jobs.stop()
        await asyncio.gather(
            parts.worker.stop(),
            parts.dispatcher.stop(),
            parts.answers.stop(),
            parts.doors.stop(),
        )
        self._unrecorded = parts.dispatcher.unrecorded
        await asyncio.gather(*tasks, return_exceptions=True)
        # The application is not shut down: it would close the bot, which may lead once more.
        log.info("stood_down")


async def problems_of(database: Database) -> list[str]:
    """What is wrong with the database, in words. It may be read while it cannot be written to."""
    if database.problem:
        return [f"database: {database.problem}"]
    try:
        await database.read(people.first_clinic)
    except (DatabaseError, InterfaceError) as error:
        return [f"database: {why_away(error)}"]
    return []


@asynccontextmanager
async def opened(
    settings: Settings, clock: Clock, *, leads: bool = False
) -> AsyncIterator[Database]:
    """The database, of the current schema, with the clinic of the settings in it."""
    database = Database(settings.database_url, leads=leads)
    try:
        await database.run_without_lead(put_clinic, settings, clock.now())
        yield database
    finally:
        await asyncio.to_thread(database.close)


async def run(
    settings: Settings,
    clock: Clock | None = None,
    joined: Joined | None = None,
    library: Library | None = None,
) -> None:
    """`run`: one clinic on one machine. Raises SettingsError, ContentError.

    `joined` lets whoever moves the clock wake it; `library` is content that has passed its checks.
    """
    clock = clock or SystemClock()
    with only_one(settings.database_url) as alone:
        await asyncio.to_thread(brought_up, settings.database_url)
        async with opened(settings, clock, leads=True) as database:
            if not await database.take_lead():
                raise SettingsError([TAKEN.format(url="this database")])
            bot = Bot(settings, database, clock, joined, library=library)
            stop = stop_signal()
            async with looked_after(database, stop, alone):
                await observed(bot, settings, stop)


async def worker(settings: Settings, clock: Clock | None = None) -> None:
    """`worker`: everything but receiving, PostgreSQL only; one is active. Raises SettingsError."""
    clock = clock or SystemClock()
    await asyncio.to_thread(of_current_schema, settings.database_url)
    log.info("database.opened", at=place_of(settings.database_url))
    async with opened(settings, clock, leads=True) as database:
        bot, stop = Bot(settings, database, clock, polls=False), stop_signal()
        async with looked_after(database, stop):
            await observed(bot, settings, stop)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Uvloop's where there is one: not on Windows. A sixth faster on the way out, measured."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


GARBAGE_AFTER = 5_000
"""Objects more than there were, after which garbage is looked for. With Python's 700 that is so
often that it costs a twentieth of all that sending does."""


def settle_memory() -> None:
    """What is loaded by now stays for good: the collector of garbage need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)


async def observed(bot: Bot, settings: Settings, stop: asyncio.Event) -> None:
    """Run the bot, its health and metrics served beside it if a port is set for them."""
    settle_memory()
    if settings.health_port is None:
        await bot.run(stop)
        return
    served = web_server.application(bot.health())
    async with web_server.serve(
        served, web_server.LOOPBACK, settings.health_port, setting="HEALTH_PORT"
    ):
        await bot.run(stop)


async def web(settings: Settings) -> None:
    """`web`: updates by webhook into the inbox, PostgreSQL only. Raises SettingsError."""
    await asyncio.to_thread(of_current_schema, settings.database_url)
    clock, metrics, stop = SystemClock(), Metrics(), stop_signal()
    log.info("database.opened", at=place_of(settings.database_url))
    database = Database(settings.database_url)
    registered = False

    async def problems() -> list[str]:
        unheard = [] if registered else ["telegram: the webhook is not registered yet"]
        return await problems_of(database) + unheard

    health = Health(
        checks=problems,
        metrics=metrics,
        database=database,
        clock=clock,
        token=settings.metrics_token,
    )
    webhook = Webhook(
        path=settings.webhook_path,
        secret=settings.webhook_secret or "",
        metrics=metrics,
        database=database,
        clock=clock,
    )
    served = web_server.application(health, webhook)
    try:
        async with (
            looked_after(database, stop),
            web_server.serve(served, web_server.EVERYWHERE, settings.port, setting="PORT"),
        ):
            await register(settings, stop)
            registered = True
            if not stop.is_set():
                log.info("ready")
            await stop.wait()
            log.info("stopped")
    finally:
        await asyncio.to_thread(database.close)


async def register(settings: Settings, stop: asyncio.Event) -> None:
    """Tell Telegram where to post updates. Raises SettingsError if it refuses."""
    bot = telegram_bot(settings.telegram_token or "", settings.telegram_api_url, AiohttpRequest())
    try:
        await post_to(bot, settings.webhook_url or "", settings.webhook_secret or "", stop)
    except WrongToken:
        raise SettingsError([NOT_KNOWN]) from None
    except NotTaken as error:
        raise SettingsError([f"WEBHOOK_URL: Telegram does not take it: {error.message}"]) from None
    finally:
        await bot.request.shutdown()


async def invite_owner(settings: Settings) -> str:
    """`invite-owner`: a one-time link; whoever opens it owns the clinic. Raises SettingsError."""
    clock = SystemClock()
    token, api_url = settings.telegram_token or "", settings.telegram_api_url
    refuse_memory(settings.database_url)
    await asyncio.to_thread(brought_up, settings.database_url)
    async with opened(settings, clock) as database:
        try:
            name = await username(token, api_url)
        except WrongToken:
            raise SettingsError([NOT_KNOWN]) from None
        except NotReached:
            raise SettingsError([f"TELEGRAM_API_URL: {api_url} could not be reached"]) from None
        code = await database.run(staff_code, "owner", clock.now())
        return start_link(name, code)


def library_of(settings: Settings) -> Library:
    """The content that is spoken from. Raises ContentError, SettingsError.

    What ships has passed every check; a clinic's own is looked at whole, which takes seconds.
    """
    library = content.library.load(settings.content_dir)
    is_own = settings.content_dir is not None
    found = checks.findings(library, settings.clinic()) if is_own else checks.structural(library)
    if broken := [str(it) for it in found if it.severity == "error"]:
        raise ContentError(broken)
    languages = library.texts.languages
    if settings.clinic_language not in languages:
        raise SettingsError(
            [
                f"CLINIC_LANGUAGE: there are no texts in {settings.clinic_language!r}; "
                f"there are {', '.join(languages)}"
            ]
        )
    if not library.is_approved:
        log.warning("content.not_approved", fingerprint=library.fingerprint)
    return library


def put_clinic(tx: Transaction, settings: Settings, now: datetime) -> Clinic:
    """The first clinic as the settings have it."""
    people.one_at_a_time(tx)
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


class Alone:
    """A SQLite file's lock: one `run` on one file, by whatever name it is reached."""

    def __init__(self, file: str) -> None:
        self.path = Path(f"{Path(file).resolve()}.lock")
        self._lock = FileLock(self.path, timeout=0)
        self._locked: Identity | None = None

    def make_sure(self) -> None:
        """Have the lock, anew if its file was taken away: what is locked then guards no name.

        Raises Timeout if another process has it, OSError if it cannot be made.
        """
        if self._locked and identity_of(self.path) == self._locked:
            return
        self.release()
        self._lock.acquire()
        self._locked = identity_of(self.path)

    def release(self) -> None:
        self._lock.release()
        self._locked = None


@contextmanager
def only_one(url: str) -> Iterator[Alone | None]:
    """Hold the SQLite file's lock; PostgreSQL has the lead for that. Raises SettingsError."""
    refuse_memory(url)
    file = file_of(url)
    if file is None:
        yield None
        return
    alone = Alone(file)
    try:
        alone.make_sure()
    except Timeout:
        raise SettingsError([TAKEN.format(url=url)]) from None
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise SettingsError([NO_LOCK.format(lock=alone.path, why=why)]) from None
    try:
        yield alone
    finally:
        alone.release()


def refuse_memory(url: str) -> None:
    """Raises SettingsError for a database that no other process and no next start would see."""
    if file_of(url) == ":memory:":
        raise SettingsError([IN_MEMORY])


@asynccontextmanager
async def looked_after(
    database: Database, stop: asyncio.Event, alone: Alone | None = None
) -> AsyncIterator[None]:
    """See to it meanwhile that the lock is held, and that what is known of the database is true.

    Sets `stop` and raises SettingsError, at the end, if another process took the lock.
    """
    looking = asyncio.create_task(_look_after(database, stop, alone))
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def _look_after(database: Database, stop: asyncio.Event, alone: Alone | None) -> None:
    said: str | None = None
    for look in itertools.count():
        await asyncio.sleep(LOOK_EACH)
        if (problem := database.problem) != said:
            said = problem
            log.warning("database.trouble", why=problem or "none any more")
        if stop.is_set():
            return  # whoever waits for the database to end waits for what is written to it
        try:
            if alone:
                alone.make_sure()
            if database.problem or look % TRY_EACH == 0:
                await database.try_to_write()
        except Timeout:
            stop.set()
            raise SettingsError([TAKEN.format(url="this database")]) from None
        except Exception:  # a lock that cannot be made anew now, on a full disk say, may be later
            log.exception("database.not_looked_after")


def brought_up(url: str) -> None:
    """Bring the database to the current schema, and say where it is and if it was empty."""
    was_empty = migrate(url)
    log.info("database.opened", at=place_of(url))
    if was_empty:
        log.warning("database.new", at=place_of(url), hint=EMPTY)


def of_current_schema(url: str) -> None:
    """Raises SettingsError unless the database is of the schema this version works with."""
    if schema_of(url) != head():
        raise SettingsError([OLD_SCHEMA])


def stop_signal() -> asyncio.Event:
    """Set at SIGTERM or SIGINT. Whatever hangs then, the process ends in time.

    Nothing is lost by that: it is what a crash does, and rows are made for it.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopped() -> None:
        stop.set()
        deadline = threading.Timer(END_WITHIN, _end_now)
        deadline.daemon = True
        deadline.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped)
    return stop


def _end_now() -> None:
    log.error("stopped.not_everything_ended", within=END_WITHIN)
    os._exit(1)


def staff_code(tx: Transaction, role: str, now: datetime) -> str:
    """The code of a one-time link to the first clinic's team, as owner, clinician or front_desk."""
    clinic = people.first_clinic(tx)
    if clinic is None:
        raise LookupError("there is no clinic")
    _, codes = invitations.invite(tx, clinic_id=clinic.id, role=role, now=now, created_by=None)
    return codes.link
