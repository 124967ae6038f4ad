"""Delivery of updates to a webhook: in order, one at a time, again until it is answered 2xx."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from bot.simulator.updates import Update
    from bot.simulator.world import World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  a header's name
LONGEST_WAIT = 60.0
_PATIENCE = aiohttp.ClientTimeout(total=60)


@dataclass
class Webhook:
    """Where updates are posted (nowhere while `url` is empty).

    `first_wait` is what the second retry waits, in seconds; the first is at once, and each later
    one waits twice as long, up to 60 times `first_wait`.
    """

    url: str = ""
    secret: str | None = None
    max_connections: int = 40
    first_wait: float = 1.0
    last_error: str | None = None
    last_error_at: datetime | None = None


async def deliver(world: World) -> None:
    """Post what is pending while a webhook is set; never ends by itself."""
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        failures = 0
        while True:
            pending = world.updates.pending() if world.webhook.url else []
            if not pending:
                await world.changes.wait()
            elif await _posted(world, session, pending[0]):
                world.updates.confirm(pending[0].id + 1)
                failures = 0
            else:
                await asyncio.sleep(_wait(world.webhook.first_wait, failures))
                failures += 1
            world.activity.tell()


def _wait(first: float, failures: int) -> float:
    return 0.0 if failures == 0 else float(min(first * 2 ** (failures - 1), first * LONGEST_WAIT))


async def _posted(world: World, session: aiohttp.ClientSession, update: Update) -> bool:
    webhook = world.webhook
    headers = {SECRET_HEADER: webhook.secret} if webhook.secret else {}
    told = update.as_json()
    world.hold(told, ("Update",), method="setWebhook", params={"url": webhook.url})
    try:
        async with session.post(webhook.url, json=told, headers=headers) as answer:
            if 200 <= answer.status < 300:
                return True
            webhook.last_error = f"Wrong response from the webhook: {answer.status} {answer.reason}"
    except (aiohttp.ClientError, TimeoutError) as error:
        webhook.last_error = f"Connection failed: {error}"
    webhook.last_error_at = world.clock.now()
    return False
