"""The consumer engine against a broker: positions come from its owner, gaps are told, a broker that dies is waited for, and workers share partitions."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from cohort_sync.mapping.record import SourceRecord, TopicPartition
from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.ends import end_offsets
from cohort_sync.stream.reading import Away, Batch, Gap, GapAnswer, HaltPartition, ReaderOptions, Reading, ResumeAt, SharedTopics, WholeTopics
from cohort_sync.testing import EmbeddedBroker

QUICK = ReaderOptions(
    fetch_max_wait_ms=50,
    patience_seconds=2.0,
    idle_check_seconds=0.2,
    topic_refresh_seconds=0.3,
    mirror_seconds=0.05,
    session_timeout_ms=2000,  # each join takes half of it at the embedded broker
    heartbeat_interval_ms=200,
)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as started:
        yield started


def settings_of(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=(broker.bootstrap,))


async def make_topics(broker: EmbeddedBroker, *names: str, partitions: int = 1) -> None:
    async with KafkaAdmin(settings_of(broker)) as admin:
        await admin.ensure_topics(names, partitions=partitions)


async def produce(broker: EmbeddedBroker, topic: str, values: Collection[bytes], partition: int = 0) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", linger_ms=5, max_batch_size=500_000) as producer:
        for ack in [await producer.send(topic, value, partition=partition) for value in values]:
            await ack


def numbered(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last)]


class Owner:
    """What the flows do around a reader: keep positions, apply batches, answer gaps."""

    def __init__(self, positions: Mapping[tuple[str, int], int] | None = None, answer: Callable[[Gap], GapAnswer] = lambda gap: ResumeAt(gap.first)) -> None:
        self.positions = {TopicPartition(*key): offset for key, offset in (positions or {}).items()}
        self.answer = answer
        self.gaps: list[Gap] = []
        self.records: list[SourceRecord] = []
        self.asked = 0

    async def starting_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        self.asked += 1
        return {partition: self.positions.get(partition) for partition in partitions}

    async def on_gap(self, gap: Gap) -> GapAnswer:
        self.gaps.append(gap)
        answer = self.answer(gap)
        if isinstance(answer, ResumeAt):
            self.positions[gap.partition_key] = answer.offset
        return answer

    def apply(self, batch: Batch) -> None:
        """The compare-and-set of a transaction, and the rows."""
        for partition, start in batch.starts.items():
            assert self.positions.get(partition, start) == start
            self.positions[partition] = batch.ends[partition]
        self.records.extend(batch)

    def values(self, topic: str | None = None) -> list[bytes | None]:
        return [record.value for record in self.records if topic in (None, record.topic)]


@asynccontextmanager
async def reading(
    broker: EmbeddedBroker, topics: WholeTopics | SharedTopics, owner: Owner, *, group: str = "g", options: ReaderOptions = QUICK, **more: Any
) -> Any:
    reader = BatchReader(settings_of(broker), topics, group=group, starting_offsets=owner.starting_offsets, on_gap=owner.on_gap, options=options, **more)
    try:
        yield reader
    finally:
        await reader.stop()


async def read_until(reader: BatchReader, owner: Owner, enough: Callable[[], bool], *, seconds: float = 12.0) -> None:
    deadline = time.monotonic() + seconds
    while not enough():
        assert time.monotonic() < deadline, f"not within {seconds} s: {reader.state}, {len(owner.records)} records, gaps {owner.gaps}"
        owner.apply(await reader.poll(0.1))


def test_a_topic_is_read_from_the_first_record_and_on_from_the_stored_position(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "whole", partitions=2)
        await produce(broker, "whole", numbered(0, 30), 0)
        await produce(broker, "whole", numbered(100, 120), 1)
        owner = Owner()
        async with reading(broker, WholeTopics(("whole",)), owner) as reader:
            await read_until(reader, owner, lambda: len(owner.records) == 50)
            assert reader.positions == owner.positions == {TopicPartition("whole", 0): 30, TopicPartition("whole", 1): 20}
            assert owner.values()[:1] in ([b"0"], [b"100"])
            await reader.poll(0.1)
            assert reader.caught_up(["whole"])
            assert set(reader.lag().values()) == {0}
        await produce(broker, "whole", numbered(30, 40), 0)
        async with reading(broker, WholeTopics(("whole",)), owner) as reader:
            await read_until(reader, owner, lambda: len(owner.records) == 60)
            assert await end_offsets(settings_of(broker), list(owner.positions)) == owner.positions
        assert owner.values()[50:] == numbered(30, 40)
        assert owner.gaps == []

    asyncio.run(scenario())


def test_records_are_handed_out_byte_for_byte_in_bounded_batches(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "bytes")
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
            await producer.send_and_wait("bytes", b"\xff\x00", key=b"\x01", partition=0, timestamp_ms=77, headers=[("a", b"1"), ("a", b"")])
            await producer.send_and_wait("bytes", None, key=b"k", partition=0, timestamp_ms=78)
        await produce(broker, "bytes", numbered(2, 25))
        owner, sizes = Owner(), []
        async with reading(broker, WholeTopics(("bytes",)), owner, options=ReaderOptions(max_records=10, fetch_max_wait_ms=50)) as reader:
            while len(owner.records) < 25:
                batch = await reader.poll(0.2)
                sizes.append(len(batch))
                owner.apply(batch)
        assert max(sizes) == 10
        assert owner.records[0] == SourceRecord("bytes", 0, 0, 77, b"\x01", b"\xff\x00", (("a", b"1"), ("a", b"")))
        assert owner.records[1] == SourceRecord("bytes", 0, 1, 78, b"k", None, ())
        assert [record.offset for record in owner.records] == list(range(25))
        assert owner.records[3].place == "bytes-0@3"

    asyncio.run(scenario())


def test_a_position_beyond_the_end_is_told_before_anything_is_read(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "short")
        await produce(broker, "short", numbered(0, 12))
        owner = Owner({("short", 0): 500}, answer=lambda gap: ResumeAt(gap.last - 2))
        async with reading(broker, WholeTopics(("short",)), owner) as reader:
            await read_until(reader, owner, lambda: len(owner.records) == 2)
        assert owner.gaps == [Gap("short", 0, expected=500, first=0, last=12)]
        assert owner.values() == [b"10", b"11"]
        assert "reading should go on at 500, but the partition ends at 12" in str(owner.gaps[0])

    asyncio.run(scenario())


def test_a_position_within_the_last_batch_is_no_gap(broker: EmbeddedBroker) -> None:
    """The embedded broker under-reports the end after a batch; a healthy position must not be taken for a gap because of that."""

    async def scenario() -> None:
        await make_topics(broker, "batched")
        await produce(broker, "batched", numbered(0, 100))
        for start in (50, 99, 100):
            owner = Owner({("batched", 0): start})
            async with reading(broker, WholeTopics(("batched",)), owner) as reader:
                await read_until(reader, owner, lambda reader=reader: reader.caught_up(["batched"]))
            assert owner.values() == numbered(start, 100)
            assert owner.gaps == []

    asyncio.run(scenario())


def test_a_halted_partition_waits_and_its_neighbour_goes_on(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "halted", partitions=2)
        await produce(broker, "halted", numbered(0, 5), 0)
        await produce(broker, "halted", numbered(10, 15), 1)
        owner = Owner({("halted", 0): 99}, answer=lambda gap: HaltPartition())
        async with reading(broker, WholeTopics(("halted",)), owner) as reader:
            await read_until(reader, owner, lambda: len(owner.records) == 5)
            assert owner.values() == numbered(10, 15)
            state = reader.state
            assert isinstance(state, Reading)
            assert state.halted == {TopicPartition("halted", 0)}
            assert not reader.caught_up(["halted"])
            owner.positions[TopicPartition("halted", 0)] = 3
            reader.reposition(TopicPartition("halted", 0))
            await read_until(reader, owner, lambda: len(owner.records) == 7)
            assert owner.values()[5:] == [b"3", b"4"]
            assert len(owner.gaps) == 1

    asyncio.run(scenario())


def test_an_answer_that_is_not_there_either_is_refused(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "wrong-answer")
        owner = Owner({("wrong-answer", 0): 7}, answer=lambda gap: ResumeAt(3))
        async with reading(broker, WholeTopics(("wrong-answer",)), owner) as reader:
            with pytest.raises(FatalFault, match="to go on at 3, which is not there either"):
                await reader.poll(0.1)

    asyncio.run(scenario())


def test_what_the_owner_raises_comes_out_and_is_tried_again(broker: EmbeddedBroker) -> None:
    class Moody(Owner):
        async def starting_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int | None]:
            offsets = await super().starting_offsets(partitions)
            if self.asked == 1:
                raise TransientFault("the store is locked")
            return offsets

    async def scenario() -> None:
        await make_topics(broker, "moody")
        await produce(broker, "moody", numbered(0, 3))
        owner = Moody()
        async with reading(broker, WholeTopics(("moody",)), owner) as reader:
            with pytest.raises(TransientFault, match="the store is locked"):
                await reader.poll(0.1)
            await read_until(reader, owner, lambda: len(owner.records) == 3)

    asyncio.run(scenario())


def test_the_engine_survives_a_broker_that_dies_and_comes_back_empty() -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        prepared = 0

        async def prepare() -> None:
            nonlocal prepared
            prepared += 1
            await make_topics(broker, "lost")

        await make_topics(broker, "lost")
        await produce(broker, "lost", numbered(0, 1000))
        owner = Owner()
        async with reading(broker, WholeTopics(("lost",)), owner, prepare=prepare) as reader:
            await read_until(reader, owner, lambda: len(owner.records) == 1000)
            broker.kill()
            deadline = time.monotonic() + 8
            while not isinstance(reader.state, Away):
                assert time.monotonic() < deadline
                owner.apply(await reader.poll(0.1))
            for _ in range(3):
                assert len(await reader.poll(0.1)) == 0  # away: empty batches, no exception
            state = reader.state
            assert isinstance(state, Away)
            assert "Kafka" in state.reason or "failed" in state.reason
            broker.start()
            await read_until(reader, owner, lambda: isinstance(reader.state, Reading))
            assert owner.gaps == [Gap("lost", 0, expected=1000, first=0, last=0)]
            assert prepared >= 2
            await produce(broker, "lost", [b"new"])
            await read_until(reader, owner, lambda: len(owner.records) == 1001)
            assert owner.values()[-1] == b"new"
            async with KafkaAdmin(settings_of(broker)) as admin:
                described = (await admin.describe(["lost"]))["lost"]
            assert described is not None
            assert described.partitions == 1  # nobody made it with the broker's own default meanwhile

    with EmbeddedBroker() as broker:
        asyncio.run(scenario(broker))


def test_a_quick_restart_that_nobody_saw_is_found_too() -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        await make_topics(broker, "flash")
        await produce(broker, "flash", numbered(0, 50))
        owner = Owner()
        async with reading(broker, WholeTopics(("flash",)), owner, prepare=lambda: make_topics(broker, "flash")) as reader:
            await read_until(reader, owner, lambda: reader.caught_up(["flash"]))
            broker.kill()
            broker.start()
            await make_topics(broker, "flash")
            await produce(broker, "flash", numbered(900, 903))
            await read_until(reader, owner, lambda: len(owner.records) == 53)
            assert owner.gaps == [Gap("flash", 0, expected=50, first=0, last=3)]
            assert owner.values()[50:] == numbered(900, 903)

    with EmbeddedBroker() as broker:
        asyncio.run(scenario(broker))


def test_it_waits_for_a_broker_that_is_not_there_yet() -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        broker.kill()
        owner = Owner()
        async with reading(broker, WholeTopics(("late",)), owner, prepare=lambda: make_topics(broker, "late")) as reader:
            for _ in range(3):
                assert len(await reader.poll(0.1)) == 0
            assert isinstance(reader.state, Away)
            broker.start()
            await read_until(reader, owner, lambda: reader.caught_up(["late"]))

    with EmbeddedBroker() as broker:
        asyncio.run(scenario(broker))


def test_a_missing_topic_is_named_not_made_and_taken_up_when_it_appears(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        owner = Owner()
        await make_topics(broker, "there")
        async with reading(broker, WholeTopics(("there", "not-yet")), owner) as reader:
            await read_until(reader, owner, lambda: reader.caught_up(["there"]))
            state = reader.state
            assert isinstance(state, Reading)
            assert state.missing == {"not-yet"}
            assert not reader.caught_up(["there", "not-yet"])
            async with KafkaAdmin(settings_of(broker)) as admin:
                assert "not-yet" not in await admin.list_topics()
                await admin.ensure_topics(["not-yet"])
            await produce(broker, "not-yet", [b"x"])
            await read_until(reader, owner, lambda: owner.values("not-yet") == [b"x"])

    asyncio.run(scenario())


def test_pausing_lets_one_topic_go_first(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "types-first", "instances-later")
        await produce(broker, "instances-later", numbered(0, 40))
        await produce(broker, "types-first", numbered(0, 2000))
        owner = Owner()
        later = TopicPartition("instances-later", 0)
        async with reading(
            broker, WholeTopics(("types-first", "instances-later")), owner, options=ReaderOptions(max_records=100, fetch_max_wait_ms=50)
        ) as reader:
            reader.pause(later)
            await read_until(reader, owner, lambda: reader.caught_up(["types-first"]))
            assert len(owner.values("types-first")) == 2000
            assert owner.values("instances-later") == []
            reader.resume(later)
            await read_until(reader, owner, lambda: reader.caught_up(["types-first", "instances-later"]))
            assert owner.values("instances-later") == numbered(0, 40)

    asyncio.run(scenario())


def test_pausing_in_the_middle_loses_nothing(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "stutter")
        await produce(broker, "stutter", numbered(0, 3000))
        owner, partition = Owner(), TopicPartition("stutter", 0)
        async with reading(broker, WholeTopics(("stutter",)), owner, options=ReaderOptions(max_records=100, fetch_max_wait_ms=20)) as reader:
            turn = 0
            while len(owner.records) < 3000:
                batch = await reader.poll(0.05)
                if turn % 4 == 0:
                    await reader.hold(0.01)
                assert reader.is_current(batch)
                owner.apply(batch)
                (reader.pause if turn % 3 == 0 else reader.resume)(partition)
                if turn % 7 == 6:
                    reader.reposition()
                turn += 1
        assert owner.values() == numbered(0, 3000)

    asyncio.run(scenario())


def test_a_batch_is_not_current_after_a_reposition(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "stale")
        await produce(broker, "stale", numbered(0, 10))
        owner = Owner()
        async with reading(broker, WholeTopics(("stale",)), owner) as reader:
            while not len(batch := await reader.poll(0.1)):
                pass
            assert reader.is_current(batch)
            reader.reposition()
            assert not reader.is_current(batch)
            await read_until(reader, owner, lambda: len(owner.records) == 10)

    asyncio.run(scenario())


def test_positions_are_mirrored_to_kafka_for_lag_tools(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "mirrored")
        await produce(broker, "mirrored", numbered(0, 20))
        owner = Owner()
        async with reading(broker, WholeTopics(("mirrored",)), owner, group="mirror-group") as reader:
            await read_until(reader, owner, lambda: len(owner.records) == 20)
            reader.mirror(owner.positions)
        async with KafkaAdmin(settings_of(broker)) as admin:
            lag = await admin.group_lag("mirror-group", ["mirrored"])
        assert [(entry.committed, entry.lag) for entry in lag.values()] == [(20, 0)]

    asyncio.run(scenario())


def test_workers_of_one_group_share_partitions_and_hand_over_at_the_stored_position(broker: EmbeddedBroker) -> None:
    """Two readers over one store: the second takes half, the first leaves, and every record is applied once."""

    async def scenario() -> None:
        await make_topics(broker, "shared", partitions=2)
        owner = Owner()  # one store for both
        topics = SharedTopics(names=("shared",))

        async def work(reader: BatchReader, stop: asyncio.Event) -> None:
            while not stop.is_set():
                batch = await reader.poll(0.05)
                if len(batch):
                    await asyncio.sleep(0.02)  # the transaction
                    if reader.is_current(batch):
                        owner.apply(batch)
            await reader.stop()

        sent = 0

        async def feed(stop: asyncio.Event) -> None:
            nonlocal sent
            while not stop.is_set():
                for partition in (0, 1):
                    await produce(broker, "shared", numbered(sent, sent + 5), partition)
                sent += 5
                await asyncio.sleep(0.1)

        async with reading(broker, topics, owner, group="shared-group") as first, reading(broker, topics, owner, group="shared-group") as second:
            stop_first, stop_second, stop_feed = asyncio.Event(), asyncio.Event(), asyncio.Event()
            feeding = asyncio.create_task(feed(stop_feed))
            working = [asyncio.create_task(work(first, stop_first))]
            await eventually(lambda: len(first.positions) == 2 and len(owner.records) > 10)
            working.append(asyncio.create_task(work(second, stop_second)))
            await eventually(lambda: len(first.positions) == 1 and len(second.positions) == 1)
            assert set(first.positions) | set(second.positions) == {TopicPartition("shared", 0), TopicPartition("shared", 1)}
            stop_first.set()
            await eventually(lambda: len(second.positions) == 2)
            stop_feed.set()
            await feeding
            await eventually(lambda: len(owner.records) == 2 * sent)
            stop_second.set()
            await asyncio.gather(*working)
        for partition in (0, 1):
            offsets = [record.offset for record in owner.records if record.partition == partition]
            assert offsets == list(range(sent))
        assert owner.gaps == []

    asyncio.run(scenario())


def test_a_pattern_takes_up_topics_as_they_appear(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        await make_topics(broker, "wh.public.carriers", "xwh.public.carriers", "wh.public")
        await produce(broker, "wh.public.carriers", [b"c"])
        owner = Owner()
        async with reading(broker, SharedTopics(pattern=r"wh\.public\..*"), owner, group="pattern-group") as reader:
            await read_until(reader, owner, lambda: owner.values() == [b"c"])
            await make_topics(broker, "wh.public.orders")
            await produce(broker, "wh.public.orders", [b"o"])
            await read_until(reader, owner, lambda: owner.values("wh.public.orders") == [b"o"])
            assert {partition.topic for partition in reader.positions} == {"wh.public.carriers", "wh.public.orders"}
        assert owner.values("wh.public.carriers") == [b"c"]

    asyncio.run(scenario())


def test_a_pattern_without_a_topic_waits(broker: EmbeddedBroker) -> None:
    async def scenario() -> None:
        owner = Owner()
        async with reading(broker, SharedTopics(pattern=r"nothing\..*"), owner, group="empty-group") as reader:
            for _ in range(3):
                assert len(await reader.poll(0.05)) == 0
            assert reader.state == Reading(frozenset(), frozenset(), frozenset({r"nothing\..*"}))

    asyncio.run(scenario())


def test_stop_is_quick_without_a_broker_and_polls_nothing_after() -> None:
    async def scenario(broker: EmbeddedBroker) -> None:
        await make_topics(broker, "stopping")
        owner = Owner()
        async with reading(broker, WholeTopics(("stopping",)), owner) as reader:
            await read_until(reader, owner, lambda: reader.caught_up(["stopping"]))
            broker.kill()
            began = time.monotonic()
            await reader.stop()
            assert time.monotonic() - began < 5
            assert len(await reader.poll(0.1)) == 0

    with EmbeddedBroker() as broker:
        asyncio.run(scenario(broker))


async def eventually(condition: Callable[[], bool], *, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.02)
