"""The first word to Telegram: said until heard; whoever runs the bot is told why it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from telegram.error import Forbidden, InvalidToken, NetworkError, TelegramError

from bot.chat.connection import WHY_NOT_SENT, AnyBot, connect, post_to, telegram_bot, why_not
from bot.chat.request import AiohttpRequest, NotSent
from bot.simulator import Simulator
from tests.postgres import free_port

WAIT = 10


@asynccontextmanager
async def answering(
    status: int, port: int, body: str = '{"ok": false, "description": "Not Found"}'
) -> AsyncIterator[list[str]]:
    """Something else in Telegram's place, that answers everything so; the methods it was asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path.rsplit("/", 1)[1])
        return web.Response(status=status, text=body.replace("PATH", request.path))

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield asked
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def _without_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chat.connection.RETRY_SECONDS", 0.01)


@pytest.fixture
async def port() -> int:
    """Where nobody listens yet."""
    return free_port()


def bot_at(address: str, token: str = "42:SECRET") -> AnyBot:
    return telegram_bot(token, address, AiohttpRequest())


async def first_problem(address: str) -> dict[str, Any]:
    """What is logged of the first try to connect."""
    bot, stop = bot_at(address), asyncio.Event()
    with capture_logs() as logged:
        trying = asyncio.create_task(connect(bot, stop))
        async with asyncio.timeout(WAIT):
            while not logged and not trying.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        stop.set()
        await trying
    await bot.shutdown()
    assert "SECRET" not in str(logged)
    return dict(logged[0])


async def test_a_404_to_the_first_word_is_a_wrong_token(port: int) -> None:
    bot = bot_at(f"http://127.0.0.1:{port}")
    async with answering(404, port) as asked:
        with pytest.raises(InvalidToken):
            await asyncio.wait_for(connect(bot, asyncio.Event()), WAIT)
    await bot.shutdown()
    assert asked == ["getMe"]


async def test_a_wrong_token_is_asked_about_once(simulator: Simulator) -> None:
    bot = bot_at(simulator.url, "42:WRONG")
    with pytest.raises(InvalidToken):
        await connect(bot, asyncio.Event())
    await bot.shutdown()
    assert [call.method for call in simulator.journal] == ["getMe"]
    simulator.wrong_calls.clear()


async def test_an_address_telegram_does_not_take_is_not_insisted_on(simulator: Simulator) -> None:
    bot = bot_at(simulator.url, simulator.token)
    with pytest.raises(TelegramError):
        await post_to(bot, "nowhere", "a_secret", asyncio.Event())
    await bot.request.shutdown()
    assert [call.method for call in simulator.journal] == ["setWebhook"]
    simulator.wrong_calls.clear()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://no-such-host.invalid", "DNS"),
        ("http://127.0.0.1:{port}", "refused"),
        ("http://exa..mple", "no name of a host"),
    ],
)
async def test_what_keeps_telegram_from_being_reached_is_said(
    port: int, address: str, why: str
) -> None:
    said = await first_problem(address.format(port=port))
    assert why in said["problem"]
    assert said["host"] == address.format(port=port).removeprefix("http://")


@pytest.mark.parametrize(
    ("scheme", "status", "body", "why"),
    [
        ("https", 200, "", "no TLS"),
        ("http", 200, "<html>Log in at PATH</html>", "not Telegram"),
        ("http", 400, "The plain HTTP request PATH was sent to HTTPS port", "Bad Request (400)"),
        ("http", 403, "PATH is not for you", "Forbidden (403)"),
        ("http", 502, "PATH: no answer", "Bad Gateway (502)"),
        ("http", 500, '{"description": "Internal Server Error: PATH"}', "Internal Server Error"),
        ("http", 500, '{"description": "PATH"}', "NetworkError"),
    ],
)
async def test_what_something_else_answers_is_said_without_the_token(
    port: int, scheme: str, status: int, body: str, why: str
) -> None:
    async with answering(status, port, body):
        said = await first_problem(f"{scheme}://me:SECRET@127.0.0.1:{port}")
    assert why in said["problem"]
    assert said["host"] == f"127.0.0.1:{port}"


def test_each_kind_of_not_sent_has_its_words() -> None:
    for kind, words in WHY_NOT_SENT.items():
        assert why_not(NotSent(f"not sent ({kind})")) == words
    assert why_not(NotSent("not sent (Unheard)")) == "not sent (Unheard)"
    assert why_not(NetworkError("the connection was lost (X)")) == "the connection was lost"
    assert why_not(Forbidden("1234:SECRET is shut out")) == "Forbidden"
