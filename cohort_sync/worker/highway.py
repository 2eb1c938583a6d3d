"""The metadata highway of a worker: its one cohort, as the REST API shows and changes it (spec repository-rest-api 13).

Disconnecting is no setting: the next start connects again, as it does with Java's servers. What has to be announced meanwhile waits in the outbox.
"""

import structlog

from cohort_sync.api.omrs.responses_around import CohortConnectionStatus, CohortDescription
from cohort_sync.cohort.registration import registration_time
from cohort_sync.cohort.registry_store import MemberRegistration, local_registration, member_registration
from cohort_sync.cohort.requests import Unregister, request_row
from cohort_sync.ocf.connections_out import topic_connection
from cohort_sync.store.protocol import WriteSet
from cohort_sync.worker.parts import Parts

_log = structlog.stdlib.get_logger(__name__)


class WorkerHighway:
    """Over the parts of an opened worker."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cohort = parts.settings.cohort.name

    async def cohorts(self) -> list[CohortDescription]:
        """The one cohort."""
        topics = self._parts.topics
        description = CohortDescription(
            cohort_name=self._cohort,
            connection_status=self._status(),
            registration_topic_connection=topic_connection(topics.registration),
            types_topic_connection=topic_connection(topics.types),
            instances_topic_connection=topic_connection(topics.instances),
        )
        return [description]

    def _status(self) -> CohortConnectionStatus:
        cohort = self._parts.cohort
        if cohort.disconnected:
            return CohortConnectionStatus.DISCONNECTED
        return CohortConnectionStatus.CONNECTED if cohort.joined.is_set() else CohortConnectionStatus.INITIALIZING

    async def local_registration(self, cohort: str | None = None) -> MemberRegistration | None:
        """What we have told the cohort about us."""
        if cohort not in (None, self._cohort):
            return None
        parts = self._parts
        since = await parts.store.read(registration_time) if cohort is not None else None
        return local_registration(parts.member, parts.connection, since)

    async def remote_members(self, cohort: str) -> list[MemberRegistration]:
        """In the order of their metadata collection ids."""
        if cohort != self._cohort:
            return []
        return [member_registration(row) for row in await self._parts.store.read(lambda reader: reader.members())]

    async def connect(self, cohort: str) -> bool:
        """Exchange events again, and register again; before the first registration that is on its way anyhow."""
        if cohort != self._cohort:
            return False
        parts = self._parts
        if parts.cohort.disconnected:
            parts.cohort.connect()
            parts.publisher.release()
            _log.info("Connected to the cohort again", cohort=cohort)
        if parts.cohort.joined.is_set():
            await parts.announce_registration()
        return True

    async def disconnect(self, cohort: str) -> bool:
        """Neither send nor apply events until `connect`."""
        if cohort != self._cohort:
            return False
        self._parts.cohort.disconnect()
        self._parts.publisher.hold()
        self._parts.readiness.look_at(self._parts.flows)
        _log.warning("Disconnected from the cohort, as the REST API was told; nothing is sent or applied until it is told to connect", cohort=cohort)
        return True

    async def unregister(self, cohort: str) -> bool:
        """Ask the worker to leave, as the command line does: our last event goes out, then the worker stops."""
        if cohort != self._cohort:
            return False
        self._parts.publisher.release()
        row = request_row(Unregister(), self._parts.clock())
        await self._parts.store.transact(lambda _reader: (WriteSet(requests=[row]), None))
        return True
