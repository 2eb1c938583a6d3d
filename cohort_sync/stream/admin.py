"""Administration of topics and groups: kafka-python's client, run in a thread of its own, off the event loop.

The first question makes sure that a broker answers (`ask_cluster`), so a refusal comes with its true reason. Errors come out as `TransientFault` (try again)
or `FatalFault` (rights, settings); outcomes that a caller decides about are values.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from msgspec import Struct

from cohort_sync.mapping.record import TopicPartition
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings, admin_options
from cohort_sync.stream.ends import end_offsets
from cohort_sync.stream.faults import as_fault, describe, translated
from cohort_sync.stream.kafka_client import ask_cluster

if TYPE_CHECKING:
    from kafka.admin import TopicDescription as RawTopic  # a name of our stubs: the client itself answers with plain dicts

T = TypeVar("T")
_UNKNOWN_TOPIC = 3


class TopicCreated(Struct, frozen=True):
    """The topic did not exist and was made with this many partitions."""

    partitions: int


class TopicExisted(Struct, frozen=True):
    """The topic was there with the number of partitions that was asked for; nothing was changed."""

    partitions: int


class WrongPartitionCount(Struct, frozen=True):
    """The topic was there with another number of partitions; nothing was changed. A cohort topic like that cannot be read in order."""

    expected: int
    found: int


TopicOutcome = TopicCreated | TopicExisted | WrongPartitionCount


class TopicDescription(Struct, frozen=True):
    """What a broker says of a topic. `topic_id` is None where the broker does not tell one (it changes when a topic is made anew under the same name)."""

    name: str
    topic_id: str | None
    partitions: int


class GroupLag(Struct, frozen=True):
    """How far a group's commits are behind: `committed` is None where it never committed, `end` is the offset of the next record to be written."""

    committed: int | None
    end: int

    @property
    def lag(self) -> int:
        """Records behind; all of them where nothing was committed."""
        return max(0, self.end - (self.committed or 0))


class KafkaAdmin:
    """Topics, ids and lag of one cluster; `async with KafkaAdmin(settings) as admin: ...`.

    It connects when it is first asked and again after a connection was lost; `close()` ends connection and thread. Calls are carried out one after the other.
    """

    def __init__(self, settings: KafkaSettings, *, patience: float = 15.0) -> None:
        self._settings = settings
        self._patience = patience
        self._client: KafkaAdminClient | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-admin")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection and the thread. Idempotent."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    async def cluster_id(self) -> str:
        """The id of the cluster; "" where the broker does not tell one."""
        return await self._run("asking for the cluster id", lambda client: client.describe_cluster()["cluster_id"] or "")

    async def list_topics(self) -> list[str]:
        """The names of all topics that this user may see, sorted."""
        return await self._run("listing the topics", lambda client: sorted(client.list_topics()))

    async def describe(self, names: Iterable[str]) -> dict[str, TopicDescription | None]:
        """What the broker says of these topics; None for one that does not exist. Makes no topic."""
        wanted = list(dict.fromkeys(names))
        if not wanted:
            return {}
        return await self._run(f"describing the topics {', '.join(wanted)}", lambda client: _described(client, wanted))

    async def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The broker's id of each topic; "" where it does not exist or the broker does not tell (before Kafka 2.8)."""
        described = await self.describe(names)
        return {name: topic.topic_id or "" if topic is not None else "" for name, topic in described.items()}

    async def ensure_topics(
        self, names: Iterable[str], *, partitions: int = 1, replication: int = -1, configs: Mapping[str, str] | None = None
    ) -> dict[str, TopicOutcome]:
        """Make the topics that are missing, with the broker's own replication when `replication` is -1, and wait until each has a leader.

        Idempotent, and safe beside another process that does the same: a topic that appears meanwhile is one that existed. Existing topics are never changed.
        """
        wanted = list(dict.fromkeys(names))
        if not wanted:
            return {}

        def ensure(client: KafkaAdminClient) -> dict[str, TopicOutcome]:
            before = _described(client, wanted)
            missing = [name for name, topic in before.items() if topic is None]
            made = _create(client, missing, partitions, replication, configs or {})
            after = before if not missing else _described(client, wanted)
            return {name: _outcome(name in made, partitions, after[name]) for name in wanted}

        return await self._run(f"making sure of the topics {', '.join(wanted)}", ensure)

    async def delete_topics(self, names: Iterable[str]) -> set[str]:
        """Delete those of the topics that exist, records and all; the names of the ones that are gone by this."""
        wanted = list(dict.fromkeys(names))

        def delete(client: KafkaAdminClient) -> set[str]:
            there = [name for name, topic in _described(client, wanted).items() if topic is not None] if wanted else []
            if there:
                client.delete_topics(there)
            return set(there)

        return await self._run(f"deleting the topics {', '.join(wanted)}", delete)

    async def group_lag(self, group: str, topics: Iterable[str]) -> dict[TopicPartition, GroupLag]:
        """Commits against ends, for every partition of the topics that exist. The worker's own positions are in its store; this is what lag tools see."""
        described = await self.describe(topics)
        partitions = [TopicPartition(topic.name, number) for topic in described.values() if topic is not None for number in range(topic.partitions)]
        offsets = await self._run(f"asking for the commits of the group {group}", lambda client: client.list_group_offsets([group]))
        committed = {TopicPartition(*partition): entry.offset for partition, entry in offsets.get(group, {}).items() if entry.offset >= 0}
        ends = await end_offsets(self._settings, partitions)
        return {partition: GroupLag(committed.get(partition), ends[partition]) for partition in partitions}

    async def _run(self, doing: str, ask: Callable[[KafkaAdminClient], T]) -> T:
        """Ask in the thread; once more with a new connection, because the old one may have been cut while nobody asked."""
        fresh = self._client is None
        try:
            return await self._ask_once(doing, ask)
        except TransientFault:
            if fresh:
                raise
        return await self._ask_once(doing, ask)

    async def _ask_once(self, doing: str, ask: Callable[[KafkaAdminClient], T]) -> T:
        if self._client is None:  # a client that cannot connect would leave a thread behind, so make sure first
            await ask_cluster(self._settings, patience=self._patience)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, doing, ask)

    def _ask(self, doing: str, ask: Callable[[KafkaAdminClient], T]) -> T:
        try:
            return ask(self._connected())
        except (KafkaError, OSError) as error:
            self._disconnect()
            raise as_fault(error, doing) from error

    def _connected(self) -> KafkaAdminClient:
        if self._client is None:
            milliseconds = int(self._patience * 1000)
            self._client = KafkaAdminClient(**admin_options(self._settings), request_timeout_ms=milliseconds, bootstrap_timeout_ms=milliseconds)
        return self._client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with translated("closing the administration client"):
                client.close()


def _described(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, TopicDescription | None]:
    answers = {topic["name"]: topic for topic in client.describe_topics(names)}
    return {name: _description(answers.get(name)) for name in names}


def _description(topic: "RawTopic | None") -> TopicDescription | None:
    if topic is None or topic["error_code"] == _UNKNOWN_TOPIC:
        return None
    if topic["error_code"] != 0:
        raise for_code(topic["error_code"])(topic["name"])
    topic_id = topic["topic_id"]
    return TopicDescription(topic["name"], None if topic_id is None else str(topic_id), len(topic["partitions"]))


def _create(client: KafkaAdminClient, names: Sequence[str], partitions: int, replication: int, configs: Mapping[str, str]) -> set[str]:
    """Make the topics; the names of those that this call made. One that somebody else made meanwhile is not among them."""
    if not names:
        return set()
    wish = {"num_partitions": partitions, "replication_factor": replication, "configs": dict(configs)}
    answer = client.create_topics(dict.fromkeys(names, wish), raise_errors=False)
    made: set[str] = set()
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        if topic["error_code"] == 0:
            made.add(topic["name"])
        elif error is not TopicAlreadyExistsError:
            raise error(f"topic {topic['name']}: {topic['error_message'] or describe(error())}")
    client.wait_for_topics(list(names))
    return made


def _outcome(made: bool, expected: int, topic: TopicDescription | None) -> TopicOutcome:
    if topic is None:
        raise TransientFault("the topic was made and is gone again: somebody else deletes it")
    if topic.partitions != expected:
        return WrongPartitionCount(expected, topic.partitions)
    return TopicCreated(expected) if made else TopicExisted(expected)
