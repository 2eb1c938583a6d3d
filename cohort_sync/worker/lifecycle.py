"""Start and stop of a worker.

Start (spec configuration-and-security 4.1, with our two reversals): store, identity, types, mappers; our pages; the broker is waited for, however long; topics;
the outbox; the cohort, read up to its heads before we register; the sources and the requests of the command line last, so that nothing is announced before we
are a member. Reversals: the pages are up before Kafka is (an operator has to see why it waits), and the sources begin after the registration instead of before.

Stop (4.3, with the advice there): sources, outbox flushed, cohort, pages, store. Bounded by worker.drain_seconds; what was not sent stays in the outbox. When a
request told us to leave, the cohort stops before the outbox is flushed, and our last event says that we left.
"""

import asyncio
import os
import socket
import time

import structlog
from starlette.routing import Route

from cohort_sync import __version__
from cohort_sync.api.app import create_app
from cohort_sync.api.omrs.service import Access, omrs_routes
from cohort_sync.api.server import HttpServer
from cohort_sync.config.settings import Settings
from cohort_sync.observe.status import PRESENCE_FACT, PartitionStatus, Presence, WorkerStatus
from cohort_sync.observe.systemd import Notifier
from cohort_sync.store.protocol import WriteSet
from cohort_sync.stream.broker_wait import wait_for_broker
from cohort_sync.stream.flow import Clock
from cohort_sync.worker.parts import Parts
from cohort_sync.worker.supervisor import Supervisor

_log = structlog.stdlib.get_logger(__name__)
_CLOSING_SHARE = 0.2
"""How much of the drain time is kept for closing connections, which takes seconds when a broker hangs."""
_FLUSH_SHARE = 0.5
"""How much of the drain time the outbox may take when the broker is slow."""


class Lifecycle:
    """One worker from start to stop. `stop` may be called whatever `start` got to."""

    def __init__(self, settings: Settings, stopping: asyncio.Event, *, clock: Clock) -> None:
        self._settings = settings
        self._stopping = stopping
        self._clock = clock
        self._notifier = Notifier()
        self._supervisor = Supervisor(stopping)
        self._parts = Parts(settings, clock=clock, stop=stopping.set)
        self._http: HttpServer | None = None
        self._presence: Presence | None = None

    @property
    def fault(self) -> BaseException | None:
        """What ended it, None when it was told to stop."""
        return self._supervisor.fault

    async def start(self) -> None:
        """Start everything; returns when the worker is a member or was told to stop. Raises FatalFault, with what was started still to be stopped."""
        parts, supervisor = self._parts, self._supervisor
        await parts.open_store()
        await self._open_pages()
        supervisor.start("loop lag", parts.loop_lag.run())
        supervisor.start("systemd watchdog", self._notifier.keep_alive())
        self._notifier.status("waiting for the Kafka broker")
        if await wait_for_broker(parts.kafka, stop=self._stopping) is None:
            return
        await parts.make_topics()
        await parts.start_shell()
        supervisor.start("outbox", parts.publisher.run())
        supervisor.start("cohort", parts.cohort.run())
        supervisor.start("housekeeping", parts.housekeeping.run())
        self._notifier.status("reading what the cohort said before")
        if not await self._until(parts.cohort.joined):
            return
        for flow in parts.sources:
            await flow.start()
            supervisor.start(f"source {flow.name}", flow.run())
        supervisor.start("requests", parts.desk.run())
        self._notifier.ready(f"member of {self._settings.cohort.name}")
        _log.info("Started", member=self._settings.member.name, cohort=self._settings.cohort.name, sources=[flow.name for flow in parts.sources])

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

    async def _open_pages(self) -> None:
        http = self._settings.http
        app = create_app(self._parts.health, self._parts.metrics, self._status, self._repository_services())
        self._http = HttpServer(app, host=http.host, port=http.port)
        url = await self._http.start()
        self._presence = Presence(pid=os.getpid(), host=socket.gethostname(), http=url, version=__version__, started=self._clock())
        fact = self._presence.encode()
        await self._parts.store.transact(lambda _reader: (WriteSet(facts={PRESENCE_FACT: fact}), None))
        _log.info("Pages are up", url=url)

    def _repository_services(self) -> list[Route]:
        """The OMRS REST API over our metadata collection: what other members call at the address that we register."""
        return omrs_routes(self._parts.collection(), access=Access(token=self._settings.http.token))

    async def _status(self) -> WorkerStatus:
        if self._presence is None:
            raise RuntimeError("pages are served before they are open")
        parts = self._parts
        positions = await parts.store.read(lambda reader: reader.positions())
        ends = parts.end_offsets()
        return WorkerStatus(
            presence=self._presence,
            member=self._settings.member.name,
            metadata_collection_id=self._settings.member.metadata_collection_id,
            type_release=self._settings.types.release,
            ready=parts.health.ready,
            conditions=parts.health.conditions,
            positions=tuple(
                PartitionStatus(
                    flow=parts.flow_of(row.topic),
                    topic=row.topic,
                    partition=row.partition,
                    next_offset=row.next_offset,
                    end_offset=ends.get((row.topic, row.partition)),
                )
                for row in positions
            ),
            worst_loop_lag_seconds=round(parts.loop_lag.worst_recent, 4),
        )

    async def stop(self) -> None:
        """Stop everything that was started, in order, within worker.drain_seconds."""
        self._notifier.stopping("draining")
        parts, supervisor = self._parts, self._supervisor
        deadline = time.monotonic() + self._settings.worker.drain_seconds * (1 - _CLOSING_SHARE)

        def left() -> float:
            return max(0.1, deadline - time.monotonic())

        parts.sources_stopping.set()
        await supervisor.join([f"source {flow.name}" for flow in parts.sources] if parts.opened else [], left())
        if parts.leaving is not None:
            parts.cohort_stopping.set()
            await supervisor.join(["cohort", "requests"], left())
            if self._http is not None:
                await self._http.stop()  # whoever writes through our pages would announce something after we left
            await parts.leave()
        if parts.opened and parts.started:
            await parts.flush(left() * _FLUSH_SHARE)
        parts.cohort_stopping.set()
        parts.stopping.set()
        if parts.opened:
            parts.publisher.wake()
        await supervisor.join(["cohort", "outbox", "requests", "housekeeping"], left())
        await supervisor.cancel_all()
        if self._http is not None:
            await self._http.stop()
        await parts.close()
