"""Keeping the write-ahead log short. SQLite begins it anew only at a moment without readers; where one read follows the other there is none: it grows for ever.

So when it is long, new reads are held back for a moment, the log is moved into the database, and everything goes on.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOG = logging.getLogger(__name__)

_LIMIT_BYTES: Final = 256 << 20
"""Four times of what SQLite moves by itself."""
_PATIENCE_SECONDS: Final = 0.5
"""So long the writer waits for the reads that are under way; long ones are not cut off for the log."""
_PAUSE_SECONDS: Final = 5.0
"""Between two tries."""
_BUSY_MILLISECONDS: Final = 100
"""So long readers of other processes are waited for."""


class ReadGate:
    """Counts the reads under way and can let no more begin. For threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._reading = 0
        self._shut = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A read; waits while the gate is shut."""
        with self._condition:
            self._condition.wait_for(lambda: not self._shut)
            self._reading += 1
        try:
            yield
        finally:
            with self._condition:
                self._reading -= 1
                self._condition.notify_all()

    @contextmanager
    def shut(self, seconds: float) -> Iterator[bool]:
        """No read begins while this lasts; False when some were still under way after so many seconds."""
        with self._condition:
            self._shut = True
            alone = self._condition.wait_for(lambda: not self._reading, seconds)
        try:
            yield alone
        finally:
            with self._condition:
                self._shut = False
                self._condition.notify_all()


class LogLimit:
    """Used by the thread that writes, between two transactions."""

    def __init__(self, path: Path, gate: ReadGate, *, limit: int = _LIMIT_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = Path(f"{path}-wal")
        self._gate = gate
        self._limit = limit
        self._clock = clock
        self._next_try = clock()

    def keep(self, connection: sqlite3.Connection) -> None:
        """Shorten the log when it is too long and nobody reads for a moment."""
        if self._size() <= self._limit or self._clock() < self._next_try:
            return
        with self._gate.shut(_PATIENCE_SECONDS) as alone:
            if alone:
                (busy_timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
                connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
                try:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    connection.execute(f"PRAGMA busy_timeout = {busy_timeout}")
        if (size := self._size()) > self._limit:
            _LOG.info("the write-ahead log has %d MB, because something reads all the time; it is shortened later", size >> 20)
        self._next_try = self._clock() + _PAUSE_SECONDS

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
