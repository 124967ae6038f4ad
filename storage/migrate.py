"""Bring a database to the current schema, and tell which it is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text

from storage.database import engine_url

LOCK = 0x41464D47
"""Two processes that migrate one PostgreSQL database do so one after the other."""


class NewerSchema(Exception):
    """The database is of a revision that this version does not know: a later one made it."""


def config() -> Config:
    """Alembic's settings: the migrations are in the package, no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings


def migrate(url: str, revision: str = "head") -> bool:
    """Upgrade the database at `url` to `revision`, making it if there is none; if it was empty.

    Raises NewerSchema where that would be a step back.
    """
    engine = _engine(url)
    settings = config()
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            was_empty = _refuse_newer(connection) is None
            settings.attributes["connection"] = connection
            command.upgrade(settings, revision)
            connection.commit()
            return was_empty
    finally:
        engine.dispose()


def _refuse_newer(connection: Connection) -> str | None:
    """The revision it is at. Raises NewerSchema."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known():
        raise NewerSchema(current)
    return current


def _engine(url: str) -> Engine:
    """One whose transactions hold changes of the schema too, or a kill leaves half of one behind.

    SQLite can do that, but its driver ends the transaction before each such change unless it is
    told to leave transactions alone.
    """
    engine = create_engine(engine_url(url), hide_parameters=True)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def leave_alone(connection: Any, _record: Any) -> None:
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def schema_of(url: str) -> str | None:
    """The revision the database is at; None for an empty one. Raises NewerSchema."""
    engine = create_engine(engine_url(url), hide_parameters=True)
    try:
        with engine.connect() as connection:
            return _refuse_newer(connection)
    finally:
        engine.dispose()


def head() -> str | None:
    """The newest revision this version knows."""
    return ScriptDirectory.from_config(config()).get_current_head()


def known() -> frozenset[str]:
    """Every revision this version knows."""
    script = ScriptDirectory.from_config(config())
    return frozenset(it.revision for it in script.walk_revisions())
