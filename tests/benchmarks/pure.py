"""What is worked out without a database: answers, plans and texts, in one process."""

from __future__ import annotations

from functools import partial

from tests.benchmarks import ask, plans
from tests.benchmarks.bench import Bench
from tests.benchmarks.table import Table, several


def measure(bench: Bench) -> list[Table]:
    table = Table("Answers, plans and texts", "One process, nothing stored.", ["what", "a second"])
    seconds, rounds = bench.size(3.0, 0.1), bench.size(200, 5)
    for name, one in (
        ("free texts answered", partial(ask.measure, seconds)),
        ("plans of a session", partial(plans.measure, rounds)),
        ("messages rendered", partial(plans.measure_texts, rounds)),
    ):
        table.rows.append([name, several([one() for _ in range(bench.rounds(3))])])
    return [table]
