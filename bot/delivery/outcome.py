"""What became of a message, as values; who can send one; and what is written down of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from bot.care.values import Outgoing
from storage.reminders import Record

REPEAT_UNKNOWN = timedelta(seconds=60)
BACKOFF_FIRST, BACKOFF_MOST = 2.0, 300.0


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


class Disowned(Exception):
    """Telegram does not know this bot any more: its token was revoked."""


class Send(Protocol):
    async def __call__(self, message: Outgoing, kind: Kind) -> Outcome:
        """Send one message once. Raises nothing but what stops the program."""
        ...


class Line(Send, Protocol):
    """The line to Telegram, which may be dead."""

    async def is_heard(self) -> bool:
        """Whether Telegram answers now; nobody receives anything. Raises Disowned."""
        ...


ASK_AGAIN = 5.0
"""Seconds until a message in doubt looks again whether Telegram is there."""


async def is_there(line: Line) -> bool:
    """Whether Telegram answers: asked before the one repeat, so as not to waste it on an outage."""
    try:
        return await line.is_heard()
    except Exception:  # a token revoked among them, which ends the program elsewhere
        return False


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A claimed reminder: what its outcome is judged by."""

    id: int
    fence: int
    attempts: int
    expected_at: datetime
    """When it was to go: what its lateness is counted from."""
    tried_at: datetime
    expires_at: datetime
    if_unknown: Literal["resend", "hold"]
    doubted: bool


def to_record(attempt: Attempt, outcome: Outcome, now: datetime) -> Record:
    """What is written down of one attempt."""
    match outcome:
        case Sent(message_id):
            return Record(
                id=attempt.id, fence=attempt.fence, state="sent", sent_at=now, message_id=message_id
            )
        case Retry(after):
            wait = timedelta(seconds=backoff(attempt.attempts) if after is None else after)
            return Record(id=attempt.id, fence=attempt.fence, state="scheduled", try_at=now + wait)
        case Unreachable(why):
            return Record(id=attempt.id, fence=attempt.fence, state="unreachable", reason=why)
        case Refused(why):
            return Record(id=attempt.id, fence=attempt.fence, state="failed", reason=why)
        case Unknown():
            return doubt(attempt, now)


def doubt(attempt: Attempt, now: datetime) -> Record:
    """It may have arrived: once more where its step says so and there is time, never twice.

    By then whoever tried it has long given up waiting for Telegram.
    """
    again = max(now, attempt.tried_at + REPEAT_UNKNOWN)
    repeats = attempt.if_unknown == "resend" and not attempt.doubted and again < attempt.expires_at
    return Record(
        id=attempt.id,
        fence=attempt.fence,
        state="unknown",
        reason="repeats" if repeats else "not_repeated",
        try_at=again if repeats else None,
        doubted=True,
    )


def backoff(attempts: int) -> float:
    """Seconds before the next try: doubling from 2 s to 5 min, spread out."""
    most = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(attempts - 1, 10))
    return random.uniform(most / 2, most)  # noqa: S311  not a secret
