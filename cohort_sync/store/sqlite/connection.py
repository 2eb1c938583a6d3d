"""Connections to the file of a store, and their transactions. The settings were measured; docs/adr/0002-store-shape.md has the figures."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.store.sqlite import migrate
from cohort_sync.store.sqlite.faults import translated

_LOG = logging.getLogger(__name__)
_BUSY_SECONDS: Final = 5.0
_WRITE_CACHE_KIB: Final = 32_000
_READ_CACHE_KIB: Final = 4_000

_CHECKPOINT_PAGES: Final = 16_000
"""64 MB of log before it is moved into the database: a page that is written often is moved once."""
LOG_BYTES: Final = _CHECKPOINT_PAGES * 4096


def for_writing(path: Path) -> sqlite3.Connection:
    """The connection that writes; makes the file when there is none. ConfigurationError when the file cannot be a store."""
    connection = _connect(path, "rwc")
    try:
        with translated(path, "open"):
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{_WRITE_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {_CHECKPOINT_PAGES * 4096}")
        if mode != "wal":
            raise ConfigurationError(f"store.path {path}: its file system does not allow a write-ahead log (journal mode is {mode}); use a local one")
    except BaseException:
        connection.close()
        raise
    return connection


def fill_log(connection: sqlite3.Connection, path: Path) -> None:
    """Write the log to the length that it reaches before it is moved into the database, once, with what is rolled back.

    A commit that makes the file longer has the file system write the new length and where the blocks are as well, and takes about twice as long on the disk as
    one that writes over what is there. It costs 0.3 s and the disk space that the log takes sooner or later; where there is none, the log grows as it does.
    """
    log = Path(f"{path}-wal")
    missing = LOG_BYTES - (log.stat().st_size if log.exists() else 0)
    if missing <= 0:
        return
    connection.execute("PRAGMA cache_size = 50")  # what does not fit there goes to the log before any commit
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE log_filler (content)")
        connection.execute("INSERT INTO log_filler VALUES (zeroblob(?1))", (missing,))
    except sqlite3.OperationalError:
        _LOG.info("the log of %s is not written to its full length beforehand", path, exc_info=True)
    finally:
        roll_back(connection)
        connection.execute(f"PRAGMA cache_size = -{_WRITE_CACHE_KIB}")
    with log.open("rb") as file:
        os.fsync(file.fileno())


def for_reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    connection = _connect(path, "ro")
    with translated(path, "open"):
        connection.execute(f"PRAGMA cache_size = -{_READ_CACHE_KIB}")
    return connection


def check_readable(path: Path) -> None:
    """ConfigurationError when there is no store at this path, or one with another schema than this release has."""
    if not path.is_file():
        raise ConfigurationError(f"store.path {path}: there is no store yet. It is made when the worker starts for the first time")
    connection = for_reading(path)
    try:
        with translated(path, "open"):
            steps = migrate.migrations()
            version = migrate.check(connection, path, steps)
        if version < steps[-1].number:
            raise ConfigurationError(
                f"store.path {path}: its schema is number {version}, this release has {steps[-1].number}. "
                "Start the worker of this release once, it brings the store up to date"
            )
    finally:
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction: committed at the end, rolled back when anything is raised inside or by the commit."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: sqlite3.Connection) -> None:
    """End the transaction without its changes. SQLite may have ended it already (disk full, input/output error)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """`check_same_thread` is off: a connection serves one thread at a time, but not always the same, and it is closed by another."""
    try:
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, cached_statements=256, check_same_thread=False, timeout=_BUSY_SECONDS
        )
    except sqlite3.OperationalError as error:
        raise ConfigurationError(f"store.path {path}: the file cannot be opened ({error}). Its directory must exist, and both must be accessible") from error
