"""Topic administration against a broker: idempotent, exact about what was found, and told what to do when it is not allowed to."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as ClientPartition

from cohort_sync.mapping.record import TopicPartition
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.stream.admin import GroupLag, KafkaAdmin, TopicCreated, TopicExisted, WrongPartitionCount
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.ends import end_offsets
from cohort_sync.testing import EmbeddedBroker

T = TypeVar("T")


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(cluster_id="admin-test") as started:
        yield started


def with_admin(broker: EmbeddedBroker, use: Callable[[KafkaAdmin], Awaitable[T]]) -> T:
    async def scenario() -> T:
        async with KafkaAdmin(KafkaSettings(bootstrap_servers=(broker.bootstrap,))) as admin:
            return await use(admin)

    return asyncio.run(scenario())


async def produce(broker: EmbeddedBroker, topic: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", linger_ms=5) as producer:
        for ack in [await producer.send(topic, b"x", partition=0) for _ in range(count)]:
            await ack


def test_topics_are_made_once_and_found_again(broker: EmbeddedBroker) -> None:
    async def use(admin: KafkaAdmin) -> None:
        assert await admin.ensure_topics(["one", "two", "one"]) == {"one": TopicCreated(1), "two": TopicCreated(1)}
        assert await admin.ensure_topics(["one", "three"], replication=1, configs={"retention.ms": "-1"}) == {"one": TopicExisted(1), "three": TopicCreated(1)}
        assert await admin.ensure_topics([]) == {}
        described = await admin.describe(["one", "three", "none"])
        assert described["none"] is None
        assert described["one"] is not None
        assert described["one"].partitions == 1
        assert {"one", "two", "three"} <= set(await admin.list_topics())

    with_admin(broker, use)


def test_a_wrong_number_of_partitions_is_told_and_left_alone(broker: EmbeddedBroker) -> None:
    async def use(admin: KafkaAdmin) -> None:
        assert await admin.ensure_topics(["wide"], partitions=3) == {"wide": TopicCreated(3)}
        assert await admin.ensure_topics(["wide"]) == {"wide": WrongPartitionCount(expected=1, found=3)}
        described = (await admin.describe(["wide"]))["wide"]
        assert described is not None
        assert described.partitions == 3

    with_admin(broker, use)


def test_two_workers_may_make_the_same_topics_at_once(broker: EmbeddedBroker) -> None:
    async def use(admin: KafkaAdmin) -> None:
        async with KafkaAdmin(KafkaSettings(bootstrap_servers=(broker.bootstrap,))) as other:
            outcomes = await asyncio.gather(admin.ensure_topics(["race-1", "race-2"]), other.ensure_topics(["race-2", "race-1"]))
        assert all(outcome[name] in (TopicCreated(1), TopicExisted(1)) for outcome in outcomes for name in ("race-1", "race-2"))

    with_admin(broker, use)


def test_asking_for_a_topic_does_not_make_it(broker: EmbeddedBroker) -> None:
    async def use(admin: KafkaAdmin) -> None:
        assert await admin.describe(["phantom"]) == {"phantom": None}
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, request_timeout_ms=500)
        await consumer.start()
        consumer.assign([ClientPartition("phantom", 0)])
        with pytest.raises(Exception, match="offsets"):
            await consumer.end_offsets([ClientPartition("phantom", 0)])
        await consumer.stop()
        assert "phantom" not in await admin.list_topics()

    with_admin(broker, use)


def test_a_topic_that_is_made_anew_has_another_id(broker: EmbeddedBroker) -> None:
    async def use(admin: KafkaAdmin) -> None:
        await admin.ensure_topics(["again"])
        first = await admin.topic_ids(["again", "never"])
        assert first["never"] == ""
        assert len(first["again"]) == 36
        assert await admin.delete_topics(["again", "never"]) == {"again"}
        assert await admin.topic_ids(["again"]) == {"again": ""}
        await admin.ensure_topics(["again"])
        assert (await admin.topic_ids(["again"]))["again"] not in ("", first["again"])

    with_admin(broker, use)


def test_cluster_id_and_lag(broker: EmbeddedBroker) -> None:
    async def use(admin: KafkaAdmin) -> None:
        assert await admin.cluster_id() == "admin-test"
        await admin.ensure_topics(["lagging", "untouched"])
        await produce(broker, "lagging", 120)
        assert await end_offsets(KafkaSettings(bootstrap_servers=(broker.bootstrap,)), [TopicPartition("lagging", 0), TopicPartition("untouched", 0)]) == {
            TopicPartition("lagging", 0): 120,
            TopicPartition("untouched", 0): 0,
        }
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id="lag-group", enable_auto_commit=False)
        consumer.assign([ClientPartition("lagging", 0)])
        await consumer.start()
        await consumer.commit({ClientPartition("lagging", 0): 100})
        await consumer.stop()
        lag = await admin.group_lag("lag-group", ["lagging", "untouched", "not-there"])
        assert lag == {TopicPartition("lagging", 0): GroupLag(100, 120), TopicPartition("untouched", 0): GroupLag(None, 0)}
        assert [entry.lag for entry in lag.values()] == [20, 0]

    with_admin(broker, use)


def test_it_finds_a_broker_again_that_was_away() -> None:
    with EmbeddedBroker() as broker:

        async def use(admin: KafkaAdmin) -> None:
            await admin.ensure_topics(["before"])
            broker.kill()
            with pytest.raises(TransientFault, match=r"listing the topics failed|connecting to the Kafka broker"):
                await admin.list_topics()
            broker.start()
            assert await admin.list_topics() == []
            assert await admin.ensure_topics(["before"]) == {"before": TopicCreated(1)}

        async def scenario() -> None:
            async with KafkaAdmin(KafkaSettings(bootstrap_servers=(broker.bootstrap,)), patience=1.0) as admin:
                await use(admin)

        asyncio.run(scenario())


def test_closing_twice_leaves_no_thread(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        admin = KafkaAdmin(KafkaSettings(bootstrap_servers=(broker.bootstrap,)))
        assert await admin.cluster_id() == "admin-test"
        assert any(thread.name.startswith("kafka-admin") for thread in threading.enumerate())
        await admin.close()
        await admin.close()
        for _ in range(100):
            if not any(thread.name.startswith("kafka-admin") for thread in threading.enumerate()):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"threads are left: {threading.enumerate()}")

    asyncio.run(scenario())


def test_the_event_loop_is_not_blocked(broker: EmbeddedBroker) -> None:
    async def use(admin: KafkaAdmin) -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        await admin.ensure_topics([f"loop-{n}" for n in range(30)])
        ticking.cancel()
        return ticks

    assert with_admin(broker, use) > 0
