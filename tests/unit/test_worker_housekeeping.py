"""Rounds of housekeeping: what is looked after, when, and with which times."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from structlog.testing import capture_logs

import cohort_sync.worker.housekeeping as module
from cohort_sync.config.settings import StoreSettings
from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import GuardRow, MemberRow, OutboxRow, ParkedRow, PositionMove
from cohort_sync.worker.housekeeping import Housekeeping

DAY = 86_400_000
NOW = 1_000 * DAY


class Keeper:
    """Housekeeping over a store in memory, with the pauses shortened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: StoreSettings | None = None) -> None:
        monkeypatch.setattr(module, "_EVERY_SECONDS", 0.002)
        self.metrics = Metrics(version="1", member="m", metadata_collection_id="i", type_release="6.1")
        self.settings = settings or StoreSettings(path="x.db")
        self.looks = self.expiries = 0
        self.expire: Callable[[], Awaitable[None]] = self._count_expiry
        self.written_at = NOW

    async def _count_expiry(self) -> None:
        self.expiries += 1

    def run(self, rounds: int, writes: WriteSet | None = None, *, ends: Mapping[tuple[str, int], int] | None = None) -> MemoryStore:
        """So many rounds."""
        store = MemoryStore(clock=lambda: self.written_at)

        async def scenario() -> None:
            stopping = asyncio.Event()

            def look() -> None:
                self.looks += 1
                if self.looks == rounds:
                    stopping.set()

            await store.open()
            if writes is not None:
                await store.transact(lambda _reader: (writes, None))
            keeper = Housekeeping(
                store, self.settings, expire=self.expire, look=look, ends=lambda: dict(ends or {}), metrics=self.metrics, clock=lambda: NOW, stopping=stopping
            )
            await asyncio.wait_for(keeper.run(), 30)

        asyncio.run(scenario())
        return store

    def shown(self, name: str) -> float:
        """A gauge as it is on the metrics page."""
        (line,) = (line for line in self.metrics.render().decode().splitlines() if line.startswith(name))
        return float(line.rpartition(" ")[2])


def read(store: MemoryStore, query: Callable[..., object]) -> object:
    return asyncio.run(store.read(query))


def test_readiness_is_looked_at_in_every_round_and_the_rest_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(monkeypatch)
    keeper.run(41)
    assert (keeper.looks, keeper.expiries) == (41, 3)


def test_gauges_follow_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = WriteSet(
        outbox=[OutboxRow(0, "instances", b"{}", 1)] * 3,
        parked=[ParkedRow(0, "T", "g", "i", "t", 0, 1, 0, None, b"{}", 1)] * 2,
        members={"m1": MemberRow("m1", None, None, None, None, None, None, 1, 1, None)},
        positions=[PositionMove("cluster", "retail", 0, "", None, 7), PositionMove("cluster", "crm", 0, "", None, 5)],
    )
    keeper = Keeper(monkeypatch)
    keeper.run(1, writes, ends={("retail", 0): 10})
    assert keeper.shown("cohort_sync_outbox_size") == 3
    assert keeper.shown("cohort_sync_parked") == 2
    assert keeper.shown("cohort_sync_members") == 1
    assert keeper.shown('cohort_sync_position{partition="0",topic="crm"}') == 5
    assert keeper.shown('cohort_sync_lag_records{partition="0",topic="retail"}') == 3
    assert 'cohort_sync_lag_records{partition="0",topic="crm"}' not in keeper.metrics.render().decode()


def test_a_fault_of_the_moment_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(monkeypatch)
    monkeypatch.setattr(module, "_MEASURE_EVERY", 1)
    faults = [TransientFault("disk full")] * 3

    async def expire() -> None:
        keeper.expiries += 1
        if faults:
            raise faults.pop()

    keeper.expire = expire
    with capture_logs() as logs:
        keeper.run(5)
    assert keeper.expiries == 5
    assert [line["reason"] for line in logs if line["log_level"] == "warning"] == ["disk full"] * 3


def guards(count: int) -> WriteSet:
    return WriteSet(guards={("s", f"{number:04}"): GuardRow("s", f"{number:04}", "", "[]", "", "t", 0, number) for number in range(count)})


@pytest.mark.parametrize(("guard_days", "written_days_ago", "left"), [(10, 11, 0), (10, 9, 1200), (0, 900, 1200)], ids=["past", "within", "for ever"])
def test_guards_have_a_retention_unless_they_are_kept_for_ever(monkeypatch: pytest.MonkeyPatch, guard_days: int, written_days_ago: int, left: int) -> None:
    """More of them than one chunk."""
    keeper = Keeper(monkeypatch, StoreSettings(path="x.db", guard_days=guard_days))
    keeper.written_at = NOW - written_days_ago * DAY
    store = keeper.run(2, guards(1200))
    assert read(store, lambda reader: len(reader.guards("s", [f"{number:04}" for number in range(1200)]))) == left


def test_pruning_stops_when_the_worker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long pruning must not hold up a stop: what is left is pruned by the next start."""
    keeper = Keeper(monkeypatch, StoreSettings(path="x.db", guard_days=1))
    keeper.written_at = NOW - 5 * DAY
    store = keeper.run(1, guards(1200))
    assert read(store, lambda reader: len(reader.guards("s", [f"{number:04}" for number in range(1200)]))) == 1200
