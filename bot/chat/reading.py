"""From Telegram's update to plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telegram import Message, Update

from bot.care.values import Incoming


def written(update: Update) -> Incoming | None:
    """A message, new or edited: its words, or its picture's caption; None for anything else."""
    message, user = update.effective_message, update.effective_user
    if message is None or user is None:
        return None
    return Incoming(
        account=message.chat.id,
        sender=user.full_name,
        language=user.language_code or "",
        text=message.text or message.caption or "",
        written_at=_when(message),
    )


def pressed(update: Update, now: datetime) -> Incoming | None:
    """A button; None if Telegram does not say which."""
    query = update.callback_query
    if query is None or query.data is None:
        return None
    return Incoming(
        account=query.from_user.id,
        sender=query.from_user.full_name,
        language=query.from_user.language_code or "",
        text=query.data,
        written_at=now,
    )


def argument(text: str) -> str:
    """What follows a command, lines and all."""
    parts = text.split(maxsplit=1)
    return parts[1] if len(parts) > 1 else ""


def chat_of(update: dict[str, Any]) -> int | None:
    """The chat a raw update belongs to: what its order is kept by."""
    for kind in ("message", "edited_message", "my_chat_member", "callback_query"):
        body = update.get(kind)
        if not isinstance(body, dict):
            continue
        message = body.get("message")
        inner = message.get("chat") if isinstance(message, dict) else None
        for holder in (body.get("chat"), inner, body.get("from")):
            if isinstance(holder, dict) and is_id(holder.get("id")):
                return int(holder["id"])
    return None


def is_id(value: object) -> bool:
    """Whether Telegram could have given this as an id: it fits 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _when(message: Message) -> datetime:
    return (message.edit_date or message.date).astimezone(UTC)
