"""One try to send what is claimed, or the reason why it is better not tried now."""

from __future__ import annotations

import structlog

from bot.care.values import Outgoing
from bot.clock import Clock
from bot.delivery.outcome import ASK_AGAIN, Kind, Line, Outcome, Retry, Unknown, is_there
from bot.delivery.silence import Silence

log = structlog.get_logger(__name__)

CLAIM_GOOD_FOR = 30.0
"""Seconds after its claim in which a message may be written; with the time a send may take that
ends before it could be repeated. A process that was frozen in between finds its claim too old."""


class Transmitter:
    """The same for reminders and answers; `silence` must have been told that one goes."""

    def __init__(self, line: Line, silence: Silence, clock: Clock) -> None:
        self._line = line
        self._silence = silence
        self._clock = clock

    async def __call__(
        self, message: Outgoing, kind: Kind, *, in_doubt: bool, last_try: bool, claimed: float
    ) -> Outcome:
        """Send it once. Raises nothing but what stops the program.

        `in_doubt`: this repeats what may have arrived. `last_try`: without a word about it, it is
        given up. `claimed`: when its claim was begun, in the clock's monotonic seconds.
        """
        wasted = last_try and not self._silence.takes_last_tries(self._clock.monotonic())
        if wasted or (in_doubt and not await is_there(self._line)):
            self._silence.stays()
            return Retry(ASK_AGAIN)
        if self._clock.monotonic() - claimed > CLAIM_GOOD_FOR:
            self._silence.stays()
            return Retry(0)  # we were frozen: somebody else may be at it
        outcome: Outcome = Unknown()
        try:
            outcome = await self._line(message, kind)
        except Exception:
            log.exception("transmitter.send_failed")
        if self._silence.note(outcome, self._clock.monotonic()):
            log.warning("transmitter.telegram_is_silent")
        return outcome
