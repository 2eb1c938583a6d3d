"""The apply path: events of a peer through the real broker protocol and a whole worker process into SQLite (synchronous=FULL), against the bare ceiling.

Three readings of one run (docs/adr/0007-apply-path.md):
    decode included   both sides make rows of bytes
    decode excluded   the worker makes rows of bytes, the ceiling is given rows: the straight reading of the target, and not like for like
    less decoding     what decoding alone takes is subtracted from the worker's time. The worker hides a part of it behind the disk, so this flatters; what is
                      like for like lies between this one and the one before. It has no target
"""

import tempfile
from functools import partial
from pathlib import Path

from bench.ceiling import bare_rate, bare_rate_with_decode, decode_rate, rows_of
from bench.events import KEY, rising, size_of
from bench.feed import fill, make_topics
from bench.progress import rate_of
from bench.results import Measurement, median
from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.worker import WorkerProcess, member_config
from schemas import read_pack

ENTITIES, VERSIONS = 10_000, 10
BATCH = 1000
PAIRS = 3
TARGET = 0.6


def measure() -> list[Measurement]:
    """Worker and ceilings by turns, so that a ratio is always of neighbours in time."""
    events = rising(TypeRegistry.from_pack(read_pack("6.1")), ENTITIES, VERSIONS)
    batches = [events[begin : begin + BATCH] for begin in range(0, len(events), BATCH)]
    decoded = [[rows_of(event) for event in batch] for batch in batches]
    topics = cohort_topics("bench")
    worker_rates, with_decode, without_decode, decoding = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="cohort-sync-bench-") as name, EmbeddedBroker() as broker:
        make_topics(broker.bootstrap, topics.all)
        fill(broker.bootstrap, topics.instances, KEY, events)
        for number in range(PAIRS):
            place = Path(name) / str(number)
            config = member_config("bench", cohort="bench", bootstrap=broker.bootstrap, collection_id=f"bench-{number}", worker={"batch_size": BATCH})
            with WorkerProcess(place, config) as worker:
                worker.start()
                worker_rates.append(rate_of(worker, partial(worker.records_read, [topics.instances]), len(events)))
                worker.stop()
            with_decode.append(bare_rate_with_decode(place / "bare-decode.db", batches))
            without_decode.append(bare_rate(place / "bare.db", decoded))
            decoding.append(decode_rate(batches))
    size = f"{len(events):,} events of {size_of(events):,} bytes, {VERSIONS} versions of {ENTITIES:,} entities"
    return [
        median("worker: events applied", worker_rates, "/s", note=size),
        median("ceiling, decode included", with_decode, "/s"),
        median("ceiling, decode excluded", without_decode, "/s"),
        median("decoding alone", decoding, "/s"),
        median("worker / ceiling, decode included", [a / b for a, b in zip(worker_rates, with_decode, strict=True)], "", at_least=TARGET),
        median("worker / ceiling, decode excluded", [a / b for a, b in zip(worker_rates, without_decode, strict=True)], "", at_least=TARGET),
        median("worker / ceiling, less decoding", list(map(_less_decoding, worker_rates, decoding, without_decode)), ""),
    ]


def _less_decoding(worker: float, decoding: float, ceiling: float) -> float:
    """Of rates: what would be the worker's if decoding took no time, as a part of the ceiling."""
    return 1 / (1 / worker - 1 / decoding) / ceiling
