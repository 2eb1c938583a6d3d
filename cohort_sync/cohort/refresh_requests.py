"""Ask the other members again (`cohort-sync refresh`): for their registrations, and for the instances that they are the home of.

A request for an instance is a broadcast that only its home answers (spec cohort-events 5.6); there is no negative answer, and an answer at the version that is
held already changes nothing (5.5.3). So this brings what was missed, full entities where only proxies are known, and nothing else.
"""

import msgspec
from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.registration import CHANNEL, refresh_request
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.instances import InstanceType
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import InstanceRow, Kind, OutboxRow
from cohort_sync.store.stored import entity_of, proxy_of, relationship_of

CHUNK = 500


class AskedCursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the requests for instances are: the collections that are not dealt with yet, and the GUID after which the first of them goes on."""

    homes: tuple[str, ...]
    after: str = ""
    asked: int = 0

    def __str__(self) -> str:
        return f"asked for {self.asked} instances"


class AskedChunk(msgspec.Struct, frozen=True, kw_only=True):
    """One step: what to send, and where to go on; `last` says that there is nothing left."""

    outbox: list[OutboxRow]
    cursor: AskedCursor
    last: bool


def ask_for_registrations(member: LocalMember, now: int) -> OutboxRow:
    """REFRESH_REGISTRATION_REQUEST: every member answers with its registration."""
    return OutboxRow(0, CHANNEL, encode_event(refresh_request(member, now)), now)


def plan_refresh(reader: Reader, cursor: AskedCursor, member: LocalMember, now: int) -> AskedChunk:
    """The next requests for copies and proxies of what is homed at `cursor.homes`. Pure."""
    homes, after = cursor.homes, cursor.after
    outbox: list[OutboxRow] = []
    while homes and len(outbox) < CHUNK:
        for row in reader.scan(homes[0], after=after):
            outbox.append(OutboxRow(0, "instances", encode_event(_request(row, member, now)), now))
            after = row.guid
            if len(outbox) == CHUNK:
                break
        else:
            homes, after = homes[1:], ""
    return AskedChunk(outbox=outbox, cursor=replace(cursor, homes=homes, after=after, asked=cursor.asked + len(outbox)), last=not homes)


def _request(row: InstanceRow, member: LocalMember, now: int) -> OMRSEvent:
    kind = Event.REFRESH_RELATIONSHIP_REQUEST if row.kind == Kind.RELATIONSHIP else Event.REFRESH_ENTITY_REQUEST
    return announce.refresh_request(member, now, kind, _type(row).type_def_guid, row.type_name, row.guid, row.home)


def _type(row: InstanceRow) -> InstanceType:
    match row.kind:
        case Kind.RELATIONSHIP:
            return relationship_of(row).type or InstanceType()
        case Kind.PROXY:
            return proxy_of(row).type or InstanceType()
        case _:
            return entity_of(row).type or InstanceType()
