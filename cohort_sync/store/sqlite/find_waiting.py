"""What waits for the find index, as a find needs it: the instances that may be results, with the places that they will have.

The instances themselves are asked, by whatever can be said in SQL about their rows: a steady stream of changes keeps some thousands waiting, and a find cannot
decode each of them.
"""

import sqlite3
from collections.abc import Iterable
from operator import attrgetter
from typing import Final, NamedTuple

from cohort_sync.omrs.enums import PrimitiveDefCategory
from cohort_sync.omrs.predicates import AllOf, AnyOf, AnyText, Equals, HasHeader, HasProperty, Predicate, TextIs
from cohort_sync.omrs.search_text import Anchor, Literal, TextPattern
from cohort_sync.store.finds import DELETED, FindQuery
from cohort_sync.store.rows import Kind
from cohort_sync.store.sqlite import find_queue
from cohort_sync.store.sqlite.find_sql import Condition
from cohort_sync.store.stored import QUALIFIED_NAME

_LAST_PLACE: Final = 1 << 62
"""What is not indexed yet comes after everything that is."""
_MAX_PARTS: Final = 50
"""A predicate with more parts than this is left to the matcher."""
_MAX_TYPES: Final = 500

_ROWS: Final = """
SELECT q.guid, q.gone, o.id, i.create_time, i.update_time
FROM find_queue q CROSS JOIN instance i ON i.guid = q.guid LEFT JOIN find_owner o ON o.guid = q.guid WHERE {condition} ORDER BY q.seq
"""


class Waiting(NamedTuple):
    """An instance that waits and may be a result."""

    guid: str
    place: int
    """In the order in which instances became known."""
    create_time: int | None
    update_time: int | None


def waiting(connection: sqlite3.Connection, query: FindQuery, *, moves_only: bool) -> list[Waiting]:
    """What waits and may be a result, in the order of the places. `moves_only`: leaving out what is the same instance in the same lists, at the place that
    the index has."""
    conditions = [_scope(query)]
    if moves_only:
        conditions.append(Condition("q.gone + q.move > 0"))
    elif (known := narrow(query.predicate, query.kind)) is not None:
        conditions.append(known)
    statement = _ROWS.format(condition=" AND ".join(f"({one.sql})" for one in conditions))
    rows = connection.execute(statement, tuple(value for one in conditions for value in one.parameters)).fetchall()
    queue = [(guid, change) for guid, change, *_ in rows]
    renewed = find_queue.removed(queue)
    known_rows = {guid: (place if guid not in renewed else None, created, updated) for guid, _, place, created, updated in rows}
    found = []
    for number, guid in enumerate(find_queue.in_place(queue)):
        place, created, updated = known_rows[guid]
        found.append(Waiting(guid, _LAST_PLACE + number if place is None else place, created, updated))
    return sorted(found, key=attrgetter("place"))


def _scope(query: FindQuery) -> Condition:
    sql = "i.kind = ?"
    found: list[str | int] = [query.kind.value]
    if query.statuses is None:
        sql += f" AND i.status <> '{DELETED}'"
    else:
        sql += f" AND i.status IN ({', '.join('?' * len(query.statuses))})"
        found += sorted(query.statuses)
    if query.type_names is not None and len(query.type_names) <= _MAX_TYPES:
        sql += f" AND i.type_name IN ({', '.join('?' * len(query.type_names))})"
        found += sorted(query.type_names)
    return Condition(sql, tuple(found))


def narrow(predicate: Predicate, kind: Kind) -> Condition | None:
    """What can be said of the row of an instance that satisfies the predicate; None when it is nothing."""
    match predicate:
        case AllOf(parts):
            known = [found for part in parts[:_MAX_PARTS] if (found := narrow(part, kind)) is not None]
            return _joined(known, " AND ") if known else None
        case AnyOf(parts) if 0 < len(parts) <= _MAX_PARTS:
            some = [found for part in parts if (found := narrow(part, kind)) is not None]
            return _joined(some, " OR ") if len(some) == len(parts) else None
        case HasHeader("guid", Equals(_, str(guid))) | HasHeader("guid", TextIs(Literal(str(guid), Anchor.EXACT, False), _)):
            return Condition("i.guid = ?", (guid,))
        case HasProperty(name, TextIs(pattern, True)):
            return _holds(name, pattern, kind)
        case HasProperty(name, Equals(PrimitiveDefCategory.STRING.value, str(text))):
            return _holds(name, Literal(text), kind)
        case AnyText(pattern):
            return _holds(None, pattern, kind)
        case _:
            return None


def _holds(name: str | None, pattern: TextPattern, kind: Kind) -> Condition | None:
    """The text stands in the document as it is, unless something is written with escapes there."""
    if not isinstance(pattern, Literal) or pattern.ignore_case or not pattern.text:
        return None
    if name == QUALIFIED_NAME and kind is Kind.ENTITY and pattern.anchor is Anchor.EXACT:
        return Condition("i.qualified_name = ? OR i.qualified_name IS NULL", (pattern.text,))
    if any(one in '"\\' or one < " " for one in pattern.text):
        return None
    return Condition("instr(i.document, CAST(? AS BLOB)) OR instr(i.document, x'5c')", (pattern.text,))


def _joined(conditions: Iterable[Condition], operator: str) -> Condition:
    found = list(conditions)
    return Condition(operator.join(f"({one.sql})" for one in found), tuple(value for one in found for value in one.parameters))
