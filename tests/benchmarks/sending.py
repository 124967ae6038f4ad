"""How many messages a second go out, and what CPU each takes, beside the other ways to do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from storage.database import Transaction
from tests.benchmarks import filling
from tests.benchmarks.bench import Bench, Place
from tests.benchmarks.durable import FIRST_DUE, THEN_DUE
from tests.benchmarks.load import WARM_UP, Load, Sent
from tests.benchmarks.processes import outcome, sink
from tests.benchmarks.table import Table, several

CONCURRENCIES = (10, 32, 64)
ONLY = 32
"""The concurrency the promises are given for."""
AS_THEY_COME = 256
PLAIN = "PTB `Bot`, its own transport, nothing durable"
SCHEDULED = "APScheduler, SQLAlchemyJobStore, no grace time"
"""What the ratios are to."""
TITLE = "Sending"
NOTE = """\
From one process on one core to a sink on the other, which answers at once; PostgreSQL is on the
sink's core. The texts are those of real plans, each to another patient. "Aftercare" is the
product's own dispatcher, sender and pacing (whose limit is set out of reach), from the due rows to
the committed outcomes; each run ends with every row checked to be `sent`. CPU is the sending
process's, all its threads. "Ran" is the part of its jobs a scheduler ran: APScheduler drops what it
starts over a second late unless it is told otherwise. A job waits for one of as many places as the
concurrency says; "as they come" is PTB's own default of 256 connections, with nothing lost to its
second of patience for a free one. Schedulers are timed from the second at which all is due."""


@dataclass(frozen=True)
class Row:
    """One way of sending."""

    name: str
    way: str
    count: int
    place: Place | None = None
    at: Sequence[int] = CONCURRENCIES


def rows(bench: Bench) -> Iterator[Row]:
    yield Row("raw aiohttp, nothing durable", "raw", 4000)
    yield Row(PLAIN, "ptb", 600)
    yield Row("PTB `Bot`, our transport, nothing durable", "ours", 3000)
    for place in bench.places:
        yield Row(f"**Aftercare, durable, {place.name}**", "durable", 2000, place)
    yield Row("PTB JobQueue, a job a reminder", "job_queue", 800, at=(ONLY,))
    yield Row("APScheduler, SQLAlchemyJobStore", "apscheduler", 800, at=(ONLY,))
    yield Row(SCHEDULED, "apscheduler_patient", 800, at=(ONLY, AS_THEY_COME))
    for place in bench.places[1:]:
        yield Row(f"{SCHEDULED}, {place.name}", "apscheduler_patient", 800, place, at=(ONLY,))


Key = tuple[str, int]


def measure(bench: Bench) -> list[Table]:
    """Every way in turn, then all again: what else the machine does falls on all alike.

    Every other round is for ONLY alone.
    """
    found: dict[Key, list[Sent]] = defaultdict(list)
    asked: dict[str, int] = {}
    with sink(bench.log) as telegram:
        for number in range(bench.rounds(3)):
            for row in rows(bench):
                asked[row.name] = bench.size(row.count, 20)
                for concurrency in (ONLY,) if number % 2 or bench.smallest else row.at:
                    telegram.reset()
                    sent = one(bench, row, telegram.url, concurrency)
                    if telegram.count()["chats"] < sent.messages:
                        raise RuntimeError(f"{row.name}: the sink took less than was sent")
                    found[row.name, concurrency].append(sent)
    return [_table(found, asked)]


def one(bench: Bench, row: Row, url: str, concurrency: int, profile: str = "") -> Sent:
    """One way, once, in a process of its own."""
    count = bench.size(row.count, 20)
    database = _database(bench, row, count)
    load = Load(url=url, count=count, concurrency=concurrency, database=database, profile=profile)
    try:
        return Sent(**outcome("tests.benchmarks.measured", row.way, load.dumps(), log=bench.log))
    finally:
        if row.place:
            row.place.drop(database)


def profile(bench: Bench) -> None:
    """Where the time of durable sending goes, thread by thread."""
    with sink(bench.log) as telegram:
        for row in rows(bench):
            if row.way == "durable":
                for thread in ("loop", "storage"):
                    print(f"{row.name}, the {thread} thread, by own time:", flush=True)
                    one(bench, row, telegram.url, ONLY, thread)


def _database(bench: Bench, row: Row, count: int) -> str:
    if row.place is None:
        file = Path(bench.folder, f"jobs{bench.next_number()}.db")
        return f"sqlite:///{file}"
    due = [FIRST_DUE] * min(WARM_UP, count) + [THEN_DUE] * count

    def fill(tx: Transaction) -> None:
        filling.fill(tx, due)

    return row.place.filled(f"sending{count}", fill)


def _table(found: dict[Key, list[Sent]], asked: dict[str, int]) -> Table:
    head = ["way", "concurrency", "messages/s", "CPU ms a message", "x PTB", "x APScheduler", "ran"]
    table = Table(TITLE, NOTE, head)
    job = _speed(found[SCHEDULED, ONLY])
    for (name, concurrency), sents in found.items():
        same = concurrency if concurrency in CONCURRENCIES else ONLY
        ptb = _speed(found[PLAIN, same])
        speed, cpus = _speed(sents), [1000 * it.cpu / it.messages for it in sents if it.messages]
        table.rows.append(
            [
                name,
                f"{concurrency}{', as they come' if concurrency == AS_THEY_COME else ''}",
                several([it.messages / it.seconds for it in sents]),
                several(cpus, ".2f") if cpus else "-",
                f"{speed / ptb:.1f}",
                f"{speed / job:.1f}",
                f"{min(it.messages for it in sents) / asked[name]:.0%}",
            ]
        )
    return table


def _speed(sents: list[Sent]) -> float:
    return median(it.messages / it.seconds for it in sents)
