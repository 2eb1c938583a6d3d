"""What outbound planning has to know besides the records: values, no services."""

from collections.abc import Callable

import msgspec

from cohort_sync.cohort.member import LocalMember
from cohort_sync.mapping.desired import DesiredObject
from cohort_sync.omrs.exchange import ExchangeFilter
from cohort_sync.omrs.type_registry import TypeRegistry

Translate = Callable[[DesiredObject], DesiredObject]
"""A desired state in the terms of an older type release: as many entities and relationships, in the same order."""


class SourceContext(msgspec.Struct, frozen=True, kw_only=True):
    """One source of this member."""

    source: str
    member: LocalMember
    registry: TypeRegistry
    translate: Translate | None = None
    send: ExchangeFilter = ExchangeFilter()
    """Which types may be announced; what may not is kept all the same."""
    soft_delete: bool = False
    """Removed instances stay as DELETED and can be restored; else they are purged."""
    version_floor: int = 0
    """No version below this one is given out (a member that lost its store begins at the epoch second)."""
    max_event_bytes: int = 1_000_000
    max_announced: int = 5_000
    """A write set is closed after the record that brings it to so many events: a batch of whole tables must not hold the writer for seconds."""
    max_bad_run: int = 20
    """So many dead letters in a row halt the source."""


class PartitionPosition(msgspec.Struct, frozen=True):
    """Where the engine stands in a partition: what the compare-and-set expects."""

    cluster_id: str
    topic_id: str
    expected: int | None
