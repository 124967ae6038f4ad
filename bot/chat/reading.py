"""From Telegram's update to plain values."""

from __future__ import annotations

from datetime import UTC, datetime

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


def _when(message: Message) -> datetime:
    return (message.edit_date or message.date).astimezone(UTC)
