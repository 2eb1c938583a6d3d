"""What others have and we have not: the home is asked to announce it again, so that a copy of it is kept here (spec metadata-collection-semantics 13.1).

This happens beside the answer, a few at a time, and for each instance once in a while only: a home that does not answer is not asked by every find.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable

import structlog

from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.headers import Author
from cohort_sync.omrs.errors import CohortSyncError
from cohort_sync.omrs.exchange import ExchangeFilter
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.store.protocol import Store

_log = structlog.stdlib.get_logger(__name__)
AT_ONCE = 100
"""Instances that one answer may ask for."""
AGAIN_SECONDS = 600.0
_REMEMBERED = 10_000


class Refresher:
    """For one collection. `save` is the rule by which copies are kept."""

    def __init__(self, store: Store, collection: MetadataCollection, save: ExchangeFilter) -> None:
        self._store = store
        self._collection = collection
        self._save = save
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def missed(self, user: str, instances: Iterable[EntityDetail | Relationship]) -> None:
        """These were found elsewhere and not here."""
        wanted = [one for one in instances if self._is_wanted(one)][:AT_ONCE]
        if wanted:
            task = asyncio.create_task(self._ask(Author(user), wanted), name="cohort-sync-refresher")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _is_wanted(self, instance: EntityDetail | Relationship) -> bool:
        kind, now = instance.type, time.monotonic()
        if instance.guid is None or kind is None or instance.metadata_collection_id in (None, self._collection.context.collection_id):
            return False
        if not self._save.type_passes(kind.type_def_guid, kind.type_def_name) or now - self._asked.get(instance.guid, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return False
        self._asked[instance.guid] = now
        self._asked.move_to_end(instance.guid)
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return True

    async def _ask(self, author: Author, wanted: list[EntityDetail | Relationship]) -> None:
        try:
            stored = await self._store.read(lambda reader: set(reader.instances([one.guid or "" for one in wanted])))
            for one in wanted:
                if one.guid not in stored and one.type is not None:
                    ask = self._collection.copies.refresh_entity if isinstance(one, EntityDetail) else self._collection.copies.refresh_relationship
                    await ask(author, one.guid, one.type.type_def_guid, one.type.type_def_name, one.metadata_collection_id)
        except CohortSyncError as problem:
            _log.warning("The homes of instances that were found elsewhere could not be asked for them", reason=str(problem))
