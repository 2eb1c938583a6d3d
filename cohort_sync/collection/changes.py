"""One change of the collection: what it reads, what it writes, what it announces, all in one write set.

A change sees its own writes. Home instances that it writes are announced by whoever makes the change; it only sees to it that an event fits the broker.
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.cohort.sending import may_be_sent
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.context import CollectionContext, is_before_6
from cohort_sync.collection.headers import Author, Birth, Home
from cohort_sync.collection.provenance import Cohort
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import InstanceEventType, InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exchange import zones_of
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.typedefs import TypeDef
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.store.rows import ClassificationRow, InstanceRow, OutboxRow, Tombstone
from cohort_sync.store.rows import Kind as RowKind
from cohort_sync.store.stored import (
    classification_of,
    classification_row,
    classification_tombstone,
    entity_of,
    entity_rows,
    grave,
    proxy_of,
    proxy_rows,
    relationship_of,
    relationship_row,
    tombstone_of,
)

T = TypeVar("T")
INSTANCES = "instances"


class Change:
    """Reads through to the store, writes into a write set."""

    def __init__(self, context: CollectionContext, reader: Reader, checks: Checks, author: Author) -> None:
        self.reader = reader
        self.checks = checks
        self.registry = checks.registry
        self.author = author
        self.member = context.member
        self.cohort = Cohort.now(context, reader)
        self.now = context.clock()
        self.new_guid = context.new_guid
        self.writes = WriteSet()
        self._send_rule = context.send
        self._max_event_bytes = context.max_event_bytes

    # ------------------------------------------------------------ reading

    def row(self, guid: str) -> InstanceRow | None:
        """The row under this GUID as it is after this change."""
        if guid in self.writes.instances:
            return self.writes.instances[guid]
        return None if guid in self.writes.removed else self.reader.instances((guid,)).get(guid)

    def classification_rows(self, guid: str) -> dict[str, ClassificationRow]:
        """The classifications of an entity by name, as they are after this change."""
        rows = {} if guid in self.writes.removed else {row.name: row for row in self.reader.classifications((guid,)).get(guid, ())}
        for (owner, name), row in self.writes.classifications.items():
            if owner == guid and row is not None:
                rows[name] = row
            elif owner == guid:
                rows.pop(name, None)
        return {name: rows[name] for name in sorted(rows)}

    def entity(self, guid: str) -> EntityDetail | EntityProxy | None:
        """The entity or proxy under this GUID."""
        row = self.row(guid)
        if row is None or row.kind == RowKind.RELATIONSHIP:
            return None
        classifications = self.classification_rows(guid).values()
        return proxy_of(row, classifications) if row.kind == RowKind.PROXY else entity_of(row, classifications)

    def relationship(self, guid: str) -> Relationship | None:
        """The relationship under this GUID."""
        row = self.row(guid)
        return relationship_of(row) if row is not None and row.kind == RowKind.RELATIONSHIP else None

    def relationships_of(self, guid: str) -> list[Relationship]:
        """All relationships at an entity, soft-deleted ones too, in the order of their GUIDs."""
        rows = [self.row(row.guid) for row in self.reader.relationships_of((guid,))]
        return [relationship_of(row) for row in rows if row is not None and guid in (row.end1, row.end2)]

    def end(self, guid: str) -> EntityProxy | None:
        """An entity as the end of a relationship."""
        found = self.entity(guid)
        return proxy_of_entity(self.registry, found) if isinstance(found, EntityDetail) else found

    def tombstone(self, guid: str) -> Tombstone | None:
        """What is left of what was purged under this GUID."""
        return self.reader.tombstones((guid,)).get(guid)

    # ------------------------------------------------------------ writing

    def put_entity(self, entity: EntityDetail) -> EntityDetail:
        """Write the core of an entity and those of its classifications that are not stored as they are; answers with it as it is shown."""
        row, classified = entity_rows(entity)
        before = self.classification_rows(row.guid)
        self.writes.instances[row.guid] = row
        for one in classified:
            if before.get(one.name) != one:
                self.writes.classifications[row.guid, one.name] = one
        return self.cohort.entity(entity)

    def put_proxy(self, proxy: EntityProxy) -> None:
        """Write a proxy with its classifications."""
        row, classified = proxy_rows(proxy)
        self.writes.instances[row.guid] = row
        self.writes.classifications.update({(row.guid, one.name): one for one in classified})

    def put_relationship(self, relationship: Relationship) -> Relationship:
        """Write a relationship, its ends as they are now; answers with what was written."""
        one, two = relationship.entity_one_proxy, relationship.entity_two_proxy
        ends = [(self.end(proxy.guid) or proxy) if proxy is not None and proxy.guid is not None else proxy for proxy in (one, two)]
        written = replace(relationship, entity_one_proxy=ends[0], entity_two_proxy=ends[1])
        row = relationship_row(written)
        self.writes.instances[row.guid] = row
        return written

    def put_classification(self, guid: str, classification: Classification) -> None:
        """Write one classification of an entity or proxy. One that was removed is not forgotten any more than its version is."""
        row = classification_row(guid, classification)
        self.writes.classifications[guid, row.name] = row
        if self.tombstone(grave(guid, row.name)) is not None:
            self.writes.tombstones[grave(guid, row.name)] = None

    def remove_classification(self, guid: str, name: str) -> None:
        """Take a classification off; its version is kept in the ledger, so that the next of this name goes on from it."""
        row = self.classification_rows(guid).get(name)
        if row is not None:
            self.writes.classifications[guid, name] = None
            tombstone = classification_tombstone(row)
            self.writes.tombstones[tombstone.guid] = tombstone

    def purge(self, row: InstanceRow, *, remembered: bool = True) -> None:
        """Remove an instance with its classifications and history. `remembered`: the ledger keeps its version (what is ours, or was purged by its home)."""
        for classification in self.classification_rows(row.guid).values() if remembered and row.kind != RowKind.RELATIONSHIP else ():
            tombstone = classification_tombstone(classification)
            self.writes.tombstones[tombstone.guid] = tombstone
        self.writes.instances.pop(row.guid, None)
        self.writes.classifications = {key: value for key, value in self.writes.classifications.items() if key[0] != row.guid}
        self.writes.removed.add(row.guid)
        if remembered:
            self.writes.tombstones[row.guid] = tombstone_of(row)

    # ------------------------------------------------------------ announcing

    def send(self, event: OMRSEvent, lean: OMRSEvent | None = None, channel: str = INSTANCES) -> None:
        """Announce something, unless the send rule keeps it in; `lean` is taken where the whole event would be too long.

        Raises OMRSException when nothing fits the broker.
        """
        if not may_be_sent(self._send_rule, event, self._zones):
            return
        data = encode_event(event)
        if len(data) > self._max_event_bytes and lean is not None:
            data = encode_event(lean)
        if len(data) > self._max_event_bytes:
            reason = f"its event has {len(data)} bytes, the broker takes {self._max_event_bytes}; nothing was changed"
            raise self.checks.error(Kind.REPOSITORY_ERROR, Code.REQUEST_TOO_LARGE, self.checks.method, self.checks.source, reason)
        self.writes.outbox.append(OutboxRow(0, channel, data, self.now))

    def _zones(self, guid: str) -> frozenset[str] | None:
        return zones_of(map(classification_of, self.classification_rows(guid).values()))

    def send_entity(self, event_type: InstanceEventType, entity: EntityDetail, original: EntityDetail | None = None) -> None:
        """An event with the whole entity, and with what it was where that is told."""
        lean = announce.entity_event(self.member, self.now, event_type, entity)
        self.send(lean if original is None else announce.entity_event(self.member, self.now, event_type, entity, original=original), lean)

    def send_relationship(self, event_type: InstanceEventType, relationship: Relationship, original: Relationship | None = None) -> None:
        """The same for a relationship."""
        lean = announce.relationship_event(self.member, self.now, event_type, relationship)
        self.send(lean if original is None else announce.relationship_event(self.member, self.now, event_type, relationship, original=original), lean)

    def send_purged(self, event_type: InstanceEventType, row: InstanceRow) -> None:
        """PURGED by ids: the only form that receivers honour whatever version they hold."""
        type_def = self.registry.type_def(row.type_name)
        guid = (type_def.guid if type_def is not None else None) or ""
        self.send(announce.purged_event(self.member, self.now, event_type, guid, row.type_name, row.guid))

    # ------------------------------------------------------------ beginnings

    def birth(self, home: Home | None = None) -> Birth:
        """The beginning of something that is made by this change."""
        return Birth(self.author, self.now, home or Home.local(self.member), not is_before_6(self.registry.release))

    def initial_status(self, type_def: TypeDef, status: InstanceStatus | None = None) -> InstanceStatus:
        """The status that is asked for, else that with which instances of the type begin."""
        return status or type_def.initial_status or InstanceStatus.ACTIVE


class Changes:
    """What every group of changing methods has: a store, a context, and the way through both."""

    def __init__(self, store: Store, context: CollectionContext) -> None:
        self._store = store
        self._context = context

    def _checks(self, method: str, author: Author) -> Checks:
        checks = Checks(self._context, method)
        checks.user(author.user)
        return checks

    async def _change(self, checks: Checks, author: Author, plan: Callable[[Change], T]) -> T:
        """Plan a change and write it in one transaction. Raises OMRSException; then nothing was changed."""

        def planner(reader: Reader) -> tuple[WriteSet, tuple[T, bool]]:
            change = Change(self._context, reader, checks, author)
            try:
                result = plan(change)
            except PoisonEvent as problem:
                raise checks.error(Kind.REPOSITORY_ERROR, Code.REPOSITORY_LOGIC_ERROR, checks.source, checks.method, str(problem)) from None
            return change.writes, (result, bool(change.writes.outbox))

        result, announced = await self._store.transact(planner)
        if announced:
            self._context.announced()
        return result
