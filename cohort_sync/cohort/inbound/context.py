"""What inbound planning has to know besides the records: values, no services."""

from functools import cache

import msgspec

from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.own_key import OwnKey
from cohort_sync.ocf.connections_out import ConnectionMode
from cohort_sync.omrs.connections import AnyConnection
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.exchange import ExchangeFilter
from cohort_sync.omrs.type_changes import Learn
from cohort_sync.omrs.type_registry import TypeRegistry


class InboundContext(msgspec.Struct, frozen=True, kw_only=True):
    """This member, as the events of others find it. Times are epoch milliseconds."""

    member: LocalMember
    own_key: OwnKey
    """The record key under which we send: what carries it is our own."""
    registry: TypeRegistry
    now: int
    started_at: int
    """When this process started: a request to register that is older than this is not answered."""
    process: ExchangeFilter = ExchangeFilter()
    save: ExchangeFilter = ExchangeFilter()
    send: ExchangeFilter = ExchangeFilter()
    learn: Learn = Learn.ALL
    connection: AnyConnection | None = None
    """What our registration carries."""
    connection_mode: ConnectionMode = ConnectionMode.NONE
    """How it was made: what a member that cannot use it is to be answered by the operator."""
    parked_seconds: float = 3600
    max_event_bytes: int = 1_000_000

    @property
    def local(self) -> str:
        """Our metadata collection id."""
        return self.member.metadata_collection_id

    @property
    def statuses(self) -> frozenset[InstanceStatus]:
        """The statuses that instances may have in the type release of this member."""
        return known_statuses(self.registry.release)


_STATUSES_OF_6 = frozenset((InstanceStatus.UNKNOWN, InstanceStatus.ACTIVE, InstanceStatus.INVALID, InstanceStatus.OTHER, InstanceStatus.DELETED))


@cache
def known_statuses(release: str) -> frozenset[InstanceStatus]:
    """6.x members refuse the life-cycle statuses of the releases before (spec cohort-events 6.8); those know all of them."""
    major = release.partition(".")[0]
    return _STATUSES_OF_6 if major.isdigit() and int(major) >= 6 else frozenset(InstanceStatus)
