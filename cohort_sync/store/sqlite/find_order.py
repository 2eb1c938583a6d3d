"""Finds in the order that is asked for: read from indexes as far as there are any, so that a page costs what a page holds."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain, islice
from typing import Final

import msgspec

from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.store.finds import FindQuery, IndexValue, Ranked, in_order, is_descending, order_key
from cohort_sync.store.sqlite.find_scope import Row, Scope
from cohort_sync.store.sqlite.find_sql import Condition

_FEW: Final = 2_000
"""So many owners are read and sorted whatever the order is."""
_SORTED_COST: Final = 4
"""What reading and sorting an owner costs, in steps through the values of a property."""
_COLUMNS: Final = {
    SequencingOrder.GUID: ("find_owner_guid", "NULL"),
    SequencingOrder.CREATION_DATE_RECENT: ("find_owner_created", "o.create_time"),
    SequencingOrder.CREATION_DATE_OLDEST: ("find_owner_created", "o.create_time"),
    SequencingOrder.LAST_UPDATE_RECENT: ("find_owner_updated", "o.update_time"),
    SequencingOrder.LAST_UPDATE_OLDEST: ("find_owner_updated", "o.update_time"),
}
_HAVE_IT: Final = "SELECT v.value, o.guid FROM find_value v CROSS JOIN find_owner o ON o.id = v.owner"
_HAVE_IT_NOT: Final = "o.id NOT IN (SELECT owner FROM find_value WHERE name = ?)"
_decode_keys = msgspec.json.Decoder(list[tuple[int, int | float | str]]).decode


def sorted_places(scope: Scope, query: FindQuery, skip: int, conditions: list[Condition]) -> Iterator[Ranked]:
    """The owners that satisfy the conditions, in an order other than ANY, after so many."""
    if query.order in _COLUMNS:
        rows = _by_column(scope, query.order, skip, conditions)
        return (Ranked((0, 0) if query.order is SequencingOrder.GUID else order_key(value), guid) for value, guid in rows)
    return islice(_by_property(scope, query, conditions), skip, None)


def _by_column(scope: Scope, order: SequencingOrder, skip: int, conditions: list[Condition]) -> Iterable[Row]:
    index, column = _COLUMNS[order]
    descending = is_descending(order)
    by = "o.guid" if order is SequencingOrder.GUID else f"{column} {'DESC' if descending else 'ASC'}, o.guid"
    if conditions:
        return scope.rows(f"SELECT {column}, o.guid FROM find_owner o", (), conditions, f"ORDER BY {by} LIMIT -1 OFFSET {skip}")  # noqa: S608
    return scope.merged(index, column, by, skip, descending=descending)


def _by_property(scope: Scope, query: FindQuery, conditions: list[Condition]) -> Iterator[Ranked]:
    name, order = query.order_property or "", query.order
    found = scope.execute("SELECT id FROM find_name WHERE name = ?", (name,)).fetchone()
    number = int(found[0]) if found is not None else -1
    if _few(scope, query, number, conditions):
        rows = scope.rows("SELECT c.keys, o.guid FROM find_owner o LEFT JOIN find_content c ON c.owner = o.id", (), conditions, "")
        return iter(in_order([Ranked(order_key(_value(keys, number)), guid) for keys, guid in rows], order))
    direction = "DESC" if is_descending(order) else "ASC"

    def have_it() -> Iterator[Ranked]:
        there = [Condition("v.name = ?", (number,)), *conditions]
        for value, guid in scope.rows(_HAVE_IT, (), there, f"ORDER BY v.value {direction}, o.guid"):
            yield Ranked(order_key(value), guid)

    def have_it_not() -> Iterator[Ranked]:
        for _, guid in _lacking(scope, name, number, conditions):
            yield Ranked(order_key(None), guid)

    return chain(have_it(), have_it_not()) if is_descending(order) else chain(have_it_not(), have_it())


def _few(scope: Scope, query: FindQuery, number: int, conditions: list[Condition]) -> bool:
    """Is it less work to read and sort all owners than to go through the values in their order, most of which may belong to others?"""
    if conditions:
        return len(list(scope.rows("SELECT NULL, o.guid FROM find_owner o", (), conditions, f"LIMIT {_FEW + 1}"))) <= _FEW
    size = scope.size()
    if size <= _FEW or not query.page_size:
        return size <= _FEW
    (all_holders,) = scope.execute("SELECT coalesce(sum(owners), 0) FROM find_holders WHERE name = ?", (number,)).fetchone()
    share = scope.holders(query.order_property or "") / max(1, all_holders)
    return bool(size * _SORTED_COST < (max(query.offset, 0) + query.page_size) / max(share, 1e-9))


def _lacking(scope: Scope, name: str, number: int, conditions: list[Condition]) -> Iterable[Row]:
    """Those that have no such property, in the order of their GUIDs: read from the index where nobody has it, looked for where some have it."""
    nobody, some = scope.lacking(name)
    absent = Condition(_HAVE_IT_NOT, (number,))
    if conditions:
        found = [part.rows("SELECT NULL, o.guid FROM find_owner o", (), [*conditions, absent], "ORDER BY o.guid") for part in (nobody, some) if part.lists]
    else:
        found = [part.merged("find_owner_guid", "NULL", "o.guid", condition=also) for part, also in ((nobody, None), (some, absent)) if part.lists]
    return merge(*found, key=_guid)


def _guid(row: Row) -> str:
    return row[1]


def _value(keys: object, number: int) -> IndexValue:
    """The value of one property among those that the index holds of an owner."""
    return next((value for name, value in _decode_keys(keys) if name == number), None) if isinstance(keys, bytes) else None
