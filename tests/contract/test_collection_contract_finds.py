"""Finds of SQLite: what its index adds to the contract of all stores."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cohort_sync.omrs.predicates import AnyText, HasProperty, TextIs
from cohort_sync.omrs.search_text import Anchor, Literal
from cohort_sync.store.finds import FindQuery, QueryTimeout
from cohort_sync.store.protocol import Store
from cohort_sync.store.rows import Kind
from cohort_sync.store.sqlite import SqliteStore, find_index, find_scope, migrate
from cohort_sync.store.sqlite import connection as connections
from cohort_sync.store.stored import entity_rows
from cohort_sync.testing.store_contract import Clock, Driver, finds_as_in_memory
from cohort_sync.testing.store_contract.finds import guids, put, table


def make_store(path: Path, clock: Clock) -> Store:
    return SqliteStore(path, clock=clock)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    """Owners are counted in blocks of two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(find_index, "BLOCK_BITS", 1)
        patch.setattr(find_scope, "BLOCK_BITS", 1)
        yield


async def index(store: Store, limit: int) -> int:
    assert isinstance(store, SqliteStore)
    waiting = await store.index(limit)
    check_counts(store._path)
    return waiting


def check_counts(path: Path) -> None:
    """What is counted beside the index is what is in it."""
    with closing(sqlite3.connect(path)) as connection:
        for counted, there in (
            ("SELECT * FROM find_block", "SELECT kind, type_name, status, id >> 1, count(*) FROM find_owner GROUP BY 1, 2, 3, 4"),
            (
                "SELECT * FROM find_holders",
                "SELECT v.name, o.kind, o.type_name, o.status, count(*) FROM find_value v JOIN find_owner o ON o.id = v.owner GROUP BY 1, 2, 3, 4",
            ),
        ):
            assert sorted(connection.execute(counted)) == sorted(connection.execute(there))


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


def test_a_store_of_an_earlier_release_is_counted(tmp_path: Path) -> None:
    """The step that brings the counts counts what is there."""
    path = tmp_path / "store.db"
    steps = migrate.migrations()
    with closing(connections.for_writing(path)) as connection:
        migrate.migrate(connection, path, steps[:4])
        owners = [(number, f"g{number}", 1, f"Type{number % 3}", "ACTIVE" if number % 2 else "DRAFT") for number in range(1, 8)]
        connection.executemany("INSERT INTO find_owner (id, guid, kind, type_name, status) VALUES (?, ?, ?, ?, ?)", owners)
        connection.executemany("INSERT INTO find_value (name, value, owner) VALUES (?, ?, ?)", [(number % 2, "x", number) for number in range(1, 8)])
        connection.execute("INSERT INTO find_queue (guid, gone) VALUES ('g1', 0)")
        migrate.migrate(connection, path, steps)
        assert connection.execute("SELECT gone, move FROM find_queue").fetchall() == [(0, 3)]
    with closing(sqlite3.connect(path)) as connection:
        counted = connection.execute("SELECT kind, type_name, status, sum(owners) FROM find_block GROUP BY 1, 2, 3").fetchall()
        assert counted == connection.execute("SELECT kind, type_name, status, count(*) FROM find_owner GROUP BY 1, 2, 3").fetchall()
        assert connection.execute("SELECT sum(owners) FROM find_holders").fetchone() == (7,)
