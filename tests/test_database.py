"""One function, one transaction, on a real SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel, select

from storage.database import Database, Transaction, file_of
from storage.migrate import head, migrate, schema_of
from storage.models import Clinic, Reminder

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'clinic.db'}"
    migrate(url)
    database = Database(url)
    yield database
    database.close()


def add_clinic(tx: Transaction, name: str = "Rosewood") -> int:
    clinic = Clinic(
        name=name, phone="1", emergency_number="112", timezone="Europe/London", created_at=NOW
    )
    tx.add(clinic)
    tx.flush()
    return clinic.id


def names(tx: Transaction) -> list[str]:
    return list(tx.exec(select(Clinic.name)).all())


async def test_what_a_function_does_is_committed_whole(database: Database) -> None:
    await database.run(add_clinic, "One")
    assert await database.read(names) == ["One"]


async def test_a_function_that_raises_leaves_nothing_behind(database: Database) -> None:
    def half(tx: Transaction) -> None:
        add_clinic(tx)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        await database.run(half)
    assert await database.read(names) == []


async def test_once_begun_it_ends_even_if_the_caller_is_cancelled(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        add_clinic(tx)
        begun.set()
        go_on.wait(5)

    task = asyncio.create_task(database.run(slow))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert await database.run(names) == ["Rosewood"]


async def test_another_process_cannot_write_between_a_read_and_a_write(
    database: Database, tmp_path: Path
) -> None:
    """A deferred transaction would let the other one in; ours takes the lock when it begins."""
    await database.run(add_clinic)
    other = sqlite3.connect(tmp_path / "clinic.db", timeout=0)

    def read_then_write(tx: Transaction) -> str:
        clinic = tx.exec(select(Clinic)).one()
        try:
            other.execute("UPDATE clinic SET name = 'theirs'")
        except sqlite3.OperationalError as error:
            clinic.name = "ours"
            return str(error)
        return "the other one wrote"

    # The writer is a thread of its own; so is this connection's one use.
    other.close()
    other = sqlite3.connect(tmp_path / "clinic.db", timeout=0, check_same_thread=False)
    try:
        assert "locked" in await database.run(read_then_write)
    finally:
        other.close()
    assert await database.read(names) == ["ours"]


async def test_every_commit_is_on_disk_before_it_counts(database: Database) -> None:
    def pragmas(tx: Transaction) -> list[object]:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [tx.connection().execute(text(f"PRAGMA {one}")).scalar() for one in asked]

    assert await database.run(pragmas) == ["wal", 2, 1, 10_000]


async def test_a_row_cannot_belong_to_what_is_not_there(database: Database) -> None:
    def orphan(tx: Transaction) -> None:
        tx.add(
            Reminder(
                clinic_id=9,
                patient_id=9,
                treatment_id=9,
                step="day2",
                occasion="0",
                due_at=NOW,
                due_local=NOW.replace(tzinfo=None),
                timezone="UTC",
                expires_at=NOW,
            )
        )

    with pytest.raises(IntegrityError):
        await database.run(orphan)


async def test_moments_come_back_as_they_went_in_utc(database: Database) -> None:
    there = datetime(2026, 11, 23, 14, 0, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    def keep(tx: Transaction) -> None:
        clinic = tx.get_one(Clinic, add_clinic(tx))
        clinic.created_at = there

    def kept(tx: Transaction) -> datetime:
        return tx.exec(select(Clinic.created_at)).one()

    await database.run(keep)
    found = await database.read(kept)
    assert found == there
    assert found.tzinfo is UTC


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    def naive(tx: Transaction) -> None:
        tx.get_one(Clinic, add_clinic(tx)).created_at = NOW.replace(tzinfo=None)

    with pytest.raises(StatementError, match="without a zone"):
        await database.run(naive)


def test_the_command_line_runs_without_an_event_loop(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    database = Database(url)
    assert database.run_now(add_clinic) == 1
    database.close()


def test_migrating_makes_exactly_the_tables_of_the_models(tmp_path: Path) -> None:

    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing_and_keeps_the_data(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    assert schema_of(url) is None
    migrate(url)
    database = Database(url)
    database.run_now(add_clinic)
    database.close()
    migrate(url)
    assert schema_of(url) == head()
    database = Database(url)
    assert database.run_now(names) == ["Rosewood"]
    database.close()


def test_the_file_behind_an_address() -> None:
    assert file_of("sqlite:///clinic.db") == "clinic.db"
    assert file_of("postgresql://localhost/clinic") is None
