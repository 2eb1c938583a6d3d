"""The same events of a made peer, on a real broker, applied by ours (SQLite on disk, synchronous=FULL) and by Egeria (in memory), one after the other."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2

from bench.events import KEY, rising, size_of
from bench.peers.stage import RELEASE, Stage
from bench.progress import rate_of
from bench.results import Measurement, median
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.testing.worker import WorkerProcess
from schemas import read_pack
from tests.peers.egeria import EgeriaMember
from tests.peers.rest import EgeriaClient, EgeriaError

ENTITIES, VERSIONS = 4_000, 5
RUNS = 3
TUNED = 10_000
AS_SHIPPED_TARGET, TUNED_TARGET = 20, 8
_PATIENCE_SECONDS = 240.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(stage: Stage) -> list[Measurement]:
    """Everything is on the topic before a member starts; its own start does not count."""
    registry = TypeRegistry.from_pack(read_pack(RELEASE))
    events = rising(registry, ENTITIES, VERSIONS)
    ours = [_ours(stage, f"apply-ours-{number}", events) for number in range(RUNS)]
    shipped, shipped_cpu = _egeria(stage, "apply-shipped", events, None)
    tuned, tuned_cpu = _egeria(stage, "apply-tuned", events, TUNED)
    size = f"{len(events):,} events of {size_of(events):,} bytes, {VERSIONS} versions of {ENTITIES:,} entities"
    rates = [rate for rate, _ in ours]
    return [
        median("ours", rates, "/s", note=size),
        Measurement(name="Egeria as shipped", value=round(shipped, 1), unit="/s", note="auto.offset.reset=earliest, so that it finds the events"),
        Measurement(name="Egeria tuned", value=round(tuned, 1), unit="/s", note=f"max.poll.records={TUNED}"),
        median("ours / Egeria as shipped", [rate / shipped for rate in rates], "", at_least=AS_SHIPPED_TARGET),
        median("ours / Egeria tuned", [rate / tuned for rate in rates], "", at_least=TUNED_TARGET),
        median("ours: CPU for 1,000 events", [cpu for _, cpu in ours], "s"),
        Measurement(name="Egeria as shipped: the same", value=round(shipped_cpu, 3), unit="s", note="on a busy machine a better guide than the rates"),
        Measurement(name="Egeria tuned: the same", value=round(tuned_cpu, 3), unit="s"),
    ]


def _ours(stage: Stage, name: str, events: list[bytes]) -> tuple[float, float]:
    """Events a second, and seconds of processor time for a thousand of them."""
    topics = stage.cohort(name, events, KEY)
    with stage.ours(name, name) as worker:
        read = partial(worker.records_read, [topics.instances])
        worker.wait_until(lambda: read() > 0, _PATIENCE_SECONDS, "it has applied the first events")
        first, cpu = read(), _cpu_seconds(worker.pid)
        rate = rate_of(worker, read, len(events))
        cpu = _cpu_seconds(worker.pid) - cpu
        _check(name, partial(_version_here, worker))
    return rate, cpu * 1000 / (len(events) - first)


def _egeria(stage: Stage, name: str, events: list[bytes], max_poll_records: int | None) -> tuple[float, float]:
    """The same; from the moment when its REST API has the first entity until it has the last version of the last one."""
    stage.cohort(name, events, KEY)
    with stage.egeria(name, name, max_poll_records=max_poll_records) as member, member.client() as client:
        there = partial(_version_there, client)
        _wait(member, lambda: there(_guid(0)) >= 1)
        began, cpu = time.perf_counter(), _cpu_seconds(member.process.process_id)
        _wait(member, lambda: there(_guid(ENTITIES - 1)) >= VERSIONS)
        seconds = time.perf_counter() - began
        cpu = _cpu_seconds(member.process.process_id) - cpu
        _check(name, there)
    return len(events) / seconds, cpu * 1000 / len(events)


def _guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def _version_here(worker: WorkerProcess, guid: str) -> int:
    return worker.look(lambda reader: sum(row.version for row in reader.instances([guid]).values()), 0)


def _version_there(client: EgeriaClient, guid: str) -> int:
    """0 while it is not known, or nobody answers yet."""
    try:
        entity = client.entity_if_known(guid)
    except (EgeriaError, httpx2.TransportError):
        return 0
    return 0 if entity is None else int(entity["version"])


def _wait(member: EgeriaMember, done: Callable[[], bool]) -> None:
    member.process.wait_until(done, timeout=_PATIENCE_SECONDS, what="it has applied the events")


def _check(name: str, version: Callable[[str], int]) -> None:
    """A rate counts only when everything was applied: RuntimeError for an entity that is not at its last version."""
    behind = {guid: seen for guid in map(_guid, range(0, ENTITIES, 37)) if (seen := version(guid)) != VERSIONS}
    if behind:
        raise RuntimeError(f"{name}: these entities are not at version {VERSIONS}: {behind}")


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process until now. Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
