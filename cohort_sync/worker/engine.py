"""One member at work: its parts, and the order in which they start and stop. What belongs to a process of its own (pages, signals, systemd) is the caller's.

Start (spec configuration-and-security 4.1, with our two reversals): store, identity, types, mappers (`open`); the broker is waited for, however long; topics;
the outbox; the cohort, read up to its heads before we register; the sources and the requests of the command line last (`join`), so that nothing is announced
before we are a member. Reversals: what an operator looks at is up before Kafka is, and the sources begin after the registration instead of before.

Stop (4.3, with the advice there): sources, outbox flushed, cohort, doors, store. Bounded by worker.drain_seconds; what was not sent stays in the outbox. When a
request told us to leave, the cohort stops before the outbox is flushed, and our last event says that we left.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.stream.broker_wait import wait_for_broker
from cohort_sync.worker.parts import Parts
from cohort_sync.worker.supervisor import Supervisor

_log = structlog.stdlib.get_logger(__name__)
_CLOSING_SHARE = 0.2
"""How much of the drain time is kept for closing connections, which takes seconds when a broker hangs."""
_FLUSH_SHARE = 0.5
"""How much of the drain time the outbox may take when the broker is slow."""


class Engine:
    """`open`, then `join`, then `stop`, which may be called whatever the other two got to.

    `stopping` is set by whoever wants it to stop, and by the engine when a part fails (`fault`) or a request says that the member leaves the cohort.
    `close_doors` ends whatever lets others change something here; it may be called twice. `tell` is told in words what is waited for.
    """

    def __init__(self, parts: Parts, stopping: asyncio.Event, *, close_doors: Callable[[], Awaitable[None]], tell: Callable[[str], None]) -> None:
        self.parts = parts
        self.supervisor = Supervisor(stopping)
        self._stopping = stopping
        self._close_doors = close_doors
        self._tell = tell
        self._sends = False

    @property
    def fault(self) -> BaseException | None:
        """What ended it, None when it was told to stop."""
        return self.supervisor.fault

    async def open(self) -> MetadataCollection:
        """Open the store; the metadata collection over it can be used from now on. Raises FatalFault."""
        parts = self.parts
        await parts.open_store()
        self.supervisor.start("loop lag", parts.loop_lag.run())
        return parts.collection()

    async def join(self) -> bool:
        """Become a member and begin the sources; False when it is told to stop first. Raises FatalFault."""
        parts, supervisor = self.parts, self.supervisor
        self._tell("waiting for the Kafka broker")
        if await wait_for_broker(parts.kafka, stop=self._stopping) is None:
            return False
        await parts.make_topics()
        if parts.sources:
            await parts.start_shell()
            supervisor.start("mapper agents", parts.shell.wait_until_stopped())
        if parts.was_registered:
            self._start_sending()
        supervisor.start("cohort", parts.cohort.run())
        supervisor.start("housekeeping", parts.housekeeping.run())
        self._tell("reading what the cohort said before")
        if not await self._until(parts.cohort.joined):
            return False
        if not parts.was_registered:
            self._start_sending()
        for flow in parts.sources:
            await flow.start()
            supervisor.start(f"source {flow.name}", flow.run())
        supervisor.start("requests", parts.desk.run())
        _log.info("Started", member=parts.member.server_name, cohort=parts.settings.cohort.name, sources=[flow.name for flow in parts.sources])
        return True

    def _start_sending(self) -> None:
        """A store that was never registered sends nothing before it is known that nobody else has its id."""
        self.supervisor.start("outbox", self.parts.publisher.run())
        self._sends = True

    async def _until(self, event: asyncio.Event) -> bool:
        """Wait for it; False when the worker is told to stop first."""
        waits = [asyncio.ensure_future(each.wait()) for each in (event, self._stopping)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        return event.is_set() and not self._stopping.is_set()

    async def stop(self) -> None:
        """Stop everything that was started, in order, within worker.drain_seconds."""
        parts, supervisor = self.parts, self.supervisor
        deadline = time.monotonic() + parts.settings.worker.drain_seconds * (1 - _CLOSING_SHARE)

        def left() -> float:
            return max(0.1, deadline - time.monotonic())

        parts.sources_stopping.set()
        await supervisor.join([f"source {flow.name}" for flow in parts.sources] if parts.opened else [], left())
        if parts.leaving is not None:
            parts.cohort_stopping.set()
            await supervisor.join(["cohort", "requests"], left())
            await self._close_doors()  # whoever changes something here would announce it after we left
            await parts.leave()
        if self._sends:
            await parts.flush(left() * _FLUSH_SHARE)
        parts.cohort_stopping.set()
        parts.stopping.set()
        if parts.opened:
            parts.publisher.wake()
        await supervisor.join(["cohort", "outbox", "requests", "housekeeping"], left())
        await supervisor.cancel_all()
        await self._close_doors()
        await parts.close()
