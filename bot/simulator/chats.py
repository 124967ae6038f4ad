"""Chats and the messages in them, as people see them and as the Bot API tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.simulator.files import File
from bot.simulator.html import Entity

if TYPE_CHECKING:
    from bot.simulator.people import Person

# Kinds of messages whose text is a caption and goes by that name.
CAPTIONED = {"photo", "document", "voice", "video"}


@dataclass(frozen=True, kw_only=True)
class Button:
    """One inline button, as it is shown."""

    label: str
    callback_data: str | None = None
    url: str | None = None
    copy_text: str | None = None
    style: str | None = None

    @classmethod
    def from_json(cls, button: Mapping[str, Any]) -> Button:
        return cls(
            label=button["text"],
            callback_data=button.get("callback_data"),
            url=button.get("url"),
            copy_text=button.get("copy_text", {}).get("text"),
            style=button.get("style"),
        )


@dataclass(kw_only=True, eq=False)
class Message:
    """One message. `text` is the caption where the kind is not `text`; `sender` None is the bot."""

    id: int
    chat: Chat
    sender: Person | None
    date: datetime
    kind: str = "text"
    text: str = ""
    html: str = ""
    entities: list[Entity] = field(default_factory=list)
    body: Any = None
    file: File | None = None
    markup: Mapping[str, Any] | None = None
    protected: bool = False
    silent: bool = False
    reply_to: Message | None = None
    edited: datetime | None = None
    deleted: bool = False
    changed: int = 0
    """The number of the change of the world with which it came to look as it does."""

    def __str__(self) -> str:
        who = self.sender.first_name if self.sender else "bot"
        kind = "" if self.kind == "text" else f"[{self.kind}] "
        rows = "".join(f"\n    [{'] ['.join(b.label for b in row)}]" for row in self.buttons)
        return f"{who}: {kind}{self.text}{rows}"

    @property
    def from_bot(self) -> bool:
        return self.sender is None

    @property
    def buttons(self) -> list[list[Button]]:
        """The inline buttons, by row."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return [[Button.from_json(button) for button in row] for row in rows]

    @property
    def labels(self) -> list[str]:
        """The labels of all buttons, in reading order."""
        return [button.label for row in self.buttons for button in row]

    def button(self, label: str) -> Button | None:
        return next((b for row in self.buttons for b in row if b.label == label), None)

    @property
    def photo(self) -> bytes | None:
        return self.file.content if self.file and self.kind == "photo" else None

    @property
    def document(self) -> bytes | None:
        return self.file.content if self.file and self.kind == "document" else None

    @property
    def file_name(self) -> str | None:
        return self.file.name if self.file else None

    def as_json(self, bot: Mapping[str, Any]) -> dict[str, Any]:
        """The message as the Bot API shows it; `bot` is the bot's own user."""
        told: dict[str, Any] = {
            "message_id": self.id,
            "from": self.sender.as_json() if self.sender else dict(bot),
            "chat": self.chat.as_json(),
            "date": int(self.date.timestamp()),
            **self._content(),
        }
        if self.edited:
            told["edit_date"] = int(self.edited.timestamp())
        if self.markup:
            told["reply_markup"] = dict(self.markup)
        if self.protected:
            told["has_protected_content"] = True
        if self.reply_to:
            told["reply_to_message"] = self.reply_to.without_reply().as_json(bot)
        return told

    def without_reply(self) -> Message:
        """As it is quoted: Telegram shows one level of replies only."""
        return Message(**{**self.__dict__, "reply_to": None})

    def _content(self) -> dict[str, Any]:
        if self.kind == "text":
            return {"text": self.text, **({"entities": self.entities} if self.entities else {})}
        content: dict[str, Any] = {self.kind: self.body}
        if self.text:
            content["caption"] = self.text
        if self.entities:
            content["caption_entities"] = self.entities
        return content


@dataclass(kw_only=True, eq=False)
class Chat:
    """One chat of the bot, with a person or a group; `refusal` says why the bot cannot write."""

    id: int
    kind: str
    title: str | None = None
    person: Person | None = None
    history: list[Message] = field(default_factory=list)
    refusal: str | None = None
    upgraded_to: int | None = None
    action: str | None = None

    @property
    def messages(self) -> list[Message]:
        """What is to be seen in it."""
        return [message for message in self.history if not message.deleted]

    def find(self, message_id: int) -> Message | None:
        """A message that is still there."""
        for message in reversed(self.history):
            if message.id == message_id:
                return None if message.deleted else message
        return None

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"id": self.id, "type": self.kind}
        if self.person:
            named = self.person.as_json()
            told |= {k: named[k] for k in ("first_name", "last_name", "username") if k in named}
        else:
            told["title"] = self.title
        return told

    def __str__(self) -> str:
        shown = "\n".join(f"  {message}" for message in self.messages[-8:])
        return f"the chat {self.id} shows:\n{shown or '  nothing'}"
