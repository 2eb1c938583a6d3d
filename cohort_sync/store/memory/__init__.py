"""The in-memory twin of the SQLite store: for tests, dry runs and the mapper harness."""

from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.store.memory.store import MemoryStore

__all__ = ["MemoryReader", "MemoryState", "MemoryStore"]
