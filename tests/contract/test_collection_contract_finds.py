"""Finds on both stores: SQLite has to find what looking at everything finds, however much of it is indexed yet."""

import asyncio
import tempfile
import time
from pathlib import Path

import pytest
from find_samples import CLASSES, GUIDS, entities, population, queries, relationships, string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import Driver

from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.omrs.instances import EntityDetail, InstanceType, Relationship
from cohort_sync.omrs.predicates import AnyText, HasProperty, TextIs
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.search_text import Anchor, Literal
from cohort_sync.store.finds import FindQuery, QueryTimeout
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import Kind
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.store.stored import entity_rows, relationship_row

changes = st.one_of(
    entities,
    entities,
    entities,
    relationships,
    st.sampled_from(GUIDS).map(lambda guid: ("purge", guid)),
    st.tuples(st.sampled_from(GUIDS), st.sampled_from(CLASSES)),
    st.integers(1, 6),
)


def written(change: EntityDetail | Relationship | tuple[str, str]) -> WriteSet:
    writes = WriteSet()
    match change:
        case EntityDetail():
            row, classified = entity_rows(change)
            writes.instances[row.guid] = row
            writes.classifications = {(row.guid, one.name): one for one in classified}
        case Relationship():
            row = relationship_row(change)
            writes.instances[row.guid] = row
        case ("purge", guid):
            writes.removed.add(guid)
        case (guid, name):
            writes.classifications[guid, name] = None
    return writes


def answer(query: FindQuery, reader: Reader) -> list[EntityDetail] | list[Relationship]:
    return reader.find_relationships(query) if query.kind == Kind.RELATIONSHIP else reader.find_entities(query)


async def compare(steps: list[object], asked: list[FindQuery]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        twin, store = MemoryStore(clock=lambda: 10), SqliteStore(Path(directory) / "store.db", clock=lambda: 10)
        await twin.open()
        await store.open()
        try:
            for step in steps:
                if isinstance(step, int):
                    await store.index(step)
                else:
                    await twin.transact(lambda _, step=step: (written(step), None))
                    await store.transact(lambda _, step=step: (written(step), None))
            for _ in range(2):
                for query in asked:
                    expected = await twin.read(lambda reader, query=query: answer(query, reader))
                    assert await store.read(lambda reader, query=query: answer(query, reader)) == expected, query
                while await store.index(1000):
                    pass
        finally:
            await store.close()
            await twin.close()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(population, st.lists(changes, max_size=8), st.lists(queries, min_size=4, max_size=8))
def test_both_stores_find_the_same(instances: list[object], steps: list[object], asked: list[FindQuery]) -> None:
    asyncio.run(compare([*instances, *steps], asked))


# ------------------------------------------------------------ examples


def table(guid: str, name: str, status: InstanceStatus = InstanceStatus.ACTIVE) -> EntityDetail:
    return EntityDetail(
        guid=guid,
        type=InstanceType(type_def_name="RelationalTable", type_def_guid="t"),
        metadata_collection_id="mc",
        create_time=100,
        version=1,
        status=status,
        properties=InstanceProperties(instance_properties={"qualifiedName": string(name)}),
    )


def put(driver: Driver, *entities_: EntityDetail) -> None:
    for one in entities_:
        driver.apply(written(one))


def guids(driver: Driver, query: FindQuery) -> list[str | None]:
    return [one.guid for one in driver.read(lambda reader: reader.find_entities(query))]


def test_pages_are_stable_and_cover_everything(driver: Driver) -> None:
    put(driver, *(table(f"g{number:02}", f"name {number}") for number in (5, 3, 9, 1, 7)))
    for order in SequencingOrder:
        pages = [guids(driver, FindQuery(kind=Kind.ENTITY, order=order, order_property="qualifiedName", offset=at, page_size=2)) for at in (0, 2, 4, 6)]
        assert [len(page) for page in pages] == [2, 2, 1, 0]
        assert sorted(guid or "" for page in pages for guid in page) == ["g01", "g03", "g05", "g07", "g09"], order


def test_an_instance_is_found_by_what_it_is_now(driver: Driver) -> None:
    by_name = FindQuery(kind=Kind.ENTITY, predicate=HasProperty("qualifiedName", TextIs(Literal("retail.orders"), strings_only=True)))
    put(driver, table("g1", "retail.orders"), table("g2", "retail.items"))
    assert guids(driver, by_name) == ["g1"]
    put(driver, table("g1", "retail.old"), table("g2", "retail.orders"))
    assert guids(driver, by_name) == ["g2"]
    driver.write(removed={"g2"})
    assert guids(driver, by_name) == []
    put(driver, table("g1", "retail.orders", InstanceStatus.DELETED))
    assert guids(driver, by_name) == []


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
