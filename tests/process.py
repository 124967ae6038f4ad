"""The bot as a process of its own, with a clock that its test moves through a file.

python -m tests.process CLOCKFILE [COMMAND]      settings from the environment, as `python -m bot`
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
        self._forward = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._offset())

    def monotonic(self) -> float:
        """Seconds that never go back; a jump forward has passed for pacing as well."""
        self._forward = max(self._forward, self._offset())
        return super().monotonic() + self._forward

    def _offset(self) -> float:
        return float(self._file.read_text())


class BotProcess:
    """Starts the bot, kills it, starts it again on the same database."""

    def __init__(
        self, environment: dict[str, str], clock_file: Path, log: Path, command: str = "run"
    ) -> None:
        self.environment = environment
        self._clock_file = clock_file
        self.log = log
        self._command = command
        self._process: asyncio.subprocess.Process | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    async def start(self) -> None:
        """Start, and wait until it says that it is ready."""
        await self.begin()
        async with asyncio.timeout(30):
            while not self.is_ready:
                assert self.runs, self.log.read_text()
                await asyncio.sleep(0.02)

    async def begin(self) -> None:
        """Start, without waiting."""
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.process",
                str(self._clock_file),
                self._command,
                env={**os.environ, **self.environment},
                stderr=log,
                cwd=Path(__file__).parents[1],
            )

    @property
    def is_ready(self) -> bool:
        """Whether it has said so since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return b"ready" in log.read()

    async def kill(self) -> None:
        """As a power cut does it."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """As a host stops it; the exit code."""
        return await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """As a machine does it that swaps, or is moved: nothing runs until `wake`."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    async def _end(self, how: signal.Signals) -> int:
        if self.runs:
            self._signal(how)
        assert self._process
        async with asyncio.timeout(10):
            return await self._process.wait()

    def _signal(self, which: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(which)


def write_offset(file: Path, moment: datetime) -> None:
    """Let the bot's clock show `moment` now. The file is never half-written."""
    fresh = file.with_suffix(".new")
    fresh.write_text(str((moment - SystemClock().now()).total_seconds()))
    fresh.replace(file)


COMMANDS = {name: getattr(app, name) for name in ("run", "worker", "web") if hasattr(app, name)}

if __name__ == "__main__":
    settings = read_settings("telegram_token", *CLINIC)
    logs.configure(settings.log_level, settings.log_format)
    asyncio.run(COMMANDS[sys.argv[2]](settings, FileClock(Path(sys.argv[1]))))
