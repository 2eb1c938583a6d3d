"""From records of a cohort topic to events: the stateless half of inbound planning, which runs off the event loop."""

from collections.abc import Iterable, Iterator

import msgspec

from cohort_sync.cohort.inbound.validity import Claims
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.errors import UndecodableEvent
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.rows import InstanceRow


class NotForUs(msgspec.Struct, frozen=True):
    """A record that is left alone, and why."""

    reason: str


class ReadyEntity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new state of an entity from another member, decoded, found valid under `registry` and made into rows (`ready` makes these)."""

    event_type: str
    type_name: str
    instance_guid: str | None
    """As the section of the event says it."""
    originator: str | None
    event_time: int | None
    row: InstanceRow
    """Also its claim: it has what a verdict asks for."""
    classifications: Claims
    registry: TypeRegistry


Decoded = OMRSEvent | ReadyEntity | UndecodableEvent | NotForUs
DecodedRecord = tuple[SourceRecord, Decoded]

OWN_RECORD = NotForUs("our own record")
EMPTY_RECORD = NotForUs("a record without a value")


def decode_records(records: Iterable[SourceRecord], own_key: bytes, max_event_bytes: int = 1_000_000) -> list[DecodedRecord]:
    """Each record with its event, or with why there is none. Records with our own key are not even parsed; never raises."""
    return list(decoding(records, own_key, max_event_bytes))


def decoding(records: Iterable[SourceRecord], own_key: bytes, max_event_bytes: int = 1_000_000) -> Iterator[DecodedRecord]:
    """The same one by one, as they are asked for. `plan_inbound` asks slice by slice, so that an event is planned while it is still in the processor's cache:
    decoding and planning together take a third less time than with the whole batch decoded before (a planner that may run again needs a new iterator)."""
    return ((record, decode(record, own_key, max_event_bytes)) for record in records)


def decode(record: SourceRecord, own_key: bytes, max_event_bytes: int) -> Decoded:
    """One record. Never raises."""
    if record.key == own_key:
        return OWN_RECORD
    value = record.value
    if value is None or value == b"null":
        return EMPTY_RECORD
    if len(value) > max_event_bytes:
        return UndecodableEvent(f"the event has {len(value)} bytes, more than the limit of {max_event_bytes} (kafka.max_event_bytes)")
    try:
        return decode_event(value)
    except UndecodableEvent as problem:
        return problem
