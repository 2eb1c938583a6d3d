"""A look into a member's store beside a running worker: read-only, without the lock."""

import asyncio
from typing import TypeVar

from cohort_sync.config import Settings
from cohort_sync.store.protocol import Query

T = TypeVar("T")


def read_store(settings: Settings, query: Query[T]) -> T:
    """Run a query on a consistent view of the store. Raises ConfigurationError when there is no store yet."""
    from cohort_sync.store.sqlite import SqliteStore

    async def look() -> T:
        store = SqliteStore(settings.store.path, read_only=True)
        await store.open()
        try:
            return await store.read(query)
        finally:
            await store.close()

    return asyncio.run(look())
