"""What running 6.1 and 4.2 members did with each kind of event, row by row, and what we do with it.

Where `java` and our effect differ, we do what the event means (PURGED purges, RE_IDENTIFIED moves, a full entity replaces a proxy) or refuse what Java should
refuse.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import EventErrorCode, InstanceEventType, InstanceStatus
from cohort_sync.omrs.events import ErrorSection, InstanceSection, OMRSEvent
from cohort_sync.omrs.instances import EntityDetail
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.omrs.primitive_values import property_value
from cohort_sync.testing.cohort import BORN, Peer, Receiver, property_text, types_of

Event = InstanceEventType
PEER = Peer()
V = Verdict


def term(version: int = 1, **more: str) -> EntityDetail:
    return PEER.entity("e", version, type_name="Asset", **more)


def with_unknown_property() -> EntityDetail:
    attribute = types_of().attributes("Asset")["displayName"]
    entity = term()
    assert entity.properties is not None
    assert entity.properties.instance_properties is not None
    values = {**entity.properties.instance_properties, "nobodyKnows": property_value(attribute, "x", of="Asset")}
    return replace(entity, properties=replace(entity.properties, instance_properties=values))


def section_without_type(event: OMRSEvent) -> OMRSEvent:
    section = event.instance_event_section
    assert section is not None
    return replace(event, instance_event_section=replace(section, type_def_guid=None))


def of_type_version(version: int) -> EntityDetail:
    entity = term()
    assert entity.type is not None
    return replace(entity, type=replace(entity.type, type_def_version=version))


class Row(NamedTuple):
    name: str
    before: list[OMRSEvent]
    event: OMRSEvent
    java: str
    ours: Verdict
    check: Callable[[Receiver], bool]


def version_is(version: int) -> Callable[[Receiver], bool]:
    return lambda receiver: (entity := receiver.entity("e")) is not None and entity.version == version and entity.status is InstanceStatus.ACTIVE


def deleted_at(version: int) -> Callable[[Receiver], bool]:
    return lambda receiver: (entity := receiver.entity("e")) is not None and entity.version == version and entity.status is InstanceStatus.DELETED


def nothing(receiver: Receiver) -> bool:
    return receiver.entity("e") is None and not receiver.is_proxy("e")


def dead_letter(receiver: Receiver) -> bool:
    return nothing(receiver) and [letter.stage for letter in receiver.reader.dead_letters()] == ["validate"]


SECRET = PEER.classification()
OTHER_END = PEER.entity("f", type_name="Asset")
LINK = PEER.relationship("r", term(), OTHER_END, type_name="DataFlow")


def error_about(event: OMRSEvent, guid: str) -> OMRSEvent:
    section = replace(event.instance_event_section or InstanceSection(), event_type=Event.INSTANCE_ERROR_EVENT, entity=None)
    error = ErrorSection(error_code=EventErrorCode.CONFLICTING_INSTANCES, target_metadata_collection_id="ours", target_instance_guid=guid)
    return replace(event, instance_event_section=section, error_section=error)


ROWS = [
    Row("NEW v1", [], PEER.new(term()), "v1", V.STORED, version_is(1)),
    Row("NEW without protocolVersionId", [], replace(PEER.new(term()), protocol_version_id=None), "v1", V.STORED, version_is(1)),
    Row("NEW from an originator that never registered", [], Peer("nobody").new(Peer("nobody").entity("e")), "stored", V.STORED, version_is(1)),
    Row("NEW with an unknown property", [], PEER.new(with_unknown_property()), "nothing (4.2: v1)", V.REFUSED, dead_letter),
    Row("NEW without typeDefGUID in the section", [], section_without_type(PEER.new(term())), "nothing", V.REFUSED, dead_letter),
    Row("NEW with status DRAFT", [], PEER.new(replace(term(), status=InstanceStatus.DRAFT)), "nothing (4.2: v1)", V.REFUSED, dead_letter),
    Row("NEW without properties", [], PEER.new(replace(term(), properties=None)), "nothing (4.2: v1)", V.REFUSED, dead_letter),
    Row("NEW without originator", [], replace(PEER.new(term()), originator=None), "nothing", V.REFUSED, dead_letter),
    Row("NEW with typeDefVersion 99", [], PEER.new(of_type_version(99)), "v1", V.STORED, version_is(1)),
    Row("UPDATED v5 of an entity never seen", [], PEER.updated(term(5)), "v5", V.STORED, version_is(5)),
    Row("UPDATED v2 after v1", [PEER.new(term())], PEER.updated(term(2)), "v2", V.STORED, version_is(2)),
    Row(
        "UPDATED v7 with another createTime",
        [PEER.new(term())],
        PEER.updated(PEER.entity("e", 7, type_name="Asset", created=BORN + 1)),
        "v1 stays",
        V.CONFLICT,
        version_is(1),
    ),
    Row(
        "NEW v1 with other content after v1",
        [PEER.new(term())],
        PEER.new(term(displayName="other")),
        "v1 stays as it was",
        V.DUPLICATE,
        lambda r: property_text(r.entity("e"), "displayName") is None,
    ),
    Row(
        "NEW with classifications",
        [],
        PEER.new(PEER.entity("e", type_name="Asset", classifications=[SECRET])),
        "stored with them",
        V.STORED,
        lambda r: r.classifications("e") == {"Confidentiality": 1},
    ),
    Row(
        "CLASSIFIED, same entity version",
        [PEER.new(term())],
        PEER.classified(term(), SECRET),
        "added",
        V.STORED,
        lambda r: r.classifications("e") == {"Confidentiality": 1} and version_is(1)(r),
    ),
    Row(
        "UPDATED v2 without the classification that the copy has",
        [PEER.new(term()), PEER.classified(term(), SECRET)],
        PEER.updated(term(2)),
        "M: gone, P: stays",
        V.STORED,
        lambda r: r.classifications("e") == {} and version_is(2)(r),
    ),
    Row(
        "DECLASSIFIED",
        [PEER.new(PEER.entity("e", type_name="Asset", classifications=[SECRET]))],
        PEER.classified(term(), None, SECRET),
        "gone",
        V.REMOVED,
        lambda r: r.classifications("e") == {},
    ),
    Row(
        "NEW_RELATIONSHIP before its ends",
        [],
        PEER.new(LINK),
        "relationship and proxies",
        V.STORED,
        lambda r: r.relationship("r") is not None and r.is_proxy("e") and r.is_proxy("f"),
    ),
    Row("NEW v1 after such a proxy of v1", [PEER.new(LINK)], PEER.new(term()), "M: v1, P: still a proxy", V.STORED, version_is(1)),
    Row("NEW v2 after such a proxy", [PEER.new(LINK)], PEER.updated(term(2)), "v2", V.STORED, version_is(2)),
    Row("DELETED v2", [PEER.new(term())], PEER.deleted(term(2)), "soft-deleted v2", V.STORED, deleted_at(2)),
    Row(
        "DELETE_PURGED v2",
        [PEER.new(term())],
        PEER.says(Event.DELETE_PURGED_ENTITY_EVENT, term(2)),
        "soft-deleted v2 stays",
        V.REMOVED,
        nothing,
    ),
    Row(
        "PURGED with the instance at the deleted version",
        [PEER.new(term()), PEER.deleted(term(2))],
        PEER.purged(term(2), by_ids=False),
        "soft-deleted v2 stays",
        V.REMOVED,
        nothing,
    ),
    Row(
        "PURGED with the instance at a higher version",
        [PEER.new(term()), PEER.deleted(term(2))],
        PEER.purged(term(3), by_ids=False),
        "gone",
        V.REMOVED,
        nothing,
    ),
    Row("PURGED without instance", [PEER.new(term()), PEER.deleted(term(2))], PEER.purged(term()), "gone", V.REMOVED, nothing),
    Row("PURGED without instance of a live copy", [PEER.new(term())], PEER.purged(term()), "gone", V.REMOVED, nothing),
    Row(
        "RE_IDENTIFIED v2",
        [PEER.new(PEER.entity("old", type_name="Asset"))],
        PEER.says(Event.RE_IDENTIFIED_ENTITY_EVENT, term(2), old_guid="old"),
        "new GUID v2, old GUID stays v1",
        V.STORED,
        lambda r: version_is(2)(r) and r.entity("old") is None,
    ),
    Row(
        "INSTANCE_ERROR CONFLICTING_INSTANCES aimed at a local instance",
        [PEER.new(term())],
        error_about(PEER.new(term()), "e"),
        "local instance replaced",
        V.NOTED,
        version_is(1),
    ),
    Row(
        "NEW whose type name does not belong to the type GUID",
        [],
        PEER.new(replace(term(), type=replace(types_of().instance_type("Asset"), type_def_guid="another-guid"))),
        "refused (4.2)",
        V.REFUSED,
        dead_letter,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_each_row_of_the_observed_table_has_our_effect(row: Row) -> None:
    receiver = Receiver()
    for event in row.before:
        receiver.hear(event)
    assert receiver.verdict(row.event) is row.ours
    assert row.check(receiver), f"Java: {row.java}"


def test_an_update_of_an_entity_that_is_homed_here_changes_nothing_where_java_is_overwritten() -> None:
    receiver = Receiver()
    receiver.holds(Peer("ours").entity("e", type_name="Asset"))
    before = receiver.state
    assert receiver.verdict(PEER.updated(PEER.entity("e", 9, type_name="Asset", home="ours"))) is V.NOT_HOME
    assert receiver.verdict(PEER.updated(PEER.entity("e", 9, type_name="Asset"))) is V.NOT_HOME
    assert receiver.verdict(PEER.purged(PEER.entity("e", type_name="Asset"))) is V.NOT_HOME
    assert receiver.state.instances == before.instances


def test_a_batch_stores_its_entities() -> None:
    receiver = Receiver()
    assert receiver.verdicts(PEER.batch(term(), OTHER_END)) == [V.STORED, V.STORED]
    assert receiver.entity("e") is not None
    assert receiver.entity("f") is not None


def test_an_unknown_field_does_not_matter() -> None:
    receiver = Receiver()
    value = encode_event(PEER.new(term())).replace(b'"eventCategory"', b'"somethingNew":{"a":[1]},"eventCategory"', 1)
    assert receiver.verdict(value) is V.STORED


@pytest.mark.parametrize("status", [InstanceStatus.DRAFT, InstanceStatus.APPROVED, InstanceStatus.DEPRECATED])
def test_a_member_of_a_4_2_cohort_takes_the_life_cycle_statuses(status: InstanceStatus) -> None:
    old = types_of("4.2")
    receiver = Receiver()
    receiver.context = replace(receiver.context, registry=old)
    peer = Peer(registry=old)
    assert receiver.verdict(peer.new(peer.entity("e", status=status))) is V.STORED
    stored = receiver.entity("e")
    assert stored is not None
    assert stored.status is status
