"""The SQLite store: one file, one writer thread, readers beside it.

The writer thread owns the connection that writes: planner, statements and commit of a transaction run there, one transaction after the other, so nothing ever
waits for a lock of SQLite. Reads run in a few threads of their own, each in a read transaction: WAL gives them a consistent view beside a transaction that is
under way. Only the lock file keeps a second worker out; commands that only look need no lock.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from cohort_sync.omrs.errors import ConfigurationError, FatalFault
from cohort_sync.store.clock import wall_clock
from cohort_sync.store.protocol import Planner, Query
from cohort_sync.store.sqlite import connection as connections
from cohort_sync.store.sqlite import migrate
from cohort_sync.store.sqlite import statements as sql
from cohort_sync.store.sqlite.faults import translated
from cohort_sync.store.sqlite.find_index import index_chunk
from cohort_sync.store.sqlite.index_keeper import IndexKeeper
from cohort_sync.store.sqlite.lock import StoreLock
from cohort_sync.store.sqlite.log_limit import LogLimit, ReadGate
from cohort_sync.store.sqlite.reader import SqliteReader
from cohort_sync.store.sqlite.writer import write

T = TypeVar("T")

_READERS = 2


class SqliteStore:
    """See `Store`. A caller that is cancelled while its transaction runs does not stop it: whether it was committed is seen at its position.

    `read_only` opens an existing store without the lock and never changes it, beside a running worker or not. `clock` (epoch milliseconds) dates the lock
    and the guards, nothing else. `ready_log` takes the disk space of the write-ahead log (64 MB) when the store is opened, which makes commits faster.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False, clock: Callable[[], int] = wall_clock, ready_log: bool = False) -> None:
        if str(path) == ":memory:":
            raise ConfigurationError("store.path is ':memory:'; a worker needs a store that outlives it: name a file")
        self._path = Path(path)
        self._read_only = read_only
        self._clock = clock
        self._ready_log = ready_log
        self._lock = StoreLock(self._path)
        self._writer: ThreadPoolExecutor | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._keeper: IndexKeeper | None = None
        self._gate = ReadGate()
        self._log = LogLimit(self._path, self._gate)
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        """Connections for reading that no thread uses at the moment."""

    async def open(self) -> None:
        """As `Store.open`. Read-only: ConfigurationError when there is no store, or its schema is not the one of this release."""
        if self._readers is not None:
            raise FatalFault(f"store {self._path} is open already")
        await asyncio.to_thread(self._open)
        if not self._read_only:
            self._keeper = IndexKeeper(self.index)
            self._keeper.touch()

    async def close(self) -> None:
        """As `Store.close`. The lock is given back last."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await keeper.stop()
        if self._readers is not None:
            await asyncio.to_thread(self._close)

    async def transact(self, plan: Planner[T], *, committing: Callable[[], None] | None = None) -> T:
        """As `Store.transact`. The planner runs in the writer thread."""
        keeper = self._keeper
        if keeper is not None:
            keeper.begin()
        try:
            return await self._on_writer(lambda connection: self._transact(connection, plan, committing))
        finally:
            if keeper is not None:
                keeper.touch()

    async def read(self, query: Query[T]) -> T:
        """As `Store.read`. The query runs in a reader thread; TransientFault when the disk fails, FatalFault when the file is damaged."""
        if self._readers is None:
            raise self._closed()
        return await asyncio.wrap_future(self._readers.submit(self._read, query))

    async def index(self, limit: int) -> int:
        """Take at most `limit` changes into the find index; answers about how many still wait. The store does it by itself when nobody writes."""

        def chunk(connection: sqlite3.Connection) -> int:
            with translated(self._path, "keep the find index"):
                with connections.transaction(connection):
                    waiting = index_chunk(connection, limit)
                self._log.keep(connection)
            return waiting

        return await self._on_writer(chunk)

    async def acknowledge(self, up_to_seq: int) -> None:
        """As `Store.acknowledge`."""

        def delete(connection: sqlite3.Connection) -> None:
            with translated(self._path, "delete outbox rows"):
                connection.execute(sql.ACKNOWLEDGE, (up_to_seq,))

        await self._on_writer(delete)

    async def prune(self, *, history_before: int, dead_letters_before: int, guards_before: int, chunk: int = 500) -> int:
        """As `Store.prune`. Guards go by the time at which this store wrote them; history by the time at which a version was replaced."""

        def delete(connection: sqlite3.Connection) -> int:
            with translated(self._path, "delete what is past its retention"), connections.transaction(connection):
                return sum(
                    connection.execute(statement, (before, chunk)).rowcount
                    for statement, before in (
                        (sql.PRUNE_HISTORY, history_before),
                        (sql.PRUNE_CLASSIFICATION_HISTORY, history_before),
                        (sql.PRUNE_DEAD_LETTERS, dead_letters_before),
                        (sql.PRUNE_GUARDS, guards_before),
                    )
                    if before > 0
                )

        return await self._on_writer(delete)

    async def _on_writer(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._read_only:
            raise FatalFault(f"store {self._path} was opened read-only; only the worker that holds its lock may change it")
        if self._writer is None or self._connection is None:
            raise self._closed()
        return await asyncio.wrap_future(self._writer.submit(work, self._connection))

    def _transact(self, connection: sqlite3.Connection, plan: Planner[T], committing: Callable[[], None] | None) -> T:
        reader = SqliteReader(connection)
        try:
            with translated(self._path, "write"), connections.transaction(connection):
                writes, result = plan(reader)
                write(connection, writes, self._clock())
                if committing is not None:
                    committing()
            with translated(self._path, "shorten its log"):
                self._log.keep(connection)
        finally:
            reader.end()
        return result

    def _read(self, query: Query[T]) -> T:
        with self._gate.reading(), translated(self._path, "read"):
            connection = self._reading_connection()
            reader = SqliteReader(connection)
            try:
                connection.execute("BEGIN")
                return query(reader)
            finally:
                if reader.asked_to_find and self._keeper is not None:
                    self._keeper.asked()
                reader.end()
                connections.roll_back(connection)
                self._idle.put(connection)

    def _reading_connection(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            return connections.for_reading(self._path)

    def _open(self) -> None:
        if self._read_only:
            connections.check_readable(self._path)
        else:
            self._open_for_writing()
            self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")

    def _open_for_writing(self) -> None:
        self._lock.acquire(self._clock())
        try:
            self._connection = connections.for_writing(self._path)
            with translated(self._path, "bring its schema up to date"):
                migrate.migrate(self._connection, self._path, migrate.migrations())
                if self._ready_log:
                    connections.fill_log(self._connection, self._path)
        except BaseException:
            self._close_connections()
            self._lock.release()
            raise

    def _close(self) -> None:
        writer, readers = self._writer, self._readers
        self._writer = self._readers = None
        for executor in (writer, readers):
            if executor is not None:
                executor.shutdown(wait=True)
        try:
            with translated(self._path, "close"):
                self._close_connections()
        finally:
            self._lock.release()

    def _close_connections(self) -> None:
        """The writing one last: what closes last moves the log into the database."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _closed(self) -> FatalFault:
        return FatalFault(f"store {self._path} is not open")
