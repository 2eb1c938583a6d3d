"""A mapper's verbs become home instances and the events that announce them."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.outbound import PartitionPosition, SourceContext, SourceReport, plan_source_batch
from cohort_sync.mapping.desired import DesiredClassification, DesiredEntity, DesiredObject, DesiredRelationship, GuidOf, identity_of
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Changes, Malformed, Meaning, Noop, Position, Put, Remember, Remove, Rename, Step, View
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.enums import InstanceEventType, InstanceStatus
from cohort_sync.omrs.events import InstanceSection, OMRSEvent
from cohort_sync.omrs.identity import entity_guid, namespace
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.memory import MemoryStore
from schemas import read_pack

COLLECTION = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"
MEMBER = LocalMember(metadata_collection_id=COLLECTION, metadata_collection_name="retail", server_name="retail-proxy")
REGISTRY = TypeRegistry.from_pack(read_pack("6.1"))
CONTEXT = SourceContext(source="src", member=MEMBER, registry=REGISTRY)
E_ = InstanceEventType


class Script:
    """A mapper whose records are their own meaning: the tests write down what each record says."""

    name = "script"
    options = ()
    emits = frozenset({"RelationalTable"})

    def decode(self, record: SourceRecord) -> Meaning:
        raise AssertionError(f"the tests decode by hand: {record.place}")

    def interpret(self, event: Meaning, view: View) -> Meaning:
        return event


class Member:
    """A store and what was sent, driven batch by batch."""

    def __init__(self, context: SourceContext = CONTEXT) -> None:
        self.store = MemoryStore()
        self.context = context
        self.offset = 0
        asyncio.run(self.store.open())

    def send(self, *meanings: Meaning, offset: int | None = None, now: int = 5000) -> SourceReport:
        start = self.offset if offset is None else offset
        batch = [(SourceRecord("t", 0, start + i, 900, None, b"raw"), meaning) for i, meaning in enumerate(meanings)]
        if offset is None:
            self.offset += len(meanings)

        async def run() -> SourceReport:
            return await self.store.transact(lambda reader: plan_source_batch(reader, batch, Script(), self.context, {}, now))

        return asyncio.run(run())

    def read(self, query):
        async def run():
            return await self.store.read(query)

        return asyncio.run(run())

    def take(self) -> list[OMRSEvent]:
        """The events that were announced since the last call, in order."""

        async def run() -> list[OMRSEvent]:
            rows = await self.store.read(lambda reader: reader.outbox(10_000))
            if rows:
                await self.store.acknowledge(rows[-1].seq)
            return [decode_event(row.value) for row in rows]

        return asyncio.run(run())


def sections(events: Sequence[OMRSEvent]) -> list[InstanceSection]:
    assert all(event.originator == MEMBER.originator for event in events)
    return [event.instance_event_section for event in events if event.instance_event_section]


def kinds(events: Sequence[OMRSEvent]) -> list[InstanceEventType | None]:
    return [section.event_type for section in sections(events)]


def table(name: str = "a", columns: Sequence[str] = ("x",), description: str | None = None, key: str | None = None) -> DesiredObject:
    own = f"db::{name}"
    described = {"description": description} if description else {}
    entities = [
        DesiredEntity(type_name="RelationalDBSchemaType", properties={"qualifiedName": f"{own}_root"}),
        DesiredEntity(type_name="RelationalTable", properties={"qualifiedName": own, "displayName": name, **described}),
    ]
    links = [DesiredRelationship(type_name="AttributeForSchema", end1=identity_of(f"{own}_root"), end2=identity_of(own))]
    for position, column in enumerate(columns):
        anchors = DesiredClassification("Anchors", {"anchorGUID": GuidOf(identity_of(own))})
        qualified = f"{own}::{column}"
        entities.append(DesiredEntity(type_name="RelationalColumn", properties={"qualifiedName": qualified, "displayName": column}, classifications=(anchors,)))
        links.append(
            DesiredRelationship(type_name="NestedSchemaAttribute", end1=identity_of(own), end2=identity_of(qualified), properties={"position": position})
        )
    return DesiredObject(key=key or f"table:{name}", entities=tuple(entities), relationships=tuple(links))


def changes(*verbs, at: int = 1, guards: tuple[str, ...] = ("g",), time: int = 1000, lineage: str = "log", **step) -> Changes:
    return Changes(position=Position(lineage, (at,)), steps=(Step(verbs=verbs, guards=guards, **step),), time=time, author="erin")


def guid(name: str) -> str:
    return entity_guid(namespace(COLLECTION), identity_of(name))


def test_new_object_is_announced_parents_first_ends_before_links() -> None:
    member = Member()
    report = member.send(changes(Put(table())))
    events = member.take()
    assert [o.word for o in report.outcomes] == ["applied"]
    assert kinds(events) == [E_.NEW_ENTITY_EVENT] * 3 + [E_.NEW_RELATIONSHIP_EVENT] * 2
    column = sections(events)[2].entity
    assert column is not None
    assert column.guid == guid("db::a::x")
    assert (column.version, column.create_time, column.created_by) == (1, 1000, "erin")
    assert column.metadata_collection_id == COLLECTION
    assert [c.name for c in column.classifications or ()] == ["Anchors"]
    link = sections(events)[4].relationship
    assert link is not None
    assert link.entity_one_proxy is not None
    assert link.entity_one_proxy.guid == guid("db::a")
    assert link.entity_one_proxy.unique_properties is not None
    assert list(link.entity_one_proxy.unique_properties.instance_properties or {}) == ["qualifiedName"]


def test_equal_state_announces_nothing_and_moves_the_guard() -> None:
    member = Member()
    member.send(changes(Put(table())))
    member.take()
    report = member.send(changes(Put(table()), at=5))
    assert [o.word for o in report.outcomes] == ["noop"]
    assert member.take() == []
    assert [o.word for o in member.send(changes(Put(table(description="late")), at=4)).outcomes] == ["noop"]


def test_only_differences_are_announced() -> None:
    member = Member()
    member.send(changes(Put(table(columns=("x", "y")))))
    member.take()
    member.send(changes(Put(table(columns=("x", "z"), description="new")), at=2, time=2000))
    events = member.take()
    assert kinds(events) == [
        E_.DELETED_RELATIONSHIP_EVENT,
        E_.PURGED_RELATIONSHIP_EVENT,
        E_.DELETED_ENTITY_EVENT,
        E_.PURGED_ENTITY_EVENT,
        E_.UPDATED_ENTITY_EVENT,
        E_.NEW_ENTITY_EVENT,
        E_.NEW_RELATIONSHIP_EVENT,
    ]
    deleted, purged, updated = sections(events)[2], sections(events)[3], sections(events)[4]
    assert deleted.entity is not None
    assert (deleted.entity.version, deleted.entity.status, deleted.entity.status_on_delete) == (2, InstanceStatus.DELETED, InstanceStatus.ACTIVE)
    assert purged.entity is None
    assert purged.instance_guid == guid("db::a::y")
    assert updated.entity is not None
    assert updated.original_entity is not None
    assert (updated.original_entity.version, updated.entity.version) == (1, 2)
    assert (updated.entity.create_time, updated.entity.update_time) == (1000, 2000)


def test_recreated_under_the_same_name_goes_on_with_version_and_create_time() -> None:
    member = Member()
    member.send(changes(Put(table())), changes(Remove("table:a"), at=2, time=2000))
    member.take()
    assert member.read(lambda r: r.counts()) == []
    member.send(changes(Put(table()), at=3, time=3000))
    again = sections(member.take())[1].entity
    assert again is not None
    assert again.guid == guid("db::a")
    assert (again.version, again.create_time, again.update_time) == (3, 1000, 3000)


def test_soft_delete_keeps_the_instance_and_restores_it() -> None:
    member = Member(msgspec.structs.replace(CONTEXT, soft_delete=True))
    member.send(changes(Put(table())), changes(Remove("table:a"), at=2))
    assert E_.PURGED_ENTITY_EVENT not in kinds(member.take())
    member.send(changes(Put(table()), at=3))
    events = member.take()
    assert kinds(events) == [E_.RESTORED_ENTITY_EVENT] * 3 + [E_.RESTORED_RELATIONSHIP_EVENT] * 2
    entity = sections(events)[0].entity
    assert entity is not None
    assert (entity.version, entity.status) == (3, InstanceStatus.ACTIVE)


def test_rename_keeps_guids_and_the_vacated_name_gets_a_new_one() -> None:
    member = Member()
    member.send(changes(Put(table())))
    member.take()
    member.send(changes(Rename("table:a", "table:b", "db::a", "db::b"), Put(table("b")), at=2))
    events = member.take()
    # The root's name does not lie below db::a, so it is another entity; table and column are the same ones under new names.
    assert [s.instance_guid for s in sections(events) if s.event_type is E_.UPDATED_ENTITY_EVENT] == [guid("db::a"), guid("db::a::x")]
    member.send(changes(Put(table("a")), at=3, guards=("other",)))
    new = [s for s in sections(member.take()) if s.event_type is E_.NEW_ENTITY_EVENT]
    expected = entity_guid(namespace(COLLECTION), identity_of("db::a") + "#2")
    assert new[1].instance_guid == expected


def test_rename_alone_changes_only_the_names() -> None:
    member = Member()
    member.send(changes(Put(table())))
    member.take()
    member.send(changes(Rename("table:a", "table:b", "db::a", "db::b"), at=2))
    updated = sections(member.take())
    assert [s.event_type for s in updated] == [E_.UPDATED_ENTITY_EVENT] * 2
    rows = member.read(lambda r: r.instances([guid("db::a"), guid("db::a::x")]))
    assert {row.qualified_name for row in rows.values()} == {"db::b", "db::b::x"}


def test_classification_changes_have_events_of_their_own() -> None:
    def one(*classifications: DesiredClassification) -> DesiredObject:
        entity = DesiredEntity(type_name="RelationalTable", properties={"qualifiedName": "t"}, classifications=classifications)
        return DesiredObject(key="t", entities=(entity,))

    member = Member()
    member.send(changes(Put(one(DesiredClassification("Confidentiality", {"confidentialityLevel": 1})))))
    member.take()
    member.send(
        changes(Put(one(DesiredClassification("Confidentiality", {"confidentialityLevel": 2}), DesiredClassification("Ownership", {"owner": "x"}))), at=2)
    )
    events = member.take()
    assert kinds(events) == [E_.RECLASSIFIED_ENTITY_EVENT, E_.CLASSIFIED_ENTITY_EVENT]
    reclassified = sections(events)[0]
    assert reclassified.classification is not None
    assert reclassified.original_classification is not None
    assert reclassified.entity is not None
    assert (reclassified.original_classification.version, reclassified.classification.version, reclassified.entity.version) == (1, 2, 1)
    member.send(changes(Put(one()), at=3))
    assert kinds(member.take()) == [E_.DECLASSIFIED_ENTITY_EVENT] * 2


def test_a_bad_record_is_a_dead_letter_and_leaves_nothing_behind() -> None:
    odd = DesiredObject(
        key="o",
        entities=(
            DesiredEntity(type_name="RelationalTable", properties={"qualifiedName": "ok"}),
            DesiredEntity(type_name="RelationalTable", properties={"qualifiedName": "bad", "noSuchAttribute": "x"}),
        ),
    )
    member = Member()
    report = member.send(changes(Put(odd)), Malformed("cut", "$.x"), changes(Put(table()), at=2, guards=("h",)), Noop("same"))
    assert [o.word for o in report.outcomes] == ["malformed", "malformed", "applied", "noop"]
    assert "noSuchAttribute" in report.outcomes[0].reason
    assert len(member.take()) == 5
    letters = member.read(lambda r: r.dead_letters())
    assert [(row.stage, row.topic, row.offset, row.value) for row in letters] == [("validate", "t", 0, b"raw"), ("decode", "t", 1, b"raw")]
    assert member.read(lambda r: r.guards("src", ["g"])) == {}


def test_too_many_bad_records_in_a_row_halt_the_source_where_it_stands() -> None:
    member = Member(msgspec.structs.replace(CONTEXT, max_bad_run=3))
    member.send(Malformed("1"), Malformed("2"))
    report = member.send(Malformed("3"), changes(Put(table())))
    assert report.consumed == 1
    assert report.halted is not None
    assert "offset 2" in report.halted
    assert member.read(lambda r: r.fact("halted:src")) == report.halted
    assert member.take() == []


def test_a_full_write_set_leaves_the_rest_of_the_batch_for_the_next_one() -> None:
    member = Member(msgspec.structs.replace(CONTEXT, max_announced=6))
    report = member.send(*(changes(Put(table(name)), at=at, guards=(name,)) for at, name in enumerate("abcd", 1)))
    assert (report.consumed, report.announced, report.halted) == (2, 10, None)


def test_an_oversized_event_is_refused_when_planned() -> None:
    member = Member(msgspec.structs.replace(CONTEXT, max_event_bytes=10_000))
    report = member.send(changes(Put(table(description="x" * 9_000))))
    assert [o.word for o in report.outcomes] == ["malformed"]
    assert "kafka.max_event_bytes" in report.outcomes[0].reason
    member.send(changes(Put(table(description="x" * 5_000)), at=2))
    member.take()
    member.send(changes(Put(table(description="y" * 5_000)), at=3))
    (updated,) = sections(member.take())
    assert updated.entity is not None
    assert updated.original_entity is None  # left out to stay below the limit; no receiver reads it


@pytest.mark.parametrize(
    ("position", "offset", "word"),
    [
        (Position("log", (9,)), 7, "applied"),
        (Position("log", (5,)), 7, "noop"),
        (Position("log", (4,)), 7, "noop"),
        (Position("log", (4,), "other"), 7, "applied"),
        (Position("log2", (1,)), 7, "applied"),
        (Position("log2", (9,)), 0, "noop"),
        (Position("log", (9,), ""), 7, "applied"),
        (Position(), 7, "applied"),
    ],
)
def test_guard_compares_by_the_sources_order_and_else_by_offset(position: Position, offset: int, word: str) -> None:
    member = Member()
    first = Changes(position=Position("log", (5,), "one"), steps=(Step(verbs=(Put(table()),), guards=("g",)),), time=1)
    member.send(first)
    second = Changes(position=position, steps=(Step(verbs=(Put(table(description="d")),), guards=("g",)),), time=2)
    assert [o.word for o in member.send(second, offset=offset).outcomes] == [word]


def test_parts_of_one_statement_share_a_position() -> None:
    member = Member()
    swap = [
        changes(Remember("m", b"1"), Put(table("a", description="1")), at=7, guards=("part1",), touches=("a", "b")),
        changes(Put(table("a", description="2")), at=7, guards=("part2",), touches=("a", "b")),
    ]
    assert [o.word for o in member.send(*swap).outcomes] == ["applied", "applied"]
    assert [o.word for o in member.send(*swap).outcomes] == ["noop", "noop"]
    older = changes(Put(table("a", description="0")), at=6, guards=("part3",), touches=("a",))
    assert [o.word for o in member.send(older).outcomes] == ["noop"]


def test_links_of_other_objects_go_with_an_entity_and_come_back_when_their_object_is_put() -> None:
    link = DesiredRelationship(type_name="DataFlow", end1=identity_of("db::a"), end2=identity_of("db::b"))
    flow = DesiredObject(key="flow", entities=(), relationships=(link,))
    member = Member()
    member.send(changes(Put(table("a")), Put(table("b")), Put(flow)))
    member.take()
    member.send(changes(Remove("table:b"), at=2))
    assert E_.DELETED_RELATIONSHIP_EVENT in kinds(member.take())[:2] + kinds(member.take())
    member.send(changes(Put(table("b")), Put(flow), at=3))
    flows = [s for s in sections(member.take()) if s.type_def_name == "DataFlow"]
    assert [s.event_type for s in flows] == [E_.NEW_RELATIONSHIP_EVENT]


def test_positions_move_with_the_batch() -> None:
    member = Member()

    async def run() -> list[int]:
        batch = [(SourceRecord("t", 0, 41, 1, None, b""), Noop("x")), (SourceRecord("t", 0, 45, 1, None, b""), Noop("x"))]
        at = {("t", 0): PartitionPosition("c", "", None)}
        await member.store.transact(lambda r: plan_source_batch(r, batch, Script(), CONTEXT, at, 1))
        return await member.store.read(lambda r: [row.next_offset for row in r.positions()])

    assert asyncio.run(run()) == [46]


def test_a_classification_that_comes_back_goes_on_with_its_version() -> None:
    def one(*levels: int) -> DesiredObject:
        classifications = tuple(DesiredClassification("Confidentiality", {"confidentialityLevel": level}) for level in levels)
        entity = DesiredEntity(type_name="RelationalTable", properties={"qualifiedName": "t"}, classifications=classifications)
        return DesiredObject(key="t", entities=(entity,))

    member = Member()
    member.send(changes(Put(one(1))), changes(Put(one()), at=2), changes(Put(one(1)), at=3))
    again = sections(member.take())[-1].classification
    assert again is not None
    assert again.version == 2
    member.send(changes(Remove("t"), at=4), changes(Put(one(5)), at=5))
    new = sections(member.take())[-1].entity
    assert new is not None
    assert [c.version for c in new.classifications or ()] == [3]


def test_a_type_that_changes_is_announced_with_the_type_that_it_was() -> None:
    def one(type_name: str) -> DesiredObject:
        return DesiredObject(key="t", entities=(DesiredEntity(type_name=type_name, properties={"qualifiedName": "t"}),))

    member = Member()
    member.send(changes(Put(one("RelationalTable"))), changes(Put(one("TabularColumn")), at=2))
    retyped = sections(member.take())[-1]
    assert retyped.event_type is E_.RETYPED_ENTITY_EVENT
    assert retyped.original_type_def_summary is not None
    assert (retyped.original_type_def_summary.name, retyped.type_def_name) == ("RelationalTable", "TabularColumn")
