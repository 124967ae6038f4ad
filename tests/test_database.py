"""One function, one transaction, on a real SQLite file."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError
from sqlmodel import SQLModel, select

from storage import alerts, outgoing, people
from storage.database import (
    Database,
    Transaction,
    engine_url,
    file_of,
    place_of,
    without_password,
)
from storage.migrate import head, migrate, schema_of
from storage.models import Clinic, Patient, Reminder

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
    assert migrate(url)  # it was empty
    database = Database(url)
    database.run_now(add_clinic)
    database.close()
    assert not migrate(url)
    assert schema_of(url) == head()
    database = Database(url)
    assert database.run_now(names) == ["Rosewood"]
    database.close()


def test_the_file_behind_an_address() -> None:
    assert file_of("sqlite:///clinic.db") == "clinic.db"
    assert file_of("postgresql://localhost/clinic") is None


def test_where_a_database_is_may_be_shown(tmp_path: Path) -> None:
    """The tests are in a folder of their own: a relative path is of it."""
    assert place_of("sqlite:///clinic.db") == str(tmp_path / "clinic.db")
    for url in ("postgresql://ana:hush@host/clinic", "postgresql://host/clinic?password=hush"):
        assert "hush" not in place_of(url) + without_password(url)
        assert "host/clinic" in place_of(url)


def with_a_clinic_of_0001(url: str) -> None:
    """A database of the first schema with a clinic, a patient and what was being sent to her."""
    migrate(url, "0001")
    engine = create_engine(engine_url(url))
    moment = "'2026-11-23 14:00:00'"
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO clinic (id, name, phone, emergency_number, timezone, language, created_at)"
            f" VALUES (1, 'Rosewood', '1', '112', 'UTC', 'en', {moment})",
            "INSERT INTO staff (id, clinic_id, account, name, role, joined_at)"
            f" VALUES (1, 1, 9, 'Rosa', 'owner', {moment})",
            "INSERT INTO patient (id, clinic_id, account, name, plain_name, language, timezone,"
            " agreed_at, stopped, created_at)"
            f" VALUES (1, 1, 7, 'Ana', 'ana', 'en', 'UTC', {moment}, 'nothing', {moment})",
            "INSERT INTO treatment (id, clinic_id, patient_id, ended_at, ended_local, timezone,"
            " area, device, number, of, appointment, recommended_from_hours, recorded_by,"
            f" recorded_at) VALUES (1, 1, 1, {moment}, {moment}, 'UTC', 'face', 'needling', 1, 1,"
            f" 0, 0, 1, {moment})",
            "INSERT INTO reminder (id, clinic_id, patient_id, treatment_id, step, occasion, due_at,"
            " due_local, timezone, expires_at, state, lease_until, fence, attempts, doubted)"
            f" VALUES (1, 1, 1, 1, 'day2', '0', {moment}, {moment}, 'UTC', {moment}, 'sending',"
            f" {moment}, 1, 1, false)",
            "INSERT INTO outgoing (id, account, payload, state, doubted, created_at, expires_at)"
            f" VALUES (1, 7, '{{}}', 'scheduled', false, {moment}, {moment})",
        ):
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server = request.getfixturevalue("postgres_server")
    return str(server.url(server.create_database()))


@pytest.mark.parametrize("schema", ["0001", "0002", "0003"])
async def test_a_database_of_an_earlier_schema_is_brought_up_with_all_that_is_in_it(
    empty_url: str, schema: str
) -> None:
    with_a_clinic_of_0001(empty_url)
    migrate(empty_url, schema)
    migrate(empty_url)
    database = Database(empty_url)

    def kept(tx: Transaction) -> tuple[Reminder, str, int]:
        claimed = outgoing.claim(tx, 7)
        assert claimed
        assert claimed.alert_id is None
        assert people.team(tx, 1)[0].unreachable_at is None
        assert alerts.open_of(tx, 1, 7, since=NOW) is None
        return tx.get_one(Reminder, 1), tx.get_one(Patient, 1).name, claimed.fence

    row, name, fence = await database.run(kept)
    assert (name, fence) == ("Ana", 1)
    assert (row.state, row.tried_at, row.seen_at, row.fence) == ("sending", None, None, 1)
    database.close()


def test_a_migration_that_is_cut_short_leaves_nothing_half_done(empty_url: str) -> None:
    with_a_clinic_of_0001(empty_url)
    engine = create_engine(engine_url(empty_url))
    with engine.begin() as connection:  # its last step will find that its place is taken
        connection.execute(text("CREATE INDEX patient_unreachable ON patient (id)"))
    with pytest.raises(DBAPIError, match="already exists"):
        migrate(empty_url)
    assert schema_of(empty_url) == "0001"
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX patient_unreachable"))
    engine.dispose()
    migrate(empty_url)
    assert schema_of(empty_url) == head()


# What keeps it from being written.


@contextmanager
def no_room(beside: Path) -> Iterator[None]:
    """No file grows beyond what the newest commits of this database take now, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = beside.with_name(f"{beside.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_disk_without_room_is_remembered_until_there_is_room(
    database: Database, tmp_path: Path
) -> None:
    await database.run(add_clinic)
    assert database.problem is None
    full = "the disk refuses to be read or written"
    with no_room(tmp_path / "clinic.db"):
        with pytest.raises(OperationalError):
            await database.run(add_clinic)
        assert database.problem == full
        assert await database.run(names) == ["Rosewood"]  # changes nothing, so it goes through
        assert database.problem == full
        await database.try_to_write()
        assert database.problem == full
    await database.try_to_write()
    assert database.problem is None


async def test_a_disk_without_room_is_found_while_nobody_writes(
    database: Database, tmp_path: Path
) -> None:
    await database.run(add_clinic)
    with no_room(tmp_path / "clinic.db"):
        await database.try_to_write()
    assert database.problem is not None


async def test_who_holds_the_file_is_remembered_until_he_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT_MS", 20)
    url = f"sqlite:///{tmp_path / 'clinic.db'}"
    migrate(url)
    database = Database(url)
    await database.run(add_clinic)
    other = sqlite3.connect(tmp_path / "clinic.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError):
        await database.run(add_clinic)
    assert await database.read(names) == ["Rosewood"]
    assert database.problem == "another program holds it"
    other.close()
    await database.try_to_write()
    assert database.problem is None
    database.close()


async def test_a_wrong_statement_says_nothing_of_the_database(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await database.run(lambda tx: tx.execute(text("INSERT INTO clinic (id) VALUES (1)")))
    assert database.problem is None


async def test_a_file_that_is_taken_away_is_noticed(database: Database, tmp_path: Path) -> None:
    file, away = tmp_path / "clinic.db", tmp_path / "away.db"
    await database.run(add_clinic)
    file.rename(away)
    assert database.problem == "the file was moved or deleted"
    away.rename(file)
    assert database.problem is None
    file.unlink()
    file.touch()
    assert database.problem == "the file was moved or deleted"


async def test_a_database_that_can_be_written_to_is_tried_on_both_kinds(empty_url: str) -> None:
    migrate(empty_url)
    database = Database(empty_url)
    await database.try_to_write()
    assert database.problem is None
    database.close()
