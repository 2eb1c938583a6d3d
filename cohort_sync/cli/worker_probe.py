"""Is the worker of a store running, and what does it say of itself?"""

import http.client
import os
import socket
import urllib.error
import urllib.request
from typing import Literal

import msgspec

from cohort_sync.observe.health import Condition
from cohort_sync.observe.status import NOBODY, Presence, WorkerStatus

TIMEOUT_SECONDS = 3.0

State = Literal["running", "embedded", "silent", "stopped", "never"]


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The worker as seen from here.

    `state`: running (it answered), embedded (a member inside a program, whose process is there; it has no pages), silent (its process is there, its pages do
    not answer), stopped (it is gone, or on a host that is not reached from here), never (no worker has used the store yet).
    """

    state: State
    pid: int | None = None
    host: str | None = None
    http: str | None = None
    version: str | None = None
    started: int | None = None
    ready: bool | None = None
    conditions: tuple[Condition, ...] = ()
    worst_loop_lag_seconds: float | None = None


def probe(presence: Presence | None) -> tuple[WorkerReport, WorkerStatus | None]:
    """Ask the worker that left this presence in the store. Waits for up to TIMEOUT_SECONDS; never raises because of the worker."""
    if presence is None:
        return WorkerReport(state="never"), None
    status = _ask(presence.http)
    # Another worker may have got the same port since: only the one that the store names counts.
    if status is not None and (status.presence.pid, status.presence.started) == (presence.pid, presence.started):
        ready, conditions, lag = status.ready, status.conditions, status.worst_loop_lag_seconds
        return _report("running", presence, ready=ready, conditions=conditions, worst_loop_lag_seconds=lag), status
    if not _process_is_there(presence):
        return _report("stopped", presence), None
    return _report("silent" if presence.http else "embedded", presence), None


def _report(
    state: State, presence: Presence, *, ready: bool | None = None, conditions: tuple[Condition, ...] = (), worst_loop_lag_seconds: float | None = None
) -> WorkerReport:
    return WorkerReport(
        state=state,
        pid=presence.pid,
        host=presence.host,
        http=presence.http,
        version=presence.version,
        started=presence.started,
        ready=ready,
        conditions=conditions,
        worst_loop_lag_seconds=worst_loop_lag_seconds,
    )


def _ask(root: str) -> WorkerStatus | None:
    if not root.startswith("http://"):
        return None
    # No proxy of the environment stands between this machine and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{root}/status", timeout=TIMEOUT_SECONDS) as answer:
            return msgspec.json.decode(answer.read(), type=WorkerStatus)
    except (urllib.error.URLError, http.client.HTTPException, OSError, msgspec.DecodeError):
        return None


def _process_is_there(presence: Presence) -> bool:
    if presence.pid == NOBODY or presence.host != socket.gethostname():
        return False
    try:
        os.kill(presence.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
