"""Members with repository services over HTTP, on either store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from omrs_client import Client
from served import serve

from cohort_sync.api.omrs.call import Limits
from cohort_sync.api.omrs.transport import Access
from cohort_sync.omrs.exchange import ExchangeFilter, ExchangeRule
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Store
from cohort_sync.store.sqlite import SqliteStore
from schemas import read_pack


@pytest.fixture(scope="session")
def packs() -> dict[str, TypeRegistry]:
    return {release: TypeRegistry.from_pack(read_pack(release)) for release in ("6.1", "4.2")}


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


@pytest.fixture
def discreet(packs: dict[str, TypeRegistry]) -> Iterator[Client]:
    """A member that does not tell the cohort of its tables."""
    rule = ExchangeFilter(rule=ExchangeRule.DESELECTED_TYPES, types=frozenset({"RelationalTable"}))
    yield from serve(MemoryStore(), packs["6.1"], send=rule)
