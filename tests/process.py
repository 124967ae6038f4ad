"""The bot as a process of its own, with a clock that its test moves through a file.

python -m tests.process CLOCKFILE COMMAND      settings from the environment, as `python -m bot`
python -m tests.process                        forks bots as it is told on its standard input
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, Protocol

import content.library
from bot import app, logs
from bot.care import dates
from bot.clock import SystemClock
from bot.config import CLINIC, Settings, read_settings


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


class Process(Protocol):
    """What is needed of a process, whoever its parent is."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, signal: int) -> None: ...
    async def wait(self) -> int: ...


class Child:
    """A bot forked by a nursery."""

    def __init__(self, pid: int, ended: dict[int, int]) -> None:
        self.pid = pid
        self._ended = ended

    @property
    def returncode(self) -> int | None:
        return self._ended.get(self.pid)

    def send_signal(self, signal: int) -> None:
        os.kill(self.pid, signal)

    async def wait(self) -> int:
        while self.returncode is None:  # noqa: ASYNC110  another thread's
            await asyncio.sleep(0.005)
        return self.returncode


class Nursery:
    """Forks bots from a process that has everything imported: a start costs a tenth."""

    def __enter__(self) -> Nursery:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        self._born: queue.Queue[int] = queue.Queue()
        self._ended: dict[int, int] = {}
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.close()
        self._parent.wait()
        self._listening.join()
        self._parent.stdout.close()

    async def start(self, arguments: list[str], environment: dict[str, str], log: Path) -> Child:
        """A new bot, as `python -m tests.process` with these arguments."""
        assert self._parent.stdin
        told = {"arguments": arguments, "environment": environment, "log": str(log)}
        self._parent.stdin.write(json.dumps(told).encode() + b"\n")
        self._parent.stdin.flush()
        return Child(await asyncio.to_thread(self._born.get), self._ended)

    def _listen(self) -> None:
        assert self._parent.stdout
        for line in self._parent.stdout:
            pid, code = json.loads(line)
            if code is None:
                self._ended.pop(pid, None)  # a number may come again
                self._born.put(pid)
            else:
                self._ended[pid] = code


class BotProcess:
    """Starts the bot, kills it, starts it again on the same database."""

    def __init__(
        self,
        environment: dict[str, str],
        clock_file: Path,
        log: Path,
        command: str = "run",
        nursery: Nursery | None = None,
    ) -> None:
        self.environment = environment
        self.log = log
        self._arguments = [str(clock_file), command]
        self._nursery = nursery
        self._process: Process | None = None

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
        self.log.touch()
        self._said_before = self.log.stat().st_size
        if self._nursery:
            self._process = await self._nursery.start(self._arguments, self.environment, self.log)
            return
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.process",
                *self._arguments,
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


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as a process is given them."""
    return {
        name.upper(): str(value)
        for name, value in settings.model_dump().items()
        if value is not None
    }


def write_offset(file: Path, moment: datetime) -> None:
    """Let the bot's clock show `moment` now. The file is never half-written."""
    fresh = file.with_suffix(".new")
    fresh.write_text(str((moment - SystemClock().now()).total_seconds()))
    fresh.replace(file)


def be_the_bot(clock_file: str, command: str) -> None:
    settings = read_settings("telegram_token", *CLINIC)
    logs.configure(settings.log_level, settings.log_format)
    clock = FileClock(Path(clock_file))
    started = {
        "run": lambda: app.run(settings, clock),
        "worker": lambda: app.worker(settings, clock),
        "web": lambda: app.web(settings),
    }
    with asyncio.Runner(loop_factory=app.new_event_loop) as runner:
        runner.run(started[command]())


def be_the_nursery() -> None:
    """Fork a bot for each line; say [pid, null] when it is there and [pid, code] when it ended."""
    content.library.load()
    dates.warm_up()
    alive: set[int] = set()
    signal.signal(signal.SIGCHLD, lambda *_: _tell_who_ended(alive))
    for line in sys.stdin:
        told = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        if not (child := os.fork()):
            _be_a_child(told)
        alive.add(child)
        _tell(child, None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for child in list(alive):  # whoever wanted them is gone
        os.kill(child, signal.SIGKILL)


def _be_a_child(told: dict[str, Any]) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    os.dup2(os.open(told["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT), sys.stderr.fileno())
    os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdin.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.environ.update(told["environment"])
    code = 1
    try:
        be_the_bot(*told["arguments"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _tell_who_ended(alive: set[int]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            alive.discard(ended[0])
            _tell(ended[0], os.waitstatus_to_exitcode(ended[1]))


def _tell(pid: int, code: int | None) -> None:
    os.write(sys.stdout.fileno(), json.dumps([pid, code]).encode() + b"\n")


if __name__ == "__main__":
    if sys.argv[1:]:
        be_the_bot(*sys.argv[1:])
    else:
        be_the_nursery()
