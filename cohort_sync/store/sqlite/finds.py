"""Finds of the SQLite store: candidates from the index in the order that is asked for, what waits for the index looked at itself, the matcher over both.

The cost of a find is that of its smallest part: the planner looks how long the list of each part is (up to a bound) and reads the shortest, in the order of the
owners, until the page is full. Nothing is read twice and nothing but a page is held.
"""

import sqlite3
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Final, NamedTuple, Protocol

from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.predicates import AllOf, Predicate
from cohort_sync.store.find_matcher import Matcher, matcher
from cohort_sync.store.finds import Deadline, FindQuery, IndexValue, Ranked, comes_before, in_order, order_key, rank, sift
from cohort_sync.store.rows import ClassificationHistoryRow, ClassificationRow, InstanceRow, Kind
from cohort_sync.store.sqlite import find_queue, find_sql, find_waiting
from cohort_sync.store.sqlite.find_order import sorted_places
from cohort_sync.store.sqlite.find_scope import Scope
from cohort_sync.store.sqlite.find_sql import Condition, Driver
from cohort_sync.store.stored import entity_of, relationship_of
from cohort_sync.store.versions import classification_states, classifications_at, instance_version, with_classifications

Instance = EntityDetail | Relationship


class Lookups(Protocol):
    """What a find needs of the Reader in whose transaction it runs."""

    def instances(self, guids: Collection[str]) -> dict[str, InstanceRow]: ...

    def classifications(self, guids: Collection[str]) -> dict[str, list[ClassificationRow]]: ...

    def classification_history(self, guid: str) -> list[ClassificationHistoryRow]: ...


_SELECTIVE: Final = 500
"""A list of owners that is this short is judged as it is; nothing else is asked of the index."""
_PROBE: Final = 20_000
"""How far a list is counted; a longer one is not used to narrow another."""
_CHUNK: Final = 200
_LEAST: Final = 16
"""How many candidates are looked at together when some of them may not be results."""
_PROGRESS_STEPS: Final = 20_000
"""Instructions of SQLite's machine between two looks at the clock: about a millisecond."""


class _Candidate(NamedTuple):
    place: Ranked
    judged: Instance | None = None
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
        self._connection = connection
        self._execute = connection.execute
        self._lookups = lookups
        self._query = query
        self._judge = judge
        self._deadline = deadline
        self._scope = Scope(connection, query)
        self._everything = isinstance(query.predicate, AllOf) and not query.predicate.parts
        in_place = query.order is SequencingOrder.ANY
        moves = self._execute(find_queue.MOVES).fetchall() if self._everything else []
        self._waiting = find_waiting.waiting(connection, query, moves_only=self._everything and in_place)
        self._passed_over = {guid for guid, _ in moves} | {one.guid for one in self._waiting}
        """Who is not taken from the index."""
        self._as_indexed = in_place and all(change == find_queue.CAME for _, change in moves) if self._everything else False
        """Does what waits come after everything that the index has?"""

    def page(self) -> list[Instance]:
        """The results. Cursors that are not at their end are closed here, in the thread that has opened them."""
        offset = max(self._query.offset, 0)
        if not self._everything:
            with closing(self._merged(0)) as candidates:
                return self._page(candidates, offset)
        in_index = 0
        if self._as_indexed or not self._passed_over:
            in_index = min(offset, self._scope.size())
        with closing(self._merged(in_index)) as candidates:
            return self._page(islice(candidates, offset - in_index, None), 0)

    def _page(self, candidates: Iterator[_Candidate], offset: int) -> list[Instance]:
        wanted = offset + self._query.page_size if self._query.page_size else None
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
        found = [one.judged or loaded.get(one.place.guid) for one in chunk]
        return [instance for one, instance in zip(chunk, found, strict=True) if instance is not None and (one.judged is not None or self._is_result(instance))]

    def _is_result(self, instance: Instance) -> bool:
        type_name = instance.type.type_def_name if instance.type is not None else None
        return self._query.has_type_and_status(type_name, instance.status) and (self._everything or self._judge(instance))

    def _load(self, guids: list[str]) -> dict[str, Instance]:
        rows = self._lookups.instances(guids)
        if self._query.kind == Kind.RELATIONSHIP:
            return {guid: relationship_of(row) for guid, row in rows.items() if row.kind == Kind.RELATIONSHIP}
        classifications = self._lookups.classifications(guids)
        return {guid: entity_of(row, classifications.get(guid, ())) for guid, row in rows.items() if row.kind == Kind.ENTITY}

    # ------------------------------------------------------------ where candidates come from

    def _merged(self, skip: int) -> Generator[_Candidate, None, None]:
        """What the index gives, after so many, and what waits for it, in one order."""
        waiting = iter(self._unindexed())
        other = next(waiting, None)
        for place in self._indexed(skip):
            if place.guid in self._passed_over:
                continue
            while other is not None and comes_before(other.place, place, self._query.order):
                yield other
                other = next(waiting, None)
            yield _Candidate(place)
        while other is not None:
            yield other
            other = next(waiting, None)

    def _unindexed(self) -> list[_Candidate]:
        """What waits, in its order. It is judged when its turn comes, where the row of an instance says where it belongs, else now."""
        order = self._query.order
        match order:
            case SequencingOrder.ANY:
                return [_Candidate(Ranked(order_key(one.place), one.guid)) for one in self._waiting]
            case SequencingOrder.GUID:
                keys: list[IndexValue] = [None] * len(self._waiting)
            case SequencingOrder.CREATION_DATE_RECENT | SequencingOrder.CREATION_DATE_OLDEST:
                keys = [one.create_time for one in self._waiting]
            case SequencingOrder.LAST_UPDATE_RECENT | SequencingOrder.LAST_UPDATE_OLDEST:
                keys = [one.update_time for one in self._waiting]
            case SequencingOrder.PROPERTY_ASCENDING | SequencingOrder.PROPERTY_DESCENDING:
                return self._by_property()
        ranked = [Ranked(order_key(key), one.guid) for key, one in zip(keys, self._waiting, strict=True)]
        return [_Candidate(place) for place in in_order(ranked, order)]

    def _by_property(self) -> list[_Candidate]:
        """The results among what waits, in the order of a property."""
        found: dict[str, Instance] = {}
        guids = [one.guid for one in self._waiting]
        for start in range(0, len(guids), _CHUNK):
            self._deadline.check()
            found.update((guid, one) for guid, one in self._load(guids[start : start + _CHUNK]).items() if self._is_result(one))
        ranked = [rank(self._query, found[one.guid], one.place) for one in self._waiting if one.guid in found]
        return [_Candidate(place, found[place.guid]) for place in in_order(ranked, self._query.order)]

    def _indexed(self, skip: int) -> Iterator[Ranked]:
        """Owners of the right kind, type and status that may be results, in the order that is asked for, after so many."""
        query, scope = self._query, self._scope
        if not scope.lists:
            return iter(())
        condition = _usable(find_sql.narrow(query.predicate))
        if query.order is not SequencingOrder.ANY:
            return sorted_places(scope, query, skip, [] if condition is None else [condition])
        parts = find_sql.parts_of(query.predicate)
        lists = [(self._length(driver), number, driver) for number, part in enumerate(parts) if (driver := find_sql.driver(part)) is not None]
        if lists:
            length, chosen, driver = min(lists)
            begin = f"SELECT o.id, o.guid FROM ({driver.sql}) d CROSS JOIN find_owner o ON o.id = d.owner"  # noqa: S608
            rows = scope.rows(begin, driver.parameters, self._others(parts, lists, chosen, length), "ORDER BY d.owner")
        elif condition is not None:
            rows = scope.rows("SELECT o.id, o.guid FROM find_owner o", (), [condition], "ORDER BY o.id")
        else:
            rows = scope.in_place(skip)
        return (Ranked(order_key(place), guid) for place, guid in rows)

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


def _usable(condition: Condition | None) -> Condition | None:
    """A condition that SQLite takes; a very long one is left to the matcher."""
    return condition if condition is not None and len(condition.parameters) <= 800 else None


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
