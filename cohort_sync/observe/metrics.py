"""Prometheus metrics of a worker behind a small typed face: planners' results and readings go in, nobody else names a metric.

Counters start with the process and only grow; gauges are the last reading. All calls are cheap and may be made from any thread.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

COHORT: Final = "cohort"
CHANNELS: Final = ("registration", "types", "instances")
EDGES: Final = ("broker", "store")
ALARMS: Final = ("second_member", "peer_report", "type_conflict", "loop_lag", "mapper_hung")

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RECORDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)


class Metrics:
    """The metrics of one worker, in a registry of their own. `flow` is "cohort" or the name of a source; `channel` is registration, types or instances."""

    def __init__(self, *, version: str, member: str, metadata_collection_id: str, type_release: str) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        info = ("version", "member", "metadata_collection_id", "type_release")
        Gauge("cohort_sync_info", "Always 1; the labels say which member this is.", info, registry=registry).labels(
            version, member, metadata_collection_id, type_release
        ).set(1)
        self._applied = Counter("cohort_sync_events_applied", "Events of other members by what became of them.", ("verdict", "event_type"), registry=registry)
        self._source_records = Counter("cohort_sync_source_records", "Records of a source by outcome.", ("source", "outcome"), registry=registry)
        self._sent = Counter("cohort_sync_events_sent", "Events that the broker has acknowledged.", ("channel",), registry=registry)
        self._dead_letters = Counter(
            "cohort_sync_dead_letters", "Records that became dead letters, by the stage that refused them.", ("flow", "stage"), registry=registry
        )
        self._faults = Counter("cohort_sync_transient_faults", "Faults that were waited out, by where they happened.", ("edge",), registry=registry)
        self._alarms = Counter("cohort_sync_alarms", "What an operator should look at, by kind; the log has the details.", ("alarm",), registry=registry)
        self._gaps = Counter("cohort_sync_gaps", "Positions that the broker no longer had.", ("topic",), registry=registry)
        self._batch_seconds = Histogram("cohort_sync_batch_seconds", "Time from a polled batch to its commit.", ("flow",), buckets=_SECONDS, registry=registry)
        self._batch_records = Histogram("cohort_sync_batch_records", "Records of a committed batch.", ("flow",), buckets=_RECORDS, registry=registry)
        self._loop_lag = Histogram("cohort_sync_loop_lag_seconds", "How late the event loop ran a timer.", buckets=_SECONDS, registry=registry)
        self._outbox = Gauge("cohort_sync_outbox_size", "Events that still have to be sent.", registry=registry)
        self._parked = Gauge("cohort_sync_parked", "Events that wait for their type.", registry=registry)
        self._members = Gauge("cohort_sync_members", "Other members that are registered in the cohort.", registry=registry)
        self._position = Gauge("cohort_sync_position", "Offset of the next record to apply.", ("topic", "partition"), registry=registry)
        self._lag = Gauge("cohort_sync_lag_records", "Records that the broker has and that are not applied yet.", ("topic", "partition"), registry=registry)
        self._condition = Gauge("cohort_sync_condition", "1 when a condition of readiness holds.", ("condition",), registry=registry)
        self._halted = Gauge("cohort_sync_source_halted", "1 when a source is halted because of bad records.", ("source",), registry=registry)

    def expect(self, *, sources: Iterable[str], topics: Iterable[str]) -> None:
        """Counters of what may go wrong stand at zero from the start, so that `increase` sees the first event too. `topics` are those whose names are known."""
        self._dead_letters.labels(COHORT, COHORT)
        for source in sources:
            self._dead_letters.labels(source, "source")
            self._halted.labels(source)
        for edge in EDGES:
            self._faults.labels(edge)
        for alarm in ALARMS:
            self._alarms.labels(alarm)
        for topic in topics:
            self._gaps.labels(topic)
        for channel in CHANNELS:
            self._sent.labels(channel)

    def event_applied(self, verdict: str, event_type: str, count: int = 1) -> None:
        """Events of other members that ended with this verdict."""
        self._applied.labels(verdict, event_type).inc(count)

    def source_records(self, source: str, outcomes: Mapping[str, int]) -> None:
        """The outcomes of a batch of a source: word and how many records."""
        for outcome, count in outcomes.items():
            self._source_records.labels(source, outcome).inc(count)

    def sent(self, channel: str, count: int = 1) -> None:
        """Events of a channel that the broker has acknowledged."""
        self._sent.labels(channel).inc(count)

    def dead_letter(self, flow: str, stage: str, count: int = 1) -> None:
        """Records of a flow that became dead letters."""
        self._dead_letters.labels(flow, stage).inc(count)

    def transient_fault(self, edge: str) -> None:
        """A fault that is waited out; `edge` is where: broker, store, network."""
        self._faults.labels(edge).inc()

    def alarm(self, alarm: str) -> None:
        """Something that an operator should look at."""
        self._alarms.labels(alarm).inc()

    def gap(self, topic: str) -> None:
        """A position of this topic that the broker no longer had."""
        self._gaps.labels(topic).inc()

    def batch(self, flow: str, seconds: float, records: int) -> None:
        """A committed batch."""
        self._batch_seconds.labels(flow).observe(seconds)
        self._batch_records.labels(flow).observe(records)

    def loop_lag(self, seconds: float) -> None:
        """How late the event loop ran a timer."""
        self._loop_lag.observe(seconds)

    def outbox(self, size: int) -> None:
        """Events that still have to be sent."""
        self._outbox.set(size)

    def parked(self, size: int) -> None:
        """Events that wait for their type."""
        self._parked.set(size)

    def members(self, count: int) -> None:
        """Other members that are registered."""
        self._members.set(count)

    def position(self, topic: str, partition: int, next_offset: int, end_offset: int | None = None) -> None:
        """The next offset to apply and, where the broker told it, the end of the partition."""
        self._position.labels(topic, str(partition)).set(next_offset)
        if end_offset is not None:
            self._lag.labels(topic, str(partition)).set(max(0, end_offset - next_offset))

    def condition(self, name: str, holds: bool) -> None:
        """A condition of readiness."""
        self._condition.labels(name).set(int(holds))

    def halted(self, source: str, is_halted: bool) -> None:
        """Whether a source is halted."""
        self._halted.labels(source).set(int(is_halted))

    def render(self) -> bytes:
        """All metrics in the Prometheus text format (CONTENT_TYPE)."""
        return generate_latest(self._registry)
