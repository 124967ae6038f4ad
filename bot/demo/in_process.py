"""The demo's bot, in a process of its own: `run`, on a clock that is moved through its stdin.

The first line of stdin is JSON, `{"settings": {...}, "ahead": seconds}`; each further line says how
many seconds the clock is ahead of the machine's. When stdin ends, so does the bot.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import content.library
from bot import app, logs
from bot.clock import MovableClock
from bot.config import Settings, SettingsError
from content.reading import ContentError


def main() -> int:
    """Run the bot until stdin ends; 2 if its settings or its content are wrong."""
    logs.configure("info", "json")
    given = json.loads(_first_line())
    try:
        with asyncio.Runner(loop_factory=app.new_event_loop) as runner:
            runner.run(_run(_settings(given["settings"]), given["ahead"]))
    except (SettingsError, ContentError) as error:
        print(json.dumps({"problems": list(error.problems)}), file=sys.stderr)
        return 2
    return 0


def _first_line() -> bytes:
    """Read letter by letter: a reader that reads ahead would keep the lines after it for itself."""
    line = bytearray()
    while (letter := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += letter
    return bytes(line)


def _settings(values: dict[str, Any]) -> Settings:
    folder = values.pop("content_dir")
    return Settings.model_construct(**values, content_dir=Path(folder) if folder else None)


async def _run(settings: Settings, ahead: float) -> None:
    clock, joined = MovableClock(), app.Joined()
    clock.move(timedelta(seconds=ahead))
    follower = asyncio.create_task(_follow(clock, ahead, joined))
    try:
        # Whoever started this has looked through the content, which takes a while.
        await app.run(settings, clock, joined, content.library.load(settings.content_dir))
    finally:
        follower.cancel()


async def _follow(clock: MovableClock, ahead: float, joined: app.Joined) -> None:
    """Move the clock as stdin says, and end with it."""
    reader = asyncio.StreamReader()
    try:
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := await reader.readline():
            told = float(line)
            clock.move(timedelta(seconds=told - ahead))
            ahead = told
            joined.wake()
    finally:
        os.kill(os.getpid(), signal.SIGTERM)  # whoever started it is gone


if __name__ == "__main__":
    sys.exit(main())
