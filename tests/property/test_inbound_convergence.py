"""Whatever is read again, doubled, cut into other batches or (as far as versions decide) out of order: the copy ends as its home has it.

A `Home` plays a member: it changes entities, classifications and relationships, keeps what it has, and lists the events that a member of its kind sends.
"""

from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cohort_sync.omrs.enums import InstanceEventType, InstanceStatus
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.instances import Classification, EntityDetail, Relationship
from cohort_sync.testing.cohort import BORN, Peer, Receiver

Event = InstanceEventType
PEER = Peer("home")
ENTITIES = ("a", "b")
LABELS = ("Confidentiality", "Confidence")
DELETED = InstanceStatus.DELETED


class Style(Enum):
    JAVA = "java"
    PURGING = "purging"
    KEEPING = "keeping"


@dataclass
class Home:
    """Java deletes relationships silently, purges with the instance, and never uses a GUID again. A member of ours tells each relationship; it either purges
    whatever it deletes, by ids, and gives a GUID its next life at the next version, or it deletes softly and restores."""

    style: Style
    entities: dict[str, EntityDetail] = field(default_factory=dict)
    relationships: dict[str, Relationship] = field(default_factory=dict)
    buried: dict[str, EntityDetail | Relationship] = field(default_factory=dict)
    events: list[OMRSEvent] = field(default_factory=list)
    clock: int = BORN

    @property
    def explicit(self) -> bool:
        return self.style is not Style.JAVA

    def now(self) -> int:
        self.clock += 10
        return self.clock

    def live(self, guid: str) -> EntityDetail | None:
        entity = self.entities.get(guid)
        return entity if entity is not None and entity.status is not DELETED else None

    # ---------------------------------------------------------------- entities

    def change(self, guid: str) -> None:
        """Create it, or change a property."""
        now = self.now()
        before = self.entities.get(guid)
        if before is not None and before.status is DELETED:
            return
        if before is None:
            grave = self.buried.get(guid)
            if grave is not None and not self.explicit:
                return
            created, version = (now, 1) if grave is None else (grave.create_time or 0, grave.version + 1)
            entity = PEER.entity(guid, version, created=created, displayName=str(now))
            self.put(entity, Event.NEW_ENTITY_EVENT)
        else:
            after = PEER.entity(guid, before.version + 1, created=before.create_time or 0, displayName=str(now))
            self.put(replace(after, classifications=before.classifications, update_time=now), Event.UPDATED_ENTITY_EVENT)

    def put(self, entity: EntityDetail, kind: Event) -> None:
        self.entities[entity.guid or ""] = entity
        self.events.append(PEER.says(kind, entity))

    def label(self, guid: str, name: str) -> None:
        """Classify, or change the classification."""
        now = self.now()
        entity = self.live(guid)
        if entity is None:
            return
        others = [one for one in entity.classifications or () if one.name != name]
        before = next((one for one in entity.classifications or () if one.name == name), None)
        after: Classification = (
            PEER.classification(name, created=now, notes=str(now))
            if before is None
            else PEER.classification(name, before.version + 1, created=before.create_time or 0, notes=str(now))
        )
        entity = self.entities[guid] = replace(entity, classifications=[*others, after])
        self.events.append(PEER.classified(entity, after, before))

    def unlabel(self, guid: str, name: str) -> None:
        entity = self.live(guid)
        before = next((one for one in (entity.classifications if entity is not None else None) or () if one.name == name), None)
        if entity is not None and before is not None:
            others = [one for one in entity.classifications or () if one.name != name]
            entity = self.entities[guid] = replace(entity, classifications=others or None)
            self.events.append(PEER.classified(entity, None, before))

    def delete(self, guid: str) -> None:
        now = self.now()
        entity = self.live(guid)
        if entity is None:
            return
        for one in list(self.relationships.values()):
            if guid in _ends(one) and one.status is not DELETED:
                gone = replace(one, version=one.version + 1, update_time=now, status_on_delete=one.status, status=DELETED)
                self.relationships[one.guid or ""] = gone
                if self.explicit:
                    self.events.append(PEER.deleted(gone))
        self.put(replace(entity, version=entity.version + 1, update_time=now, status_on_delete=entity.status, status=DELETED), Event.DELETED_ENTITY_EVENT)
        if self.style is Style.PURGING:
            self._purge(guid)

    def restore(self, guid: str) -> None:
        now = self.now()
        entity = self.entities.get(guid)
        if entity is not None and entity.status is DELETED:
            self.put(
                replace(entity, version=entity.version + 1, update_time=now, status_on_delete=None, status=InstanceStatus.ACTIVE),
                Event.RESTORED_ENTITY_EVENT,
            )

    def purge(self, guid: str) -> None:
        entity = self.entities.get(guid)
        if entity is not None and entity.status is DELETED and self.style is Style.JAVA:
            self._purge(guid)

    def _purge(self, guid: str) -> None:
        entity = self.entities[guid]
        for one in list(self.relationships.values()):
            if guid in _ends(one):
                self.buried[one.guid or ""] = self.relationships.pop(one.guid or "")
                if self.explicit:
                    self.events.append(PEER.purged(one))
        self.buried[guid] = self.entities.pop(guid)
        self.events.append(PEER.purged(entity, by_ids=self.explicit))

    def re_identify(self, guid: str) -> None:
        """The entity gets a new GUID; relationships follow silently. (A member of ours keeps GUIDs.)"""
        now = self.now()
        entity = self.live(guid)
        if entity is None or self.explicit:
            return
        new = f"{guid}+{now}"
        del self.entities[guid]
        self.buried[guid] = entity
        moved = self.entities[new] = replace(entity, guid=new, version=entity.version + 1, update_time=now, re_identified_from_guid=guid)
        for one in list(self.relationships.values()):
            ends = [replace(proxy, guid=new) if proxy is not None and proxy.guid == guid else proxy for proxy in (one.entity_one_proxy, one.entity_two_proxy)]
            self.relationships[one.guid or ""] = replace(one, entity_one_proxy=ends[0], entity_two_proxy=ends[1])
        self.events.append(PEER.says(Event.RE_IDENTIFIED_ENTITY_EVENT, moved, old_guid=guid))

    # ---------------------------------------------------------------- relationships

    def relate(self, one_guid: str, two_guid: str) -> None:
        """Create or change the relationship between two entities, restore it if it is deleted."""
        now = self.now()
        one, two = self.live(one_guid), self.live(two_guid)
        if one is None or two is None:
            return
        guid = f"{one_guid}-{two_guid}"
        before = self.relationships.get(guid)
        if before is None:
            grave = self.buried.get(guid)
            if grave is not None and not self.explicit:
                return
            created, version = (now, 1) if grave is None else (grave.create_time or 0, grave.version + 1)
            after, kind = PEER.relationship(guid, one, two, version, created=created, description=str(now)), Event.NEW_RELATIONSHIP_EVENT
        else:
            after = replace(PEER.relationship(guid, one, two, before.version + 1, created=before.create_time or 0, description=str(now)), update_time=now)
            kind = Event.RESTORED_RELATIONSHIP_EVENT if before.status is DELETED else Event.UPDATED_RELATIONSHIP_EVENT
        self.relationships[guid] = after
        self.events.append(PEER.says(kind, after))

    # ---------------------------------------------------------------- the truth

    def truth(self) -> Receiver:
        """A store that holds what this home has."""
        store = Receiver()
        store.holds(*self.entities.values(), *self.relationships.values())
        return store


def _ends(relationship: Relationship) -> tuple[str | None, str | None]:
    one, two = relationship.entity_one_proxy, relationship.entity_two_proxy
    return (one.guid if one is not None else None, two.guid if two is not None else None)


Steps = list[tuple[str, ...]]
styles = st.sampled_from(Style)
entities = st.sampled_from(ENTITIES)
labels = st.sampled_from(LABELS)
entity_step = st.one_of(
    st.tuples(st.just("change"), entities),
    st.tuples(st.sampled_from(("label", "unlabel")), entities, labels),
    st.tuples(st.sampled_from(("delete", "restore", "purge")), entities),
).map(lambda step: [step])
pair_step = st.one_of(st.tuples(st.just("relate"), entities, entities), st.tuples(st.just("re_identify"), entities)).map(lambda step: [step])
rebirth = entities.map(lambda guid: [("delete", guid), ("purge", guid), ("change", guid)])
both_related = st.just([("change", "a"), ("change", "b"), ("relate", "a", "b")])


def stories(*steps: st.SearchStrategy[Steps]) -> st.SearchStrategy[Steps]:
    """Steps in a row. Some come in groups, because single ones seldom make a whole life."""
    return st.lists(st.one_of(*steps), max_size=20).map(lambda groups: [step for group in groups for step in group])


entity_stories = stories(entity_step)
all_stories = stories(entity_step, pair_step, rebirth, both_related)


def play(steps: Steps, style: Style) -> Home:
    home = Home(style)
    for name, *arguments in steps:
        getattr(home, name)(*arguments)
    return home


def hear_in_batches(receiver: Receiver, events: list[OMRSEvent], cuts: list[int]) -> None:
    bounds = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    for start, end in pairwise(bounds):
        receiver.hear(*events[start:end])


@settings(deadline=None, max_examples=150)
@given(all_stories, styles, st.lists(st.integers(0, 60), max_size=5), st.lists(st.integers(0, 60), max_size=3))
def test_a_copy_ends_as_its_home_has_it_however_often_and_from_wherever_it_is_read(steps: Steps, style: Style, cuts: list[int], again_from: list[int]) -> None:
    home = play(steps, style)
    truth = home.truth()
    receiver = Receiver()
    hear_in_batches(receiver, home.events, cuts)
    assert receiver.fingerprint("home") == truth.fingerprint("home")
    for position in again_from:
        hear_in_batches(receiver, home.events[position:], cuts[1:])
        assert receiver.fingerprint("home") == truth.fingerprint("home")
    assert receiver.reader.dead_letters() == []


@settings(deadline=None, max_examples=150)
@given(entity_stories, st.randoms(use_true_random=False), st.lists(st.integers(0, 60), max_size=5), st.integers(0, 4))
def test_entities_and_classifications_end_the_same_in_any_order_and_with_doubles(steps: Steps, random: Random, cuts: list[int], doubles: int) -> None:
    home = play(steps, Style.JAVA)
    events = [*home.events, *home.events[:doubles]]
    random.shuffle(events)
    receiver = Receiver()
    hear_in_batches(receiver, events, cuts)
    assert receiver.fingerprint("home") == home.truth().fingerprint("home")


@settings(deadline=None, max_examples=100)
@given(all_stories, styles, st.lists(st.integers(0, 60), max_size=6))
def test_the_cut_of_the_batches_does_not_matter(steps: Steps, style: Style, cuts: list[int]) -> None:
    events = play(steps, style).events
    whole, one_by_one, cut = Receiver(), Receiver(), Receiver()
    whole.hear(*events)
    for event in events:
        one_by_one.hear(event)
    hear_in_batches(cut, events, cuts)
    assert whole.state.instances == one_by_one.state.instances == cut.state.instances
    assert whole.state.tombstones == one_by_one.state.tombstones == cut.state.tombstones
    assert whole.fingerprint("home") == one_by_one.fingerprint("home") == cut.fingerprint("home")
