"""The consumer engine: batches of records for both flows, from positions that the store keeps.

The owner polls, applies a batch with its positions in one transaction, and polls again. Kafka's own commits are an advisory mirror. What this engine adds to
the aiokafka consumer is that nothing is silent and nothing is lost: positions come from the owner at every assignment, one that the broker does not have is
told as a `Gap` before anything is read, and a broker that went away is waited for and then met as a stranger: new connection, positions checked anew.

How batches and rebalances go together: every (re)assignment has a generation. Partitions stay paused until they are placed, a fetch that was begun under an
earlier generation is thrown away before anything is placed, and a rebalance waits (bounded) until the batch in hand is applied.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import NoOffsetForPartitionError

from cohort_sync.mapping.record import SourceRecord, TopicPartition
from cohort_sync.omrs.errors import CohortSyncError, FatalFault, TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings, aiokafka_options
from cohort_sync.stream.broker_wait import Backoff
from cohort_sync.stream.client_edge import CLIENT_ERRORS, LostError, RebalanceNotes, asking, ours, source_record, theirs
from cohort_sync.stream.ends import true_end
from cohort_sync.stream.kafka_client import ask_cluster, close_consumer, partitions_of_all_topics
from cohort_sync.stream.mirror import CommitMirror
from cohort_sync.stream.reading import (
    Away,
    Batch,
    Gap,
    HaltPartition,
    OnGap,
    ReaderOptions,
    ReaderState,
    Reading,
    ResumeAt,
    SharedTopics,
    StartingOffsets,
    WholeTopics,
)
from cohort_sync.stream.surplus import Surplus

_log = structlog.stdlib.get_logger(__name__)
_MISSING_TOPIC_SECONDS = 1.0
_NO_ASSIGNMENT_SECONDS = 0.05
_FILL_MS = 50  # so long a batch that is not full waits for the fetch that is under way


class BatchReader:
    """Reads batches of records. One task owns it: only `stop`, `pause`, `resume`, `reposition` and the read-only members may be called beside a running `poll`.

    `starting_offsets`, `on_gap` and `prepare` belong to the owner and run inside `poll`; what they raise comes out of `poll` unchanged, and the next `poll`
    calls them again. `prepare` runs before every connection, the first and each one after the broker was away (the owner makes sure of its topics there, and
    asks for the cluster and topic ids that its stored positions are keyed by). A `TransientFault` of `prepare` counts as a broker that is away.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: WholeTopics | SharedTopics,
        *,
        group: str,
        starting_offsets: StartingOffsets,
        on_gap: OnGap,
        prepare: Callable[[], Awaitable[None]] | None = None,
        options: ReaderOptions = ReaderOptions(),  # noqa: B008 - frozen
        backoff: Backoff = Backoff(first=0.1, cap=5.0),  # noqa: B008 - frozen
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._group = group
        self._starting_offsets = starting_offsets
        self._on_gap = on_gap
        self._prepare = prepare
        self._options = options
        self._backoff = backoff
        self._pattern = re.compile(topics.pattern) if isinstance(topics, SharedTopics) and topics.pattern else None

        self._consumer: AIOKafkaConsumer | None = None
        self._generation = 0
        self._unplaced: set[ClientPartition] = set()
        self._position: dict[ClientPartition, int] = {}  # where the next batch begins; its keys are the placed partitions
        self._reached: dict[ClientPartition, int] = {}  # how far the client got where that is further: past records that are not handed out
        self._subscribed: frozenset[str] = frozenset()
        self._missing: frozenset[str] = frozenset()
        self._held_back: set[TopicPartition] = set()  # paused by the owner, whatever is assigned
        self._halted: set[TopicPartition] = set()
        self._fetch: asyncio.Task[dict[ClientPartition, list[ConsumerRecord[bytes, bytes]]]] | None = None
        self._fetch_generation = 0
        self._surplus: Surplus[ClientPartition, ConsumerRecord[bytes, bytes]] = Surplus()
        self._batch_done = asyncio.Event()
        self._batch_done.set()
        self._away: Away | None = None
        self._pauses = backoff.pauses()
        self._retry_at = 0.0
        self._last_contact = 0.0
        self._last_refresh = 0.0
        self._stopped = False
        self._mirror = CommitMirror(group, every_seconds=options.mirror_seconds, patience_seconds=min(2.0, options.patience_seconds))

    # ------------------------------------------------------------------ what the owner does

    async def poll(self, wait: float = 0.5) -> Batch:
        """The next batch, or an empty one when nothing came within about `wait` seconds, the broker is away (see `state`) or it was stopped.

        Calling it says that the batch before is done with. A batch holds records of every partition that had some, at most `max_records` of them. It raises
        only `FatalFault`, and what the owner's own callbacks raise.
        """
        self._batch_done.set()
        if self._stopped:
            return self._empty()
        try:
            if self._consumer is None and not await self._connect(wait):
                return self._empty()
            self._mirror.commit_when_due(self._live())
            await self._follow_topics()
            if self._unplaced:
                await self._place()
            self._tell_return()
            return await self._read(wait)
        except LostError as lost:
            if not self._stopped:
                await self._lose(lost.fault)
            return self._empty()

    async def hold(self, seconds: float) -> None:
        """Back pressure: wait this long without reading on and without leaving the group, while the batch in hand cannot be applied yet."""
        consumer, generation = self._consumer, self._generation
        if consumer is None or self._fetch is not None or not self._position:
            await asyncio.sleep(seconds)
            return
        placed = list(self._position)
        consumer.pause(*placed)
        deadline = time.monotonic() + seconds
        with suppress(*CLIENT_ERRORS):  # a broken connection is noticed by the next poll
            while self._generation == generation and (left := deadline - time.monotonic()) > 0:
                await consumer.getmany(*placed, timeout_ms=max(1, int(min(left, 0.2) * 1000)))
        if (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(left)
        if self._generation == generation:
            self._let_flow(consumer, placed)

    def is_current(self, batch: Batch) -> bool:
        """Whether the partitions of this batch were held without a break since it was read. When not, drop it: its records come again, here or elsewhere."""
        return batch.generation == self._generation

    def pause(self, *partitions: TopicPartition) -> None:
        """Hand out nothing of these partitions until `resume`, also when they are assigned again or not assigned yet."""
        self._held_back.update(partitions)
        self._apply_pauses(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        """Take back `pause`."""
        self._held_back.difference_update(partitions)
        self._apply_pauses(partitions)

    def reposition(self, *partitions: TopicPartition) -> None:
        """Ask `starting_offsets` again for everything that is assigned, with the check for gaps; lifts the halt of these partitions (all when none is named).

        For a position that was moved in the store by somebody else, and to go on after a gap that halted a partition. The batch in hand is not current then.
        """
        lifted = {each for each in self._halted if not partitions or each in partitions}
        self._halted -= lifted
        self._unplaced.update(self._position, map(theirs, lifted))  # all that is placed, because a fetch that is under way is thrown away as a whole
        self._position.clear()
        self._reached.clear()
        self._surplus.clear()
        self._generation += 1

    def mirror(self, positions: Mapping[TopicPartition, int]) -> None:
        """Let Kafka know of these applied positions soon, for lag tools only. Never fails and never waits; the newest position of a partition counts."""
        self._mirror.note({theirs(partition): offset for partition, offset in positions.items()})

    async def stop(self) -> None:
        """Leave: commit the mirror once more, leave the group, close the connections. Bounded by a few seconds also without a broker; idempotent."""
        self._stopped = True
        self._batch_done.set()
        if self._consumer is not None and self._away is None:
            await self._mirror.commit_last(self._consumer)
        await self._disconnect()

    # ------------------------------------------------------------------ what the owner may ask

    @property
    def state(self) -> ReaderState:
        """Whether it reads, for readiness and status."""
        if self._away is not None:
            return self._away
        return Reading(frozenset(map(ours, self._position)), frozenset(self._halted), self._missing)

    @property
    def positions(self) -> dict[TopicPartition, int]:
        """Where the next batch begins, for each placed partition."""
        return {ours(partition): offset for partition, offset in self._position.items()}

    def lag(self) -> dict[TopicPartition, int]:
        """Records between the position and the end that the last fetch told; partitions that were not fetched yet are left out. Asks nobody."""
        marks = {partition: self._watermark(partition) for partition in self._position}
        reached = {partition: max(position, self._reached.get(partition, 0)) for partition, position in self._position.items()}
        return {ours(partition): max(0, mark - reached[partition]) for partition, mark in marks.items() if mark is not None}

    def caught_up(self, topics: Collection[str]) -> bool:
        """Whether every partition of these topics is placed, was fetched since, and was handed out up to the end that the fetch told.

        False while a topic is missing, halted or not assigned. With it `types` is read up to its head before `instances` is resumed.
        """
        mine = [partition for partition in self._position if partition.topic in topics]
        waiting = {partition.topic for partition in self._unplaced} | {partition.topic for partition in self._halted}
        if waiting & set(topics) or {partition.topic for partition in mine} != set(topics):
            return False
        marks = [(max(self._position[partition], self._reached.get(partition, 0)), self._watermark(partition)) for partition in mine]
        return all(mark is not None and position >= mark for position, mark in marks)

    # ------------------------------------------------------------------ connection

    async def _connect(self, wait: float) -> bool:
        delay = self._retry_at - time.monotonic()
        if delay > wait:
            await asyncio.sleep(wait)
            return False
        await asyncio.sleep(max(0.0, delay))
        with asking("looking for a broker"):
            await ask_cluster(self._settings, patience=self._options.patience_seconds)  # tells the true reason where a broker refuses
        if self._prepare is not None:
            try:
                await self._prepare()
            except TransientFault as fault:
                raise LostError(fault) from fault
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings, role="reader"),
            group_id=self._group,
            group_instance_id=self._options.instance_id,
            auto_offset_reset="none",
            enable_auto_commit=False,
            fetch_max_wait_ms=self._options.fetch_max_wait_ms,
            max_partition_fetch_bytes=self._options.max_partition_fetch_bytes,
            fetch_max_bytes=self._options.fetch_max_bytes,
            session_timeout_ms=self._options.session_timeout_ms,
            heartbeat_interval_ms=self._options.heartbeat_interval_ms,
            max_poll_interval_ms=self._options.max_poll_interval_ms,
            request_timeout_ms=max(int(self._options.patience_seconds * 1000), self._options.session_timeout_ms + 5000),
        )
        self._consumer = consumer
        with asking("connecting to Kafka"):
            async with asyncio.timeout(self._options.patience_seconds):
                await consumer.start()
        self._last_contact = time.monotonic()
        self._last_refresh = 0.0
        return True

    async def _lose(self, fault: CohortSyncError) -> None:
        now = time.monotonic()
        if self._away is None:
            self._pauses = self._backoff.pauses()
            self._away = Away(str(fault), now, 1)
        else:
            self._away = Away(str(fault), self._away.since, self._away.attempts + 1)
        pause = next(self._pauses)
        self._retry_at = now + pause
        _log.warning(
            f"Kafka is away; reading pauses and is tried again in {pause:.1f} s",
            group=self._group,
            reason=str(fault),
            attempt=self._away.attempts,
            away_seconds=round(now - self._away.since, 1),
        )
        await self._disconnect()

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._forget_assignment()
        self._subscribed, self._missing = frozenset(), frozenset()
        fetch, self._fetch = self._fetch, None
        await self._mirror.forget()
        if consumer is not None:
            await close_consumer(consumer, patience=self._options.patience_seconds)
        if fetch is not None:
            fetch.cancel()
            await asyncio.gather(fetch, return_exceptions=True)

    def _tell_return(self) -> None:
        """Connected, topics looked up, every partition placed: the broker is back."""
        if self._away is not None:
            _log.info("Kafka is back; reading goes on", group=self._group, away_seconds=round(time.monotonic() - self._away.since, 1))
            self._away = None

    def _live(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise LostError(TransientFault("the reader was stopped"))
        return self._consumer

    # ------------------------------------------------------------------ topics and assignment

    async def _follow_topics(self) -> None:
        """Look which topics exist, when it is time to, and take up what has appeared."""
        now = time.monotonic()
        if now - self._last_refresh < (_MISSING_TOPIC_SECONDS if self._missing or not self._subscribed else self._options.topic_refresh_seconds):
            return
        self._last_refresh = now
        consumer = self._live()
        with asking("asking which topics there are"):
            async with asyncio.timeout(self._options.patience_seconds):
                existing = await partitions_of_all_topics(consumer)
        if self._pattern is not None:
            wanted = frozenset(name for name in existing if self._pattern.fullmatch(name))
            missing = frozenset() if wanted else frozenset({self._pattern.pattern})
        else:
            wanted = frozenset(self._topics.names) & existing.keys()
            missing = frozenset(self._topics.names) - existing.keys()
        for name in missing - self._missing:
            _log.warning("A topic does not exist yet; it is read as soon as it does", topic=name, group=self._group)
        self._missing = missing
        if isinstance(self._topics, WholeTopics):
            self._take_whole(consumer, {ClientPartition(name, number) for name in wanted for number in existing[name]})
        elif wanted and wanted != self._subscribed:
            with asking("subscribing"):
                consumer.subscribe(sorted(wanted), listener=RebalanceNotes(self._revoked, self._assigned))
        if self._subscribed and not wanted:
            raise LostError(TransientFault(f"the topics {', '.join(sorted(self._subscribed))} are gone"))
        self._subscribed = wanted
        self._last_contact = time.monotonic()

    def _take_whole(self, consumer: AIOKafkaConsumer, partitions: set[ClientPartition]) -> None:
        if partitions and partitions != consumer.assignment():
            with asking("taking partitions"):
                consumer.assign(sorted(partitions))
            self._assigned(partitions)

    def _assigned(self, partitions: Collection[ClientPartition]) -> None:
        self._forget_assignment()
        self._unplaced = set(partitions)
        if partitions:
            self._live().pause(*partitions)

    def _forget_assignment(self) -> None:
        self._generation += 1
        self._surplus.clear()
        self._position.clear()
        self._reached.clear()
        self._unplaced.clear()
        self._halted.clear()

    async def _revoked(self) -> None:
        """A rebalance begins: give the batch in hand time to be applied, so that the next owner finds its positions in the store."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._batch_done.wait(), self._options.revoke_grace_seconds)
        self._forget_assignment()

    # ------------------------------------------------------------------ placing

    async def _place(self) -> None:
        """Give every newly assigned partition its position, after making sure that the broker has it."""
        await self._drop_fetch()
        consumer, generation = self._live(), self._generation
        partitions = sorted(self._unplaced)
        wanted = await self._starting_offsets(list(map(ours, partitions)))
        with asking("asking for the first and last offsets"):
            async with asyncio.timeout(self._options.patience_seconds):
                first, admitted = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            expected = wanted.get(ours(partition))
            start = await self._start_of(consumer, partition, expected, first[partition], admitted[partition])
            if self._generation != generation:
                return  # a rebalance came between: whatever is assigned now is placed by the next poll
            self._unplaced.discard(partition)
            with asking(f"seeking in {partition.topic}-{partition.partition}"):
                if start is None:
                    self._halted.add(ours(partition))
                    consumer.seek(partition, first[partition])
                else:
                    consumer.seek(partition, start)
                    self._position[partition] = start
                self._let_flow(consumer, [partition])
        self._last_contact = time.monotonic()

    async def _start_of(self, consumer: AIOKafkaConsumer, partition: ClientPartition, expected: int | None, first: int, admitted: int) -> int | None:
        """The offset to begin at, None to leave the partition alone. The owner is asked when the broker does not have the expected one."""
        if expected is None:
            return first
        if first <= expected <= admitted:
            return expected
        with asking(f"looking for the end of {partition.topic}-{partition.partition}"):
            consumer.resume(partition)
            try:
                last = await true_end(consumer, partition, first, admitted, patience=self._options.patience_seconds)
            finally:
                consumer.pause(partition)
        if first <= expected <= last:
            return expected
        gap = Gap(partition.topic, partition.partition, expected, first, last)
        match await self._on_gap(gap):
            case ResumeAt(offset=offset) if first <= offset <= last:
                return offset
            case ResumeAt(offset=offset):
                raise FatalFault(f"{gap}; the answer was to go on at {offset}, which is not there either")
            case HaltPartition():
                return None

    def _let_flow(self, consumer: AIOKafkaConsumer, partitions: Collection[ClientPartition]) -> None:
        for partition in partitions:
            if partition in self._position and ours(partition) not in self._held_back:
                consumer.resume(partition)
            else:
                consumer.pause(partition)

    def _apply_pauses(self, partitions: Collection[TopicPartition]) -> None:
        if self._consumer is not None:
            self._let_flow(self._consumer, [each for each in map(theirs, partitions) if each in self._position])

    # ------------------------------------------------------------------ reading

    async def _read(self, wait: float) -> Batch:
        consumer = self._live()
        if len(self._surplus) >= self._options.max_records:
            return await self._batch(consumer)
        if self._fetch is None:
            if self._unplaced or not self._subscribed:
                await asyncio.sleep(min(wait, _NO_ASSIGNMENT_SECONDS))
                return self._empty()
            self._fetch_generation = self._generation
            # A fetch is never cancelled while the consumer lives (aiokafka would count it as running for ever): it is left for the next poll instead.
            milliseconds = _FILL_MS if self._surplus else max(1, int(wait * 1000))
            self._fetch = asyncio.create_task(consumer.getmany(*self._position, timeout_ms=milliseconds), name="cohort-sync-fetch")
        fetch = self._fetch
        await asyncio.wait({fetch}, timeout=wait + 1.0)
        if not fetch.done() or fetch.cancelled() or fetch is not self._fetch:
            return self._empty()
        self._fetch = None
        with asking("reading"):
            try:
                fetched = fetch.result()
            except NoOffsetForPartitionError:
                return self._empty()  # of a partition that was just assigned and is placed by the next poll
        if self._fetch_generation != self._generation:
            return self._empty()
        self._surplus.add(fetched)
        return await self._batch(consumer)

    async def _batch(self, consumer: AIOKafkaConsumer) -> Batch:
        by_partition: dict[TopicPartition, tuple[SourceRecord, ...]] = {}
        starts: dict[TopicPartition, int] = {}
        ends: dict[TopicPartition, int] = {}
        for partition, records in self._surplus.take(self._options.max_records).items():
            if partition not in self._position:
                continue
            key = ours(partition)
            if key in self._held_back:
                consumer.seek(partition, self._position[partition])  # fetched before it was paused: it comes again after `resume`
                self._surplus.drop(partition)
                continue
            by_partition[key] = tuple(map(source_record, records))
            starts[key], ends[key] = self._position[partition], records[-1].offset + 1
            self._position[partition] = ends[key]
        if by_partition:
            self._batch_done.clear()
            self._last_contact = time.monotonic()
        else:
            await self._look_around(consumer)
        return Batch(by_partition, starts, ends, self._generation)

    async def _look_around(self, consumer: AIOKafkaConsumer) -> None:
        """When nothing came: step over what holds no records, see whether the broker has lost what was read, and whether it is still there."""
        for partition, position in list(self._position.items()):
            mark = consumer.highwater(partition)
            if mark is None or mark == position:
                continue
            if mark < position:
                raise LostError(TransientFault(f"{partition.topic}-{partition.partition} ends at {mark}, but was read up to {position}: it was made anew"))
            self._reached[partition] = await consumer.position(partition)  # control records and compacted ones are not handed out
        if time.monotonic() - self._last_contact >= self._options.idle_check_seconds:
            with asking("asking whether the broker is still there"):
                async with asyncio.timeout(self._options.patience_seconds):
                    if self._position:
                        await consumer.end_offsets(list(self._position))
                    else:
                        await consumer.topics()
            self._last_contact = time.monotonic()

    async def _drop_fetch(self) -> None:
        """Wait for a fetch of an earlier assignment and forget what it brought: it is read again from where the partitions are placed."""
        if self._fetch is not None:
            await asyncio.wait({self._fetch}, timeout=self._options.patience_seconds)
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)
            self._fetch = None

    def _watermark(self, partition: ClientPartition) -> int | None:
        if self._consumer is None or partition not in self._consumer.assignment():
            return None
        return self._consumer.highwater(partition)

    def _empty(self) -> Batch:
        return Batch({}, {}, {}, self._generation)
