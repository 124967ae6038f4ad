"""All that one simulated Telegram knows: its bot, people, chats, files, updates and faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock
from bot.simulator.buckets import Buckets, Limits
from bot.simulator.chats import Chat, Message
from bot.simulator.errors import ApiError
from bot.simulator.faults import Faults, migrated
from bot.simulator.files import Files
from bot.simulator.journal import Call, WrongCall
from bot.simulator.people import Callback, Group, Person
from bot.simulator.results import faults
from bot.simulator.updates import Updates
from bot.simulator.waiting import Changes
from bot.simulator.webhook import Webhook


@dataclass
class Commands:
    """Command menus by scope (its kind, or its kind and chat) and language."""

    _menus: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)

    def put(self, scope: str, language: str, commands: list[dict[str, str]]) -> None:
        """Set a menu; an empty one is none."""
        self._menus.pop((scope, language), None)
        if commands:
            self._menus[scope, language] = commands

    def get(self, scope: str, language: str) -> list[dict[str, str]]:
        return self._menus.get((scope, language), [])

    def menu(self, chat_id: int, language: str) -> list[dict[str, str]]:
        """What a person sees in the private chat `chat_id`."""
        for scope in (f"chat:{chat_id}", "all_private_chats", "default"):
            for spoken in (language, ""):
                if found := self.get(scope, spoken):
                    return found
        return []


class World:
    """A Telegram with one bot in it. Everything happens in one event loop, on one clock.

    `changes` is told of all that people can see, `activity` of that and of every call.
    `reply_seconds` says how long the next call (but for getUpdates) is on its way, there and back.
    `checks_itself`: what it answers and tells is held against the Bot API (see `hold`).
    """

    def __init__(
        self,
        *,
        clock: Clock,
        token: str = "42:TEST",  # noqa: S107  no secret: it opens this machine's own Telegram
        username: str = "aftercare_test_bot",
        limits: Limits | None = Limits(),  # noqa: B008  frozen
        first_update_id: int = 500_000_001,
    ) -> None:
        self.clock = clock
        self.token = token
        self.username = username
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self.chats: dict[int, Chat] = {}
        self.files = Files()
        self.activity = Changes()
        self.changes = Changes(within=self.activity)
        self.updates = Updates(clock=clock, first_id=first_update_id, activity=self.activity)
        self.webhook = Webhook()
        self.buckets = Buckets(limits)
        self.faults = Faults()
        self.commands = Commands()
        self.profile: dict[tuple[str, str], str] = {}
        self.menu_buttons: dict[int, dict[str, Any]] = {}
        self.callbacks: dict[str, Callback] = {}
        self.journal: list[Call] = []
        self.wrong_calls: list[WrongCall] = []
        self.reply_seconds: Callable[[], float] = lambda: 0.0
        self.checks_itself = True
        self._last_message_id = 0

    @property
    def bot(self) -> dict[str, Any]:
        """The bot's own user."""
        name = self.profile.get(("name", "")) or "Aftercare"
        number = int(self.token.partition(":")[0])
        return {"id": number, "is_bot": True, "first_name": name, "username": self.username}

    def add_person(
        self,
        id: int,
        first_name: str,
        *,
        last_name: str | None = None,
        username: str | None = None,
        language_code: str | None = "en",
    ) -> Person:
        """A new user, who has not opened the bot yet."""
        person = Person(
            world=self,
            id=id,
            first_name=first_name,
            last_name=last_name,
            username=username,
            language_code=language_code,
        )
        self.people[id] = person
        self.chats[id] = person.chat
        return person

    def add_group(self, id: int, title: str, *, kind: str = "group") -> Group:
        """A group (negative id) with the bot in it."""
        group = Group(world=self, chat=Chat(id=id, kind=kind, title=title))
        self.groups[id] = group
        self.chats[id] = group.chat
        return group

    def chat(self, chat_id: int | str) -> Chat:
        """The chat a call names. Raises ApiError where Telegram knows none."""
        chat = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None:
            raise ApiError("chat not found")
        return chat

    def writable(self, chat_id: int | str) -> Chat:
        """The chat a call writes to. Raises ApiError where the bot may not."""
        chat = self.chat(chat_id)
        if chat.upgraded_to is not None:
            raise migrated(chat.upgraded_to)
        if chat.refusal is not None:
            raise ApiError(chat.refusal, code=403)
        return chat

    def upgrade(self, chat: Chat, new_id: int) -> None:
        """Turn a group into the supergroup `new_id`, which goes on with its messages."""
        chat.upgraded_to = new_id
        grown = self.add_group(new_id, chat.title or "", kind="supergroup")
        grown.chat.history = chat.history

    def post(self, chat: Chat, sender: Person | None, **content: Any) -> Message:
        """A new message in a chat; from the bot if there is no sender."""
        self._last_message_id += 1
        message = Message(
            id=self._last_message_id,
            chat=chat,
            sender=sender,
            date=self.clock.now(),
            **content,
        )
        chat.history.append(message)
        chat.action = None
        self.show(message)
        return message

    def show(self, message: Message) -> None:
        """Let people see that a message is new, changed or gone."""
        message.changed = self.changes.count + 1
        self.changes.tell()

    def tell(self, kind: str, message: Message) -> None:
        """Tell the bot of a message."""
        self.updates.add(kind, message.as_json(self.bot))
        self.changes.tell()

    def tell_membership(self, person: Person, old: str, new: str) -> None:
        """Tell the bot that someone blocked it (`kicked`) or let it in again (`member`)."""

        def membership(status: str) -> dict[str, Any]:
            until = {"until_date": 0} if status == "kicked" else {}
            return {"status": status, "user": self.bot, **until}

        change = {
            "chat": person.chat.as_json(),
            "from": person.as_json(),
            "date": int(self.clock.now().timestamp()),
            "old_chat_member": membership(old),
            "new_chat_member": membership(new),
        }
        self.updates.add("my_chat_member", change)
        self.changes.tell()

    def press(self, person: Person, message: Message, data: str) -> Callback:
        """A person presses a button."""
        number = str(7_000_000_001 + len(self.callbacks))
        callback = Callback(
            id=number, person=person, message=message, data=data, pressed=self.clock.now()
        )
        self.callbacks[number] = callback
        query = {
            "id": number,
            "from": person.as_json(),
            "message": message.as_json(self.bot),
            "chat_instance": str(message.chat.id),
            "data": data,
        }
        self.updates.add("callback_query", query)
        self.changes.tell()
        return callback

    def hold(
        self, told: Any, kinds: Sequence[str], *, method: str, params: Mapping[str, Any]
    ) -> None:
        """Hold what the bot is told, after a call of `method`, against the types it should be of.

        A fault is this Telegram's own, and still a wrong call: the test that met it must fail.
        """
        if not self.checks_itself:
            return
        self.wrong_calls += [
            WrongCall(method=method, problem=fault, params=params, own=True)
            for fault in faults(kinds, told)
        ]

    async def until(self, condition: Callable[[], bool], timeout: float = 5) -> None:  # noqa: ASYNC109  tests read better
        """Wait for anything here, looked at after each call and change. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            await self.activity.until(condition)

    def calls(self, method: str, chat_id: int | None = None) -> Sequence[Call]:
        """The journal's calls of one method, into one chat if given."""
        return [
            call
            for call in self.journal
            if call.method == method and chat_id in (None, call.chat_id)
        ]
