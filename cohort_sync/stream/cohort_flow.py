"""The apply service: the cohort topics into reference copies, members and types (design, flow 2).

At every connection `registration` and `types` are read up to their heads before `instances` is begun, and within a batch they go first, so that an instance
finds its type. Joining is this flow's last step of catching up: what the others said before is known then, and a second member with our id is found in time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress

import structlog

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.decoding import DecodedRecord
from cohort_sync.cohort.inbound.planner import plan_inbound
from cohort_sync.cohort.inbound.ready import prepare_records
from cohort_sync.cohort.inbound.report import InboundReport
from cohort_sync.cohort.topics import CohortTopics
from cohort_sync.mapping.record import TopicPartition
from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.flow import Flow
from cohort_sync.stream.position_book import PositionBook
from cohort_sync.stream.reading import Batch

_log = structlog.stdlib.get_logger(__name__)
_TOLD = frozenset({Verdict.NOT_HOME, Verdict.CONFLICT, Verdict.REFUSED})
"""Verdicts that an operator wants to read about one by one."""
_ECHO_SECONDS = 0.05
"""So long a batch that holds nothing but what we have sent waits for more: it moves a position and nothing else, and the commit of each single one would come
between those of whoever changes something here."""
FLOW = "cohort"


class CohortFlow(Flow[list[DecodedRecord]]):
    """Applies what the other members announce. `joined` is set once we are announced to the cohort; until then `check` sees each batch before it is committed,
    and raises FatalFault when this member must not join."""

    def __init__(
        self,
        reader: BatchReader,
        book: PositionBook,
        topics: CohortTopics,
        context: Callable[[], InboundContext],
        store: Store,
        *,
        check: Callable[[list[DecodedRecord]], None],
        join: Callable[[], Awaitable[None]],
        learned: Callable[[InboundReport], None],
        committed: Callable[[], None],
        planning: asyncio.Lock,
        metrics: Metrics,
        receive: bool,
        stopping: asyncio.Event,
    ) -> None:
        super().__init__(FLOW, reader, metrics, stopping)
        self._book = book
        self._topics = topics
        self._context = context
        self._store = store
        self._check = check
        self._join = join
        self._learned = learned
        self._committed = committed
        self._planning = planning
        self._receive = receive
        self._partitions = [TopicPartition(topic, 0) for topic in topics.all]
        self._instances = TopicPartition(topics.instances, 0)
        self.disconnected = False
        """Whether nothing is read because somebody said so."""
        self._order = {topic: number for number, topic in enumerate(topics.all)}
        self._behind = True
        self.joined = asyncio.Event()
        reader.pause(self._instances)

    @property
    def may_be_ready(self) -> bool:
        return self.joined.is_set() and not self._behind

    def disconnect(self) -> None:
        """Read nothing until `connect`. What is in hand is applied."""
        self.disconnected = True
        self.reader.pause(*self._partitions)

    def connect(self) -> None:
        """Take back `disconnect`: the others first, `instances` when they are read."""
        self.disconnected = False
        self._behind = True
        self.reader.resume(*(each for each in self._partitions if each != self._instances))

    def reconnected(self) -> None:
        """Called before each connection: `instances` waits again until the other two are read."""
        self._behind = True
        self.reader.pause(self._instances)

    async def prepare(self, batch: Batch) -> list[DecodedRecord]:
        ordered = [record for key in sorted(batch.by_partition, key=self._rank) for record in batch.by_partition[key]]
        context = self._context()
        if ordered and not self._behind and all(record.key == context.own_key.value for record in ordered):
            await self._pause(_ECHO_SECONDS)
        return await asyncio.to_thread(prepare_records, ordered, context) if ordered else []

    async def _pause(self, seconds: float) -> None:
        """A stop ends it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def commit(self, batch: Batch, work: list[DecodedRecord]) -> None:
        async with self._planning:  # a dead letter that is replayed beside this flow may teach a type too
            await self._commit(batch, work)

    async def _commit(self, batch: Batch, decoded: list[DecodedRecord]) -> None:
        context = self._context()
        if not self.joined.is_set():
            self._check(decoded)

        def plan(reader: Reader) -> tuple[WriteSet, InboundReport]:
            writes, report = plan_inbound(reader, decoded, context)
            writes.positions = moves
            return writes, report

        # While this flow catches up, what is done between two batches depends on what is read: then nothing is read ahead.
        ahead = nullcontext() if self._behind else self.reading_ahead()
        async with self._book.moving:
            moves = self._book.moves(batch)
            with ahead as committing:
                report = await self._store.transact(plan, committing=committing)
            self._book.committed(batch.ends)
        self.reader.mirror(batch.ends)
        self._learned(report)
        self._tell(report)
        if report.announced:
            self._committed()

    def _rank(self, key: TopicPartition) -> tuple[int, int]:
        return self._order[key.topic], key.partition

    def _tell(self, report: InboundReport) -> None:
        for (verdict, event_type), count in report.counts().items():
            self.metrics.event_applied(verdict.value, event_type, count)
        for result in report.results:
            if result.verdict in _TOLD:
                told = _log.warning if result.verdict is Verdict.REFUSED else _log.info
                told(
                    "An event of another member was not applied",
                    verdict=result.verdict.value,
                    event_type=result.event_type,
                    guid=result.guid,
                    type=result.type_name,
                    originator=result.originator,
                    at=result.record.place,
                    reason=result.reason,
                )
                if result.verdict is Verdict.REFUSED:
                    self.metrics.dead_letter(FLOW, "cohort")
        for alarm in report.alarms:
            self.metrics.alarm(alarm.kind)
            _log.error("The cohort needs a look", alarm=alarm.kind, what=alarm.text)

    async def between(self) -> None:
        """Begin `instances` when the other two are read up to their heads, and join the cohort the first time."""
        if self.disconnected or not self._behind or not self.reader.caught_up((self._topics.registration, self._topics.types)):
            return
        self._behind = False
        if not self.joined.is_set():
            await self._join()
            self.joined.set()
        if self._receive:
            self.reader.resume(self._instances)
