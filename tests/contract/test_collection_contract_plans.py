"""Finds of the SQLite store use its indexes: what their query plans say, and how much they look at."""

import re
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cohort_sync.omrs.conditions import equality
from cohort_sync.omrs.enums import InstanceStatus, PrimitiveDefCategory
from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, InstanceType, Relationship
from cohort_sync.omrs.predicates import ALWAYS, AllOf, AnyOf, AnyText, Classified, EndIn, HasHeader, HasProperty, NumberIs, Predicate, TextIs
from cohort_sync.omrs.properties import InstanceProperties, PrimitivePropertyValue
from cohort_sync.omrs.search_text import Anchor, Literal, java_pattern
from cohort_sync.store.finds import Deadline, FindQuery, sift
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import InstanceRow, Kind
from cohort_sync.store.sqlite import SqliteStore, find_index, find_order, find_scope
from cohort_sync.store.sqlite.find_scope import Scope
from cohort_sync.store.sqlite.reader import SqliteReader
from cohort_sync.store.stored import entity_rows, relationship_row
from cohort_sync.testing.store_contract import Driver
from cohort_sync.testing.store_contract.find_samples import number, string

MANY = 600


def column(at: int) -> EntityDetail:
    key = Classification(name="PrimaryKey", metadata_collection_id="mc", create_time=1, properties=InstanceProperties())
    return EntityDetail(
        guid=f"g{at}",
        type=InstanceType(type_def_name=("RelationalColumn", "RelationalTable", "Database")[at % 3]),
        metadata_collection_id="mc",
        create_time=at,
        version=1,
        status=InstanceStatus.ACTIVE,
        classifications=[key] if at % 100 == 0 else None,
        properties=InstanceProperties(
            instance_properties={
                "qualifiedName": string(f"retail.shop.column{at}"),
                "description": string(f"the column numbered {at} of the shop"),
                "position": integer(at),
            }
        ),
    )


def integer(value: int) -> PrimitivePropertyValue:
    return number(PrimitiveDefCategory.INT, value)


def link(at: int) -> Relationship:
    return Relationship(
        guid=f"r{at}",
        type=InstanceType(type_def_name="NestedSchemaAttribute"),
        metadata_collection_id="mc",
        create_time=at,
        status=InstanceStatus.ACTIVE,
        entity_one_proxy=EntityProxy(guid=f"g{at}"),
        entity_two_proxy=EntityProxy(guid=f"g{at + 1}"),
    )


@pytest.fixture
def connection(sqlite: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A connection that reads a store of MANY entities and relationships, all indexed, counted in blocks of 64."""
    monkeypatch.setattr(find_index, "BLOCK_BITS", 6)
    monkeypatch.setattr(find_scope, "BLOCK_BITS", 6)
    store = sqlite.store
    assert isinstance(store, SqliteStore)
    writes = WriteSet()
    for at in range(MANY):
        row, classified = entity_rows(column(at))
        writes.instances[row.guid] = row
        writes.classifications.update({(row.guid, one.name): one for one in classified})
        writes.instances[f"r{at}"] = relationship_row(link(at))
    sqlite.apply(writes)
    while sqlite.run(store.index(1000)):
        pass
    reading = sqlite3.connect(f"file:{tmp_path / 'store.db'}?mode=ro", uri=True, isolation_level=None)
    reading.execute("BEGIN")
    yield reading
    reading.close()


class CountingReader(SqliteReader):
    """Counts the instances that are read."""

    read = 0

    def instances(self, guids: Collection[str]) -> dict[str, InstanceRow]:
        found = super().instances(guids)
        self.read += len(found)
        return found


def run(connection: sqlite3.Connection, query: FindQuery) -> tuple[list[str | None], list[str], int]:
    """The GUIDs that were found, the lines of the plans of all statements that ran, and how many instances were read."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    reader = CountingReader(connection)
    found: list[EntityDetail] | list[Relationship] = reader.find_relationships(query) if query.kind == Kind.RELATIONSHIP else reader.find_entities(query)
    connection.set_trace_callback(None)
    ours = [one for one in statements if not one.startswith("--")]
    plans = [line for statement in ours for *_, line in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return [one.guid for one in found], plans, reader.read


def scans(plans: list[str]) -> list[str]:
    """What is read from end to end: neither a lookup nor the list that begins the search."""
    allowed = ("SCAN q", "SCAN find_queue", "SCAN (subquery", "SCAN find_text VIRTUAL TABLE INDEX", "SCAN CONSTANT ROW", "SCAN main.find_text_")
    return [line for line in plans if line.startswith("SCAN") and not line.startswith(allowed)]


def text(value: str, anchor: Anchor = Anchor.EXACT, *, ignore_case: bool = False) -> TextIs:
    return TextIs(Literal(value, anchor, ignore_case), strings_only=True)


@pytest.mark.parametrize(
    ("predicate", "expected", "at_most"),
    [
        (HasProperty("qualifiedName", text("retail.shop.column77")), ["g77"], 1),
        (HasProperty("qualifiedName", equality(string("retail.shop.column77"))), ["g77"], 1),
        (HasProperty("qualifiedName", text("RETAIL.SHOP.COLUMN77", ignore_case=True)), ["g77"], 3),
        (HasProperty("qualifiedName", text("retail.shop.column59", Anchor.PREFIX)), [f"g{at}" for at in (59, *range(590, 600))], 11),
        (HasProperty("position", equality(integer(77))), ["g77"], 1),
        (HasProperty("position", NumberIs(">=", 598)), ["g598", "g599"], 3),
        (AnyText(Literal("numbered 77 of", Anchor.CONTAINS)), ["g77"], 1),
        (AnyText(java_pattern(r"the column numbered (77|78) of the s[h]op")), ["g77", "g78"], MANY),
        (Classified(frozenset(["PrimaryKey"]), ALWAYS), [f"g{at}" for at in range(0, MANY, 100)], 6),
        (HasHeader("guid", TextIs(Literal("g77"))), ["g77"], 1),
        (
            AllOf((HasProperty("description", text("column", Anchor.CONTAINS)), HasProperty("position", equality(number(PrimitiveDefCategory.INT, 7))))),
            ["g7"],
            1,
        ),
        (AnyOf((HasProperty("qualifiedName", text("retail.shop.column7")), HasProperty("qualifiedName", text("retail.shop.column8")))), ["g7", "g8"], 2),
        (HasProperty("noSuchProperty", text("x")), [], 0),
    ],
)
def test_conditions_are_answered_by_an_index(connection: sqlite3.Connection, predicate: Predicate, expected: list[str], at_most: int) -> None:
    found, plans, read = run(connection, FindQuery(kind=Kind.ENTITY, predicate=predicate))
    assert sorted(one or "" for one in found) == sorted(expected)
    assert read <= at_most
    assert scans(plans) == []


def test_a_page_of_a_type_is_not_sorted(connection: sqlite3.Connection) -> None:
    types = frozenset(["RelationalColumn", "RelationalTable", "NoSuchType"])
    found, plans, read = run(connection, FindQuery(kind=Kind.ENTITY, type_names=types, page_size=10, offset=300))
    assert (len(found), read) == (10, 10)
    assert scans(plans) == []
    assert not any("TEMP B-TREE" in line for line in plans)
    assert any("find_owner_type" in line for line in plans)


@pytest.mark.parametrize("types", [None, frozenset(["Database"]), frozenset(["Database", "RelationalTable"])])
@pytest.mark.parametrize("order", SequencingOrder)
@pytest.mark.parametrize("offset", [0, 1, 64, 150, 199, 5_000])
def test_a_page_far_behind_the_first(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, types: frozenset[str] | None, order: SequencingOrder, offset: int
) -> None:
    monkeypatch.setattr(find_order, "_FEW", 10)
    monkeypatch.setattr(find_order, "_SORTED_COST", 1_000)
    query = FindQuery(kind=Kind.ENTITY, type_names=types, order=order, order_property="qualifiedName", offset=offset, page_size=10)
    found, plans, read = run(connection, query)
    in_place = [column(int(guid[1:])) for guid in sorted(f"g{at}" for at in range(MANY))]  # the writer sorts a batch by GUID
    assert found == [one.guid for one in sift(query, in_place, Deadline(0))]
    assert read == len(found)
    assert scans(plans) == []
    assert not any("TEMP B-TREE" in line and "RIGHT PART OF ORDER BY" not in line for line in plans)


def test_what_is_skipped_is_counted_and_not_read(connection: sqlite3.Connection) -> None:
    """The blocks before the page are left out by their counts."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    scope = Scope(connection, FindQuery(kind=Kind.ENTITY, type_names=frozenset(["Database"])))
    assert len(list(scope.in_place(150))) == 50
    connection.set_trace_callback(None)
    ((first, rest),) = re.findall(r"o\.id >= (\d+) ORDER BY o\.id LIMIT -1 OFFSET (\d+)", statements[-1])
    assert int(first) % 64 == 0
    assert int(rest) < 64


def test_a_page_of_a_long_list_reads_no_more_than_the_page(connection: sqlite3.Connection) -> None:
    found, plans, read = run(connection, FindQuery(kind=Kind.ENTITY, predicate=AnyText(Literal("shop", Anchor.CONTAINS)), page_size=10))
    assert found == sorted(f"g{at}" for at in range(MANY))[:10]
    assert read <= 40
    assert scans(plans) == []
    assert not any("TEMP B-TREE" in line for line in plans)


def test_ends_of_relationships(connection: sqlite3.Connection) -> None:
    found, plans, read = run(connection, FindQuery(kind=Kind.RELATIONSHIP, predicate=EndIn(2, frozenset(["g5"]))))
    assert (found, read, scans(plans)) == (["r4"], 1, [])
    assert any("instance_end2" in line for line in plans)


@pytest.mark.parametrize("order", [SequencingOrder.CREATION_DATE_RECENT, SequencingOrder.PROPERTY_DESCENDING])
def test_sorting_looks_at_the_index_only(connection: sqlite3.Connection, order: SequencingOrder) -> None:
    query = FindQuery(kind=Kind.ENTITY, type_names=frozenset(["Database"]), order=order, order_property="position", page_size=3)
    found, _, read = run(connection, query)
    assert found == ["g599", "g596", "g593"]
    assert read == 3


ORDERS = [order for order in SequencingOrder if order is not SequencingOrder.ANY]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("types", [None, frozenset(["RelationalColumn", "Database"])])
def test_a_page_in_any_order_is_read_from_an_index(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, order: SequencingOrder, types: frozenset[str] | None
) -> None:
    monkeypatch.setattr(find_order, "_FEW", 10)
    monkeypatch.setattr(find_order, "_SORTED_COST", 1_000)
    query = FindQuery(kind=Kind.ENTITY, type_names=types, order=order, order_property="position", offset=20, page_size=10)
    found, plans, read = run(connection, query)
    by_number = [at for at in range(MANY) if types is None or at % 3 != 1]
    expected = sorted((f"g{at}" for at in by_number), key=str) if order is SequencingOrder.GUID else [f"g{at}" for at in by_number]
    if order in (SequencingOrder.CREATION_DATE_RECENT, SequencingOrder.PROPERTY_DESCENDING):
        expected.reverse()
    if order in (SequencingOrder.LAST_UPDATE_OLDEST, SequencingOrder.LAST_UPDATE_RECENT):  # no instance was updated: the GUID decides
        expected.sort()
    assert found == expected[20:30]
    assert read == 10
    assert scans(plans) == []
    # Equal values may be put in the order of the GUIDs; nothing else is sorted.
    assert not any("TEMP B-TREE" in line and "RIGHT PART OF ORDER BY" not in line for line in plans)


@pytest.mark.parametrize("order", [SequencingOrder.PROPERTY_ASCENDING, SequencingOrder.PROPERTY_DESCENDING])
@pytest.mark.parametrize("name", ["position", "qualifiedName", "sometimes", "never"])
@pytest.mark.parametrize("few", [0, 10_000])
def test_values_are_in_order_whichever_way_they_are_read(sqlite: Driver, monkeypatch: pytest.MonkeyPatch, order: SequencingOrder, name: str, few: int) -> None:
    monkeypatch.setattr(find_order, "_FEW", few)
    writes = WriteSet()
    instances = []
    for at in range(60):
        one = column(at)
        assert one.properties is not None
        properties = dict(one.properties.instance_properties or {})
        if at % 4:
            properties["sometimes"] = integer(at % 7) if at % 5 else string(f"text {at % 3}")
        instances.append(replace(one, classifications=None, properties=InstanceProperties(instance_properties=properties)))
        writes.instances[f"g{at}"] = entity_rows(instances[-1])[0]
    sqlite.apply(writes)
    assert isinstance(sqlite.store, SqliteStore)
    sqlite.run(sqlite.store.index(1000))
    query = FindQuery(kind=Kind.ENTITY, order=order, order_property=name)
    expected = sift(query, instances, Deadline(0))
    assert [one.guid for one in sqlite.read(lambda reader: reader.find_entities(query))] == [one.guid for one in expected]
