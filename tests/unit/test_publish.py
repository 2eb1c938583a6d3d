"""Home instances announced again: what is sent, in which order, and what those who hear it hold afterwards."""

import itertools
from collections.abc import Iterable, Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cohort_sync.cohort import publish
from cohort_sync.cohort.publish import Announcer, Cursor, Selection, plan_publish
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.events import InstanceSection, OMRSEvent
from cohort_sync.omrs.exchange import ExchangeFilter, ExchangeRule
from cohort_sync.omrs.instances import Classification, EntityDetail, Relationship
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.store.fingerprint import fingerprint
from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import ObjectRow
from cohort_sync.store.stored import entity_rows, proxy_rows, relationship_row
from cohort_sync.testing.cohort import Peer, Receiver, proxy

NOW = 1_780_000_123_456
US, THEM = Peer("ours"), Peer("theirs")
EVERYTHING = Selection()


class Home:
    """A store of ours, and who announces from it."""

    def __init__(self, *instances: EntityDetail | Relationship, **announcing: object) -> None:
        self.state = MemoryState()
        self.announcer = Announcer(member=US.member, **announcing)
        self.hold(*instances)

    def hold(self, *instances: EntityDetail | Relationship) -> None:
        writes = WriteSet()
        for instance in instances:
            if isinstance(instance, EntityDetail):
                row, classifications = entity_rows(instance)
                writes.classifications |= {(row.guid, each.name): each for each in classifications}
            else:
                row = relationship_row(instance)
            writes.instances[row.guid] = row
        self.state = self.state.apply(writes, NOW)

    @property
    def reader(self) -> MemoryReader:
        return MemoryReader(self.state)

    def chunks(self, selection: Selection = EVERYTHING) -> Iterator[publish.Chunk]:
        """All chunks; between two of them the cursor lies in the store as text."""
        cursor = Cursor()
        for _ in range(10_000):
            chunk = plan_publish(self.reader, selection, cursor, self.announcer, NOW)
            yield chunk
            if chunk.last:
                return
            cursor = msgspec.json.decode(msgspec.json.encode(chunk.cursor), type=Cursor)
        raise AssertionError("it does not end")

    def events(self, selection: Selection = EVERYTHING) -> list[OMRSEvent]:
        return [decode_event(row.value) for chunk in self.chunks(selection) for row in chunk.outbox]

    def told(self, selection: Selection = EVERYTHING) -> str:
        *_, last = self.chunks(selection)
        return str(last.cursor)


def sections(events: Iterable[OMRSEvent]) -> list[tuple[Event | None, str | None]]:
    return [(section.event_type, section.instance_guid) for section in (event.instance_event_section or InstanceSection() for event in events)]


def deleted(instance: EntityDetail | Relationship) -> EntityDetail | Relationship:
    return replace(instance, status=InstanceStatus.DELETED, status_on_delete=InstanceStatus.ACTIVE)


def zoned(*zones: str) -> Classification:
    return US.classification("ZoneMembership", zoneMembership=list(zones))


A, B, C = (US.entity(guid, 3) for guid in "abc")
AB = US.relationship("ab", A, B, 2)
THEIRS = THEM.entity("t")


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "CHUNK_EVENTS", 2)
    monkeypatch.setattr(publish, "_OBJECTS", 2)


def test_new_at_the_present_version_entities_before_relationships_and_nothing_of_others() -> None:
    home = Home(AB, A, B, THEIRS, US.relationship("x", A, THEIRS), THEM.relationship("y", A, THEIRS))
    events = home.events()
    assert sections(events) == [
        (Event.NEW_ENTITY_EVENT, "a"),
        (Event.NEW_ENTITY_EVENT, "b"),
        (Event.NEW_RELATIONSHIP_EVENT, "ab"),
        (Event.NEW_RELATIONSHIP_EVENT, "x"),
    ]
    section = events[0].instance_event_section
    assert section is not None
    assert section.entity == A
    assert (section.type_def_name, section.type_def_guid) == ("GlossaryTerm", A.type and A.type.type_def_guid)
    assert {event.originator.metadata_collection_id for event in events if event.originator} == {"ours"}
    assert {event.timestamp for event in events} == {NOW}
    assert home.told() == "announced 2 entities, 2 relationships"


def test_what_is_soft_deleted_is_announced_as_deleted() -> None:
    home = Home(deleted(A), B, deleted(AB))
    assert sections(home.events()) == [(Event.DELETED_ENTITY_EVENT, "a"), (Event.NEW_ENTITY_EVENT, "b"), (Event.DELETED_RELATIONSHIP_EVENT, "ab")]
    assert home.told() == "announced 2 entities, 1 relationships (2 of them as deleted)"


def test_a_collection_with_nothing_in_it() -> None:
    assert Home().events() == []
    assert Home().told() == "announced 0 entities, 0 relationships"


@pytest.mark.usefixtures("small_chunks")
def test_chunks_are_bounded_and_each_begins_where_the_last_one_ended() -> None:
    entities = [US.entity(f"e{number}") for number in range(7)]
    chunks = list(Home(*entities, *(US.relationship(f"r{number}", A, B) for number in range(3))).chunks())
    assert max(len(chunk.outbox) for chunk in chunks) == 2
    sent = [decode_event(row.value) for chunk in chunks for row in chunk.outbox]
    assert [guid for _, guid in sections(sent)] == [f"e{number}" for number in range(7)] + [f"r{number}" for number in range(3)]


def test_chunks_are_bounded_by_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "CHUNK_BYTES", 5_000)
    entities = [US.entity(f"e{number}", description="x" * 4_000) for number in range(4)]
    assert [len(chunk.outbox) for chunk in Home(*entities).chunks()][:2] == [2, 2]


def test_so_many_rows_are_looked_at_in_one_transaction_however_few_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_LOOKED_AT", 3)
    home = Home(*(US.entity(f"e{number}") for number in range(8)), US.entity("z", type_name="Glossary"))
    chunks = list(home.chunks(Selection(type_names=frozenset({"Glossary"}))))
    assert [len(chunk.outbox) for chunk in chunks] == [0, 0, 0, 1, 0] or [len(chunk.outbox) for chunk in chunks] == [0, 0, 1, 0, 0]
    assert sum(len(chunk.outbox) for chunk in chunks) == 1


@pytest.mark.usefixtures("small_chunks")
def test_of_chosen_types_only() -> None:
    glossary = US.entity("g", type_name="Glossary")
    home = Home(A, B, glossary, AB)
    assert sections(home.events(Selection(type_names=frozenset({"Glossary"})))) == [(Event.NEW_ENTITY_EVENT, "g")]
    assert sections(home.events(Selection(type_names=frozenset({"Synonym"})))) == [(Event.NEW_RELATIONSHIP_EVENT, "ab")]
    assert home.events(Selection(type_names=frozenset({"Never"}))) == []


@pytest.mark.usefixtures("small_chunks")
def test_of_one_source_only() -> None:
    home = Home(A, B, C, AB, THEIRS)

    def put(source: str, key: str, *guids: str) -> None:
        row = ObjectRow(source, key, b"", msgspec.json.encode(guids))
        home.state = home.state.apply(WriteSet(objects={(source, key): row}), NOW)

    put("crm", "k1", "a", "gone")
    put("crm", "k2", "b", "ab", "t")
    put("crm", "k3")
    put("sales", "k1", "c")
    assert sections(home.events(Selection(source="crm"))) == [
        (Event.NEW_ENTITY_EVENT, "a"),
        (Event.NEW_ENTITY_EVENT, "b"),
        (Event.NEW_RELATIONSHIP_EVENT, "ab"),
    ]
    assert sections(home.events(Selection(source="sales"))) == [(Event.NEW_ENTITY_EVENT, "c")]
    assert sections(home.events(Selection(source="crm", type_names=frozenset({"Synonym"})))) == [(Event.NEW_RELATIONSHIP_EVENT, "ab")]
    assert home.events(Selection(source="nobody")) == []


@pytest.mark.usefixtures("small_chunks")
def test_our_classifications_on_entities_of_others_go_last() -> None:
    ours, foreign = US.classification(version=4), THEM.classification("Retention")
    classified = replace(A, classifications=[US.classification()])
    home = Home(classified, replace(THEIRS, classifications=[ours, foreign]), deleted(replace(THEM.entity("gone"), classifications=[ours])))
    row, rows = proxy_rows(replace(proxy(THEM.entity("p")), classifications=[ours]))
    home.state = home.state.apply(WriteSet(instances={"p": row}, classifications={(each.entity_guid, each.name): each for each in rows}), NOW)
    events = home.events()
    assert sections(events) == [(Event.NEW_ENTITY_EVENT, "a"), (Event.CLASSIFIED_ENTITY_EVENT, "p"), (Event.CLASSIFIED_ENTITY_EVENT, "t")]
    on_proxy, on_entity = (event.instance_event_section or InstanceSection() for event in events[1:])
    assert on_proxy.entity is None
    assert on_proxy.entity_proxy is not None
    assert on_entity.entity is not None
    assert {each.name for each in on_entity.entity.classifications or ()} == {"Confidentiality", "Retention"}
    assert on_proxy.classification == on_entity.classification == ours
    assert home.told() == "announced 1 entities, 0 relationships, 2 classifications of other members' entities"
    assert [kind for kind, _ in sections(home.events(Selection(type_names=frozenset({"GlossaryTerm"}))))] == [Event.NEW_ENTITY_EVENT]


def test_the_send_rule_keeps_types_and_zones_in() -> None:
    rule = ExchangeFilter(rule=ExchangeRule.DESELECTED_TYPES, types=frozenset({"Synonym"}))
    home = Home(A, B, AB, send=rule)
    assert [guid for _, guid in sections(home.events())] == ["a", "b"]
    assert home.told() == "announced 2 entities, 0 relationships; 1 not sent because of the send rule (cohort.events_to_send)"
    inside, outside = replace(A, classifications=[zoned("open")]), replace(B, classifications=[zoned("secret")])
    zones = ExchangeFilter(rule=ExchangeRule.GOVERNANCE_ZONES, excluded_zones=frozenset({"secret"}))
    assert [guid for _, guid in sections(Home(inside, outside, C, AB, US.relationship("ac", A, C), send=zones).events())] == ["a", "c", "ac"]


def test_an_event_over_the_limit_is_counted_and_the_others_go() -> None:
    home = Home(US.entity("big", description="x" * 5_000), A, max_event_bytes=4_000)
    assert [guid for _, guid in sections(home.events())] == ["a"]
    assert home.told() == "announced 1 entities, 0 relationships; 1 not sent because their events are over the limit (kafka.max_event_bytes)"


# ---------------------------------------------------------------- those who hear it


def test_who_has_everything_changes_nothing_and_who_has_less_gets_it() -> None:
    home = Home(A, deleted(B), C, deleted(US.relationship("ab", A, B, 5)))
    up_to_date, restored, new = Receiver("x"), Receiver("y"), Receiver("z")
    up_to_date.hear(*home.events())
    restored.hear(US.new(US.entity("a", 1)), US.new(US.entity("b", 1)), US.new(US.relationship("ab", A, B, 1)))  # from an old backup
    assert set(up_to_date.verdicts(*home.events())) == {Verdict.DUPLICATE}
    for receiver in (restored, new):
        assert set(receiver.verdicts(*home.events())) == {Verdict.STORED}
    wanted = fingerprint(home.reader, "ours", exact=True)
    assert {fingerprint(each.reader, "ours", exact=True) for each in (up_to_date, restored, new)} == {wanted}


GUIDS = st.lists(st.sampled_from([f"n{number:02}" for number in range(12)]), unique=True, min_size=2)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), guids=GUIDS, chunk=st.integers(1, 5))
def test_whatever_is_homed_here_arrives_however_often_the_worker_is_killed(data: st.DataObject, guids: list[str], chunk: int) -> None:
    """A killed worker sends what it sent last once more; entities come before what refers to them; the copies are exactly what is here.

    No live relationship stands at a deleted entity: a home deletes those first.
    """
    entities = [US.entity(guid, data.draw(st.integers(1, 9))) for guid in guids]
    gone = {guid for guid in guids if data.draw(st.integers(0, 4)) == 0}
    home = Home(*(deleted(one) if one.guid in gone else one for one in entities))
    for number, (one, two) in enumerate(itertools.pairwise(entities)):
        link = US.relationship(f"r{number}", one, two)
        ended = {one.guid, two.guid} & gone or data.draw(st.integers(0, 4)) == 0
        home.hold(deleted(link) if ended else link)
    heard: list[OMRSEvent] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "CHUNK_EVENTS", chunk)
        for step in home.chunks():
            sent = [decode_event(row.value) for row in step.outbox]
            heard += sent * data.draw(st.integers(1, 2))
    receiver = Receiver("listener")
    receiver.hear(*heard)
    assert fingerprint(receiver.reader, "ours", exact=True) == fingerprint(home.reader, "ours", exact=True)
    assert not any(receiver.is_proxy(guid) for guid in guids)
