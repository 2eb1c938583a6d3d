"""A cohort without Kafka: another member that speaks, and this one that listens. For tests of what events do.

peer = Peer("peer-1")
receiver = Receiver()
receiver.hear(peer.new(peer.entity("e1")))
assert receiver.entity("e1").version == 1
"""

import itertools
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.decoding import DecodedRecord
from cohort_sync.cohort.inbound.planner import plan_inbound
from cohort_sync.cohort.inbound.ready import prepare_records
from cohort_sync.cohort.inbound.report import InboundReport
from cohort_sync.cohort.inbound.waiting import plan_waiting
from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.own_key import OwnKey
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.enums import (
    EventCategory,
    InstanceEventType,
    InstanceProvenanceType,
    InstanceStatus,
    RegistryEventType,
    TypeDefEventType,
)
from cohort_sync.omrs.events import InstanceSection, OMRSEvent, RegistrySection, TypeDefSection
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, InstanceGraph, Relationship
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.omrs.primitive_values import PlainValue
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import TypeDef, TypeDefPatch
from cohort_sync.store.fingerprint import fingerprint
from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import Kind
from cohort_sync.store.stored import entity_of, entity_rows, relationship_of, relationship_row
from schemas import read_pack

Event = InstanceEventType
TERM = "GlossaryTerm"
SYNONYM = "Synonym"
BORN = 1_780_000_000_000
"""createTime of whatever is not told another one."""


def types_of(release: str = "6.1") -> TypeRegistry:
    """The open metadata types of a release; made once."""
    if release not in _registries:
        _registries[release] = TypeRegistry.from_pack(read_pack(release))
    return _registries[release]


_registries: dict[str, TypeRegistry] = {}


class Peer:
    """Another member. It makes instances and the events that announce them; what it says need not be true."""

    def __init__(self, collection: str = "peer-1", *, registry: TypeRegistry | None = None) -> None:
        self.id = collection
        self.registry = registry or types_of()
        self.member = LocalMember(metadata_collection_id=collection, metadata_collection_name=f"{collection}-name", server_name=f"{collection}-server")
        self.now = BORN

    # ------------------------------------------------------------ instances

    def entity(
        self,
        guid: str,
        version: int = 1,
        *,
        type_name: str = TERM,
        created: int = BORN,
        status: InstanceStatus = InstanceStatus.ACTIVE,
        home: str | None = None,
        replicated_by: str | None = None,
        provenance: InstanceProvenanceType = InstanceProvenanceType.LOCAL_COHORT,
        classifications: Sequence[Classification] = (),
        **properties: PlainValue,
    ) -> EntityDetail:
        """An entity of a Referenceable type; its qualified name is its GUID unless told otherwise."""
        return EntityDetail(
            type=self.registry.instance_type(type_name),
            instance_provenance_type=provenance,
            metadata_collection_id=home or self.id,
            replicated_by=replicated_by,
            created_by="peer",
            updated_by="peer" if version > 1 else None,
            create_time=created,
            update_time=created + version if version > 1 else None,
            version=version,
            guid=guid,
            classifications=list(classifications) or None,
            properties=self.registry.properties(type_name, {"qualifiedName": guid, **properties}),
            status=status,
        )

    def classification(
        self, name: str = "Confidentiality", version: int = 1, *, created: int = BORN, home: str | None = None, **properties: PlainValue
    ) -> Classification:
        """A classification of this member."""
        return Classification(
            type=self.registry.instance_type(name),
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            metadata_collection_id=home or self.id,
            created_by="peer",
            create_time=created,
            version=version,
            name=name,
            properties=self.registry.properties(name, properties),
            status=InstanceStatus.ACTIVE,
        )

    def relationship(
        self,
        guid: str,
        one: EntityDetail | EntityProxy,
        two: EntityDetail | EntityProxy,
        version: int = 1,
        *,
        type_name: str = SYNONYM,
        created: int = BORN,
        status: InstanceStatus = InstanceStatus.ACTIVE,
        home: str | None = None,
        **properties: PlainValue,
    ) -> Relationship:
        """A relationship between two entities, whoever has them."""
        return Relationship(
            type=self.registry.instance_type(type_name),
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            metadata_collection_id=home or self.id,
            created_by="peer",
            create_time=created,
            version=version,
            guid=guid,
            entity_one_proxy=proxy(one),
            entity_two_proxy=proxy(two),
            properties=self.registry.properties(type_name, properties),
            status=status,
        )

    # ------------------------------------------------------------ events

    def says(
        self,
        kind: InstanceEventType,
        instance: EntityDetail | Relationship,
        *,
        old_guid: str | None = None,
        old_home: str | None = None,
    ) -> OMRSEvent:
        """An event that carries a whole instance."""
        if isinstance(instance, EntityDetail):
            return announce.entity_event(self.member, self.now, kind, instance, original_guid=old_guid, original_home=old_home)
        return announce.relationship_event(self.member, self.now, kind, instance, original_guid=old_guid, original_home=old_home)

    def new(self, instance: EntityDetail | Relationship) -> OMRSEvent:
        """NEW."""
        return self.says(Event.NEW_ENTITY_EVENT if isinstance(instance, EntityDetail) else Event.NEW_RELATIONSHIP_EVENT, instance)

    def updated(self, instance: EntityDetail | Relationship) -> OMRSEvent:
        """UPDATED, without the original, which no receiver reads."""
        return self.says(Event.UPDATED_ENTITY_EVENT if isinstance(instance, EntityDetail) else Event.UPDATED_RELATIONSHIP_EVENT, instance)

    def deleted(self, instance: EntityDetail | Relationship) -> OMRSEvent:
        """DELETED, with the instance as it is given but deleted."""
        kind = Event.DELETED_ENTITY_EVENT if isinstance(instance, EntityDetail) else Event.DELETED_RELATIONSHIP_EVENT
        return self.says(kind, replace(instance, status=InstanceStatus.DELETED, status_on_delete=instance.status))

    def purged(self, instance: EntityDetail | Relationship, *, by_ids: bool = True) -> OMRSEvent:
        """PURGED, by ids or with the (deleted) instance."""
        kind = Event.PURGED_ENTITY_EVENT if isinstance(instance, EntityDetail) else Event.PURGED_RELATIONSHIP_EVENT
        if by_ids:
            of = instance.type
            guid, name = (of.type_def_guid, of.type_def_name) if of else (None, None)
            return announce.purged_event(self.member, self.now, kind, guid or "", name or "", instance.guid or "")
        return self.says(kind, replace(instance, status=InstanceStatus.DELETED))

    def classified(self, entity: EntityDetail | EntityProxy, new: Classification | None, old: Classification | None = None) -> OMRSEvent:
        """CLASSIFIED, RECLASSIFIED or DECLASSIFIED, by what is given. The entity is given as it is afterwards."""
        return announce.classification_event(self.member, self.now, entity, new, old)

    def batch(self, *instances: EntityDetail | Relationship) -> OMRSEvent:
        """BATCH_INSTANCES."""
        entities = [one for one in instances if isinstance(one, EntityDetail)]
        relationships = [one for one in instances if isinstance(one, Relationship)]
        graph = InstanceGraph(entities=entities or None, relationships=relationships or None)
        return self._event(
            EventCategory.INSTANCE,
            instance_event_section=InstanceSection(event_type=Event.BATCH_INSTANCES_EVENT, instance_batch=graph),
        )

    def asks_for(self, guid: str, home: str, *, type_name: str = TERM, relationship: bool = False) -> OMRSEvent:
        """REFRESH_ENTITY_REQUEST or REFRESH_RELATIONSHIP_REQUEST."""
        of = self.registry.instance_type(type_name)
        kind = Event.REFRESH_RELATIONSHIP_REQUEST if relationship else Event.REFRESH_ENTITY_REQUEST
        return announce.refresh_request(self.member, self.now, kind, of.type_def_guid, type_name, guid, home)

    def teaches(self, what: TypeDef | TypeDefPatch) -> OMRSEvent:
        """NEW_TYPEDEF or UPDATED_TYPEDEF."""
        if isinstance(what, TypeDefPatch):
            section = TypeDefSection(type_def_event_type=TypeDefEventType.UPDATED_TYPEDEF_EVENT, type_def_patch=what)
        else:
            section = TypeDefSection(type_def_event_type=TypeDefEventType.NEW_TYPEDEF_EVENT, type_def=what)
        return self._event(EventCategory.TYPEDEF, type_def_event_section=section)

    def registers(self, kind: RegistryEventType, section: RegistrySection | None = None) -> OMRSEvent:
        """A registration event; a refresh request has no collection id in its originator."""
        event = self._event(EventCategory.REGISTRY, registry_event_section=replace(section or RegistrySection(), registry_event_type=kind))
        if kind is RegistryEventType.REFRESH_REGISTRATION_REQUEST:
            return replace(event, originator=replace(self.member.originator, metadata_collection_id=None))
        return event

    def _event(
        self,
        category: EventCategory,
        *,
        instance_event_section: InstanceSection | None = None,
        type_def_event_section: TypeDefSection | None = None,
        registry_event_section: RegistrySection | None = None,
    ) -> OMRSEvent:
        return OMRSEvent(
            protocol_version_id=self.member.protocol,
            timestamp=self.now,
            originator=self.member.originator,
            event_category=category,
            instance_event_section=instance_event_section,
            type_def_event_section=type_def_event_section,
            registry_event_section=registry_event_section,
        )


def proxy(entity: EntityDetail | EntityProxy) -> EntityProxy:
    """An entity as the end of a relationship."""
    if isinstance(entity, EntityProxy):
        return entity
    return EntityProxy(
        type=entity.type,
        instance_provenance_type=entity.instance_provenance_type,
        metadata_collection_id=entity.metadata_collection_id,
        replicated_by=entity.replicated_by,
        created_by=entity.created_by,
        create_time=entity.create_time,
        update_time=entity.update_time,
        version=entity.version,
        guid=entity.guid,
        unique_properties=entity.properties,
        status=entity.status,
    )


class Receiver:
    """This member, listening: a store in memory and the context of its planning."""

    def __init__(self, collection: str = "ours", *, context: InboundContext | None = None) -> None:
        self.context = context or InboundContext(
            member=LocalMember(metadata_collection_id=collection, metadata_collection_name=collection, server_name=f"{collection}-server"),
            own_key=OwnKey(b"our-key", 0),
            registry=types_of(),
            now=BORN + 1_000_000,
            started_at=BORN,
        )
        self.state = MemoryState()
        self._offsets: Iterator[int] = itertools.count()

    @property
    def reader(self) -> MemoryReader:
        """The store as it is."""
        return MemoryReader(self.state)

    def hear(self, *events: OMRSEvent | bytes, key: bytes = b"peer-key", timestamp: int = BORN + 500) -> InboundReport:
        """Apply these events as one batch, as they would come from a topic: encoded, and decoded again."""
        values = [event if isinstance(event, bytes) else encode_event(event) for event in events]
        records = [SourceRecord("cohort.topic", 0, next(self._offsets), timestamp, key, value) for value in values]
        return self.take(prepare_records(records, self.context))

    def take(self, batch: Sequence[DecodedRecord]) -> InboundReport:
        """Apply a batch."""
        return self.commit(*plan_inbound(self.reader, batch, self.context))

    def look_after_parked(self) -> InboundReport:
        """What is done from time to time."""
        return self.commit(*plan_waiting(self.reader, self.context))

    def commit(self, writes: WriteSet, report: InboundReport) -> InboundReport:
        """Write, and take over the types that were learned."""
        self.state = self.state.apply(writes, self.context.now)
        self.context = replace(self.context, registry=report.registry)
        return report

    def holds(self, *instances: EntityDetail | Relationship) -> None:
        """Put instances straight into the store: home instances of ours, or whatever else was there before."""
        writes = WriteSet()
        for instance in instances:
            if isinstance(instance, EntityDetail):
                row, classifications = entity_rows(instance)
                writes.classifications |= {(row.guid, each.name): each for each in classifications}
            else:
                row = relationship_row(instance)
            writes.instances[row.guid] = row
        self.state = self.state.apply(writes, self.context.now)

    def verdicts(self, *events: OMRSEvent | bytes) -> list[Verdict]:
        """Apply these events as one batch and tell their verdicts."""
        return [result.verdict for result in self.hear(*events).results]

    def verdict(self, event: OMRSEvent | bytes) -> Verdict:
        """Apply one event."""
        (only,) = self.verdicts(event)
        return only

    # ------------------------------------------------------------ what is there now

    def entity(self, guid: str) -> EntityDetail | None:
        """The stored entity with its classifications; None for a proxy."""
        row = self.state.instances.get(guid)
        if row is None or row.kind != Kind.ENTITY:
            return None
        return entity_of(row, self.reader.classifications([guid]).get(guid, ()))

    def is_proxy(self, guid: str) -> bool:
        """Is only a proxy stored?"""
        row = self.state.instances.get(guid)
        return row is not None and row.kind == Kind.PROXY

    def relationship(self, guid: str) -> Relationship | None:
        """The stored relationship."""
        row = self.state.instances.get(guid)
        return relationship_of(row) if row is not None and row.kind == Kind.RELATIONSHIP else None

    def classifications(self, guid: str) -> dict[str, int]:
        """Name and version of the classifications of an entity."""
        return {row.name: row.version for row in self.reader.classifications([guid]).get(guid, ())}

    def sent(self) -> list[OMRSEvent]:
        """The events in the outbox."""
        return [decode_event(row.value) for row in self.state.outbox.values()]

    def fingerprint(self, home: str) -> str:
        """The exact fingerprint of a home collection."""
        return fingerprint(self.reader, home, exact=True).hex


def property_text(entity: EntityDetail | Relationship | Classification | None, name: str) -> str | None:
    """The text of a string property; None when the instance or the property is not there."""
    value = entity.properties.get(name) if entity is not None and entity.properties is not None else None
    raw = getattr(value, "primitive_value", None)
    return None if raw is None else msgspec.json.decode(raw, type=str)
