"""When the find index is brought up to date: while nobody writes, and in between when somebody finds, or when too much waits.

A chunk takes the writer a few milliseconds; a transaction that comes meanwhile waits for no more than that.
"""

import asyncio
import logging
import time
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
ASKED_SECONDS: Final = 10.0
"""So long after a find the index takes turns with whoever writes: who asks once asks again, and what waits is what a find has to go through."""
ENOUGH: Final = 500
"""Where no more than this waits, no turn is taken then; a turn takes half of what waits, within bounds."""
ASKED_CHUNK: Final = 2_000
"""The longest turn that is taken for somebody who finds."""
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
        self._asked = -ASKED_SECONDS
        self._task = asyncio.create_task(self._run(), name="find-index")
        self._task.add_done_callback(_report)

    def begin(self) -> None:
        """A transaction waits for the writer, or is under way."""
        self._under_way += 1

    def touch(self) -> None:
        """It has ended, and something may have been written."""
        self._under_way = max(0, self._under_way - 1)
        self._written = time.monotonic()
        self._touched.set()

    def asked(self) -> None:
        """Somebody finds. From any thread."""
        self._asked = time.monotonic()

    async def stop(self) -> None:
        """Wait for the chunk that is under way, then do no more. What is left waits for the next start."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        waiting = 0
        while True:
            await self._touched.wait()
            chunk = await self._turn(waiting)
            self._touched.clear()
            try:
                waiting = await asyncio.shield(asyncio.ensure_future(self._index(chunk)))
            except CohortSyncError as fault:
                _LOG.warning("the find index waits: %s", fault)
                await asyncio.sleep(_RETRY_SECONDS)
                waiting = max(waiting, 1)
            if waiting:
                self._touched.set()

    async def _turn(self, waiting: int) -> int:
        """Wait for the index's turn; how many changes it may take then. 0: it has none, and looks only how many wait."""
        clock = time.monotonic
        began = clock()
        while self._under_way or clock() < self._written + QUIET_SECONDS:
            if waiting > URGENT:
                return URGENT_CHUNK
            asked = clock() < self._asked + ASKED_SECONDS
            if asked and waiting > ENOUGH:
                return min(waiting // 2, ASKED_CHUNK)
            if clock() > began + (QUIET_SECONDS if asked else _PATIENCE_SECONDS):
                return 0
            await asyncio.sleep(QUIET_SECONDS / 2)
        return CHUNK


def _report(task: "asyncio.Task[None]") -> None:
    """A defect of ours must not pass unseen: finds stay right without the index, and become slow."""
    if not task.cancelled() and (problem := task.exception()) is not None:
        _LOG.error("the find index is not kept any more, finds become slow: %r", problem, exc_info=problem)
