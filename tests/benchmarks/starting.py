"""How long until the product is ready, and how much memory it then has, by what is pending."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks import backlog, product, waiting
from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import MEASURED, Child, child, sink
from tests.benchmarks.table import Table, several

SIZES = (0, 10_000, 1_000_000)
JOBS = (10_000, 100_000)
SETTLED = 0.5
"""Seconds after `ready` at which memory is looked at."""
TITLE = "Starting"
NOTE = """\
From the start of the process to its line `ready`, imports and all, and the memory (RSS) it has
then: `python -m bot run` with so many messages pending, beside a scheduler with so many jobs that
does nothing else. APScheduler over SQLAlchemyJobStore finds its jobs in its file; over
MemoryJobStore it is handed them anew, as PTB's JobQueue has to be after each start."""


@dataclass(frozen=True)
class Start:
    """One thing to start, ever anew."""

    name: str
    pending: int
    begun: Callable[[], AbstractContextManager[Child]]


def measure(bench: Bench) -> list[Table]:
    times: dict[Start, list[float]] = defaultdict(list)
    memory: dict[Start, list[float]] = defaultdict(list)
    with sink(bench.log) as telegram:
        starts = [*_products(bench, telegram.url), *_schedulers(bench)]
        for _ in range(bench.rounds(3)):
            for start in starts:
                with start.begun() as process:
                    times[start].append(process.ready())
                    time.sleep(SETTLED)
                    memory[start].append(process.megabytes())
    table = Table(TITLE, NOTE, ["what", "pending", "seconds until ready", "memory, MB"])
    for start in starts:
        table.rows.append(
            [
                start.name,
                f"{start.pending:,}",
                several(times[start], ".2f"),
                several(memory[start]),
            ]
        )
    return [table]


def _products(bench: Bench, url: str) -> Iterator[Start]:
    sizes = [20] if bench.smallest else [*SIZES, *bench.more_rows()]
    for place in bench.places:
        for size in sizes:
            database = backlog.database(bench, place, size)
            begun = partial(product.run, bench, database, url)
            yield Start(f"**Aftercare, {place.name}**", size, begun)


def _schedulers(bench: Bench) -> Iterator[Start]:
    for jobs in [40] if bench.smallest else JOBS:
        file = Path(bench.folder, f"waiting{jobs}.db")
        waiting.put(file, jobs)
        for name, store in (
            ("APScheduler, SQLAlchemyJobStore", str(file)),
            ("APScheduler, MemoryJobStore", "memory"),
        ):
            yield Start(name, jobs, partial(_scheduler, bench, store, jobs))


@contextmanager
def _scheduler(bench: Bench, store: str, jobs: int) -> Iterator[Child]:
    log = bench.new_log()
    with child("tests.benchmarks.waiting", store, str(jobs), core=MEASURED, log=log) as process:
        yield process
