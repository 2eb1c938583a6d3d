"""One suite, both stores: whatever `driver` gives has to meet the same contract."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_samples import Driver

from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Store
from cohort_sync.store.sqlite import SqliteStore


def memory_store(path: Path, clock: Callable[[], int]) -> Store:
    return MemoryStore(clock=clock)


def sqlite_store(path: Path, clock: Callable[[], int]) -> Store:
    return SqliteStore(path, clock=clock)


def driven(make: Callable[[Path, Callable[[], int]], Store], path: Path) -> Iterator[Driver]:
    drivers: list[Driver] = []
    store = make(path, lambda: drivers[0].now)
    with asyncio.Runner() as runner:
        drivers.append(Driver(store, runner))
        runner.run(store.open())
        try:
            yield drivers[0]
        finally:
            runner.run(store.close())


@pytest.fixture(params=[memory_store, sqlite_store], ids=["memory", "sqlite"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Driver]:
    yield from driven(request.param, tmp_path / "store.db")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Driver]:
    yield from driven(sqlite_store, tmp_path / "store.db")
