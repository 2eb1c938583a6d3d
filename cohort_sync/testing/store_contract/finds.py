"""Finds: a store has to find what looking at everything finds, in the same order."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.omrs.instances import EntityDetail, InstanceType, Relationship
from cohort_sync.omrs.predicates import AnyText, HasProperty, TextIs
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.search_text import Literal
from cohort_sync.store.finds import FindQuery, QueryTimeout
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.store.rows import Kind
from cohort_sync.store.stored import entity_rows, relationship_row
from cohort_sync.testing.store_contract.driving import Driver, StoreFactory
from cohort_sync.testing.store_contract.find_samples import CLASSES, GUIDS, entities, population, queries, relationships, string

Change = EntityDetail | Relationship | str | tuple[str, str]
"""An instance that is written, a GUID that is purged, or a classification that is taken off (GUID and name)."""
Index = Callable[[Store, int], Awaitable[int]]
"""Takes at most so many changes into the index of a store; answers about how many still wait."""

changes: st.SearchStrategy[Change | int] = st.one_of(
    entities,
    entities,
    entities,
    relationships,
    st.sampled_from(GUIDS),
    st.tuples(st.sampled_from(GUIDS), st.sampled_from(CLASSES)),
    st.integers(1, 6),
)
"""A number: so many changes go into the index."""


def written(change: Change) -> WriteSet:
    """What a change writes."""
    writes = WriteSet()
    match change:
        case EntityDetail():
            row, classified = entity_rows(change)
            writes.instances[row.guid] = row
            writes.classifications = {(row.guid, one.name): one for one in classified}
        case Relationship():
            row = relationship_row(change)
            writes.instances[row.guid] = row
        case str():
            writes.removed.add(change)
        case (guid, name):
            writes.classifications[guid, name] = None
    return writes


def answer(query: FindQuery, reader: Reader) -> list[EntityDetail] | list[Relationship]:
    """The page of a find of either kind."""
    return reader.find_relationships(query) if query.kind == Kind.RELATIONSHIP else reader.find_entities(query)


async def nothing_to_index(_store: Store, _limit: int) -> int:
    """The store has no index that lags."""
    return 0


async def compare(make_store: StoreFactory, steps: Sequence[Change | int], asked: Sequence[FindQuery], index: Index = nothing_to_index) -> None:
    """Write the same here and in memory, and ask both the same, twice: with whatever is indexed by then, and with everything indexed."""
    with tempfile.TemporaryDirectory() as directory:
        twin, store = MemoryStore(clock=lambda: 10), make_store(Path(directory) / "store", lambda: 10)
        await twin.open()
        await store.open()
        try:
            for step in steps:
                if isinstance(step, int):
                    await index(store, step)
                    continue
                for each in (twin, store):
                    await each.transact(partial(_write, step))
            for _ in range(2):
                for query in asked:
                    assert await store.read(partial(answer, query)) == await twin.read(partial(answer, query)), query
                while await index(store, 1000):
                    pass
        finally:
            await store.close()
            await twin.close()


def _write(change: Change, _reader: Reader) -> tuple[WriteSet, None]:
    return written(change), None


def finds_as_in_memory(make_store: StoreFactory, *, index: Index = nothing_to_index, examples: int = 25) -> Callable[[], None]:
    """A test function, to be given a name that begins with test_: random instances, changes and finds, with the answers of the store in memory."""

    @settings(deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(population, st.lists(changes, max_size=8), st.lists(queries, min_size=4, max_size=8))
    def finds_the_same(instances: list[Change | int], steps: list[Change | int], asked: list[FindQuery]) -> None:
        asyncio.run(compare(make_store, [*instances, *steps], asked, index))

    return finds_the_same


def table(guid: str, name: str, status: InstanceStatus = InstanceStatus.ACTIVE) -> EntityDetail:
    """A table of this qualified name."""
    return EntityDetail(
        guid=guid,
        type=InstanceType(type_def_name="RelationalTable", type_def_guid="t"),
        metadata_collection_id="mc",
        create_time=100,
        version=1,
        status=status,
        properties=InstanceProperties(instance_properties={"qualifiedName": string(name)}),
    )


def put(driver: Driver, *tables: EntityDetail) -> None:
    """Write them."""
    for one in tables:
        driver.apply(written(one))


def guids(driver: Driver, query: FindQuery) -> list[str | None]:
    """The GUIDs of the entities that are found."""
    return [one.guid for one in driver.read(lambda reader: reader.find_entities(query))]


class FindContract:
    """Finds, by examples."""

    def test_pages_are_stable_and_cover_everything(self, driver: Driver) -> None:
        put(driver, *(table(f"g{number:02}", f"name {number}") for number in (5, 3, 9, 1, 7)))
        for order in SequencingOrder:
            pages = [guids(driver, FindQuery(kind=Kind.ENTITY, order=order, order_property="qualifiedName", offset=at, page_size=2)) for at in (0, 2, 4, 6)]
            assert [len(page) for page in pages] == [2, 2, 1, 0]
            assert sorted(guid or "" for page in pages for guid in page) == ["g01", "g03", "g05", "g07", "g09"], order

    def test_an_instance_is_found_by_what_it_is_now(self, driver: Driver) -> None:
        by_name = FindQuery(kind=Kind.ENTITY, predicate=HasProperty("qualifiedName", TextIs(Literal("retail.orders"), strings_only=True)))
        put(driver, table("g1", "retail.orders"), table("g2", "retail.items"))
        assert guids(driver, by_name) == ["g1"]
        put(driver, table("g1", "retail.old"), table("g2", "retail.orders"))
        assert guids(driver, by_name) == ["g2"]
        driver.write(removed={"g2"})
        assert guids(driver, by_name) == []
        put(driver, table("g1", "retail.orders", InstanceStatus.DELETED))
        assert guids(driver, by_name) == []

    def test_a_find_past_its_deadline_is_cancelled_and_harms_nobody(self, driver: Driver) -> None:
        driver.write(instances={f"g{number}": entity_rows(table(f"g{number}", f"retail.table{number}"))[0] for number in range(2000)})
        with pytest.raises(QueryTimeout, match="deadline"):
            guids(driver, FindQuery(kind=Kind.ENTITY, predicate=AnyText(Literal("zz")), timeout=0.001))
        put(driver, table("later", "later"))
        by_name = FindQuery(kind=Kind.ENTITY, predicate=HasProperty("qualifiedName", TextIs(Literal("later"), strings_only=True)))
        assert guids(driver, by_name) == ["later"]
