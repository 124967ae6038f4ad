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


def config() -> Config:
    """Alembic's settings: the migrations are in the package, no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade the database at `url` to `revision`, making it if there is none."""
    engine = _engine(url)
    settings = config()
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            settings.attributes["connection"] = connection
            command.upgrade(settings, revision)
            connection.commit()
    finally:
        engine.dispose()


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
    """The revision the database is at; None for an empty one."""
    engine = create_engine(engine_url(url), hide_parameters=True)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str | None:
    """The newest revision this version knows."""
    return ScriptDirectory.from_config(config()).get_current_head()
