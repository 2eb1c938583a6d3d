"""The contract of a store on both stores of ours."""

from pathlib import Path

from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Store
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.testing.store_contract import Clock, DurableStoreContract, StoreContract, same_as_in_memory


def sqlite_store(path: Path, clock: Clock) -> Store:
    return SqliteStore(path, clock=clock)


class TestMemory(StoreContract):
    def make_store(self, path: Path, clock: Clock) -> Store:
        return MemoryStore(clock=clock)


class TestSqlite(DurableStoreContract):
    def make_store(self, path: Path, clock: Clock) -> Store:
        return sqlite_store(path, clock)


TestTwins = same_as_in_memory(sqlite_store)
