"""The mapping path: source records through the real broker protocol and a whole worker process until their events are acknowledged on the cohort topic."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.feed import fill, make_topics
from bench.progress import rate_of
from bench.results import Measurement, median
from bench.source_records import ROWS_TOPIC, TABLES_TOPIC, rows, tables
from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.worker import WorkerProcess, member_config

ROWS, SHAPE_EVERY = 40_000, 1000
TABLES = 2_000
RUNS = 3
TARGET_A = 6000


def measure() -> list[Measurement]:
    """A: rows of which few change the shape. B: tables, each a whole object."""
    with tempfile.TemporaryDirectory(prefix="cohort-sync-bench-") as name:
        rates_a = [_run(Path(name) / f"a{run}", ROWS_TOPIC, rows(ROWS, SHAPE_EVERY))[0] for run in range(RUNS)]
        runs_b = [_run(Path(name) / f"b{run}", TABLES_TOPIC, tables(TABLES)) for run in range(RUNS)]
    outbound = [rate * sent / TABLES for rate, sent in runs_b]
    note = f"{ROWS:,} rows, one in {SHAPE_EVERY:,} changes the shape"
    return [
        median("A: rows, mapped and published", rates_a, "/s", at_least=TARGET_A, note=note),
        median("B: CREATE records, the same", [rate for rate, _ in runs_b], "/s", note=f"{TABLES:,} tables"),
        median("B: events announced", outbound, "/s"),
    ]


def _run(place: Path, topic: str, values: Sequence[bytes]) -> tuple[float, int]:
    """Source records a second until all are read and the outbox is empty, and how many events were announced."""
    cohort = cohort_topics("bench")
    with EmbeddedBroker() as broker:
        make_topics(broker.bootstrap, [*cohort.all, topic])
        fill(broker.bootstrap, topic, b"k", values)
        source = {"name": "bench", "mapper": "debezium", "topics": [topic]}
        config = member_config("bench", cohort="bench", bootstrap=broker.bootstrap, sources=[source])
        with WorkerProcess(place, config) as worker:
            worker.start()
            rate = rate_of(worker, lambda: worker.records_read([topic]), len(values), finished=lambda: worker.outbox_is_empty)
            worker.wait_until(lambda: worker.records_read([cohort.instances]) > 0, 30, "it has read its own events back")
            sent = _settled(worker, cohort.instances)
            worker.stop()
    return rate, sent


def _settled(worker: WorkerProcess, topic: str) -> int:
    """How many events are on the topic: its own reader has come to the end when the number stays."""
    before = -1

    def stays() -> bool:
        nonlocal before
        now = worker.records_read([topic])
        same, before = now == before, now
        return same and worker.outbox_is_empty

    worker.wait_until(stays, 60, "its own events are read back")
    return before
