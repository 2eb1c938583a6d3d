"""What the parts have in common: the broker, members in processes of their own, and how long each took to register."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.feed import fill, make_topics
from cohort_sync.cohort.topics import CohortTopics, cohort_topics
from cohort_sync.testing.worker import WorkerProcess, member_config
from tests.peers.egeria import TOPIC_URL_ROOT, EgeriaMember
from tests.peers.jars import HERE, Jars, java
from tests.peers.kafka import KafkaBroker

RELEASE = "4.2"
_HEAP = ("-Xmx3g",)
"""Nothing else is said to the JVM: collector and compilers as an Egeria platform has them."""


class Stage:
    """The broker and who is started beside it. `starts`: seconds from the start of a process to its registration event, of all members so far."""

    def __init__(self, directory: Path, broker: KafkaBroker, egeria: Jars) -> None:
        self.broker = broker
        self.starts: dict[str, list[float]] = {"ours": [], "Egeria": []}
        self._directory = directory
        self._egeria = egeria

    def cohort(self, name: str, instances: Sequence[bytes] = (), key: bytes = b"") -> CohortTopics:
        """The topics of a cohort, made; with these events on the topic of the instances."""
        topics = cohort_topics(name, TOPIC_URL_ROOT)
        make_topics(self.broker.bootstrap, topics.all)
        if instances:
            fill(self.broker.bootstrap, topics.instances, key, instances)
        return topics

    @contextmanager
    def ours(self, name: str, cohort: str) -> Iterator[WorkerProcess]:
        """A worker with a new store, started and not waited for; in the end it is stopped and its start noted."""
        identity = str(uuid4())
        config = member_config(
            name,
            cohort=cohort,
            bootstrap=self.broker.bootstrap,
            collection_id=identity,
            types={"release": RELEASE},
        )
        # The name of the cohort is there already; its table is completed.
        config = config.replace("[cohort]\n", f'[cohort]\ntopic_root = "{TOPIC_URL_ROOT}"\n')
        with WorkerProcess(self._directory / name, config) as worker:
            began = time.time()
            worker.start()
            yield worker
            self.starts["ours"].append(self._registered(cohort, identity) - began)
            worker.stop()

    @contextmanager
    def egeria(self, name: str, cohort: str, *, max_poll_records: int | None = None) -> Iterator[EgeriaMember]:
        """An Egeria server with an empty repository, started and not waited for; in the end its start is noted and it is stopped."""
        member = EgeriaMember(
            self._directory / name,
            self._egeria,
            name=name,
            cohort=cohort,
            kafka=self.broker.bootstrap,
            max_poll_records=max_poll_records,
            from_earliest=True,
            java_options=_HEAP,
        )
        began = time.time()
        member.begin()
        try:
            yield member
            self.starts["Egeria"].append(self._registered(cohort, member.collection_id) - began)
        finally:
            member.stop()

    def _registered(self, cohort: str, identity: str) -> float:
        """When its first registration event was sent, in epoch seconds."""
        for sent, event in self.events(cohort_topics(cohort, TOPIC_URL_ROOT).registration):
            kind = str(event.get("registryEventSection", {}).get("registryEventType"))
            if kind.startswith(("REGISTRATION", "RE_REGISTRATION")) and event["originator"].get("metadataCollectionId") == identity:
                return sent
        raise RuntimeError(f"{identity} has not registered with the cohort {cohort}")

    def events(self, topic: str) -> list[tuple[float, dict[str, Any]]]:
        """All events on a topic with the time that their producer has put on the record, in epoch seconds (to the millisecond)."""
        place = TopicPartition(topic, 0)

        async def read() -> list[tuple[float, dict[str, Any]]]:
            consumer = AIOKafkaConsumer(bootstrap_servers=self.broker.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
            await consumer.start()
            found = []
            try:
                consumer.assign([place])
                end = (await consumer.end_offsets([place]))[place]
                while await consumer.position(place) < end:
                    records = (await consumer.getmany(timeout_ms=500)).get(place, [])
                    found += [(record.timestamp / 1000, json.loads(record.value or b"{}")) for record in records]
            finally:
                await consumer.stop()
            return found

        return asyncio.run(read())


def until_ready(worker: WorkerProcess) -> None:
    """Returns when it is."""
    worker.wait_until(lambda: worker.ready, 30, "it is ready")


def versions() -> dict[str, object]:
    """Of Java, and of the peers as their poms say."""
    said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True).stderr.splitlines()
    return {"java": said[0], "kafka": _pom_version("kafka"), "egeria": _pom_version("egeria"), "java_options": " ".join(_HEAP)}


def _pom_version(peer: str) -> str:
    """The version of the first dependency that has one of its own, or the property that the others name."""
    text = (HERE / peer / "pom.xml").read_text(encoding="utf-8")
    found = re.search(rf"<{peer}>([^<]+)</{peer}>", text) or re.search(r"<dependency>.*?<version>([^<]+)</version>", text, re.DOTALL)
    return found[1] if found else "unknown"
