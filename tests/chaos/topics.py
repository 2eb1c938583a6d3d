"""The test's own hands on the broker: feed topics while workers read them, and read a topic whole."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.record import TopicPartition as Partition
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.ends import end_offsets
from cohort_sync.stream.kafka_client import close_consumer


class Feeder:
    """Appends records, in order within a topic."""

    def __init__(self, bootstrap: str) -> None:
        self._bulk = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
        # One record a batch: this broker tells the end of a topic by the base offset of its last batch, and a worker that is started asks for many ends.
        self._single = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=1)

    async def __aenter__(self) -> Self:
        await self._bulk.start()
        await self._single.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._bulk.stop()
        await self._single.stop()

    async def sources(self, records: Iterable[SourceRecord]) -> None:
        """Records of sources to their topics; returns when the broker has them."""
        sent = [await self._single.send(one.topic, one.value, one.key, partition=0, headers=[(name, value) for name, value in one.headers]) for one in records]
        await asyncio.gather(*sent)

    async def values(self, topic: str, key: bytes, values: Iterable[bytes]) -> None:
        """Values under one key to a topic; returns when the broker has them."""
        await asyncio.gather(*[await self._bulk.send(topic, value, key, partition=0) for value in values])


async def make_topics(bootstrap: str, topics: Iterable[str]) -> None:
    """With one partition each."""
    async with KafkaAdmin(KafkaSettings(bootstrap_servers=(bootstrap,))) as admin:
        await admin.ensure_topics(list(topics), partitions=1)


async def end_of(bootstrap: str, topic: str) -> int:
    """How many records a topic has."""
    (end,) = (await end_offsets(KafkaSettings(bootstrap_servers=(bootstrap,)), [Partition(topic, 0)])).values()
    return end


async def read_all(bootstrap: str, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Every record of a topic, in order."""
    end = await end_of(bootstrap, topic)
    partition = TopicPartition(topic, 0)
    records: list[ConsumerRecord[bytes, bytes]] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="none", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        while len(records) < end:
            for fetched in (await consumer.getmany(partition, timeout_ms=1000)).values():
                records += fetched
    finally:
        await close_consumer(consumer, patience=2.0)
    return records
