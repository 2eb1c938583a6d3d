"""Finds of SQLite: what its index adds to the contract of all stores."""

import asyncio
import time
from pathlib import Path

import pytest

from cohort_sync.omrs.predicates import AnyText, HasProperty, TextIs
from cohort_sync.omrs.search_text import Anchor, Literal
from cohort_sync.store.finds import FindQuery, QueryTimeout
from cohort_sync.store.protocol import Store
from cohort_sync.store.rows import Kind
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.store.stored import entity_rows
from cohort_sync.testing.store_contract import Clock, Driver, finds_as_in_memory
from cohort_sync.testing.store_contract.finds import guids, put, table


def make_store(path: Path, clock: Clock) -> Store:
    return SqliteStore(path, clock=clock)


async def index(store: Store, limit: int) -> int:
    assert isinstance(store, SqliteStore)
    return await store.index(limit)


test_however_much_is_indexed_it_finds_what_memory_finds = finds_as_in_memory(make_store, index=index, examples=60)


def test_the_index_is_kept_when_nobody_writes(sqlite: Driver) -> None:
    put(sqlite, *(table(f"g{number}", f"retail.table{number}") for number in range(30)))
    store = sqlite.store
    assert isinstance(store, SqliteStore)

    async def waiting() -> int:
        for _ in range(200):
            await asyncio.sleep(0.02)
            if (left := await store.index(0)) == 0:
                return left
        return left

    assert sqlite.run(waiting()) == 0
    assert guids(sqlite, FindQuery(kind=Kind.ENTITY, predicate=AnyText(Literal("table29", Anchor.SUFFIX)))) == ["g29"]


@pytest.mark.parametrize("indexed", [False, True])
def test_a_find_that_takes_too_long_is_cancelled(sqlite: Driver, indexed: bool) -> None:
    store = sqlite.store
    assert isinstance(store, SqliteStore)
    many = {f"g{number}": entity_rows(table(f"g{number}", f"retail.table{number}"))[0] for number in range(4000)}
    sqlite.write(instances=many)
    if indexed:
        sqlite.run(store.index(10_000))
    slow = FindQuery(kind=Kind.ENTITY, predicate=AnyText(Literal("zz")), timeout=0.005)
    started = time.monotonic()
    with pytest.raises(QueryTimeout, match="deadline"):
        guids(sqlite, slow)
    assert time.monotonic() - started < 1.0
    assert guids(sqlite, FindQuery(kind=Kind.ENTITY, predicate=HasProperty("qualifiedName", TextIs(Literal("retail.table7"), strings_only=True)))) == ["g7"]
