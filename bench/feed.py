"""Topics and records for a measurement, put into the embedded broker before anything is measured."""

import asyncio
from collections.abc import Sequence

from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.producer import OrderedSender

_AT_ONCE = 5000


def make_topics(bootstrap: str, topics: Sequence[str]) -> None:
    """With one partition each."""

    async def make() -> None:
        async with KafkaAdmin(KafkaSettings(bootstrap_servers=(bootstrap,))) as admin:
            await admin.ensure_topics(topics, partitions=1)

    asyncio.run(make())


def fill(bootstrap: str, topic: str, key: bytes, values: Sequence[bytes]) -> None:
    """Append the values to partition 0, in their order. RuntimeError when the broker did not take all of them."""

    async def send() -> None:
        sender = OrderedSender(KafkaSettings(bootstrap_servers=(bootstrap,)))
        try:
            for begin in range(0, len(values), _AT_ONCE):
                part = values[begin : begin + _AT_ONCE]
                acknowledged = await sender.send(topic, key, part)
                if acknowledged != len(part):
                    raise RuntimeError(f"{topic}: the broker took {begin + acknowledged} of {len(values)} records")
        finally:
            await sender.close()

    asyncio.run(send())
