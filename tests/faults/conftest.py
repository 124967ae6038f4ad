"""What every fault starts from."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.faults.scene import Scene, Store, scene
from tests.faults.ward import Size
from tests.postgres import PostgresServer
from tests.process import Nursery

OpenScene = Callable[..., AbstractAsyncContextManager[Scene]]


@pytest.fixture
def seed() -> int:
    """What chance starts from: told, so that a bad day can be had again (FAULTS_SEED)."""
    chosen = int(os.environ.get("FAULTS_SEED", random.randrange(10**6)))
    sys.stdout.write(f"\nseed: {chosen}\n")
    return chosen


@pytest.fixture(scope="session")
def plug() -> Iterator[PostgresServer]:
    """A PostgreSQL that keeps what it commits and that may be pulled."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="session")
def on_postgres(plug: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("prepared"), plug)


@pytest.fixture(params=["on_sqlite", "on_postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each database in turn."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def ward_of(tmp_path: Path, seed: int, nursery: Nursery) -> OpenScene:
    """`async with ward_of(store, silent=.., writing=.., invited=..) as scene:`."""

    def opened(
        store: Store, *, silent: int, writing: int = 0, invited: int = 0
    ) -> AbstractAsyncContextManager[Scene]:
        size = Size(silent=silent, writing=writing, invited=invited)
        return scene(store, nursery, tmp_path, seed, size)

    return opened
