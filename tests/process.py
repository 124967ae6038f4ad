"""The bot as a process of its own, with a clock that its test moves through a file.

python -m tests.process CLOCKFILE      settings from the environment, as `python -m bot run`
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

from bot import app, logs
from bot.clock import SystemClock
from bot.config import CLINIC, read_settings


class FileClock(SystemClock):
    """The machine's clock plus the seconds written in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=float(self._file.read_text()))

    def monotonic(self) -> float:
        return super().monotonic() + max(0.0, float(self._file.read_text()))


class BotProcess:
    """Starts the bot, kills it, starts it again on the same file."""

    def __init__(self, environment: dict[str, str], clock_file: Path, log: Path) -> None:
        self.environment = environment
        self._clock_file = clock_file
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and wait until it says that it is ready."""
        said = self.log.read_text().count("ready") if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.process",
                str(self._clock_file),
                env={**os.environ, **self.environment},
                stderr=log,
                cwd=Path(__file__).parents[1],
            )
        async with asyncio.timeout(30):
            while self.log.read_text().count("ready") == said:
                assert self._process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """As a power cut does it."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """As a host stops it; the exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        assert self._process
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(10):
            return await self._process.wait()


def write_offset(file: Path, moment: datetime) -> None:
    """Let the bot's clock show `moment` now. The file is never half-written."""
    fresh = file.with_suffix(".new")
    fresh.write_text(str((moment - SystemClock().now()).total_seconds()))
    fresh.replace(file)


if __name__ == "__main__":
    settings = read_settings("telegram_token", *CLINIC)
    logs.configure(settings.log_level, settings.log_format)
    asyncio.run(app.run(settings, FileClock(Path(sys.argv[1]))))
