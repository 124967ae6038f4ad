"""Plays a story: people write, press and wait by themselves, until a visitor takes over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import structlog

from bot.demo.breaking import Breaking
from bot.demo.scripts import Script, Step
from bot.demo.stage import Stage
from bot.demo.time_machine import TimeMachine
from bot.demo.told import milliseconds
from bot.simulator.chats import Message
from bot.simulator.people import Person

log = structlog.get_logger(__name__)

ANSWERS_WITHIN = 15.0
"""Seconds; the bot may just be starting."""
LETTER, PAUSE, LONGEST_TYPING = 0.035, 0.5, 3.0
"""Seconds, at the usual pace: for a letter, before something is done, for a whole text."""
READS_A_SECOND = 22
"""Letters of a message or a caption."""
LEAST, MOST = 1.5, 6.0
"""Seconds for reading what came."""
NATURAL = 1.0
_FORWARD = re.compile(r"\+(\d+)([hm])")
_TIME = re.compile(r"(\d\d):(\d\d)")
_LINK = re.compile(r"https://t\.me/\S+\?start=\S+")

State = Literal["playing", "paused", "ended", "stuck"]


class Stuck(Exception):
    """The story cannot go on: what it waits for does not come."""


class Story:
    """One story being played on a stage."""

    def __init__(
        self,
        name: str,
        script: Script,
        stage: Stage,
        breaking: Breaking,
        machine: TimeMachine,
        tempo: float,
    ) -> None:
        """`tempo`: 1 as for reading along, 2 twice as fast."""
        self.name = name
        self.state: State = "playing"
        self._script = script
        self._stage, self._breaking, self._machine = stage, breaking, machine
        self._tempo = tempo
        self._step = 0
        self._caption = ""
        self._show: tuple[int, ...] = ()
        self._typing: dict[str, Any] | None = None
        self._press: dict[str, Any] | None = None
        self._had: dict[int, int] = {}
        """How many messages somebody had when they did something last."""
        self._going = asyncio.Event()
        self._going.set()
        self._task = asyncio.create_task(self._play())

    def told(self) -> dict[str, Any]:
        """What the page shows of it."""
        return {
            "name": self.name,
            "title": self._script.title,
            "step": self._step,
            "of": len(self._script.step),
            "caption": self._caption,
            "typing": self._typing,
            "press": self._press,
            "show": list(self._show),
            "state": self.state,
        }

    def pause(self) -> None:
        if self.state == "playing":
            self._going.clear()
            self._become("paused")

    def resume(self) -> None:
        if self.state == "paused":
            self._going.set()
            self._become("playing")

    async def stop(self) -> None:
        """End it where it is."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _play(self) -> None:
        try:
            await self._until(lambda: self._stage.bot.running == "running")
            for number, step in enumerate(self._script.step, 1):
                self._step = number
                await self._do(step)
            self._become("ended")
        except (Stuck, LookupError, ValueError, RuntimeError):
            self._become("stuck")  # somebody has done something else meanwhile
        except Exception:
            log.exception("demo.story_failed", story=self.name, step=self._step)
            self._become("stuck")

    async def _do(self, step: Step) -> None:
        await self._going.wait()
        if step.caption is not None:
            self._caption = step.caption
        if step.show:
            self._show = step.show
        self._stage.changed()
        if step.caption:
            await self._rest(len(step.caption) / READS_A_SECOND)
        before = self._heard(step)
        await self._does(step)
        if self._is_answered(step):
            await self._until(lambda: self._heard(step) != before)
            await self._rest(self._length_of_answer(step) / READS_A_SECOND)
        await self._rest(step.seconds, most=step.seconds)

    async def _does(self, step: Step) -> None:
        for name, do in self._ways.items():
            if getattr(step, name) is not None:
                await do(step)

    @property
    def _ways(self) -> dict[str, Callable[[Step], Awaitable[None]]]:
        return {
            "write": self._write,
            "press": self._pressed,
            "start": self._start,
            "block": self._block,
            "move": self._move,
            "fault": self._fault,
            "lift": self._fault,
            "bot": self._bot,
        }

    async def _write(self, step: Step) -> None:
        text = step.write or ""
        letter = min(LETTER, LONGEST_TYPING / max(1, len(text)))
        for end in range(1, len(text) + 1):
            self._typing = {"person": step.who, "text": text[:end]}
            self._stage.changed()
            await self._wait(letter)
        await self._wait(PAUSE)
        self._typing = None
        self._before(step).say(text)

    async def _pressed(self, step: Step) -> None:
        who, label = self._who(step), step.press or ""
        await self._until(lambda: any(it.button(label) for it in who.messages))
        message = next(it for it in reversed(who.messages) if it.button(label))
        self._press = {"person": who.id, "message": message.id, "label": label}
        self._stage.changed()
        await self._wait(2 * PAUSE)
        self._press = None
        self._before(step).press(label, message=message)

    async def _start(self, step: Step) -> None:
        given = self._stage.person(step.start)
        await self._until(lambda: bool(self._links(given)))
        self._who(step).open_link(self._links(given)[-1])

    def _links(self, given: Person) -> list[str]:
        """The invitation links somebody was given after what they did last."""
        received = given.received[self._had.get(given.id, 0) :]
        return [link for message in received for link in _links(message)]

    async def _block(self, step: Step) -> None:
        who = self._who(step)
        who.block() if step.block else who.unblock()

    async def _move(self, step: Step) -> None:
        move = step.move or ""
        if found := _FORWARD.fullmatch(move):
            await self._machine.move({"hours": int(found[1]) / (1 if found[2] == "h" else 60)})
        elif found := _TIME.fullmatch(move):
            zone = ZoneInfo(self._stage.actor(step.who or self._show[0]).timezone)
            there = _next_time(self._stage.clock.now(), int(found[1]), int(found[2]), zone)
            await self._machine.move({"to": milliseconds(there)})
        else:
            await self._machine.move({"to": move})

    async def _fault(self, step: Step) -> None:
        self._breaking.put(step.fault or step.lift or "", on=step.fault is not None)
        self._stage.changed()

    async def _bot(self, step: Step) -> None:
        if step.bot == "kill":
            await self._stage.bot.kill()
        else:
            await self._stage.bot.start()
            await self._until(lambda: self._stage.bot.running == "running")

    def _who(self, step: Step) -> Person:
        return self._stage.person(step.who)

    def _before(self, step: Step) -> Person:
        """Who does it; what the bot said to them so far is no answer to it."""
        who = self._who(step)
        self._had[who.id] = len(who.received)
        return who

    def _is_answered(self, step: Step) -> bool:
        speaks = any(it is not None for it in (step.write, step.press, step.start))
        return step.answered and (speaks or step.move == "next")

    def _heard(self, step: Step) -> object:
        """What there is of the bot's words where its answer will come; it changes when it does."""
        numbers = [step.who] if step.who else [actor.id for actor in self._stage.actors]
        return [
            [(it.id, it.edited) for it in self._stage.person(number).received] for number in numbers
        ]

    def _length_of_answer(self, step: Step) -> int:
        numbers = [step.who] if step.who else self._show
        return max((len(self._last(number)) for number in numbers), default=0)

    def _last(self, number: int) -> str:
        received = self._stage.person(number).received
        return received[-1].text if received else ""

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Raises Stuck if it does not come true in time; while it is paused there is time."""
        while not condition():
            try:
                await self._stage.simulator.until(condition, ANSWERS_WITHIN)
            except TimeoutError:
                if self._going.is_set():
                    raise Stuck from None
                await self._going.wait()

    async def _rest(self, seconds: float, most: float = MOST) -> None:
        """Time to read."""
        if seconds:
            await self._wait(min(max(seconds, min(LEAST, most)), most))

    async def _wait(self, seconds: float) -> None:
        """So long at the usual pace, and until it goes on if it is paused."""
        await asyncio.sleep(seconds / self._tempo)
        await self._going.wait()

    def _become(self, state: State) -> None:
        self.state, self._typing, self._press = state, None, None
        self._stage.changed()


def _links(message: Message) -> list[str]:
    """The invitation links in a message, as text or as a link behind words."""
    behind = [entity["url"] for entity in message.entities if "url" in entity]
    return [*_LINK.findall(message.text), *(it for it in behind if _LINK.fullmatch(it))]


def _next_time(now: datetime, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """The next moment at which a clock in `zone` shows this time."""
    local = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return local if local > now else local + timedelta(days=1)
