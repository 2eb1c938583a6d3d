"""What an instance has to be to be found, as a value: made from the conditions of a find, judged by a matcher, narrowed by an index.

The sum types here are small on purpose: negation stands in one place, every test is about one thing, and a store may answer any of them with "perhaps" as
long as the matcher has the last word (spec metadata-collection-semantics 5.2 to 5.5).
"""

from decimal import Decimal
from typing import NamedTuple, TypeAlias

from cohort_sync.omrs.search_text import TextPattern

Canonical: TypeAlias = "str | int | float | Decimal | bool | tuple[tuple[str, str, Canonical], ...] | None"
"""The plain form of a primitive; for an enum its symbolic name; for a collection its entries as (key, category, value), sorted by key."""

# ------------------------------------------------------------ tests of one value


class Equals(NamedTuple):
    """The value is of this category (a PrimitiveDefCategory, or ENUM, MAP, ARRAY, STRUCT) and equal. Numbers are compared by value."""

    category: str
    value: Canonical


class NumberIs(NamedTuple):
    """The value is a number (or a date) that stands in this relation to another: `<`, `<=`, `>` or `>=`."""

    relation: str
    number: Decimal


class TextIs(NamedTuple):
    """The text of the value matches: of a primitive as Java writes it, of an enum its symbolic name. Collections have none."""

    pattern: TextPattern
    strings_only: bool = False
    """Only string primitives."""


class Present(NamedTuple):
    """There is a value."""


class MapHas(NamedTuple):
    """A map or a struct whose entries pass these tests: all of them, or at least one."""

    entries: "tuple[tuple[str, ValueTest], ...]"
    every: bool


class ArrayHas(NamedTuple):
    """An array in which these tests are passed, at any place: all of them, or at least one. No tests: any array."""

    elements: "tuple[ValueTest, ...]"
    every: bool


class Inverse(NamedTuple):
    """There is a value, and it does not pass the test."""

    test: "ValueTest"


ValueTest: TypeAlias = Equals | NumberIs | TextIs | Present | MapHas | ArrayHas | Inverse

# ------------------------------------------------------------ tests of an instance


class AllOf(NamedTuple):
    """Every part holds; without parts it always holds."""

    parts: "tuple[Predicate, ...]"


class AnyOf(NamedTuple):
    """At least one part holds; without parts it never does."""

    parts: "tuple[Predicate, ...]"


class Not(NamedTuple):
    """The part does not hold."""

    part: "Predicate"


class HasProperty(NamedTuple):
    """The property passes the test; None: any property does."""

    name: str | None
    test: ValueTest


class HasHeader(NamedTuple):
    """A field of the header, by the name that searches use for it (`HEADER_FIELDS`), passes the test."""

    name: str
    test: ValueTest


class Classified(NamedTuple):
    """The entity has one of these classifications, and its properties and header pass the test."""

    names: frozenset[str]
    test: "Predicate"


class AnyText(NamedTuple):
    """Some string or enum among the properties matches, also inside of maps, arrays and structs."""

    pattern: TextPattern


class EndIn(NamedTuple):
    """The entity at this end (1 or 2) of the relationship is one of these."""

    end: int
    guids: frozenset[str]


Predicate: TypeAlias = AllOf | AnyOf | Not | HasProperty | HasHeader | Classified | AnyText | EndIn

ALWAYS = AllOf(())
NEVER = AnyOf(())

HEADER_FIELDS = frozenset(
    {
        "guid",
        "metadataCollectionId",
        "metadataCollectionName",
        "lastRequestId",
        "instanceProvenanceType",
        "status",
        "typeName",
        "typeGUID",
        "createdBy",
        "createTime",
        "updatedBy",
        "updateTime",
        "effectiveFromTime",
        "effectiveToTime",
        "version",
    }
)
"""What a HasHeader may name."""


def all_of(*parts: Predicate) -> Predicate:
    """The conjunction, flattened: a part that always holds is left out."""
    flat: list[Predicate] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, AllOf) else (part,))
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))
