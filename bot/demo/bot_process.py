"""The demo's bot as a process: started, killed for real, started again, and told the time."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

from bot.clock import MovableClock
from bot.config import Settings

STOP_WITHIN = 10.0
"""Seconds an orderly end may take."""
TOLD = ("error", "critical")
"""Levels of its log that are passed on; the rest shows on the page."""

Running = Literal["starting", "running", "stopped"]


class BotProcess:
    """At most one process at a time; `changed` is called whenever `running` is another."""

    def __init__(
        self, settings: Settings, clock: MovableClock, changed: Callable[[], None]
    ) -> None:
        self.running: Running = "stopped"
        self.problems: Sequence[str] = ()
        """Why it would not start: what is wrong with the settings or the content."""
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; it is `running` some seconds later. Nothing if it is begun already."""
        if self.running != "stopped":
            return
        self._become("starting")
        self.problems = ()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.demo.in_process",
            stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=2**20,
        )  # fmt: skip
        given = {"settings": self._settings.model_dump(mode="json"), "ahead": self._ahead}
        self._write(json.dumps(given))
        self._watcher = asyncio.create_task(self._watch(self._process))

    def tell_time(self) -> None:
        """The clock was moved."""
        self._write(str(self._ahead))

    async def kill(self) -> None:
        """Kill -9: it has no moment to write anything down."""
        await self._end(kill=True)

    async def stop(self) -> None:
        """Ask it to end, as a host does; kill it if it does not."""
        await self._end(kill=False)

    async def restart(self) -> None:
        """End and begin anew, with settings and content read again."""
        await self.stop()
        await self.start()

    @property
    def _ahead(self) -> float:
        return self._clock.ahead.total_seconds()

    def _write(self, line: str) -> None:
        process = self._process
        if process and process.stdin and process.returncode is None:
            with suppress(ConnectionError, RuntimeError):  # it has just ended
                process.stdin.write(f"{line}\n".encode())

    async def _end(self, *, kill: bool) -> None:
        process, watcher = self._process, self._watcher
        if process is None or watcher is None:
            return
        with suppress(ProcessLookupError):
            process.kill() if kill else process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await asyncio.shield(watcher)
        except TimeoutError:
            process.kill()
            await watcher

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr  # noqa: S101  it is a pipe
        async for line in process.stderr:
            self._heard(line.decode(errors="replace"))
        await process.wait()
        self._become("stopped")

    def _heard(self, line: str) -> None:
        """A line of its log: that it is ready, or something to be passed on."""
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            print(line, end="", file=sys.stderr)
        elif event.get("event") == "ready":
            self._become("running")
        elif "problems" in event:
            self.problems = tuple(event["problems"])
        elif event.get("level") in TOLD:
            print(line, end="", file=sys.stderr)

    def _become(self, running: Running) -> None:
        self.running = running
        self._changed()
