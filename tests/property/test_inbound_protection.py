"""No event of another member changes what is homed here, whatever it claims; and nobody but a home changes the copies of that home."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cohort_sync.omrs.enums import InstanceEventType, InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.store.rows import ClassificationRow, InstanceRow
from cohort_sync.testing.cohort import BORN, Peer, Receiver, proxy

OURS, HOME, ROGUE = Peer("ours"), Peer("home"), Peer("rogue")
LABEL = OURS.classification(notes="ours")
MINE = (
    OURS.entity("mine", 3, classifications=[LABEL]),
    OURS.entity("mine-too"),
    OURS.entity("mine-deleted", 2, status=InstanceStatus.DELETED),
    OURS.entity("replicated", home="external", replicated_by="ours", provenance=InstanceProvenanceType.EXTERNAL_SOURCE),
)
THEIRS = (HOME.entity("theirs", 3, classifications=[HOME.classification("Confidence")]), HOME.entity("theirs-too"))
LINKS = (
    OURS.relationship("our-link", MINE[0], MINE[1]),
    OURS.relationship("our-link-to-theirs", MINE[0], THEIRS[0]),
    HOME.relationship("their-link", THEIRS[0], THEIRS[1]),
    HOME.relationship("their-link-to-ours", THEIRS[0], MINE[1]),
)

guids = st.sampled_from(["mine", "mine-too", "mine-deleted", "theirs", "theirs-too", "our-link", "our-link-to-theirs", "their-link", "new", "replicated"])
collections = st.sampled_from(["ours", "home", "rogue", "external"])
versions = st.integers(1, 9)
times = st.sampled_from([BORN - 1, BORN, BORN + 1])
statuses = st.sampled_from([InstanceStatus.ACTIVE, InstanceStatus.DELETED])
provenances = st.sampled_from(list(InstanceProvenanceType))


@st.composite
def classifications(draw: st.DrawFn) -> Classification:
    name = draw(st.sampled_from(["Confidentiality", "Confidence"]))
    one = ROGUE.classification(name, draw(versions), created=draw(times), home=draw(collections), notes="forged")
    return replace(one, status=draw(statuses), replicated_by=draw(st.none() | collections))


@st.composite
def forged_entities(draw: st.DrawFn) -> EntityDetail:
    entity = ROGUE.entity(
        draw(guids),
        draw(versions),
        created=draw(times),
        status=draw(statuses),
        home=draw(collections),
        replicated_by=draw(st.none() | collections),
        provenance=draw(provenances),
        displayName="forged",
    )
    labels = {one.name: one for one in draw(st.lists(classifications(), max_size=2))}
    return replace(entity, classifications=list(labels.values()) or None)


@st.composite
def forged_relationships(draw: st.DrawFn) -> Relationship:
    one: EntityProxy = proxy(draw(forged_entities()))
    two: EntityProxy = proxy(draw(forged_entities()))
    relationship = ROGUE.relationship(draw(guids), one, two, draw(versions), created=draw(times), home=draw(collections), description="forged")
    return replace(relationship, status=draw(statuses), replicated_by=draw(st.none() | collections), instance_provenance_type=draw(provenances))


@st.composite
def forged_events(draw: st.DrawFn, senders: tuple[Peer, ...]) -> OMRSEvent:
    sender = draw(st.sampled_from(senders))
    kind = draw(st.sampled_from(list(InstanceEventType)))
    form = draw(st.sampled_from(["entity", "relationship", "purge", "classify", "batch", "ask"]))
    entity, relationship = draw(forged_entities()), draw(forged_relationships())
    match form:
        case "entity":
            return sender.says(kind, entity, old_guid=draw(guids), old_home=draw(collections))
        case "relationship":
            return sender.says(kind, relationship, old_guid=draw(guids), old_home=draw(collections))
        case "purge":
            return sender.purged(draw(st.sampled_from([entity, relationship])), by_ids=draw(st.booleans()))
        case "classify":
            one = draw(classifications())
            about = draw(st.sampled_from([entity, proxy(entity)]))
            return draw(st.sampled_from([sender.classified(about, one), sender.classified(about, one, one), sender.classified(about, None, one)]))
        case "batch":
            return sender.batch(entity, relationship)
        case _:
            return sender.asks_for(draw(guids), draw(collections), relationship=draw(st.booleans()))


def prepared() -> Receiver:
    receiver = Receiver()
    receiver.holds(*MINE, *THEIRS, *LINKS)
    return receiver


def rows_of(receiver: Receiver, home: str) -> list[InstanceRow]:
    return list(receiver.reader.scan(home))


def labels_on(receiver: Receiver, home: str, guids: list[str]) -> list[ClassificationRow]:
    return [row for row in receiver.reader.classifications_homed(home) if row.entity_guid in guids]


@settings(deadline=None, max_examples=100)
@given(st.lists(forged_events((HOME, ROGUE, Peer("external"))), max_size=6))
def test_nobody_changes_what_is_homed_here(events: list[OMRSEvent]) -> None:
    receiver = prepared()
    mine = [row.guid for row in rows_of(receiver, "ours")]
    before = rows_of(receiver, "ours"), labels_on(receiver, "ours", mine)
    receiver.hear(*events)
    assert (rows_of(receiver, "ours"), labels_on(receiver, "ours", mine)) == before
    for sent in receiver.sent():
        assert sent.instance_event_section is not None
        assert sent.instance_event_section.event_type in (InstanceEventType.REFRESHED_ENTITY_EVENT, InstanceEventType.REFRESHED_RELATIONSHIP_EVENT)


@settings(deadline=None, max_examples=100)
@given(st.lists(forged_events((ROGUE,)), max_size=6))
def test_nobody_but_its_home_changes_a_copy(events: list[OMRSEvent]) -> None:
    receiver = prepared()
    theirs = [row.guid for row in rows_of(receiver, "home")]
    before = rows_of(receiver, "home"), labels_on(receiver, "home", theirs)
    receiver.hear(*events)
    taken_over = {row.guid for row in rows_of(receiver, "rogue")}  # by RE_HOMED, which the protocol allows
    after = [row for row in rows_of(receiver, "home") if row.guid in theirs]
    assert after == [row for row in before[0] if row.guid not in taken_over]
    kept = labels_on(receiver, "home", theirs)
    replaced = {(row.entity_guid, row.name) for row in receiver.reader.classifications_homed("rogue")}  # by a later one of the same name
    assert [row for row in before[1] if row not in kept and (row.entity_guid, row.name) not in replaced and row.entity_guid not in taken_over] == []


@settings(deadline=None, max_examples=50)
@given(st.lists(forged_events((OURS,)), max_size=6))
def test_a_second_member_with_our_id_changes_nothing_at_all(events: list[OMRSEvent]) -> None:
    receiver = prepared()
    before = receiver.state.instances, receiver.state.classifications, receiver.state.tombstones
    report = receiver.hear(*events)
    assert (receiver.state.instances, receiver.state.classifications, receiver.state.tombstones) == before
    assert len(report.alarms) == (1 if events else 0)
    assert not receiver.sent()
