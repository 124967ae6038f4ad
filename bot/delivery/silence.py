"""What is done while Telegram does not answer: pure, monotonic seconds in, permissions out.

Each message tried then may be lost in doubt. So after two in a row nothing more goes until
Telegram is heard again: first in reply to a question that nobody sees, then to a single message.
Where it answers all questions and no message, these are tried ever more seldom, and at first none
that could not be tried again.

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
TRY_FIRST, TRY_MOST = 2.0, 300.0
"""Seconds from a trial in vain to the next, doubling."""
LAST_TRIES_AFTER = 60.0
"""Seconds of silence in which what has but one try left is kept from trials, unless a question was
not answered either: where nothing was heard at all, an answer says that it is over."""


class Silence:
    """One for all that is sent: reminders and answers."""

    def __init__(self) -> None:
        self._state: Literal["speaks", "silent", "on trial"] = "speaks"
        self._in_a_row = 0
        self._trying_until = float("-inf")
        self._asked = 0
        self._ask_at = 0.0
        self._silent_since = float("-inf")
        self._asking = self._was_away = False
        self._in_vain = 0
        self._try_at = float("-inf")

    @property
    def takes_nothing(self) -> bool:
        """Whether messages come to nothing now, as far as is known."""
        return self._state == "silent" or self._in_vain > 0

    def room(self, free: int, now: float) -> int:
        """How many of `free` messages may go now."""
        if self._state == "speaks":
            return free
        may_try = now >= max(self._trying_until, self._try_at)
        return min(free, 1) if self._state == "on trial" and may_try else 0

    def takes_last_tries(self, now: float) -> bool:
        """Whether a message may go that is given up if Telegram says nothing of it."""
        waited = now - self._silent_since >= LAST_TRIES_AFTER
        return self._state == "speaks" or self._was_away or waited

    def goes(self, now: float) -> None:
        """A message goes out."""
        self._trying_until = now + TRIAL_LASTS

    def stays(self) -> None:
        """The message that was to go was not sent after all: nothing was learnt."""
        self._trying_until = float("-inf")

    def heard(self) -> None:
        """Telegram said something of a message, if only no."""
        self._state = "speaks"
        self._in_a_row = self._asked = self._in_vain = 0
        self._try_at = float("-inf")

    def nothing_heard(self, now: float) -> bool:
        """A message went out, or could not, and Telegram said nothing; whether silence begins."""
        self._in_a_row += 1
        begins = self._state == "speaks" and self._in_a_row >= IN_A_ROW
        if begins:
            self._silent_since = now
            self._asking = self._was_away = False
        # Those that were on their way before are no trials.
        if self._state == "on trial" and self._trying_until > float("-inf"):
            self._was_away = False
            self._try_at = now + min(TRY_MOST, TRY_FIRST * 2 ** min(self._in_vain, 10))
            self._in_vain += 1
        if begins or self._state == "on trial":
            self._state = "silent"
        return begins

    def note(self, outcome: Outcome, now: float) -> bool:
        """What came of a message; whether silence begins with it."""
        if isinstance(outcome, Unknown) or outcome == Retry():
            return self.nothing_heard(now)
        self.heard()
        return False

    def asks(self, now: float) -> bool:
        """Whether it is time for the question; asking counts from here."""
        if self._state != "silent" or now < self._ask_at:
            return False
        self._ask_at = now + min(ASK_MOST, ASK_FIRST * 2 ** min(self._asked, 10))
        self._asked += 1
        self._was_away |= self._asking  # the one before was not answered
        self._asking = True
        return True

    def question_answered(self) -> None:
        """Telegram is there; whether it takes messages, one of them will show."""
        self._state = "on trial"
        self._asking = False
        if self._was_away:  # what was in vain before says nothing of now
            self._in_vain, self._try_at = 0, float("-inf")
        self.stays()
