"""The loop of a flow: a fault of the moment pauses it, wherever it comes from; a batch is committed once, or read again."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

import cohort_sync.stream.flow as module
from cohort_sync.mapping.record import SourceRecord, TopicPartition
from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.store.protocol import PositionLost
from cohort_sync.stream.broker_wait import Backoff
from cohort_sync.stream.flow import Flow
from cohort_sync.stream.reading import Batch

AT = TopicPartition("t", 0)


def batch(first: int, count: int = 2) -> Batch:
    records = tuple(SourceRecord("t", 0, offset, 0, None, b"x") for offset in range(first, first + count))
    return Batch({AT: records}, {AT: first}, {AT: first + count}, 1)


EMPTY = Batch({}, {}, {}, 1)


class Reader:
    """Stands where a BatchReader does: hands out what it is told, or raises it."""

    def __init__(self, *polls: Batch | Exception) -> None:
        self.polls = list(polls)
        self.calls: list[str] = []

    async def poll(self) -> Batch:
        await asyncio.sleep(0)
        answer = self.polls.pop(0) if self.polls else EMPTY
        if isinstance(answer, Exception):
            raise answer
        return answer

    def is_current(self, _batch: Batch) -> bool:
        return True

    def reposition(self) -> None:
        self.calls.append("reposition")

    async def hold(self, _seconds: float) -> None:
        self.calls.append("hold")

    async def stop(self) -> None:
        self.calls.append("stop")


class Recorded(Flow[int]):
    """Notes what is committed; `faults` are raised first, by commit or between."""

    def __init__(self, reader: Reader, stopping: asyncio.Event, rounds: int = 12) -> None:
        metrics = Metrics(version="1", member="m", metadata_collection_id="i", type_release="6.1")
        super().__init__("recorded", reader, metrics, stopping)
        self.done: list[int] = []
        self.faults: dict[str, list[Exception]] = {"commit": [], "between": []}
        self.rounds = rounds

    async def prepare(self, batch: Batch) -> int:
        return len(batch)

    async def commit(self, batch: Batch, work: int) -> None:
        if self.faults["commit"]:
            raise self.faults["commit"].pop(0)
        assert work == len(batch)
        self.done.append(batch.starts[AT])

    async def between(self) -> None:
        self.rounds -= 1
        if self.rounds <= 0:
            self.stopping.set()
        if self.faults["between"]:
            raise self.faults["between"].pop(0)


def run(reader: Reader, prepare: Callable[[Recorded], None] = lambda _flow: None) -> tuple[Recorded, list[str]]:
    made: list[Recorded] = []

    async def scenario() -> None:
        flow = Recorded(reader, asyncio.Event())
        made.append(flow)
        prepare(flow)
        await asyncio.wait_for(flow.run(), 20)

    with capture_logs() as logs:
        asyncio.run(scenario())
    return made[0], [str(line["reason"]) for line in logs if line["log_level"] == "warning"]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STORE_BACKOFF", Backoff(first=0.001, cap=0.002))


def test_batches_are_committed_in_their_order_and_the_reader_is_stopped() -> None:
    reader = Reader(batch(0), EMPTY, batch(2), batch(4))
    flow, warnings = run(reader)
    assert (flow.done, warnings, reader.calls) == ([0, 2, 4], [], ["stop"])


@pytest.mark.parametrize("fault", [TransientFault("the store is locked"), PositionLost("moved by another worker")])
def test_a_position_that_cannot_be_found_out_is_asked_for_again(fault: Exception) -> None:
    """What the owner's own callbacks raise comes out of `poll`: the broker is asked for topic ids there, and the store for positions."""
    reader = Reader(batch(0), fault, fault, batch(2))
    flow, warnings = run(reader)
    assert flow.done == [0, 2]
    assert warnings == [str(fault)] * 2
    assert reader.calls == ["reposition", "reposition", "stop"]


def test_a_fault_between_two_batches_is_waited_out() -> None:
    reader = Reader(batch(0), batch(2))
    flow, warnings = run(reader, lambda flow: flow.faults["between"].append(TransientFault("disk full")))
    assert (flow.done, warnings) == ([0, 2], ["disk full"])


def test_a_batch_that_cannot_be_committed_is_tried_again_and_not_read_again() -> None:
    reader = Reader(batch(0), batch(2))
    flow, warnings = run(reader, lambda flow: flow.faults["commit"].extend([TransientFault("disk full"), TransientFault("still full")]))
    assert (flow.done, warnings, reader.calls) == ([0, 2], ["disk full", "still full"], ["hold", "hold", "stop"])


def test_a_lost_position_sends_it_back_to_the_store() -> None:
    reader = Reader(batch(0), batch(0))
    flow, warnings = run(reader, lambda flow: flow.faults["commit"].append(PositionLost("moved")))
    assert (flow.done, warnings, reader.calls) == ([0], ["moved"], ["reposition", "stop"])


@pytest.mark.parametrize("where", ["poll", "commit", "between"])
def test_a_fatal_fault_ends_it_and_the_reader_is_stopped(where: str) -> None:
    fault = FatalFault("credentials")
    reader = Reader(fault) if where == "poll" else Reader(batch(0))
    with pytest.raises(FatalFault, match="credentials"):
        run(reader, lambda flow: flow.faults[where].append(fault) if where != "poll" else None)
    assert reader.calls == ["stop"]


def test_a_stop_ends_the_pause() -> None:
    async def scenario() -> None:
        stopping = asyncio.Event()
        flow = Recorded(Reader(*[TransientFault("away")] * 50), stopping)
        running = asyncio.create_task(flow.run())
        await asyncio.sleep(0.05)
        stopping.set()
        await asyncio.wait_for(running, 2)

    module._STORE_BACKOFF = Backoff(first=30, cap=30)
    asyncio.run(scenario())
