"""Which rows of find_owner a find is about at all: those of its kind, types and statuses."""

import sqlite3
from collections.abc import Iterable
from copy import copy
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple

from cohort_sync.store.finds import DELETED, FindQuery, IndexValue
from cohort_sync.store.sqlite.find_sql import Condition, Parameter

BLOCK_BITS: Final = 12
"""Owners are counted in blocks of so many bits of their ids (find_block)."""

_NEXT_LIST: Final = """
SELECT type_name, status FROM find_block WHERE kind = ?1 AND (type_name, status) > (?2, ?3) ORDER BY type_name, status LIMIT 1
"""
_OWNERS: Final = "SELECT block, owners FROM find_block WHERE kind = ?1 AND type_name = ?2 AND status = ?3"
_HOLDERS: Final = """
SELECT owners FROM find_holders WHERE name = (SELECT id FROM find_name WHERE name = ?1) AND kind = ?2 AND type_name = ?3 AND status = ?4
"""

Row = tuple[IndexValue, str]


class OwnerList(NamedTuple):
    """The owners of one type in one status: neighbours in every index."""

    type_name: str
    status: str


class Scope:
    """The rows of one find, before its predicate."""

    def __init__(self, connection: sqlite3.Connection, query: FindQuery) -> None:
        self.execute = connection.execute
        self._kind = query.kind.value
        self._statuses = query.statuses
        self.lists: list[OwnerList]
        """What the index has of this scope."""
        present = self._present()
        wanted = [one for one in present if query.has_type_and_status(one.type_name, one.status)]
        self._take(wanted, everything={one.type_name for one in wanted} == {one.type_name for one in present})

    def _present(self) -> list[OwnerList]:
        """Every list of this kind that has owners."""
        found: list[OwnerList] = []
        last = ("", "")
        while row := self.execute(_NEXT_LIST, (self._kind, *last)).fetchone():
            found.append(OwnerList(*row))
            last = found[-1]
        return found

    def in_place(self, skip: int) -> Iterable[Row]:
        """All owners in the order in which they became known, after so many: one stream for each list, merged by place, so that nothing is sorted."""
        first, rest = self._begin(skip) if skip else (0, 0)
        return self.merged("find_owner_type", "o.id", "o.id", rest, Condition("o.id >= ?", (first,)) if first else None)

    def _begin(self, skip: int) -> tuple[int, int]:
        """Where to begin in order to skip so many owners: an id, and how many are to be skipped from there on."""
        blocks: dict[int, int] = {}
        for one in self.lists:
            for block, owners in self.execute(_OWNERS, (self._kind, *one)):
                blocks[block] = blocks.get(block, 0) + owners
        for block in sorted(blocks):
            if blocks[block] > skip:
                return block << BLOCK_BITS, skip
            skip -= blocks[block]
        return (max(blocks, default=0) + 1) << BLOCK_BITS, skip

    def merged(self, index: str, columns: str, order: str, skip: int = 0, condition: Condition | None = None, *, descending: bool = False) -> Iterable[Row]:
        """The lists in the order of one index, after so many rows."""
        if len(self.lists) == 1:
            return self._stream(self.lists[0], index, columns, f"{order} LIMIT -1 OFFSET {skip}", condition)
        streams = [self._stream(one, index, columns, order, condition) for one in self.lists]
        return islice(merge(*streams, key=_descending if descending else _ascending), skip, None)

    def _stream(self, one: OwnerList, index: str, columns: str, order: str, condition: Condition | None) -> Iterable[Row]:
        also = Condition("", ()) if condition is None else Condition(f" AND {condition.sql}", condition.parameters)
        where = f"o.kind = ? AND o.type_name = ? AND o.status = ?{also.sql}"
        statement = f"SELECT {columns}, o.guid FROM find_owner o INDEXED BY {index} WHERE {where} ORDER BY {order}"  # noqa: S608
        return self.execute(statement, (self._kind, *one, *also.parameters))

    def size(self) -> int:
        """How many owners there are."""
        return sum(self._owners(one) for one in self.lists)

    def holders(self, name: str) -> int:
        """How many of them have a property of this name."""
        return sum(self._holders(name, one) for one in self.lists)

    def lacking(self, name: str) -> "tuple[Scope, Scope]":
        """The lists in which nobody has a property of this name, and those in which some have it and some have not."""
        held = {one: self._holders(name, one) for one in self.lists}
        nobody = [one for one, holders in held.items() if not holders]
        some = [one for one, holders in held.items() if 0 < holders < self._owners(one)]
        return self._part(nobody), self._part(some)

    def _part(self, lists: list[OwnerList]) -> "Scope":
        part = copy(self)
        part._take(lists, everything=False)
        return part

    def _take(self, lists: list[OwnerList], *, everything: bool) -> None:
        self.lists = lists
        self._types = sorted({one.type_name for one in lists})
        self._all_types = everything

    def _owners(self, one: OwnerList) -> int:
        return sum(owners for _, owners in self.execute(_OWNERS, (self._kind, *one)))

    def _holders(self, name: str, one: OwnerList) -> int:
        found = self.execute(_HOLDERS, (name, self._kind, *one)).fetchone()
        return int(found[0]) if found is not None else 0

    def rows(self, begin: str, parameters: tuple[Parameter, ...], conditions: list[Condition], end: str) -> Iterable[Row]:
        """What `begin` selects from, among others, find_owner as o.

        A unary plus keeps SQLite from driving by kind or type where something better is at hand.
        """
        plus = "+" if conditions or "CROSS JOIN" in begin else ""
        status, statuses = self._status()
        where = [Condition(f"{plus}o.kind = ?", (self._kind,)), Condition(status, statuses), *conditions]
        if not self._all_types:
            where.append(Condition(f"{plus}o.type_name IN ({places(self._types)})", tuple(self._types)))
        condition = " AND ".join(f"({one.sql})" for one in where)
        return self.execute(f"{begin} WHERE {condition} {end}", (*parameters, *(value for one in where for value in one.parameters)))

    def _status(self) -> tuple[str, tuple[Parameter, ...]]:
        if self._statuses is None:
            return f"o.status <> '{DELETED}'", ()
        return f"o.status IN ({places(self._statuses)})", tuple(sorted(self._statuses))


def _ascending(row: Row) -> tuple[int, int | float | str, str]:
    """What ids, times and GUIDs are merged by: absent ones first."""
    value, guid = row
    return (0, 0, guid) if value is None else (1, value, guid)


def _descending(row: Row) -> tuple[int, int | float, str]:
    """The same when the order of the times is inverted: absent ones last."""
    value, guid = row
    return (0, 0, guid) if not isinstance(value, int | float) else (-1, -value, guid)


def places(values: Iterable[str]) -> str:
    """A question mark for each."""
    return ", ".join("?" for _ in values)
