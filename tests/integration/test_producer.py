"""Ordered sending: what is acknowledged is a contiguous prefix, whatever breaks, and what is sent again comes in order behind it."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, RequestTimedOutError, TopicAuthorizationFailedError
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cohort_sync.mapping.record import TopicPartition
from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.ends import end_offsets
from cohort_sync.stream.producer import Delivered, Interrupted, OrderedSender, Outgoing, Refused
from cohort_sync.testing import EmbeddedBroker

T = TypeVar("T")


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as started:
        yield started


def settings_of(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=(broker.bootstrap,))


def with_sender(broker: EmbeddedBroker, topics: Sequence[str], use: Callable[[OrderedSender], Awaitable[T]], *, patience: float = 5.0) -> T:
    async def scenario() -> T:
        async with KafkaAdmin(settings_of(broker)) as admin:
            await admin.ensure_topics(topics)
        sender = OrderedSender(settings_of(broker), patience=patience)
        try:
            return await use(sender)
        finally:
            await sender.close()

    return asyncio.run(scenario())


async def read_all(broker: EmbeddedBroker, topic: str) -> list[tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]]:
    partition = TopicPartition(topic, 0)
    end = (await end_offsets(settings_of(broker), [partition]))[partition]
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none", fetch_max_wait_ms=50)
    await consumer.start()
    client = ClientPartition(topic, 0)
    consumer.assign([client])
    consumer.seek(client, 0)
    records = []
    while len(records) < end:
        for batch in (await consumer.getmany(timeout_ms=1000)).values():
            records += [(record.key, record.value, record.headers) for record in batch]
    await consumer.stop()
    return records


def numbered(topic: str, count: int, size: int = 10) -> list[Outgoing]:
    return [Outgoing(topic, b"%d" % number + b" " * size, b"key") for number in range(count)]


def test_a_batch_arrives_in_order_with_keys_and_headers(broker: EmbeddedBroker) -> None:
    records = [
        Outgoing("sent", b"one", b"k", (("h", b"1"), ("h", b""))),
        Outgoing("sent", None, b"k"),
        Outgoing("sent", b"three"),
        *numbered("sent", 2000, size=3000),
    ]

    async def use(sender: OrderedSender) -> None:
        assert await sender.deliver(records) == Delivered(2003)
        assert await sender.deliver([]) == Delivered(0)
        arrived = await read_all(broker, "sent")
        assert arrived == [(record.key, record.value, record.headers) for record in records]

    with_sender(broker, ["sent"], use)


def test_topics_may_alternate(broker: EmbeddedBroker) -> None:
    async def use(sender: OrderedSender) -> None:
        records = [Outgoing("left" if number % 3 else "right", b"%d" % number) for number in range(30)]
        assert await sender.deliver(records) == Delivered(30)
        assert [value for _, value, _ in await read_all(broker, "left")] == [b"%d" % number for number in range(30) if number % 3]
        assert [value for _, value, _ in await read_all(broker, "right")] == [b"%d" % number for number in range(30) if not number % 3]

    with_sender(broker, ["left", "right"], use)


def test_one_warning_where_the_broker_is_not_idempotent(broker: EmbeddedBroker) -> None:
    async def use(sender: OrderedSender) -> None:
        for _ in range(3):
            await sender.deliver(numbered("warned", 2))
            await sender._discard()

    with capture_logs() as logs:
        with_sender(broker, ["warned"], use)
    warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert len(warnings) == 1
    assert "does not do idempotent producing" in warnings[0]


def test_a_record_over_the_limit_is_refused_and_its_predecessors_are_sent(broker: EmbeddedBroker) -> None:
    async def use(sender: OrderedSender) -> None:
        largest = Outgoing("limited", b"x" * 999_000, b"k")
        records = [*numbered("limited", 3), largest, Outgoing("limited", b"x" * 1_000_001), Outgoing("limited", b"after")]
        delivery = await sender.deliver(records)
        assert isinstance(delivery, Refused)
        assert delivery.acknowledged == 4
        assert "1000001 bytes for limited-0 is too large" in delivery.reason
        assert "kafka.max_event_bytes" in delivery.reason
        assert len(await read_all(broker, "limited")) == 4
        with pytest.raises(FatalFault, match="too large"):
            await sender.send("limited", b"k", [b"x" * 1_000_001])

    with_sender(broker, ["limited"], use)


def test_the_simple_form_counts_acknowledgements(broker: EmbeddedBroker) -> None:
    async def use(sender: OrderedSender) -> None:
        assert await sender.send("simple", b"member", [b"1", b"2", b"3"]) == 3
        assert [(key, value) for key, value, _ in await read_all(broker, "simple")] == [(b"member", b"1"), (b"member", b"2"), (b"member", b"3")]

    with_sender(broker, ["simple"], use)


def test_a_missing_topic_or_partition_is_told_and_not_made(broker: EmbeddedBroker) -> None:
    async def use(sender: OrderedSender) -> None:
        delivery = await sender.deliver([Outgoing("not-made", b"x")])
        assert isinstance(delivery, Interrupted)
        assert (delivery.acknowledged, "the topic not-made does not exist" in str(delivery.fault)) == (0, True)
        delivery = await sender.deliver([Outgoing("narrow", b"x", partition=7)])
        assert isinstance(delivery, Interrupted)
        assert "narrow has no partition 7" in str(delivery.fault)
        async with KafkaAdmin(settings_of(broker)) as admin:
            assert "not-made" not in await admin.list_topics()

    with_sender(broker, ["narrow"], use, patience=0.5)


def test_a_broker_that_is_away_interrupts_and_sending_goes_on_when_it_is_back() -> None:
    with EmbeddedBroker() as broker:

        async def use(sender: OrderedSender) -> None:
            assert await sender.send("again", b"k", [b"before"]) == 1
            broker.kill()
            began = time.monotonic()
            delivery = await sender.deliver(numbered("again", 5))
            assert isinstance(delivery, Interrupted)
            assert delivery.acknowledged == 0
            with pytest.raises(TransientFault, match="connecting to the Kafka broker"):
                await sender.send("again", b"k", [b"x"])
            assert time.monotonic() - began < 10
            broker.start()
            async with KafkaAdmin(settings_of(broker)) as admin:
                await admin.ensure_topics(["again"])
            assert await sender.deliver(numbered("again", 5)) == Delivered(5)
            assert len(await read_all(broker, "again")) == 5

        with_sender(broker, ["again"], use, patience=1.0)


def wait_until_stopped(pid: int) -> None:
    """SIGSTOP is asynchronous: a thread of the broker may still answer. Stopped is when every thread is in state T (proc(5), field 3 of stat)."""
    deadline = time.monotonic() + 10
    while any(task.joinpath("stat").read_text().rpartition(") ")[2][0] not in "Tt" for task in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.005)


def test_a_broker_that_hangs_is_given_up_in_time_and_nothing_is_sent_behind_the_callers_back() -> None:
    with EmbeddedBroker() as broker:

        async def use(sender: OrderedSender) -> None:
            assert await sender.send("hung", b"k", [b"0"]) == 1
            pid = broker.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.to_thread(wait_until_stopped, pid)
                began = time.monotonic()
                delivery = await sender.deliver([Outgoing("hung", b"1"), Outgoing("hung", b"2")])
            finally:
                os.kill(pid, signal.SIGCONT)
            assert isinstance(delivery, Interrupted)
            assert delivery.acknowledged == 0
            assert time.monotonic() - began < 6
            assert await sender.deliver([Outgoing("hung", b"1"), Outgoing("hung", b"2")]) == Delivered(2)
            values = [value for _, value, _ in await read_all(broker, "hung")]
            assert values in ([b"0", b"1", b"2"], [b"0", b"1", b"2", b"1", b"2"])  # at least once, in order

        with_sender(broker, ["hung"], use, patience=1.0)


class ScriptedProducer:
    """A broker that does what a script says for each request: write and acknowledge, write and lose the acknowledgement, or fail before writing."""

    def __init__(self, script: Iterator[str], written: list[bytes], limit: int) -> None:
        self.script, self.written, self.limit = script, written, limit

    class Batch:
        def __init__(self) -> None:
            self.values: list[bytes] = []

        def append(self, *, timestamp: int | None, key: bytes | None, value: bytes, headers: object) -> object:
            self.values.append(value)
            return self

        def close(self) -> None:
            self.values = list(self.values)

    def create_batch(self) -> "ScriptedProducer.Batch":
        return self.Batch()

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    async def send_batch(self, batch: "ScriptedProducer.Batch", topic: str, *, partition: int) -> "asyncio.Future[None]":
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if sum(map(len, batch.values)) > self.limit:
            answer.set_exception(MessageSizeTooLargeError())
            return answer
        match next(self.script, "ok"):
            case "lost answer":
                self.written += batch.values
                answer.set_exception(RequestTimedOutError())
            case "not written":
                answer.set_exception(KafkaConnectionError("closed"))
            case "forbidden":
                answer.set_exception(TopicAuthorizationFailedError("topic"))
            case _:
                self.written += batch.values
                answer.set_result(None)
        return answer


class ScriptedSender(OrderedSender):
    """An OrderedSender over a scripted producer, with small requests."""

    def __init__(self, script: Sequence[str], limit: int = 10**9, request_bytes: int = 300) -> None:
        super().__init__(KafkaSettings())
        self.written: list[bytes] = []
        self._request_bytes = request_bytes
        self._scripted = ScriptedProducer(iter(script), self.written, limit)

    async def _connected(self) -> ScriptedProducer:  # type: ignore[override]
        return self._scripted


@given(st.integers(0, 60), st.lists(st.sampled_from(["ok", "ok", "lost answer", "not written"]), max_size=40))
@settings(deadline=None)
def test_sending_the_rest_again_loses_nothing_and_keeps_the_order(count: int, script: list[str]) -> None:
    records = [Outgoing("t", b"%03d" % number + b"." * random.Random(number).randrange(100)) for number in range(count)]

    async def scenario() -> list[bytes]:
        sender, begin = ScriptedSender(script), 0
        while True:
            delivery = await sender.deliver(records[begin:])
            begin += delivery.acknowledged
            assert begin == 0 or records[begin - 1].value in sender.written
            if isinstance(delivery, Delivered):
                return sender.written

    written = asyncio.run(scenario())
    first_seen = list(dict.fromkeys(written))
    assert first_seen == [record.value for record in records]
    numbers = [int(value[:3]) for value in written]
    for before, after in pairwise(numbers):
        assert after <= before + 1  # only steps back to the beginning of what was not acknowledged, never a jump over a record


@given(st.lists(st.integers(1, 120), min_size=1, max_size=40), st.integers(50, 119))
@settings(deadline=None)
def test_the_broker_s_own_limit_finds_the_record_that_is_too_large(sizes: list[int], limit: int) -> None:
    records = [Outgoing("t", b"x" * size) for size in sizes]
    sender = ScriptedSender([], limit=limit)
    delivery = asyncio.run(sender.deliver(records))
    too_large = next((position for position, size in enumerate(sizes) if size > limit), None)
    if too_large is None:
        assert delivery == Delivered(len(records))
    else:
        assert isinstance(delivery, Refused)
        assert delivery.acknowledged == too_large
        assert "message.max.bytes" in delivery.reason
    assert sender.written == [record.value for record in records[: delivery.acknowledged]]


def test_a_missing_right_is_fatal() -> None:
    with pytest.raises(FatalFault, match=r"sending to t-0 failed: this user may not .* WRITE"):
        asyncio.run(ScriptedSender(["ok", "forbidden"]).deliver(numbered("t", 20)))
