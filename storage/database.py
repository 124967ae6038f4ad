"""The database handle: whole functions, each one transaction, never open across an `await`.

SQLite: one writer thread (WAL, every commit on disk before it counts); reports read on connections
of their own. PostgreSQL: a small pool; a process that leads writes on one connection only, which
holds the lead (an advisory lock), so that what is no longer the leader can write nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, Select, create_engine, delete, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from sqlmodel import Session, SQLModel, col

from storage.lead import Lead, NotLeading, end_a_silent_leader

__all__ = [
    "Database",
    "DatabaseError",
    "Identity",
    "InterfaceError",
    "NotLeading",
    "Transaction",
    "engine_url",
    "file_of",
    "identity_of",
    "place_of",
    "why_away",
    "without_password",
]

Transaction = Session
"""SQLModel's `Session`, under the name of what it is here (a session is the clinic's own word)."""

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
"""How long a write waits for another process's (`invite-owner` beside a running bot)."""
POOL = 4
"""Connections for what needs no lead, and the threads that use them."""
GIVEN_UP_AFTER = 8
"""Seconds without a sign of the server's machine, while it is to hear something."""
LONGEST_STATEMENT_MS = 15_000
"""After so long a server that hangs is given up, and whoever waits is told."""
KEEPALIVE: dict[str, Any] = {"keepalives_idle": 3, "keepalives_interval": 1, "keepalives_count": 3}
"""Seconds: a server that is gone is noticed within six."""
DELETED_AT_ONCE = 1000
AWAY = (OperationalError, InterfaceError, NotLeading)
"""What is raised while the database cannot be used: down, locked, full, or no longer ours."""
_OF_ONE_STATEMENT = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What says that a statement is wrong, and nothing of whether others can be written."""
Identity = tuple[int, int]
"""A file's device and its number there: they stay the same whatever it is called."""
MOVED = "the file was moved or deleted"


class Database:
    """Runs plain functions over a transaction in a thread."""

    def __init__(self, url: str, *, leads: bool = False) -> None:
        """Connect lazily to `url` (`sqlite:///file.db`, `postgresql://...`).

        `leads`: this process is to be the only one that sends; on PostgreSQL nothing can be written
        with `run` before `take_lead`. The schema is `storage.migrate`'s.
        """
        file = file_of(url)
        self.is_sqlite = file is not None
        self._file = None if file is None else Path(file).absolute()
        self._opened: Identity | None = None
        self._not_written: str | None = None
        self._lead = Lead() if leads and not self.is_sqlite else None
        alone = self.is_sqlite or leads
        if self.is_sqlite:
            self._engine = _sqlite(url, begin="BEGIN IMMEDIATE", opened=self._note_file)
            self._pool = _sqlite(url, begin="BEGIN", opened=self._note_file)
        else:
            self._pool = _postgresql(url, connections=POOL)
            self._engine = _postgresql(url, connections=1) if self._lead else self._pool
        if self._lead:
            self._lead.guards(self._engine)
        self._writer = ThreadPoolExecutor(1 if alone else POOL, thread_name_prefix="storage-writer")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="storage-reader")

    async def run(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(tx, ...)` as one transaction: committed whole, or rolled back on a raise.

        Once begun it ends, even if the caller is cancelled meanwhile. Raises NotLeading if another
        process has the lead, or if the connection that held it was lost.
        """
        return await self._submit(
            self._writer, self._write, self._engine, lambda tx: function(tx, *args, **kwargs)
        )

    async def run_without_lead(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`run`, whoever leads: only for what a fence guards, such as the end of what we began.

        The fence is the caller's: a WHERE that says the row is still as we left it.
        """
        if self._lead is None:
            return await self.run(function, *args, **kwargs)
        return await self._submit(
            self._readers, self._write, self._pool, lambda tx: function(tx, *args, **kwargs)
        )

    async def read(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(tx, ...)`, which only reads, beside the writer."""
        return await self._submit(
            self._readers, _transact, self._pool, lambda tx: function(tx, *args, **kwargs)
        )

    def run_now(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`run` without an event loop, for scripts and tests."""
        return self._writer.submit(
            self._write, self._engine, lambda tx: function(tx, *args, **kwargs)
        ).result()

    @property
    def problem(self) -> str | None:
        """Why nothing can be written, in words, as far as is known without trying; else None.

        Remembered from the last write that failed until `try_to_write` succeeds: a transaction
        that happens to change nothing goes through on a full disk too.
        """
        if self._opened and self._file and identity_of(self._file) != self._opened:
            return MOVED
        return self._not_written

    async def try_to_write(self) -> None:
        """Write and commit what changes nothing, so that `problem` is of this moment."""
        with suppress(DatabaseError, InterfaceError):
            await self.run_without_lead(_write_the_same)
            self._not_written = None

    def _write(self, engine: Engine, function: Callable[[Transaction], T]) -> T:
        try:
            return _transact(engine, function)
        except (DatabaseError, InterfaceError) as error:
            if not isinstance(error, _OF_ONE_STATEMENT):
                self._not_written = why_away(error)
            raise

    def _note_file(self) -> None:
        """Which file it is, as it is first opened: later its path may be another's."""
        if self._opened is None and self._file:
            self._opened = identity_of(self._file)

    async def take_lead(self) -> bool:
        """Whether this process is the one that sends from now on; on SQLite it always is.

        A leader whose connection has been silent for too long is shut out on the way: its process
        hangs, or is gone without a word. Raises what is in AWAY while the database is.
        """
        if self._lead is None:
            return True
        await self._submit(self._readers, _transact, self._pool, end_a_silent_leader)
        with self._lead.wanted():
            try:
                await self.run(_nothing)
            except NotLeading:
                return False
        return True

    async def hold_lead(self) -> None:
        """Say that this process is alive. Raises NotLeading if it leads no longer."""
        await self.run(_nothing)

    async def give_up_lead(self) -> None:
        """Let another process take over at once."""
        if self._lead is not None:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._engine.dispose)

    async def _submit(
        self,
        pool: ThreadPoolExecutor,
        transact: Callable[[Engine, Callable[[Transaction], T]], T],
        engine: Engine,
        call: Callable[[Transaction], T],
    ) -> T:
        begun = asyncio.get_running_loop().run_in_executor(pool, transact, engine, call)
        return await asyncio.shield(begun)

    def close(self) -> None:
        """Wait for what has begun, then close. Nothing can be run afterwards."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._engine.dispose()
        self._pool.dispose()


def _transact(engine: Engine, function: Callable[[Transaction], T]) -> T:
    with Transaction(engine, expire_on_commit=False) as tx, tx.begin():
        return function(tx)


def _nothing(tx: Transaction) -> None:
    tx.execute(text("SELECT 1"))


def _write_the_same(tx: Transaction) -> None:
    # SQLite and PostgreSQL both write a row whose values stay: it needs room on the disk.
    tx.execute(text("UPDATE alembic_version SET version_num = version_num"))


def delete_some(tx: Transaction, table: type[SQLModel], ids: Select[Any]) -> int:
    """Delete the first thousand rows of `table` that the query `ids` finds; how many."""
    found = list(tx.execute(ids.limit(DELETED_AT_ONCE)).scalars())
    tx.execute(delete(table).where(col(table.id).in_(found)))  # type: ignore[attr-defined]
    return len(found)


def _sqlite(url: str, *, begin: str, opened: Callable[[], None]) -> Engine:
    """`opened` is called after each connection was made."""
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        hide_parameters=True,  # an error's text must not hold what a patient wrote
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # SQLAlchemy begins transactions itself (below): the driver's own BEGIN is deferred, and a
        # read followed by a write could then overwrite what another process has committed between.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        opened()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql(url: str, *, connections: int) -> Engine:
    # A pooled connection may be of before a restart of the server: it is tried before it is used.
    # The leader's is not: when it is gone, the lead is gone with it, and that must be known.
    return create_engine(
        engine_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=connections > 1,
        connect_args={
            "connect_timeout": 5,
            "application_name": "aftercare",
            "tcp_user_timeout": 1000 * GIVEN_UP_AFTER,  # milliseconds
            "options": f"-c statement_timeout={LONGEST_STATEMENT_MS}",
            **KEEPALIVE,
        },
        hide_parameters=True,
    )


# What the servers and drivers say, in small letters, and the same for whoever has to mend it.
_WHY = {
    "statement timeout": "it took too long to answer",
    "password authentication failed": "the user or the password is wrong",
    "no password supplied": "the password is missing",
    "does not exist": "there is no such database, user or table on the server",
    "connection refused": "nothing listens there",
    "name or service not known": "there is no such host",
    "failed to resolve": "there is no such host",
    "timeout": "nothing answers there",
    "unable to open": "the file cannot be opened",
    "not a database": "the file is not a database",
    "readonly": "the file must not be written to",
    "read-only": "it must not be written to",
    "locked": "another program holds it",
    "full": "the disk is full",
    "no space left": "the disk is full",
    "i/o error": "the disk refuses to be read or written",
    "malformed": "the file is damaged",
}


def why_away(error: DatabaseError | InterfaceError) -> str:
    """Why the database cannot be used, in words that hold nothing of an address."""
    said = str(error.orig).lower()
    found = next((words for sign, words in _WHY.items() if sign in said), None)
    return found or f"it cannot be used ({type(error).__name__})"


def engine_url(url: str) -> str:
    """`url` with the driver that is used: hosts hand out `postgres://` and `postgresql://`."""
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        return f"postgresql+psycopg{separator}{rest}"
    return url


def without_password(url: str) -> str:
    """The address as it may be shown."""
    shown = make_url(url).difference_update_query(["password", "sslpassword"])
    return shown.render_as_string(hide_password=True)


def place_of(url: str) -> str:
    """Where it is, as it may be shown: a SQLite file's whole path, or a server's address."""
    file = file_of(url)
    return without_password(url) if file is None else str(Path(file).resolve())


def file_of(url: str) -> str | None:
    """The SQLite file behind `url`; None for another database."""
    parsed = make_url(engine_url(url))
    return parsed.database if parsed.get_backend_name() == "sqlite" else None


def identity_of(file: Path) -> Identity | None:
    """Which file is at that path; None if there is none, or it cannot be looked at."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
