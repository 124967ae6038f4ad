"""PTB's door for pacing: answers wait there, reminders do not, and a 429 is remembered."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from telegram.error import RetryAfter

from bot.chat.limiter import Limiter, Receipt, Result, seconds
from bot.clock import MovableClock
from bot.delivery.pacing import Pacing
from bot.metrics import Metrics


class Door:
    """A limiter, and what has gone through it."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self.pacing = Pacing(25)
        self.limiter = Limiter(self.pacing, self.clock, Metrics())
        self.through = 0

    async def knock(
        self, endpoint: str = "sendMessage", chat: object = 7, receipt: Receipt | None = None
    ) -> Result:
        async def call() -> Result:
            self.through += 1
            return {"message_id": self.through, "text": "a long one"}

        data: dict[str, Any] = {"chat_id": chat}
        return await self.limiter.process_request(call, (), {}, endpoint, data, receipt)

    async def knocks(self, count: int, **how: Any) -> list[asyncio.Task[Result]]:
        """So many at once; those that may go have gone when this returns."""
        tasks = [asyncio.create_task(self.knock(**how)) for _ in range(count)]
        for _ in range(5):
            await asyncio.sleep(0)
        return tasks


async def test_answers_to_one_chat_wait_after_the_burst_and_reminders_make_room() -> None:
    door = Door()
    tasks = await door.knocks(5)
    assert door.through == 3
    assert door.pacing.reminders_now(door.clock.monotonic()) <= 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert door.pacing._answers_waiting == 0


@pytest.mark.parametrize(
    "how",
    [
        {"receipt": Receipt("reminder")},
        {"endpoint": "answerCallbackQuery"},
        {"endpoint": "getMe", "chat": None},
        {"endpoint": "sendMessage", "chat": "@channel"},
    ],
)
async def test_reminders_and_what_does_not_count_go_straight_through(how: dict[str, Any]) -> None:
    door = Door()
    await door.knocks(20, **how)
    assert door.through == 20


async def test_an_answer_that_waits_heeds_a_hold_that_comes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door = Door()
    monkeypatch.setattr("bot.chat.limiter.LONGEST_WAIT", 0.01)
    tasks = await door.knocks(4)
    door.pacing.refused(7, 30, door.clock.monotonic())
    door.clock.move(timedelta(seconds=5))
    await asyncio.sleep(0.05)
    assert door.through == 3
    door.clock.move(timedelta(seconds=30))
    await asyncio.gather(*tasks)
    assert door.through == 4


async def test_a_429_holds_the_chat_and_goes_back_to_whoever_sent() -> None:
    door = Door()

    async def refused() -> Result:
        raise RetryAfter(timedelta(seconds=30))

    with pytest.raises(RetryAfter):
        await door.limiter.process_request(refused, (), {}, "sendMessage", {"chat_id": 7}, None)
    assert door.pacing.chats_not_ready(door.clock.monotonic()) == {7}


async def test_a_receipt_comes_back_with_the_number_in_place_of_the_whole_message() -> None:
    door, receipt = Door(), Receipt("answer")
    assert await door.knock(receipt=receipt) is True
    assert receipt.message_id == 1
    assert await door.knock() == {"message_id": 2, "text": "a long one"}


def test_the_wait_telegram_asks_for_is_in_seconds() -> None:
    assert seconds(RetryAfter(timedelta(seconds=30))) == 30
    assert seconds(RetryAfter(12)) == 12
