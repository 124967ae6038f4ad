"""What was called, when and with what outcome; and what no correct bot would have called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(kw_only=True)
class Call:
    """One call. `accepted`: its effect took place, answered or not; `code` None: no answer."""

    method: str
    params: Mapping[str, Any]
    at: datetime
    monotonic: float
    chat_id: int | None = None
    accepted: bool = False
    code: int | None = None
    description: str = ""
    message_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class WrongCall:
    """A call that breaks the Bot API's rules, whatever the bot made of the answer.

    `own`: what the bot was told, in answer or as an update, is not what Telegram would tell. That
    is a fault of the simulator's own.
    """

    method: str
    problem: str
    params: Mapping[str, Any]
    own: bool = False
