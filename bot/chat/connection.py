"""PTB's bot over our transport, and the first word to Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.chat.limiter import Limiter
from bot.chat.request import AiohttpRequest

log = structlog.get_logger(__name__)

WrongToken = InvalidToken
"""What every call raises if Telegram does not know the token."""
NotReached = NetworkError
"""What a call raises if Telegram could not be asked."""
NotTaken = BadRequest
"""What a call raises if Telegram does not take what it was given."""
AnyBot = ExtBot[Any]
RETRY_SECONDS = 5.0
ALLOWED = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of updates that are wanted; Telegram remembers them."""


def telegram_bot(
    token: str, api_url: str, polling: AiohttpRequest, limiter: Limiter | None = None
) -> AnyBot:
    """The bot, not connected yet; `polling` is the connection getUpdates has for itself."""
    return ExtBot(
        token,
        base_url=f"{api_url}/bot",
        base_file_url=f"{api_url}/file/bot",
        request=AiohttpRequest(),
        get_updates_request=polling,
        rate_limiter=limiter,
    )


def is_wrong_token(error: TelegramError) -> bool:
    """PTB says the same of a token that is not known (401) and of a method there is not (404)."""
    return isinstance(error, InvalidToken) and "unauthorized" in error.message.lower()


async def connect(bot: AnyBot, stop: asyncio.Event) -> None:
    """Say hello, for as long as it takes or until `stop`. Raises WrongToken."""
    await _insist(bot.initialize, stop)


async def fetch_from_now_on(bot: AnyBot, stop: asyncio.Event) -> None:
    """Have Telegram keep updates until they are fetched, as long as it takes or until `stop`."""
    await _insist(lambda: _delete_webhook(bot), stop)


async def post_to(bot: AnyBot, url: str, secret: str, stop: asyncio.Event) -> None:
    """Have Telegram post updates to `url`, as long as it takes or until `stop`. Raises NotTaken.

    The one call there is: not even who the bot is gets asked.
    """
    await bot.request.initialize()
    await _insist(lambda: bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED), stop)


async def _insist(call: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await call()
            return
        except BadRequest:  # a NetworkError to PTB, though no trying again will mend it
            raise
        except (NetworkError, RetryAfter) as error:
            log.warning("connect.not_reached", problem=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_SECONDS)


async def _delete_webhook(bot: AnyBot) -> None:
    """Updates cannot be fetched while one is set."""
    try:
        # Waiting updates stay: they hold what patients wrote meanwhile.
        await bot.delete_webhook(drop_pending_updates=False)
    except InvalidToken as error:
        if is_wrong_token(error):
            raise
        log.warning("connect.no_webhooks_here")  # a server of the Bot API that has none


async def username(token: str, api_url: str) -> str:
    """The bot's name on Telegram. Raises WrongToken or NotReached."""
    async with telegram_bot(token, api_url, AiohttpRequest()) as bot:
        return bot.username
