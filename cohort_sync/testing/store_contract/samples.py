"""Rows to write: small, each with a name that says what it is."""

from typing import Any

from cohort_sync.store.rows import (
    ClassificationRow,
    DeadLetterRow,
    GuardRow,
    InstanceRow,
    Kind,
    MemberRow,
    OutboxRow,
    ParkedRow,
    PositionMove,
    RequestRow,
    Tombstone,
    TypeRow,
)

HOME = "0f6a1c1e-home"
PEER = "7b2d9e40-peer"


def entity(guid: str, version: int = 1, **fields: Any) -> InstanceRow:
    row = InstanceRow(
        guid=guid,
        kind=Kind.ENTITY,
        type_name="Asset",
        home=HOME,
        replicated_by=None,
        provenance="LOCAL_COHORT",
        version=version,
        create_time=100,
        update_time=None if version == 1 else 100 * version,
        status="ACTIVE",
        type_version=1,
        qualified_name=f"name of {guid}",
        end1=None,
        end2=None,
        document=b'{"guid":"%s","version":%d}' % (guid.encode(), version),
    )
    return row._replace(**fields)


def link(guid: str, end1: str, end2: str, version: int = 1, **fields: Any) -> InstanceRow:
    return entity(guid, version, kind=Kind.RELATIONSHIP, type_name="DataFlow", qualified_name=None, end1=end1, end2=end2, **fields)


def classification(guid: str, name: str, home: str = HOME, version: int = 1) -> ClassificationRow:
    return ClassificationRow(guid, name, home, version, 100, b'{"name":"%s"}' % name.encode())


def classified(*rows: ClassificationRow) -> dict[tuple[str, str], ClassificationRow | None]:
    return {(row.entity_guid, row.name): row for row in rows}


def tombstone(guid: str, version: int = 3) -> Tombstone:
    return Tombstone(guid, Kind.ENTITY, "Asset", HOME, 100, version)


def guard(source: str, name: str, offset: int = 0) -> GuardRow:
    return GuardRow(source, name, "lineage", f"[{offset}]", "server", "topic", 0, offset)


def event(text: str, channel: str = "instances", created: int = 5) -> OutboxRow:
    return OutboxRow(0, channel, text.encode(), created)


def dead_letter(offset: int, flow: str = "cohort", stage: str = "decode", created: int = 10, state: str = "open") -> DeadLetterRow:
    return DeadLetterRow(0, flow, stage, "no JSON", "topic", 0, offset, 9, None, b"\xff\x00raw", b"[]", created, state)


def parked(offset: int, type_name: str = "Unknown", at: int = 10) -> ParkedRow:
    return ParkedRow(0, type_name, f"guid of {type_name}", f"instance {offset}", "topic", 0, offset, 9, b"key", b"{}", at)


def member(collection: str, name: str | None = "peer") -> MemberRow:
    return MemberRow(collection, name, "server", None, None, 7, b"{}", 1, 2, None)


def learned(guid: str, name: str, version: int = 1) -> TypeRow:
    return TypeRow(guid, name, "typedef", version, b'{"class":"EntityDef"}')


def request(verb: str) -> RequestRow:
    return RequestRow(0, verb, b"{}", 3, "pending", "")


def move(expected: int | None, to: int, topic: str = "topic", partition: int = 0, topic_id: str = "") -> PositionMove:
    return PositionMove("cluster", topic, partition, topic_id, expected, to)
