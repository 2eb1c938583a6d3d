"""What a mapper says: the desired state of a source object, in plain values.

A mapper never builds OMRS instances or events. It names types and attributes of the newest open metadata types (6.1) and gives plain Python values; the
planner turns them into typed property values, derives the GUIDs, compares with what was announced before and makes the events of the differences.

Identities: every entity has one, a string from which its GUID is derived: `entity:<qualifiedName>`, or the source's own immutable id (`atlas:<id>`) where it
has one. Relationships and GUID-valued properties refer to entities by identity, so a mapper needs no GUID at all.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec


class Symbol(msgspec.Struct, frozen=True):
    """A value of an enumeration, by its symbolic name in the 6.1 types (`OWNS`)."""

    name: str


class GuidOf(msgspec.Struct, frozen=True):
    """The GUID of the entity with this identity, as a string property (anchorGUID)."""

    identity: str


PlainValue = str | int | float | bool | Decimal | Symbol | GuidOf | list[str] | dict[str, str] | dict[str, list[str]]
"""Dates are epoch milliseconds (int). The attribute's definition decides which OMRS form it gets; a value that does not fit is a mapping error."""

PlainProperties = Mapping[str, PlainValue]


class DesiredClassification(msgspec.Struct, frozen=True):
    """A classification of the entity that lists it."""

    name: str
    properties: PlainProperties = {}


class DesiredEntity(msgspec.Struct, frozen=True, kw_only=True):
    """One entity. `seed` is the identity where it is not the qualified name."""

    type_name: str
    properties: PlainProperties
    classifications: tuple[DesiredClassification, ...] = ()
    seed: str = ""

    @property
    def qualified_name(self) -> str:
        """The unique name inside the collection; every type that mappers use is a Referenceable."""
        return str(self.properties["qualifiedName"])

    @property
    def identity(self) -> str:
        """What the GUID is derived from."""
        return self.seed or identity_of(self.qualified_name)


class DesiredRelationship(msgspec.Struct, frozen=True, kw_only=True):
    """One relationship between two identities, in the order of the ends of the 6.1 type. `discriminator` tells parallel links apart."""

    type_name: str
    end1: str
    end2: str
    properties: PlainProperties = {}
    discriminator: str = ""


class DesiredObject(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one object of the source stands for: the unit of comparison.

    `key` names the object inside its source (`table:…`); an entity or relationship that the object had before and is missing now is removed. An
    instance belongs to exactly one object. Entities stand in the order in which they are announced: parents first.
    """

    key: str
    entities: tuple[DesiredEntity, ...]
    relationships: tuple[DesiredRelationship, ...] = ()


def identity_of(qualified_name: str) -> str:
    """The identity of an entity that is known by its qualified name."""
    return "entity:" + qualified_name


def name_part(text: str) -> str:
    """A part of a qualified name, escaped so that no two different lists of parts share a name (spec mappers 1.1).

    Only a part that could be mistaken is touched: one that holds the separator `::`, begins or ends with `:`, or looks escaped already.
    """
    if "::" in text or text.startswith(":") or text.endswith(":") or "%3A" in text or "%25" in text:
        return text.replace("%", "%25").replace(":", "%3A")
    return text
