"""What a find asks of a store, and the order and paging that all stores share (spec metadata-collection-semantics 5.1, 5.6).

A store may find its candidates however it likes; which of them are results is the matcher's word, in which order they come is said here:
the order that is asked for, then the GUID; for ANY the order in which the instances became known (the GUID alone for an instant of the past).
"""

import sys
import time
from collections.abc import Iterable
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec

from cohort_sync.omrs.errors import CohortSyncError
from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.omrs.predicates import ALWAYS, Predicate
from cohort_sync.omrs.primitive_values import plain_value
from cohort_sync.omrs.properties import EnumPropertyValue, InstanceProperties, InstancePropertyValue, PrimitivePropertyValue
from cohort_sync.omrs.search_text import fold
from cohort_sync.store.find_matcher import Matcher, matcher
from cohort_sync.store.rows import Kind

Found = TypeVar("Found", bound=EntityDetail | Relationship)
DELETED = "DELETED"

INDEXED_TEXT = 120
"""Characters of a text by which it is ordered (and indexed); what is longer is told apart by its GUID."""


class FindQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One find. Proxies are never found."""

    kind: Kind
    """ENTITY or RELATIONSHIP."""
    type_names: frozenset[str] | None = None
    """With all subtypes; None: every type."""
    statuses: frozenset[str] | None = None
    """None: everything but DELETED."""
    predicate: Predicate = ALWAYS
    as_of: int | None = None
    """Epoch milliseconds: over the versions of that instant instead of the present ones."""
    order: SequencingOrder = SequencingOrder.ANY
    order_property: str | None = None
    offset: int = 0
    page_size: int = 0
    """0: no limit."""
    timeout: float = 0.0
    """Seconds after which QueryTimeout is raised; 0: never."""

    def has_type_and_status(self, type_name: str | None, status: str | None) -> bool:
        """Is it of the types and in one of the statuses that are looked for?"""
        if self.type_names is not None and type_name not in self.type_names:
            return False
        return status != DELETED if self.statuses is None else status in self.statuses


class QueryTimeout(CohortSyncError):
    """A find took longer than its deadline; it was cancelled in the store."""


class Deadline:
    """When a find has to be over, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds if seconds > 0 else None

    @property
    def passed(self) -> bool:
        return self._end is not None and time.monotonic() > self._end

    def check(self) -> None:
        """Raise QueryTimeout when it is past."""
        if self.passed:
            raise self.error()

    def error(self) -> QueryTimeout:
        return QueryTimeout(f"the query was cancelled after its deadline of {self.seconds:g} s; narrow it by type, by an exact value, or page through it")


# ------------------------------------------------------------ order

IndexValue: TypeAlias = int | float | str | None
OrderKey: TypeAlias = tuple[int, int | float | str]
"""Absent values first, then numbers, then texts: as SQLite orders them."""

_DESCENDING = frozenset({SequencingOrder.CREATION_DATE_RECENT, SequencingOrder.LAST_UPDATE_RECENT, SequencingOrder.PROPERTY_DESCENDING})


class Ranked(NamedTuple):
    """One candidate with what it is ordered by."""

    key: OrderKey
    guid: str


def is_descending(order: SequencingOrder) -> bool:
    """Is the key inverted? The GUID that decides between equal keys never is."""
    return order in _DESCENDING


def order_key(value: IndexValue) -> OrderKey:
    """A value as something that can be compared with any other."""
    if value is None:
        return (0, 0)
    return (2, value) if isinstance(value, str) else (1, value)


def comes_before(one: Ranked, other: Ranked, order: SequencingOrder) -> bool:
    """Does one stand before the other in this order?"""
    if one.key != other.key:
        return (one.key > other.key) if is_descending(order) else (one.key < other.key)
    return one.guid < other.guid


def in_order(ranked: Iterable[Ranked], order: SequencingOrder) -> list[Ranked]:
    """Sorted as asked for."""
    return sorted(sorted(ranked, key=attrgetter("guid")), key=attrgetter("key"), reverse=is_descending(order))


def index_value(value: InstancePropertyValue | None) -> IndexValue:
    """What a property is ordered (and indexed) by: numbers, dates and booleans as a number, texts and enum names by their first INDEXED_TEXT characters.

    None for collections, nulls and what is not there.
    """
    if not isinstance(value, PrimitivePropertyValue | EnumPropertyValue):
        return None
    plain = plain_value(value)
    match plain:
        case str():
            return plain[:INDEXED_TEXT]
        case bool():
            return int(plain)
        case int():
            return plain if -(1 << 63) <= plain < 1 << 63 else float_of(plain)
        case float():
            return plain
        case Decimal():
            return float_of(plain)
        case _:
            return None


SCOPE = "\x1f"
"""In an index, between the name of a classification and that of its property."""


def indexed_text(text: str) -> str:
    """A text as a text index has it: case folded."""
    return fold(text).replace("\0", " ")


def float_of(number: int | Decimal) -> float:
    """The nearest finite float."""
    try:
        return max(-sys.float_info.max, min(sys.float_info.max, float(number)))
    except OverflowError:
        return sys.float_info.max if number > 0 else -sys.float_info.max


def rank(query: FindQuery, instance: EntityDetail | Relationship, position: int) -> Ranked:
    """What this instance is ordered by; `position` is its place in the order in which instances became known."""
    guid = instance.guid or ""
    match query.order:
        case SequencingOrder.ANY if query.as_of is None:
            return Ranked((1, position), guid)
        case SequencingOrder.ANY | SequencingOrder.GUID:
            return Ranked((0, 0), guid)
        case SequencingOrder.CREATION_DATE_RECENT | SequencingOrder.CREATION_DATE_OLDEST:
            return Ranked(order_key(instance.create_time), guid)
        case SequencingOrder.LAST_UPDATE_RECENT | SequencingOrder.LAST_UPDATE_OLDEST:
            return Ranked(order_key(instance.update_time), guid)
        case SequencingOrder.PROPERTY_ASCENDING | SequencingOrder.PROPERTY_DESCENDING:
            return Ranked(order_key(_property(instance.properties, query.order_property)), guid)


def _property(properties: InstanceProperties | None, name: str | None) -> IndexValue:
    return index_value(properties.get(name)) if properties is not None and name is not None else None


# ------------------------------------------------------------ finding by looking at everything


def sift(query: FindQuery, candidates: Iterable[Found], deadline: Deadline, judge: Matcher | None = None) -> list[Found]:
    """The page of a find over candidates in the order in which they became known. Holds the results in memory, not the candidates.

    Raises UnsupportedExpression and QueryTimeout.
    """
    judge = matcher(query.predicate) if judge is None else judge
    results: dict[str, Found] = {}
    ranked: list[Ranked] = []
    for position, candidate in enumerate(candidates):
        if position % 64 == 0:
            deadline.check()
        type_name = candidate.type.type_def_name if candidate.type is not None else None
        if query.has_type_and_status(type_name, candidate.status) and judge(candidate):
            place = rank(query, candidate, position)
            ranked.append(place)
            results[place.guid] = candidate
    return [results[place.guid] for place in page(query, in_order(ranked, query.order))]


T = TypeVar("T")


def page(query: FindQuery, ordered: list[T]) -> list[T]:
    """The page that is asked for, out of all results in their order."""
    offset = max(query.offset, 0)
    return ordered[offset : offset + query.page_size] if query.page_size else ordered[offset:]
