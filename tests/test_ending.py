"""A stop waits for what is on its way, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery.ending import let_end


async def test_what_ends_in_time_ends_by_itself() -> None:
    gate = asyncio.Event()
    task = asyncio.create_task(gate.wait())
    ending = asyncio.create_task(let_end([task]))
    gate.set()
    await ending
    assert task.result()


async def test_what_does_not_end_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.ending.STOP_WITHIN", 0.01)
    task = asyncio.create_task(asyncio.Event().wait())
    await let_end([task])
    assert task.cancelled()


async def test_nothing_on_its_way_is_nothing_to_wait_for() -> None:
    await let_end([])
