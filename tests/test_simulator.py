"""The simulated Telegram, called by the real python-telegram-bot over HTTP."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MenuButtonCommands,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyParameters,
    Update,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

from bot.clock import MovableClock
from bot.simulator import Simulator
from bot.simulator.buckets import Buckets, Limits, Rate
from bot.simulator.people import NotShown
from bot.simulator.waiting import Changes

pytestmark = pytest.mark.filterwarnings("ignore:Please use 'Bot.:UserWarning")
START = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
TOKEN = "42:TEST"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 300, 200) + b"\x08\x02\0\0\0"


def jpeg(width: int, height: int) -> bytes:
    comment = b"\xff\xfe\0\x04ab"
    return (
        b"\xff\xd8"
        + comment
        + b"\xff\xc0\0\x11\x08"
        + struct.pack(">HH", height, width)
        + b"\3" * 9
    )


@pytest.fixture(autouse=True)
def timedelta_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(START)


@pytest.fixture
async def simulator(clock: MovableClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock) as running:
        yield running
    assert [wrong for wrong in running.wrong_calls if wrong.own] == []


@pytest.fixture
async def bot(simulator: Simulator) -> AsyncIterator[Bot]:
    async with bot_of(simulator) as ready:
        yield ready


def bot_of(simulator: Simulator, token: str = TOKEN) -> Bot:
    url = simulator.url
    return Bot(token, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot")


async def fetched(bot: Bot, **asked: Any) -> list[Any]:
    return list(await bot.get_updates(**asked))


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=f"do:{label}")] for label in labels]
    )


def started(simulator: Simulator, number: int = 1001) -> Any:
    person = simulator.add_person(number, "Ana")
    person.open()
    simulator.updates.drop_all()
    return person


# Messages as people see them.


async def test_a_sent_message_is_seen_with_text_entities_and_buttons(
    simulator: Simulator, bot: Bot
) -> None:
    ana = started(simulator)
    markup = InlineKeyboardMarkup(
        [
            [InlineKeyboardButton("Yes", callback_data="y", style="success")],
            [InlineKeyboardButton("Link", url="https://t.me/x?start=1"),
             InlineKeyboardButton("Copy", copy_text=CopyTextButton("+44"))],
        ]
    )  # fmt: skip
    sent = await bot.send_message(
        1001,
        "<b>Hi</b> Zoë 😀",
        parse_mode="HTML",
        reply_markup=markup,
        protect_content=True,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    seen = await ana.next_message()
    assert (seen.id, seen.text, seen.html) == (sent.message_id, "Hi Zoë 😀", "<b>Hi</b> Zoë 😀")
    assert (seen.from_bot, seen.protected, seen.date.date()) == (True, True, START.date())
    assert seen.entities == [{"type": "bold", "offset": 0, "length": 2}]
    assert seen.labels == ["Yes", "Link", "Copy"]
    assert seen.button("Yes").callback_data == "y"
    assert seen.button("Yes").style == "success"
    assert seen.button("Link").url == "https://t.me/x?start=1"
    assert seen.button("Copy").copy_text == "+44"
    assert sent.text == "Hi Zoë 😀"
    assert simulator.wrong_calls == []


async def test_entities_can_be_given_instead_of_html(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    await bot.send_message(1001, " Hi", entities=[MessageEntity("bold", 1, 2)])
    assert ana.received[-1].entities == [{"type": "bold", "offset": 0, "length": 2}]


@pytest.mark.parametrize("picture", [PNG, jpeg(640, 480)])
async def test_a_picture_is_seen_and_can_be_sent_again_by_its_identifier(
    simulator: Simulator, bot: Bot, picture: bytes
) -> None:
    ana = started(simulator)
    sent = await bot.send_photo(1001, picture, caption="<i>QR</i>", parse_mode="HTML")
    await bot.send_photo(1001, sent.photo[-1].file_id)
    first, second = ana.received
    assert (first.photo, first.text, first.kind) == (picture, "QR", "photo")
    assert second.photo == picture
    assert sent.photo[-1].width in (300, 640)
    assert simulator.wrong_calls == []


async def test_a_document_keeps_its_name_and_can_be_downloaded(
    simulator: Simulator, bot: Bot
) -> None:
    ana = started(simulator)
    sent = await bot.send_document(1001, b"BEGIN:VCALENDAR", filename="visit.ics")
    assert (ana.received[-1].document, ana.received[-1].file_name) == (
        b"BEGIN:VCALENDAR",
        "visit.ics",
    )
    assert sent.document
    file = await bot.get_file(sent.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"BEGIN:VCALENDAR"


async def test_an_edit_changes_what_is_seen_and_takes_the_buttons_away(
    simulator: Simulator, bot: Bot
) -> None:
    ana = started(simulator)
    sent = await bot.send_message(1001, "old", reply_markup=keyboard("Yes"))
    await bot.edit_message_text("new", chat_id=1001, message_id=sent.message_id)
    (seen,) = ana.received
    assert (seen.text, seen.labels) == ("new", [])
    assert seen.edited is not None
    await bot.edit_message_reply_markup(1001, sent.message_id, reply_markup=keyboard("No"))
    assert (seen.text, seen.labels) == ("new", ["No"])


async def test_a_caption_can_be_edited(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    sent = await bot.send_photo(1001, PNG, caption="old")
    await bot.edit_message_caption(1001, sent.message_id, caption="new")
    assert ana.received[-1].text == "new"


async def test_a_deleted_message_is_gone_from_the_chat(
    simulator: Simulator, bot: Bot, clock: MovableClock
) -> None:
    ana = started(simulator)
    sent = await bot.send_message(1001, "secret")
    await bot.delete_message(1001, sent.message_id)
    assert ana.received == []
    assert ana.chat.history[-1].deleted
    late = await bot.send_message(1001, "late")
    clock.move(timedelta(hours=48))
    with pytest.raises(BadRequest, match="Message can't be deleted for everyone"):
        await bot.delete_message(1001, late.message_id)


async def test_a_reply_shows_what_it_answers(simulator: Simulator, bot: Bot) -> None:
    ana = simulator.add_person(1001, "Ana")
    asked = ana.say("why?")
    sent = await bot.send_message(1001, "so", reply_parameters=ReplyParameters(asked.id))
    assert ana.received[-1].reply_to is asked
    assert sent.reply_to_message is not None
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(1001, "so", reply_parameters=ReplyParameters(999))
    await bot.send_message(
        1001, "so", reply_parameters=ReplyParameters(999, allow_sending_without_reply=True)
    )


async def test_typing_is_shown_until_the_message_comes(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    await bot.send_chat_action(1001, "typing")
    assert ana.chat.action == "typing"
    await bot.send_message(1001, "x")
    assert ana.chat.action is None


# Updates.


async def test_updates_are_repeated_until_an_offset_confirms_them(
    simulator: Simulator, bot: Bot
) -> None:
    ana = simulator.add_person(1001, "Ana")
    ana.say("one")
    ana.say("two")
    first = await fetched(bot, limit=1)
    again = await fetched(bot)
    assert [update.message.text for update in again] == ["one", "two"]
    assert first[0].update_id == again[0].update_id
    rest = await fetched(bot, offset=again[0].update_id + 1)
    assert [update.message.text for update in rest] == ["two"]
    assert [u.message.text for u in await fetched(bot, offset=-1)] == ["two"]
    assert await fetched(bot, offset=again[1].update_id + 1) == []


async def test_a_long_poll_ends_when_something_is_written(simulator: Simulator, bot: Bot) -> None:
    ana = simulator.add_person(1001, "Ana")
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await simulator.until(lambda: simulator.updates.is_polled)
    ana.say("hello")
    (update,) = await poll
    assert update.message
    assert update.message.text == "hello"


async def test_a_second_poller_ends_the_first(simulator: Simulator, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await simulator.until(lambda: simulator.updates.is_polled)
    async with bot_of(simulator) as other:
        second = asyncio.create_task(other.get_updates(timeout=20))
        with pytest.raises(
            Conflict,
            match="terminated by other getUpdates request; make sure that only one bot instance",
        ):
            await first
        simulator.add_person(1001, "Ana").say("x")
        assert len(await second) == 1
    assert simulator.wrong_calls == []


async def test_polling_is_refused_while_a_webhook_is_set(simulator: Simulator, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await simulator.until(lambda: simulator.updates.is_polled)
    await bot.set_webhook("https://clinic.example/hook")
    with pytest.raises(Conflict, match="terminated by setWebhook request"):
        await poll
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await fetched(bot)
    await bot.delete_webhook()
    assert await fetched(bot) == []


async def test_the_kinds_of_updates_asked_for_stick(simulator: Simulator, bot: Bot) -> None:
    ana = simulator.add_person(1001, "Ana")
    await fetched(bot, allowed_updates=["my_chat_member"])
    ana.say("unheard")
    ana.block()
    (update,) = await fetched(bot)
    assert update.my_chat_member.new_chat_member.status == "kicked"
    await fetched(bot, offset=-1, allowed_updates=[])
    ana.unblock()
    ana.say("heard")
    assert (await fetched(bot))[-1].message.text == "heard"


async def test_updates_are_kept_a_day_and_presses_150_seconds(
    simulator: Simulator, bot: Bot, clock: MovableClock
) -> None:
    ana = started(simulator)
    await bot.send_message(1001, "?", reply_markup=keyboard("Yes"))
    ana.say("typed while the bot is down")
    ana.press("Yes")
    clock.move(timedelta(seconds=149))
    assert len(await fetched(bot)) == 2
    clock.move(timedelta(seconds=1))
    assert [u.message.text for u in await fetched(bot)] == ["typed while the bot is down"]
    clock.move(timedelta(hours=24))
    assert await fetched(bot) == []


async def test_commands_reach_the_command_handler_of_an_application(simulator: Simulator) -> None:
    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat is not None
        await update.effective_chat.send_message(f"code {(context.args or ['none'])[0]}")

    application = ApplicationBuilder().bot(bot_of(simulator)).updater(None).build()
    application.add_handler(CommandHandler("start", start))
    ana = simulator.add_person(1001, "Ana")
    async with application:
        ana.open("CODE_1")
        for update in await fetched(application.bot):
            await application.process_update(update)
    assert (await ana.next_message()).text == "code CODE_1"


@pytest.mark.parametrize("name", ["photo", "document", "voice", "video", "sticker", "location"])
async def test_what_is_no_text_arrives_as_such(simulator: Simulator, bot: Bot, name: str) -> None:
    ana = simulator.add_person(1001, "Ana")
    sends: dict[str, Callable[[], object]] = {
        "photo": lambda: ana.send_photo(PNG, caption="is this normal?"),
        "document": lambda: ana.send_document(b"pdf"),
        "voice": ana.send_voice,
        "video": ana.send_video,
        "sticker": ana.send_sticker,
        "location": ana.send_location,
    }
    sends[name]()
    (update,) = await fetched(bot)
    assert getattr(update.message, name)
    assert update.message.text is None
    assert update.message.caption == ("is this normal?" if name == "photo" else None)


async def test_an_edited_message_arrives_as_edited(simulator: Simulator, bot: Bot) -> None:
    ana = simulator.add_person(1001, "Ana")
    message = ana.say("it is fine")
    ana.edit(message, "it is hot")
    _, update = await fetched(bot)
    assert update.edited_message.text == "it is hot"
    assert update.edited_message.message_id == message.id
    with pytest.raises(ValueError, match="did not write"):
        simulator.add_person(1002, "Bo").edit(message, "x")


# Buttons.


async def test_a_pressed_button_arrives_and_its_answer_is_shown(
    simulator: Simulator, bot: Bot
) -> None:
    ana = started(simulator)
    await bot.send_message(1001, "older", reply_markup=keyboard("Yes"))
    newer = await bot.send_message(1001, "newer", reply_markup=keyboard("Yes", "No"))
    pressed = ana.press("Yes")
    (update,) = await fetched(bot)
    assert update.callback_query.data == "do:Yes"
    assert update.callback_query.message.message_id == newer.message_id
    await update.callback_query.answer("Saved")
    assert pressed.answered
    assert ana.toasts == ["Saved"]


async def test_a_button_of_a_given_message_can_be_pressed(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    older = await bot.send_message(1001, "older", reply_markup=keyboard("Yes"))
    await bot.send_message(1001, "newer", reply_markup=keyboard("Yes"))
    ana.press("Yes", message=ana.received[0])
    (update,) = await fetched(bot)
    assert update.callback_query.message.message_id == older.message_id


async def test_a_button_that_is_not_there_cannot_be_pressed(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    await bot.send_message(1001, "?", reply_markup=keyboard("Yes", "No"))
    with pytest.raises(NotShown, match=r"no button 'Maybe' to press, but \['Yes', 'No'\]"):
        ana.press("Maybe")


async def test_a_press_can_be_answered_for_150_seconds(
    simulator: Simulator, bot: Bot, clock: MovableClock
) -> None:
    ana = started(simulator)
    await bot.send_message(1001, "?", reply_markup=keyboard("Yes"))
    pressed = ana.press("Yes")
    clock.move(timedelta(seconds=150))
    words = "Query is too old and response timeout expired or query id is invalid"
    with pytest.raises(BadRequest, match=words):
        await bot.answer_callback_query(pressed.id)
    with pytest.raises(BadRequest, match=words):
        await bot.answer_callback_query("77")
    assert simulator.wrong_calls == []


# People.


async def test_a_wait_in_vain_shows_the_chat(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    await bot.send_message(1001, "only this", reply_markup=keyboard("Yes"))
    await ana.next_message()
    with pytest.raises(TimeoutError, match=r"(?s)Ana waited 0.01 s in vain.*only this.*\[Yes\]"):
        await ana.next_message(timeout=0.01)


async def test_skipped_messages_are_not_awaited(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    await bot.send_message(1001, "one")
    ana.skip()
    await bot.send_message(1001, "two")
    assert (await ana.next_message()).text == "two"


async def test_whoever_blocks_the_bot_cannot_be_written_to_until_they_return(
    simulator: Simulator, bot: Bot
) -> None:
    ana = started(simulator)
    ana.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(1001, "x")
    with pytest.raises(RuntimeError, match="cannot write"):
        ana.say("hello?")
    ana.open()
    blocked, unblocked, start = await fetched(bot)
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert unblocked.my_chat_member.new_chat_member.status == "member"
    assert start.message.text == "/start"
    await bot.send_message(1001, "welcome back")
    assert simulator.wrong_calls == []


async def test_who_never_started_left_or_does_not_exist_is_refused_in_telegrams_words(
    simulator: Simulator, bot: Bot
) -> None:
    simulator.add_person(1001, "Ana")
    with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
        await bot.send_message(1001, "x")
    started(simulator, 1002).delete_account()
    with pytest.raises(Forbidden, match="user is deactivated"):
        await bot.send_message(1002, "x")
    for unknown in (99, "@nobody"):
        with pytest.raises(BadRequest, match="Chat not found"):
            await bot.send_message(unknown, "x")
    assert simulator.wrong_calls == []


async def test_a_link_to_the_bot_can_be_followed(simulator: Simulator, bot: Bot) -> None:
    ana = simulator.add_person(1001, "Ana")
    ana.open_link(f"https://t.me/{simulator.username}?start=AB-12_c")
    (update,) = await fetched(bot)
    assert update.message.text == "/start AB-12_c"
    with pytest.raises(ValueError, match="does not lead to"):
        ana.open_link("https://t.me/other?start=x")
    with pytest.raises(ValueError, match="a link carries 1-64"):
        ana.open("x" * 65)


async def test_a_group_is_heard_answered_upgraded_and_left(simulator: Simulator, bot: Bot) -> None:
    ana = simulator.add_person(1001, "Ana")
    group = simulator.add_group(-5, "Front desk")
    ana.say_in_group(group, "/help")
    (update,) = await fetched(bot)
    assert (update.effective_chat.id, update.effective_chat.title) == (-5, "Front desk")
    await bot.send_message(-5, "here")
    assert [message.text for message in group.messages] == ["/help", "here"]
    group.upgrade(-1005)
    with pytest.raises(ChatMigrated) as migrated:
        await bot.send_message(-5, "x")
    assert migrated.value.new_chat_id == -1005
    await bot.send_message(-1005, "moved")
    assert simulator.groups[-1005].messages[-1].text == "moved"
    simulator.groups[-1005].remove_bot()
    with pytest.raises(Forbidden, match="bot was kicked from the group chat"):
        await bot.send_message(-1005, "x")


async def test_the_narrowest_command_menu_in_the_own_language_is_shown(
    simulator: Simulator, bot: Bot
) -> None:
    ana = simulator.add_person(1001, "Ana", language_code="es")

    async def put(name: str, **where: Any) -> None:
        await bot.set_my_commands([BotCommand(name, "what it does")], **where)
        assert [command["command"] for command in ana.commands] == [name]

    await put("default")
    await put("default_es", language_code="es")
    await put("private", scope=BotCommandScopeAllPrivateChats())
    await put("private_es", scope=BotCommandScopeAllPrivateChats(), language_code="es")
    await put("own", scope=BotCommandScopeChat(1001))
    assert (await bot.get_my_commands(scope=BotCommandScopeChat(1001)))[0].command == "own"
    await bot.delete_my_commands(scope=BotCommandScopeChat(1001))
    assert [command["command"] for command in ana.commands] == ["private_es"]


async def test_the_bot_can_describe_itself(simulator: Simulator, bot: Bot) -> None:
    await bot.set_my_name("Clinic")
    await bot.set_my_description("Aftercare", language_code="en")
    await bot.set_my_short_description("After")
    await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    assert (await bot.get_me()).first_name == "Clinic"
    assert simulator.profile["description", "en"] == "Aftercare"
    assert (await bot.get_chat(started(simulator).id)).first_name == "Ana"
    assert await bot.log_out()
    assert await bot.close()
    assert simulator.wrong_calls == []


# Refusals that are the bot's own fault.


Wrong = Callable[[Bot], Awaitable[object]]
BUTTON = InlineKeyboardButton
WRONG: list[tuple[str, str, Wrong]] = [
    ("unknown field", "Unknown field 'colour'",
     lambda bot: bot.send_message(1001, "x", api_kwargs={"colour": 1})),
    ("unknown nested field", "Unknown field 'colour'",
     lambda bot: bot.send_message(1001, "x", api_kwargs={"link_preview_options": {"colour": 1}})),
    ("missing field", "Field 'commands' is required",
     lambda bot: bot.do_api_request("setMyCommands", {})),
    ("missing chat", "Chat_id is empty",
     lambda bot: bot.do_api_request("sendMessage", {"text": "x"})),
    ("missing nested field", "Field 'description' is required",
     lambda bot: bot.do_api_request("setMyCommands", {"commands": [{"command": "a"}]})),
    ("wrong type", "Field 'message_id' must be integer",
     lambda bot: bot.do_api_request("deleteMessage", {"chat_id": 1001, "message_id": "one"})),
    ("wrong nested type", "Field 'text' must be string",
     lambda bot: bot.do_api_request("sendMessage", {"chat_id": 1001, "text": "x",
        "reply_markup": {"inline_keyboard": [[{"text": 5, "callback_data": "a"}]]}})),
    ("no object", "Field 'reply_markup' must be inlinekeyboardmarkup",
     lambda bot: bot.do_api_request("sendMessage", {"chat_id": 1001, "text": "x",
                                                    "reply_markup": [1]})),
    ("value not in list", "Wrong value of 'style' specified",
     lambda bot: bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(
         [[BUTTON("a", callback_data="a", style="pink")]]))),
    ("number out of range", "Wrong value of 'limit' specified",
     lambda bot: bot.get_updates(limit=101)),
    ("empty text", "Message text is empty", lambda bot: bot.send_message(1001, " <b> </b>",
                                                                         parse_mode="HTML")),
    ("long text", "Message is too long", lambda bot: bot.send_message(1001, "x" * 4097)),
    ("long text in UTF-16 units", "Message is too long",
     lambda bot: bot.send_message(1001, "😀" * 2049)),
    ("long caption", "Message caption is too long",
     lambda bot: bot.send_photo(1001, PNG, caption="x" * 1025)),
    ("broken HTML", "Can't parse entities: unsupported start tag",
     lambda bot: bot.send_message(1001, "a < b", parse_mode="HTML")),
    ("101 entities", "Can't parse entities: too many",
     lambda bot: bot.send_message(1001, "<b>a</b> " * 101, parse_mode="HTML")),
    ("Markdown", "Unsupported parse_mode",
     lambda bot: bot.send_message(1001, "*a*", parse_mode="MarkdownV2")),
    ("65 bytes of callback data", "Button_data_invalid",
     lambda bot: bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(
         [[BUTTON("a", callback_data="é" * 32 + "x")]]))),
    ("button without action", "Can't parse inline keyboard button",
     lambda bot: bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup([[BUTTON("a")]]))),
    ("button with two actions", "Can't parse inline keyboard button",
     lambda bot: bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(
         [[BUTTON("a", callback_data="a", url="https://a.example")]]))),
    ("button without label", "Can't parse inline keyboard button",
     lambda bot: bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(
         [[BUTTON(" ", callback_data="a")]]))),
    ("telephone link button", "Inline keyboard button url 'tel:+44' is invalid",
     lambda bot: bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(
         [[BUTTON("a", url="tel:+44")]]))),
    ("long copied text", "Wrong value of 'text' specified",
     lambda bot: bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(
         [[BUTTON("a", copy_text=CopyTextButton("x" * 257))]]))),
    ("reply keyboard", "Reply keyboards are not simulated",
     lambda bot: bot.send_message(1001, "x", reply_markup=ReplyKeyboardMarkup([["a"]]))),
    ("long answer", "Message_too_long",
     lambda bot: bot.answer_callback_query("1", "x" * 201)),
    ("101 commands", "Bot_commands_too_much",
     lambda bot: bot.set_my_commands([BotCommand(f"c{n}", "d") for n in range(101)])),
    ("command in capitals", "Bot_command_invalid",
     lambda bot: bot.set_my_commands([BotCommand("Help", "d")])),
    ("long command", "Bot_command_invalid",
     lambda bot: bot.set_my_commands([BotCommand("c" * 33, "d")])),
    ("long description", "Bot_command_description_invalid",
     lambda bot: bot.set_my_commands([BotCommand("c", "d" * 257)])),
    ("unknown scope", "Wrong value of 'type' specified",
     lambda bot: bot.do_api_request("setMyCommands", {
        "commands": [], "scope": {"type": "planet"}})),
    ("unknown chat action", "Wrong value of 'action' specified",
     lambda bot: bot.send_chat_action(1001, "yawning")),
    ("no picture", "Image_process_failed", lambda bot: bot.send_photo(1001, b"text")),
    ("picture of a line", "Photo_invalid_dimensions",
     lambda bot: bot.send_photo(1001, jpeg(2000, 99))),
    ("empty file", "File must be non-empty", lambda bot: bot.send_document(1001, b"")),
    ("unknown file", "Wrong file identifier", lambda bot: bot.send_document(1001, "file-99")),
    ("unknown download", "Invalid file_id", lambda bot: bot.get_file("file-99")),
    ("http webhook", "Bad webhook: an https url must be provided",
     lambda bot: bot.set_webhook("http://clinic.example/hook")),
    ("webhook secret", "Secret token contains unallowed characters",
     lambda bot: bot.set_webhook("https://clinic.example/hook", secret_token="a b")),
    ("method not simulated", "Method is not simulated: sendpoll",
     lambda bot: bot.send_poll(1001, "?", ["a", "b"])),
    ("editing nothing", "Message identifier is not specified",
     lambda bot: bot.do_api_request("editMessageText", {"chat_id": 1001, "text": "x"})),
    ("editing an inline message", "Inline messages are not simulated",
     lambda bot: bot.edit_message_text("x", inline_message_id="5")),
]  # fmt: skip


@pytest.mark.parametrize(("words", "call"), [one[1:] for one in WRONG], ids=[w[0] for w in WRONG])
async def test_a_wrong_call_is_refused_and_recorded_though_the_bot_catches_the_error(
    simulator: Simulator, bot: Bot, words: str, call: Wrong
) -> None:
    started(simulator)
    with pytest.raises(BadRequest) as refused:
        await call(bot)
    assert refused.value.message.lower().startswith(words.lower())
    (wrong,) = simulator.wrong_calls
    assert wrong.method == simulator.journal[-1].method
    assert wrong.problem
    assert not simulator.journal[-1].accepted


async def test_a_picture_over_ten_megabytes_is_refused(simulator: Simulator, bot: Bot) -> None:
    started(simulator)
    with pytest.raises(TelegramError, match="Request Entity Too Large"):
        await bot.send_photo(1001, PNG + bytes(10_000_000))
    assert len(simulator.wrong_calls) == 1


@pytest.mark.parametrize(
    ("text", "kwargs"),
    [
        ("x" * 4096, {}),
        ("😀" * 2048, {}),
        ("<b>" + "x" * 4096 + "</b>", {"parse_mode": "HTML"}),
        ("&lt;" * 4096, {"parse_mode": "HTML"}),
        ("<b>a</b> " * 100, {"parse_mode": "HTML"}),
    ],
)
async def test_a_text_up_to_the_limit_is_accepted(
    simulator: Simulator, bot: Bot, text: str, kwargs: dict[str, Any]
) -> None:
    started(simulator)
    await bot.send_message(1001, text, **kwargs)
    assert simulator.wrong_calls == []


async def test_64_bytes_of_callback_data_are_accepted(simulator: Simulator, bot: Bot) -> None:
    started(simulator)
    markup = InlineKeyboardMarkup([[BUTTON("a", callback_data="é" * 32)]])
    await bot.send_message(1001, "x", reply_markup=markup)
    assert simulator.wrong_calls == []


async def test_a_wrong_token_and_an_unknown_method_are_named(
    simulator: Simulator, bot: Bot
) -> None:
    with pytest.raises(InvalidToken):
        await bot_of(simulator, "43:OTHER").__aenter__()
    with pytest.raises(TelegramError, match=r"[Nn]ot found"):
        await bot.do_api_request("sendTelepathy", {})
    assert [call.code for call in simulator.journal[-2:]] == [401, 404]
    assert [call.description for call in simulator.journal[-2:]] == [
        "Unauthorized",
        "Not Found: method not found",
    ]
    assert len(simulator.wrong_calls) == 2


async def test_editing_what_is_not_there_or_not_changed_is_no_wrong_call(
    simulator: Simulator, bot: Bot
) -> None:
    started(simulator)
    sent = await bot.send_message(1001, "x")
    with pytest.raises(BadRequest, match="Message is not modified: specified new message"):
        await bot.edit_message_text("x", 1001, sent.message_id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("x", 1001, 999)
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(1001, 999)
    assert simulator.wrong_calls == []


async def test_only_own_texts_and_captions_can_be_edited(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    text = await bot.send_message(1001, "x")
    photo = await bot.send_photo(1001, PNG)
    for call, words in (
        (bot.edit_message_text("y", 1001, photo.message_id), "There is no text in the message"),
        (bot.edit_message_caption(1001, text.message_id, caption="y"), "There is no caption"),
        (bot.edit_message_text("y", 1001, ana.messages[0].id), "Message can't be edited"),
    ):
        with pytest.raises(BadRequest, match=words):
            await call
    assert len(simulator.wrong_calls) == 3


async def test_calls_may_come_as_json_form_or_query(simulator: Simulator) -> None:
    ana = started(simulator)
    url = f"{simulator.url}/bot{TOKEN}/sendMessage"
    buttons = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    as_text = '{"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}'
    async with aiohttp.ClientSession() as session:
        for kind in (
            {"json": {"chat_id": 1001, "text": "x", "reply_markup": buttons}},
            {"json": {"chat_id": "1001", "text": "x", "reply_markup": as_text}},
            {"data": {"chat_id": "1001", "text": "x", "reply_markup": as_text}},
            {"params": {"chat_id": "1001", "text": "x", "reply_markup": as_text}},
        ):
            async with session.post(url, **kind) as answer:
                assert (await answer.json())["ok"]
        async with session.post(
            url, data=b"[]", headers={"Content-Type": "application/json"}
        ) as bad:
            assert bad.status == 400
    assert [message.labels for message in ana.received] == [["a"]] * 4


async def test_attached_files_are_found_by_name(simulator: Simulator) -> None:
    ana = started(simulator)
    url = f"{simulator.url}/bot{TOKEN}/sendDocument"

    def form(reference: str) -> aiohttp.FormData:
        data = aiohttp.FormData({"chat_id": "1001", "document": reference})
        data.add_field("part", b"content", filename="a.txt")
        return data

    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=form("attach://part")) as answer:
            assert answer.status == 200
        assert ana.received[-1].document == b"content"
        async with session.post(url, data=form("attach://other")) as answer:
            assert answer.status == 400
    assert {wrong.problem for wrong in simulator.wrong_calls} >= {
        "sendDocument has no field 'part'",
        "no file 'other' was sent",
    }


async def test_a_fault_of_the_simulator_itself_fails_the_test_that_met_it(
    simulator: Simulator, bot: Bot
) -> None:
    started(simulator)
    simulator.chats[1001].history = None  # type: ignore[assignment]
    with pytest.raises(NetworkError):
        await bot.send_message(1001, "x")
    assert "the simulator failed" in simulator.wrong_calls[0].problem


async def test_files_are_served_to_the_bot_only(simulator: Simulator, bot: Bot) -> None:
    ana = simulator.add_person(1001, "Ana")
    small, large = ana.send_voice(b"voice"), ana.send_video(bytes(20_000_001))
    assert small.file
    assert large.file
    path = (await bot.get_file(small.file.id)).file_path
    assert path is not None
    assert path.startswith(simulator.url)
    async with aiohttp.ClientSession() as session:
        for address, status in ((path, 200), (path.replace("TEST", "X"), 404), (f"{path}x", 404)):
            async with session.get(address) as answer:
                assert answer.status == status
    with pytest.raises(BadRequest, match="File is too big"):
        await bot.get_file(large.file.id)
    assert simulator.wrong_calls == []


async def test_what_changed_before_a_wait_is_begun_is_not_missed() -> None:
    changes = Changes()
    waiting = asyncio.create_task(changes.wait())
    changes.tell()
    async with asyncio.timeout(1):
        await waiting


# Limits and faults.


def test_the_usual_limits_let_a_paced_bot_pass() -> None:
    buckets = Buckets()
    assert [buckets.take(n % 40 + 1, n / 30) for n in range(3000)] == [None] * 3000


@pytest.mark.parametrize(
    ("limits", "chat_id", "waits"),
    [
        (Limits(chat=Rate(per_second=1, burst=2)), 7, [None, None, 1]),
        (Limits(group=Rate(per_second=20 / 60, burst=1)), -7, [None, 3, 3]),
        (Limits(bot=Rate(per_second=0.1, burst=1)), 7, [None, 10, 10]),
    ],
)
def test_each_limit_allows_its_burst_and_then_says_how_long_to_wait(
    limits: Limits, chat_id: int, waits: list[int | None]
) -> None:
    buckets = Buckets(limits)
    assert [buckets.take(chat_id, 100.0) for _ in waits] == waits
    last = waits[-1] or 0
    assert buckets.take(chat_id, 100.0 + last) is None


def test_no_limits_let_everything_pass() -> None:
    buckets = Buckets(None)
    assert [buckets.take(7, 0.0) for _ in range(500)] == [None] * 500


async def test_too_many_messages_are_answered_429_until_the_time_has_passed(
    simulator: Simulator, bot: Bot, clock: MovableClock
) -> None:
    ana = started(simulator)
    simulator.buckets = Buckets(replace(Limits(), chat=Rate(per_second=0.2, burst=1)))
    await bot.send_message(1001, "one")
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(1001, "two")
    assert refused.value.retry_after == timedelta(seconds=5)
    assert len(ana.received) == 1
    assert simulator.journal[-1].description == "Too Many Requests: retry after 5"
    assert simulator.wrong_calls == []
    clock.move(timedelta(seconds=5))
    await bot.send_message(1001, "two")
    assert len(ana.received) == 2


async def test_a_fault_hits_the_calls_it_was_ordered_for_and_no_other(
    simulator: Simulator, bot: Bot
) -> None:
    started(simulator)
    started(simulator, 1002)
    fault = simulator.faults.add("too_many_requests", chat_id=1002, times=2, retry_after=7)
    await bot.send_message(1001, "x")
    await bot.send_chat_action(1002, "typing")
    for _ in range(2):
        with pytest.raises(RetryAfter) as refused:
            await bot.send_message(1002, "x")
        assert refused.value.retry_after == timedelta(seconds=7)
    await bot.send_message(1002, "x")
    assert fault.hits == 2
    with pytest.raises(ValueError, match="is none of"):
        simulator.faults.add("earthquake")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "detail", "error", "words", "accepted"),
    [
        ("forbidden", {}, Forbidden, "bot was blocked by the user", False),
        ("forbidden", {"description": "user is deactivated"}, Forbidden, "deactivated", False),
        ("server_error", {}, NetworkError, None, False),
        ("drop_before", {}, NetworkError, None, False),
        ("drop_after", {}, NetworkError, None, True),
        ("hang_after", {}, TimedOut, None, True),
        ("migrate", {"new_id": -1009}, ChatMigrated, "-1009", False),
        ("down", {}, NetworkError, None, False),
    ],
)
async def test_each_fault_fails_the_call_and_does_or_does_not_deliver(
    simulator: Simulator,
    bot: Bot,
    kind: Any,
    detail: dict[str, Any],
    error: type[TelegramError],
    words: str | None,
    accepted: bool,
) -> None:
    ana = started(simulator)
    fault = simulator.faults.add(kind, **detail)
    with pytest.raises(error, match=words):
        await bot.send_message(1001, "x", read_timeout=0.2)
    assert len(ana.received) == accepted
    assert simulator.journal[-1].accepted is accepted
    fault.lift()
    await bot.send_message(1001, "after")
    assert ana.received[-1].text == "after"
    assert simulator.wrong_calls == []


async def test_a_slow_call_is_done_and_answered_late(simulator: Simulator, bot: Bot) -> None:
    ana = started(simulator)
    simulator.faults.add("slow", seconds=0.3)
    with pytest.raises(TimedOut):
        await bot.send_message(1001, "x", read_timeout=0.05)
    assert (await ana.next_message()).text == "x"
    simulator.faults.add("slow", seconds=0.05)
    await bot.send_message(1001, "y")


async def test_a_migrated_group_goes_on_under_its_new_number(
    simulator: Simulator, bot: Bot
) -> None:
    simulator.add_group(-5, "Desk")
    simulator.faults.add("migrate", chat_id=-5, new_id=-1005)
    with pytest.raises(ChatMigrated):
        await bot.send_message(-5, "x")
    await bot.send_message(-1005, "x")


async def test_all_is_down_until_lifted(simulator: Simulator, bot: Bot) -> None:
    simulator.faults.add("down")
    for _ in range(3):
        with pytest.raises(NetworkError):
            await bot.get_me()
    simulator.faults.clear()
    await bot.get_me()


async def test_it_can_be_stopped_and_started_again_without_forgetting(
    simulator: Simulator, bot: Bot
) -> None:
    ana = simulator.add_person(1001, "Ana")
    port = int(simulator.url.rpartition(":")[2])
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await simulator.until(lambda: simulator.updates.is_polled)
    await simulator.stop()
    with pytest.raises(NetworkError):
        await poll
    ana.say("typed meanwhile")
    with pytest.raises(NetworkError):
        await fetched(bot)
    await simulator.start(port)
    assert [update.message.text for update in await fetched(bot)] == ["typed meanwhile"]


async def test_the_journal_tells_when_each_call_came_and_how_it_ended(
    simulator: Simulator, bot: Bot, clock: MovableClock
) -> None:
    started(simulator)
    sent = await bot.send_message(1001, "x")
    clock.move(timedelta(hours=1))
    with pytest.raises(BadRequest):
        await bot.send_message(1, "x")
    first, second = simulator.calls("sendMessage")
    assert (first.accepted, first.code, first.message_id) == (True, 200, sent.message_id)
    assert (first.chat_id, first.params["text"]) == (1001, "x")
    assert timedelta(hours=1) <= second.at - first.at < timedelta(hours=1, seconds=10)
    assert 3600 <= second.monotonic - first.monotonic < 3610
    assert (second.accepted, second.code, second.chat_id) == (False, 400, 1)
    assert simulator.calls("sendMessage", chat_id=1) == [second]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
async def test_it_refuses_to_listen_beyond_loopback(clock: MovableClock, host: str) -> None:
    with pytest.raises(ValueError, match="is not loopback"):
        await Simulator(clock=clock).start(host=host)


async def test_it_listens_beyond_loopback_when_told(clock: MovableClock) -> None:
    simulator = Simulator(clock=clock)
    await simulator.start(host="0.0.0.0", allow_remote=True)
    assert simulator.url.startswith("http://0.0.0.0:")
    await simulator.stop()


# Webhook.


async def test_a_webhook_gets_updates_in_order_with_its_secret_until_it_says_yes(
    simulator: Simulator, bot: Bot
) -> None:
    got: list[tuple[str | None, str]] = []
    answers = iter([500, 500, 200, 200])

    async def hook(request: web.Request) -> web.Response:
        update = await request.json()
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        got.append((secret, update["message"]["text"]))
        return web.Response(status=next(answers))

    application = web.Application()
    application.router.add_post("/hook", hook)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    simulator.webhook.first_wait = 0.01
    await bot.set_webhook(
        f"http://127.0.0.1:{runner.addresses[0][1]}/hook",
        secret_token="s3cret",
        allowed_updates=["message"],
    )
    ana = simulator.add_person(1001, "Ana")
    ana.say("one")
    ana.say("two")
    await simulator.until(lambda: not simulator.updates.pending())
    assert got == [("s3cret", "one")] * 3 + [("s3cret", "two")]
    info = await bot.get_webhook_info()
    assert info.pending_update_count == 0
    assert info.allowed_updates == ("message",)
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"
    await runner.cleanup()


async def test_a_webhook_that_is_not_there_keeps_its_updates(
    simulator: Simulator, bot: Bot
) -> None:
    simulator.webhook.first_wait = 0.01
    await bot.set_webhook("http://127.0.0.1:9/hook")
    simulator.add_person(1001, "Ana").say("one")
    await simulator.until(lambda: simulator.webhook.last_error is not None)
    assert "Connection failed" in str((await bot.get_webhook_info()).last_error_message)
    await bot.delete_webhook()
    assert len(await fetched(bot)) == 1
    await bot.delete_webhook(drop_pending_updates=True)
    assert await fetched(bot) == []
