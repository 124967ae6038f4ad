"""What is done while Telegram does not answer: pure, monotonic seconds in, permissions out.

Each message tried then may be lost in doubt, so after a few in a row nothing more is claimed until
Telegram is heard again; a short question that harms nobody finds out.
"""

from __future__ import annotations

IN_A_ROW = 5
ASK_FIRST, ASK_MOST = 1.0, 15.0
"""Seconds between two questions, doubling."""


class Silence:
    """Counts what came back without a word from Telegram."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._asked = 0
        self._ask_at = 0.0

    @property
    def holds(self) -> bool:
        """Whether nothing is to be claimed now."""
        return self._in_a_row >= IN_A_ROW

    def heard(self) -> None:
        """Telegram said something, if only no."""
        self._in_a_row = self._asked = 0

    def nothing_heard(self) -> None:
        """A message went out, or could not, and Telegram said nothing."""
        self._in_a_row += 1

    def asks(self, now: float) -> bool:
        """Whether it is time for the question; asking counts from here."""
        if not self.holds or now < self._ask_at:
            return False
        self._ask_at = now + min(ASK_MOST, ASK_FIRST * 2 ** min(self._asked, 10))
        self._asked += 1
        return True
