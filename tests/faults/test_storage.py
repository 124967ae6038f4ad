"""The database gone, locked, or full, under load."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage.database import file_of
from tests.faults import WHOLE
from tests.faults.conftest import OpenScene
from tests.faults.scene import Scene, Store
from tests.postgres import Stop

LOCKED_SECONDS = 12.0 if WHOLE else 2.0
"""Longer than the ten seconds a write waits, so that writes fail as well."""
FULL_SECONDS = 6.0 if WHOLE else 1.0
ROOM = 150_000
"""Bytes a file may have: the write-ahead log is beyond it soon, the database is already."""


async def test_postgresql_restarted_again_and_again(on_postgres: Store, ward_of: OpenScene) -> None:
    """What was on its way is written down when the server is back: nothing is in doubt for it."""
    people = (
        {"silent": 400, "writing": 30, "invited": 10} if WHOLE else {"silent": 60, "writing": 9}
    )
    ends: list[Stop] = ["immediate", "fast"] * 5 if WHOLE else ["immediate"]
    server = on_postgres.server
    assert server
    async with ward_of(on_postgres, **people) as scene:
        await scene.receive()
        await scene.start()
        scene.ward.open_doors()
        for how in ends:
            await scene.loaded_for(scene.random.uniform(0.5, 1.5))
            await asyncio.to_thread(server.stop, how)
            await asyncio.sleep(scene.random.uniform(0.0, 2.0))
            await asyncio.to_thread(server.start)
            await scene.sends_again()
        counted = await scene.end()
        sys.stdout.write(counted.table(f"PostgreSQL restarted {len(ends)} times"))
        assert counted.wrong == []
        assert counted.lost == 0
        assert counted.duplicates <= counted.doubted


async def test_sqlite_locked_by_another(on_sqlite: Store, ward_of: OpenScene) -> None:
    people = {"silent": 200, "writing": 30, "invited": 5} if WHOLE else {"silent": 60, "writing": 9}
    async with ward_of(on_sqlite, **people) as scene:
        await scene.start()
        scene.ward.open_doors()
        await scene.loaded_for(0.5)
        with closing(sqlite3.connect(_file(scene), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(LOCKED_SECONDS)
            other.execute("ROLLBACK")
        await scene.loaded_for(0.5)
        counted = await scene.end()
        sys.stdout.write(counted.table(f"SQLite locked for {LOCKED_SECONDS:.0f} s"))
        assert counted.wrong == []
        assert (counted.lost, counted.duplicates, counted.doubted) == (0, 0, 0)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process: Linux")
async def test_a_full_disk_and_room_again(on_sqlite: Store, ward_of: OpenScene) -> None:
    """Nothing is sent that could not be claimed before, and all goes on by itself."""
    people = {"silent": 200, "writing": 30, "invited": 5} if WHOLE else {"silent": 60, "writing": 9}
    async with ward_of(on_sqlite, **people) as scene:
        await scene.start()
        scene.ward.open_doors()
        await scene.loaded_for(0.5)
        limits = resource.prlimit(scene.bot.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(scene.bot.pid, resource.RLIMIT_FSIZE, (ROOM, limits[1]))
        await asyncio.sleep(FULL_SECONDS / 2)
        before = len(scene.sent())
        await asyncio.sleep(FULL_SECONDS / 2)
        assert len(scene.sent()) == before
        resource.prlimit(scene.bot.pid, resource.RLIMIT_FSIZE, limits)
        counted = await scene.end()
        sys.stdout.write(counted.table("a full disk"))
        assert counted.wrong == []
        assert (counted.lost, counted.duplicates, counted.doubted) == (0, 0, 0)
        with closing(sqlite3.connect(_file(scene))) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _file(scene: Scene) -> Path:
    return Path(file_of(scene.settings.database_url) or "")
