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
from typing import IO, Any

ROOT = Path(__file__).parents[2]
MEASURED, HELPING = 0, 1
"""The core of what is measured, and that of all that helps: sink, simulator, PostgreSQL."""


def pin(core: int) -> None:
    """Stay on one core from here on, children and later threads as well, where the system can."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def child(
    module: str, *arguments: str, core: int, environment: Mapping[str, str] | None = None,
    errors: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
    """A module of ours as a process, ended with the block."""
    with subprocess.Popen(  # noqa: S603  our own module
        command(module, *arguments),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=errors,
        preexec_fn=lambda: pin(core),  # noqa: PLW1509  no threads of ours hold anything
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(15)


def outcome(module: str, *arguments: str, log: Path) -> dict[str, Any]:
    """What a measured module printed last, as JSON. Raises RuntimeError with the end of its log."""
    with log.open("ab") as errors:
        done = subprocess.run(  # noqa: S603  our own module
            command(module, *arguments),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=lambda: pin(MEASURED),  # noqa: PLW1509  no threads of ours hold anything
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{module} {arguments}: {log.read_text('utf-8')[-2000:]}")
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
        with urllib.request.urlopen(f"{self.url}/{what}") as reply:  # noqa: S310  on loopback
            return json.load(reply)


@contextmanager
def sink(delay: float = 0.0) -> Iterator[Sink]:
    with child("tests.benchmarks.sink", "--delay", str(delay), core=HELPING) as process:
        assert process.stdout
        yield Sink(process.stdout.readline().decode().strip())


@dataclass
class Watch:
    """Wall time and CPU of this process, all threads, since it was begun."""

    began: float = field(default_factory=time.perf_counter)
    cpu_began: float = field(default_factory=lambda: _cpu())

    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def cpu(self) -> float:
        return _cpu() - self.cpu_began


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def all_of(count: int, concurrency: int, one: Any) -> None:
    """Await `one(n)` for each n below `count`, so many of them at once."""
    numbers = iter(range(count))

    async def work() -> None:
        for n in numbers:
            await one(n)

    await asyncio.gather(*(work() for _ in range(concurrency)))
