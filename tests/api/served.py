"""A member's repository services in the process of a test, with a caller."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from omrs_client import Client, Holder
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cohort_sync.api.omrs.call import Handler, Limits
from cohort_sync.api.omrs.service import omrs_routes
from cohort_sync.api.omrs.surroundings import Surroundings
from cohort_sync.api.omrs.transport import Access
from cohort_sync.cohort.member import LocalMember
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import CollectionContext
from cohort_sync.omrs.exchange import ExchangeFilter
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.protocol import Store

MEMBER = LocalMember(metadata_collection_id="mc-local", metadata_collection_name="retail", server_name="retail-proxy")


def serve(
    store: Store,
    registry: TypeRegistry,
    access: Access | None = None,
    limits: Limits | None = None,
    surroundings: Surroundings | None = None,
    find_timeout: float = 30.0,
    send: ExchangeFilter | None = None,
    enterprise: Handler | None = None,
) -> Iterator[Client]:
    """One member; `enterprise` answers for all members together."""
    holder = Holder(registry)
    collection = MetadataCollection(store, CollectionContext(member=MEMBER, types=holder, find_timeout=find_timeout, send=send or ExchangeFilter()))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await store.open()
        yield
        await store.close()

    app = Starlette(routes=omrs_routes(collection, access=access, limits=limits, surroundings=surroundings, enterprise=enterprise), lifespan=lifespan)
    with TestClient(app, raise_server_exceptions=False) as http:
        yield Client(http, store, collection)
