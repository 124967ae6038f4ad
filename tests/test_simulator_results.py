"""What the simulator answers and tells, held against the Bot API; and what it does not do."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from inspect import isawaitable
from typing import Any

import aiohttp
import pytest

from bot.clock import MovableClock
from bot.simulator import Simulator, gaps
from bot.simulator.derive_spec import TOLD
from bot.simulator.journal import WrongCall
from bot.simulator.methods import METHODS
from bot.simulator.people import Group, Person
from bot.simulator.results import faults, returned
from bot.simulator.spec import Upload, bot_api, check

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 300, 200) + b"\x08\x02\0\0\0"
KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
ANA = 1001

Given = dict[str, Any]


@pytest.fixture
async def simulator(clock: MovableClock) -> AsyncIterator[Simulator]:
    """Tests plant faults in it, and look at them themselves."""
    async with Simulator(clock=clock, limits=None) as simulator:
        yield simulator


@pytest.fixture
async def session(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"{simulator.url}/bot{simulator.token}/") as session:
        yield session


@pytest.fixture
def ana(simulator: Simulator) -> Person:
    ana = simulator.add_person(ANA, "Ana", last_name="López", username="ana_l")
    ana.open("code")
    return ana


async def call(session: aiohttp.ClientSession, method: str, **params: Any) -> Any:
    """The answer, whole."""
    async with session.post(method, json=params) as answer:
        return await answer.json()


def own(simulator: Simulator) -> list[tuple[str, str]]:
    return [(wrong.method, wrong.problem) for wrong in simulator.wrong_calls if wrong.own]


# --- the check


def user(**changed: Any) -> Given:
    return {"id": 1, "is_bot": False, "first_name": "Ana"} | changed


def message(**changed: Any) -> Given:
    chat = {"id": 1, "type": "private", "first_name": "Ana"}
    return {"message_id": 1, "date": 0, "chat": chat, "from": user(), "text": "x"} | changed


def membership(**member: Any) -> Given:
    before = {"status": "member", "user": user()}
    change = {"chat": {"id": 1, "type": "private"}, "from": user(), "date": 0}
    return change | {"old_chat_member": before, "new_chat_member": {"user": user(), **member}}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Boolean", True),
        ("User", user(last_name="López")),
        ("Message", message(reply_markup=KEYBOARD)),
        ("Message", message(reply_to_message=message())),
        ("Message", message(location={"latitude": 51, "longitude": -0.1})),
        ("Array of Update", []),
        ("Array of Update", [{"update_id": 1, "message": message()}]),
        ("CallbackQuery", {"id": "1", "from": user(), "chat_instance": "1", "message": message()}),
        ("ChatMemberUpdated", membership(status="member")),
        ("ChatMemberUpdated", membership(status="kicked", until_date=0)),
    ],
)
def test_what_telegram_tells_has_no_fault(kind: str, value: object) -> None:
    assert faults([kind], value) == []


@pytest.mark.parametrize(
    ("kind", "value", "fault"),
    [
        ("Boolean", 1, "Boolean must be Boolean, not 1"),
        ("User", user(name="Ana"), "User (User) has no field 'name'"),
        ("User", {"id": 1, "is_bot": False}, "User (User) lacks 'first_name'"),
        ("User", user(id="1"), "User.id must be Integer, not '1'"),
        ("User", user(id=True), "User.id must be Integer, not True"),
        ("User", user(last_name=None), "User.last_name must be String, not None"),
        ("Message", None, "Message must be Message, not None"),
        ("Message", message(chat={"id": 1, "type": "room"}),
         "Message.chat.type is outside {'values': ['private', 'group', 'supergroup', 'channel']}: "
         "'room'"),
        ("Message", message(photo={}), "Message.photo must be Array of PhotoSize, not {}"),
        ("Message", message(photo=[{"file_id": "a", "file_unique_id": "b", "width": 1}]),
         "Message.photo[0] (PhotoSize) lacks 'height'"),
        ("Message", message(entities=[{"type": "bold", "offset": 0, "length": 1.5}]),
         "Message.entities[0].length must be Integer, not 1.5"),
        ("Message", message(reply_markup={"inline_keyboard": [[{"callback_data": "a"}]]}),
         "Message.reply_markup.inline_keyboard[0][0] (InlineKeyboardButton) lacks 'text'"),
        ("Message", message(poll={}),
         "Message.poll: Poll is not described; name it in TOLD of derive_spec.py"),
        ("Array of Update", [{"update_id": 1, "message": message(text=5)}],
         "Array of Update[0].message.text must be String, not 5"),
        ("Update", {"update_id": 1, "letter": message()}, "Update (Update) has no field 'letter'"),
        ("ChatMemberUpdated", membership(status="kicked", until_date=None),
         "ChatMemberUpdated.new_chat_member.until_date must be Integer, not None"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_is_found_where_it_is(kind: str, value: object, fault: str) -> None:
    assert faults([kind], value) == [fault]


def test_an_object_in_the_place_of_an_object_or_true_is_held_against_the_object() -> None:
    kinds = returned("editMessageText")
    assert faults(kinds, True) == []
    assert faults(kinds, message()) == []
    assert faults(kinds, message(date="now", colour=1)) == [
        "Message.date must be Integer, not 'now'",
        "Message (Message) has no field 'colour'",
    ]
    assert faults(kinds, "yes") == ["Message must be Message, not 'yes'"]


# --- the data


def named(types: list[str]) -> set[str]:
    return {kind.replace("Array of ", "") for kind in types}


def test_every_simulated_method_has_a_return_type_that_is_described() -> None:
    described = {*bot_api()["told"], *bot_api()["types"], "Boolean"}
    assert bot_api()["results"].keys() == METHODS.keys()
    for method in METHODS:
        assert named(list(returned(method))) <= described


def test_no_type_is_described_that_nothing_leads_to() -> None:
    told = bot_api()["told"]
    assert {*told} == TOLD
    found: set[str] = set()
    waiting = {"Update", "ResponseParameters"}.union(*(named(returned(one)) for one in METHODS))  # type: ignore[arg-type]
    while waiting:
        kind = waiting.pop()
        if kind in told and kind not in found:
            found.add(kind)
            waiting |= set(told[kind].get("subtypes", ()))
            for field in told[kind].get("fields", {}).values():
                waiting |= named(field["types"])
    assert found == {*told}


# --- the simulator looks at itself


async def test_a_planted_fault_of_an_answer_is_a_wrong_call(
    simulator: Simulator, session: aiohttp.ClientSession, ana: Person
) -> None:
    simulator.chats[ANA].kind = "room"
    assert (await call(session, "sendMessage", chat_id=ANA, text="x"))["ok"]
    (wrong,) = simulator.wrong_calls
    assert (wrong.method, wrong.params, wrong.own) == (
        "sendMessage",
        {"chat_id": ANA, "text": "x"},
        True,
    )
    assert wrong.problem.startswith("Message.chat.type is outside")


async def test_a_planted_fault_of_an_update_is_found_when_it_is_fetched(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    simulator.add_person(ANA, None).say("hello")  # type: ignore[arg-type]  # the fault
    await call(session, "getUpdates")
    assert own(simulator) == [
        ("getUpdates", "Array of Update[0].message.from.first_name must be String, not None"),
        ("getUpdates", "Array of Update[0].message.chat.first_name must be String, not None"),
    ]


async def test_a_planted_fault_of_an_update_is_found_when_it_is_posted(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    await call(session, "setWebhook", url=f"{simulator.url}/nowhere")
    simulator.updates.add("letter", {})
    simulator.changes.tell()
    await simulator.until(lambda: bool(simulator.wrong_calls))
    assert own(simulator)[0] == ("setWebhook", "Update (Update) has no field 'letter'")


async def test_a_planted_fault_of_a_refusal_is_found(
    simulator: Simulator, session: aiohttp.ClientSession, ana: Person
) -> None:
    simulator.faults.add("too_many_requests", retry_after="soon")  # type: ignore[arg-type]
    await call(session, "sendMessage", chat_id=ANA, text="x")
    assert own(simulator) == [
        ("sendMessage", "ResponseParameters.retry_after must be Integer, not 'soon'")
    ]


async def test_it_does_not_look_when_told_not_to(
    simulator: Simulator, session: aiohttp.ClientSession, ana: Person
) -> None:
    simulator.checks_itself = False
    simulator.chats[ANA].kind = "room"
    await call(session, "sendMessage", chat_id=ANA, text="x")
    assert simulator.wrong_calls == []


# --- all that it does


class Reading(Mapping[str, Any]):
    """Parameters that note which of them are looked at."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("one by one: `gaps.IGNORED` cannot be told otherwise")

    def __len__(self) -> int:
        return len(self._given)


def every_call(simulator: Simulator, ana: Person) -> Iterator[tuple[str, Given]]:
    """Each method once, when it is asked for: in a chat where a text and a picture were sent."""
    file = Upload(name="a.png", content=PNG, content_type="image/png")
    chat = {"chat_id": ANA}
    yield "sendMessage", chat | {"text": "x", "reply_markup": KEYBOARD}
    text = chat | {"message_id": ana.messages[-1].id}
    yield "answerCallbackQuery", {"callback_query_id": ana.press("Yes").id, "text": "ok"}
    yield "editMessageText", text | {"text": "y"}
    yield "editMessageReplyMarkup", text | {"reply_markup": KEYBOARD}
    yield "sendPhoto", chat | {"photo": file, "caption": "/one", "protect_content": True}
    yield "editMessageCaption", chat | {"message_id": ana.messages[-1].id, "caption": "two"}
    yield "getFile", {"file_id": "file-1"}
    yield "sendDocument", chat | {"document": file, "reply_parameters": {"message_id": 1}}
    yield "deleteMessage", text
    yield "sendChatAction", chat | {"action": "typing"}
    yield "getChat", chat
    yield "setMyCommands", {"commands": [{"command": "help", "description": "Help"}]}
    yield "setWebhook", {"url": "https://a.example/hook", "allowed_updates": ["message"]}
    simulator.webhook.last_error, simulator.webhook.last_error_at = "x", simulator.clock.now()
    yield "getWebhookInfo", {}
    yield "deleteWebhook", {}
    yield "getUpdates", {}
    for method in ("getMe", "getMyCommands", "deleteMyCommands", "logOut", "close"):
        yield method, {}
    for method in ("setMyName", "setMyDescription", "setMyShortDescription", "setChatMenuButton"):
        yield method, {}


async def test_every_answer_is_as_telegrams_and_what_is_not_looked_at_is_listed(
    simulator: Simulator, ana: Person
) -> None:
    ignored = {}
    for method, given in every_call(simulator, ana):
        params = Reading(given)
        result = METHODS[method](simulator, params)
        result = await result if isawaitable(result) else result
        assert faults(returned(method), result) == [], method
        ignored[method] = bot_api()["methods"][method].keys() - params.read
    assert ignored.keys() == METHODS.keys()
    assert {method: names for method, names in ignored.items() if names} == gaps.IGNORED


ACTIONS: dict[str, Callable[[Person], object]] = {
    "say": lambda ana: ana.say("https://a.example /help @ana_l?", reply_to=ana.messages[0]),
    "say_in_group": lambda ana: ana.say_in_group(ana.world.add_group(-5, "Desk"), "hello"),
    "open": lambda ana: ana.open("code"),
    "open_link": lambda ana: ana.open_link(f"https://t.me/{ana.world.username}?start=x"),
    "press": lambda ana: ana.press("Yes"),
    "edit": lambda ana: ana.edit(ana.messages[0], "sorry"),
    "block": lambda ana: ana.block(),
    "unblock": lambda ana: ana.unblock(),
    "send_photo": lambda ana: ana.send_photo(PNG, caption="look at https://a.example"),
    "send_document": lambda ana: ana.send_document(b"pdf"),
    "send_voice": lambda ana: ana.send_voice(),
    "send_video": lambda ana: ana.send_video(),
    "send_sticker": lambda ana: ana.send_sticker(),
    "send_location": lambda ana: ana.send_location(),
    "skip": lambda ana: ana.skip(),
    "delete_account": lambda ana: ana.delete_account(),
}  # fmt: skip
SEEING = {"next_message", "until", "as_json"}


def test_no_action_of_a_person_is_left_out() -> None:
    public = {name for name, one in vars(Person).items() if callable(one) and name[0] != "_"}
    assert public - SEEING == ACTIONS.keys()


async def test_every_update_is_as_telegrams_and_no_other_is_told(
    simulator: Simulator, session: aiohttp.ClientSession, ana: Person
) -> None:
    await call(
        session, "sendMessage", chat_id=ANA, text="?", reply_markup=KEYBOARD, protect_content=True
    )
    for act in ACTIONS.values():
        act(ana)
    updates = (await call(session, "getUpdates"))["result"]
    assert simulator.wrong_calls == []
    assert {kind for one in updates for kind in one} == {"update_id", *gaps.UPDATES}
    messages = [one.get("message") or one.get("edited_message") for one in updates]
    messages += [one["callback_query"]["message"] for one in updates if "callback_query" in one]
    assert {name for one in messages if one for name in one} == gaps.OF_MESSAGE


async def test_a_group_is_not_told_to_have_changed(simulator: Simulator) -> None:
    group: Group = simulator.add_group(-5, "Desk")
    group.upgrade(-1005)
    group.remove_bot()
    assert simulator.updates.pending() == []


async def test_getme_tells_all_that_only_it_tells(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    of_people = {"last_name", "language_code", "is_premium", "added_to_attachment_menu"}
    told = (await call(session, "getMe"))["result"]
    assert told.keys() == bot_api()["types"]["User"]["fields"].keys() - of_people


# --- what it does not do


REFUSED: dict[str, tuple[str, Given, str]] = {
    "methods of the Bot API that are not in `METHODS`": (
        "getMyName", {}, "method is not simulated: getMyName"),
    "MarkdownV2 and Markdown": (
        "sendMessage", {"text": "*x*", "parse_mode": "MarkdownV2"}, "unsupported parse_mode"),
    "reply keyboards and forced replies": (
        "sendMessage", {"text": "x", "reply_markup": {"force_reply": True}},
        "reply keyboards are not simulated"),
    "inline messages (`inline_message_id`)": (
        "editMessageText", {"text": "x", "inline_message_id": "5"},
        "inline messages are not simulated"),
    "files by web address": (
        "sendPhoto", {"photo": "https://a.example/a.png"}, "wrong file identifier"),
    "rich messages": (
        "editMessageText", {"message_id": 1, "rich_message": {"html": "x"}},
        "rich messages are not simulated"),
    "more than 100 entities in a text, of which Telegram drops the rest": (
        "sendMessage", {"text": "<b>a</b> " * 101, "parse_mode": "HTML"},
        "can't parse entities: too many entities"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_listed_as_refused_is_refused(
    simulator: Simulator, session: aiohttp.ClientSession, ana: Person, what: str
) -> None:
    method, given, words = REFUSED[what]
    params = {"chat_id": ANA, **given} if "chat_id" in bot_api()["methods"][method] else given
    assert not [problem.what for problem in check(method, params, {}).problems]
    answer = await call(session, method, **params)
    assert answer["description"].startswith(f"Bad Request: {words}")
    (wrong,) = simulator.wrong_calls
    assert isinstance(wrong, WrongCall)
    assert not wrong.own


def test_nothing_else_is_listed_as_refused() -> None:
    listed = [line[2:] for line in (gaps.__doc__ or "").splitlines() if line.startswith("- ")]
    assert listed == list(REFUSED)


async def test_every_method_that_is_not_simulated_is_refused(
    simulator: Simulator, session: aiohttp.ClientSession
) -> None:
    others = [name for name in bot_api()["methods"] if name not in METHODS]
    for method in others:
        assert not (await call(session, method))["ok"]
    assert {wrong.method for wrong in simulator.wrong_calls} == {*others}
