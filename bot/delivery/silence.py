"""What is done while Telegram does not answer: pure, monotonic seconds in, permissions out.

Each message tried then may be lost in doubt. So after two in a row nothing more goes until
Telegram is heard again: first in reply to a question that nobody sees, then to a single message.

    it speaks -> silent (several in a row without a word) -> on trial (the question is answered)
              <- one message on trial is answered            -> silent again, if it is not
"""

from __future__ import annotations

from typing import Literal

from bot.delivery.outcome import Outcome, Retry, Unknown

IN_A_ROW = 2
ASK_FIRST, ASK_MOST = 1.0, 15.0
"""Seconds between two questions, doubling until a message is answered."""
TRIAL_LASTS = 20.0
"""Seconds after which a message on trial of which nothing came back makes room for another."""


class Silence:
    """One for all that is sent: reminders and answers."""

    def __init__(self) -> None:
        self._state: Literal["speaks", "silent", "on trial"] = "speaks"
        self._in_a_row = 0
        self._trying_until = float("-inf")
        self._asked = 0
        self._ask_at = 0.0

    @property
    def is_silent(self) -> bool:
        """Whether nothing at all may go."""
        return self._state == "silent"

    def room(self, free: int, now: float) -> int:
        """How many of `free` messages may go now."""
        if self._state == "speaks":
            return free
        on_trial = self._state == "on trial" and now >= self._trying_until
        return min(free, 1) if on_trial else 0

    def goes(self, now: float) -> None:
        """A message goes out."""
        self._trying_until = now + TRIAL_LASTS

    def stays(self) -> None:
        """The message that was to go was not sent after all: nothing was learnt."""
        self._trying_until = float("-inf")

    def heard(self) -> None:
        """Telegram said something of a message, if only no."""
        self._state = "speaks"
        self._in_a_row = self._asked = 0

    def nothing_heard(self) -> bool:
        """A message went out, or could not, and Telegram said nothing; whether silence begins."""
        self._in_a_row += 1
        begins = self._state == "speaks" and self._in_a_row >= IN_A_ROW
        if begins or self._state == "on trial":
            self._state = "silent"
        return begins

    def note(self, outcome: Outcome) -> bool:
        """What came of a message; whether silence begins with it."""
        if isinstance(outcome, Unknown) or outcome == Retry():
            return self.nothing_heard()
        self.heard()
        return False

    def asks(self, now: float) -> bool:
        """Whether it is time for the question; asking counts from here."""
        if not self.is_silent or now < self._ask_at:
            return False
        self._ask_at = now + min(ASK_MOST, ASK_FIRST * 2 ** min(self._asked, 10))
        self._asked += 1
        return True

    def question_answered(self) -> None:
        """Telegram is there; whether it takes messages, one of them will show."""
        self._state = "on trial"
        self.stays()
