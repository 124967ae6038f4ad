"""The people who use the bot, and the groups it is in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from bot.simulator.chats import Chat, Message
from bot.simulator.files import File, picture_size
from bot.simulator.html import Formatted, detected, trimmed

if TYPE_CHECKING:
    from bot.simulator.world import World

BLOCKED = "bot was blocked by the user"
DEACTIVATED = "user is deactivated"
NEVER_STARTED = "bot can't initiate conversation with a user"
KICKED = "bot was kicked from the group chat"
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NotShown(LookupError):
    """What the person was to use is not on their screen."""


@dataclass(kw_only=True, eq=False)
class Callback:
    """A button that was pressed, until and after the bot answered it."""

    id: str
    person: Person
    message: Message
    data: str
    pressed: datetime
    answered: bool = False


@dataclass(kw_only=True, eq=False)
class Group:
    """A group with the bot in it."""

    world: World
    chat: Chat

    @property
    def messages(self) -> list[Message]:
        return self.chat.messages

    def upgrade(self, new_id: int) -> None:
        """Become a supergroup: calls to the old id are answered with the new one."""
        self.world.upgrade(self.chat, new_id)

    def remove_bot(self) -> None:
        """The bot is thrown out."""
        self.chat.refusal = KICKED


@dataclass(kw_only=True, eq=False)
class Person:
    """One user of Telegram and their chat with the bot."""

    world: World
    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = "en"
    chat: Chat = field(init=False)
    toasts: list[str] = field(default_factory=list)
    _awaited: int = 0

    def __post_init__(self) -> None:
        self.chat = Chat(id=self.id, kind="private", person=self, refusal=NEVER_STARTED)

    def as_json(self) -> dict[str, Any]:
        optional = {
            "last_name": self.last_name,
            "username": self.username,
            "language_code": self.language_code,
        }
        told = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        return told | {name: value for name, value in optional.items() if value}

    # What the person sees.

    @property
    def messages(self) -> list[Message]:
        """The chat, oldest first; deleted messages are gone (`chat.history` has them)."""
        return self.chat.messages

    @property
    def received(self) -> list[Message]:
        """What the bot wrote, of what is still to be seen."""
        return [message for message in self.messages if message.from_bot]

    @property
    def commands(self) -> list[dict[str, str]]:
        """The command menu: the narrowest scope that has one, own language first."""
        return self.world.commands.menu(self.id, self.language_code or "")

    @property
    def has_blocked(self) -> bool:
        return self.chat.refusal == BLOCKED

    async def next_message(self, timeout: float = 5) -> Message:  # noqa: ASYNC109  tests read better
        """The bot's next message after those already awaited. Raises TimeoutError with the chat."""

        def arrived() -> list[Message]:
            return [one for one in self.chat.history if one.from_bot][self._awaited :]

        await self.until(lambda: bool(arrived()), timeout=timeout)
        message = arrived()[0]
        self._awaited += 1
        return message

    async def until(self, condition: Callable[[], bool], timeout: float = 5) -> None:  # noqa: ASYNC109  tests read better
        """Wait for anything, looked at after each change. Raises TimeoutError with the chat."""
        try:
            await self.world.until(condition, timeout)
        except TimeoutError:
            shown = f"{self.first_name} waited {timeout} s in vain; {self.chat}"
            raise TimeoutError(shown) from None

    def skip(self) -> None:
        """Count all that has arrived so far as awaited."""
        self._awaited = sum(message.from_bot for message in self.chat.history)

    # What the person does.

    def say(self, text: str, *, reply_to: Message | None = None) -> Message:
        """Type a text."""
        shown = detected(trimmed(text, []))
        return self._send(self.chat, shown=shown, reply_to=reply_to)

    def say_in_group(self, group: Group, text: str) -> Message:
        """Type a text in a group that the bot is in."""
        return self._send(group.chat, shown=detected(trimmed(text, [])))

    def open(self, code: str = "") -> Message:
        """Press Start, or open the link with this code; who had blocked the bot lets it in again.

        Raises ValueError for a code that no link can carry.
        """
        if code and not _PAYLOAD.fullmatch(code):
            raise ValueError(f"a link carries 1-64 of A-Z a-z 0-9 _ -, not {code!r}")
        if self.has_blocked:
            self.unblock()
        return self.say(f"/start {code}".strip())

    def open_link(self, url: str) -> Message:
        """Follow a https://t.me/<bot>?start=<code> link. Raises ValueError for any other."""
        parts = urlsplit(url)
        if parts.netloc != "t.me" or parts.path.strip("/") != self.world.username:
            raise ValueError(f"{url!r} does not lead to @{self.world.username}")
        return self.open(parse_qs(parts.query).get("start", [""])[0])

    def press(self, label: str, *, message: Message | None = None) -> Callback:
        """Press a button of the newest message that has it, or of the one given.

        Raises NotShown when there is none, listing those that are.
        """
        shown = [message] if message else list(reversed(self.messages))
        for one in shown:
            button = None if one.deleted else one.button(label)
            if button and button.callback_data is not None:
                self._must_be_able_to_write(one.chat)
                return self.world.press(self, one, button.callback_data)
        labels = [name for one in shown for name in one.labels]
        raise NotShown(f"{self.first_name} sees no button {label!r} to press, but {labels}")

    def edit(self, message: Message, text: str) -> None:
        """Change an own message. Raises ValueError for a message of someone else."""
        if message.sender is not self:
            raise ValueError(f"{self.first_name} did not write {message.text!r}")
        shown = detected(trimmed(text, []))
        message.text, message.html, message.entities = shown.text, "", shown.entities
        message.edited = self.world.clock.now()
        self.world.show(message)
        self.world.tell("edited_message", message)

    def block(self) -> None:
        """Block the bot."""
        self._change_membership("member", "kicked", BLOCKED)

    def unblock(self) -> None:
        """Let the bot in again."""
        self._change_membership("kicked", "member", None)

    def delete_account(self) -> None:
        """Leave Telegram; bots are not told."""
        self.chat.refusal = DEACTIVATED
        self.world.changes.tell()

    def send_photo(self, content: bytes, caption: str = "") -> Message:
        file = self.world.files.store("photos", "photo.jpg", content, "image/jpeg")
        width, height = picture_size(content) or (800, 600)
        body = [file.as_json() | {"width": width, "height": height}]
        return self._send_file("photo", file, body, caption)

    def send_document(
        self, content: bytes, file_name: str = "document.pdf", caption: str = ""
    ) -> Message:
        file = self.world.files.store("documents", file_name, content, "application/pdf")
        body = file.as_json() | {"file_name": file_name, "mime_type": file.content_type}
        return self._send_file("document", file, body, caption)

    def send_voice(self, content: bytes = b"voice", duration: int = 3) -> Message:
        """A voice message of `duration` seconds."""
        file = self.world.files.store("voice", "voice.oga", content, "audio/ogg")
        body = file.as_json() | {"duration": duration, "mime_type": file.content_type}
        return self._send_file("voice", file, body)

    def send_video(self, content: bytes = b"video", caption: str = "") -> Message:
        file = self.world.files.store("videos", "video.mp4", content, "video/mp4")
        body = file.as_json() | {"width": 640, "height": 480, "duration": 3}
        return self._send_file("video", file, body, caption)

    def send_sticker(self, emoji: str = "👍") -> Message:
        file = self.world.files.store("stickers", "sticker.webp", b"sticker", "image/webp")
        body = file.as_json() | {
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
            "emoji": emoji,
        }
        return self._send_file("sticker", file, body)

    def send_location(self, latitude: float = 51.5, longitude: float = -0.1) -> Message:
        body = {"latitude": latitude, "longitude": longitude}
        return self._send(self.chat, kind="location", body=body)

    def _send_file(self, kind: str, file: File, body: Any, caption: str = "") -> Message:
        shown = detected(trimmed(caption, []))
        return self._send(self.chat, shown=shown, kind=kind, body=body, file=file)

    def _send(
        self,
        chat: Chat,
        *,
        shown: Formatted | None = None,
        kind: str = "text",
        body: Any = None,
        file: File | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        self._must_be_able_to_write(chat)
        if chat.refusal == NEVER_STARTED:
            chat.refusal = None
        shown = shown or Formatted(text="", entities=[])
        message = self.world.post(
            chat, self, kind=kind, text=shown.text, entities=shown.entities, body=body, file=file
        )
        message.reply_to = reply_to
        self.world.tell("message", message)
        return message

    def _must_be_able_to_write(self, chat: Chat) -> None:
        """Telegram's apps offer no way to write to a bot that is blocked."""
        if chat is self.chat and chat.refusal in (BLOCKED, DEACTIVATED):
            raise RuntimeError(f"{self.first_name} cannot write: {chat.refusal}")

    def _change_membership(self, old: str, new: str, refusal: str | None) -> None:
        self.chat.refusal = refusal
        self.world.tell_membership(self, old, new)
