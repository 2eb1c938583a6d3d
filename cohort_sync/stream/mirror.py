"""The advisory mirror: applied positions committed to Kafka now and then, so that lag tools see a consumer group. Nothing ever reads them back."""

import asyncio
import time
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import ConsumerStoppedError

from cohort_sync.stream.faults import FOREIGN_ERRORS

_log = structlog.stdlib.get_logger(__name__)
_FAILURES: tuple[type[Exception], ...] = (*FOREIGN_ERRORS, ConsumerStoppedError)


class CommitMirror:
    """Holds the newest position of each partition and commits them at most every `every_seconds`, one commit at a time. Failures are logged and forgotten."""

    def __init__(self, group: str, *, every_seconds: float, patience_seconds: float) -> None:
        self._group = group
        self._every = every_seconds
        self._patience = patience_seconds
        self._waiting: dict[ClientPartition, int] = {}
        self._last = 0.0
        self._commit: asyncio.Task[None] | None = None

    def note(self, positions: Mapping[ClientPartition, int]) -> None:
        """Remember these for the next commit."""
        self._waiting.update(positions)

    def commit_when_due(self, consumer: AIOKafkaConsumer) -> None:
        """Begin a commit in the background when it is time, for the partitions that are still assigned."""
        now = time.monotonic()
        busy = self._commit is not None and not self._commit.done()
        if not self._waiting or busy or now - self._last < self._every:
            return
        self._last = now
        positions = {partition: offset for partition, offset in self._waiting.items() if partition in consumer.assignment()}
        self._waiting.clear()
        self._commit = asyncio.create_task(self._send(consumer, positions), name="cohort-sync-mirror") if positions else None

    async def commit_last(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what is left and wait for it, bounded by the patience."""
        if self._commit is not None:
            await asyncio.wait({self._commit}, timeout=self._patience)
        self._last = 0.0
        self.commit_when_due(consumer)
        if self._commit is not None:
            await asyncio.wait({self._commit}, timeout=self._patience)

    async def forget(self) -> None:
        """Give up what is under way and what waits: the consumer is gone."""
        self._waiting.clear()
        commit, self._commit = self._commit, None
        if commit is not None:
            commit.cancel()
            await asyncio.gather(commit, return_exceptions=True)

    async def _send(self, consumer: AIOKafkaConsumer, positions: dict[ClientPartition, int]) -> None:
        try:
            await asyncio.wait_for(consumer.commit(positions), self._patience)
        except _FAILURES as error:
            _log.debug("Positions were not mirrored to Kafka; the store has them", group=self._group, reason=str(error))
