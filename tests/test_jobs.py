"""The heartbeat and the housekeeping, by APScheduler on the product's clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.clock import MovableClock
from bot.delivery.jobs import Jobs
from storage import drafts, inbox, invitations, outgoing, questions
from storage.database import Database, Transaction
from storage.migrate import migrate
from storage.models import Clinic, Staff

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


async def test_the_heartbeat_wakes_the_dispatcher(tmp_path: Path) -> None:
    migrate(url := f"sqlite:///{tmp_path / 'x.db'}")
    database, woken = Database(url), asyncio.Event()
    jobs = Jobs(database=database, clock=MovableClock(NOW), wake=woken.set)
    jobs.start()
    async with asyncio.timeout(5):
        await woken.wait()
    jobs.stop()
    database.close()


async def test_a_moved_clock_moves_the_clean_up(tmp_path: Path) -> None:
    migrate(url := f"sqlite:///{tmp_path / 'x.db'}")
    database, clock = Database(url), MovableClock(NOW)
    jobs = Jobs(database=database, clock=clock, wake=lambda: None)

    def handled(tx: Transaction) -> None:
        inbox.store(tx, [(1, 7, "{}"), (2, 7, "{}")], NOW)
        inbox.done(tx, 1, NOW)
        outgoing.add(tx, [(7, "{}")], update_id=1, now=NOW)
        claimed = outgoing.claim(tx, 7)
        assert claimed
        outgoing.finish(tx, claimed, "sent")
        questions.ask(tx, 7, "fever", NOW)

    def left(tx: Transaction) -> int:
        forgotten = outgoing.forget_old(tx, clock.now()) + questions.forget_old(tx, clock.now())
        return len(inbox.waiting(tx, 10)) + forgotten

    await database.run(handled)
    await jobs.clean_up()
    clock.move(timedelta(days=14, minutes=1))
    await jobs.clean_up()
    assert await database.run(left) == 1  # the update that is not handled yet is kept
    database.close()


async def test_forms_and_wrong_tries_are_forgotten_when_they_no_longer_count(
    tmp_path: Path,
) -> None:
    migrate(url := f"sqlite:///{tmp_path / 'x.db'}")
    database = Database(url)

    def kept(tx: Transaction) -> None:
        tx.add(Clinic(name="R", phone="1", emergency_number="112", timezone="UTC", created_at=NOW))
        tx.flush()
        tx.add(Staff(clinic_id=1, account=1, name="Rosa", role="owner", joined_at=NOW))
        tx.flush()
        drafts.new(tx, clinic_id=1, staff_id=1, kind="newsession", data="{}", now=NOW)
        invitations.wrong_try(tx, 7, NOW)

    await database.run(kept)
    soon, later = NOW + timedelta(minutes=59), NOW + timedelta(hours=24, minutes=1)
    for forget in (drafts.forget_old, invitations.forget_tries):
        assert await database.run(forget, soon) == 0
        assert await database.run(forget, later) == 1
    database.close()
