"""What goes in and out of every use case: plain values, no Telegram and no tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from content.library import Library

if TYPE_CHECKING:
    from storage.database import Transaction

LATE = timedelta(minutes=10)
"""A message answered later than this is told when it was written."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button under a message: `action` comes back as a press (1-64 bytes), `copy` is copied."""

    label: str
    action: str | None = None
    copy: str | None = None
    style: str | None = None  # success, danger


Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message to somebody. `text` is Telegram's HTML; with `qr` a picture's caption."""

    account: int
    text: str
    buttons: Rows = ()
    qr: str | None = None
    """An address to draw as a QR code."""
    protect: bool = False
    """Staff receive what concerns a patient so that it cannot be forwarded."""
    alert: int | None = None
    """The alert a member of staff is told of by it: kept beside the message, not in it."""

    def dumps(self) -> str:
        fields = asdict(self)
        del fields["alert"]
        return json.dumps(fields, ensure_ascii=False)

    @classmethod
    def loads(cls, payload: str) -> Outgoing:
        fields = json.loads(payload)
        rows = tuple(tuple(Button(**button) for button in row) for row in fields.pop("buttons"))
        return cls(buttons=rows, **fields)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """The pressed message, changed: best effort, nothing depends on it. No `text`: as it was."""

    text: str | None = None
    buttons: Rows = ()


@dataclass(frozen=True, kw_only=True)
class Toast:
    """A few words shown over the chat after a press: best effort."""

    text: str


@dataclass(frozen=True, kw_only=True)
class NewMenu:
    """The command menu of this account has changed: best effort, the team's set at every start.

    `language`: of a patient who chose another one than their Telegram speaks.
    """

    account: int
    language: str | None = None


Reaction = Outgoing | Edit | Toast | NewMenu


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """What somebody wrote or pressed."""

    account: int
    sender: str
    """The name they gave themselves on Telegram."""
    language: str
    text: str
    """The words; of a command what follows it; of a press the button's action."""
    written_at: datetime


@dataclass(frozen=True)
class Desk:
    """What every use case needs and none changes."""

    library: Library
    bot_username: str

    def say(self, language: str, key: str, /, **values: object) -> Markup:
        """A text in the reader's language, its values escaped."""
        return self.library.texts.say(language, key, **values)

    def link(self, code: str) -> str:
        """The address that opens the bot with `code`."""
        return start_link(self.bot_username, code)


def start_link(username: str, code: str) -> str:
    """The address that opens the bot of this name with `code`."""
    return f"https://t.me/{username}?start={code}"


Handle = Callable[["Desk", "Transaction", Incoming, datetime], Sequence[Reaction]]
"""One use case at the door: whole in one transaction, never speaking to Telegram itself."""


def numbers(action: str) -> list[int]:
    """The numbers in a button's action: `draft:12:3` holds 12 and 3; at least one, 0 if none.

    A client may send any action it likes, so nothing is taken for granted.
    """
    found = [int(part) for part in action.split(":") if part.isdecimal() and len(part) < 19]
    return found or [0]
