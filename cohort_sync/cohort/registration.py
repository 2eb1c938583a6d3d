"""Our own registration in the cohort: what is sent at the start, as an answer and on leaving (spec cohort-events 3.3).

    first start      REGISTRATION, then REFRESH_REGISTRATION_REQUEST
    later starts     RE_REGISTRATION, then REFRESH_REGISTRATION_REQUEST
    asked by others  RE_REGISTRATION
    leave            UN_REGISTRATION; a normal stop sends nothing, membership persists
All events go through the outbox, so that what is noted here as sent will be sent. Joining gets no answer by itself: the members are learned from the answers to
the refresh request.
"""

from collections.abc import Iterable
from typing import NamedTuple

from cohort_sync.cohort.inbound.decoding import Decoded
from cohort_sync.cohort.member import LocalMember
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.connections import AnyConnection
from cohort_sync.omrs.enums import EventCategory, RegistryEventType
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.events import OMRSEvent, Originator, RegistrySection
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import OutboxRow

CHANNEL = "registration"
REGISTRATION_TIME = "cohort.registration-time"
"""Fact: when this member registered first (epoch ms). It stays the same for ever, also across leaving the topic to others."""

LEFT = "cohort.left"
"""Fact: when this member left the cohort last (epoch ms): a store that has left is not a new one."""


def plan_start(reader: Reader, member: LocalMember, connection: AnyConnection | None, now: int) -> tuple[WriteSet, RegistryEventType]:
    """What to send once all topics are being read; answers which registration it is. Complaints about our last registration are forgotten."""
    writes = WriteSet()
    since = registration_time(reader)
    kind = RegistryEventType.REGISTRATION_EVENT if since is None else RegistryEventType.RE_REGISTRATION_EVENT
    if since is None:
        since = now
        writes.facts[REGISTRATION_TIME] = str(now)
    writes.outbox = [_row(registration(member, connection, kind, since, now), now), _row(refresh_request(member, now), now)]
    forget_complaints(reader, writes)
    return writes, kind


def plan_leave(reader: Reader, member: LocalMember, now: int) -> WriteSet:
    """Leave the cohort for good: tell it, and forget our registration and all members. Copies stay, here and there."""
    event = OMRSEvent(
        protocol_version_id=member.protocol,
        timestamp=now,
        originator=member.originator,
        event_category=EventCategory.REGISTRY,
        registry_event_section=RegistrySection(registry_event_type=RegistryEventType.UN_REGISTRATION_EVENT),
    )
    members: dict[str, None] = dict.fromkeys(row.metadata_collection_id for row in reader.members())
    return WriteSet(facts={REGISTRATION_TIME: None, LEFT: str(now)}, members={**members}, outbox=[_row(event, now)])


def registration_time(reader: Reader) -> int | None:
    """When this member registered first; None: never, or it left."""
    stored = reader.fact(REGISTRATION_TIME)
    return None if stored is None else int(stored)


def registration(member: LocalMember, connection: AnyConnection | None, kind: RegistryEventType, since: int, now: int) -> OMRSEvent:
    """REGISTRATION or RE_REGISTRATION."""
    return OMRSEvent(
        protocol_version_id=member.protocol,
        timestamp=now,
        originator=member.originator,
        event_category=EventCategory.REGISTRY,
        registry_event_section=RegistrySection(
            registry_event_type=kind,
            registration_timestamp=since,
            metadata_collection_name=member.metadata_collection_name,
            remote_connection=connection,
        ),
    )


def refresh_request(member: LocalMember, now: int) -> OMRSEvent:
    """Everybody, say who you are. The originator has no metadata collection id, as Java sends it (spec 3.1)."""
    return OMRSEvent(
        protocol_version_id=member.protocol,
        timestamp=now,
        originator=Originator(server_name=member.server_name, server_type=member.server_type, organization_name=member.organization_name),
        event_category=EventCategory.REGISTRY,
        registry_event_section=RegistrySection(registry_event_type=RegistryEventType.REFRESH_REGISTRATION_REQUEST),
    )


def registration_row(member: LocalMember, connection: AnyConnection | None, since: int, now: int) -> OutboxRow:
    """The RE_REGISTRATION that answers a request."""
    return _row(registration(member, connection, RegistryEventType.RE_REGISTRATION_EVENT, since, now), now)


def forget_complaints(reader: Reader, writes: WriteSet) -> None:
    """Our registration is sent (again): who still cannot use it will say so again."""
    for row in reader.members():
        current = writes.members.get(row.metadata_collection_id, row)
        if current is not None and current.problem is not None:
            writes.members[row.metadata_collection_id] = current._replace(problem=None)


class Sighting(NamedTuple):
    """Our metadata collection id in a registration of somebody who is not this store."""

    record: SourceRecord
    event_type: RegistryEventType
    server_name: str | None


def sightings(records: Iterable[tuple[SourceRecord, Decoded]], member: LocalMember) -> list[Sighting]:
    """The registrations under our metadata collection id on the registration topic. Records with our own key are `NotForUs` and do not count."""
    found = []
    for record, event in records:
        if isinstance(event, OMRSEvent) and event.originator is not None and event.registry_event_section is not None:
            kind = event.registry_event_section.registry_event_type
            if event.originator.metadata_collection_id == member.metadata_collection_id and kind is not None:
                found.append(Sighting(record, kind, event.originator.server_name))
    return found


def check_fresh_store(seen: list[Sighting], member: LocalMember, *, registered: bool, recovering: bool, fresh_id: bool) -> None:
    """An empty store under an id that the cohort knows already: versions would begin at 1 again, and every member would ignore what we say.

    `registered`: this store has registered before, so it is not a new one. Raises ConfigurationError unless the operator has said which case it is.
    """
    if registered or recovering or fresh_id or not seen:
        return
    last = seen[-1]
    raise ConfigurationError(
        f"member.metadata_collection_id: {member.metadata_collection_id!r} is registered in this cohort already ({last.event_type.value} of server "
        f"{last.server_name!r} at {last.record.place}), but this store is new. If the store of this member was lost, start once with --recovering "
        "(versions begin high and everything is announced again). If that member is another one, give this one an id of its own ('cohort-sync config init' "
        "makes one). If it is gone for good and has left nothing behind, start once with --fresh-id."
    )


def _row(event: OMRSEvent, now: int) -> OutboxRow:
    return OutboxRow(0, CHANNEL, encode_event(event), now)
