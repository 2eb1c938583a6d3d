"""What the command line asks of the worker: it writes a request into the store, the worker acts on it (one writer of state per store).

answers        what becomes of a request in one step
desk           looks for requests and does them, step by step
planner        which request is whose
announcing     publish, refresh
dead_letters   replay, discard
sources        resume
"""

from cohort_sync.worker.requests.announcing import Announcing
from cohort_sync.worker.requests.dead_letters import DeadLetters, ReplaySource
from cohort_sync.worker.requests.desk import RequestDesk
from cohort_sync.worker.requests.planner import RequestPlanner

__all__ = ["Announcing", "DeadLetters", "ReplaySource", "RequestDesk", "RequestPlanner"]
