"""Where partitions end, truly.

A broker's answer to ListOffsets(latest) is not always the end: the embedded broker answers the base offset of the last batch plus one. The high watermark that
comes with a fetch is right everywhere, so the end is taken from a fetch of the last record that ListOffsets admits.
"""

import asyncio
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as ClientPartition

from cohort_sync.mapping.record import TopicPartition
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings, aiokafka_options
from cohort_sync.stream.faults import translated
from cohort_sync.stream.kafka_client import close_consumer

_LOOK_AGAIN_SECONDS = 0.005


async def end_offsets(settings: KafkaSettings, partitions: Collection[TopicPartition], *, patience: float = 10.0) -> dict[TopicPartition, int]:
    """The offset of the next record to be written, for each partition. Uses a connection of its own, joins no group, makes no topic.

    Raises `TransientFault` when the broker or a partition does not answer within `patience` seconds.
    """
    if not partitions:
        return {}
    milliseconds = int(patience * 1000)
    with translated("asking for the ends of partitions"):
        async with asyncio.timeout(patience):
            consumer = AIOKafkaConsumer(
                **aiokafka_options(settings, role="ends"),
                auto_offset_reset="none",
                enable_auto_commit=False,
                fetch_max_wait_ms=10,
                request_timeout_ms=milliseconds,
            )
            try:
                await consumer.start()
                asked = [ClientPartition(*partition) for partition in partitions]
                consumer.assign(asked)
                first, admitted = await consumer.beginning_offsets(asked), await consumer.end_offsets(asked)
                return {TopicPartition(*each): await true_end(consumer, each, first[each], admitted[each]) for each in asked}
            finally:
                await close_consumer(consumer, patience=1.0)


async def true_end(consumer: AIOKafkaConsumer, partition: ClientPartition, first: int, admitted: int, *, patience: float = 5.0) -> int:
    """The end of a partition that is assigned and was not fetched yet, given what ListOffsets admitted. Leaves the position at the last admitted record.

    An empty partition is believed to be empty. Raises `TransientFault` when no fetch was answered within `patience` seconds.
    """
    if admitted <= first:
        return admitted
    consumer.seek(partition, admitted - 1)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while (watermark := consumer.highwater(partition)) is None:
        if loop.time() > deadline:
            raise TransientFault(f"the end of {partition.topic}-{partition.partition} is not known: no fetch was answered within {patience:g} s")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return max(watermark, admitted)
