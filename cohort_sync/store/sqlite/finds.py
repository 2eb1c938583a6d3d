"""Finds of the SQLite store: candidates from the index in the order that is asked for, what waits for the index looked at itself, the matcher over both.

The cost of a find is that of its smallest part: the planner looks how long the list of each part is (up to a bound) and reads the shortest, in the order of the
owners, until the page is full. Nothing is read twice and nothing but a page is held.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple, Protocol

from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.predicates import ALWAYS, Predicate
from cohort_sync.store.find_matcher import Matcher, matcher
from cohort_sync.store.finds import Deadline, FindQuery, Ranked, comes_before, in_order, order_key, rank, sift
from cohort_sync.store.rows import ClassificationHistoryRow, ClassificationRow, InstanceRow, Kind
from cohort_sync.store.sqlite import find_queue, find_sql
from cohort_sync.store.sqlite.find_sql import Condition, Driver, Parameter
from cohort_sync.store.stored import entity_of, relationship_of
from cohort_sync.store.versions import classification_states, classifications_at, instance_version, with_classifications

Instance = EntityDetail | Relationship


class Lookups(Protocol):
    """What a find needs of the Reader in whose transaction it runs."""

    def instances(self, guids: Collection[str]) -> dict[str, InstanceRow]: ...

    def classifications(self, guids: Collection[str]) -> dict[str, list[ClassificationRow]]: ...

    def classification_history(self, guid: str) -> list[ClassificationHistoryRow]: ...


_PLACE: Final = "SELECT id FROM find_owner WHERE guid = ?1"
_LAST_PLACE: Final = 1 << 62
"""What is not indexed yet comes after everything that is."""

_TYPES: Final = """
WITH RECURSIVE present(name) AS (
    SELECT min(type_name) FROM find_owner WHERE kind = ?1
    UNION ALL SELECT (SELECT min(o.type_name) FROM find_owner o WHERE o.kind = ?1 AND o.type_name > present.name) FROM present WHERE name IS NOT NULL)
SELECT name FROM present WHERE name IS NOT NULL
"""
_OF_TYPE: Final = "SELECT o.id, o.guid FROM find_owner o INDEXED BY find_owner_type WHERE o.kind = ? AND o.type_name = ?"

_SELECTIVE: Final = 500
"""A list of owners that is this short is judged as it is; nothing else is asked of the index."""
_PROBE: Final = 20_000
"""How far a list is counted; a longer one is not used to narrow another."""
_CHUNK: Final = 200
_LEAST: Final = 16
"""How many candidates are looked at together when some of them may not be results."""
_PROGRESS_STEPS: Final = 20_000
"""Instructions of SQLite's machine between two looks at the clock: about a millisecond."""

_KEYS: Final = {
    SequencingOrder.GUID: ("NULL", ""),
    SequencingOrder.CREATION_DATE_RECENT: ("o.create_time", "DESC"),
    SequencingOrder.CREATION_DATE_OLDEST: ("o.create_time", "ASC"),
    SequencingOrder.LAST_UPDATE_RECENT: ("o.update_time", "DESC"),
    SequencingOrder.LAST_UPDATE_OLDEST: ("o.update_time", "ASC"),
    SequencingOrder.PROPERTY_ASCENDING: ("v.value", "ASC"),
    SequencingOrder.PROPERTY_DESCENDING: ("v.value", "DESC"),
}


class _Candidate(NamedTuple):
    place: Ranked
    judged: Instance | None
    """The instance, when it was looked at already."""


def find(connection: sqlite3.Connection, lookups: Lookups, query: FindQuery) -> list[Instance]:
    """The page of a find. Raises UnsupportedExpression and QueryTimeout."""
    deadline = Deadline(query.timeout)
    judge = matcher(query.predicate)
    with _cancelled_after(connection, deadline):
        if query.as_of is not None:
            return sift(query, _versions(connection, lookups, query, query.as_of), deadline, judge)
        return _Find(connection, lookups, query, judge, deadline).page()


@contextmanager
def _cancelled_after(connection: sqlite3.Connection, deadline: Deadline) -> Iterator[None]:
    """SQLite stops a statement that runs when the deadline passes."""
    connection.set_progress_handler(lambda: int(deadline.passed), _PROGRESS_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_INTERRUPT and deadline.passed:
            raise deadline.error() from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


class _Find:
    """One find over the present instances."""

    def __init__(self, connection: sqlite3.Connection, lookups: Lookups, query: FindQuery, judge: Matcher, deadline: Deadline) -> None:
        self._execute = connection.execute
        self._lookups = lookups
        self._query = query
        self._judge = judge
        self._deadline = deadline
        self._everything = query.predicate == ALWAYS
        queue = self._execute(find_queue.ALL).fetchall()
        self._waiting = dict.fromkeys(find_queue.in_place(queue))
        self._renewed = find_queue.removed(queue)

    def page(self) -> list[Instance]:
        query = self._query
        candidates = self._merged()
        offset = max(query.offset, 0)
        if self._everything:
            candidates = islice(candidates, offset, None)
            offset = 0
        wanted = offset + query.page_size if query.page_size else None
        least = 1 if self._everything else _LEAST
        found: list[Instance] = []
        while wanted is None or len(found) < wanted:
            chunk = list(islice(candidates, _CHUNK if wanted is None else min(_CHUNK, max(least, wanted - len(found)))))
            if not chunk:
                break
            self._deadline.check()
            found += self._judged(chunk)
        return found[offset:wanted]

    def _judged(self, chunk: list[_Candidate]) -> list[Instance]:
        loaded = self._load([one.place.guid for one in chunk if one.judged is None])
        result = []
        for one in chunk:
            instance = one.judged or loaded.get(one.place.guid)
            if instance is not None and (one.judged is not None or self._everything or self._judge(instance)):
                result.append(instance)
        return result

    def _load(self, guids: list[str]) -> dict[str, Instance]:
        rows = self._lookups.instances(guids)
        if self._query.kind == Kind.RELATIONSHIP:
            return {guid: relationship_of(row) for guid, row in rows.items() if row.kind == Kind.RELATIONSHIP}
        classifications = self._lookups.classifications(guids)
        return {guid: entity_of(row, classifications.get(guid, ())) for guid, row in rows.items() if row.kind == Kind.ENTITY}

    # ------------------------------------------------------------ where candidates come from

    def _merged(self) -> Iterator[_Candidate]:
        """What the index gives and what waits for it, in one order."""
        waiting = iter(self._unindexed())
        other = next(waiting, None)
        for place in self._indexed():
            if place.guid in self._waiting:
                continue
            while other is not None and comes_before(other.place, place, self._query.order):
                yield other
                other = next(waiting, None)
            yield _Candidate(place, None)
        while other is not None:
            yield other
            other = next(waiting, None)

    def _unindexed(self) -> list[_Candidate]:
        """The results among what waits, in their order."""
        found: dict[str, Instance] = {}
        ranked: list[Ranked] = []
        guids = list(self._waiting)
        for start in range(0, len(guids), _CHUNK):
            self._deadline.check()
            for guid, instance in self._load(guids[start : start + _CHUNK]).items():
                type_name = instance.type.type_def_name if instance.type is not None else None
                if self._query.has_type_and_status(type_name, instance.status) and self._judge(instance):
                    found[guid] = instance
        order = {guid: number for number, guid in enumerate(guids)}
        for guid, instance in found.items():
            indexed = None if guid in self._renewed else self._execute(_PLACE, (guid,)).fetchone()
            ranked.append(rank(self._query, instance, indexed[0] if indexed else _LAST_PLACE + order[guid]))
        return [_Candidate(place, found[place.guid]) for place in in_order(ranked, self._query.order)]

    def _indexed(self) -> Iterator[Ranked]:
        """Owners of the right kind, type and status that may be results, in the order that is asked for."""
        query = self._query
        types = self._present_types()
        if types is not None and not types:
            return iter(())
        if query.order is not SequencingOrder.ANY:
            return self._sorted(types)
        parts = find_sql.parts_of(query.predicate)
        lists = [(self._length(driver), number, driver) for number, part in enumerate(parts) if (driver := find_sql.driver(part)) is not None]
        if lists:
            length, chosen, driver = min(lists)
            return self._driven(driver, self._others(parts, lists, chosen, length), types)
        condition = _usable(find_sql.narrow(query.predicate))
        if condition is None and types is not None:
            return self._by_type(types)
        return self._select("SELECT o.id, o.guid FROM find_owner o", (), _present(condition), types, "ORDER BY o.id")

    def _others(self, parts: tuple[Predicate, ...], lists: list[tuple[int, int, Driver]], chosen: int, length: int) -> list[Condition]:
        """What narrows a long list further: the parts that are not too long to be listed themselves."""
        if length < _SELECTIVE:
            return []
        lengths = {number: size for size, number, _ in lists}
        conditions = [find_sql.narrow(part) for number, part in enumerate(parts) if number != chosen and lengths.get(number, 0) < _PROBE]
        return [one for one in map(_usable, conditions) if one is not None]

    def _length(self, driver: Driver) -> int:
        (size,) = self._execute(f"SELECT count(*) FROM ({driver.sql} LIMIT {_PROBE})", driver.parameters).fetchone()  # noqa: S608
        return int(size)

    def _driven(self, driver: Driver, conditions: list[Condition], types: list[str] | None) -> Iterator[Ranked]:
        begin = f"SELECT o.id, o.guid FROM ({driver.sql}) d CROSS JOIN find_owner o ON o.id = d.owner"  # noqa: S608
        return self._select(begin, driver.parameters, conditions, types, "ORDER BY d.owner")

    def _by_type(self, types: list[str]) -> Iterator[Ranked]:
        """One stream for each type, merged by place: no type has to be sorted."""
        status, parameters = self._status()
        streams = [self._execute(f"{_OF_TYPE} AND {status} ORDER BY o.id", (self._query.kind.value, name, *parameters)) for name in types]
        return (Ranked((1, place), guid) for place, guid in merge(*streams))

    def _sorted(self, types: list[str] | None) -> Iterator[Ranked]:
        key, direction = _KEYS[self._query.order]
        begin = f"SELECT {key}, o.guid FROM find_owner o"  # noqa: S608
        parameters: tuple[Parameter, ...] = ()
        if key == "v.value":
            begin += " LEFT JOIN (SELECT owner, value FROM find_value WHERE name = (SELECT id FROM find_name WHERE name = ?)) v ON v.owner = o.id"
            parameters = (self._query.order_property or "",)
        conditions = _present(_usable(find_sql.narrow(self._query.predicate)))
        by_guid = self._query.order is SequencingOrder.GUID
        rows = self._rows(begin, parameters, conditions, types, "ORDER BY o.guid" if by_guid else f"ORDER BY {key} {direction}, o.guid")
        return (Ranked((0, 0) if by_guid else order_key(value), guid) for value, guid in rows)

    def _select(self, begin: str, parameters: tuple[Parameter, ...], conditions: list[Condition], types: list[str] | None, end: str) -> Iterator[Ranked]:
        return (Ranked(order_key(place), guid) for place, guid in self._rows(begin, parameters, conditions, types, end))

    def _rows(
        self, begin: str, parameters: tuple[Parameter, ...], conditions: list[Condition], types: list[str] | None, end: str
    ) -> Iterable[tuple[int | float | str | None, str]]:
        """A unary plus keeps SQLite from driving by kind or type where something better is at hand."""
        plus = "+" if conditions or "CROSS JOIN" in begin else ""
        status, statuses = self._status()
        where = [Condition(f"{plus}o.kind = ?", (self._query.kind.value,)), Condition(status, statuses), *conditions]
        if types is not None:
            where.append(Condition(f"{plus}o.type_name IN ({_places(types)})", tuple(types)))
        condition = " AND ".join(f"({one.sql})" for one in where)
        return self._execute(f"{begin} WHERE {condition} {end}", (*parameters, *(value for one in where for value in one.parameters)))

    def _status(self) -> tuple[str, tuple[Parameter, ...]]:
        statuses = self._query.statuses
        if statuses is None:
            return "o.status <> 'DELETED'", ()
        return f"o.status IN ({_places(statuses)})", tuple(sorted(statuses))

    def _present_types(self) -> list[str] | None:
        """The types to look for that the index has; None when those are all that it has."""
        wanted = self._query.type_names
        if wanted is None:
            return None
        present = [name for (name,) in self._execute(_TYPES, (self._query.kind.value,))]
        chosen = [name for name in present if name in wanted]
        return None if chosen and len(chosen) == len(present) else chosen


def _places(values: Iterable[str]) -> str:
    return ", ".join("?" for _ in values)


def _usable(condition: Condition | None) -> Condition | None:
    """A condition that SQLite takes; a very long one is left to the matcher."""
    return condition if condition is not None and len(condition.parameters) <= 800 else None


def _present(condition: Condition | None) -> list[Condition]:
    return [] if condition is None else [condition]


_VERSIONS: Final = """
SELECT guid, document FROM instance WHERE kind = ?1 AND coalesce(update_time, create_time) <= ?2
UNION ALL SELECT guid, document FROM history WHERE kind = ?1 AND valid_from <= ?2 AND valid_to > ?2
"""


def _versions(connection: sqlite3.Connection, lookups: Lookups, query: FindQuery, as_of: int) -> Iterator[Instance]:
    """The versions that were valid at that instant, entities with the classifications of that instant. Every version is looked at: the past has no index."""
    for guid, document in connection.execute(_VERSIONS, (query.kind.value, as_of)):
        instance = instance_version(query.kind, document)
        if isinstance(instance, EntityProxy):
            continue
        type_name = instance.type.type_def_name if instance.type is not None else None
        if query.has_type_and_status(type_name, instance.status):
            if isinstance(instance, EntityDetail):
                current = lookups.classifications((guid,)).get(guid, ())
                states = classification_states(current, lookups.classification_history(guid))
                yield with_classifications(instance, classifications_at(states, as_of))
            else:
                yield instance
