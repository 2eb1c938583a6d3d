"""Apache Kafka as released: one node in KRaft mode, on loopback, and a small client for what the scenarios put in and look at."""

import asyncio
import base64
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from .jars import HERE, Jars
from .processes import ManagedProcess, PeerProcessError, free_port, port_answers
from .records import Record


class KafkaBroker:
    """A broker with its own data directory and ports, which stay the same over all its runs.

    The client methods are blocking and open a connection each; every one of them expects the broker to be ready.
    """

    def __init__(self, directory: Path, jars: Jars) -> None:
        self.directory = directory
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._jars = jars
        self._settings = directory / "server.properties"
        logging = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        command = jars.java("-Xmx768m", "-XX:+UseSerialGC", logging, "kafka.Kafka", str(self._settings))
        self.process = ManagedProcess("kafka", command, directory)

    def start(self, *, timeout: float = 60.0) -> None:
        """Starts it (and formats its data directory the first time); returns when it answers."""
        if not self._settings.exists():
            self._format()
        self.process.start()
        self.process.wait_until(self._answers, timeout=timeout, what=f"a client gets metadata from {self.bootstrap}")

    def stop(self) -> None:
        """A clean shutdown; data and ports are kept for the next start."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL; data and ports are kept for the next start."""
        self.process.kill()

    def create_topic(self, topic: str, *, partitions: int = 1) -> None:
        """Makes the topic; no effect when it exists."""
        asyncio.run(self._create_topic(topic, partitions))

    def topics(self) -> set[str]:
        """The names of all topics, the broker's own left out."""
        return asyncio.run(self._topics())

    def produce(self, records: Iterable[Record]) -> None:
        """Writes the records in their order, waiting for the acknowledgement of all replicas."""
        asyncio.run(self._produce(records))

    def read(self, topic: str) -> list[Record]:
        """All records that the topic holds at the moment of the call: partition by partition, each in its order."""
        return asyncio.run(self._read(topic))

    def ends(self, topics: Iterable[str]) -> dict[str, int]:
        """The offset after the last record of each topic, all partitions together."""
        return asyncio.run(self._ends(topics))

    def _format(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        values = {"CONTROLLER_PORT": str(free_port()), "PORT": str(self.port), "DATA": str(self.directory / "data")}
        text = (HERE / "kafka" / "server.properties").read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(name, value)
        self._settings.write_text(text, encoding="utf-8")
        # Kafka's ids are 16 bytes in base64 without padding; one that began with "-" would be taken for an option.
        cluster_id = base64.urlsafe_b64encode(b"K" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        format_command = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._settings))
        done = subprocess.run(self._jars.java(*format_command), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            self._settings.unlink()
            raise PeerProcessError(f"kafka: formatting {self.directory} failed: {done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        if not port_answers(self.port):
            return False
        try:
            asyncio.run(self._topics())
        except (KafkaError, OSError):
            return False
        return True

    async def _create_topic(self, topic: str, partitions: int) -> None:
        async with _admin(self.bootstrap) as admin:
            answer = await admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)])
        for _, code, *message in answer.topic_errors:
            error = for_code(code)
            if error not in (NoError, TopicAlreadyExistsError):
                raise error(f"topic {topic}: {message}")

    async def _topics(self) -> set[str]:
        async with _admin(self.bootstrap) as admin:
            return {topic for topic in await admin.list_topics() if not topic.startswith("__consumer")}

    async def _produce(self, records: Iterable[Record]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            sent = [await producer.send(record.topic, key=record.key, value=record.value, headers=list(record.headers)) for record in records]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def _ends(self, topics: Iterable[str]) -> dict[str, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        async with _admin(self.bootstrap) as admin:
            described = {each["topic"]: each["partitions"] for each in await admin.describe_topics(list(topics))}
        await consumer.start()
        try:
            parts = [TopicPartition(topic, part["partition"]) for topic, partitions in described.items() for part in partitions]
            ends = await consumer.end_offsets(parts)
        finally:
            await consumer.stop()
        return {topic: sum(end for part, end in ends.items() if part.topic == topic) for topic in described}

    async def _read(self, topic: str) -> list[Record]:
        async with _admin(self.bootstrap) as admin:
            (described,) = await admin.describe_topics([topic])
        parts = [TopicPartition(topic, part["partition"]) for part in described["partitions"]]
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign(parts)
            ends = await consumer.end_offsets(parts)
            found: dict[TopicPartition, list[Record]] = {part: [] for part in parts}
            while any([await consumer.position(part) < ends[part] for part in parts]):
                for part, batch in (await consumer.getmany(timeout_ms=500)).items():
                    found[part] += [Record(topic, one.key, one.value, tuple(one.headers)) for one in batch]
            return [record for part in parts for record in found[part]]
        finally:
            await consumer.stop()


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await client.start()
        yield client
    finally:
        await client.close()
