"""`make bench`: what is fast enough and how fast it is, on this machine.

python -m tests.benchmarks [NAME...]      all of them, or only some; RESULTS.md is written by all
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import (
    claiming,
    draining,
    living,
    machine,
    pure,
    recording,
    sending,
    starting,
)
from tests.benchmarks.bench import Bench
from tests.benchmarks.databases import PostgreSQL, SQLite
from tests.benchmarks.processes import HELPING, pin
from tests.benchmarks.table import Table
from tests.postgres import PostgresServer

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """\
# How fast it is

Written by `make bench`, all in one run: the median of the rounds (and from the lowest to the
highest). Processes that are compared take turns, and what is measured has a core to itself. CPU and
ratios travel to another machine better than absolute figures do.
"""
Measure = Callable[[Bench], Sequence[Table]]
BENCHMARKS: dict[str, Measure] = {
    "pure": pure.measure,
    "sending": sending.measure,
    "starting": starting.measure,
    "claiming": claiming.measure,
    "draining": draining.measure,
    "living": living.measure,
    "recording": recording.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    pin(HELPING)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        postgresql = PostgreSQL(stack.enter_context(PostgresServer()))
        bench = Bench(
            folder,
            [SQLite(folder), postgresql],
            smallest=options.smallest,
            largest=options.largest,
        )
        if options.profile:
            sending.profile(bench)
            return
        said = [f"{HEAD}\n{machine.described(postgresql.version())}\n"]
        for line in _run(bench, options.names or list(BENCHMARKS)):
            print(line, flush=True)
            said.append(line)
    if not (options.names or options.smallest or options.largest):
        RESULTS.write_text("\n".join(said), "utf-8")


def _run(bench: Bench, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        for table in BENCHMARKS[name](bench):
            yield table.as_markdown()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"only these: {', '.join(BENCHMARKS)}")  # fmt: skip
    parser.add_argument("--smallest", action="store_true", help="only see that everything works")
    parser.add_argument(
        "--largest", action="store_true", help="ten million rows as well, where rows are counted"
    )
    parser.add_argument(
        "--profile", action="store_true", help="where the time of durable sending goes"
    )
    return parser


if __name__ == "__main__":
    main()
