"""How fast a worker process goes through a backlog, seen from outside: its positions in its store."""

import time
from collections.abc import Callable

from cohort_sync.omrs.errors import TransientFault
from cohort_sync.testing.worker import WorkerProcess

_LOOK_SECONDS = 0.05


def rate_of(worker: WorkerProcess, progress: Callable[[], int], goal: int, *, finished: Callable[[], bool] = lambda: True, seconds: float = 300.0) -> float:
    """Units a second between the first progress that is seen and the moment when the goal is reached and `finished` holds: the start does not count.

    TransientFault when that takes more than `seconds`, or when the worker ends.
    """
    deadline = time.monotonic() + seconds
    began, first = 0.0, 0
    while True:
        now, number = time.perf_counter(), progress()
        if number and not first:
            began, first = now, number
        if number >= goal and finished():
            if first >= goal:
                raise TransientFault(f"the backlog of {goal} is too small: it was done before it could be seen")
            return (number - first) / (now - began)
        if time.monotonic() > deadline or not worker.running:
            raise TransientFault(f"only {number} of {goal} after {seconds:g} s; the end of the worker's log:\n{worker.log_tail()}")
        time.sleep(_LOOK_SECONDS)
