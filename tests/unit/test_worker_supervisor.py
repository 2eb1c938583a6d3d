"""Tasks that must not end by themselves."""

import asyncio
from collections.abc import Awaitable, Callable

from structlog.testing import capture_logs

from cohort_sync.omrs.errors import FatalFault
from cohort_sync.worker.supervisor import Supervisor


def supervised(scenario: Callable[[Supervisor, asyncio.Event], Awaitable[None]]) -> tuple[BaseException | None, list[dict[str, object]]]:
    """Run a scenario; the fault that was kept, and what was logged."""
    kept: list[BaseException | None] = []

    async def run() -> None:
        stopping = asyncio.Event()
        supervisor = Supervisor(stopping)
        try:
            await scenario(supervisor, stopping)
        finally:
            await supervisor.cancel_all()
        kept.append(supervisor.fault)

    with capture_logs() as logs:
        asyncio.run(run())
    return kept[0], [dict(line) for line in logs]


async def fails(fault: BaseException) -> None:
    raise fault


async def forever() -> None:
    await asyncio.Event().wait()


def test_a_task_that_returns_is_no_fault() -> None:
    async def scenario(supervisor: Supervisor, stopping: asyncio.Event) -> None:
        supervisor.start("short", asyncio.sleep(0))
        await supervisor.join(["short", "never started"], 5)
        assert not stopping.is_set()

    assert supervised(scenario) == (None, [])


def test_a_fault_stops_the_worker_and_the_first_one_is_kept() -> None:
    first, second = FatalFault("the broker refuses us"), FatalFault("because of the first")

    async def scenario(supervisor: Supervisor, stopping: asyncio.Event) -> None:
        supervisor.start("other", forever())
        supervisor.start("cohort", fails(first))
        await asyncio.wait_for(stopping.wait(), 5)
        supervisor.start("source", fails(second))
        await supervisor.join(["source"], 5)

    fault, logs = supervised(scenario)
    assert fault is first
    assert [(line["part"], line["reason"]) for line in logs] == [("cohort", "the broker refuses us"), ("source", "because of the first")]


def test_an_unexpected_error_is_told_as_a_bug_with_its_traceback() -> None:
    async def scenario(supervisor: Supervisor, stopping: asyncio.Event) -> None:
        supervisor.start("outbox", fails(KeyError("no such thing")))
        await asyncio.wait_for(stopping.wait(), 5)

    fault, (line,) = supervised(scenario)
    assert isinstance(fault, KeyError)
    assert "this is a bug" in str(line["event"])
    assert line["exc_info"] is fault


def test_what_does_not_end_in_time_is_cut_off_and_told() -> None:
    cut: list[str] = []

    async def stubborn() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            cut.append("stubborn")
            raise

    async def scenario(supervisor: Supervisor, stopping: asyncio.Event) -> None:
        supervisor.start("stubborn", stubborn())
        supervisor.start("quick", asyncio.sleep(0))
        await supervisor.join(["stubborn", "quick"], 0.05)
        assert cut == ["stubborn"]
        assert not stopping.is_set()

    fault, logs = supervised(scenario)
    assert fault is None
    assert [(line["log_level"], line["part"]) for line in logs] == [("warning", "stubborn")]


def test_a_negative_time_is_no_time() -> None:
    async def scenario(supervisor: Supervisor, _stopping: asyncio.Event) -> None:
        supervisor.start("part", forever())
        await asyncio.wait_for(supervisor.join(["part"], -3), 5)

    fault, logs = supervised(scenario)
    assert fault is None
    assert len(logs) == 1


def test_cancel_all_waits_until_everything_has_ended() -> None:
    ended: list[str] = []

    async def slow_to_end() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0.05)
            ended.append("slow")

    async def scenario(supervisor: Supervisor, _stopping: asyncio.Event) -> None:
        supervisor.start("slow", slow_to_end())
        await asyncio.sleep(0)
        await supervisor.cancel_all()
        assert ended == ["slow"]

    assert supervised(scenario)[0] is None
