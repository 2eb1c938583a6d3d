"""The types that a member knows: lookups, inheritance, ends and classifications.

A registry is a value: what changes types (`type_changes`) makes a new one. What is asked for each event (`is_known`) is ready when the registry is made; what
is derived from inheritance is worked out when it is first asked for and kept. Readers in several threads are safe: a derived answer is always the same.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Never

from cohort_sync.omrs.enums import TypeDefCategory
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.instances import InstanceType
from cohort_sync.omrs.primitive_values import PlainValue, property_value
from cohort_sync.omrs.properties import EpochMillis, InstanceProperties, InstancePropertyValue
from cohort_sync.omrs.type_pack import BadTypePack, decode_pack
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    ClassificationDef,
    EntityDef,
    EnumDef,
    EnumElementDef,
    RelationshipDef,
    RelationshipEndDef,
    TypeDef,
    TypeDefAttribute,
    TypeDefGallery,
    TypeDefLink,
    TypeDefSummary,
)


class UnknownType(PoisonEvent):
    """A type, or an attribute of a type, that the registry does not have; the message names the nearest ones."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, of: str | None = None) -> None:
        """`of`: the type whose attribute it would be."""
        near = difflib.get_close_matches(name, list(known), 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        missing = f"no {what} {name!r} among the known types" if of is None else f"type {of} has no {what} {name!r}"
        super().__init__(f"{missing}{hint}", stage="validate")


class TypeRegistry:
    """The known types of one member. Names are unique among types and among attribute types; GUIDs should be.

    Where two types have one GUID (a type that a release renamed, taught by a member of an older one) each is known under its own name, and a lookup by GUID
    answers the one that was there first. `base` are the names that came with the release: they are never deleted.
    """

    __slots__ = (
        "_attribute_guids",
        "_attribute_types",
        "_attributes",
        "_chains",
        "_classifiable",
        "_guids",
        "_instance_types",
        "_subtypes",
        "_types",
        "_usable",
        "base",
        "release",
    )

    def __init__(
        self,
        types: Mapping[str, TypeDef],
        attribute_types: Mapping[str, AttributeTypeDef],
        *,
        release: str = "",
        base: frozenset[str] = frozenset(),
    ) -> None:
        self.release = release
        self.base = base
        self._types = types
        self._attribute_types = attribute_types
        self._guids: dict[str, str] = {}
        for name, one in types.items():
            self._guids.setdefault(str(one.guid), name)
        self._attribute_guids = {str(one.guid): name for name, one in attribute_types.items()}
        self._usable = {name: str(one.guid) for name, one in types.items() if self._missing_supertype(one) is None}
        self._attributes: dict[str, Mapping[str, TypeDefAttribute]] = {}
        self._chains: dict[str, tuple[str, ...]] = {}
        self._classifiable: dict[tuple[str, str], bool] = {}
        self._instance_types: dict[str, InstanceType] = {}
        self._subtypes: dict[str, frozenset[str]] | None = None

    @classmethod
    def from_pack(cls, data: bytes) -> "TypeRegistry":
        """The registry of a type pack. Raises BadTypePack when it is no pack or a type in it has no name or GUID."""
        pack = decode_pack(data)
        types = {named(one): one for one in pack.type_defs}
        attribute_types = {named(one): one for one in pack.attribute_type_defs}
        return cls(types, attribute_types, release=pack.release, base=frozenset(types) | frozenset(attribute_types))

    def with_type(self, type_def: TypeDef) -> "TypeRegistry":
        """A registry in which this type stands under its name."""
        types = {**self._types, named(type_def): type_def}
        return TypeRegistry(types, self._attribute_types, release=self.release, base=self.base)

    def with_attribute_type(self, attribute_type: AttributeTypeDef) -> "TypeRegistry":
        """A registry in which this attribute type stands under its name."""
        attribute_types = {**self._attribute_types, named(attribute_type): attribute_type}
        return TypeRegistry(self._types, attribute_types, release=self.release, base=self.base)

    def without(self, name: str) -> "TypeRegistry":
        """A registry without the type and the attribute type of this name."""
        types = {key: one for key, one in self._types.items() if key != name}
        attribute_types = {key: one for key, one in self._attribute_types.items() if key != name}
        return TypeRegistry(types, attribute_types, release=self.release, base=self.base)

    # ------------------------------------------------------------ lookups

    def is_known(self, guid: str | None, name: str | None) -> bool:
        """May an instance have this type? Name and GUID must belong together (spec cohort-events 4.4), and every supertype must be there.

        The version of the type does not matter.
        """
        return name is not None and guid is not None and self._usable.get(name) == guid

    def type_def(self, name: str | None) -> TypeDef | None:
        """The type of this name."""
        return None if name is None else self._types.get(name)

    def type_def_by_guid(self, guid: str | None) -> TypeDef | None:
        """The type with this GUID; the one that was there first where two have it."""
        name = None if guid is None else self._guids.get(guid)
        return None if name is None else self._types[name]

    def attribute_type(self, name: str | None) -> AttributeTypeDef | None:
        """The primitive, collection or enum of this name."""
        return None if name is None else self._attribute_types.get(name)

    def attribute_type_by_guid(self, guid: str | None) -> AttributeTypeDef | None:
        """The primitive, collection or enum with this GUID."""
        name = None if guid is None else self._attribute_guids.get(guid)
        return None if name is None else self._attribute_types[name]

    def types(self, category: TypeDefCategory | None = None) -> Iterator[TypeDef]:
        """All types, or those of a category, in the order in which they became known."""
        return (one for one in self._types.values() if category is None or category_of(one) is category)

    def attribute_types(self) -> Iterator[AttributeTypeDef]:
        """All attribute types, in the order in which they became known."""
        return iter(self._attribute_types.values())

    def gallery(self) -> TypeDefGallery:
        """Everything, as OMRS hands it out; a list that would be empty is absent."""
        return TypeDefGallery(
            attribute_type_defs=list(self._attribute_types.values()) or None,
            type_defs=list(self._types.values()) or None,
        )

    def entity_def(self, name: str) -> EntityDef:
        """The entity type of this name. Raises UnknownType."""
        found = self._types.get(name)
        return found if isinstance(found, EntityDef) else self._unknown("entity type", name)

    def relationship_def(self, name: str) -> RelationshipDef:
        """The relationship type of this name. Raises UnknownType."""
        found = self._types.get(name)
        return found if isinstance(found, RelationshipDef) else self._unknown("relationship type", name)

    def classification_def(self, name: str) -> ClassificationDef:
        """The classification type of this name. Raises UnknownType."""
        found = self._types.get(name)
        return found if isinstance(found, ClassificationDef) else self._unknown("classification type", name)

    def instance_type(self, name: str) -> InstanceType:
        """What an instance of this type carries as its type. Raises UnknownType."""
        found = self._instance_types.get(name)
        if found is None:
            one = self._type(name)
            found = InstanceType(
                type_def_category=category_of(one),
                type_def_guid=one.guid,
                type_def_name=name,
                type_def_version=one.version,
            )
            self._instance_types[name] = found
        return found

    def summary(self, name: str) -> TypeDefSummary:
        """The type as a summary, as events refer to it. UnknownType when there is none."""
        found = self._type(name)
        return TypeDefSummary(
            guid=found.guid, name=found.name, status=found.status, version=found.version, version_name=found.version_name, category=found.category
        )

    # ------------------------------------------------------------ inheritance

    def supertypes(self, name: str) -> tuple[str, ...]:
        """The names of the supertypes, nearest first, as far as they are known. Raises UnknownType."""
        found = self._chains.get(name)
        if found is None:
            chain = [name]
            link = self._type(name).super_type
            while link is not None and (above := self._linked(link)) is not None and above not in chain:
                chain.append(above)
                link = self._types[above].super_type
            found = self._chains[name] = tuple(chain[1:])
        return found

    def subtypes(self, name: str) -> frozenset[str]:
        """The names of all types below this one, at any depth, without itself. Raises UnknownType."""
        if self._subtypes is None:
            below: dict[str, set[str]] = {}
            for one in self._types:
                for above in self.supertypes(one):
                    below.setdefault(above, set()).add(one)
            self._subtypes = {above: frozenset(names) for above, names in below.items()}
        self._type(name)
        return self._subtypes.get(name, frozenset())

    def is_a(self, name: str, ancestor: str) -> bool:
        """Is a type the same as, or below, another? False when either is unknown."""
        return name in self._types and (name == ancestor or ancestor in self.supertypes(name))

    def missing_supertype(self, name: str) -> str | None:
        """The first supertype of the chain that is not known: without it no instance can have this type."""
        return self._missing_supertype(self._type(name))

    # ------------------------------------------------------------ attributes

    def attributes(self, name: str) -> Mapping[str, TypeDefAttribute]:
        """The attributes of a type by name: its own, then those of its supertypes. Raises UnknownType."""
        found = self._attributes.get(name)
        if found is None:
            collected: dict[str, TypeDefAttribute] = {}
            for one in (name, *self.supertypes(name)):
                for attribute in self._types[one].properties_definition or ():
                    if attribute.attribute_name is not None:
                        collected.setdefault(attribute.attribute_name, attribute)
            found = self._attributes[name] = collected
        return found

    def attribute(self, type_name: str, name: str) -> TypeDefAttribute | None:
        """One attribute of a type or of its supertypes. Raises UnknownType for an unknown type."""
        return self.attributes(type_name).get(name)

    def unique_attributes(self, name: str) -> tuple[str, ...]:
        """The names of the attributes whose values tell the instances of a type apart. Raises UnknownType."""
        return tuple(key for key, attribute in self.attributes(name).items() if attribute.unique)

    def property_value(self, type_name: str, name: str, value: PlainValue) -> InstancePropertyValue:
        """The typed value of an attribute. Raises UnknownType for the type or attribute, BadPropertyValue for the value."""
        attributes = self.attributes(type_name)
        attribute = attributes.get(name)
        if attribute is None:
            raise UnknownType("attribute", name, attributes, of=type_name)
        return property_value(attribute, value, of=type_name)

    def properties(
        self,
        type_name: str,
        values: Mapping[str, PlainValue],
        *,
        effective_from: EpochMillis | None = None,
        effective_to: EpochMillis | None = None,
    ) -> InstanceProperties | None:
        """The typed properties of an instance in the order of `values`; None when there is nothing to say. Raises as `property_value` does."""
        if not values and effective_from is None and effective_to is None:
            return None
        return InstanceProperties(
            effective_from_time=effective_from,
            effective_to_time=effective_to,
            instance_properties={name: self.property_value(type_name, name, value) for name, value in values.items()},
        )

    def enum_element(self, enum: str, value: str | int) -> EnumElementDef | None:
        """The element of an enum with this symbolic name or ordinal. None when the enum has no such element; raises UnknownType when it is no enum."""
        found = self._attribute_types.get(enum)
        if not isinstance(found, EnumDef):
            raise UnknownType("enum", enum, self._attribute_types)
        return next((one for one in found.element_defs or () if value in (one.value, one.ordinal)), None)

    # ------------------------------------------------------------ classifications and ends

    def can_classify(self, classification: str, entity: str) -> bool:
        """May a classification stand on an entity of this type? One without valid types may stand on any. Raises UnknownType."""
        found = self._classifiable.get((classification, entity))
        if found is None:
            links = self.classification_def(classification).valid_entity_defs
            self.entity_def(entity)
            found = not links or any(self.is_a(entity, above) for link in links if (above := self._linked(link)) is not None)
            self._classifiable[classification, entity] = found
        return found

    def valid_entity_types(self, classification: str) -> frozenset[str]:
        """The entity types on which a classification may stand, subtypes included. Raises UnknownType."""
        links = self.classification_def(classification).valid_entity_defs
        if not links:
            return frozenset(named(one) for one in self.types(TypeDefCategory.ENTITY_DEF))
        listed = [above for link in links if (above := self._linked(link)) is not None]
        return frozenset(listed).union(*(self.subtypes(one) for one in listed))

    def ends(self, relationship: str) -> tuple[RelationshipEndDef, RelationshipEndDef]:
        """Both ends of a relationship type, in order. Raises UnknownType."""
        found = self.relationship_def(relationship)
        return found.end_def1 or RelationshipEndDef(), found.end_def2 or RelationshipEndDef()

    def end_accepts(self, relationship: str, end: int, entity: str) -> bool:
        """May an entity of this type stand at end 1 or 2 of a relationship of this type? Raises UnknownType for the relationship."""
        link = self.ends(relationship)[end - 1].entity_type
        above = None if link is None else self._linked(link)
        return above is not None and self.is_a(entity, above)

    # ------------------------------------------------------------ helpers

    def linked(self, link: TypeDefLink) -> TypeDef | None:
        """The type that a link means: the one of its name, else the one with its GUID (a type that was renamed)."""
        name = self._linked(link)
        return None if name is None else self._types[name]

    def _linked(self, link: TypeDefLink) -> str | None:
        if link.name in self._types:
            return link.name
        return None if link.guid is None else self._guids.get(link.guid)

    def _missing_supertype(self, type_def: TypeDef) -> str | None:
        link, seen = type_def.super_type, {type_def.name}
        while link is not None:
            above = self._linked(link)
            if above is None or above in seen:
                return str(link.name or link.guid)
            seen.add(above)
            link = self._types[above].super_type
        return None

    def _type(self, name: str) -> TypeDef:
        return self._types.get(name) or self._unknown("type", name)

    def _unknown(self, what: str, name: str) -> Never:
        raise UnknownType(what, name, self._types)


def named(one: TypeDef | AttributeTypeDef) -> str:
    """The name of a type. Raises BadTypePack when it has no name or no GUID: such a type cannot be told from others."""
    if not one.name or not one.guid:
        raise BadTypePack(f"a type has the name {one.name!r} and the GUID {one.guid!r}; expected both")
    return one.name


def category_of(type_def: TypeDef) -> TypeDefCategory:
    """The category of a type, by what it is."""
    match type_def:
        case EntityDef():
            return TypeDefCategory.ENTITY_DEF
        case RelationshipDef():
            return TypeDefCategory.RELATIONSHIP_DEF
        case ClassificationDef():
            return TypeDefCategory.CLASSIFICATION_DEF
