"""The in-memory store: the contract of `Store` over `MemoryState`."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cohort_sync.omrs.errors import FatalFault
from cohort_sync.store.clock import wall_clock
from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.store.protocol import Planner, Query

T = TypeVar("T")


class MemoryStore:
    """See `Store`. What it holds outlives `close`: opened again, it is as it was left. Planners and queries run in threads, as they do with SQLite.

    Cost: a transaction copies the tables that it changes, so this is for thousands of instances, not for millions.
    """

    def __init__(self, *, clock: Callable[[], int] = wall_clock) -> None:
        self._clock = clock
        self._state = MemoryState()
        self._turn: asyncio.Lock | None = None

    async def open(self) -> None:
        """As `Store.open`; there is nothing to lock or migrate."""
        if self._turn is not None:
            raise FatalFault("the store in memory is open already")
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """As `Store.close`."""
        if self._turn is not None:
            async with self._turn:
                self._turn = None

    async def transact(self, plan: Planner[T], *, committing: Callable[[], None] | None = None) -> T:
        """As `Store.transact`."""
        async with self._writing():
            reader = MemoryReader(self._state)
            try:
                writes, result = await asyncio.to_thread(plan, reader)
            finally:
                reader.end()
            state = self._state.apply(writes, self._clock())
            if committing is not None:
                committing()
            self._state = state
            return result

    async def read(self, query: Query[T]) -> T:
        """As `Store.read`."""
        self._writing()
        reader = MemoryReader(self._state)
        try:
            return await asyncio.to_thread(query, reader)
        finally:
            reader.end()

    async def acknowledge(self, up_to_seq: int) -> None:
        """As `Store.acknowledge`."""
        async with self._writing():
            self._state = self._state.acknowledge(up_to_seq)

    async def prune(self, *, history_before: int, dead_letters_before: int, guards_before: int, chunk: int = 500) -> int:
        """As `Store.prune`."""
        async with self._writing():
            self._state, pruned = self._state.prune(
                history_before=history_before, dead_letters_before=dead_letters_before, guards_before=guards_before, chunk=chunk
            )
            return pruned

    def _writing(self) -> asyncio.Lock:
        """Whose turn it is to write: one transaction after the other."""
        if self._turn is None:
            raise FatalFault("the store in memory is not open")
        return self._turn
