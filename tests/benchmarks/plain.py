"""Sending with nothing durable about it: raw posts, and PTB's `Bot` over its transport or ours."""

from __future__ import annotations

from itertools import count

import aiohttp
from telegram import Bot
from telegram.constants import ParseMode
from telegram.request import HTTPXRequest

from bot.chat.connection import telegram_bot
from bot.chat.request import AiohttpRequest
from tests.benchmarks import filling
from tests.benchmarks.load import WARM_UP, Load, Sent
from tests.benchmarks.processes import Watch, all_of
from tests.benchmarks.sink import TOKEN

PATIENT_POOL = 600.0
"""Seconds a request may wait for a connection: none is lost to PTB's second."""


def ptb_bot(load: Load) -> Bot:
    """PTB as it comes, with as many connections as it can use."""
    return Bot(
        TOKEN,
        base_url=f"{load.url}/bot",
        request=HTTPXRequest(connection_pool_size=load.concurrency, pool_timeout=PATIENT_POOL),
        get_updates_request=HTTPXRequest(),
    )


async def raw(load: Load) -> Sent:
    """aiohttp alone: what the machine and HTTP allow."""
    texts, numbers = filling.texts(), count()
    connector = aiohttp.TCPConnector(limit=load.concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(_: int) -> None:
            n = next(numbers)
            form = {"chat_id": str(n), "text": texts[n % len(texts)], "parse_mode": "HTML"}
            async with session.post(f"{load.api}/sendMessage", data=form) as reply:
                await reply.read()

        return await _measured(load, one)


async def ptb(load: Load) -> Sent:
    """`Bot.send_message` over PTB's own transport."""
    async with ptb_bot(load) as bot:
        return await _measured_bot(load, bot)


async def ours(load: Load) -> Sent:
    """`Bot.send_message` over our transport."""
    async with telegram_bot(TOKEN, load.url, AiohttpRequest()) as bot:
        return await _measured_bot(load, bot)


async def _measured_bot(load: Load, bot: Bot) -> Sent:
    texts, numbers = filling.texts(), count(1)

    async def one(_: int) -> None:
        n = next(numbers)
        await bot.send_message(n, texts[n % len(texts)], parse_mode=ParseMode.HTML)

    return await _measured(load, one)


async def _measured(load: Load, one: object) -> Sent:
    await all_of(min(WARM_UP, load.count), load.concurrency, one)
    watch = Watch()
    await all_of(load.count, load.concurrency, one)
    return Sent(messages=load.count, seconds=watch.seconds(), cpu=watch.cpu())
