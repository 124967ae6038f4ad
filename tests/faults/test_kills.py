"""SIGKILL at random moments under load: nothing lost, and twice only what was on its way."""

from __future__ import annotations

import asyncio
import sys

from tests.faults import WHOLE
from tests.faults.conftest import OpenScene
from tests.faults.scene import Scene, Store

KILLS = 200 if WHOLE else 6


async def test_killed_again_and_again(store: Store, ward_of: OpenScene) -> None:
    people = (
        {"silent": 500, "writing": 40, "invited": 60}
        if WHOLE
        else {"silent": 80, "writing": 25, "invited": 4}
    )
    async with ward_of(store, **people) as scene:
        scene.ward.open_doors()
        await scene.receive()
        for _ in range(KILLS):
            await _lived_for_a_while(scene)
            await scene.kill()
            if scene.web and scene.random.random() < 0.3:
                await scene.web.kill()
                await scene.receive()
        await scene.start()
        counted = await scene.end()
        sys.stdout.write(counted.table(f"kill -9 on {store.kind}"))
        assert counted.wrong == []
        assert counted.lost == 0
        in_flight = {number for kill in scene.kills for number in kill.reminders}
        assert counted.doubted == len(in_flight)
        assert counted.duplicates <= len(in_flight)
        assert counted.skipped.keys() <= {"expired"}
        if WHOLE:
            assert sum(kill.in_flight > 0 for kill in scene.kills) * 2 >= KILLS
            assert sum(kill.updates > 0 for kill in scene.kills) * 4 >= KILLS


async def _lived_for_a_while(scene: Scene) -> None:
    """One in ten is cut while it still starts; in the whole form many just after people wrote."""
    if scene.random.random() < 0.1:
        await scene.begin()
        await asyncio.sleep(scene.random.uniform(0.5, 2.0))
        return
    await scene.start()
    await scene.ward.keep_loaded()
    await asyncio.sleep(scene.random.uniform(0.05, 0.8))
    if WHOLE and scene.random.random() < 0.4:
        scene.ward.some_write(8)
        await asyncio.sleep(scene.random.uniform(0.005, 0.04))
