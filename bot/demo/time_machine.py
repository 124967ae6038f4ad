"""Moving the demo's clock: by hours, to what comes next, over a clock change, or faster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from bot.demo.stage import Stage
from bot.demo.timeline import next_clock_change

log = structlog.get_logger(__name__)

LONGEST_MOVE = timedelta(days=366)
SPEEDS = (600, 3600)
"""Demo seconds a second: ten minutes, an hour."""
TICK = 0.2
LINGERS = 1.5
"""Seconds that playing stays where a message is due, so that it is seen to arrive."""
STARTS_WITHIN = 15.0
"""Seconds a move waits for a bot that is just starting."""
LONGEST_TRAVEL, SETTLES_WITHIN, LOOK = 20.0, 3.0, 0.02
"""Seconds: for a whole move, for what is due at one moment, and between two looks."""
AFTER_CHANGE = timedelta(hours=10)
"""From a clock change, at night, to the next day."""


class TimeMachine:
    """Moves the clock of a stage; `speed` is 0 while it runs as usual.

    `rate`: demo seconds a second just now; playing lingers where a message is due.
    """

    def __init__(self, stage: Stage) -> None:
        self.speed = 0
        self.rate = 1
        self._stage = stage
        self._playing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def move(self, asked: Mapping[str, Any]) -> None:
        """By `hours`, or `to` "next", "clock_change" (of a `person`) or a moment (milliseconds).

        Raises ValueError in words where there is nowhere to go.
        """
        async with self._one_at_a_time:
            await self._stop_playing()
            with suppress(TimeoutError):
                # What people did just now was done at this hour, not at the one to come.
                await self._stage.simulator.until(
                    lambda: not self._stage.is_starting, STARTS_WITHIN
                )
            now = self._stage.clock.now()
            there = await self._there(asked, now)
            if not now <= there <= now + LONGEST_MOVE:
                raise ValueError("The clock goes forward only, a year at the most.")
            await self._travel(there)

    async def _travel(self, there: datetime) -> None:
        """Go there by way of everything that falls due before, as days do that nobody skips.

        While nothing can be sent, the clock goes on without waiting: that is what an outage is.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_TRAVEL):
                while (due := await self._stage.next_due()) is not None and due < there:
                    self._stage.move_to(due)
                    await self._settled()
        self._stage.move_to(there)
        await self._settled()

    async def _settled(self) -> None:
        """Until what is due has been seen to, if it can be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLES_WITHIN):
                while self._stage.can_send and await self._stage.is_anything_due():  # noqa: ASYNC110  another process's rows
                    await asyncio.sleep(LOOK)

    async def _there(self, asked: Mapping[str, Any], now: datetime) -> datetime:
        to = asked.get("to")
        if to == "next":
            due = await self._stage.next_due()
            if due is None:
                raise ValueError("No message is planned.")
            return due
        if to == "clock_change":
            zone = self._stage.actor(asked["person"]).timezone
            change = next_clock_change(ZoneInfo(zone), now)
            if change is None:
                raise ValueError(f"The clocks of {zone} do not change.")
            return change + AFTER_CHANGE
        try:
            if to is None:
                return now + timedelta(hours=float(asked["hours"]))
            return datetime.fromtimestamp(float(to) / 1000, UTC)
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            raise ValueError("Say where to: by how many hours, or to which moment.") from None

    async def play(self, speed: int) -> None:
        """Let time pass faster; 0: as usual. Raises ValueError for any other speed than SPEEDS."""
        if speed not in (0, *SPEEDS):
            raise ValueError(f"It plays at {' or '.join(map(str, SPEEDS))} seconds a second.")
        async with self._one_at_a_time:
            await self._stop_playing()
            if speed:
                self._set(speed, rate=speed)
                self._playing = asyncio.create_task(self._play(speed))

    async def _stop_playing(self) -> None:
        task, self._playing = self._playing, None
        if task:
            task.cancel()
            await asyncio.wait([task])

    async def _play(self, speed: int) -> None:
        try:
            while (due := await self._stage.next_due()) is not None:
                there = self._stage.clock.now() + timedelta(seconds=speed * TICK)
                self._stage.move_to(min(there, due))
                if due > there:
                    await asyncio.sleep(TICK)
                    continue
                self._set(speed, rate=1)
                await self._settled()
                await asyncio.sleep(LINGERS)
                self._set(speed, rate=speed)
        except Exception:
            log.exception("demo.playing_failed")
        finally:
            self._set(0, rate=1)

    def _set(self, speed: int, *, rate: int) -> None:
        if (self.speed, self.rate) != (speed, rate):
            self.speed, self.rate = speed, rate
            self._stage.changed()
