"""How long it takes to find and claim what is due, by how many rows there are."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime, timedelta

import content.library
from bot.delivery.dispatcher import Haul, take_due
from storage.database import Database
from tests.benchmarks import backlog
from tests.benchmarks.backlog import AT_ONCE, REPEATS, WARM_UPS
from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import outcome
from tests.benchmarks.table import Table, percentile

SIZES = (10_000, 1_000_000)
TITLE = "Finding and claiming 20 due rows"
NOTE = """\
`take_due` as the dispatcher runs it: one transaction that finds 20 due messages, looks at their
patients, renders and claims them, committed to disk. The other rows are due in weeks to come."""


def measure(bench: Bench) -> list[Table]:
    head = ["database", "rows", "p50, ms", "p99, ms", "p50 beside the fewest rows"]
    table = Table(TITLE, NOTE, head)
    repeats = bench.size(REPEATS, 2)
    for place in bench.places:
        first = 0.0
        for rows in [300] if bench.smallest else [*SIZES, *bench.more_rows()]:
            url = backlog.database(bench, place, rows)
            told = (url, bench.noon.isoformat(), str(repeats))
            took = outcome("tests.benchmarks.claiming", *told, log=bench.log)["ms"]
            place.drop(url)
            middle = percentile(took, 50)
            first = first or middle
            table.rows.append(
                [
                    place.name,
                    f"{rows:,}",
                    f"{middle:.1f}",
                    f"{percentile(took, 99):.1f}",
                    f"{middle / first:.2f}",
                ]
            )
    return [table]


async def claim(url: str, noon: datetime, repeats: int) -> list[float]:
    """Milliseconds for each time. Raises RuntimeError if not all were found."""
    library, database = content.library.load(), Database(url, leads=True)
    took = []
    try:
        await database.take_lead()
        for n in range(repeats + WARM_UPS):
            now = noon + timedelta(seconds=n, milliseconds=1)
            began = time.perf_counter()
            haul = Haul()
            await database.run(take_due, library, now, limit=AT_ONCE, without=(), haul=haul)
            took.append(1000 * (time.perf_counter() - began))
            if len(haul.errands) != AT_ONCE:
                raise RuntimeError(f"{len(haul.errands)} messages where {AT_ONCE} are due")
    finally:
        database.close()
    return took[WARM_UPS:]


if __name__ == "__main__":
    address, at, times = sys.argv[1:]
    print(json.dumps({"ms": asyncio.run(claim(address, datetime.fromisoformat(at), int(times)))}))
