"""Databases with many messages still to come, and some that fall due at a moment tomorrow."""

from __future__ import annotations

from datetime import timedelta

from storage.database import Transaction
from tests.benchmarks import filling
from tests.benchmarks.bench import Bench, Place

AT_ONCE = 20
REPEATS, WARM_UPS = 200, 10


def database(bench: Bench, place: Place, rows: int) -> str:
    """A fresh one with so many rows. From tomorrow noon on AT_ONCE fall due each second."""
    seconds = min(REPEATS + WARM_UPS, rows // AT_ONCE)
    due = [bench.noon + timedelta(seconds=n) for n in range(seconds) for _ in range(AT_ONCE)]
    later = bench.noon + timedelta(days=1)

    def fill(tx: Transaction) -> None:
        filling.fill(tx, due)
        filling.fill_pending(tx, rows - len(due), since=later, first=len(due) + 1)

    return place.filled(f"rows{rows}", fill)
