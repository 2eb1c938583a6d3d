"""The Faust app as a shell in our own event loop: agents over channels, no broker, a quick and clean stop."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import faust
import pytest
from mode import Service

from cohort_sync.omrs.errors import FatalFault, PoisonEvent, TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.reading import Batch, ResumeAt, WholeTopics
from cohort_sync.stream.shell import BatchAgent, Shell
from cohort_sync.testing import EmbeddedBroker

T = TypeVar("T")
NO_BROKER = KafkaSettings(bootstrap_servers=("127.0.0.1:1",))


def in_shell(tmp_path: Path, use: Callable[[Shell], Awaitable[T]], prepare: Callable[[Shell], None] = lambda shell: None) -> T:
    async def scenario() -> T:
        shell = Shell("shell-test", NO_BROKER, data_dir=tmp_path / "faust")
        prepare(shell)
        async with shell:
            result = await use(shell)
            began = time.monotonic()
        assert time.monotonic() - began < 2, "stopping took too long"
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.wait(left, timeout=1) if left else None
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        return result

    return asyncio.run(scenario())


def test_it_starts_and_stops_without_a_broker_and_without_agents(tmp_path: Path) -> None:
    async def use(shell: Shell) -> None:
        assert shell.app.started
        assert isinstance(shell.app, faust.App)
        await asyncio.sleep(0.1)

    began = time.monotonic()
    in_shell(tmp_path, use)
    assert time.monotonic() - began < 3
    assert (tmp_path / "faust").is_dir()
    assert not Path("shell-test-data").exists()


def test_a_plain_function_plans_batches_in_order_off_the_loop(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def plan(batch: list[int]) -> int:
        seen.append((batch[0], threading.get_ident()))
        return sum(batch)

    agents: list[BatchAgent[list[int], int]] = []

    async def use(shell: Shell) -> None:
        assert await asyncio.gather(*(agents[0].submit([number, 1]) for number in range(50))) == [number + 1 for number in range(50)]
        assert threading.get_ident() not in {thread for _, thread in seen}

    in_shell(tmp_path, use, lambda shell: agents.append(shell.agent("adder", plan)))
    assert [number for number, _ in seen] == list(range(50))


def test_the_agent_is_a_faust_agent(tmp_path: Path) -> None:
    running: list[object] = []

    async def plan(batch: str) -> str:
        running.append(faust.current_event())
        await asyncio.sleep(0)
        return batch.upper()

    agents: list[BatchAgent[str, str]] = []

    async def use(shell: Shell) -> None:
        assert await agents[0].submit("warehouse") == "WAREHOUSE"
        assert list(shell.app.agents) == ["upper"]
        assert isinstance(running[0], faust.Event)

    in_shell(tmp_path, use, lambda shell: agents.append(shell.agent("upper", plan)))


@pytest.mark.parametrize("asynchronous", [True, False])
def test_what_a_plan_raises_comes_out_and_the_agent_goes_on(tmp_path: Path, asynchronous: bool) -> None:
    def plan(batch: Exception | int) -> int:
        if isinstance(batch, Exception):
            raise batch
        return batch

    async def plan_async(batch: Exception | int) -> int:
        return plan(batch)

    agents: list[BatchAgent[Exception | int, int]] = []

    async def use(shell: Shell) -> None:
        agent = agents[0]
        (actor,) = shell.app.agents["moody"]._actors
        for fault in (ValueError("odd"), PoisonEvent("bad", stage="map"), FatalFault("stop"), TransientFault("later"), KeyError("key")):
            with pytest.raises(type(fault)) as caught:
                await agent.submit(fault)
            assert str(caught.value) == str(fault)
            assert await agent.submit(7) == 7
        assert list(shell.app.agents["moody"]._actors) == [actor], "the agent was restarted"

    in_shell(tmp_path, use, lambda shell: agents.append(shell.agent("moody", plan_async if asynchronous else plan)))


def test_two_agents_do_not_wait_for_each_other(tmp_path: Path) -> None:
    free = asyncio.Event()

    async def slow(batch: int) -> int:
        await free.wait()
        return batch

    async def quick(batch: int) -> int:
        return batch

    agents: list[BatchAgent[int, int]] = []

    async def use(shell: Shell) -> None:
        waiting = asyncio.create_task(agents[0].submit(1))
        assert await asyncio.wait_for(agents[1].submit(2), 1) == 2
        assert not waiting.done()
        free.set()
        assert await waiting == 1

    in_shell(tmp_path, use, lambda shell: agents.extend([shell.agent("slow", slow), shell.agent("quick", quick)]))


def test_stopping_answers_everything_that_waits(tmp_path: Path) -> None:
    """The batch that is being planned, those in the channel, and those that wait for a place in it."""

    async def never(batch: int) -> int:
        await asyncio.Event().wait()
        return batch

    async def scenario() -> None:
        shell = Shell("stopping", NO_BROKER, data_dir=tmp_path / "faust")
        agent = shell.agent("never", never)
        await shell.start()
        waiting = [asyncio.create_task(agent.submit(number)) for number in range(10)]
        await asyncio.sleep(0.05)
        await asyncio.wait_for(shell.stop(), 2)
        answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 2)
        assert all(isinstance(answer, TransientFault) for answer in answers)
        with pytest.raises(TransientFault, match="the agent never is stopped"):
            await agent.submit(11)
        await shell.stop()

    asyncio.run(scenario())


def test_a_submission_that_is_given_up_is_skipped(tmp_path: Path) -> None:
    planned: list[int] = []
    free = asyncio.Event()

    async def plan(batch: int) -> int:
        planned.append(batch)
        await free.wait()
        return batch

    agents: list[BatchAgent[int, int]] = []

    async def use(shell: Shell) -> None:
        first = asyncio.create_task(agents[0].submit(1))
        second = asyncio.create_task(agents[0].submit(2))
        third = asyncio.create_task(agents[0].submit(3))
        await asyncio.sleep(0.05)
        second.cancel()
        free.set()
        assert (await first, await third) == (1, 3)
        assert planned == [1, 3]

    in_shell(tmp_path, use, lambda shell: agents.append(shell.agent("patient", plan)))


def test_services_belong_to_the_app_and_a_crash_ends_it(tmp_path: Path) -> None:
    events: list[str] = []

    class Steady(Service):
        async def on_start(self) -> None:
            events.append("started")

        async def on_stop(self) -> None:
            events.append("stopped")

    class Crashing(Service):
        @Service.task
        async def fail(self) -> None:
            raise FatalFault("the disk is full")

    async def scenario() -> None:
        async with Shell("services", NO_BROKER, data_dir=tmp_path / "faust") as shell:
            await shell.app.add_runtime_dependency(Steady())
            assert events == ["started"]
            await shell.app.add_runtime_dependency(Crashing())
            with pytest.raises(FatalFault, match="the disk is full"):
                await asyncio.wait_for(shell.wait_until_stopped(), 3)
        assert events == ["started", "stopped"]

    asyncio.run(scenario())


def test_the_whole_path_from_the_broker_through_an_agent(tmp_path: Path) -> None:
    """A polled batch is the value of the agent's channel, and the engine waits for its plan."""

    async def scenario(broker: EmbeddedBroker) -> None:
        from aiokafka import AIOKafkaProducer

        from cohort_sync.stream.admin import KafkaAdmin

        settings = KafkaSettings(bootstrap_servers=(broker.bootstrap,))
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics(["mapped"])
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5) as producer:
            for ack in [await producer.send("mapped", b"x" * number, partition=0) for number in range(1, 1001)]:
                await ack

        async def from_the_beginning(partitions: object) -> dict[object, int | None]:
            return {}

        shell = Shell("path", settings, data_dir=tmp_path / "faust")
        sizes = shell.agent("sizes", lambda batch: [len(record.value) for record in batch])
        reader = BatchReader(
            settings, WholeTopics(("mapped",)), group="g", starting_offsets=from_the_beginning, on_gap=lambda gap: asyncio.sleep(0, ResumeAt(gap.first))
        )
        seen: list[int] = []
        async with shell:
            while len(seen) < 1000:
                batch: Batch = await reader.poll(0.2)
                seen += await sizes.submit(batch)
            await reader.stop()
        assert seen == list(range(1, 1001))

    with EmbeddedBroker() as broker:
        asyncio.run(scenario(broker))
