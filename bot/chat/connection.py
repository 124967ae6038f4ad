"""PTB's bot over our transport, and the first word to Telegram."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import structlog
from telegram.error import BadRequest, InvalidToken, NetworkError, TelegramError
from telegram.ext import ExtBot

from bot.chat.limiter import Limiter
from bot.chat.request import AiohttpRequest, NotSent

log = structlog.get_logger(__name__)

WrongToken = InvalidToken
"""What every call raises if Telegram does not know the token."""
NotReached = NetworkError
"""What a call raises if Telegram could not be asked."""
NotTaken = BadRequest
"""What a call raises if Telegram does not take what it was given."""
AnyBot = ExtBot[Any]
RETRY_SECONDS = 5.0
LOOK_AT = "look at TELEGRAM_API_URL"
WHY_NOT_SENT = {
    "ClientConnectorDNSError": f"its name was not found (DNS); {LOOK_AT} and this machine's DNS",
    "ClientConnectorCertificateError": "its certificate is not trusted; look at this machine's "
    "certificates and clock, and for a proxy that reads along",
    "ClientConnectorSSLError": f"no TLS could be agreed on; {LOOK_AT} (https or http, the port)",
    "ClientConnectorError": "nobody takes a connection there (refused or no way to it); "
    f"{LOOK_AT} and the network",
    "ConnectionTimeoutError": "no connection in time; look at the network and its firewall",
    "TimeoutError": "no connection in time; look at the network, its firewall and its DNS",
    "UnicodeError": f"that is no name of a host; {LOOK_AT}",
}
"""By the kind of error that `NotSent` names, what whoever runs the bot can do about it."""
ITS_WORDS = re.compile(r"[A-Za-z]+( [A-Za-z]+)*( \(\d{3}\))?")
"""The beginning of an answer: the rest may repeat the address it was asked at, token and all."""
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
    """PTB says the same of a token that is not known (401) and of a method there is not (404).

    Around either of them `Bot.initialize` puts another, which only says that the token is wrong.
    """
    said = error.__cause__ if isinstance(error.__cause__, InvalidToken) else error
    return isinstance(said, InvalidToken) and said.message.lower().startswith("unauthorized")


def why_not(error: TelegramError) -> str:
    """Why Telegram was not reached, in words that hold no token and no address."""
    if isinstance(error, InvalidToken):
        return f"there is no Bot API for this token (404); {LOOK_AT}, then at TELEGRAM_TOKEN"
    if isinstance(error, NotSent):
        kind = error.message.partition("(")[2].rstrip(")")
        return WHY_NOT_SENT.get(kind, error.message)
    if error.message == "Invalid server response":
        return f"what answers is not Telegram; {LOOK_AT}"
    said = ITS_WORDS.match(error.message)
    return said[0] if said else type(error).__name__


def host_of(bot: AnyBot) -> str:
    """Where Telegram is looked for, without the secrets in its address."""
    return urlsplit(bot.base_url).netloc.rpartition("@")[2]


async def connect(bot: AnyBot, stop: asyncio.Event) -> None:
    """Say hello, for as long as it takes or until `stop`. Raises WrongToken.

    Before the first word a 404 says so too: Telegram gives it for what does not look like a token.
    """
    await _insist(bot, bot.initialize, stop, final=WrongToken)


async def fetch_from_now_on(bot: AnyBot, stop: asyncio.Event) -> None:
    """Have Telegram keep updates until they are fetched, as long as it takes or until `stop`."""
    await _insist(bot, lambda: _delete_webhook(bot), stop)


async def post_to(bot: AnyBot, url: str, secret: str, stop: asyncio.Event) -> None:
    """Have Telegram post updates to `url`, as long as it takes or until `stop`. Raises NotTaken.

    The one call there is: not even who the bot is gets asked.
    """
    await bot.request.initialize()
    await _insist(
        bot,
        lambda: bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED),
        stop,
        final=(NotTaken, WrongToken),
    )


async def _insist(
    bot: AnyBot,
    call: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    final: type[TelegramError] | tuple[type[TelegramError], ...] = (),
) -> None:
    """Raises WrongToken, and `final`: what no trying again will mend."""
    while not stop.is_set():
        try:
            await call()
            return
        except TelegramError as error:
            if isinstance(error, final) or is_wrong_token(error):
                raise
            log.warning("connect.not_reached", host=host_of(bot), problem=why_not(error))
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
