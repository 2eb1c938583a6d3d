"""The SQLite repository connector."""

from cohort_sync.store.sqlite.connector import SqliteStore

__all__ = ["SqliteStore"]
