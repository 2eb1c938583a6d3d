"""The watchdog of foreign code that may hang, and with it the interpreter: it ends the process, and what was being done is known after the restart.

What is done is written into a file that is mapped into memory, before it is begun: that outlives the process whatever ends it, and costs a microsecond. The
clock is `faulthandler.dump_traceback_later`, a thread that needs no interpreter lock: a regular expression or a C function that never comes back holds the
lock, and no thread or signal handler of Python would run (docs/adr/0008-watchdog.md). It writes where every thread stands into a second file, which is how
the next process tells its work from any other end, and leaves with exit code 1.
"""

import faulthandler
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

CELLS: Final = 256
"""At most so many things may be watched."""
_CELL: Final = struct.Struct("<dqi?H256s")
_SLACK: Final = 1.25
"""The clock is set again only when it would ring too early, so it rings up to a quarter late."""
_TRACE_BYTES: Final = 20_000


class Suspect(NamedTuple):
    """What the process before this one was cut in."""

    topic: str
    partition: int
    offset: int
    repeated: bool
    trace: str
    """Where its threads stood."""


class Cell:
    """One thing that is watched; one thread uses it at a time."""

    def __init__(self, watchdog: "Watchdog", number: int, repeated: bool) -> None:
        self._watchdog = watchdog
        self._at = number * _CELL.size
        self._repeated = repeated

    def begin(self, topic: str, partition: int, offset: int) -> None:
        """This record is being worked on from now on. Every `begin` has its `end`."""
        self._watchdog.begin(self._at, _CELL.pack(time.monotonic(), offset, partition, self._repeated, *_text(topic)))

    def end(self) -> None:
        """It is done."""
        self._watchdog.end(self._at)


class Watchdog:
    """Belongs to one process; `start` before the first `begin`, `close` at the end. `seconds` is what a record may take."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._marks = path
        self._traces = path.with_name(path.name + ".trace")
        self._seconds = seconds
        self._lock = threading.Lock()
        self._began: dict[int, float] = {}
        self._open_batches = 0
        self._rings_at: float | None = None
        self._cells = 0

    def suspect(self) -> Suspect | None:
        """What a process before this one hung on; None when none was cut. Of several that were under way, the one that began first was the reason."""
        try:
            trace = self._traces.read_bytes()[:_TRACE_BYTES].decode(errors="replace")
            marks = self._marks.read_bytes()
        except FileNotFoundError:
            return None
        under_way = sorted(cell for cell in _CELL.iter_unpack(marks[: CELLS * _CELL.size]) if cell[0])
        if not trace or not under_way:
            return None
        _, offset, partition, repeated, length, topic = under_way[0]
        return Suspect(topic[:length].decode(errors="replace"), partition, offset, repeated, trace)

    def start(self) -> None:
        """Forget what the process before left, and watch."""
        self._traces_file = self._traces.open("wb")
        with self._marks.open("wb+") as file:
            file.truncate(CELLS * _CELL.size)
            self._map = mmap.mmap(file.fileno(), CELLS * _CELL.size)

    def cell(self, *, repeated: bool = False) -> Cell:
        """Something to be watched; `repeated` comes back in `Suspect`. ValueError when there are too many."""
        if self._cells == CELLS:
            raise ValueError(f"more than {CELLS} things to watch")
        self._cells += 1
        return Cell(self, self._cells - 1, repeated)

    def close(self) -> None:
        """Stop watching, and leave nothing behind; while something is under way it stays, and cuts a stop that waits for what hangs."""
        with self._lock:
            if self._began:
                return
            self._silence()
        self._map.close()
        self._traces_file.close()
        self._marks.unlink(missing_ok=True)
        self._traces.unlink(missing_ok=True)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Many records follow each other: the clock runs on between them, because setting it costs more than most records."""
        with self._lock:
            self._open_batches += 1
        try:
            yield
        finally:
            with self._lock:
                self._open_batches -= 1
                self._silence_when_idle()

    def begin(self, at: int, mark: bytes) -> None:
        """For `Cell`."""
        now = time.monotonic()
        with self._lock:
            self._map[at : at + _CELL.size] = mark
            self._began[at] = now
            earliest = min(self._began.values()) + self._seconds
            if self._rings_at is None or self._rings_at < earliest:
                self._rings_at = earliest + (_SLACK - 1) * self._seconds
                faulthandler.dump_traceback_later(max(self._rings_at - now, 0.001), file=self._traces_file, exit=True)

    def end(self, at: int) -> None:
        """For `Cell`."""
        with self._lock:
            self._map[at : at + 8] = bytes(8)
            self._began.pop(at, None)
            self._silence_when_idle()

    def _silence_when_idle(self) -> None:
        if not self._began and not self._open_batches:
            self._silence()

    def _silence(self) -> None:
        if self._rings_at is not None:
            self._rings_at = None
            faulthandler.cancel_dump_traceback_later()


def _text(topic: str) -> tuple[int, bytes]:
    """Kafka's names have at most 249 characters of ASCII."""
    text = os.fsencode(topic)[:256]
    return len(text), text
