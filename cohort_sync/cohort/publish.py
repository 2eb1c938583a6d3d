"""Announce home instances again (`cohort-sync publish`): for members that were away, lost their copies, or came back from an old backup.

What is sent is what every receiver honours whatever it holds (spec cohort-events 5.5.2 and 5.5.3): NEW_ENTITY and NEW_RELATIONSHIP with the instance at its
present version, for a soft-deleted one DELETED. A receiver that has this version ignores it, one with an older copy or none takes it. REFRESHED would do the
same, but it is an answer (5.6): NEW is what says "I have this" to those who did not ask.

Entities go before relationships, and our classifications on other members' entities last. The work is cut into chunks, each a transaction with a cursor, so
that neither the writer nor the outbox is held up, and a worker that was killed goes on where it was. What changes meanwhile is announced by its change.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.sending import may_be_sent
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.exchange import ExchangeFilter, zones_of
from cohort_sync.omrs.instances import EntityDetail, EntityProxy
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind, OutboxRow
from cohort_sync.store.stored import classification_of, entity_of, proxy_of, relationship_of

CHANNEL = "instances"
CHUNK_EVENTS = 500
CHUNK_BYTES = 4_000_000
_LOOKED_AT = 5_000
"""So many rows are looked at in one transaction, however few of them are chosen."""
_OBJECTS = 50


class Phase(StrEnum):
    """What is announced, in this order."""

    ENTITIES = "entities"
    RELATIONSHIPS = "relationships"
    CLASSIFICATIONS = "classifications"


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which home instances: of these types (None: of all), of this source ("": of all, and those of no source)."""

    type_names: frozenset[str] | None = None
    source: str = ""

    def takes(self, row: InstanceRow) -> bool:
        """Is it of a chosen type?"""
        return self.type_names is None or row.type_name in self.type_names


class Announcer(msgspec.Struct, frozen=True, kw_only=True):
    """Who announces, and what may leave."""

    member: LocalMember
    send: ExchangeFilter = ExchangeFilter()
    max_event_bytes: int = 1_000_000


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is. `after` is the GUID (of a source: the object's key) that was dealt with last, `name` that of a classification."""

    phase: Phase = Phase.ENTITIES
    after: str = ""
    name: str = ""
    entities: int = 0
    relationships: int = 0
    classifications: int = 0
    deleted: int = 0
    """How many of the entities and relationships were announced as deleted."""
    kept_in: int = 0
    """What the send rule keeps in."""
    too_large: int = 0

    def __str__(self) -> str:
        numbers = [f"{self.entities} entities", f"{self.relationships} relationships"]
        numbers += [f"{self.classifications} classifications of other members' entities"] if self.classifications else []
        text = "announced " + ", ".join(numbers)
        text += f" ({self.deleted} of them as deleted)" if self.deleted else ""
        text += f"; {self.kept_in} not sent because of the send rule (cohort.events_to_send)" if self.kept_in else ""
        text += f"; {self.too_large} not sent because their events are over the limit (kafka.max_event_bytes)" if self.too_large else ""
        return text


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One step: what to send, and where to go on; `last` says that there is nothing left."""

    outbox: list[OutboxRow]
    cursor: Cursor
    last: bool


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one phase, and where the next page begins; `end` says that the phase has no more."""

    events: list[OMRSEvent]
    kept_in: int
    after: str
    name: str = ""
    end: bool


def plan_publish(reader: Reader, selection: Selection, cursor: Cursor, announcer: Announcer, now: int) -> Chunk:
    """The next chunk; `now` (epoch milliseconds) is the time of the announcement. Pure."""
    page = _Pages(reader, selection, announcer, now).next(cursor)
    outbox: list[OutboxRow] = []
    deleted = 0
    for event in page.events:
        value = encode_event(event)
        if len(value) <= announcer.max_event_bytes:
            outbox.append(OutboxRow(0, CHANNEL, value, now))
            deleted += _says_deleted(event)
    sent = len(outbox)
    counted = replace(
        cursor,
        after=page.after,
        name=page.name,
        entities=cursor.entities + (sent if cursor.phase is Phase.ENTITIES else 0),
        relationships=cursor.relationships + (sent if cursor.phase is Phase.RELATIONSHIPS else 0),
        classifications=cursor.classifications + (sent if cursor.phase is Phase.CLASSIFICATIONS else 0),
        deleted=cursor.deleted + deleted,
        kept_in=cursor.kept_in + page.kept_in,
        too_large=cursor.too_large + len(page.events) - sent,
    )
    if not page.end:
        return Chunk(outbox=outbox, cursor=counted, last=False)
    following = _after(cursor.phase, selection)
    if following is None:
        return Chunk(outbox=outbox, cursor=counted, last=True)
    return Chunk(outbox=outbox, cursor=replace(counted, phase=following, after="", name=""), last=False)


def _after(phase: Phase, selection: Selection) -> Phase | None:
    match phase:
        case Phase.ENTITIES:
            return Phase.RELATIONSHIPS
        case Phase.RELATIONSHIPS:
            return Phase.CLASSIFICATIONS if selection == Selection() else None
        case Phase.CLASSIFICATIONS:
            return None


class _Pages:
    """Finds the instances of one chunk and makes their events."""

    def __init__(self, reader: Reader, selection: Selection, announcer: Announcer, now: int) -> None:
        self._reader = reader
        self._selection = selection
        self._member = announcer.member
        self._rule = announcer.send
        self._home = announcer.member.metadata_collection_id
        self._now = now

    def next(self, cursor: Cursor) -> _Page:
        if cursor.phase is Phase.CLASSIFICATIONS:
            return self._classifications(cursor)
        kind = Kind.ENTITY if cursor.phase is Phase.ENTITIES else Kind.RELATIONSHIP
        rows, after, end = self._of_source(kind, cursor.after) if self._selection.source else self._of_home(kind, cursor.after)
        events = list(self._entities(rows) if kind is Kind.ENTITY else self._relationships(rows))
        return _Page(events=events, kept_in=len(rows) - len(events), after=after, end=end)

    # ------------------------------------------------------------ which

    def _of_home(self, kind: Kind, after: str) -> tuple[list[InstanceRow], str, bool]:
        chosen: list[InstanceRow] = []
        size = 0
        for looked_at, row in enumerate(self._reader.scan(self._home, kind, after), 1):
            after = row.guid
            if self._selection.takes(row):
                chosen.append(row)
                size += len(row.document)
            if len(chosen) >= CHUNK_EVENTS or size >= CHUNK_BYTES or looked_at >= _LOOKED_AT:
                return chosen, after, False
        return chosen, after, True

    def _of_source(self, kind: Kind, after: str) -> tuple[list[InstanceRow], str, bool]:
        """Object by object, so that a chunk may be as much larger as one object is."""
        chosen: list[InstanceRow] = []
        size = 0
        objects = self._reader.source_objects(self._selection.source, after, _OBJECTS)
        for each in objects:
            after = each.key
            guids = msgspec.json.decode(each.members, type=list[str])
            found = self._reader.instances(guids)
            ours = (row for guid in guids if (row := found.get(guid)) is not None and row.kind == kind and row.home == self._home)
            rows = list(filter(self._selection.takes, ours))
            chosen += rows
            size += sum(len(row.document) for row in rows)
            if len(chosen) >= CHUNK_EVENTS or size >= CHUNK_BYTES:
                return chosen, after, False
        return chosen, after, len(objects) < _OBJECTS

    # ------------------------------------------------------------ events

    def _entities(self, rows: list[InstanceRow]) -> Iterator[OMRSEvent]:
        classified = self._reader.classifications([row.guid for row in rows])
        for row in rows:
            entity = entity_of(row, classified.get(row.guid, ()))
            kind = Event.DELETED_ENTITY_EVENT if row.status == InstanceStatus.DELETED else Event.NEW_ENTITY_EVENT
            event = announce.entity_event(self._member, self._now, kind, entity)
            if self._passes(event):
                yield event

    def _relationships(self, rows: list[InstanceRow]) -> Iterator[OMRSEvent]:
        zones = self._zones({end for row in rows for end in (row.end1, row.end2) if end is not None}) if self._rule.zones_matter else {}
        for row in rows:
            kind = Event.DELETED_RELATIONSHIP_EVENT if row.status == InstanceStatus.DELETED else Event.NEW_RELATIONSHIP_EVENT
            event = announce.relationship_event(self._member, self._now, kind, relationship_of(row))
            if may_be_sent(self._rule, event, zones.get):
                yield event

    def _zones(self, guids: set[str]) -> dict[str, frozenset[str] | None]:
        return {guid: zones_of(map(classification_of, rows)) for guid, rows in self._reader.classifications(guids).items()}

    def _classifications(self, cursor: Cursor) -> _Page:
        """Ours on entities of others; those on our own entities went with them."""
        rows: list[ClassificationRow] = []
        end = True
        for row in self._reader.classifications_homed(self._home, (cursor.after, cursor.name)):
            if len(rows) == CHUNK_EVENTS:
                end = False
                break
            rows.append(row)
        entities = self._reader.instances({row.entity_guid for row in rows})
        others = {guid: one for guid, one in entities.items() if one.home != self._home and one.status != InstanceStatus.DELETED}
        standing = self._reader.classifications(others)
        events = [self._classified(others[row.entity_guid], standing.get(row.entity_guid, ()), row) for row in rows if row.entity_guid in others]
        passed = [event for event in events if self._passes(event)]
        last = rows[-1] if rows else None
        return _Page(
            events=passed,
            kept_in=len(events) - len(passed),
            after=last.entity_guid if last else cursor.after,
            name=last.name if last else cursor.name,
            end=end,
        )

    def _classified(self, row: InstanceRow, standing: Iterable[ClassificationRow], ours: ClassificationRow) -> OMRSEvent:
        entity: EntityDetail | EntityProxy = entity_of(row, standing) if row.kind == Kind.ENTITY else proxy_of(row, standing)
        return announce.classification_event(self._member, self._now, entity, classification_of(ours))

    def _passes(self, event: OMRSEvent) -> bool:
        """Of an entity, which brings its zones along."""
        return may_be_sent(self._rule, event, lambda _guid: None)


def _says_deleted(event: OMRSEvent) -> bool:
    section = event.instance_event_section
    return section is not None and section.event_type in (Event.DELETED_ENTITY_EVENT, Event.DELETED_RELATIONSHIP_EVENT)
