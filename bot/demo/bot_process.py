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
LONGEST_LINE = 2**20
"""Bytes."""
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
        self.was_killed = False
        """It is to stay away until it is started again."""
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Begin; it is `running` some seconds later. Nothing if it is begun already."""
        async with self._one_at_a_time:
            self.was_killed = False
            await self._start()

    async def kill(self) -> None:
        """Kill -9: it has no moment to write anything down."""
        async with self._one_at_a_time:
            self.was_killed = True
            await self._end(kill=True)

    async def restart(self) -> None:
        """End as a host does it and begin anew, with the content read again."""
        async with self._one_at_a_time:
            await self._end(kill=False)
            await self._start()

    def tell_time(self) -> None:
        """The clock was moved."""
        self._write(str(self._ahead))

    async def _start(self) -> None:
        if self.running != "stopped":
            return
        self.problems = ()
        # Ctrl-C is for the demo: the bot ends by its word, or with its stdin.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.demo.in_process",
            stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE, start_new_session=True,
        )  # fmt: skip
        given = {"settings": self._settings.model_dump(mode="json"), "ahead": self._ahead}
        self._write(json.dumps(given))
        self._watcher = asyncio.create_task(self._watch(self._process))
        self._become("starting")

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
        done, _ = await asyncio.wait([watcher], timeout=STOP_WITHIN)
        if not done:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.wait([watcher])

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Read its log to the end, whatever stands there: a full pipe would hold it up."""
        try:
            while line := await _next_line(process):
                with suppress(OSError):  # nobody reads what we pass on
                    self._heard(line)
            await process.wait()
        finally:
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
            self.problems = tuple(map(str, event["problems"]))
        elif event.get("level") in TOLD:
            print(line, end="", file=sys.stderr)

    def _become(self, running: Running) -> None:
        self.running = running
        self._changed()


async def _next_line(process: asyncio.subprocess.Process) -> str:
    """Of its stderr; a line that is too long is cut; empty at the end."""
    if process.stderr is None:
        return ""
    try:
        line = await process.stderr.readuntil()
    except asyncio.IncompleteReadError as rest:
        line = rest.partial
    except asyncio.LimitOverrunError as long:
        line = await process.stderr.readexactly(long.consumed)
    return line.decode(errors="replace")
