"""One process leads, on a real PostgreSQL; on SQLite there is only one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.delivery import lead
from storage import lead as locks
from storage import people
from storage.database import Database, NotLeading, Transaction
from storage.migrate import migrate

PATIENCE = 10


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[tuple[Database, Database]]:
    one, other = Database(postgres_url, leads=True), Database(postgres_url, leads=True)
    yield one, other
    one.close()
    other.close()


def backend(tx: Transaction) -> int:
    return int(tx.execute(text("SELECT pg_backend_pid()")).scalar_one())


def end(tx: Transaction, pid: int) -> None:
    tx.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


async def test_one_leads_and_the_other_cannot_write(two: tuple[Database, Database]) -> None:
    one, other = two
    assert await one.take_lead()
    assert not await other.take_lead()
    await one.run(people.first_clinic)
    with pytest.raises(NotLeading):
        await other.run(people.first_clinic)
    assert await other.read(people.first_clinic) is None
    assert await other.run_without_lead(people.first_clinic) is None


async def test_nothing_is_written_before_the_lead_is_taken(two: tuple[Database, Database]) -> None:
    with pytest.raises(NotLeading):
        await two[0].run(people.first_clinic)


async def test_who_gives_up_the_lead_hands_it_over_at_once(two: tuple[Database, Database]) -> None:
    one, other = two
    assert await one.take_lead()
    await one.give_up_lead()
    assert await other.take_lead()
    with pytest.raises(NotLeading):
        await one.run(people.first_clinic)


async def test_a_lost_connection_ends_the_lead_even_if_nobody_took_it(
    two: tuple[Database, Database],
) -> None:
    """Somebody may have led in between: what this process remembers may be wrong."""
    one, other = two
    assert await one.take_lead()
    await other.read(end, await one.run(backend))
    with pytest.raises(OperationalError):
        await one.run(people.first_clinic)
    with pytest.raises(NotLeading):
        await one.run(people.first_clinic)
    assert await one.take_lead()
    await one.run(people.first_clinic)


async def test_a_leader_that_is_silent_for_too_long_is_shut_out(
    two: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    assert await one.take_lead()
    assert not await other.take_lead()  # it spoke a moment ago
    monkeypatch.setattr(locks, "SILENT_SECONDS", 0)
    assert await other.take_lead()
    with pytest.raises(OperationalError):
        await one.run(people.first_clinic)
    with pytest.raises(NotLeading):
        await one.hold_lead()


async def test_who_stands_by_takes_over_when_the_leader_goes(
    two: tuple[Database, Database],
) -> None:
    one, other = two
    stop = asyncio.Event()
    assert await lead.stand_by(one, stop)
    waiting = asyncio.create_task(lead.stand_by(other, stop))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    await one.give_up_lead()
    async with asyncio.timeout(PATIENCE):
        assert await waiting


async def test_standing_by_ends_at_a_stop(two: tuple[Database, Database]) -> None:
    one, other = two
    stop = asyncio.Event()
    assert await one.take_lead()
    waiting = asyncio.create_task(lead.stand_by(other, stop))
    stop.set()
    async with asyncio.timeout(PATIENCE):
        assert not await waiting


async def test_the_leader_finds_out_within_a_second_or_so_that_it_is_no_more(
    two: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead, "EACH", 0.02)
    one, other = two
    assert await one.take_lead()
    holding = asyncio.create_task(lead.hold(one))
    await other.read(end, await one.run(backend))
    assert await other.take_lead()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(NotLeading):
            await holding


async def test_on_sqlite_the_only_process_leads(tmp_path: Path) -> None:
    migrate(url := f"sqlite:///{tmp_path / 'x.db'}")
    database = Database(url, leads=True)
    assert await lead.stand_by(database, asyncio.Event())
    await database.hold_lead()
    await database.give_up_lead()
    await database.run(people.first_clinic)
    database.close()
