"""What the two stores hold, read beside the running workers."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from cohort_sync.store.fingerprint import fingerprint
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import Kind
from cohort_sync.store.sqlite import SqliteStore

T = TypeVar("T")


class Content(msgspec.Struct, frozen=True):
    """One home collection as one member holds it."""

    entities: dict[str, int]
    relationships: dict[str, int]
    classifications: dict[str, int]
    fingerprint: str


async def read_store(path: Path, query: Callable[[Reader], T]) -> T:
    """Ask a store without disturbing its worker."""
    store = SqliteStore(path, read_only=True)
    await store.open()
    try:
        return await store.read(query)
    finally:
        await store.close()


def content(reader: Reader, home: str) -> Content:
    """Counts by type and the exact fingerprint of a home collection."""
    by_kind: dict[int, dict[str, int]] = defaultdict(dict)
    for counted_home, kind, type_name, number in reader.counts():
        if counted_home == home:
            by_kind[kind][type_name] = number
    classified = {name: number for counted_home, name, number in reader.classification_counts() if counted_home == home}
    return Content(by_kind[Kind.ENTITY], by_kind[Kind.RELATIONSHIP], classified, fingerprint(reader, home, exact=True).hex)


def an_example(reader: Reader, home: str) -> str:
    """The qualified name of one table of a home collection; empty when there is none."""
    tables = (row.qualified_name for row in reader.scan(home, Kind.ENTITY) if row.type_name == "RelationalTable")
    return next(tables, None) or ""


def records_read(reader: Reader, topics: list[str]) -> int:
    """How many records of these topics the store has dealt with (each begins at offset 0)."""
    return sum(row.next_offset for row in reader.positions() if row.topic in topics)
