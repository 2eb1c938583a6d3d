"""A batch as a whole: order, neighbours, dead letters, parked events, types that come, requests, exchange rules, a second member with our id."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from cohort_sync.cohort.inbound.decoding import NotForUs, decode_records
from cohort_sync.cohort.inbound.report import PeerReport, SecondMember, TypeConflict
from cohort_sync.cohort.own_key import OwnKey, own_key
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.enums import AttributeCardinality, EventCategory, EventErrorCode, InstanceEventType, RegistryEventType, TypeDefCategory, TypeDefEventType
from cohort_sync.omrs.errors import UndecodableEvent
from cohort_sync.omrs.events import ErrorSection, InstanceSection, OMRSEvent, RegistrySection, TypeDefSection
from cohort_sync.omrs.exchange import ExchangeFilter, ExchangeRule
from cohort_sync.omrs.instances import EntityDetail, InstanceType
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.omrs.type_changes import Learn
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import EntityDef, TypeDef, TypeDefAttribute, TypeDefLink, TypeDefPatch
from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.testing.cohort import BORN, Peer, Receiver, proxy, types_of

Event = InstanceEventType
V = Verdict
PEER = Peer()
GOLDEN_4_2 = Path(__file__).parents[1] / "golden" / "egeria-4.2"
A, B = PEER.entity("a"), PEER.entity("b")


def custom_type(name: str = "Spaceship", *, supertype: str = "Referenceable", guid: str = "") -> EntityDef:
    above = types_of().type_def(supertype)
    return EntityDef(
        guid=guid or f"guid-of-{name}",
        name=name,
        version=1,
        version_name="1.0",
        category=TypeDefCategory.ENTITY_DEF,
        super_type=TypeDefLink(guid=above.guid if above else f"guid-of-{supertype}", name=supertype),
        properties_definition=[attribute("crew")],
    )


def attribute(name: str) -> TypeDefAttribute:
    return TypeDefAttribute(attribute_name=name, attribute_type=types_of().attribute_type("string"), attribute_cardinality=AttributeCardinality.AT_MOST_ONE)


def knowing(*types: TypeDef) -> Peer:
    registry: TypeRegistry = types_of()
    for one in types:
        registry = registry.with_type(one)
    return Peer(registry=registry)


SPACESHIP = custom_type()
EXPERT = knowing(SPACESHIP)


# ---------------------------------------------------------------- neighbours and dead letters


def test_a_bad_event_takes_nothing_with_it() -> None:
    receiver = Receiver()
    bad = PEER.new(replace(B, metadata_collection_id=None))
    report = receiver.hear(PEER.new(A), b"{not json", bad, PEER.updated(PEER.entity("a", 2)))
    assert [result.verdict for result in report.results] == [V.REFUSED, V.STORED, V.REFUSED, V.STORED]
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.version == 2
    letters = receiver.reader.dead_letters()
    assert [(letter.flow, letter.stage, letter.offset, letter.key) for letter in letters] == [
        ("cohort", "decode", 1, b"peer-key"),
        ("cohort", "validate", 2, b"peer-key"),
    ]
    assert letters[0].value == b"{not json"
    assert "metadataCollectionId" in letters[1].reason


def test_a_dead_letter_keeps_headers_and_what_was_staged_is_taken_back() -> None:
    receiver = Receiver()
    no_properties = replace(PEER.entity("a", 2), properties=None)
    record = SourceRecord("t", 0, 7, BORN, b"k", encode_event(PEER.says(Event.RE_IDENTIFIED_ENTITY_EVENT, no_properties, old_guid="b")), (("h", b"\xff"),))
    receiver.hear(PEER.new(B))
    receiver.take(decode_records([record], b"our-key"))
    (letter,) = receiver.reader.dead_letters()
    assert json.loads(letter.headers) == [["h", "/w=="]]
    assert set(receiver.state.instances) == {"b"}


@pytest.mark.parametrize(
    "event",
    [
        PEER.new(replace(A, version=1 << 63)),
        PEER.new(replace(A, update_time=-(1 << 63) - 1)),
        PEER.new(replace(A, classifications=[replace(PEER.classification(), version=1 << 63)])),
        PEER.says(Event.PURGED_ENTITY_EVENT, replace(A, version=1 << 100)),
        PEER.registers(RegistryEventType.REGISTRATION_EVENT, RegistrySection(registration_timestamp=1 << 64)),
        PEER.teaches(replace(SPACESHIP, version=1 << 63)),
    ],
)
def test_a_number_that_no_java_member_can_have_sent_is_a_dead_letter(event: OMRSEvent) -> None:
    """One of them would cost the whole batch: no store can hold it."""
    receiver = Receiver()
    assert receiver.verdicts(event, PEER.new(B)) == [V.REFUSED, V.STORED]
    (letter,) = receiver.reader.dead_letters()
    assert "9223372036854775807" in letter.reason or "-9223372036854775808" in letter.reason


@pytest.mark.parametrize(
    "broken",
    [
        PEER.new(replace(A, type=None)),
        PEER.new(replace(A, create_time=None)),
        PEER.new(replace(A, guid=None)),
        PEER.new(replace(A, header_version=2)),
        PEER.new(replace(A, type=replace(types_of().instance_type("GlossaryTerm"), type_def_category=None))),
        PEER.new(replace(A, type=replace(types_of().instance_type("Synonym"), type_def_category=TypeDefCategory.ENTITY_DEF))),
        replace(PEER.new(A), instance_event_section=InstanceSection(event_type=Event.NEW_ENTITY_EVENT, type_def_guid="x", type_def_name="y")),
        replace(PEER.new(A), event_category=None),
    ],
)
def test_an_incomplete_event_is_refused_with_its_reason(broken: OMRSEvent) -> None:
    receiver = Receiver()
    report = receiver.hear(broken)
    assert [result.verdict for result in report.results] == [V.REFUSED]
    assert report.results[0].reason
    assert len(receiver.reader.dead_letters()) == 1
    assert not receiver.state.instances


def test_a_batch_event_is_judged_element_by_element() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(PEER.entity("a", 3)))
    event = EXPERT.batch(A, B, EXPERT.entity("s", type_name="Spaceship"), replace(PEER.entity("c"), create_time=None), PEER.relationship("r", A, B))
    report = receiver.hear(event)
    assert [(result.guid, result.verdict) for result in report.results] == [
        ("a", V.STALE),
        ("b", V.STORED),
        ("s", V.PARKED),
        ("c", V.REFUSED),
        ("r", V.STORED),
    ]
    assert len(receiver.reader.dead_letters()) == 1
    assert receiver.reader.parked_size() == 1
    assert receiver.relationship("r") is not None


def test_events_without_meaning_are_ignored() -> None:
    receiver = Receiver()
    unknown = replace(PEER.new(A), instance_event_section=InstanceSection(event_type=Event.UNKNOWN_INSTANCE_EVENT))
    assert (
        receiver.verdicts(
            replace(PEER.new(A), event_category=EventCategory.GENERIC),
            replace(PEER.new(A), event_category=EventCategory.UNKNOWN),
            replace(PEER.new(A), instance_event_section=InstanceSection()),
            unknown,
        )
        == [V.IGNORED] * 4
    )
    assert not receiver.reader.dead_letters()


# ---------------------------------------------------------------- decoding


def test_own_records_are_not_parsed_and_what_cannot_be_is_told() -> None:
    values = [(b"our-key", b"\xff"), (b"k", None), (b"k", b"null"), (b"k", b"[]"), (None, encode_event(PEER.new(A))), (b"k", b"x" * 101)]
    decoded = decode_records((SourceRecord("t", 0, i, 0, key, value) for i, (key, value) in enumerate(values)), b"our-key", max_event_bytes=10_000)
    kinds = [type(event) for _, event in decoded]
    assert kinds == [NotForUs, NotForUs, NotForUs, UndecodableEvent, OMRSEvent, UndecodableEvent]
    ((_, oversized),) = decode_records([SourceRecord("t", 0, 0, 0, b"k", b"x" * 101)], b"our-key", max_event_bytes=100)
    assert isinstance(oversized, UndecodableEvent)
    assert "101 bytes" in str(oversized)


def test_the_record_key_is_made_once_and_kept() -> None:
    writes, key = own_key(MemoryReader(MemoryState()), "fresh", 5)
    assert key == OwnKey(b"fresh", 5)
    again, same = own_key(MemoryReader(MemoryState().apply(writes, 5)), "other", 9)
    assert same == key
    assert not again.facts


# ---------------------------------------------------------------- a second member with our id


def test_a_second_member_with_our_id_changes_nothing_and_raises_one_alarm_a_batch() -> None:
    receiver = Receiver()
    receiver.holds(Peer("ours").entity("mine"))
    before = receiver.state.instances
    impostor = Peer("ours")
    report = receiver.hear(
        impostor.updated(impostor.entity("mine", 9)), impostor.registers(RegistryEventType.REGISTRATION_EVENT), impostor.purged(impostor.entity("mine"))
    )
    assert [result.verdict for result in report.results] == [V.NOT_HOME] * 3
    (alarm,) = report.alarms
    assert isinstance(alarm, SecondMember)
    assert "ours-server" in alarm.text
    assert receiver.state.instances == before
    assert not receiver.reader.members()


def test_what_an_earlier_store_of_ours_sent_is_no_second_member() -> None:
    receiver = Receiver()
    receiver.context = replace(receiver.context, own_key=OwnKey(b"our-key", BORN + 1000))
    report = receiver.hear(Peer("ours").new(Peer("ours").entity("mine")), timestamp=BORN + 999)
    assert [result.verdict for result in report.results] == [V.NOT_HOME]
    assert not report.alarms


def test_our_own_records_are_ignored_whatever_they_say() -> None:
    receiver = Receiver()
    assert [result.verdict for result in receiver.hear(PEER.new(A), key=b"our-key").results] == [V.IGNORED]
    assert not receiver.state.instances


# ---------------------------------------------------------------- parked events and types that come


def test_an_instance_of_an_unknown_type_waits_for_it() -> None:
    receiver = Receiver()
    ship = EXPERT.entity("s", type_name="Spaceship", crew="two")
    later = EXPERT.entity("s", 2, type_name="Spaceship", crew="three")
    assert receiver.verdicts(EXPERT.new(ship), EXPERT.updated(later), PEER.new(A)) == [V.PARKED, V.PARKED, V.STORED]
    assert receiver.reader.parked_size() == 2
    report = receiver.hear(EXPERT.new(B), EXPERT.teaches(SPACESHIP))
    assert [(result.event_type, result.verdict) for result in report.results] == [
        ("NEW_TYPEDEF_EVENT", V.STORED),
        ("NEW_ENTITY_EVENT", V.STORED),
        ("UPDATED_ENTITY_EVENT", V.STORED),
        ("NEW_ENTITY_EVENT", V.STORED),
    ]
    assert receiver.entity("s") == later
    assert receiver.reader.parked_size() == 0
    (row,) = receiver.reader.types()
    assert (row.guid, row.name, row.kind, row.version) == ("guid-of-Spaceship", "Spaceship", "typedef", 1)
    assert receiver.context.registry.is_known("guid-of-Spaceship", "Spaceship")


def test_a_purge_of_something_that_waits_waits_too() -> None:
    receiver = Receiver()
    ship = EXPERT.entity("s", type_name="Spaceship")
    assert receiver.verdicts(EXPERT.new(ship), EXPERT.purged(ship)) == [V.PARKED, V.PARKED]
    receiver.hear(EXPERT.teaches(SPACESHIP))
    assert "s" not in receiver.state.instances


def test_a_type_whose_supertype_is_missing_lets_its_instances_wait_on() -> None:
    receiver = Receiver()
    base, derived = custom_type("Vessel"), custom_type("Rocket", supertype="Vessel")
    expert = knowing(base, derived)
    rocket = expert.entity("s", type_name="Rocket", crew="one")
    assert receiver.verdicts(expert.new(rocket), expert.teaches(derived)) == [V.STORED, V.PARKED]
    assert receiver.verdicts(expert.teaches(base)) == [V.STORED, V.STORED]
    assert receiver.entity("s") == rocket


@pytest.mark.parametrize("type_version", [1, 2])
def test_a_new_property_waits_for_the_patch_of_its_type(type_version: int) -> None:
    """Also where the instance has the type version that it was created with (seen on a running server)."""
    receiver = Receiver()
    receiver.hear(EXPERT.teaches(SPACESHIP))
    patch = TypeDefPatch(
        type_def_guid="guid-of-Spaceship",
        type_def_name="Spaceship",
        apply_to_version=1,
        update_to_version=2,
        new_version_name="2.0",
        property_definitions=[attribute("warpFactor")],
    )
    newer = replace(SPACESHIP, version=2, properties_definition=[attribute("crew"), attribute("warpFactor")])
    expert = knowing(newer)
    ship: EntityDetail = expert.entity("s", type_name="Spaceship", warpFactor="9")
    ship = replace(ship, type=replace(ship.type or InstanceType(), type_def_version=type_version))
    assert receiver.verdict(expert.new(ship)) is V.PARKED
    assert not receiver.look_after_parked().results
    assert receiver.reader.parked_size() == 1
    assert receiver.verdicts(expert.teaches(patch)) == [V.STORED, V.STORED]
    assert receiver.entity("s") == ship
    assert receiver.reader.types()[0].version == 2


def test_what_waits_too_long_becomes_a_dead_letter() -> None:
    receiver = Receiver()
    receiver.hear(EXPERT.new(EXPERT.entity("s", type_name="Spaceship")))
    receiver.look_after_parked()
    assert receiver.reader.parked_size() == 1
    receiver.context = replace(receiver.context, now=receiver.context.now + 3_600_001)
    report = receiver.look_after_parked()
    assert [(result.verdict, result.guid, result.type_name) for result in report.results] == [(V.REFUSED, "s", "Spaceship")]
    assert receiver.reader.parked_size() == 0
    (letter,) = receiver.reader.dead_letters()
    assert (letter.stage, letter.offset) == ("validate", 0)
    assert "Spaceship (guid-of-Spaceship) did not become known within 3600 s" in letter.reason


def test_a_type_that_came_with_the_configuration_is_found_when_the_parked_are_looked_after() -> None:
    receiver = Receiver()
    ship = EXPERT.entity("s", type_name="Spaceship")
    receiver.hear(EXPERT.new(ship), PEER.new(A))
    receiver.context = replace(receiver.context, registry=types_of().with_type(SPACESHIP))
    assert [result.verdict for result in receiver.look_after_parked().results] == [V.STORED]
    assert receiver.entity("s") == ship


def test_an_event_that_waits_for_one_type_after_another_keeps_its_age() -> None:
    receiver = Receiver()
    label = replace(custom_type("ShipLabel"), super_type=None)
    expert = Peer(registry=EXPERT.registry)
    kind = replace(expert.registry.instance_type("Confidentiality"), type_def_name="ShipLabel", type_def_guid=label.guid)
    labelled = replace(expert.classification(), name="ShipLabel", type=kind)
    receiver.hear(expert.new(expert.entity("s", type_name="Spaceship", classifications=[labelled])))
    parked_at = receiver.reader.parked()[0].parked_at
    receiver.context = replace(receiver.context, now=receiver.context.now + 1000)
    report = receiver.hear(expert.teaches(SPACESHIP))
    assert [result.verdict for result in report.results] == [V.STORED, V.PARKED]
    (row,) = receiver.reader.parked()
    assert (row.type_name, row.parked_at) == ("ShipLabel", parked_at)


def test_what_is_not_learned() -> None:
    receiver = Receiver()
    receiver.context = replace(receiver.context, learn=Learn.NONE)
    assert receiver.verdict(EXPERT.teaches(SPACESHIP)) is V.EXCLUDED
    receiver.context = replace(receiver.context, learn=Learn.CUSTOM)
    assert receiver.verdict(EXPERT.teaches(SPACESHIP)) is V.STORED
    assert receiver.verdict(EXPERT.teaches(SPACESHIP)) is V.DUPLICATE
    assert not receiver.sent()


def test_a_type_conflict_is_answered_once_a_batch() -> None:
    receiver = Receiver()
    known = types_of().entity_def("Asset")
    foreign = replace(known, guid="another-guid")
    report = receiver.hear(PEER.teaches(foreign), PEER.teaches(foreign))
    assert [result.verdict for result in report.results] == [V.CONFLICT, V.CONFLICT]
    assert all(isinstance(alarm, TypeConflict) for alarm in report.alarms)
    (answer,) = receiver.sent()
    section, error = answer.type_def_event_section, answer.error_section
    assert section is not None
    assert error is not None
    assert section.type_def_event_type is TypeDefEventType.TYPEDEF_ERROR_EVENT
    assert section.original_type_def_summary is not None
    assert section.original_type_def_summary.guid == "another-guid"
    assert (error.error_code, error.other_metadata_collection_id) == (EventErrorCode.CONFLICTING_TYPEDEFS, "peer-1")
    assert error.other_type_def_summary is not None
    assert (error.other_type_def_summary.guid, error.other_type_def_summary.name) == (known.guid, "Asset")
    assert [row.channel for row in receiver.state.outbox.values()] == ["types"]


def test_a_conflict_about_an_attribute_type() -> None:
    receiver = Receiver()
    known = types_of().attribute_type("CommentType")
    assert known is not None
    event = replace(
        PEER.teaches(SPACESHIP),
        type_def_event_section=TypeDefSection(
            type_def_event_type=TypeDefEventType.NEW_ATTRIBUTE_TYPEDEF_EVENT, attribute_type_def=replace(known, guid="another")
        ),
    )
    assert receiver.verdict(event) is V.CONFLICT
    (answer,) = receiver.sent()
    assert answer.error_section is not None
    assert answer.error_section.error_code is EventErrorCode.CONFLICTING_ATTRIBUTE_TYPEDEFS
    assert answer.error_section.other_attribute_type_def == known


def deletes(name: str, guid: str) -> OMRSEvent:
    section = TypeDefSection(type_def_event_type=TypeDefEventType.DELETED_TYPEDEF_EVENT, type_def_guid=guid, type_def_name=name)
    return replace(PEER.teaches(SPACESHIP), type_def_event_section=section)


def test_a_learned_type_is_deleted_only_while_nothing_uses_it() -> None:
    receiver = Receiver()
    asset = types_of().entity_def("Asset")
    assert receiver.verdict(deletes("Asset", str(asset.guid))) is V.IGNORED
    receiver.hear(EXPERT.teaches(SPACESHIP))
    receiver.hear(EXPERT.new(EXPERT.entity("s", type_name="Spaceship")))
    assert receiver.verdict(deletes("Spaceship", "guid-of-Spaceship")) is V.IGNORED
    receiver.hear(EXPERT.purged(EXPERT.entity("s", type_name="Spaceship")))
    assert receiver.verdict(deletes("Spaceship", "guid-of-Spaceship")) is V.REMOVED
    assert not receiver.reader.types()
    assert receiver.verdict(EXPERT.new(EXPERT.entity("t", type_name="Spaceship"))) is V.PARKED


def test_a_type_without_identity_is_refused() -> None:
    receiver = Receiver()
    assert receiver.verdict(PEER.teaches(replace(SPACESHIP, guid=None))) is V.REFUSED
    (letter,) = receiver.reader.dead_letters()
    assert letter.stage == "validate"


# ---------------------------------------------------------------- error reports


def test_error_reports_are_noted_and_nothing_is_done() -> None:
    receiver = Receiver()
    receiver.holds(Peer("ours").entity("mine"))
    error = ErrorSection(
        error_code=EventErrorCode.CONFLICTING_INSTANCES, error_message="guid used twice", target_metadata_collection_id="ours", target_instance_guid="mine"
    )
    by_java = replace(PEER.new(A), instance_event_section=InstanceSection(event_type=Event.UNKNOWN_INSTANCE_EVENT), error_section=error)
    types = replace(
        PEER.teaches(SPACESHIP),
        type_def_event_section=TypeDefSection(type_def_event_type=TypeDefEventType.TYPEDEF_ERROR_EVENT),
        error_section=ErrorSection(error_code=EventErrorCode.CONFLICTING_TYPEDEFS, other_metadata_collection_id="ours"),
    )
    report = receiver.hear(by_java, types)
    assert [result.verdict for result in report.results] == [V.NOTED, V.NOTED]
    told = [(alarm.about, alarm.about_us) for alarm in report.alarms if isinstance(alarm, PeerReport)]
    assert told == [("types", True), ("instances", True)]
    assert "guid used twice" in report.alarms[1].text
    assert set(receiver.state.instances) == {"mine"}


def test_a_complaint_about_a_type_names_it() -> None:
    report = Receiver().hear(decode_event((GOLDEN_4_2 / "types_typedef_error_event_attribute.json").read_bytes()))
    (alarm,) = report.alarms
    assert "CONFLICTING_ATTRIBUTE_TYPEDEFS: type TrialPhase (" in alarm.text


# ---------------------------------------------------------------- refresh requests


def test_refresh_requests_for_what_is_ours_are_answered() -> None:
    receiver = Receiver()
    ours = Peer("ours")
    label = OTHER.classification()
    mine = ours.entity("mine", classifications=[label])
    other_end = ours.entity("end")
    link = ours.relationship("link", mine, other_end)
    receiver.holds(mine, other_end, link, PEER.entity("replicated", home="external", replicated_by="ours"), A)
    report = receiver.hear(
        PEER.asks_for("mine", "ours"),
        PEER.asks_for("mine", "ours"),
        PEER.asks_for("link", "ours", type_name="Synonym", relationship=True),
        PEER.asks_for("replicated", "external"),
        PEER.asks_for("a", "peer-1"),
        PEER.asks_for("nothing", "ours"),
        PEER.asks_for("link", "ours"),
        PEER.asks_for("mine", "elsewhere"),
    )
    assert [result.verdict for result in report.results] == [V.ANSWERED] * 4 + [V.IGNORED] * 4
    sections = [event.instance_event_section for event in receiver.sent()]
    assert [(section.event_type, section.instance_guid) for section in sections if section] == [
        (Event.REFRESHED_ENTITY_EVENT, "mine"),
        (Event.REFRESHED_RELATIONSHIP_EVENT, "link"),
        (Event.REFRESHED_ENTITY_EVENT, "replicated"),
    ]
    assert sections[0] is not None
    assert sections[0].entity == mine
    assert {row.channel for row in receiver.state.outbox.values()} == {"instances"}


OTHER = Peer("peer-2")


def test_an_answer_that_may_not_be_sent_is_not() -> None:
    receiver = Receiver()
    receiver.holds(Peer("ours").entity("mine"))
    receiver.context = replace(receiver.context, max_event_bytes=1000)
    assert receiver.verdict(PEER.asks_for("mine", "ours")) is V.IGNORED
    receiver.context = replace(receiver.context, max_event_bytes=1_000_000, send=ExchangeFilter(rule=ExchangeRule.JUST_TYPEDEFS))
    assert receiver.verdict(PEER.asks_for("mine", "ours")) is V.EXCLUDED
    assert not receiver.sent()


# ---------------------------------------------------------------- exchange rules

SELECTED = ExchangeFilter(rule=ExchangeRule.SELECTED_TYPES, types=frozenset({"Asset"}))


def test_the_process_rule_goes_by_the_type_of_the_event_and_by_element_in_a_batch() -> None:
    receiver = Receiver()
    receiver.context = replace(receiver.context, process=SELECTED)
    asset = PEER.entity("asset", type_name="Asset")
    assert receiver.verdicts(PEER.new(A), PEER.new(asset), PEER.deleted(A)) == [V.EXCLUDED, V.STORED, V.EXCLUDED]
    assert receiver.verdicts(PEER.batch(A, PEER.entity("asset-2", type_name="Asset"))) == [V.EXCLUDED, V.STORED]
    receiver.context = replace(receiver.context, process=ExchangeFilter(rule=ExchangeRule.REGISTRATION_ONLY))
    assert receiver.verdicts(EXPERT.teaches(SPACESHIP), PEER.new(PEER.entity("asset-3", type_name="Asset"))) == [V.EXCLUDED, V.EXCLUDED]
    assert receiver.verdict(PEER.registers(RegistryEventType.REGISTRATION_EVENT)) is V.STORED


def test_the_save_rule_leaves_deletes_purges_and_classifications_of_stored_copies_alone() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B))
    receiver.context = replace(receiver.context, save=SELECTED)
    assert receiver.verdict(PEER.updated(PEER.entity("a", 2))) is V.EXCLUDED
    assert receiver.verdict(PEER.classified(A, PEER.classification())) is V.STORED
    assert receiver.verdict(PEER.deleted(PEER.entity("a", 3))) is V.STORED
    assert receiver.verdict(PEER.purged(B)) is V.REMOVED
    for event in (PEER.new(PEER.entity("c")), PEER.deleted(PEER.entity("c")), PEER.classified(PEER.entity("c"), PEER.classification())):
        assert receiver.verdict(event) is V.EXCLUDED
    assert receiver.verdict(OTHER.classified(PEER.entity("c"), OTHER.classification())) is V.EXCLUDED
    assert "c" not in receiver.state.instances


def test_governance_zones_of_entities_and_of_the_ends_of_relationships() -> None:
    receiver = Receiver()
    rule = ExchangeFilter(rule=ExchangeRule.GOVERNANCE_ZONES, excluded_zones=frozenset({"secret"}))
    receiver.context = replace(receiver.context, process=rule, save=rule)
    zoned = PEER.entity("z", classifications=[PEER.classification("ZoneMembership", zoneMembership=["secret"])])
    assert receiver.verdicts(PEER.new(A), PEER.new(zoned), PEER.batch(zoned, B)) == [V.STORED, V.EXCLUDED, V.EXCLUDED, V.STORED]
    hidden_end = replace(proxy(zoned), classifications=zoned.classifications)
    assert receiver.verdicts(PEER.new(PEER.relationship("r", A, B)), PEER.new(PEER.relationship("s", A, hidden_end))) == [V.STORED, V.EXCLUDED]
    receiver.holds(zoned)
    assert receiver.verdict(PEER.new(PEER.relationship("t", A, zoned))) is V.EXCLUDED
    assert receiver.verdict(PEER.purged(zoned)) is V.REMOVED


# ---------------------------------------------------------------- the report


def test_the_report_counts_by_verdict_and_names_the_place() -> None:
    receiver = Receiver()
    report = receiver.hear(PEER.new(A), PEER.new(A), PEER.new(B))
    assert report.counts() == {(V.STORED, "NEW_ENTITY_EVENT"): 2, (V.DUPLICATE, "NEW_ENTITY_EVENT"): 1}
    first = report.results[0]
    assert (first.guid, first.type_name, first.originator, first.event_time, first.record.offset) == ("a", "GlossaryTerm", "peer-1", PEER.now, 0)


def test_several_events_of_one_instance_in_a_batch_see_each_other_and_only_the_last_state_is_written() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A))
    versions = [PEER.updated(PEER.entity("a", version)) for version in (2, 4, 3, 5)]
    assert receiver.verdicts(*versions) == [V.STORED, V.STORED, V.STALE, V.STORED]
    assert [row.version for row in receiver.reader.history("a")] == [1]
