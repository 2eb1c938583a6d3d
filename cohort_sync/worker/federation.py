"""The enterprise view of a worker, made from its settings, and the client with which it calls the other members."""

import ssl

import httpx2

from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import is_before_6
from cohort_sync.config import exchange_filter
from cohort_sync.config.settings import Settings
from cohort_sync.enterprise.enterprise import Enterprise
from cohort_sync.enterprise.members import RemoteMembers
from cohort_sync.enterprise.refresher import Refresher
from cohort_sync.omrs.exceptions import WireRelease
from cohort_sync.store.protocol import Store


class WorkerFederation:
    """To be closed when nobody can call any more."""

    def __init__(self, settings: Settings, store: Store, collection: MetadataCollection) -> None:
        enterprise = settings.enterprise
        headers = {"authorization": f"Bearer {enterprise.token}"} if enterprise.token else {}
        trust = ssl.create_default_context(cafile=enterprise.ssl_cafile) if enterprise.ssl_cafile else True
        # The environment's proxies are for the outside; members are called directly, whatever it says.
        self._client = httpx2.AsyncClient(headers=headers, verify=trust, timeout=enterprise.member_seconds, trust_env=False)
        before_6 = is_before_6(settings.types.release)
        remote = RemoteMembers(store, self._client, release=lambda: WireRelease.UP_TO_5 if before_6 else WireRelease.FROM_6, seconds=enterprise.member_seconds)
        self._refresher = Refresher(store, collection, exchange_filter(settings.cohort, "save")) if settings.cohort.receive else None
        self.enterprise = Enterprise(remote, self._refresher)

    async def close(self) -> None:
        """Let what is under way end, close the connections."""
        if self._refresher is not None:
            await self._refresher.close()
        await self._client.aclose()
