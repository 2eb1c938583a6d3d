"""What stands between the consumer engine and aiokafka: values converted both ways, and every error of the client sorted into fatal and lost."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import ConsumerRecord
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
