"""The worker around the engine of its member: pages, systemd, and what it tells about itself. The order of start and stop is the engine's."""

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from cohort_sync.api.app import create_app
from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.service import omrs_routes
from cohort_sync.api.omrs.surroundings import Surroundings
from cohort_sync.api.omrs.transport import Access
from cohort_sync.api.server import HttpServer
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.config.settings import Settings
from cohort_sync.observe.severities import SeverityCounts
from cohort_sync.observe.status import PartitionStatus, Presence, WorkerStatus
from cohort_sync.observe.systemd import Notifier
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.stream.flow import Clock
from cohort_sync.worker.engine import Engine
from cohort_sync.worker.highway import WorkerHighway
from cohort_sync.worker.mapper_watch import MapperWatch
from cohort_sync.worker.parts import Parts

if TYPE_CHECKING:
    from cohort_sync.worker.federation import WorkerFederation

_log = structlog.stdlib.get_logger(__name__)


class Lifecycle:
    """One worker from start to stop. `stop` may be called whatever `start` got to."""

    def __init__(self, settings: Settings, stopping: asyncio.Event, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._notifier = Notifier()
        self._logged = SeverityCounts()
        logging.getLogger().addHandler(self._logged)
        seconds = settings.worker.mapper_seconds
        self._watch = MapperWatch(Path(settings.store.path), seconds) if seconds and settings.sources else None
        self._parts = Parts(settings, SqliteStore(settings.store.path, clock=clock, ready_log=True), clock=clock, stop=stopping.set, watch=self._watch)
        self._engine = Engine(self._parts, stopping, close_doors=self._close_pages, tell=self._notifier.status)
        self._federation: WorkerFederation | None = None
        self._http: HttpServer | None = None
        self._presence: Presence | None = None

    @property
    def fault(self) -> BaseException | None:
        """What ended it, None when it was told to stop."""
        return self._engine.fault

    async def start(self) -> None:
        """Start everything; returns when the worker is a member or was told to stop. Raises FatalFault, with what was started still to be stopped."""
        collection = await self._engine.open()
        await self._open_pages(collection)
        self._engine.supervisor.start("systemd watchdog", self._notifier.keep_alive())
        if await self._engine.join():
            self._notifier.ready(f"member of {self._settings.cohort.name}")

    async def stop(self) -> None:
        """Stop everything that was started, in order, within worker.drain_seconds."""
        self._notifier.stopping("draining")
        await self._engine.stop()
        if self._watch is not None:
            self._watch.close()
        logging.getLogger().removeHandler(self._logged)

    async def _open_pages(self, collection: MetadataCollection) -> None:
        """Our pages, and the OMRS REST API over our metadata collection: what other members call at the address that we register."""
        http = self._settings.http
        around = Surroundings(highway=WorkerHighway(self._parts), audit_log=self._logged, started_at=self._parts.started_at)
        if self._settings.enterprise.enabled:
            from cohort_sync.worker.federation import WorkerFederation  # an HTTP client, which only this needs

            self._federation = WorkerFederation(self._settings, self._parts.store, collection)
        enterprise = self._federation.enterprise.handle if self._federation is not None else None
        limits = Limits(page_size=http.max_results, body_bytes=http.max_body_bytes)
        services = omrs_routes(collection, access=Access(token=http.token), limits=limits, surroundings=around, enterprise=enterprise)
        self._http = HttpServer(create_app(self._parts.health, self._parts.metrics, self._status, services), host=http.host, port=http.port)
        url = await self._http.start()
        self._presence = await self._parts.be_present(url, os.getpid())
        _log.info("Pages are up", url=url)

    async def _close_pages(self) -> None:
        if self._http is not None:
            await self._http.stop()
        if self._federation is not None:
            await self._federation.close()

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
