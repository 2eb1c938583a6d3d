"""Readiness conditions, loop lag, systemd, metrics: what the worker's pages are made of."""

import asyncio
import socket
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cohort_sync.observe.health import Condition, Health
from cohort_sync.observe.loop_lag import LoopLag
from cohort_sync.observe.metrics import Metrics
from cohort_sync.observe.status import PartitionStatus, Presence
from cohort_sync.observe.systemd import Notifier

# ---------------------------------------------------------------- health


def is_ready(health: Health) -> bool:
    return health.ready


def test_ready_only_when_every_named_condition_holds() -> None:
    health = Health({"broker": "not connected yet", "types": "not read yet"}, clock=lambda: 1)
    assert not is_ready(health)
    assert list(health.reasons) == ["broker: not connected yet", "types: not read yet"]
    health.holds("broker")
    assert not is_ready(health)
    health.holds("types")
    assert is_ready(health)
    assert not list(health.reasons)
    health.fails("broker", "127.0.0.1:9092 does not answer")
    assert not is_ready(health)
    assert list(health.reasons) == ["broker: 127.0.0.1:9092 does not answer"]


def test_a_condition_nobody_named_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Health({"broker": "x"}, clock=lambda: 1).holds("brokr")


def test_changes_are_told_once_and_since_is_when_holding_changed() -> None:
    now = [100]
    told: list[Condition] = []
    health = Health({"broker": "first"}, clock=lambda: now[0], on_change=told.append)
    now[0] = 200
    health.fails("broker", "first")
    health.fails("broker", "second")
    now[0] = 300
    health.holds("broker")
    health.holds("broker")
    assert [(condition.holds, condition.reason, condition.since) for condition in told] == [(False, "second", 100), (True, "", 300)]
    assert health.conditions == (told[-1],)


# ---------------------------------------------------------------- loop lag


def block_the_loop(seconds: float) -> None:
    time.sleep(seconds)


def test_a_blocked_loop_is_measured_and_alarmed_once() -> None:
    seen: list[float] = []
    alarms: list[float] = []
    lag = LoopLag(seen.append, alarms.append, interval=0.01, threshold=0.2, quiet=30)

    async def scenario() -> None:
        task = asyncio.create_task(lag.run())
        await asyncio.sleep(0.05)
        for _ in range(2):
            block_the_loop(0.3)
            await asyncio.sleep(0.03)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    assert len(alarms) == 1
    assert sum(lateness >= 0.2 for lateness in seen) >= 2
    assert lag.worst_recent == max(seen) >= 0.2
    assert min(seen) >= 0


def test_alarms_come_back_after_the_quiet_time() -> None:
    alarms: list[float] = []
    lag = LoopLag(lambda _: None, alarms.append, threshold=1, quiet=30)
    for now, lateness in ((0, 1.0), (29, 5.0), (30, 0.9), (31, 2.0)):
        lag.sample(lateness, now)
    assert alarms == [1.0, 2.0]


# ---------------------------------------------------------------- systemd


def test_systemd_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(10)
        notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "40000", "WATCHDOG_PID": "17"}, pid=17)
        notifier.ready("member of coco\nREADY=0")
        assert systemd.recv(1000) == b"READY=1\nSTATUS=member of coco READY=0"
        notifier.status("broker away")
        assert systemd.recv(1000) == b"STATUS=broker away"
        notifier.stopping()
        assert systemd.recv(1000) == b"STOPPING=1"

        async def watched() -> None:
            task = asyncio.create_task(notifier.keep_alive())
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(watched())
        assert systemd.recv(1000) == b"WATCHDOG=1"
        assert systemd.recv(1000) == b"WATCHDOG=1"
        assert notifier.watchdog_seconds == 0.04


def test_a_socket_in_the_abstract_namespace() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("")  # the kernel picks an abstract address
        systemd.settimeout(10)
        address = systemd.getsockname()
        assert isinstance(address, bytes)
        Notifier({"NOTIFY_SOCKET": "@" + address[1:].decode()}).alive()
        assert systemd.recv(1000) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "99"}],
    ids=["unset", "zero", "odd", "another process"],
)
def test_without_systemd_nothing_is_sent_or_watched(environ: dict[str, str]) -> None:
    notifier = Notifier(environ, pid=17)
    notifier.ready()
    assert notifier.watchdog_seconds is None
    asyncio.run(asyncio.wait_for(notifier.keep_alive(), 5))


# ---------------------------------------------------------------- metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families for sample in family.samples}


def new_metrics() -> Metrics:
    return Metrics(version="1.0", member="m", metadata_collection_id="id", type_release="6.1")


def test_metrics_of_a_worker() -> None:
    metrics = new_metrics()
    metrics.event_applied("stored", "NEW_ENTITY_EVENT", 3)
    metrics.event_applied("stored", "NEW_ENTITY_EVENT")
    metrics.event_applied("stale", "UPDATED_ENTITY_EVENT")
    metrics.source_records("retail", {"applied": 5, "malformed": 1})
    metrics.sent("instances", 7)
    metrics.dead_letter("retail", "decode")
    metrics.transient_fault("broker")
    metrics.alarm("duplicate_collection_id")
    metrics.gap("t")
    metrics.batch("retail", 0.02, 6)
    metrics.loop_lag(0.3)
    metrics.outbox(9)
    metrics.parked(2)
    metrics.members(4)
    metrics.position("t", 0, 40, 50)
    metrics.position("t", 1, 60, 50)
    metrics.position("t", 2, 7)
    metrics.condition("broker", True)
    metrics.halted("retail", True)
    metrics.halted("retail", False)
    found = samples(metrics)
    expected = {
        ("cohort_sync_events_applied_total", (("event_type", "NEW_ENTITY_EVENT"), ("verdict", "stored"))): 4,
        ("cohort_sync_events_applied_total", (("event_type", "UPDATED_ENTITY_EVENT"), ("verdict", "stale"))): 1,
        ("cohort_sync_source_records_total", (("outcome", "applied"), ("source", "retail"))): 5,
        ("cohort_sync_source_records_total", (("outcome", "malformed"), ("source", "retail"))): 1,
        ("cohort_sync_events_sent_total", (("channel", "instances"),)): 7,
        ("cohort_sync_dead_letters_total", (("flow", "retail"), ("stage", "decode"))): 1,
        ("cohort_sync_transient_faults_total", (("edge", "broker"),)): 1,
        ("cohort_sync_alarms_total", (("alarm", "duplicate_collection_id"),)): 1,
        ("cohort_sync_gaps_total", (("topic", "t"),)): 1,
        ("cohort_sync_batch_seconds_count", (("flow", "retail"),)): 1,
        ("cohort_sync_batch_records_sum", (("flow", "retail"),)): 6,
        ("cohort_sync_loop_lag_seconds_sum", ()): 0.3,
        ("cohort_sync_outbox_size", ()): 9,
        ("cohort_sync_parked", ()): 2,
        ("cohort_sync_members", ()): 4,
        ("cohort_sync_position", (("partition", "0"), ("topic", "t"))): 40,
        ("cohort_sync_lag_records", (("partition", "0"), ("topic", "t"))): 10,
        ("cohort_sync_lag_records", (("partition", "1"), ("topic", "t"))): 0,
        ("cohort_sync_position", (("partition", "2"), ("topic", "t"))): 7,
        ("cohort_sync_condition", (("condition", "broker"),)): 1,
        ("cohort_sync_source_halted", (("source", "retail"),)): 0,
        ("cohort_sync_info", (("member", "m"), ("metadata_collection_id", "id"), ("type_release", "6.1"), ("version", "1.0"))): 1,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert ("cohort_sync_lag_records", (("partition", "2"), ("topic", "t"))) not in found
    assert found[("process_resident_memory_bytes", ())] > 1_000_000


def test_two_workers_in_one_process_do_not_share_metrics() -> None:
    first, second = new_metrics(), new_metrics()
    first.sent("types", 5)
    assert ("cohort_sync_events_sent_total", (("channel", "types"),)) not in samples(second)


# ---------------------------------------------------------------- presence


def test_presence_survives_the_store() -> None:
    presence = Presence(pid=17, host="h", http="http://127.0.0.1:1", version="1.0", started=5)
    assert Presence.decode(presence.encode()) == presence
    assert Presence.decode(None) is None


def test_lag_is_unknown_until_the_end_is_told_and_never_negative() -> None:
    at = PartitionStatus(flow="cohort", topic="t", partition=0, next_offset=7)
    assert at.lag is None
    assert PartitionStatus(flow="cohort", topic="t", partition=0, next_offset=7, end_offset=9).lag == 2
    assert PartitionStatus(flow="cohort", topic="t", partition=0, next_offset=9, end_offset=7).lag == 0
