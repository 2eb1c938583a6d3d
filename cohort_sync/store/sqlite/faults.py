"""The errors of SQLite as faults of ours, translated once, here."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cohort_sync.omrs.errors import CohortSyncError, FatalFault, TransientFault

_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_PASSING: Final = {
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_LOCKED: "another connection holds it",
    sqlite3.SQLITE_NOMEM: "there is no memory",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "a file of it cannot be opened",
    sqlite3.SQLITE_PROTOCOL: "its lock could not be taken",
}


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Raise what SQLite raises inside as TransientFault (busy, disk full, input/output error) or FatalFault (damaged, not writable, a defect of ours)."""
    try:
        yield
    except sqlite3.Error as error:
        raise fault_of(error, path, doing) from error


def fault_of(error: sqlite3.Error, path: Path, doing: str) -> CohortSyncError:
    """The fault that an error of SQLite is."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    what = f"store {path}: cannot {doing}"
    if primary in _PASSING:
        return TransientFault(f"{what}: {_PASSING[primary]} ({name}: {error}); nothing was changed")
    if primary in _DAMAGED:
        return FatalFault(
            f"{what}: the file is damaged or no database ({name}: {error}). "
            "Restore it from a backup, or move it aside and start with an empty store and --recovering"
        )
    if primary == sqlite3.SQLITE_READONLY:
        return FatalFault(f"{what}: it cannot be written ({name}: {error}). Check the permissions of the file and of its directory")
    return FatalFault(f"{what}: {name}: {error}. This is a defect of cohort-sync or a store that something else has changed")
