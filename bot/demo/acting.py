"""What people do in their chats, as the page asks for it: a name and a JSON object."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from bot.demo.stage import Stage
from bot.simulator.chats import Message
from bot.simulator.people import Person

Asked = Mapping[str, Any]
PICTURES = ("png", "jpg", "jpeg")


def _say(person: Person, asked: Asked) -> None:
    reply_to = _message(person, asked["reply_to"]) if asked.get("reply_to") else None
    person.say(_words(asked), reply_to=reply_to)


def _edit(person: Person, asked: Asked) -> None:
    person.edit(_message(person, asked["message"]), _words(asked))


def _open(person: Person, asked: Asked) -> None:
    if link := asked.get("link"):
        person.open_link(str(link))
    else:
        person.open()


def _press(person: Person, asked: Asked) -> None:
    person.press(str(asked["label"]), message=_message(person, asked["message"]))


def _block(person: Person, _: Asked) -> None:
    person.block()


def _unblock(person: Person, _: Asked) -> None:
    person.unblock()


def _attach(person: Person, asked: Asked) -> None:
    try:
        content = base64.b64decode(asked["content"], validate=True)
    except binascii.Error:
        raise ValueError("That file did not arrive whole.") from None
    if not content:
        raise ValueError("That file is empty.")
    name, caption = str(asked["name"]), str(asked.get("caption", ""))
    if name.rpartition(".")[2].lower() in PICTURES:
        person.send_photo(content, caption)
    else:
        person.send_document(content, name, caption)


def _words(asked: Asked) -> str:
    text = str(asked["text"])
    if not text.strip():
        raise ValueError("There is nothing to send.")
    return text


def _message(person: Person, number: int) -> Message:
    message = person.chat.find(number)
    if message is None:
        raise ValueError("That message is gone.")
    return message


ACTIONS: Mapping[str, Callable[[Person, Asked], None]] = {
    "say": _say,
    "edit": _edit,
    "open": _open,
    "press": _press,
    "block": _block,
    "unblock": _unblock,
    "attach": _attach,
}


def act(stage: Stage, name: str, asked: Asked) -> None:
    """Let `asked["person"]` do it.

    Raises LookupError, ValueError or RuntimeError, in words, if that cannot be done.
    """
    ACTIONS[name](stage.person(asked["person"]), asked)
