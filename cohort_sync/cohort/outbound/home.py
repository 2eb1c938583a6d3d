"""Create, change and remove home instances, each change with its events (spec cohort-events 5.3, metadata-collection-semantics 2.1 and 2.2).

The caller says what an instance has to be; this module finds out whether it is new, changed, back from the dead or as it was, gives out the version and
announces the difference. Order of the events of one call:
    an entity        NEW / UPDATED / RETYPED / RESTORED with all its classifications, then one event for each classification that changed
    a relationship   NEW / UPDATED / RESTORED
    a removal        DELETED with a raised version; then, unless deletes are soft, PURGED by ids (the form that Java peers honour)
"""

from collections.abc import Mapping

from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.cohort.outbound.context import SourceContext
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.cohort.sending import may_be_sent
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import ClassificationOrigin, InstanceEventType, InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.exchange import zones_of
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind, OutboxRow, Tombstone
from cohort_sync.store.stored import (
    classification_of,
    classification_row,
    classification_tombstone,
    entity_of,
    entity_rows,
    grave,
    proxy_of,
    relationship_of,
    relationship_row,
    tombstone_of,
)

CHANNEL = "instances"


class HomeWriter:
    """Writes the home instances of one record: `time` is the source's event time and `author` its user, `now` the time of the announcement (epoch ms)."""

    def __init__(self, overlay: Overlay, context: SourceContext, *, now: int, time: int, author: str) -> None:
        self._overlay = overlay
        self._context = context
        self._member = context.member
        self._now = now
        self._time = time
        self._author = author or context.member.server_name

    # ------------------------------------------------------------ entities

    def put_entity(self, guid: str, type_name: str, properties: InstanceProperties | None, classifications: Mapping[str, InstanceProperties | None]) -> bool:
        """Make the entity be this; True when anything had to be announced."""
        row = self._overlay.instances.get(guid)
        if row is not None and row.kind == Kind.ENTITY and row.home == self._member.metadata_collection_id:
            return self._change_entity(row, type_name, properties, classifications)
        if row is not None and row.kind != Kind.PROXY:
            raise PoisonEvent(
                f"entity {guid} of type {type_name} belongs to {row.home} already; two collections gave the same GUID, check the metadata collection ids",
                stage="apply",
            )
        version, created = self._first_version(guid)
        entity = EntityDetail(
            type=self._context.registry.instance_type(type_name),
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            metadata_collection_id=self._member.metadata_collection_id,
            metadata_collection_name=self._member.metadata_collection_name,
            created_by=self._author,
            updated_by=self._author if version > 1 else None,
            create_time=created,
            update_time=max(created, self._time) if version > 1 else None,
            version=version,
            guid=guid,
            classifications=[self._new_classification(guid, name, value) for name, value in classifications.items()] or None,
            properties=properties,
            status=InstanceStatus.ACTIVE,
        )
        self._store_entity(entity)
        self._send(announce.entity_event(self._member, self._now, InstanceEventType.NEW_ENTITY_EVENT, entity), guid)
        return True

    def _change_entity(
        self, row: InstanceRow, type_name: str, properties: InstanceProperties | None, classifications: Mapping[str, InstanceProperties | None]
    ) -> bool:
        before = entity_of(row, self._overlay.classifications.get(row.guid) or ())
        old = {c.name or "": c for c in before.classifications or ()}
        ours = {name: c for name, c in old.items() if c.metadata_collection_id == self._member.metadata_collection_id}
        kept = {name: c for name, c in old.items() if name not in ours}
        for name, value in classifications.items():
            if name not in kept:
                kept[name] = self._changed_classification(row.guid, ours.get(name), name, value)
        restored = before.status is InstanceStatus.DELETED
        retyped = row.type_name != type_name
        same_core = not restored and not retyped and before.properties == properties
        if same_core and kept == old:
            return False
        after = replace(before, classifications=list(kept.values()) or None)
        if not same_core:
            after = replace(
                after,
                type=self._context.registry.instance_type(type_name) if retyped else before.type,
                updated_by=self._author,
                update_time=max(self._time, before.create_time or 0),
                version=self._next_version(before.version),
                properties=properties,
                status=InstanceStatus.ACTIVE,
                status_on_delete=None,
            )
        for gone in ours.keys() - kept.keys():
            self._bury(classification_row(row.guid, ours[gone]))
        self._store_entity(after)
        if not same_core:
            self._announce_change(before, after, restored=restored, retyped=retyped)
        for name in [*old, *(n for n in kept if n not in old)]:
            if old.get(name) != kept.get(name):
                self._send(announce.classification_event(self._member, self._now, after, kept.get(name), old.get(name)), row.guid)
        return True

    def _announce_change(self, before: EntityDetail, after: EntityDetail, *, restored: bool, retyped: bool) -> None:
        guid = after.guid or ""
        if restored:
            self._send(announce.entity_event(self._member, self._now, InstanceEventType.RESTORED_ENTITY_EVENT, after), guid)
        elif retyped:
            original = self._context.registry.summary((before.type.type_def_name if before.type else None) or "")
            self._send(announce.entity_event(self._member, self._now, InstanceEventType.RETYPED_ENTITY_EVENT, after, original_type=original), guid)
        else:
            event = announce.entity_event(self._member, self._now, InstanceEventType.UPDATED_ENTITY_EVENT, after, original=before)
            lean = announce.entity_event(self._member, self._now, InstanceEventType.UPDATED_ENTITY_EVENT, after)
            self._send(event, guid, lean)

    def remove_entity(self, guid: str) -> bool:
        """The entity is gone; its relationships must be gone before. False when it is not there or not ours."""
        row = self._overlay.instances.get(guid)
        if row is None or row.kind != Kind.ENTITY or row.home != self._member.metadata_collection_id or row.status == InstanceStatus.DELETED:
            return False
        before = entity_of(row, self._overlay.classifications.get(guid) or ())
        gone = replace(
            before,
            updated_by=self._author,
            update_time=max(self._time, before.create_time or 0),
            version=self._next_version(before.version),
            status_on_delete=before.status,
            status=InstanceStatus.DELETED,
        )
        self._send(announce.entity_event(self._member, self._now, InstanceEventType.DELETED_ENTITY_EVENT, gone), guid)
        if self._context.soft_delete:
            self._store_entity(gone)
        else:
            self._purge(entity_rows(gone)[0], InstanceEventType.PURGED_ENTITY_EVENT, gone.type.type_def_guid if gone.type else None)
        return True

    # ------------------------------------------------------------ relationships

    def put_relationship(self, guid: str, type_name: str, end1: str, end2: str, properties: InstanceProperties | None) -> bool:
        """Make the relationship be this; True when anything had to be announced. Both ends must be there."""
        row = self._overlay.instances.get(guid)
        if row is not None:
            before = relationship_of(row)
            restored = before.status is InstanceStatus.DELETED
            if not restored and before.properties == properties:
                return False
            after = replace(
                before,
                updated_by=self._author,
                update_time=max(self._time, before.create_time or 0),
                version=self._next_version(before.version),
                entity_one_proxy=self._proxy(end1),
                entity_two_proxy=self._proxy(end2),
                properties=properties,
                status=InstanceStatus.ACTIVE,
                status_on_delete=None,
            )
            kind = InstanceEventType.RESTORED_RELATIONSHIP_EVENT if restored else InstanceEventType.UPDATED_RELATIONSHIP_EVENT
            self._overlay.instances.put(guid, relationship_row(after))
            lean = announce.relationship_event(self._member, self._now, kind, after)
            full = lean if restored else announce.relationship_event(self._member, self._now, kind, after, original=before)
            self._send(full, guid, lean)
            return True
        version, created = self._first_version(guid)
        relationship = Relationship(
            type=self._context.registry.instance_type(type_name),
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            metadata_collection_id=self._member.metadata_collection_id,
            metadata_collection_name=self._member.metadata_collection_name,
            created_by=self._author,
            updated_by=self._author if version > 1 else None,
            create_time=created,
            update_time=max(created, self._time) if version > 1 else None,
            version=version,
            guid=guid,
            entity_one_proxy=self._proxy(end1),
            entity_two_proxy=self._proxy(end2),
            properties=properties,
            status=InstanceStatus.ACTIVE,
        )
        self._overlay.instances.put(guid, relationship_row(relationship))
        self._overlay.tombstones.put(guid, None)
        self._send(announce.relationship_event(self._member, self._now, InstanceEventType.NEW_RELATIONSHIP_EVENT, relationship), guid)
        return True

    def remove_relationship(self, guid: str) -> bool:
        """The relationship is gone. False when it is not there or not ours."""
        row = self._overlay.instances.get(guid)
        if row is None or row.kind != Kind.RELATIONSHIP or row.home != self._member.metadata_collection_id or row.status == InstanceStatus.DELETED:
            return False
        before = relationship_of(row)
        gone = replace(
            before,
            updated_by=self._author,
            update_time=max(self._time, before.create_time or 0),
            version=self._next_version(before.version),
            status_on_delete=before.status,
            status=InstanceStatus.DELETED,
        )
        self._send(announce.relationship_event(self._member, self._now, InstanceEventType.DELETED_RELATIONSHIP_EVENT, gone), guid)
        if self._context.soft_delete:
            self._overlay.instances.put(guid, relationship_row(gone))
        else:
            self._purge(relationship_row(gone), InstanceEventType.PURGED_RELATIONSHIP_EVENT, gone.type.type_def_guid if gone.type else None)
        return True

    # ------------------------------------------------------------ pieces

    def _new_classification(self, guid: str, name: str, properties: InstanceProperties | None) -> Classification:
        """Version and createTime go on from those of a classification of this name that was removed: peers order by both."""
        before = self._overlay.tombstones.get(grave(guid, name))
        if before is not None:
            self._overlay.tombstones.put(before.guid, None)
        return Classification(
            type=self._context.registry.instance_type(name),
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
            metadata_collection_id=self._member.metadata_collection_id,
            metadata_collection_name=self._member.metadata_collection_name,
            created_by=self._author,
            create_time=max(self._time, before.create_time) if before is not None else self._time,
            version=before.version + 1 if before is not None else 1,
            classification_origin=ClassificationOrigin.ASSIGNED,
            name=name,
            properties=properties,
            status=InstanceStatus.ACTIVE,
        )

    def _changed_classification(self, guid: str, before: Classification | None, name: str, properties: InstanceProperties | None) -> Classification:
        if before is None:
            return self._new_classification(guid, name, properties)
        if before.properties == properties:
            return before
        update_time = max(self._time, before.create_time or 0)
        return replace(before, updated_by=self._author, update_time=update_time, version=before.version + 1, properties=properties)

    def _bury(self, row: ClassificationRow) -> None:
        tombstone = classification_tombstone(row)
        self._overlay.tombstones.put(tombstone.guid, tombstone)

    def _store_entity(self, entity: EntityDetail) -> None:
        row, _ = entity_rows(entity)
        self._overlay.instances.put(row.guid, row)
        self._overlay.classifications.put(row.guid, tuple(classification_row(row.guid, c) for c in entity.classifications or ()))
        self._overlay.tombstones.put(row.guid, None)

    def _purge(self, deleted: InstanceRow, event_type: InstanceEventType, type_guid: str | None) -> None:
        for classification in self._overlay.classifications.get(deleted.guid) or () if deleted.kind == Kind.ENTITY else ():
            self._bury(classification)
        self._overlay.purge(deleted.guid)
        self._overlay.tombstones.put(deleted.guid, tombstone_of(deleted))
        self._send(announce.purged_event(self._member, self._now, event_type, type_guid or "", deleted.type_name, deleted.guid), deleted.guid)

    def _proxy(self, guid: str) -> EntityProxy:
        row = self._overlay.instances.get(guid)
        if row is None:
            raise PoisonEvent(f"a relationship end {guid} is not there; a mapper must give the entity before what refers to it", stage="map")
        classifications = self._overlay.classifications.get(guid) or ()
        return proxy_of(row, classifications) if row.kind == Kind.PROXY else proxy_of_entity(self._context.registry, entity_of(row, classifications))

    def _first_version(self, guid: str) -> tuple[int, int]:
        """Version and createTime of an instance that is not there: those of its former life go on (spec cohort-events, trap 7 and 8)."""
        tombstone: Tombstone | None = self._overlay.tombstones.get(guid)
        if tombstone is None:
            return max(1, self._context.version_floor), self._time
        return self._next_version(tombstone.version), tombstone.create_time

    def _next_version(self, version: int) -> int:
        return max(version + 1, self._context.version_floor)

    def _send(self, event: OMRSEvent, guid: str, lean: OMRSEvent | None = None) -> None:
        """Announce; `lean` is the same event without the original, which no receiver reads, for when the whole is too large."""
        self._overlay.note_change()
        if not may_be_sent(self._context.send, event, self._zones):
            return
        limit = self._context.max_event_bytes
        value = encode_event(event)
        if len(value) > limit and lean is not None:
            value = encode_event(lean)
        if len(value) > limit:
            raise PoisonEvent(
                f"the event of instance {guid} has {len(value)} bytes, over the limit of {limit} (kafka.max_event_bytes); make the mapper leave something out",
                stage="map",
            )
        self._overlay.send(OutboxRow(0, CHANNEL, value, self._now))

    def _zones(self, guid: str) -> frozenset[str] | None:
        return zones_of(map(classification_of, self._overlay.classifications.get(guid) or ()))
