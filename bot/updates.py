"""Updates as Telegram sends them, before anybody reads them: fetched or posted, they are kept."""

from __future__ import annotations

import json
import re
from typing import Any

Row = tuple[int, int | None, str]
"""(update_id, account, payload), as `storage.inbox` keeps it."""

_ESCAPED = re.compile(
    r"(\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\u(?:d[89a-f][0-9a-f]{2}|0000)"
)
"""In JSON of ASCII only. First what is whole: a backslash, a letter written as a pair of halves."""


def as_row(update: object) -> Row | None:
    """A raw update, whole; None if it is none: it has no number that could be Telegram's."""
    if not isinstance(update, dict) or not is_id(update.get("update_id")):
        return None
    try:
        return update["update_id"], chat_of(update), _storable(json.dumps(update))
    except RecursionError:  # nested as nobody writes
        return None


def _storable(payload: str) -> str:
    """The JSON with U+FFFD for what no database takes: half a letter, and PostgreSQL no NUL either.

    Here, before anybody reads it: what is said with such a letter in it could not be written down,
    and an alarm would be lost with its transaction.
    """
    if "\\ud" not in payload and "\\u0000" not in payload:
        return payload
    return _ESCAPED.sub(lambda found: found[1] or r"\ufffd", payload)


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
