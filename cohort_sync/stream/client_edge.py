"""What stands between the consumer engine and aiokafka: values converted both ways, and every error of the client sorted into fatal and lost."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiokafka import ConsumerRebalanceListener, ConsumerRecord
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import ConsumerStoppedError

from cohort_sync.mapping.record import SourceRecord, TopicPartition
from cohort_sync.omrs.errors import CohortSyncError, FatalFault, TransientFault
from cohort_sync.stream.faults import FOREIGN_ERRORS, as_fault

CLIENT_ERRORS: tuple[type[Exception], ...] = (*FOREIGN_ERRORS, ConsumerStoppedError, TransientFault)


class LostError(Exception):
    """The broker did not do what was asked: leave it and come back. Stays inside the engine, which carries the fault on where somebody has to know."""

    def __init__(self, fault: CohortSyncError) -> None:
        super().__init__(str(fault))
        self.fault = fault


@contextmanager
def asking(doing: str) -> Iterator[None]:
    """Around every call of the client: a fatal fault passes, everything else that it raises means that the broker is lost."""
    try:
        yield
    except CLIENT_ERRORS as error:
        fault = as_fault(error, doing)
        if isinstance(fault, FatalFault):
            raise fault from error
        raise LostError(fault) from error


class RebalanceNotes(ConsumerRebalanceListener):
    """Passes rebalances on. aiokafka swallows what a listener raises, so these callbacks only take note; the work is done by the next poll."""

    def __init__(self, revoked: Callable[[], Awaitable[None]], assigned: Callable[[set[ClientPartition]], None]) -> None:
        self._revoked = revoked
        self._assigned = assigned

    async def on_partitions_revoked(self, _revoked: set[ClientPartition]) -> None:
        """A rebalance begins; it goes on when this returns."""
        await self._revoked()

    async def on_partitions_assigned(self, assigned: set[ClientPartition]) -> None:
        """A rebalance ended with this assignment."""
        self._assigned(assigned)


def source_record(record: ConsumerRecord[bytes, bytes]) -> SourceRecord:
    """A record as the client hands it out, as ours."""
    headers = tuple((name, value or b"") for name, value in record.headers) if record.headers else ()
    return SourceRecord(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers)


def ours(partition: ClientPartition) -> TopicPartition:
    """The client's name of a partition, as ours."""
    return TopicPartition(partition.topic, partition.partition)


def theirs(partition: TopicPartition) -> ClientPartition:
    """Our name of a partition, as the client's (it insists on its own class)."""
    return ClientPartition(partition.topic, partition.partition)
