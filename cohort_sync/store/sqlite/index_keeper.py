"""When the find index is brought up to date: while nobody writes, and in between when too much waits.

A chunk takes the writer a few milliseconds; a transaction that comes meanwhile waits for no more than that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from cohort_sync.omrs.errors import CohortSyncError

_LOG = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.1
"""So long nothing is written before the index gets its turn."""
CHUNK: Final = 100
"""Changes taken at once: about 12 ms."""
URGENT: Final = 250_000
"""From so many waiting changes on, the index takes turns with whoever writes: a find looks at each of them. High, because the turns of the index more than
double the time that a backlog takes, and a member that catches up is seldom asked."""
URGENT_CHUNK: Final = 1_000
_PATIENCE_SECONDS: Final = 0.5
"""So long the index waits for its turn before it looks how much waits."""
_RETRY_SECONDS: Final = 5.0

Index = Callable[[int], Awaitable[int]]
"""Takes up to so many changes into the index; answers about how many still wait."""


class IndexKeeper:
    """Belongs to one event loop. `begin` before each transaction and `touch` after it; `stop` before the store closes."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._touched = asyncio.Event()
        self._under_way = 0
        self._written = 0.0
        self._task = asyncio.create_task(self._run(), name="find-index")
        self._task.add_done_callback(_report)

    def begin(self) -> None:
        """A transaction waits for the writer, or is under way."""
        self._under_way += 1

    def touch(self) -> None:
        """It has ended, and something may have been written."""
        self._under_way = max(0, self._under_way - 1)
        self._written = asyncio.get_running_loop().time()
        self._touched.set()

    async def stop(self) -> None:
        """Wait for the chunk that is under way, then do no more. What is left waits for the next start."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        chunk = CHUNK
        while True:
            await self._touched.wait()
            quiet = chunk == URGENT_CHUNK or await self._quiet()
            self._touched.clear()
            try:
                waiting = await asyncio.shield(asyncio.ensure_future(self._index(chunk if quiet else 0)))
            except CohortSyncError as fault:
                _LOG.warning("the find index waits: %s", fault)
                await asyncio.sleep(_RETRY_SECONDS)
                waiting = 1
            chunk = URGENT_CHUNK if waiting > URGENT else CHUNK
            if waiting:
                self._touched.set()

    async def _quiet(self) -> bool:
        """Wait until nothing was written for a moment; False when that does not come."""
        clock = asyncio.get_running_loop().time
        end = clock() + _PATIENCE_SECONDS
        while self._under_way or clock() < self._written + QUIET_SECONDS:
            if clock() > end:
                return False
            await asyncio.sleep(QUIET_SECONDS / 2)
        return True


def _report(task: "asyncio.Task[None]") -> None:
    """A defect of ours must not pass unseen: finds stay right without the index, and become slow."""
    if not task.cancelled() and (problem := task.exception()) is not None:
        _LOG.error("the find index is not kept any more, finds become slow: %r", problem, exc_info=problem)
