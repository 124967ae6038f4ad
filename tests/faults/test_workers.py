"""Two workers on one database: one speaks, the other stands by, whatever befalls the first."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.faults import WHOLE
from tests.faults.conftest import OpenScene
from tests.faults.scene import Scene, Store
from tests.process import BotProcess

TAKEN_OVER_WITHIN = 10.0
"""Seconds (interface.md)."""
FROZEN_SECONDS = 60.0 if WHOLE else 8.0


@pytest.mark.skipif(not WHOLE, reason="the other two do it for a moment as well")
async def test_two_workers_send_each_message_once(on_postgres: Store, ward_of: OpenScene) -> None:
    async with ward_of(on_postgres, silent=300, writing=30, invited=10) as scene:
        await _two(scene)
        scene.ward.open_doors()
        await scene.loaded_for(60)
        counted = await scene.end()
        sys.stdout.write(counted.table("two workers"))
        assert counted.wrong == []
        assert (counted.lost, counted.duplicates, counted.doubted) == (0, 0, 0)


async def test_one_is_killed_and_the_other_takes_over(
    on_postgres: Store, ward_of: OpenScene
) -> None:
    people = {"silent": 300, "writing": 30, "invited": 10} if WHOLE else {"silent": 60}
    async with ward_of(on_postgres, **people) as scene:
        other = await _two(scene)
        scene.ward.open_doors()
        for _ in range(10 if WHOLE else 1):
            await scene.loaded_for(scene.random.uniform(0.3, 1.0))
            await scene.kill()
            async with asyncio.timeout(TAKEN_OVER_WITHIN):
                await scene.sends_again()
            scene.bot, other = other, scene.bot
            await other.start()
        counted = await scene.end()
        sys.stdout.write(counted.table("two workers, one killed"))
        assert counted.wrong == []
        assert counted.lost == 0
        assert counted.duplicates <= counted.doubted


async def test_one_is_frozen_and_wakes_up_again(on_postgres: Store, ward_of: OpenScene) -> None:
    """What it had on its way is in doubt; it sends nothing that the other has taken over."""
    people = {"silent": 300, "writing": 30, "invited": 10} if WHOLE else {"silent": 100}
    async with ward_of(on_postgres, **people) as scene:
        await _two(scene)
        scene.ward.open_doors()
        await scene.loaded_for(scene.random.uniform(0.3, 1.0))
        scene.bot.freeze()
        woken = asyncio.get_running_loop().call_later(FROZEN_SECONDS, scene.bot.wake)
        async with asyncio.timeout(TAKEN_OVER_WITHIN):
            await scene.sends_again()
        await scene.loaded_until(lambda: woken.when() < asyncio.get_running_loop().time())
        await scene.loaded_for(1)
        counted = await scene.end()
        sys.stdout.write(counted.table(f"one of two workers frozen for {FROZEN_SECONDS:.0f} s"))
        assert counted.wrong == []
        assert counted.lost == 0
        assert counted.duplicates <= counted.doubted <= 10


async def _two(scene: Scene) -> BotProcess:
    """Start `web` and two workers; the one that stands by."""
    await scene.receive()
    await scene.start()
    other = scene.process("worker")
    await other.start()
    return other
