"""Databases to measure on: filled once, copied for each round."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
from sqlalchemy import text
from sqlmodel import SQLModel

from storage.database import Database, Transaction
from storage.migrate import migrate
from tests.postgres import PostgresServer

Fill = Callable[[Transaction], None]


class SQLite:
    """Files in one folder."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._templates: dict[str, Path] = {}

    def filled(self, what: str, fill: Fill) -> str:
        """The address of a fresh database with `what` in it, which `fill` makes the first time."""
        if what not in self._templates:
            self._templates[what] = self._made(what, fill)
        copied = self._folder / f"copy{next(self._numbers)}.db"
        return f"sqlite:///{shutil.copy(self._templates[what], copied)}"

    def drop(self, url: str) -> None:
        """Give the room back."""
        for file in self._folder.glob(f"{Path(url).name}*"):
            file.unlink()

    def _made(self, what: str, fill: Fill) -> Path:
        file = self._folder / f"{what}.db"
        url = f"sqlite:///{file}"
        migrate(url)
        database = Database(url)
        try:
            database.run_now(fill)
        finally:
            database.close()  # the last connection to close writes the log back into the file
        return file


class PostgreSQL:
    """Databases of one server."""

    name = "PostgreSQL"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._templates: dict[str, str] = {}

    def filled(self, what: str, fill: Fill) -> str:
        """As SQLite's."""
        if what not in self._templates:
            self._templates[what] = self._made(fill)
        url = self._server.url(self._server.create_database(self._templates[what]))
        _command(url, "CHECKPOINT")  # what was copied is on disk before anything is measured
        return url

    def drop(self, url: str) -> None:
        """Give the room back."""
        self._server.drop_database(url.rpartition("/")[2])

    def version(self) -> str:
        with psycopg.connect(self._server.url()) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else "?"

    def _made(self, fill: Fill) -> str:
        name = self._server.create_migrated()
        url = self._server.url(name)
        database = Database(url)
        try:
            database.run_now(_quickly, fill)
            database.run_now(_count_on)
        finally:
            database.close()
        _command(url, "VACUUM (ANALYZE, FREEZE)")  # as time would have done
        return name


def _command(url: str, words: LiteralString) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(words)


def _quickly(tx: Transaction, fill: Fill) -> None:
    """A million rows take long, and what they refer to is there: it is not asked for each."""
    tx.execute(text("SET LOCAL statement_timeout = 0"))
    tx.execute(text("SET LOCAL session_replication_role = replica"))
    fill(tx)


def _count_on(tx: Transaction) -> None:
    """Numbers that were given by hand are not given again."""
    for table in SQLModel.metadata.tables:
        tx.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                f" (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
            )
        )
