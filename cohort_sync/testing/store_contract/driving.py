"""A store that a plain function can drive."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from cohort_sync.store.protocol import Query, Store, WriteSet
from cohort_sync.store.rows import InstanceRow

T = TypeVar("T")
Clock = Callable[[], int]
"""Epoch milliseconds."""
StoreFactory = Callable[[Path, Clock], Store]
"""Makes a store that is not open, at this place (nothing is there yet, or what it left there itself)."""


class Driver:
    """A store on an event loop of its own. `now` is what its clock says."""

    def __init__(self, store: Store, runner: asyncio.Runner) -> None:
        self.store = store
        self.now = 1_000
        self._runner = runner

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        return self._runner.run(coroutine)

    def write(self, **tables: Any) -> None:
        self.apply(WriteSet(**tables))

    def apply(self, writes: WriteSet) -> None:
        self.run(self.store.transact(lambda reader: (writes, None)))

    def read(self, query: Query[T]) -> T:
        return self.run(self.store.read(query))

    def put(self, *rows: InstanceRow) -> None:
        self.write(instances={row.guid: row for row in rows})

    def prune(self, history: int = 0, dead_letters: int = 0, guards: int = 0, chunk: int = 500) -> int:
        return self.run(self.store.prune(history_before=history, dead_letters_before=dead_letters, guards_before=guards, chunk=chunk))


@contextmanager
def driven(make_store: StoreFactory, path: Path) -> Iterator[Driver]:
    """An open store of this factory; it is closed at the end."""
    drivers: list[Driver] = []
    store = make_store(path, lambda: drivers[0].now)
    with asyncio.Runner() as runner:
        drivers.append(Driver(store, runner))
        runner.run(store.open())
        try:
            yield drivers[0]
        finally:
            runner.run(store.close())
