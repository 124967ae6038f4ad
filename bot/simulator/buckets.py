"""Telegram's flood limits as token buckets, on the clock's monotonic time.

The true limits are not published; these are the advised ones with room for short bursts, so that
a bot that paces itself never meets them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many messages a second in the long run, and so many at once."""

    per_second: float
    burst: float


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one bot may send: in all, into one private chat, into one group."""

    bot: Rate = Rate(per_second=30, burst=60)
    chat: Rate = Rate(per_second=1, burst=10)
    group: Rate = Rate(per_second=20 / 60, burst=20)


@dataclass
class _Bucket:
    rate: Rate
    tokens: float
    at: float

    def refill(self, now: float) -> None:
        gained = (now - self.at) * self.rate.per_second
        self.tokens = min(self.rate.burst, self.tokens + gained)
        self.at = now

    def wait(self) -> float:
        """Seconds until one more message is allowed."""
        return max(0.0, (1 - self.tokens) / self.rate.per_second)


@dataclass
class Buckets:
    """The buckets of one bot; `limits=None` lets everything pass."""

    limits: Limits | None = field(default_factory=Limits)
    _buckets: dict[int | str, _Bucket] = field(default_factory=dict)

    def take(self, chat_id: int, now: float) -> int | None:
        """Count one message into the chat, or the whole seconds after which to try again."""
        if self.limits is None:
            return None
        of_chat = self.limits.group if chat_id < 0 else self.limits.chat
        taken = [self._bucket("bot", self.limits.bot, now), self._bucket(chat_id, of_chat, now)]
        wait = max(bucket.wait() for bucket in taken)
        if wait > 0:
            return math.ceil(wait)
        for bucket in taken:
            bucket.tokens -= 1
        return None

    def _bucket(self, key: int | str, rate: Rate, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(rate=rate, tokens=rate.burst, at=now))
        bucket.refill(now)
        return bucket
