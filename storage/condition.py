"""How the database is, found out without changing anything in it: for `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from storage.database import engine_url, file_of
from storage.migrate import head, known

Schema = Literal["none", "current", "behind", "unknown", "foreign"]
"""Of no tables yet; of this version; of an older one; of one this version does not know, which is
a newer; of tables that are not ours."""

SECONDS = 5
"""How long is waited for a server, or for a file that another process writes to."""


def schema(url: str) -> Schema:
    """Of the database at `url`; a file that is not there is not made. Raises DatabaseError."""
    file = file_of(url)
    if file is not None and not Path(file).is_file():
        return "none"
    engine = create_engine(engine_url(url), hide_parameters=True, connect_args=_patience(url))
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            tables = inspect(connection).get_table_names()
    finally:
        engine.dispose()
    if revision is None:
        return "foreign" if tables else "none"
    if revision == head():
        return "current"
    return "behind" if revision in known() else "unknown"


def try_to_write(url: str) -> None:
    """Begin to write into a database of ours, and leave it at that. Raises DatabaseError."""
    engine = create_engine(engine_url(url), hide_parameters=True, connect_args=_patience(url))
    try:
        with engine.connect() as connection:
            connection.execute(
                text("UPDATE alembic_version SET version_num = version_num WHERE 1 = 0")
            )
            connection.rollback()
    finally:
        engine.dispose()


def _patience(url: str) -> dict[str, int]:
    return {"connect_timeout" if file_of(url) is None else "timeout": SECONDS}
