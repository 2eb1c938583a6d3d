"""The lock of a store: one worker a store, and the one that comes second is told who was first."""

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from cohort_sync.omrs.errors import ConfigurationError, StoreLocked


class StoreLock:
    """`flock` on `<store>.lock`. The system drops it when the process ends, however it ends; the file stays and is no sign that a worker runs."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._path = store.with_name(store.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self, started: int) -> None:
        """Take the lock and write who has it. `started` is epoch milliseconds. Raises StoreLocked, which names the process, or ConfigurationError."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigurationError(
                f"store.path {self._store}: the lock file {self._path} cannot be made ({error.strerror}). The directory must exist and be writable"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(os.pread(descriptor, 4096, 0))
            os.close(descriptor)
            raise StoreLocked(f"store {self._store} is in use by {holder}. Stop that worker first, or give this one a store of its own (store.path)") from None
        except OSError as error:
            os.close(descriptor)
            raise ConfigurationError(f"store.path {self._store}: its file system cannot lock files ({error.strerror}); use a local one") from error
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "started": started}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back. Does nothing when it is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _holder(content: bytes) -> str:
    """The process that a lock file names, in words. Between the lock and its content there is a moment in which nobody is named."""
    try:
        owner = json.loads(content)
        started = datetime.fromtimestamp(owner["started"] / 1000, UTC).isoformat(timespec="seconds")
        return f"process {owner['pid']} on {owner['host']} (started {started})"
    except (ValueError, TypeError, KeyError):
        return "another process (its lock file does not say which)"
