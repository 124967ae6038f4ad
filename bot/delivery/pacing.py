"""How fast Telegram may be spoken to: pure, monotonic seconds in, permissions out.

All sends together stay under 1.2 times the reminders' rate. Answers go first, yet reminders keep at
least half of their rate. One chat takes about one message a second after a short burst. A 429 holds
its chat; a second chat's within two seconds holds all (telegram.md, "Limits" and "Errors").
"""

from __future__ import annotations

from dataclasses import dataclass

ALL_OVER_REMINDERS = 1.2
BURST_SECONDS = 0.1
CHAT_RATE = 1.0
CHAT_BURST = 3.0
GROUP_RATE = 20 / 60
SECOND_REFUSAL_WITHIN = 2.0
CHATS_KEPT = 10_000


@dataclass
class Bucket:
    """Tokens that come back at `rate` a second, `burst` of them at the most."""

    rate: float
    burst: float
    tokens: float
    at: float = 0.0

    @classmethod
    def full(cls, rate: float, burst: float) -> Bucket:
        return cls(rate=rate, burst=burst, tokens=burst)

    def ready_at(self, now: float) -> float:
        """When there is a whole token."""
        self._refill(now)
        return now if self.tokens >= 1 else now + (1 - self.tokens) / self.rate

    def whole(self, now: float) -> int:
        """How many may be spent now."""
        self._refill(now)
        return max(0, int(self.tokens))

    def spend(self, now: float) -> None:
        """Take a token, on credit if need be."""
        self._refill(now)
        self.tokens -= 1

    def is_full(self, now: float) -> bool:
        self._refill(now)
        return self.tokens >= self.burst

    def _refill(self, now: float) -> None:
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)


class Pacing:
    """Asked before a reminder is claimed and before an answer is sent."""

    def __init__(self, messages_per_second: float) -> None:
        """`messages_per_second`: reminders a second at the most."""
        rate = messages_per_second
        self._all = _bucket(rate * ALL_OVER_REMINDERS)
        self._reminders = _bucket(rate)
        self._kept_for_reminders = _bucket(rate / 2)
        self._chats: dict[int, Bucket] = {}
        self._spent: set[int] = set()
        """The chats that were written to until they had no whole token left."""
        self._holds: dict[int, float] = {}
        self._held_until = 0.0
        self._refused: tuple[int, float] = (0, float("-inf"))
        self._answers_waiting = 0

    # --- reminders: asked before the claim

    def reminders_now(self, now: float) -> int:
        """How many reminders may be claimed now."""
        if now < self._held_until:
            return 0
        # While answers wait, reminders have half of their rate for sure: what they take is then
        # missing from the whole, so that answers come a little later.
        other = self._kept_for_reminders if self._answers_waiting else self._all
        return min(self._reminders.whole(now), other.whole(now))

    def next_reminder_at(self, now: float) -> float:
        """When one more reminder may be claimed, at the earliest."""
        other = self._kept_for_reminders if self._answers_waiting else self._all
        return max(self._held_until, self._reminders.ready_at(now), other.ready_at(now))

    def chats_not_ready(self, now: float) -> set[int]:
        """The chats to which no reminder is claimed now: held, or written to a moment ago."""
        self._spent = {chat for chat in self._spent if self._chat(chat, now).whole(now) < 1}
        self._holds = {chat: until for chat, until in self._holds.items() if until > now}
        return self._spent | self._holds.keys()

    def reminder_claimed(self, chat: int, now: float) -> None:
        for bucket in (self._reminders, self._all, self._kept_for_reminders):
            bucket.spend(now)
        self._written_to(chat, now)

    # --- answers: asked again after each wait, since a hold may have come meanwhile

    def answer_ready_at(self, chat: int, now: float) -> float:
        """When an answer to `chat` may go, at the earliest; not after `now`: it may go now."""
        return max(
            self._held_until,
            self._holds.get(chat, 0.0),
            self._all.ready_at(now),
            self._chat(chat, now).ready_at(now),
        )

    def held_for(self, chat: int, now: float) -> float:
        """Seconds for which Telegram asked to leave `chat`, or everybody, alone."""
        return max(0.0, self._held_until - now, self._holds.get(chat, 0.0) - now)

    def answer_goes(self, chat: int, now: float) -> None:
        self._all.spend(now)
        self._written_to(chat, now)

    def answer_waits(self) -> None:
        """An answer is waiting: reminders make room."""
        self._answers_waiting += 1

    def answer_waits_no_more(self) -> None:
        self._answers_waiting -= 1

    # --- what Telegram said

    def refused(self, chat: int, retry_after: float, now: float) -> None:
        """429: hold this chat; when another chat's came just before, hold all."""
        self._holds[chat] = max(self._holds.get(chat, 0.0), now + retry_after)
        before, at = self._refused
        if before not in (0, chat) and now - at <= SECOND_REFUSAL_WITHIN:
            self._held_until = max(self._held_until, now + retry_after)
        self._refused = (chat, now)

    def _written_to(self, chat: int, now: float) -> None:
        bucket = self._chat(chat, now)
        bucket.spend(now)
        if bucket.whole(now) < 1:
            self._spent.add(chat)

    def _chat(self, chat: int, now: float) -> Bucket:
        if len(self._chats) > CHATS_KEPT:
            self._forget(now)
        if chat not in self._chats:
            group = chat < 0  # a group's id is negative
            rate = GROUP_RATE if group else CHAT_RATE
            self._chats[chat] = Bucket.full(rate, CHAT_BURST)
        return self._chats[chat]

    def _forget(self, now: float) -> None:
        """What is full again says nothing: memory stays bounded."""
        self._chats = {
            chat: bucket for chat, bucket in self._chats.items() if not bucket.is_full(now)
        }


def _bucket(rate: float) -> Bucket:
    return Bucket.full(rate, max(1.0, rate * BURST_SECONDS))
