"""Faust as the shell: the app with its service tree, sensors and mapper agents, without Faust's consumer, producer and tables.

Two traps are dealt with here (an app whose agents have no topic crashes in Faust's conductor; channels stay silent until flow control is resumed), and two more
that were found since: resuming flow control empties every channel, so it is done once and never used for back pressure; and an app makes its data directory
in the working directory unless it is told another place.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

import faust
from faust.app.base import BootStrategy
from faust.types import ChannelT, StreamT
from mode.types import ServiceT

from cohort_sync.omrs.errors import TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings, faust_options

BatchT = TypeVar("BatchT")
PlanT = TypeVar("PlanT")
_CHANNEL_SIZE = 2


class ShellBoot(BootStrategy):
    """Starts sensors and agents and nothing that talks to Kafka, so Faust never needs the broker: waiting for it is ours."""

    enable_kafka = False
    enable_web = False

    def server(self) -> Iterable[ServiceT]:
        """The services of the app, in the order of their start."""
        return self._chain(self.sensors(), self.agents())


class ShellApp(faust.App):
    """A Faust app with our boot strategy."""

    BootStrategy = ShellBoot


class _Job(Generic[BatchT, PlanT]):
    """What goes through the channel: a batch, and the future for what becomes of it."""

    __slots__ = ("answer", "batch")

    def __init__(self, batch: BatchT, answer: "asyncio.Future[PlanT]") -> None:
        self.batch = batch
        self.answer = answer


class BatchAgent(Generic[BatchT, PlanT]):
    """A Faust agent whose value is one polled batch. `submit` gives it a batch and waits for what `plan` makes of it.

    `plan` may be a plain function, which is run in a thread so that the loop stays free, or an async one. Whatever it raises comes out of `submit`; nothing
    leaves the agent's body, because Faust would restart the agent past the batch. Batches are planned one after the other, in the order of their submission.
    """

    def __init__(self, app: ShellApp, plan: Callable[[BatchT], PlanT] | Callable[[BatchT], Awaitable[PlanT]], *, name: str) -> None:
        self.name = name
        self._plan = plan
        self._waiting: set[asyncio.Future[PlanT]] = set()
        self._closed = False
        self._channel: ChannelT[_Job[BatchT, PlanT]] = app.channel(maxsize=_CHANNEL_SIZE)
        app.agent(self._channel, name=name)(self._work)

    async def submit(self, batch: BatchT) -> PlanT:
        """What the plan function makes of this batch. Raises what it raises, and `TransientFault` when the shell is stopped meanwhile."""
        if self._closed:
            raise TransientFault(f"the agent {self.name} is stopped")
        answer: asyncio.Future[PlanT] = asyncio.get_running_loop().create_future()
        self._waiting.add(answer)
        try:
            sending = asyncio.create_task(self._send(_Job(batch, answer)), name=f"cohort-sync-submit-{self.name}")
            try:
                return await answer  # which also ends when the agent is stopped while the channel is full
            finally:
                sending.cancel()
        finally:
            self._waiting.discard(answer)

    async def _send(self, job: _Job[BatchT, PlanT]) -> None:
        try:
            await self._channel.send(value=job)
        except Exception as error:  # it belongs to whoever submitted the batch
            if not job.answer.done():
                job.answer.set_exception(error)

    def close(self) -> None:
        """Answer everything that waits: the agent is stopped. Idempotent."""
        self._closed = True
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(TransientFault(f"the agent {self.name} was stopped before it had planned the batch"))

    async def _work(self, stream: "StreamT[_Job[BatchT, PlanT]]") -> None:
        async for job in stream:
            if job.answer.done():
                continue  # whoever submitted it has gone
            try:
                plan = await self._planned(job.batch)
            except asyncio.CancelledError:
                self.close()
                raise
            except Exception as error:  # it belongs to whoever submitted the batch
                if not job.answer.done():
                    job.answer.set_exception(error)
            else:
                if not job.answer.done():
                    job.answer.set_result(plan)

    async def _planned(self, batch: BatchT) -> PlanT:
        if inspect.iscoroutinefunction(self._plan):
            return cast(PlanT, await self._plan(batch))
        return cast(PlanT, await asyncio.to_thread(self._plan, batch))


class Shell:
    """Runs the Faust app in the caller's event loop; `async with Shell(name, settings, data_dir=...) as shell: ...`.

    Agents are added before `start`. `start` needs no broker. `stop` ends agents and services within a second or two; what waits in `submit` is answered.
    """

    def __init__(self, name: str, settings: KafkaSettings, *, data_dir: Path) -> None:
        self.app = ShellApp(
            name,
            **faust_options(settings),
            datadir=data_dir,
            store="memory://",
            autodiscover=False,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_wait_empty=False,
        )
        self._agents: list[BatchAgent[object, object]] = []

    def agent(self, name: str, plan: Callable[[BatchT], PlanT] | Callable[[BatchT], Awaitable[PlanT]]) -> BatchAgent[BatchT, PlanT]:
        """Add a mapper agent."""
        agent = BatchAgent(self.app, plan, name=name)
        self._agents.append(cast("BatchAgent[object, object]", agent))
        return agent

    async def start(self) -> None:
        """Start the app and let its channels flow."""
        await self.app.start()
        self.app.flow_control.resume()

    async def stop(self) -> None:
        """Answer what waits in the agents, and stop. Idempotent."""
        for agent in self._agents:
            agent.close()
        await self.app.stop()

    async def wait_until_stopped(self) -> None:
        """Wait until the app is stopped. Raises what it crashed with, when an agent or a service of it crashed."""
        await self.app.wait_until_stopped()
        if self.app.crash_reason is not None:
            raise self.app.crash_reason

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()
