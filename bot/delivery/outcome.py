"""What became of a message, as values; and who can send one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from bot.care.values import Outgoing


@dataclass(frozen=True)
class Sent:
    """Telegram took it. Bots learn nothing of delivery or reading."""

    message_id: int


@dataclass(frozen=True)
class Retry:
    """Surely not sent: again after so many seconds, or (None) after a backoff."""

    after: float | None = None


@dataclass(frozen=True)
class Unreachable:
    """The person blocked the bot or is gone."""

    why: str


@dataclass(frozen=True)
class Refused:
    """Telegram will never take it as it is: our fault."""

    why: str


@dataclass(frozen=True)
class Unknown:
    """The request went out and no answer came: it may have arrived."""


Outcome = Sent | Retry | Unreachable | Refused | Unknown
Kind = Literal["answer", "reminder"]


class Send(Protocol):
    async def __call__(self, message: Outgoing, kind: Kind) -> Outcome:
        """Send one message once. Raises nothing but what stops the program."""
        ...
