"""Finds in the order that is asked for: read from indexes as far as there are any, so that a page costs what a page holds."""

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import chain
from typing import Final

import msgspec

from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.store.finds import IndexValue, Ranked, in_order, is_descending, order_key
from cohort_sync.store.sqlite.find_scope import Row, Scope
from cohort_sync.store.sqlite.find_sql import Condition

_FEW: Final = 2_000
"""So many owners are read and sorted; more are read in the order of the property's values."""
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


def sorted_places(scope: Scope, order: SequencingOrder, order_property: str | None, conditions: list[Condition]) -> Iterator[Ranked]:
    """The owners that satisfy the conditions, in an order other than ANY."""
    if order in _COLUMNS:
        rows = _by_column(scope, order, conditions)
        return (Ranked((0, 0) if order is SequencingOrder.GUID else order_key(value), guid) for value, guid in rows)
    return _by_property(scope, order, order_property or "", conditions)


def _by_column(scope: Scope, order: SequencingOrder, conditions: list[Condition]) -> Iterator[Row]:
    """Without conditions one stream for each type, merged."""
    index, column = _COLUMNS[order]
    descending = is_descending(order)
    by = "o.guid" if order is SequencingOrder.GUID else f"{column} {'DESC' if descending else 'ASC'}, o.guid"
    if conditions:
        return iter(scope.rows(f"SELECT {column}, o.guid FROM find_owner o", (), conditions, f"ORDER BY {by}"))  # noqa: S608
    return merge(*(scope.of_type(index, column, name, by) for name in scope.types), key=_key(descending=descending))


def _key(*, descending: bool) -> Callable[[Row], tuple[int, int | float, str]]:
    """What times are merged by: absent ones first, or last when the order is inverted."""
    sign = -1 if descending else 1

    def key(row: Row) -> tuple[int, int | float, str]:
        value, guid = row
        return (0, 0, guid) if not isinstance(value, int | float) else (sign, sign * value, guid)

    return key


def _by_property(scope: Scope, order: SequencingOrder, name: str, conditions: list[Condition]) -> Iterator[Ranked]:
    found = scope.execute("SELECT id FROM find_name WHERE name = ?", (name,)).fetchone()
    number = int(found[0]) if found is not None else -1
    limited = f"LIMIT {_FEW + 1}"
    few = list(scope.rows("SELECT NULL, o.guid FROM find_owner o", (), conditions, limited))
    if len(few) <= _FEW:
        rows = scope.rows("SELECT c.keys, o.guid FROM find_owner o JOIN find_content c ON c.owner = o.id", (), conditions, "")
        return iter(in_order([Ranked(order_key(_value(keys, number)), guid) for keys, guid in rows], order))
    direction = "DESC" if is_descending(order) else "ASC"

    def have_it() -> Iterator[Ranked]:
        there = [Condition("v.name = ?", (number,)), *conditions]
        for value, guid in scope.rows(_HAVE_IT, (), there, f"ORDER BY v.value {direction}, o.guid"):
            yield Ranked(order_key(value), guid)

    def have_it_not() -> Iterator[Ranked]:
        absent = [*conditions, Condition(_HAVE_IT_NOT, (number,))]
        for _, guid in scope.rows("SELECT NULL, o.guid FROM find_owner o", (), absent, "ORDER BY o.guid"):
            yield Ranked(order_key(None), guid)

    return chain(have_it(), have_it_not()) if is_descending(order) else chain(have_it_not(), have_it())


def _value(keys: object, number: int) -> IndexValue:
    """The value of one property among those that the index holds of an owner."""
    return next((value for name, value in _decode_keys(keys if isinstance(keys, bytes) else str(keys)) if name == number), None)
