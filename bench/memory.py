"""How much memory a worker takes that finds a large backlog at its start."""

import tempfile
from pathlib import Path

from bench.events import KEY, rising, size_of
from bench.feed import fill, make_topics
from bench.progress import rate_of
from bench.results import Measurement
from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.worker import WorkerProcess, member_config
from schemas import read_pack

ENTITIES, VERSIONS = 20_000, 10
TARGET_MIB = 256


def measure() -> list[Measurement]:
    """The peak of the resident memory (VmHWM) from the start until the backlog is applied."""
    topics = cohort_topics("bench")
    registry = TypeRegistry.from_pack(read_pack("6.1"))
    with tempfile.TemporaryDirectory(prefix="cohort-sync-bench-") as name, EmbeddedBroker() as broker:
        make_topics(broker.bootstrap, topics.all)
        events = rising(registry, ENTITIES, VERSIONS)
        number, size = len(events), size_of(events)
        fill(broker.bootstrap, topics.instances, KEY, events)
        del events
        with WorkerProcess(Path(name) / "worker", member_config("bench", cohort="bench", bootstrap=broker.bootstrap)) as worker:
            worker.start()
            rate_of(worker, lambda: worker.records_read([topics.instances]), number)
            peak = worker.peak_memory
            worker.stop()
    note = f"{number:,} events of {size:,} bytes"
    return [Measurement(name="worker: peak memory", value=round(peak / (1 << 20), 1), unit="MiB", at_most=TARGET_MIB, note=note)]
