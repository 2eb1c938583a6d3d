"""The repository services of a worker over HTTP: how long a call takes when the store is large, idle, and while a peer's events are applied."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.calls import Call, Caller, Calls, milliseconds
from bench.feed import make_topics
from bench.large_store import make_store
from bench.peer_load import RATE, peer_load
from bench.results import Measurement
from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.worker import WorkerProcess, member_config

ENTITIES = 100_000
CALLS = 300
CALLS_UNDER_LOAD = 100
SECONDS = 4.0
"""So long one kind of call is measured at most."""
_TOPICS = cohort_topics("bench")


class Timed(NamedTuple):
    """One kind of call, and what it may take in ms on a machine that does nothing else."""

    name: str
    call: Call
    p50: float | None = None
    p99: float | None = None


def kinds(entities: int) -> list[Timed]:
    """What is measured, reads before writes."""
    calls = Calls(entities)
    return [
        Timed("getEntityDetail", calls.detail, 2, 10),
        Timed("isEntityKnown", calls.known),
        Timed("getRelationshipsForEntity", calls.relationships),
        Timed("findEntitiesByProperty, exact qualifiedName", calls.named, 5),
        Timed("findEntitiesByProperty, a type, pages of 100", calls.of_type, 30),
        Timed("the same, the last pages", calls.of_type_at_the_end),
        Timed("the same, most recently updated first", calls.of_type_recent),
        Timed("the same, by a property", calls.of_type_ascending),
        Timed("findEntitiesByPropertyValue, contained", calls.containing, 50),
        Timed("getEntityNeighborhood, level 2", calls.neighbourhood),
        Timed("saveEntityReferenceCopy", calls.save_copy, 5),
        Timed("addEntity", calls.add),
    ]


def measure() -> list[Measurement]:
    """Medians and 99th percentiles in ms. Idle they have targets; under load they are reported."""
    with served(ENTITIES) as (worker, broker):
        found = timed(worker, ENTITIES, CALLS)
        with peer_load(broker.bootstrap, _TOPICS.instances, ENTITIES):
            worker.wait_until(lambda: worker.records_read([_TOPICS.instances]) > RATE, 60, "the events of the peer are applied")
            began, first = time.perf_counter(), worker.records_read([_TOPICS.instances])
            loaded = timed(worker, ENTITIES, CALLS_UNDER_LOAD)
            rate = (worker.records_read([_TOPICS.instances]) - first) / (time.perf_counter() - began)
    found.append(Measurement(name=f"under load: events applied, of {RATE:,} sent", value=round(rate), unit="/s"))
    found += [Measurement(name=f"under load: {one.name}", value=one.value, unit=one.unit) for one in loaded]
    return found


@contextmanager
def served(entities: int, fill: Callable[[Path, int], None] = make_store) -> Iterator[tuple[WorkerProcess, EmbeddedBroker]]:
    """A worker that is ready, over a store with so many entities and relationships."""
    with tempfile.TemporaryDirectory(prefix="cohort-sync-bench-") as name, EmbeddedBroker() as broker:
        make_topics(broker.bootstrap, _TOPICS.all)
        with WorkerProcess(Path(name) / "worker", member_config("bench", cohort="bench", bootstrap=broker.bootstrap)) as worker:
            fill(worker.store_path, entities)
            worker.start()
            worker.wait_until(lambda: worker.ready, 60, "it is ready")
            yield worker, broker
            worker.stop()


def timed(worker: WorkerProcess, entities: int, calls: int) -> list[Measurement]:
    """Each kind of call, one after the other over one connection."""
    found = []
    with closing(Caller(worker.url or "", "bench")) as caller:
        for kind in kinds(entities):
            times = milliseconds(caller, kind.call, calls, SECONDS)
            for what, share, limit in (("p50", 0.5, kind.p50), ("p99", 0.99, kind.p99)):
                found.append(Measurement(name=f"{kind.name}, {what}", value=round(times[int(len(times) * share)], 3), unit="ms", at_most=limit))
    return found
