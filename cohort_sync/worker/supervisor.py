"""Tasks that must not end by themselves, and the first fault among them."""

import asyncio
from collections.abc import Coroutine

import structlog

from cohort_sync.omrs.errors import CohortSyncError

_log = structlog.stdlib.get_logger(__name__)


class Supervisor:
    """Runs tasks by name. When one ends with a fault, `stopping` is set and the fault is kept: it decides the exit code of the worker."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.fault: BaseException | None = None

    def start(self, name: str, work: Coroutine[object, object, None]) -> None:
        """Run it until it returns, fails or is cancelled."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks[name] = task

    def _ended(self, task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is None:
            return
        if self.fault is None:
            self.fault = problem
        if isinstance(problem, CohortSyncError):
            _log.error("A part of the worker cannot go on; the worker stops", part=task.get_name(), reason=str(problem))
        else:
            _log.error("A part of the worker failed unexpectedly; the worker stops, this is a bug", part=task.get_name(), exc_info=problem)
        self._stopping.set()

    async def join(self, names: list[str], seconds: float) -> None:
        """Wait until these tasks have ended; what has not after `seconds` is cancelled and told."""
        tasks = {name: self._tasks[name] for name in names if name in self._tasks}
        if not tasks:
            return
        _, left = await asyncio.wait(tasks.values(), timeout=max(0.0, seconds))
        for task in left:
            _log.warning("A part of the worker did not end in time and is cut off; what it had not committed comes again", part=task.get_name())
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def cancel_all(self) -> None:
        """End whatever still runs."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
