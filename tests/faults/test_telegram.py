"""What Telegram and the wires do to a bot that is busy."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.simulator.faults import Fault
from bot.simulator.journal import Call
from tests.faults import WHOLE
from tests.faults.conftest import OpenScene
from tests.faults.scene import RATE, Scene, Store
from tests.faults.ward import MINUTE, SILENT

ROUNDS, TIMES = (8, 3) if WHOLE else (1, 3)
"""In each round so many faults of each kind, one after the other: what is met by nothing but faults
sends one message on trial now and then, and that takes its time."""
LONDON = ZoneInfo("Europe/London")


async def test_every_fault_telegram_knows(on_sqlite: Store, ward_of: OpenScene) -> None:
    """In doubt is what may have arrived, and nothing else; who blocked is not written to again."""
    # Who waits for an answer waits 15 seconds for its repeat: people write in the whole form only.
    people = {"silent": 500, "writing": 30, "invited": 5} if WHOLE else {"silent": 60}
    async with ward_of(on_sqlite, **people) as scene:
        faults = scene.simulator.faults
        blocked = faults.add("forbidden", chat_id=SILENT)
        await scene.start()
        scene.ward.open_doors()
        for _ in range(ROUNDS):
            met = [
                blocked,
                *(
                    faults.add(kind, times=TIMES)
                    for kind in ("hang_after", "drop_after", "drop_before", "server_error")
                ),
                faults.add("too_many_requests", times=TIMES, retry_after=1),
                faults.add("slow", times=TIMES, seconds=1.5),
            ]
            await scene.loaded_until(partial(_all_met, met))
        away = faults.add("down")
        await asyncio.sleep(1)
        away.lift()
        counted = await scene.end()
        sys.stdout.write(counted.table("every fault Telegram knows"))
        assert counted.wrong == []
        assert counted.lost == 0
        assert counted.duplicates <= 2 * ROUNDS * TIMES  # of those that were taken and not answered
        assert counted.doubted + counted.answers_doubted <= 4 * ROUNDS * TIMES + away.hits
        if not WHOLE:
            assert counted.doubted >= 4 * TIMES - 1  # the repeat of one may have met another
        assert counted.states["unreachable"] == 1
        assert not any(call.accepted for call in scene.simulator.calls("sendMessage", SILENT))


def _all_met(faults: Sequence[Fault]) -> bool:
    return not any(fault.left for fault in faults)


async def test_an_hour_without_telegram(on_sqlite: Store, ward_of: OpenScene) -> None:
    """What is too late by then is left out; the rest comes at the usual pace, not in a burst."""
    async with ward_of(on_sqlite, silent=200 if WHOLE else 60, writing=0, invited=0) as scene:
        scene.ward.move(timedelta(minutes=30))
        await scene.start()
        await scene.simulator.until(lambda: len(scene.sent()) > 5)
        await scene.simulator.stop()
        for _ in range(13):
            scene.ward.move(5 * MINUTE)
            await asyncio.sleep(0.2)
        before = len(scene.sent())
        await scene.simulator.start(port=scene.port)
        counted = await scene.end()
        sys.stdout.write(counted.table("an hour without Telegram"))
        assert counted.wrong == []
        assert counted.lost == 0
        assert counted.skipped["expired"] > 0
        after = scene.sent()[before:]
        assert after
        assert _most_in_a_second(after) <= 1.2 * RATE * 1.1 + 1
        assert _most_a_day(scene) <= 4


def _most_in_a_second(calls: list[Call]) -> int:
    times = [call.monotonic for call in calls]
    return max(sum(start <= time < start + 1 for time in times) for start in times)


def _most_a_day(scene: Scene) -> int:
    days = Counter((call.chat_id, call.at.astimezone(LONDON).date()) for call in scene.sent())
    return max(days.values())


async def test_clocks_that_jump_an_hour_forth_and_back(
    on_sqlite: Store, ward_of: OpenScene
) -> None:
    people = {"silent": 300, "writing": 30, "invited": 5} if WHOLE else {"silent": 60, "writing": 9}
    async with ward_of(on_sqlite, **people) as scene:
        await scene.start()
        scene.ward.open_doors()
        for hours in (1, -1) * (20 if WHOLE else 3):
            await scene.loaded_for(0.5)
            await scene.ward.rest()  # an answer that waits for an hour is too late
            if hours < 0:  # else what is claimed now would arrive before it is due
                await scene.ward.drain()
            await scene.jump(timedelta(hours=hours))
            scene.ward.go_on()
        counted = await scene.end()
        sys.stdout.write(counted.table("a clock that jumps"))
        assert counted.wrong == []
        assert (counted.lost, counted.duplicates, counted.doubted) == (0, 0, 0)
