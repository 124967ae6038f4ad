"""Children that are measured or help to measure, kept apart on cores of their own."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MEASURED, HELPING = 0, 1
"""The core of what is measured, and that of all that helps: sink, simulator, PostgreSQL."""
READY = b" ready "
PATIENCE = 300.0
"""Seconds until a child must be ready."""


def pin(core: int) -> None:
    """Stay on one core from here on, children and later threads as well, where the system can."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def child(
    module: str,
    *arguments: str,
    core: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """A module as a process, ended with the block."""
    with log.open("ab") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command(module, *arguments),
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=lambda: pin(core),  # noqa: PLW1509  no threads of ours hold anything
        )
    try:
        yield Child(process, log, began)
    finally:
        process.terminate()
        process.wait(15)
        if process.stdout:
            process.stdout.close()


@dataclass(frozen=True)
class Child:
    """A process at work."""

    process: subprocess.Popen[bytes]
    log: Path
    began: float

    def line(self) -> str:
        """The next line it prints. Raises RuntimeError with the end of its log if it ended."""
        assert self.process.stdout
        said = self.process.stdout.readline().decode().strip()
        if not said:
            raise RuntimeError(self.log.read_text("utf-8")[-2000:])
        return said

    def ready(self) -> float:
        """Wait until its log says so; the seconds since it was begun."""
        while READY not in self.log.read_bytes():
            if self.process.poll() is not None or time.perf_counter() - self.began > PATIENCE:
                raise RuntimeError(self.log.read_text("utf-8")[-2000:])
            time.sleep(0.002)
        return time.perf_counter() - self.began

    def megabytes(self) -> float:
        """What it holds in memory."""
        told = Path(f"/proc/{self.process.pid}/status")
        if told.exists():
            return int(told.read_text().partition("VmRSS:")[2].split()[0]) / 1024
        asked = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(asked.stdout) / 1024

    def cpu(self) -> float | None:
        """Seconds of CPU it has had; None where the system does not tell."""
        told = Path(f"/proc/{self.process.pid}/stat")
        if not told.exists():
            return None
        fields = told.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def outcome(module: str, *arguments: str, log: Path) -> dict[str, Any]:
    """What a measured module printed last, as JSON. Raises RuntimeError with the end of its log."""
    with log.open("ab") as errors:
        done = subprocess.run(
            command(module, *arguments),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=lambda: pin(MEASURED),
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{module}: {log.read_text('utf-8')[-2000:]}")
    *before, last = done.stdout.decode().splitlines()
    for line in before:
        print(line)
    found: dict[str, Any] = json.loads(last)
    return found


@dataclass(frozen=True)
class Sink:
    """The sink, running."""

    url: str

    def reset(self) -> None:
        self._get("reset")

    def count(self) -> dict[str, Any]:
        counted: dict[str, Any] = self._get("count")
        return counted

    def _get(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{what}") as reply:
            return json.load(reply)


@contextmanager
def sink(log: Path) -> Iterator[Sink]:
    with child("tests.benchmarks.sink", core=HELPING, log=log) as process:
        yield Sink(process.line())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass
class Watch:
    """Wall time and CPU of this process, all threads, since it was begun."""

    began: float = field(default_factory=time.perf_counter)
    cpu_began: float = field(default_factory=_cpu)

    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def cpu(self) -> float:
        return _cpu() - self.cpu_began


async def all_of(count: int, concurrency: int, one: Any) -> None:
    """Await `one(n)` for each n below `count`, so many of them at once."""
    numbers = iter(range(count))

    async def work() -> None:
        for n in numbers:
            await one(n)

    await asyncio.gather(*(work() for _ in range(concurrency)))
