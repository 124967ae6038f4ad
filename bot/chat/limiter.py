"""What every call passes in PTB: answers wait for their place here; reminders had theirs already.

And on the way back a message's number is taken from the reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.clock import Clock
from bot.delivery.outcome import Kind
from bot.delivery.pacing import Pacing
from bot.metrics import Metrics

PACED = ("send", "edit", "copy", "forward")
"""What counts for Telegram's limits; `answerCallbackQuery`, `getMe` and the like do not."""

LONGEST_HOLD = 3600.0
LONGEST_WAIT = 1.0
"""Seconds; then it is asked again, since the clock may have been moved."""

Result = bool | dict[str, Any] | list[dict[str, Any]]


@dataclass
class Receipt:
    """Goes with a message as its `rate_limit_args`, and comes back with its number.

    Telegram's reply repeats the whole message. PTB would make objects of it, which costs a third of
    all that sending does, and nobody reads more than the number: so PTB is told `True` instead, as
    by the methods that return no message.
    """

    kind: Kind
    message_id: int | None = None
    """Set once Telegram has taken the message."""


class Limiter(BaseRateLimiter[Receipt]):
    """Thin: what it knows of pace is in `Pacing`. It retries nothing; a 429 goes back."""

    def __init__(self, pacing: Pacing, clock: Clock, metrics: Metrics) -> None:
        self._pacing = pacing
        self._clock = clock
        self._metrics = metrics

    async def initialize(self) -> None:
        """Nothing to do."""

    async def shutdown(self) -> None:
        """Nothing to do."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Result]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Receipt | None,
    ) -> Result:
        """Raises KeyError, TypeError or ValueError if the reply has no number for the receipt.

        Then something was sent, and nobody knows what.
        """
        receipt = rate_limit_args
        chat = data.get("chat_id")
        has_place = receipt is not None and receipt.kind == "reminder"
        if not has_place and isinstance(chat, int) and endpoint.startswith(PACED):
            await self._place(chat)
        try:
            result = await callback(*args, **kwargs)
        except RetryAfter as error:
            self._metrics.too_many_requests()
            if isinstance(chat, int):
                self._pacing.refused(chat, seconds(error), self._clock.monotonic())
            raise
        if receipt is None:
            return result
        receipt.message_id = int(result["message_id"])  # type: ignore[call-overload, index]
        return True

    async def _place(self, chat: int) -> None:
        """Wait until an answer to `chat` may go, and take its place."""
        self._pacing.answer_waits()
        try:
            while True:
                now = self._clock.monotonic()
                wait = self._pacing.answer_ready_at(chat, now) - now
                if wait <= 0:
                    self._pacing.answer_goes(chat, now)
                    return
                await asyncio.sleep(min(wait, LONGEST_WAIT))
        finally:
            self._pacing.answer_waits_no_more()


def seconds(error: RetryAfter) -> float:
    """How long Telegram asks to wait; more than an hour is not believed, but asked again."""
    after = error.retry_after
    wanted = after.total_seconds() if isinstance(after, timedelta) else float(after)
    return min(wanted, LONGEST_HOLD)
