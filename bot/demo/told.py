"""What the page is told of people and their chats, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.demo.cast import Actor
from bot.simulator.chats import Message
from bot.simulator.people import Person

SHOWN = 200
"""Messages of a chat that are told at the most."""
GLIMPSE = 80
"""Letters of a message, where only a glimpse of it is shown."""


def milliseconds(moment: datetime) -> int:
    """Since 1970, UTC: what JavaScript counts in."""
    return round(moment.timestamp() * 1000)


def person(actor: Actor, seen: Person) -> dict[str, Any]:
    """A line of the list of people."""
    messages = seen.messages
    last = messages[-1] if messages else None
    return {
        "id": actor.id,
        "name": actor.name,
        "role": actor.role,
        "language": actor.language,
        "spoken": actor.spoken,
        "timezone": actor.timezone,
        "blocked": seen.has_blocked,
        "started": bool(messages),
        "received": sum(message.from_bot for message in messages),
        "last": {
            "text": _glimpse(last),
            "date": milliseconds(last.date),
            "from_bot": last.from_bot,
        }
        if last
        else None,
    }


def chat(seen: Person, held: int, now: int) -> dict[str, Any]:
    """A chat that is on the screen, or what became of it since the number `held` (-1: all)."""
    whole = held < 0
    messages = seen.messages
    shown = messages[-SHOWN:]
    return {
        "held": now,
        "whole": whole,
        "earlier": len(messages) - len(shown),
        "messages": [message(one) for one in shown if one.changed > held],
        "gone": []
        if whole
        else [one.id for one in seen.chat.history if one.deleted and one.changed > held],
        "commands": seen.commands,
        "toasts": len(seen.toasts),
        "toast": seen.toasts[-1] if seen.toasts else None,
        "typing": seen.chat.action is not None,
    }


def message(one: Message) -> dict[str, Any]:
    """A message as it is seen."""
    file, replied = one.file, one.reply_to
    return {
        "id": one.id,
        "from_bot": one.from_bot,
        "sender": one.sender.first_name if one.sender else None,
        "date": milliseconds(one.date),
        "kind": one.kind,
        "text": one.text,
        "entities": one.entities,
        "edited": one.edited is not None,
        "protected": one.protected,
        "file": {"id": file.id, "name": file.name} if file else None,
        "reply_to": {"id": replied.id, "text": _glimpse(replied)} if replied else None,
        "buttons": [
            [{name: value for name, value in vars(button).items() if value} for button in row]
            for row in one.buttons
        ],
    }


def _glimpse(one: Message) -> str:
    return one.text[:GLIMPSE] or f"[{one.kind}]"
