"""The demo as a whole: a stage, what can be done to it, and a story that may be playing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from aiohttp import web

from bot.demo import cast
from bot.demo.breaking import Breaking
from bot.demo.scripts import script_named
from bot.demo.stage import Stage
from bot.demo.story import NATURAL, Story
from bot.demo.time_machine import STARTS_WITHIN, TimeMachine
from bot.demo.watching import Content

log = structlog.get_logger(__name__)

NUMBERS_OF_A_STAGE = 1_000_000
"""More changes than one stage sees: the next one's numbers are higher."""

Routes = Callable[["Demo"], list[web.AbstractRouteDef]]


class Demo:
    """What the page shows, until it is stopped."""

    stage: Stage
    breaking: Breaking
    machine: TimeMachine

    def __init__(self, content_dir: Path | None, routes: Routes) -> None:
        self.content = Content(content_dir, cast.facts())
        self.story: Story | None = None
        self._content_dir = content_dir
        self._routes = routes(self)
        self._renewing: asyncio.Task[None] | None = None
        self._wanted: tuple[str, float] | None = None
        """The story to be played on the next stage, and its tempo."""
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def served(self, port: int) -> AsyncIterator[str]:
        """Serve it; the address of its page. Raises SettingsError if the port is not to be had."""
        watching: list[asyncio.Task[None]] = []
        try:
            await self._open(port, 0)
            watching.append(asyncio.create_task(self.content.watch(self._shown, self._fit)))
            yield self.stage.simulator.url
        finally:
            for task in watching:
                task.cancel()
            for task in (*watching, *filter(None, [self._renewing])):
                await asyncio.wait([task])
            await self._close()

    def take_over(self) -> None:
        """A visitor does something: the story waits."""
        if self.story:
            self.story.pause()

    async def play_story(self, name: str, tempo: float) -> None:
        """Play a story from its beginning, all begun afresh where that needs it.

        Raises ValueError for a story that there is not.
        """
        script_named(name)
        await self.end_story()
        await self.machine.play(0)
        if self._is_fresh():
            self._begin(name, tempo)
        else:
            self.begin_afresh(name, tempo)

    async def end_story(self) -> None:
        story, self.story = self.story, None
        if story:
            await story.stop()
            self.stage.changed()

    def begin_afresh(self, story: str | None = None, tempo: float = NATURAL) -> None:
        """All as at the start, in a moment, with a story if there is to be one.

        The page's connections end meanwhile.
        """
        self._wanted = (story, tempo) if story else None
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())

    async def start_bot(self) -> None:
        """Start it by hand. Raises ValueError while the content has faults."""
        if self.content.is_broken:
            raise ValueError("It cannot start: the content has faults.")
        await self.stage.bot.start()

    def _is_fresh(self) -> bool:
        """No patient was busy, no time has passed by hand, nothing is broken."""
        stage = self.stage
        patients = (actor.id for actor in stage.actors if actor.role == "patient")
        return not (
            any(stage.person(number).messages for number in patients)
            or stage.was_moved
            or any(self.breaking.told().values())
            or stage.bot.running == "stopped"
        )

    def _begin(self, name: str, tempo: float) -> None:
        script = script_named(name)
        self.story = Story(name, script, self.stage, self.breaking, self.machine, tempo)

    async def _renew(self) -> None:
        port, first = self.stage.port, self.stage.first + NUMBERS_OF_A_STAGE
        try:
            async with self._one_at_a_time:
                await self._close()
                await self._open(port, first)
            if self._wanted:
                self._begin(*self._wanted)
        except Exception:
            log.exception("demo.not_begun_afresh")

    async def _open(self, port: int, first: int) -> None:
        stage = Stage(self._content_dir, self._routes, first)
        self.stage = stage
        self.breaking = Breaking(stage.simulator.faults)
        self.machine = TimeMachine(stage)
        await stage.open()
        await stage.serve(port)
        if self.content.is_fit:
            await stage.bot.start()  # else a clinic's own content is looked at first

    async def _close(self) -> None:
        await self.end_story()
        await self.machine.play(0)
        await self.stage.close()

    def _shown(self) -> None:
        self.stage.changed()

    async def _fit(self) -> None:
        """The content is whole: a bot that speaks from an older one begins anew."""
        async with self._one_at_a_time:
            stage = self.stage
            if self._content_dir is None or stage.bot.was_killed:
                return
            await stage.bot.restart()
            with suppress(TimeoutError):
                await stage.simulator.until(lambda: stage.bot.running != "starting", STARTS_WITHIN)
