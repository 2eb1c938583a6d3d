"""The rows of the store. Named tuples: they are what planners make and what SQL takes and gives, in column order, with no copy between.

Documents are the compact wire JSON of one bean: an entity *without* its classifications (those are rows of their own, because a classification has a home
and a version of its own), a proxy, or a relationship with its end proxies.
"""

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What a row in `instance` is. A full entity replaces a proxy under the same GUID, never the other way round."""

    ENTITY = 1
    PROXY = 2
    RELATIONSHIP = 3


class InstanceRow(NamedTuple):
    """The current state of one entity, proxy or relationship."""

    guid: str
    kind: int
    type_name: str
    home: str
    """metadataCollectionId."""
    replicated_by: str | None
    provenance: str
    version: int
    create_time: int
    """Epoch milliseconds; the identity check of an instance (spec cohort-events 5.5.2)."""
    update_time: int | None
    status: str
    """InstanceStatus; DELETED is a soft delete."""
    type_version: int
    qualified_name: str | None
    end1: str | None
    """GUID of the entity at end 1 of a relationship."""
    end2: str | None
    document: bytes


class ClassificationRow(NamedTuple):
    """One classification of one entity (or proxy)."""

    entity_guid: str
    name: str
    home: str
    version: int
    create_time: int
    document: bytes


class InstanceHead(NamedTuple):
    """What a verdict asks of a stored instance: its `InstanceRow` without ends, name and document."""

    guid: str
    kind: int
    type_name: str
    home: str
    replicated_by: str | None
    provenance: str
    version: int
    create_time: int
    status: str
    type_version: int


class ClassificationHead(NamedTuple):
    """What a verdict asks of a stored classification."""

    entity_guid: str
    name: str
    home: str
    version: int
    create_time: int


class Tombstone(NamedTuple):
    """What is left of a purged instance: its versions never go back (design, 'Versions never go back')."""

    guid: str
    kind: int
    type_name: str
    home: str
    create_time: int
    version: int


class PositionRow(NamedTuple):
    """How far a partition has been read: `next_offset` is the first record that is not applied yet."""

    cluster_id: str
    topic: str
    partition: int
    topic_id: str
    """"" where the broker does not tell it; another value than before means that the topic was made anew."""
    next_offset: int


class PositionMove(NamedTuple):
    """A compare-and-set: the row must still hold `expected` (None: no row yet), or the transaction is rolled back with PositionLost."""

    cluster_id: str
    topic: str
    partition: int
    topic_id: str
    expected: int | None
    next_offset: int


class GuardRow(NamedTuple):
    """The position of the last record that was applied to a name of a source. Survives the object."""

    source: str
    name: str
    lineage: str
    position: str
    """JSON list of the position's integers."""
    server: str
    topic: str
    partition: int
    offset: int


class ObjectRow(NamedTuple):
    """One object of a source and the home instances that stand for it."""

    source: str
    key: str
    digest: bytes
    """Hash of the desired state that was last planned: equal means nothing to compare."""
    members: bytes
    """JSON list of GUIDs in the order of their announcement, entities first."""


class IdentityRow(NamedTuple):
    """The identity ledger: which GUID an identity has now, and how often it was vacated by a rename."""

    identity: str
    guid: str
    """"" when the identity is vacant."""
    vacated: int


class MemoRow(NamedTuple):
    """A mapper's own memory."""

    source: str
    key: str
    value: bytes


class OutboxRow(NamedTuple):
    """An event that has to be sent. `seq` is 0 until the store numbers it in commit order."""

    seq: int
    channel: str
    """registration, types or instances."""
    value: bytes
    created: int


class DeadLetterRow(NamedTuple):
    """A record that could not be used, whole. `id` is 0 until the store numbers it; `state` is open, replayed or discarded."""

    id: int
    flow: str
    """cohort, or the name of the source."""
    stage: str
    reason: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: bytes
    """JSON list of [name, base64 of the value]."""
    created: int
    state: str


class ParkedRow(NamedTuple):
    """An instance event that waits for its type. `id` is 0 until the store numbers it."""

    id: int
    type_name: str
    type_guid: str
    instance_guid: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    parked_at: int


class MemberRow(NamedTuple):
    """A remote member of the cohort as its last (re-)registration described it."""

    metadata_collection_id: str
    metadata_collection_name: str | None
    server_name: str | None
    server_type: str | None
    organization_name: str | None
    registration_time: int | None
    connection: bytes | None
    """JSON of the Connection, None when it registered without one."""
    first_seen: int
    last_seen: int
    problem: str | None
    """What this member reported about us (registry error event), None when nothing."""


class TypeRow(NamedTuple):
    """A type that was learned from the cohort or an archive. `kind` is typedef or attribute; the document is the bean as JSON."""

    guid: str
    name: str
    kind: str
    version: int
    document: bytes


class GapRow(NamedTuple):
    """A position that the broker no longer has (guarantee 7)."""

    topic: str
    partition: int
    expected: int
    first: int
    last: int
    answer: str
    """stopped or resumed."""
    seen: int


class RequestRow(NamedTuple):
    """Something that the command line asks of the worker. `id` is 0 until the store numbers it.

    State: pending, running (a long one; the result says how far it is), done or failed.
    """

    id: int
    verb: str
    arguments: bytes
    """JSON object."""
    created: int
    state: str
    result: str


class HistoryRow(NamedTuple):
    """An earlier version of an instance."""

    guid: str
    version: int
    valid_from: int
    valid_to: int
    kind: int
    status: str
    document: bytes


class ClassificationHistoryRow(NamedTuple):
    """An earlier state of a classification."""

    entity_guid: str
    name: str
    version: int
    create_time: int
    ended: int
    """The store's clock when it was replaced or removed."""
    removed: int
    """1: taken off the entity; 0: replaced, so it was valid until the state that came next began."""
    document: bytes
