"""Each benchmark still runs, in its smallest size; how fast is never asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.bench import Bench
from tests.benchmarks.databases import PostgreSQL, SQLite
from tests.postgres import PostgresServer


@pytest.mark.parametrize("name", BENCHMARKS)
def test_runs_on_sqlite(name: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, [SQLite(tmp_path)], smallest=True)
    for table in BENCHMARKS[name](bench):
        assert table.rows
        assert table.as_markdown().count("\n|") == len(table.rows) + 2


@pytest.mark.parametrize("name", ["claiming", "recording"])
def test_runs_on_postgresql(name: str, tmp_path: Path, postgres_server: PostgresServer) -> None:
    bench = Bench(tmp_path, [PostgreSQL(postgres_server)], smallest=True)
    (table,) = BENCHMARKS[name](bench)
    assert [row[0] for row in table.rows] == ["PostgreSQL"]
