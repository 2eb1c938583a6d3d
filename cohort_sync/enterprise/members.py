"""Who takes part: the members that are registered, each with the connector that its registration asks for."""

from collections.abc import Callable

import httpx2
import msgspec
import structlog

from cohort_sync.enterprise.remote import RemoteMember
from cohort_sync.ocf.broker import NoConnector, repository_connector
from cohort_sync.omrs.connections import AnyConnection
from cohort_sync.omrs.exceptions import WireRelease
from cohort_sync.store.protocol import Store
from cohort_sync.store.rows import MemberRow

_log = structlog.stdlib.get_logger(__name__)
_decode = msgspec.json.Decoder(AnyConnection).decode


class RemoteMembers:
    """The other members of the cohort. A connector lives as long as the registration that it was made from."""

    def __init__(self, store: Store, client: httpx2.AsyncClient, *, release: Callable[[], WireRelease], seconds: float, max_bytes: int = 64_000_000) -> None:
        """`release`: the generation that members are taken for at first; `seconds`: what each has for an answer; `max_bytes`: the longest answer."""
        self._store = store
        self._client = client
        self._release = release
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._connectors: dict[str, tuple[MemberRow, RemoteMember | None]] = {}

    async def registered(self) -> list[RemoteMember]:
        """Those that can be asked, in the order in which they registered first. A member without a connection that we can use is told once in the log."""
        rows = await self._store.read(lambda reader: reader.members())
        self._connectors = {row.metadata_collection_id: self._connector(row) for row in rows}
        ordered = sorted(rows, key=lambda row: (row.first_seen, row.metadata_collection_id))
        return [member for row in ordered if (member := self._connectors[row.metadata_collection_id][1]) is not None]

    def _connector(self, row: MemberRow) -> tuple[MemberRow, RemoteMember | None]:
        known = self._connectors.get(row.metadata_collection_id)
        if known is not None and known[0].connection == row.connection:
            return known
        return row, self._made(row)

    def _made(self, row: MemberRow) -> RemoteMember | None:
        name = row.server_name or row.metadata_collection_id
        try:
            connection = None if row.connection is None else _decode(row.connection)
        except msgspec.DecodeError as problem:
            _log.warning("A member is left out of federated queries", member=name, reason=f"its connection cannot be read: {problem}")
            return None
        match repository_connector(connection):
            case NoConnector(reason=reason):
                _log.info("A member is left out of federated queries", member=name, reason=reason)
                return None
            case repository:
                return RemoteMember(
                    row.metadata_collection_id,
                    name,
                    repository,
                    self._client,
                    release=self._release(),
                    seconds=self._seconds,
                    max_bytes=self._max_bytes,
                )
