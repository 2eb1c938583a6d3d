"""The contract of a store on both stores of ours."""

import inspect
from dataclasses import fields
from pathlib import Path

from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.testing import store_contract
from cohort_sync.testing.store_contract import Clock, DurableStoreContract, StoreContract, same_as_in_memory


def sqlite_store(path: Path, clock: Clock) -> Store:
    return SqliteStore(path, clock=clock)


class TestMemory(StoreContract):
    def make_store(self, path: Path, clock: Clock) -> Store:
        return MemoryStore(clock=clock)


class TestSqlite(DurableStoreContract):
    def make_store(self, path: Path, clock: Clock) -> Store:
        return sqlite_store(path, clock)


def test_the_contract_asks_every_question_and_writes_every_table() -> None:
    """Whatever is added to the protocol is added to the suite."""
    directory = Path(store_contract.__file__).parent
    suite = "\n".join(path.read_text() for path in directory.glob("*.py"))
    asked = [name for kind in (Reader, Store) for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")]
    assert [name for name in asked if f".{name}(" not in suite] == []
    assert [field.name for field in fields(WriteSet) if f"{field.name}=" not in suite] == []


TestTwins = same_as_in_memory(sqlite_store, examples=60)
