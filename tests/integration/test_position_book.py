"""Positions of the store seen through the broker's identities, with a reader and a broker: where reading goes on, and what is told when it cannot."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from aiokafka import AIOKafkaProducer

from cohort_sync.mapping.record import TopicPartition
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import PositionLost, Reader, WriteSet
from cohort_sync.store.rows import GapRow, PositionMove, PositionRow
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.position_book import PositionBook
from cohort_sync.stream.reading import Gap, ReaderOptions, Reading, WholeTopics
from cohort_sync.testing import EmbeddedBroker

T = TypeVar("T")
QUICK = ReaderOptions(fetch_max_wait_ms=50, patience_seconds=2.0, idle_check_seconds=0.2, topic_refresh_seconds=0.3)
NOW = 1_780_000_000_000


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(cluster_id="here") as started:
        yield started


@dataclass
class Owner:
    """What a flow is around its book, with a store that outlives it."""

    broker: EmbeddedBroker
    topic: str
    store: MemoryStore
    resume: bool = False
    values: list[bytes | None] = field(default_factory=list)
    told: list[tuple[Gap, bool]] = field(default_factory=list)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[tuple[BatchReader, PositionBook]]:
        settings = KafkaSettings(bootstrap_servers=(self.broker.bootstrap,))
        async with KafkaAdmin(settings, patience=3) as admin:
            book = PositionBook(self.store, admin, resume_after_gap=self.resume, clock=lambda: NOW, tell=lambda gap, goes_on: self.told.append((gap, goes_on)))
            reader = BatchReader(
                settings, WholeTopics((self.topic,)), group="g", starting_offsets=book.starting_offsets, on_gap=book.on_gap, prepare=book.prepare, options=QUICK
            )
            try:
                yield reader, book
            finally:
                await reader.stop()

    async def read(self, count: int) -> None:
        """Read so many records more, each batch in one transaction with its move."""
        async with self.reading() as (reader, book):
            await self.read_with(reader, book, count)

    async def read_with(self, reader: BatchReader, book: PositionBook, count: int) -> None:
        wanted = len(self.values) + count
        deadline = time.monotonic() + 15
        while len(self.values) < wanted:
            assert time.monotonic() < deadline, f"{len(self.values)} of {wanted} records; {reader.state}, {self.told}"
            batch = await reader.poll(0.1)
            if batch:
                moves = book.moves(batch)
                await self.store.transact(lambda _reader, moves=moves: (WriteSet(positions=moves), None))
                book.committed(batch.ends)
                self.values += [record.value for record in batch]

    async def settle(self, reader: BatchReader) -> None:
        """Poll until something was told."""
        deadline = time.monotonic() + 15
        while not self.told:
            assert time.monotonic() < deadline, f"nothing was told: {reader.state}"
            assert not await reader.poll(0.1)

    async def positions(self) -> list[PositionRow]:
        return await self.store.read(lambda reader: reader.positions())

    async def gaps(self) -> list[GapRow]:
        return await self.store.read(lambda reader: reader.gaps())


def run(broker: EmbeddedBroker, topic: str, scenario: Callable[[Owner], Awaitable[T]]) -> T:
    async def whole() -> T:
        store = MemoryStore(clock=lambda: NOW)
        await store.open()
        try:
            return await scenario(Owner(broker, topic, store))
        finally:
            await store.close()

    return asyncio.run(whole())


async def fill(broker: EmbeddedBroker, topic: str, count: int, *, anew: bool = False, word: bytes = b"old") -> str:
    """Make the topic if it is missing (or make it anew), write so many records; its id."""
    async with KafkaAdmin(KafkaSettings(bootstrap_servers=(broker.bootstrap,))) as admin:
        if anew:
            await admin.delete_topics([topic])
        await admin.ensure_topics([topic])
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
            for number in range(count):
                await producer.send_and_wait(topic, b"%s%d" % (word, number), partition=0)
        return (await admin.topic_ids([topic]))[topic]


def test_positions_are_kept_with_the_ids_of_cluster_and_topic_and_reading_goes_on_there(broker: EmbeddedBroker) -> None:
    async def scenario(owner: Owner) -> None:
        topic_id = await fill(broker, "kept", 5)
        assert topic_id
        await owner.read(5)
        assert await owner.positions() == [PositionRow("here", "kept", 0, topic_id, 5)]
        await fill(broker, "kept", 2, word=b"new")
        await owner.read(2)
        assert owner.values == [b"old0", b"old1", b"old2", b"old3", b"old4", b"new0", b"new1"]
        assert await owner.positions() == [PositionRow("here", "kept", 0, topic_id, 7)]
        assert owner.told == []

    run(broker, "kept", scenario)


def test_expectations_are_what_the_store_holds(broker: EmbeddedBroker) -> None:
    async def scenario(owner: Owner) -> None:
        topic_id = await fill(broker, "expected", 3)
        async with owner.reading() as (reader, book):
            batch = await reader.poll(2)
            while not batch:
                batch = await reader.poll(2)
            (expectation,) = book.expectations(batch).values()
            assert (expectation.cluster_id, expectation.topic_id, expectation.expected) == ("here", topic_id, None)
            book.committed({TopicPartition("expected", 0): 2})
            (expectation,) = book.expectations(batch).values()
            assert expectation.expected == 2

    run(broker, "expected", scenario)


@pytest.mark.parametrize("count", [9, 5, 2], ids=["more records than before", "as many", "fewer"])
def test_a_topic_that_was_made_anew_is_a_gap_however_many_records_it_has(broker: EmbeddedBroker, count: int) -> None:
    """More records than before hide that the old position means nothing: only the topic's id tells."""
    topic = f"anew{count}"

    async def scenario(owner: Owner) -> None:
        old_id = await fill(broker, topic, 5)
        await owner.read(5)
        new_id = await fill(broker, topic, count, anew=True, word=b"new")
        assert new_id != old_id
        async with owner.reading() as (reader, _):
            await owner.settle(reader)
            await reader.poll(0.2)
            assert isinstance(reader.state, Reading)
            assert reader.state.halted == {TopicPartition(topic, 0)}
        gap = Gap(topic, 0, 5, 0, count)
        assert owner.told == [(gap, False)]
        assert ("made anew" in str(gap)) is True
        assert await owner.gaps() == [GapRow(topic, 0, 5, 0, count, "stopped", NOW)]
        assert await owner.positions() == [PositionRow("here", topic, 0, old_id, 5)]
        assert len(owner.values) == 5

        owner.resume = True
        await owner.read(count)
        assert owner.values[5:] == [b"new%d" % number for number in range(count)]
        assert owner.told[1:] == [(gap, True)]
        assert (await owner.gaps())[0] == GapRow(topic, 0, 5, 0, count, "resumed", NOW)
        assert await owner.positions() == [PositionRow("here", topic, 0, new_id, count)]
        await fill(broker, topic, 1, word=b"later")
        await owner.read(1)
        assert len(owner.told) == 2  # told once

    run(broker, topic, scenario)


def test_a_resume_after_a_gap_is_a_compare_and_set(broker: EmbeddedBroker) -> None:
    """Another worker of this member has moved the position since it was read: nothing is written, and the next attempt starts from what is there now."""

    async def scenario(owner: Owner) -> None:
        owner.resume = True
        await fill(broker, "raced", 5)
        await owner.read(5)
        new_id = await fill(broker, "raced", 9, anew=True, word=b"new")
        row = PositionMove("here", "raced", 0, new_id, 5, 7)
        original = owner.store.transact
        raced = False

        async def other_worker_first(plan: Callable[[Reader], tuple[WriteSet, T]], **options: object) -> T:
            nonlocal raced
            if not raced:
                raced = True
                await original(lambda _reader: (WriteSet(positions=[row]), None))
            return await original(plan)

        owner.store.transact = other_worker_first
        async with owner.reading() as (reader, book):
            with pytest.raises(PositionLost):
                await owner.read_with(reader, book, 1)
            assert owner.told == []
            assert await owner.gaps() == []
            assert await owner.positions() == [PositionRow("here", "raced", 0, new_id, 7)]
            await owner.read_with(reader, book, 2)
        assert owner.values[5:] == [b"new7", b"new8"]
        assert owner.told == []

    run(broker, "raced", scenario)


def test_a_position_behind_the_end_is_a_gap_and_reading_goes_on_with_what_is_there(broker: EmbeddedBroker) -> None:

    async def scenario(owner: Owner) -> None:
        owner.resume = True
        topic_id = await fill(broker, "ahead", 4)
        await owner.store.transact(lambda _reader: (WriteSet(positions=[PositionMove("here", "ahead", 0, topic_id, None, 40)]), None))
        await owner.read(4)
        assert owner.told == [(Gap("ahead", 0, 40, 0, 4), True)]
        assert await owner.positions() == [PositionRow("here", "ahead", 0, topic_id, 4)]

    run(broker, "ahead", scenario)


def test_a_position_without_a_topic_id_is_believed(broker: EmbeddedBroker) -> None:
    """It was written while the broker did not tell ids (Kafka before 2.8)."""

    async def scenario(owner: Owner) -> None:
        topic_id = await fill(broker, "untold", 4)
        await owner.store.transact(lambda _reader: (WriteSet(positions=[PositionMove("here", "untold", 0, "", None, 2)]), None))
        await owner.read(2)
        assert owner.values == [b"old2", b"old3"]
        assert (owner.told, await owner.positions()) == ([], [PositionRow("here", "untold", 0, topic_id, 4)])

    run(broker, "untold", scenario)


def test_another_cluster_is_read_from_its_first_record_and_the_old_position_stays(broker: EmbeddedBroker) -> None:
    async def scenario(owner: Owner) -> None:
        old_id = await fill(broker, "moved", 5)
        await owner.read(5)
        with EmbeddedBroker(cluster_id="there") as other:
            owner.broker = other
            new_id = await fill(other, "moved", 8, word=b"there")
            await owner.read(8)
            assert owner.values[5:] == [b"there%d" % number for number in range(8)]
            assert owner.told == []
            assert await owner.positions() == [PositionRow("here", "moved", 0, old_id, 5), PositionRow("there", "moved", 0, new_id, 8)]
        owner.broker = broker
        await fill(broker, "moved", 1, word=b"back")
        await owner.read(1)
        assert owner.values[-1] == b"back0"

    run(broker, "moved", scenario)


def test_a_broker_that_comes_back_empty_is_met_as_a_stranger() -> None:
    """It died while the reader was connected, and lost its records; the reader asks for everything anew at the next connection."""
    with EmbeddedBroker(cluster_id="forgetful") as broker:

        async def scenario(owner: Owner) -> None:
            owner.resume = True
            await fill(broker, "lost", 5)
            async with owner.reading() as (reader, book):
                made_ready: list[int] = []

                async def make_ready() -> None:
                    made_ready.append(len(owner.values))

                book.before_connecting(make_ready)
                await owner.read_with(reader, book, 5)
                broker.kill()
                deadline = time.monotonic() + 15
                while isinstance(reader.state, Reading):
                    assert time.monotonic() < deadline, "the reader does not notice that its broker is dead"
                    assert not await reader.poll(0.1)
                broker.start()
                new_id = await fill(broker, "lost", 6, word=b"new")
                await owner.read_with(reader, book, 6)
            assert owner.values[5:] == [b"new%d" % number for number in range(6)]
            assert owner.told == [(Gap("lost", 0, 5, 0, 6), True)]
            assert await owner.positions() == [PositionRow("forgetful", "lost", 0, new_id, 6)]
            assert made_ready[:2] == [0, 5]

        run(broker, "lost", scenario)


def test_while_nobody_says_who_the_cluster_is_the_fault_is_transient() -> None:
    with EmbeddedBroker() as broker:
        settings = KafkaSettings(bootstrap_servers=(broker.bootstrap,))

    async def scenario() -> None:
        store = MemoryStore()
        await store.open()
        async with KafkaAdmin(settings, patience=0.5) as admin:
            book = PositionBook(store, admin, resume_after_gap=False, clock=lambda: NOW, tell=lambda _gap, _goes_on: None)
            with pytest.raises(TransientFault):
                await book.prepare()
        await store.close()

    asyncio.run(scenario())
