"""The database handle: whole functions, each one transaction, never open across an `await`.

SQLite: one writer thread (WAL, every commit on disk before it counts); reports read on connections
of their own. PostgreSQL: a small pool; a process that leads writes on one connection only, which
holds the lead (an advisory lock), so that what is no longer the leader can write nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, Select, create_engine, delete, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlmodel import Session, SQLModel, col

from storage.lead import Lead, NotLeading, end_a_silent_leader

__all__ = [
    "Database",
    "DatabaseError",
    "NotLeading",
    "Transaction",
    "engine_url",
    "file_of",
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


class Database:
    """Runs plain functions over a transaction in a thread."""

    def __init__(self, url: str, *, leads: bool = False) -> None:
        """Connect lazily to `url` (`sqlite:///file.db`, `postgresql://...`).

        `leads`: this process is to be the only one that sends; on PostgreSQL nothing can be written
        with `run` before `take_lead`. The schema is `storage.migrate`'s.
        """
        self.is_sqlite = file_of(url) is not None
        self._lead = Lead() if leads and not self.is_sqlite else None
        alone = self.is_sqlite or leads
        if self.is_sqlite:
            self._engine = _sqlite(url, begin="BEGIN IMMEDIATE")
            self._pool = _sqlite(url, begin="BEGIN")
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
            self._writer, self._engine, lambda tx: function(tx, *args, **kwargs)
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
            self._readers, self._pool, lambda tx: function(tx, *args, **kwargs)
        )

    async def read(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(tx, ...)`, which only reads, beside the writer."""
        return await self._submit(
            self._readers, self._pool, lambda tx: function(tx, *args, **kwargs)
        )

    def run_now(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`run` without an event loop, for scripts and tests."""
        return self._writer.submit(
            _transact, self._engine, lambda tx: function(tx, *args, **kwargs)
        ).result()

    async def take_lead(self) -> bool:
        """Whether this process is the one that sends from now on; on SQLite it always is.

        A leader whose connection has been silent for too long is shut out on the way: its process
        hangs, or is gone without a word. Raises what is in AWAY while the database is.
        """
        if self._lead is None:
            return True
        await self._submit(self._readers, self._pool, end_a_silent_leader)
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
        self, pool: ThreadPoolExecutor, engine: Engine, call: Callable[[Transaction], T]
    ) -> T:
        begun = asyncio.get_running_loop().run_in_executor(pool, _transact, engine, call)
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


def delete_some(tx: Transaction, table: type[SQLModel], ids: Select[Any]) -> int:
    """Delete the first thousand rows of `table` that the query `ids` finds; how many."""
    found = list(tx.execute(ids.limit(DELETED_AT_ONCE)).scalars())
    tx.execute(delete(table).where(col(table.id).in_(found)))  # type: ignore[attr-defined]
    return len(found)


def _sqlite(url: str, *, begin: str) -> Engine:
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
}


def why_away(error: DatabaseError) -> str:
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
    return make_url(url).render_as_string(hide_password=True)


def file_of(url: str) -> str | None:
    """The SQLite file behind `url`; None for another database."""
    parsed = make_url(engine_url(url))
    return parsed.database if parsed.get_backend_name() == "sqlite" else None
