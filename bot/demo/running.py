"""The demo as a whole: a stage, what can be done to it, and a story that may be playing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web

from bot.demo import cast
from bot.demo.breaking import Breaking
from bot.demo.scripts import script_named
from bot.demo.stage import Stage
from bot.demo.story import NATURAL, Story
from bot.demo.time_machine import TimeMachine
from bot.demo.watching import Content

NUMBERS_OF_A_STAGE = 1_000_000
"""More changes than one stage sees: the next one's numbers are higher."""

Routes = Callable[["Demo"], list[web.AbstractRouteDef]]


class Demo:
    """What the page shows, until it is stopped."""

    stage: Stage
    breaking: Breaking
    machine: TimeMachine

    def __init__(self, content_dir: Path | None, routes: Routes) -> None:
        self.content = Content(content_dir, cast.clinic(Path(), None, "").clinic())
        self.story: Story | None = None
        self._content_dir = content_dir
        self._routes = routes(self)
        self._renewing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def served(self, port: int) -> AsyncIterator[str]:
        """Serve it; the address of its page. Raises SettingsError if the port is not to be had."""
        await self._open(port, 0)
        watching = asyncio.create_task(self.content.watch(self._shown, self._fit))
        try:
            yield self.stage.simulator.url
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            if self._renewing:
                await self._renewing
            await self._close()

    def take_over(self) -> None:
        """A visitor does something: the story waits."""
        if self.story:
            self.story.pause()

    async def tell(self, name: str, tempo: float) -> None:
        """Play a story from its beginning, all begun afresh where somebody in it has been busy.

        Raises ValueError for a story that there is not.
        """
        script = script_named(name)
        await self.end_story()
        await self.machine.play(0)
        if any(self.stage.person(number).messages for number in script.patients):
            self.begin_afresh(name, tempo)
        else:
            self._begin(name, tempo)

    def _begin(self, name: str, tempo: float) -> None:
        script = script_named(name)
        self.story = Story(name, script, self.stage, self.breaking, self.machine, tempo)

    async def end_story(self) -> None:
        story, self.story = self.story, None
        if story:
            await story.stop()
            self.stage.changed()

    def begin_afresh(self, story: str | None = None, tempo: float = NATURAL) -> None:
        """All as at the start, in a moment, with a story if there is to be one.

        The page's connections end meanwhile.
        """
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(story, tempo))

    async def _renew(self, story: str | None, tempo: float) -> None:
        port, first = self.stage.port, self.stage.first + NUMBERS_OF_A_STAGE
        await self._close()
        await self._open(port, first)
        if story:
            self._begin(story, tempo)

    async def _open(self, port: int, first: int) -> None:
        stage = Stage(self._content_dir, self._routes, first)
        self.stage = stage
        self.breaking = Breaking(stage.simulator.faults)
        self.machine = TimeMachine(stage)
        await stage.open(port)
        if self._content_dir is None or first:
            await stage.bot.start()  # else a clinic's own content is looked at first

    async def _close(self) -> None:
        await self.end_story()
        await self.machine.play(0)
        await self.stage.close()

    def _shown(self) -> None:
        self.stage.changed()

    async def _fit(self) -> None:
        """The content is whole: a bot that speaks from an older one begins anew."""
        if self._content_dir is not None:
            await self.stage.bot.restart()
