"""The fingerprint of a home collection: equal on two stores exactly when they hold the same instances of it.

SHA-256 over one line of canonical JSON an instance, in the order of the GUIDs: GUID, type, status, properties, classifications (name, home, properties) and the
GUIDs of the ends. `exact` adds version, createTime and updateTime of the instance and of each classification. What belongs to the copy and not to the instance
(replicatedBy, user names, request ids, the proxies inside a relationship) does not count.

A soft-deleted instance counts, with its status DELETED: the home announces a delete and a purge as two events, so a copy that missed one of them is to differ.
Proxies are not instances: they stand in a copy only, for what has not arrived. All classifications of an entity count, whoever is their home.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

import msgspec

from cohort_sync.omrs.bean import Bean
from cohort_sync.omrs.properties import EpochMillis, InstanceProperties
from cohort_sync.store.canonical import Canonical, canonical_properties
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind

_BATCH = 500


class Fingerprint(NamedTuple):
    """How many instances were taken in, soft-deleted ones among them, and their hash."""

    entities: int
    relationships: int
    hex: str


class _Content(Bean, frozen=True, kw_only=True):
    """What a document has that its row has not."""

    properties: InstanceProperties | None = None
    update_time: EpochMillis | None = None


_decode_content = msgspec.json.Decoder(_Content).decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def fingerprint(reader: Reader, home: str, exact: bool = False) -> Fingerprint:
    """The fingerprint of the instances whose metadataCollectionId is `home`. Memory does not grow with their number."""
    digest = sha256()
    counts = {Kind.ENTITY: 0, Kind.RELATIONSHIP: 0}
    for batch in _batches(row for row in reader.scan(home) if row.kind != Kind.PROXY):
        classifications = reader.classifications([row.guid for row in batch if row.kind == Kind.ENTITY])
        for row in batch:
            counts[Kind(row.kind)] += 1
            digest.update(canonical_instance(row, classifications.get(row.guid, ()), exact) + b"\n")
    return Fingerprint(counts[Kind.ENTITY], counts[Kind.RELATIONSHIP], digest.hexdigest())


def canonical_instance(row: InstanceRow, classifications: Iterable[ClassificationRow], exact: bool = False) -> bytes:
    """The line of one instance. Two stores whose fingerprints differ are compared by these."""
    line: dict[str, Canonical] = {"guid": row.guid, "type": row.type_name, "status": row.status}
    _add(line, "properties", canonical_properties(_decode_content(row.document).properties))
    _add(line, "classifications", [_canonical_classification(each, exact) for each in sorted(classifications)])
    if row.kind == Kind.RELATIONSHIP:
        line["ends"] = [row.end1, row.end2]
    if exact:
        line |= {"version": row.version, "createTime": row.create_time, "updateTime": row.update_time}
    return _encode_sorted(line)


def _canonical_classification(row: ClassificationRow, exact: bool) -> dict[str, Canonical]:
    content = _decode_content(row.document)
    line: dict[str, Canonical] = {"name": row.name, "home": row.home}
    _add(line, "properties", canonical_properties(content.properties))
    if exact:
        line |= {"version": row.version, "createTime": row.create_time, "updateTime": content.update_time}
    return line


def _add(line: dict[str, Canonical], name: str, value: Canonical) -> None:
    """Empty is absent."""
    if value:
        line[name] = value


def _batches(rows: Iterator[InstanceRow]) -> Iterator[list[InstanceRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
