"""The flow of one source: its records through a mapper agent into home instances (design, flow 1)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

import structlog

from cohort_sync.cohort.outbound import SourceContext, SourceReport, plan_source_batch
from cohort_sync.cohort.outbound.planner import HALTED
from cohort_sync.mapping.record import SourceRecord, TopicPartition
from cohort_sync.mapping.spi import Malformed, Mapper, Meaning
from cohort_sync.observe.metrics import Metrics
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.flow import Clock, Flow
from cohort_sync.stream.position_book import PositionBook
from cohort_sync.stream.reading import Batch
from cohort_sync.stream.shell import BatchAgent

_log = structlog.stdlib.get_logger(__name__)
_HALT_CHECK_SECONDS = 1.0
_LEFT_OUT = frozenset({"ignored", "unknown"})
_TOLD_AT_MOST = 1000
"""A reason is told once a topic; the counts of all are in the metrics."""
EventT = TypeVar("EventT")
Decoded = list[tuple[SourceRecord, "EventT | Meaning"]]


Watching = Callable[[], AbstractContextManager[None]]
"""Is around everything that a mapper does for a batch: the planning of it, but not its commit."""


def decoder(mapper: Mapper[EventT], max_record_bytes: int, watching: Watching = nullcontext) -> Callable[[Batch], "Decoded[EventT]"]:
    """The mapper agent's work: decode every record of a batch. An oversized record is refused before its mapper sees it."""

    decode_record = record_decoder(mapper, max_record_bytes)

    def decode(batch: Batch) -> "Decoded[EventT]":
        with watching():
            return [(record, decode_record(record)) for record in batch]

    return decode


def record_decoder(mapper: Mapper[EventT], max_record_bytes: int) -> Callable[[SourceRecord], "EventT | Meaning"]:
    """The same for one record."""

    def decode(record: SourceRecord) -> "EventT | Meaning":
        size = len(record.value or b"")
        if size > max_record_bytes:
            return Malformed(f"the value has {size} bytes, more than the limit of {max_record_bytes} (kafka.max_event_bytes)")
        return mapper.decode(record)

    return decode


class SourceFlow(Flow[None], Generic[EventT]):
    """Reads the topics of one source. A halted source keeps its place in the group and reads nothing until it is told to resume."""

    def __init__(
        self,
        reader: BatchReader,
        book: PositionBook,
        agent: "BatchAgent[Batch, Decoded[EventT]]",
        mapper: Mapper[EventT],
        context: Callable[[], SourceContext],
        store: Store,
        *,
        metrics: Metrics,
        clock: Clock,
        committed: Callable[[], None],
        halted: Callable[[str, str | None], None],
        stopping: asyncio.Event,
        watching: Watching = nullcontext,
    ) -> None:
        super().__init__(context().source, reader, metrics, stopping)
        self._book = book
        self._agent = agent
        self._mapper = mapper
        self._context = context
        self._store = store
        self._clock = clock
        self._committed = committed
        self._tell_halted = halted
        self._watching = watching
        self._reason: str | None = None
        self._paused: set[TopicPartition] = set()
        self._told: set[tuple[str, str]] = set()

    @property
    def may_be_ready(self) -> bool:
        return self._reason is None

    async def start(self) -> None:
        """Take up the halt of an earlier run."""
        await self._look_for_halt()

    async def prepare(self, batch: Batch) -> None:
        """Nothing: the mapper agent is asked when the batch is committed, after it is known that the source is not halted."""

    async def commit(self, batch: Batch, _work: None) -> None:
        if self._reason is not None:  # partitions that were assigned after the halt
            self._pause(batch.starts)
            self.reader.reposition()
            return
        decoded = await self._agent.submit(batch)
        while decoded and self._reason is None:
            decoded = decoded[await self._commit_some(decoded, batch) :]

    async def _commit_some(self, decoded: "Decoded[EventT]", batch: Batch) -> int:
        """One transaction; how many of the records it took. What follows is committed next, or read again when the source is halted."""
        expected = self._book.expectations(batch)
        context, now = self._context(), self._clock()

        def plan(reader: Reader) -> tuple[WriteSet, SourceReport]:
            with self._watching():
                return plan_source_batch(reader, decoded, self._mapper, context, expected, now)

        report = await self._store.transact(plan)
        done = [record for record, _ in decoded[: report.consumed]]
        ends = {record.source: record.offset + 1 for record in done}
        self._book.committed(ends)
        self.reader.mirror(ends)
        self._tell(report, done)
        if report.halted is not None:
            self._halt(report.halted)
            self._pause(batch.starts)
            self.reader.reposition()
        if report.announced:
            self._committed()
        return report.consumed

    def _tell(self, report: SourceReport, records: list[SourceRecord]) -> None:
        self.metrics.source_records(self.name, Counter(outcome.word for outcome in report.outcomes))
        for record, outcome in zip(records, report.outcomes, strict=True):
            if outcome.word == "malformed":
                self.metrics.dead_letter(self.name, "source")
                _log.warning(
                    "A record could not be used and is a dead letter now", source=self.name, at=record.place, reason=outcome.reason, see="cohort-sync dlq list"
                )
            elif outcome.word in _LEFT_OUT and (record.topic, outcome.reason) not in self._told:
                if len(self._told) < _TOLD_AT_MOST:
                    self._told.add((record.topic, outcome.reason))
                _log.info("Records are left out", source=self.name, outcome=outcome.word, first=record.place, reason=outcome.reason)

    async def between(self) -> None:
        if self._reason is not None:
            await asyncio.sleep(_HALT_CHECK_SECONDS)
            await self._look_for_halt()

    async def _look_for_halt(self) -> None:
        reason = await self._store.read(lambda reader: reader.fact(HALTED + self.name))
        if reason == self._reason:
            return
        if reason is not None:
            self._halt(reason)
        else:
            _log.info("The source goes on", source=self.name)
            self._reason = None
            self._tell_halted(self.name, None)
            self.reader.resume(*self._paused)
            self._paused.clear()

    def _halt(self, reason: str) -> None:
        self._reason = reason
        self._tell_halted(self.name, reason)
        self._pause(self.reader.positions)
        _log.error("The source is halted", source=self.name, reason=reason)

    def _pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused.update(partitions)
        self.reader.pause(*self._paused)
