"""What is worked out without a database: answers, plans and texts, in one process."""

from __future__ import annotations

from tests.benchmarks import ask, plans
from tests.benchmarks.bench import Bench
from tests.benchmarks.table import Table, several


def measure(bench: Bench) -> list[Table]:
    table = Table("Answers, plans and texts", "One process, nothing stored.", ["what", "a second"])
    for name, one in (
        ("free texts answered", lambda: ask.measure(bench.size(3.0, 0.1))),
        ("plans of a session", lambda: plans.measure(bench.size(200, 5))),
        ("messages rendered", lambda: plans.measure_texts(bench.size(200, 5))),
    ):
        table.rows.append([name, several([one() for _ in range(bench.rounds(3))])])
    return [table]
