"""The way to Telegram: what was sent, what was surely not, and what nobody can know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from bot.care.values import Button, Outgoing
from bot.chat.connection import AnyBot, telegram_bot
from bot.chat.limiter import Limiter
from bot.chat.request import AiohttpRequest, NotSent
from bot.chat.sender import Sender, outcome_of
from bot.clock import SystemClock
from bot.delivery.outcome import Refused, Retry, Sent, Unknown, Unreachable
from bot.delivery.pacing import Pacing
from bot.metrics import Metrics
from bot.simulator import Simulator
from bot.simulator.people import Person

HELLO = Outgoing(account=7, text="Hello <b>Ana</b>")


def bot_of(simulator: Simulator) -> AnyBot:
    limiter = Limiter(Pacing(25), SystemClock(), Metrics())
    return telegram_bot(simulator.token, simulator.url, AiohttpRequest(), limiter)


@pytest.fixture
async def bot(simulator: Simulator) -> AsyncIterator[AnyBot]:
    async with bot_of(simulator) as bot:
        yield bot


@pytest.fixture
def ana(simulator: Simulator) -> Person:
    ana = simulator.add_person(7, "Ana")
    ana.open()
    return ana


async def test_a_message_arrives_with_its_buttons(bot: AnyBot, ana: Person) -> None:
    rows = (
        (Button(label="Yes", action="yes:1", style="success"),),
        (Button(label="Copy", copy="+44 20 7946 0000"),),
    )
    message = Outgoing(account=7, text="Is it <i>all</i> right?", buttons=rows, protect=True)
    outcome = await Sender(bot)(message, "answer")
    seen = ana.received[-1]
    assert outcome == Sent(seen.id)
    assert seen.text == "Is it all right?"
    assert seen.labels == ["Yes", "Copy"]
    assert seen.protected


async def test_a_code_is_a_picture_with_its_words(bot: AnyBot, ana: Person) -> None:
    message = Outgoing(account=7, text="Scan this", qr="https://t.me/x?start=abc")
    assert isinstance(await Sender(bot)(message, "answer"), Sent)
    assert ana.received[-1].text == "Scan this"
    assert ana.received[-1].photo is not None


@pytest.mark.parametrize(
    ("fault", "detail", "arrives", "outcome"),
    [
        ("too_many_requests", {"retry_after": 9}, 0, Retry(9)),
        ("drop_before", {}, 0, Unknown()),
        ("drop_after", {}, 1, Unknown()),
        ("server_error", {}, 0, Unknown()),
        ("slow", {"seconds": 0.2}, 1, Sent(2)),
        ("migrate", {"new_id": -100123}, 0, None),
    ],
)
async def test_each_fault_becomes_its_outcome(
    bot: AnyBot,
    ana: Person,
    simulator: Simulator,
    fault: Any,
    detail: dict[str, Any],
    arrives: int,
    outcome: object,
) -> None:
    before = len(ana.received)
    simulator.faults.add(fault, **detail)
    found = await Sender(bot)(HELLO, "reminder")
    if outcome is None:
        assert isinstance(found, Refused)
    elif isinstance(outcome, Sent):
        assert isinstance(found, Sent)
    else:
        assert found == outcome
    assert len(ana.received) - before == arrives


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_picture_cut_off_on_its_way_may_have_arrived(
    bot: AnyBot, ana: Person, simulator: Simulator, fault: Any
) -> None:
    simulator.faults.add(fault, method="sendPhoto")
    picture = Outgoing(account=7, text="Scan this", qr="https://t.me/x?start=abc")
    assert await Sender(bot)(picture, "answer") == Unknown()


async def test_no_answer_in_time_may_have_arrived(
    bot: AnyBot, ana: Person, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.request.SEND_TIMEOUT", 0.3)
    simulator.faults.add("hang_after")
    assert await Sender(bot)(HELLO, "reminder") == Unknown()
    assert len(ana.received) == 1


async def test_what_waited_in_vain_for_a_connection_was_not_sent(
    simulator: Simulator, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.request.CONNECTIONS", 1)
    address = f"{simulator.url}/bot{simulator.token}/sendMessage"
    hello = {"chat_id": "7", "text": "Hello"}
    async with AiohttpRequest() as request:
        simulator.faults.add("hang_after")
        hangs = asyncio.create_task(request.call(address, hello, seconds=60))
        await ana.next_message()
        with pytest.raises(NotSent):
            await request.call(address, hello, seconds=0.2)
        hangs.cancel()
    assert len(ana.received) == 1


async def test_of_what_it_sent_ptb_makes_no_objects(
    bot: AnyBot, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: object) -> None:
        raise AssertionError("that costs as much as sending")

    monkeypatch.setattr("telegram.Message.de_json", made)
    found = await Sender(bot)(HELLO, "reminder")
    assert found == Sent(ana.received[-1].id)


async def test_each_of_many_at_once_has_its_own_number(bot: AnyBot, simulator: Simulator) -> None:
    people = [simulator.add_person(100 + n, "Ana") for n in range(30)]
    for person in people:
        person.open()
    send = Sender(bot)
    found = await asyncio.gather(
        *(send(Outgoing(account=it.id, text="Hello"), "reminder") for it in people)
    )
    assert found == [Sent(it.received[-1].id) for it in people]


async def test_a_reply_that_tells_of_no_message_leaves_it_in_doubt(
    bot: AnyBot, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(_payload: bytes) -> dict[str, Any]:
        return {"ok": True, "result": True}

    monkeypatch.setattr(AiohttpRequest, "parse_json_payload", staticmethod(told))
    assert await Sender(bot)(HELLO, "reminder") == Unknown()


async def test_where_nobody_listens_nothing_was_sent(
    bot: AnyBot, ana: Person, simulator: Simulator
) -> None:
    port = int(simulator.url.rsplit(":", 1)[1])
    await simulator.stop()
    await Sender(bot)(HELLO, "reminder")  # on the connection kept from before: it may be unknown
    assert await Sender(bot)(HELLO, "reminder") == Retry(None)
    await simulator.start(port)
    assert isinstance(await Sender(bot)(HELLO, "reminder"), Sent)


async def test_who_blocked_the_bot_is_unreachable(bot: AnyBot, ana: Person) -> None:
    ana.block()
    found = await Sender(bot)(HELLO, "reminder")
    assert found == Unreachable("Forbidden: bot was blocked by the user")


async def test_an_unknown_chat_is_unreachable(bot: AnyBot, simulator: Simulator) -> None:
    found = await Sender(bot)(HELLO, "reminder")
    assert isinstance(found, Unreachable)


async def test_no_error_holds_the_address_with_the_token(simulator: Simulator) -> None:
    port = int(simulator.url.rsplit(":", 1)[1])
    await simulator.stop()
    async with AiohttpRequest() as request:
        with pytest.raises(NotSent) as caught:
            await request.retrieve(f"http://127.0.0.1:{port}/bot{simulator.token}/getMe")
    shown = repr(caught.value) + str(caught.value) + repr(caught.value.__cause__)
    assert simulator.token not in shown
    await simulator.start(port)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RetryAfter(4), Retry(4)),
        (NotSent("no connection"), Retry(None)),
        (InvalidToken("Unauthorized"), Retry(None)),
        (InvalidToken("Not Found: method not found"), Refused("Not Found: method not found")),
        (TimedOut(), Unknown()),
        (NetworkError("Bad Gateway (502)"), Unknown()),
        (
            Forbidden("Forbidden: user is deactivated"),
            Unreachable("Forbidden: user is deactivated"),
        ),
        (BadRequest("Chat not found"), Unreachable("Chat not found")),
        (BadRequest("Message is too long"), Refused("Message is too long")),
    ],
)
def test_what_telegram_says_is_what_it_means(error: Any, outcome: object) -> None:
    assert outcome_of(error) == outcome


def test_a_group_that_moved_is_refused() -> None:
    assert isinstance(outcome_of(ChatMigrated(-100)), Refused)
