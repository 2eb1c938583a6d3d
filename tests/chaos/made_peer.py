"""The life of a peer's home collection as events: everything that may happen to instances, with replays and broken records in between, and how it ends."""

import random
from typing import NamedTuple

from msgspec.structs import replace

from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.enums import InstanceStatus, RegistryEventType
from cohort_sync.omrs.events import OMRSEvent, RegistrySection
from cohort_sync.omrs.instances import Classification, EntityDetail, Relationship
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.testing.cohort import BORN, Peer, proxy

PEER = "peer-of-chaos"
KEY = b"key-of-the-peer"
_CLASSIFICATIONS = {"Confidentiality": "confidentialityLevel", "Criticality": "criticalityLevel"}
_CUT = b"..."
_WEIGHTS = {
    "new_entity": 16,
    "update_entity": 18,
    "classify": 8,
    "reclassify": 5,
    "declassify": 4,
    "new_relationship": 14,
    "update_relationship": 6,
    "delete_relationship": 3,
    "purge_relationship": 3,
    "delete_entity": 3,
    "restore_entity": 2,
    "purge_entity": 3,
    "re_identify": 2,
    "retype": 2,
    "reborn": 1,
    "replay": 9,
    "break": 1,
}


class Ending(NamedTuple):
    """What has to be left of the peer's home: the header of each instance, and the classifications of each entity."""

    instances: dict[str, tuple[int, str]]
    """GUID: version and status."""
    classifications: dict[tuple[str, str], int]
    """Entity GUID and name: version."""
    broken: int
    """How many records cannot be used."""


class PeerLife:
    """Makes the events one by one; the order is the order in which they have to be sent."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._peer = Peer(PEER)
        self._entities: dict[str, EntityDetail] = {}
        self._relationships: dict[str, Relationship] = {}
        self._purged: list[EntityDetail] = []
        self._made = 0
        self._broken = 0
        self._once: set[bytes] = set()
        self.events: list[bytes] = []

    def run(self, events: int) -> None:
        """Let things happen until so many events are made."""
        kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
        while len(self.events) < events:
            self._peer.now += self._rng.randint(1, 50)
            getattr(self, f"_{self._rng.choices(kinds, weights)[0]}")()

    def registration(self) -> bytes:
        """The peer's registration, for the registration topic."""
        section = RegistrySection(registration_timestamp=BORN, metadata_collection_name="peer of chaos")
        return encode_event(self._peer.registers(RegistryEventType.REGISTRATION_EVENT, section))

    def ending(self) -> Ending:
        """How it ends."""
        instances = {guid: (one.version, (one.status or InstanceStatus.UNKNOWN).value) for guid, one in [*self._entities.items(), *self._relationships.items()]}
        classifications = {(guid, c.name or ""): c.version for guid, entity in self._entities.items() for c in entity.classifications or ()}
        return Ending(instances, classifications, self._broken)

    # ------------------------------------------------------------ entities

    def _new_entity(self) -> None:
        entity = self._peer.entity(self._guid("entity"), created=self._peer.now, description="at first", displayName=f"term {self._made}")
        self._put(entity, self._peer.new(entity))

    def _update_entity(self) -> None:
        if entity := self._any_entity(InstanceStatus.ACTIVE):
            changed = self._next(entity, description=f"as of {self._peer.now}, " + "and a little more " * self._rng.randint(0, 40))
            self._put(changed, self._peer.updated(changed))

    def _retype(self) -> None:
        if entity := self._any_entity(InstanceStatus.ACTIVE):
            name = "Glossary" if entity.type and entity.type.type_def_name == "GlossaryTerm" else "GlossaryTerm"
            if self._links(entity.guid or ""):
                return  # a relationship would have an end of a type that it does not allow
            changed = replace(self._next(entity, description="retyped"), type=self._peer.registry.instance_type(name))
            self._put(changed, self._peer.says(Event.RETYPED_ENTITY_EVENT, changed))

    def _delete_entity(self) -> None:
        if entity := self._any_entity(InstanceStatus.ACTIVE):
            gone = replace(self._next(entity), status=InstanceStatus.DELETED, status_on_delete=entity.status)
            for link in self._links(gone.guid or ""):  # silently: no events come for cascades
                if link.status is InstanceStatus.ACTIVE:
                    self._relationships[link.guid or ""] = replace(link, version=link.version + 1, status=InstanceStatus.DELETED)
            self._put(gone, self._peer.says(Event.DELETED_ENTITY_EVENT, gone))

    def _restore_entity(self) -> None:
        if entity := self._any_entity(InstanceStatus.DELETED):
            back = replace(self._next(entity), status=InstanceStatus.ACTIVE, status_on_delete=None)
            self._put(back, self._peer.says(Event.RESTORED_ENTITY_EVENT, back))

    def _purge_entity(self) -> None:
        if entity := self._any_entity(InstanceStatus.DELETED):
            guid = entity.guid or ""
            for link in self._links(guid):
                del self._relationships[link.guid or ""]
            del self._entities[guid]
            self._purged.append(entity)
            self._send_purge(entity)

    def _reborn(self) -> None:
        """A new life under the GUID of something that was purged."""
        if self._purged:
            dead = self._purged.pop(self._rng.randrange(len(self._purged)))
            entity = self._peer.entity(dead.guid or "", created=self._peer.now, description="born again")
            self._put(entity, self._peer.new(entity))

    def _re_identify(self) -> None:
        if entity := self._any_entity(InstanceStatus.ACTIVE):
            old = entity.guid or ""
            moved = replace(self._next(entity), guid=self._guid("entity"), re_identified_from_guid=old)
            for link in self._links(old):
                self._relationships[link.guid or ""] = _re_pointed(link, old, moved)
            del self._entities[old]
            self._put(moved, self._peer.says(Event.RE_IDENTIFIED_ENTITY_EVENT, moved, old_guid=old))

    # ------------------------------------------------------------ classifications

    def _classify(self) -> None:
        if entity := self._any_entity(InstanceStatus.ACTIVE):
            free = [name for name in _CLASSIFICATIONS if name not in _classified(entity)]
            if free:
                name = self._rng.choice(free)
                one = self._classification(name, 1)
                changed = replace(self._next(entity), classifications=[*(entity.classifications or ()), one])
                self._put(changed, self._peer.classified(changed, one))

    def _reclassify(self) -> None:
        if found := self._any_classification():
            entity, old = found
            one = replace(self._classification(old.name or "", old.version + 1), create_time=old.create_time)
            changed = replace(self._next(entity), classifications=[one if c.name == old.name else c for c in entity.classifications or ()])
            self._put(changed, self._peer.classified(changed, one, old))

    def _declassify(self) -> None:
        if found := self._any_classification():
            entity, old = found
            changed = replace(self._next(entity), classifications=[c for c in entity.classifications or () if c.name != old.name] or None)
            self._put(changed, self._peer.classified(changed, None, old))

    def _classification(self, name: str, version: int) -> Classification:
        return self._peer.classification(name, version, created=self._peer.now, **{_CLASSIFICATIONS[name]: self._rng.randrange(5)})

    # ------------------------------------------------------------ relationships

    def _new_relationship(self) -> None:
        terms = [self._any_entity(InstanceStatus.ACTIVE) for _ in range(2)]
        one, two = terms
        if one is None or two is None or one is two or not (_is_term(one) and _is_term(two)):
            return
        link = self._peer.relationship(self._guid("link"), one, two, created=self._peer.now, description="they mean the same")
        self._relationships[link.guid or ""] = link
        self._send(self._peer.new(link))

    def _update_relationship(self) -> None:
        if link := self._any_link(InstanceStatus.ACTIVE):
            properties = self._peer.registry.properties("Synonym", {"description": f"as of {self._peer.now}"})
            changed = replace(link, version=link.version + 1, update_time=self._peer.now, properties=properties)
            self._relationships[link.guid or ""] = changed
            self._send(self._peer.updated(changed))

    def _delete_relationship(self) -> None:
        if link := self._any_link(InstanceStatus.ACTIVE):
            gone = replace(link, version=link.version + 1, update_time=self._peer.now, status=InstanceStatus.DELETED, status_on_delete=link.status)
            self._relationships[link.guid or ""] = gone
            self._send(self._peer.says(Event.DELETED_RELATIONSHIP_EVENT, gone))

    def _purge_relationship(self) -> None:
        if link := self._any_link(InstanceStatus.DELETED):
            del self._relationships[link.guid or ""]
            self._send_purge(link)

    # ------------------------------------------------------------ disorder

    def _replay(self) -> None:
        """A record comes again, from anywhere before. Not a purge by ids: it does not say which life it ends, so that of a new life would be ended by it."""
        again = self._rng.choice(self.events) if self.events else b""
        if again and again not in self._once:
            self._broken += again.endswith(_CUT)
            self.events.append(again)

    def _break(self) -> None:
        """A record that is cut off."""
        if self.events:
            whole = self._rng.choice(self.events)
            self._broken += 1
            self.events.append(whole[: len(whole) // 2] + _CUT)

    # ------------------------------------------------------------ pieces

    def _put(self, entity: EntityDetail, event: OMRSEvent) -> None:
        self._entities[entity.guid or ""] = entity
        self._send(event)

    def _send(self, event: OMRSEvent) -> None:
        self.events.append(encode_event(event))

    def _send_purge(self, instance: EntityDetail | Relationship) -> None:
        by_ids = self._rng.random() < 0.7
        self._send(self._peer.purged(instance, by_ids=by_ids))
        if by_ids:
            self._once.add(self.events[-1])

    def _guid(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._made:06d}"

    def _next(self, entity: EntityDetail, **properties: str) -> EntityDetail:
        """The entity at its next version, with these properties changed."""
        changed = self._peer.registry.properties("GlossaryTerm", properties)
        old = (entity.properties.instance_properties if entity.properties else None) or {}
        new = (changed.instance_properties if changed else None) or {}
        return replace(
            entity,
            version=entity.version + 1,
            updated_by="peer",
            update_time=self._peer.now,
            properties=InstanceProperties(instance_properties={**old, **new}),
        )

    def _any_entity(self, status: InstanceStatus) -> EntityDetail | None:
        """A random one in this status; None when a few tries did not find one."""
        for guid in self._rng.choices(list(self._entities), k=8) if self._entities else ():
            if self._entities[guid].status is status:
                return self._entities[guid]
        return None

    def _any_classification(self) -> tuple[EntityDetail, Classification] | None:
        for _ in range(8):
            entity = self._any_entity(InstanceStatus.ACTIVE)
            if entity is not None and entity.classifications:
                return entity, self._rng.choice(entity.classifications)
        return None

    def _any_link(self, status: InstanceStatus) -> Relationship | None:
        for guid in self._rng.choices(list(self._relationships), k=8) if self._relationships else ():
            if self._relationships[guid].status is status:
                return self._relationships[guid]
        return None

    def _links(self, guid: str) -> list[Relationship]:
        return [one for one in self._relationships.values() if guid in (_end(one, 1), _end(one, 2))]


def _end(link: Relationship, number: int) -> str | None:
    end = link.entity_one_proxy if number == 1 else link.entity_two_proxy
    return end.guid if end is not None else None


def _re_pointed(link: Relationship, old: str, moved: EntityDetail) -> Relationship:
    end = proxy(moved)
    return replace(
        link,
        entity_one_proxy=end if _end(link, 1) == old else link.entity_one_proxy,
        entity_two_proxy=end if _end(link, 2) == old else link.entity_two_proxy,
    )


def _classified(entity: EntityDetail) -> set[str]:
    return {one.name or "" for one in entity.classifications or ()}


def _is_term(entity: EntityDetail) -> bool:
    return entity.type is not None and entity.type.type_def_name == "GlossaryTerm"
