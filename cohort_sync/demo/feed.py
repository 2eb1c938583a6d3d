"""The sample events of the Debezium mapper as records on the source topics."""

from collections.abc import Callable
from importlib import resources

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.samples import read_samples
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.producer import Delivered, OrderedSender, Outgoing

SAMPLES = "debezium-schema-changes.jsonl"


def sample_records() -> list[SourceRecord]:
    """The records in the order in which the source made them."""
    return list(read_samples((resources.files("mappers.debezium") / "golden" / SAMPLES).read_bytes()))


def topics_of(records: list[SourceRecord]) -> list[str]:
    """The topics of the records, each once, in the order of their first record."""
    return list(dict.fromkeys(record.topic for record in records))


async def feed(kafka: KafkaSettings, records: list[SourceRecord], told: Callable[[int], None]) -> None:
    """Send the records one after the other, each acknowledged before the next; `told` is called with how many were sent."""
    sender = OrderedSender(kafka)
    try:
        for number, record in enumerate(records, 1):
            delivery = await sender.deliver([Outgoing(record.topic, record.value, record.key, record.headers)])
            if not isinstance(delivery, Delivered):
                raise TransientFault(f"sample event {number} could not be sent to {record.topic}: {delivery}")
            told(number)
    finally:
        await sender.close()
