"""A member's repository services over HTTP, on either store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from omrs_client import Client, Holder
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.service import omrs_routes
from cohort_sync.api.omrs.surroundings import Surroundings
from cohort_sync.api.omrs.transport import Access
from cohort_sync.cohort.member import LocalMember
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import CollectionContext
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Store
from cohort_sync.store.sqlite import SqliteStore
from schemas import read_pack

MEMBER = LocalMember(metadata_collection_id="mc-local", metadata_collection_name="retail", server_name="retail-proxy")


@pytest.fixture(scope="session")
def packs() -> dict[str, TypeRegistry]:
    return {release: TypeRegistry.from_pack(read_pack(release)) for release in ("6.1", "4.2")}


def serve(
    store: Store,
    registry: TypeRegistry,
    access: Access | None = None,
    limits: Limits | None = None,
    surroundings: Surroundings | None = None,
    find_timeout: float = 30.0,
) -> Iterator[Client]:
    holder = Holder(registry)
    collection = MetadataCollection(store, CollectionContext(member=MEMBER, types=holder, find_timeout=find_timeout))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await store.open()
        yield
        await store.close()

    app = Starlette(routes=omrs_routes(collection, access=access, limits=limits, surroundings=surroundings), lifespan=lifespan)
    with TestClient(app, raise_server_exceptions=False) as http:
        yield Client(http, store, collection)


@pytest.fixture(params=["memory", "sqlite"])
def client(request: pytest.FixtureRequest, tmp_path: Path, packs: dict[str, TypeRegistry]) -> Iterator[Client]:
    """A member of a 6.x cohort."""
    yield from serve(MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "store.db"), packs["6.1"])


@pytest.fixture(params=["memory", "sqlite"])
def hurried(request: pytest.FixtureRequest, tmp_path: Path, packs: dict[str, TypeRegistry]) -> Iterator[Client]:
    """A member whose finds have no time."""
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "store.db")
    yield from serve(store, packs["6.1"], find_timeout=1e-9)


@pytest.fixture
def client_of_4(packs: dict[str, TypeRegistry]) -> Iterator[Client]:
    """A member of a 4.x cohort."""
    yield from serve(MemoryStore(), packs["4.2"])


@pytest.fixture
def guarded(packs: dict[str, TypeRegistry]) -> Iterator[Client]:
    """A member that lets in who has the token, and gives out few results at once."""
    yield from serve(MemoryStore(), packs["6.1"], Access(token="secret"), Limits(page_size=2, body_bytes=2_000))
