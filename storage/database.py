"""The database handle: whole functions, each one transaction, never open across an `await`.

On SQLite there is one writer thread (WAL, every commit on disk before it counts) and reports read
on connections of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

__all__ = ["Database", "DatabaseError", "Transaction", "file_of"]

Transaction = Session
"""SQLModel's `Session`, under the name of what it is here (a session is the clinic's own word)."""

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
"""How long a write waits for another process's (`invite-owner` beside a running bot)."""


class Database:
    """Runs plain functions over a transaction in a thread."""

    def __init__(self, url: str) -> None:
        """Connect lazily to `url` (`sqlite:///file.db`); the schema is `storage.migrate`'s."""
        self._engine = _engine(url, begin="BEGIN IMMEDIATE")
        self._reading = _engine(url, begin="BEGIN")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="storage-writer")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="storage-reader")

    async def run(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(tx, ...)` as one transaction: committed whole, or rolled back on a raise.

        Once begun it ends, even if the caller is cancelled meanwhile.
        """
        return await self._submit(
            self._writer, self._engine, lambda tx: function(tx, *args, **kwargs)
        )

    async def read(
        self,
        function: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(tx, ...)`, which only reads, beside the writer."""
        return await self._submit(
            self._readers, self._reading, lambda tx: function(tx, *args, **kwargs)
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
        self._reading.dispose()


def _transact(engine: Engine, function: Callable[[Transaction], T]) -> T:
    with Transaction(engine, expire_on_commit=False) as tx, tx.begin():
        return function(tx)


def _engine(url: str, *, begin: str) -> Engine:
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


def file_of(url: str) -> str | None:
    """The SQLite file behind `url`; None for another database."""
    parsed = make_url(url)
    return parsed.database if parsed.get_backend_name() == "sqlite" else None
