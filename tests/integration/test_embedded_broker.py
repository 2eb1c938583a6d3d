"""The embedded broker: starts, answers, ends with its owner; and what of Kafka it does differently, so that a new release of it is noticed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from kafka import KafkaAdminClient

from cohort_sync.omrs.errors import TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.broker_wait import Backoff, wait_for_broker
from cohort_sync.stream.kafka_client import ask_cluster
from cohort_sync.testing import BrokerNotInstalled, EmbeddedBroker
from cohort_sync.testing.broker import answers_kafka


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(cluster_id="quirks") as started:
        yield started


def settings_of(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=(broker.bootstrap,))


def make_topics(broker: EmbeddedBroker, **partitions: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=[broker.bootstrap])
    try:
        admin.create_topics({name: {"num_partitions": count, "replication_factor": 1} for name, count in partitions.items()})
    finally:
        admin.close()


def gone(pid: int) -> bool:
    """Whether a process that is not our child has ended (a zombie waiting for init counts as ended)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_it_starts_answers_and_stops() -> None:
    broker = EmbeddedBroker(cluster_id="mine").start()
    try:
        assert broker.start() is broker
        pid, log = broker.pid, broker.log_path
        assert pid is not None
        assert log is not None
        assert log.exists()
        answer = asyncio.run(ask_cluster(settings_of(broker)))
        assert (answer.cluster_id, answer.brokers) == ("mine", (broker.bootstrap,))
    finally:
        broker.stop()
    broker.stop()
    assert broker.pid is None
    assert not log.exists()
    assert not answers_kafka("127.0.0.1", broker.port)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_port_stays_and_the_records_go_when_it_is_killed(tmp_path: Path) -> None:
    with EmbeddedBroker(log_path=tmp_path / "broker.log") as broker:
        make_topics(broker, kept=1)
        before = broker.bootstrap
        broker.kill()
        assert broker.pid is None
        broker.start()
        assert broker.bootstrap == before
        admin = KafkaAdminClient(bootstrap_servers=[broker.bootstrap])
        assert admin.list_topics() == []
        admin.close()
    assert "tansu" in (tmp_path / "broker.log").read_text()


def test_it_dies_with_a_parent_that_is_killed() -> None:
    code = "from cohort_sync.testing import EmbeddedBroker\nimport time\nprint(EmbeddedBroker().start().pid, flush=True)\ntime.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    assert not gone(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 5
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(pid)


def test_a_port_that_is_taken_is_told_with_the_log() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        broker = EmbeddedBroker(port=port)
        try:
            with pytest.raises(TransientFault, match=rf"embedded broker on port {port} ended at once; the end of its log"):
                broker.start()
        finally:
            broker.stop()


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BrokerNotInstalled, match=r"pip install 'cohort-sync\[demo\]'"):
        EmbeddedBroker().start()


def test_the_wait_sees_it_come_up() -> None:
    with EmbeddedBroker() as broker:
        broker.kill()

        async def scenario() -> str | None:
            stop = asyncio.Event()
            waiting = asyncio.create_task(wait_for_broker(settings_of(broker), stop=stop, backoff=Backoff(first=0.05, cap=0.1)))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            broker.start()
            answer = await asyncio.wait_for(waiting, 5)
            return answer.cluster_id if answer is not None else None

        assert asyncio.run(scenario()) == "embedded"


def test_every_server_that_does_not_answer_is_named() -> None:
    settings = KafkaSettings(bootstrap_servers=("127.0.0.1:1", "127.0.0.1:2"))
    with pytest.raises(TransientFault, match=r"127\.0\.0\.1:1 failed.*127\.0\.0\.1:2 failed"):
        asyncio.run(ask_cluster(settings))


def test_records_keep_keys_values_headers_and_times(broker: EmbeddedBroker) -> None:
    make_topics(broker, fidelity=1)

    async def scenario() -> list[tuple[object, ...]]:
        partition = TopicPartition("fidelity", 0)
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
            await producer.send_and_wait("fidelity", b"v", key=b"k", partition=0, timestamp_ms=1234567890123, headers=[("h", b"1"), ("h", b"")])
            await producer.send_and_wait("fidelity", b"v2", key=None, partition=0, timestamp_ms=5)
            await producer.send_and_wait("fidelity", None, key=b"k", partition=0, timestamp_ms=6)
        async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none", enable_auto_commit=False) as consumer:
            consumer.assign([partition])
            consumer.seek(partition, 0)
            records = (await consumer.getmany(timeout_ms=2000))[partition]
        return [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in records]

    assert asyncio.run(scenario()) == [
        (0, 1234567890123, b"k", b"v", (("h", b"1"), ("h", b""))),
        (1, 5, None, b"v2", ()),
        (2, 6, b"k", None, ()),
    ]


def test_what_it_does_otherwise_than_kafka(broker: EmbeddedBroker) -> None:
    """Each line here is worked around somewhere; when one changes, the list in cohort_sync/testing/broker.py and the workaround can go."""
    make_topics(broker, quirks=1)
    partition = TopicPartition("quirks", 0)

    async def scenario() -> None:
        idempotent = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True)
        with pytest.raises(KafkaError):
            await idempotent.start()
        await idempotent.stop()

        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", linger_ms=20) as producer:
            sent = [await producer.send("quirks", b"x", partition=0) for _ in range(100)]
            assert [(await ack).offset for ack in sent] == list(range(100))
        async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none", fetch_max_wait_ms=100) as consumer:
            consumer.assign([partition])
            assert (await consumer.end_offsets([partition]))[partition] < 100  # base offset of the last batch plus one

            consumer.seek(partition, 5000)
            assert await consumer.getmany(timeout_ms=500) == {}  # beyond the end: no error
            assert consumer.highwater(partition) == 100  # but the truth about the end

            assert "missing" not in await consumer.topics()

    asyncio.run(scenario())
