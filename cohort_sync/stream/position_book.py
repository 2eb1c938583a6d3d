"""Where each partition is read from: the store's positions, seen through the broker's identities (design, "Positions are keyed by ...").

A flow asks at every assignment. The cluster id and the topic ids are asked anew at every connection, because what answers may be another cluster, or the same
one with topics made anew. A topic that was made anew can hold enough records to hide that the old position means nothing: its partition gets a position that
no partition has, so that the engine tells it as a gap.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog

from cohort_sync.cohort.outbound.context import PartitionPosition
from cohort_sync.mapping.record import TopicPartition
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.store.rows import GapRow, PositionMove, PositionRow
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.reading import Batch, Gap, GapAnswer, HaltPartition, ResumeAt

_log = structlog.stdlib.get_logger(__name__)
_NOWHERE = 1 << 62
"""A position that no partition has."""

TellGap = Callable[[Gap, bool], None]
"""Called for each gap, and whether reading goes on behind it."""


class PositionBook:
    """The positions of one flow. `prepare`, `starting_offsets` and `on_gap` are the callbacks of its BatchReader."""

    def __init__(self, store: Store, admin: KafkaAdmin, *, resume_after_gap: bool, clock: Callable[[], int], tell: TellGap) -> None:
        self._store = store
        self._admin = admin
        self._resume = resume_after_gap
        self._clock = clock
        self._tell = tell
        self._cluster_id = ""
        self._topic_ids: dict[str, str] = {}
        self._stored: dict[TopicPartition, int | None] = {}
        self._ahead_of_connection: Callable[[], Awaitable[None]] | None = None
        self.moving = asyncio.Lock()
        """Held by a flow while it commits, if it reads ahead: what is placed meanwhile has to begin where the commit ends."""

    def before_connecting(self, make_ready: Callable[[], Awaitable[None]]) -> None:
        """What has to be done before each connection (making sure of topics)."""
        self._ahead_of_connection = make_ready

    async def prepare(self) -> None:
        """Ask who the cluster is. Raises TransientFault while it does not answer."""
        if self._ahead_of_connection is not None:
            await self._ahead_of_connection()
        self._cluster_id = await self._admin.cluster_id()
        self._topic_ids.clear()

    async def starting_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """Where to go on in these partitions; None: from the oldest record."""
        unknown = sorted({each.topic for each in partitions} - self._topic_ids.keys())
        if unknown:
            known = await self._admin.topic_ids(unknown)
            self._topic_ids.update({topic: known.get(topic, "") for topic in unknown})
        async with self.moving:
            rows = await self._rows()
        answer: dict[TopicPartition, int | None] = {}
        for each in partitions:
            row = rows.get(each)
            self._stored[each] = row.next_offset if row else None
            made_anew = row is not None and bool(row.topic_id) and bool(self._topic_ids[each.topic]) and row.topic_id != self._topic_ids[each.topic]
            answer[each] = _NOWHERE if made_anew else row.next_offset if row else None
        return answer

    async def _rows(self) -> dict[TopicPartition, PositionRow]:
        rows = await self._store.read(lambda reader: reader.positions())
        return {TopicPartition(row.topic, row.partition): row for row in rows if row.cluster_id == self._cluster_id}

    async def on_gap(self, gap: Gap) -> GapAnswer:
        """Write the gap down, tell it, and answer by the policy; to go on, the stored position is moved in the same transaction."""
        key = gap.partition_key
        expected = self._stored.get(key)
        told = Gap(gap.topic, gap.partition, expected if expected is not None else gap.expected, gap.first, gap.last)
        row = GapRow(gap.topic, gap.partition, told.expected, gap.first, gap.last, "resumed" if self._resume else "stopped", self._clock())

        def plan(_reader: Reader) -> tuple[WriteSet, None]:
            writes = WriteSet(gaps=[row])
            if self._resume:
                writes.positions = [PositionMove(self._cluster_id, gap.topic, gap.partition, self._topic_ids.get(gap.topic, ""), expected, gap.first)]
            return writes, None

        await self._store.transact(plan)
        self._tell(told, self._resume)
        if not self._resume:
            return HaltPartition()
        self._stored[key] = gap.first
        return ResumeAt(gap.first)

    def expectations(self, batch: Batch) -> dict[tuple[str, int], PartitionPosition]:
        """What the compare-and-set of each partition in the batch expects."""
        return {
            (key.topic, key.partition): PartitionPosition(self._cluster_id, self._topic_ids.get(key.topic, ""), self._stored.get(key)) for key in batch.starts
        }

    def moves(self, batch: Batch) -> list[PositionMove]:
        """The moves of a batch that was dealt with as a whole."""
        return [
            PositionMove(self._cluster_id, key.topic, key.partition, self._topic_ids.get(key.topic, ""), self._stored.get(key), end)
            for key, end in batch.ends.items()
        ]

    def committed(self, ends: Mapping[TopicPartition, int]) -> None:
        """The transaction that moved these positions is durable."""
        self._stored.update(ends)
