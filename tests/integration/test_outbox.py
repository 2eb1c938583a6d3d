"""The outbox publisher against a broker: everything is sent in the order of the commits, at least once, and only a contiguous part is sent twice."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as ClientPartition
from structlog.testing import capture_logs

from cohort_sync.cohort.topics import CohortTopics, cohort_topics
from cohort_sync.mapping.record import TopicPartition
from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import OutboxRow
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.stream import outbox
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.broker_wait import Backoff
from cohort_sync.stream.ends import end_offsets
from cohort_sync.stream.outbox import OutboxPublisher, Sender
from cohort_sync.stream.producer import OrderedSender
from cohort_sync.testing import EmbeddedBroker

KEY = "our-key"
PATIENCE = 30.0
"""The sender's, in seconds. On a busy machine an acknowledgement may take longer than 5 s: the sender gives the request up then, and sends it again."""
Channels = dict[str, list[bytes]]


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as started:
        yield started


def settings_of(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=(broker.bootstrap,))


class LossySender:
    """A sender in front of the real one, that loses acknowledgements: the broker has the records, and we do not know."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.calls = 0
        self.losses: list[int] = []
        """How many acknowledgements of each call arrive; when it is empty, all of them do."""

    async def send(self, topic: str, key: bytes, values: Sequence[bytes]) -> int:
        self.calls += 1
        acknowledged = await self._sender.send(topic, key, values)
        if not self.losses:
            return acknowledged
        arrived = min(self.losses.pop(0), acknowledged)
        if arrived == 0:
            raise TransientFault("the connection was cut before the acknowledgement came")
        return arrived


@dataclass
class Outbox:
    """A publisher over a store, as a worker has it; `life` is one process."""

    broker: EmbeddedBroker
    topics: CohortTopics
    store: SqliteStore
    told: list[str | None] = field(default_factory=list)
    metrics: Metrics = field(default_factory=lambda: Metrics(version="1", member="m", metadata_collection_id="i", type_release="6.1"))

    async def life(self, use: Callable[[OutboxPublisher, LossySender], Awaitable[None]], *, patience: float = PATIENCE) -> None:
        """Run a publisher beside `use`, then tell it to stop; nothing of it is left after that but what is in the store."""
        stopping = asyncio.Event()
        real = OrderedSender(settings_of(self.broker), patience=patience)
        sender = LossySender(real)
        publisher = OutboxPublisher(self.store, sender, self.topics, KEY, metrics=self.metrics, broker=self.told.append, stopping=stopping)
        running = asyncio.create_task(publisher.run())
        try:
            await use(publisher, sender)
        finally:
            stopping.set()
            publisher.wake()
            try:
                await asyncio.wait_for(running, 2 * PATIENCE)
            finally:
                await real.close()

    async def commit(self, *rows: tuple[str, bytes]) -> None:
        await self.store.transact(lambda _reader: (WriteSet(outbox=[OutboxRow(0, channel, value, 1) for channel, value in rows]), None))

    async def left(self) -> int:
        return await self.store.read(lambda reader: reader.outbox_size())

    async def drained(self, publisher: OutboxPublisher, seconds: float = 2 * PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while await self.left():
            assert time.monotonic() < deadline, f"{await self.left()} left; {self.told[-1:]}"
            await asyncio.sleep(0.01)

    async def sent(self) -> Channels:
        """What is on the topics, by channel; every record has our key and no headers."""
        found: Channels = {}
        for channel in ("registration", "types", "instances"):
            found[channel] = await read_topic(self.broker, self.topics.channel(channel))
        return found


async def read_topic(broker: EmbeddedBroker, topic: str) -> list[bytes]:
    partition = TopicPartition(topic, 0)
    end = (await end_offsets(settings_of(broker), [partition]))[partition]
    if end == 0:
        return []
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none", fetch_max_wait_ms=50)
    await consumer.start()
    try:
        client = ClientPartition(topic, 0)
        consumer.assign([client])
        consumer.seek(client, 0)
        values: list[bytes] = []
        while len(values) < end:
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                assert {(record.key, record.headers) for record in batch} <= {(KEY.encode(), ())}
                values += [record.value or b"" for record in batch]
        return values
    finally:
        await consumer.stop()


def with_outbox(broker: EmbeddedBroker, path: Path, cohort: str, scenario: Callable[[Outbox], Awaitable[None]]) -> None:
    async def whole() -> None:
        topics = cohort_topics(cohort)
        async with KafkaAdmin(settings_of(broker)) as admin:
            await admin.ensure_topics(topics.all)
        store = SqliteStore(path / "store.db")
        await store.open()
        try:
            await scenario(Outbox(broker, topics, store))
        finally:
            await store.close()

    asyncio.run(whole())


def numbered(first: int, last: int, channel: str = "instances") -> list[tuple[str, bytes]]:
    return [(channel, b"%d" % number) for number in range(first, last)]


def resent(values: list[bytes]) -> list[bytes]:
    """The values without what was sent again: after each step back, the same follows once more, in order. Fails when it does not."""
    once: list[bytes] = []
    for value in values:
        if once and int(value) <= int(once[-1]):
            del once[int(value) - int(once[0]) :]
        once.append(value)
        assert [int(each) for each in once] == list(range(int(once[0]), int(once[0]) + len(once))), "not contiguous"
    return once


def test_everything_is_sent_in_the_order_of_the_commits_and_gone_when_acknowledged(broker: EmbeddedBroker, tmp_path: Path) -> None:
    async def scenario(box: Outbox) -> None:
        await box.commit(("registration", b"0"), *numbered(0, 700), ("types", b"0"), ("types", b"1"))
        await box.commit(*numbered(700, 1300), ("registration", b"1"))

        async def use(publisher: OutboxPublisher, _sender: LossySender) -> None:
            await box.drained(publisher)
            await asyncio.wait_for(publisher.empty.wait(), 2 * PATIENCE)

        await box.life(use)
        assert await box.sent() == {"registration": [b"0", b"1"], "types": [b"0", b"1"], "instances": [b"%d" % number for number in range(1300)]}
        page = box.metrics.render().decode()
        assert 'cohort_sync_events_sent_total{channel="instances"} 1300.0' in page
        assert "cohort_sync_outbox_size 0.0" in page
        assert set(box.told) == {None}

    with_outbox(broker, tmp_path, "ordered", scenario)


def test_what_is_committed_while_it_runs_is_sent_at_once_when_it_is_woken_and_soon_when_not(broker: EmbeddedBroker, tmp_path: Path) -> None:
    async def scenario(box: Outbox) -> None:
        async def use(publisher: OutboxPublisher, _sender: LossySender) -> None:
            await asyncio.wait_for(publisher.empty.wait(), 2 * PATIENCE)
            await box.commit(*numbered(0, 3))
            publisher.wake()
            assert not publisher.empty.is_set()
            await asyncio.wait_for(publisher.empty.wait(), 2 * PATIENCE)
            assert await box.left() == 0
            await box.commit(*numbered(3, 5))  # by another process: nobody wakes it
            await box.drained(publisher)

        await box.life(use)
        assert (await box.sent())["instances"] == [b"%d" % number for number in range(5)]

    with_outbox(broker, tmp_path, "woken", scenario)


def test_it_is_not_empty_when_it_was_woken_while_it_looked(broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop waits for `empty`: rows that were committed while the publisher found nothing must not be left behind by that."""

    async def scenario(box: Outbox) -> None:
        async def use(publisher: OutboxPublisher, _sender: LossySender) -> None:
            await asyncio.wait_for(publisher.empty.wait(), 2 * PATIENCE)
            original = box.store.read
            came_between = False

            async def read(query: Callable[[Reader], object]) -> object:
                nonlocal came_between
                found = await original(query)
                if found == ([], 0) and not came_between:
                    came_between = True
                    await box.commit(*numbered(0, 3))
                    publisher.wake()
                return found

            monkeypatch.setattr(box.store, "read", read)
            publisher.wake()
            await asyncio.wait_for(publisher.empty.wait(), 2 * PATIENCE)
            assert came_between
            assert await box.left() == 0

        await box.life(use)

    with_outbox(broker, tmp_path, "busy", scenario)


def test_single_events_are_deleted_together_and_a_stop_leaves_none_of_them(broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_LINGER_SECONDS", 30.0)

    async def scenario(box: Outbox) -> None:
        deleted: list[int] = []
        original = box.store.acknowledge

        async def acknowledge(seq: int) -> None:
            deleted.append(seq)
            await original(seq)

        monkeypatch.setattr(box.store, "acknowledge", acknowledge)

        async def use(publisher: OutboxPublisher, _sender: LossySender) -> None:
            for number in range(outbox._FEW + 3):
                await box.commit(*numbered(number, number + 1))
                publisher.wake()
                while len((await box.sent())["instances"]) <= number:
                    assert not publisher.empty.is_set()
            assert deleted == [outbox._FEW]
            assert await box.left() == 3

        await box.life(use)
        assert deleted == [outbox._FEW, outbox._FEW + 3]
        assert await box.left() == 0
        assert (await box.sent())["instances"] == [b"%d" % number for number in range(outbox._FEW + 3)]

    with_outbox(broker, tmp_path, "single", scenario)


@pytest.mark.parametrize("arrived", [0, 1, 40, 499])
def test_a_lost_acknowledgement_repeats_a_contiguous_part_and_nothing_else(
    broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: int
) -> None:
    monkeypatch.setattr(outbox, "_BATCH", 500)

    async def scenario(box: Outbox) -> None:
        await box.commit(*numbered(0, 1200))

        async def use(publisher: OutboxPublisher, sender: LossySender) -> None:
            sender.losses = [arrived]
            await box.drained(publisher)

        await box.life(use)
        values = (await box.sent())["instances"]
        assert values[:500] == [b"%d" % number for number in range(500)]
        assert values[500 : 1000 - arrived] == [b"%d" % number for number in range(arrived, 500)]
        assert values[1000 - arrived :] == [b"%d" % number for number in range(500, 1200)]
        assert len([each for each in box.told if each is not None]) == 1

    with_outbox(broker, tmp_path, f"lossy{arrived}", scenario)


def test_a_process_that_died_before_it_noted_the_acknowledgement_sends_the_rest_once_more(
    broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker has the records, the store does not know it: the next life begins with the first row that is still there."""
    monkeypatch.setattr(outbox, "_BATCH", 50)

    async def scenario(box: Outbox) -> None:
        await box.commit(*numbered(0, 120), ("types", b"0"), *numbered(120, 200))
        original = box.store.acknowledge
        dying = asyncio.Event()

        async def dies(seq: int) -> None:
            if seq >= 100:
                dying.set()
                await asyncio.sleep(3600)
            await original(seq)

        monkeypatch.setattr(box.store, "acknowledge", dies)

        await kill(box, dying)
        monkeypatch.setattr(box.store, "acknowledge", original)
        assert await box.left() == 151

        async def use(publisher: OutboxPublisher, _sender: LossySender) -> None:
            await box.drained(publisher)

        await box.life(use)
        values = (await box.sent())["instances"]
        assert values == [b"%d" % number for number in [*range(100), *range(50, 200)]]
        assert resent(values) == [b"%d" % number for number in range(200)]
        assert (await box.sent())["types"] == [b"0"]

    async def kill(box: Outbox, dying: asyncio.Event) -> None:
        """A life that ends without its stop, at that moment."""
        real = OrderedSender(settings_of(box.broker))
        publisher = OutboxPublisher(box.store, real, box.topics, KEY, metrics=box.metrics, broker=box.told.append, stopping=asyncio.Event())
        running = asyncio.create_task(publisher.run())
        try:
            await asyncio.wait_for(dying.wait(), 10)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await real.close()

    with_outbox(broker, tmp_path, "killed", scenario)


def test_random_losses_keep_the_order(broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed_of_run: int) -> None:
    draw = random.Random(seed_of_run)
    monkeypatch.setattr(outbox, "_BATCH", 20)
    monkeypatch.setattr(outbox, "Backoff", lambda first, cap: Backoff(first=0.002, cap=0.005))

    async def scenario(box: Outbox) -> None:
        await box.commit(*numbered(0, 400))

        async def use(publisher: OutboxPublisher, sender: LossySender) -> None:
            sender.losses = [draw.choice((0, draw.randrange(20), 20)) for _ in range(60)]
            await box.drained(publisher, 30)

        await box.life(use)
        assert resent((await box.sent())["instances"]) == [b"%d" % number for number in range(400)]

    with_outbox(broker, tmp_path, "random", scenario)


def test_a_broker_that_is_away_is_waited_for_and_said_so(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:

        async def scenario(box: Outbox) -> None:
            async def use(publisher: OutboxPublisher, _sender: LossySender) -> None:
                await box.commit(*numbered(0, 5))
                publisher.wake()
                await asyncio.wait_for(publisher.empty.wait(), 10)
                broker.kill()
                await box.commit(*numbered(5, 10))
                publisher.wake()
                deadline = time.monotonic() + 15
                while not [each for each in box.told if each is not None]:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.02)
                assert await box.left() == 5
                broker.start()
                async with KafkaAdmin(settings_of(broker)) as admin:
                    await admin.ensure_topics(box.topics.all)
                await box.drained(publisher, 30)

            with capture_logs() as logs:
                await box.life(use, patience=2)
            assert box.told[-1] is None
            warnings = [line["event"] for line in logs if line["log_level"] == "warning" and "cannot be sent now" in line["event"]]
            assert warnings
            assert (await box.sent())["instances"] == [b"%d" % number for number in range(5, 10)]  # this broker forgets what it had

        with_outbox(broker, tmp_path, "away", scenario)


def test_a_stop_leaves_the_rest_in_the_store_and_the_next_life_sends_it(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:

        async def scenario(box: Outbox) -> None:
            broker.kill()

            async def no_broker(publisher: OutboxPublisher, _sender: LossySender) -> None:
                await box.commit(*numbered(0, 30))
                publisher.wake()
                await asyncio.sleep(0.3)

            await box.life(no_broker, patience=1)
            assert await box.left() == 30
            broker.start()
            async with KafkaAdmin(settings_of(broker)) as admin:
                await admin.ensure_topics(box.topics.all)

            async def use(publisher: OutboxPublisher, _sender: LossySender) -> None:
                await box.drained(publisher)

            await box.life(use)
            assert (await box.sent())["instances"] == [b"%d" % number for number in range(30)]

        with_outbox(broker, tmp_path, "stopped", scenario)


def test_an_event_that_no_limit_lets_through_stops_it_with_what_was_before_it_sent(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Planning never makes one; if there is one all the same, nothing behind it may overtake it."""

    async def scenario(box: Outbox) -> None:
        await box.commit(*numbered(0, 3), ("instances", b"x" * 1_100_000), *numbered(3, 5))

        async def use(publisher: OutboxPublisher, sender: LossySender) -> None:
            deadline = time.monotonic() + 15
            while sender.calls < 2:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)

        with pytest.raises(FatalFault, match=r"a record of \d+ bytes for .* is too large to be sent"):
            await box.life(use)
        assert await box.left() == 3
        assert (await box.sent())["instances"] == [b"0", b"1", b"2"]

    with_outbox(broker, tmp_path, "large", scenario)
