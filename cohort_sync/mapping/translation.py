"""A mapper's desired state in the terms of an older type release.

Mappers speak the newest types. Applied to the whole graph of a source object before it is compared with what was announced,
so that an attribute can move from a relationship to its child. What has no home is dropped and told, never lost silently.
The result has as many entities and relationships, in the same order; identities stay, so GUIDs do.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from cohort_sync.mapping.desired import (
    DesiredClassification,
    DesiredEntity,
    DesiredObject,
    DesiredRelationship,
    GuidOf,
    PlainProperties,
    PlainValue,
    Symbol,
)
from cohort_sync.omrs.type_translation import Nowhere, ToAttribute, ToChild, ToMap, TypeTranslation


class Dropped(msgspec.Struct, frozen=True):
    """A value that has no home in the target release: of which attribute (empty: a whole classification), and why. Names are the mapper's."""

    type_name: str
    attribute: str
    reason: str


class Translated(msgspec.Struct, frozen=True):
    """An object in the terms of the target release, and what did not come along."""

    object: DesiredObject
    dropped: tuple[Dropped, ...]


class Translator:
    """Applies one TypeTranslation. Pure: the same object always gives the same answer."""

    def __init__(self, types: TypeTranslation) -> None:
        self.types = types

    def translate(self, desired: DesiredObject) -> Translated:
        """The object in the target's terms. Raises NoHome for a type that the target does not have, UnknownType for what the source does not have.

        Values that move into `additionalProperties` do not replace what the mapper put there under the same name.
        """
        dropped: list[Dropped] = []
        own = {entity.identity: entity for entity in desired.entities}
        gained: dict[str, dict[str, PlainValue]] = {}
        relationships = tuple(self._relationship(one, own, gained, dropped) for one in desired.relationships)
        entities = tuple(self._entity(entity, gained, dropped) for entity in desired.entities)
        return Translated(replace(desired, entities=entities, relationships=relationships), tuple(dropped))

    def counting(self, told: Callable[[Dropped], None]) -> Callable[[DesiredObject], DesiredObject]:
        """`translate` as a plain function that tells `told` of each value that was dropped."""

        def translate(desired: DesiredObject) -> DesiredObject:
            result = self.translate(desired)
            for one in result.dropped:
                told(one)
            return result.object

        return translate

    def _relationship(
        self, one: DesiredRelationship, own: Mapping[str, DesiredEntity], gained: dict[str, dict[str, PlainValue]], dropped: list[Dropped]
    ) -> DesiredRelationship:
        name = self.types.target_name(one.type_name)
        for_child: dict[str, tuple[str, PlainValue]] = {}
        properties = self._properties(one.type_name, one.properties, "", for_child, dropped)
        child = own.get(one.end2)
        for attribute, (target, value) in for_child.items():
            if child is None:
                dropped.append(Dropped(one.type_name, attribute, f"it belongs to the entity at end 2, {one.end2}, which is of another object"))
            elif target not in self.types.target.attributes(self.types.target_name(child.type_name)):
                dropped.append(Dropped(one.type_name, attribute, f"{child.type_name} at end 2 has no {target} in release {self.types.target.release}"))
            else:
                gained.setdefault(one.end2, {})[target] = value
        end1, end2 = (one.end2, one.end1) if self.types.swaps_ends(one.type_name) else (one.end1, one.end2)
        return replace(one, type_name=name, end1=end1, end2=end2, properties=properties)

    def _entity(self, one: DesiredEntity, gained: Mapping[str, Mapping[str, PlainValue]], dropped: list[Dropped]) -> DesiredEntity:
        name = self.types.target_name(one.type_name)
        properties = self._properties(one.type_name, one.properties, "", None, dropped)
        stated = (self._classification(classification, one, dropped) for classification in one.classifications)
        classifications = tuple(classification for classification in stated if classification is not None)
        return replace(one, type_name=name, properties={**properties, **gained.get(one.identity, {})}, classifications=classifications, seed=one.identity)

    def _classification(self, one: DesiredClassification, entity: DesiredEntity, dropped: list[Dropped]) -> DesiredClassification | None:
        name, bearer = self.types.target_name(one.name), self.types.target_name(entity.type_name)
        if not self.types.target.can_classify(name, bearer):
            dropped.append(Dropped(one.name, "", f"{name} cannot stand on {bearer} in release {self.types.target.release}"))
            return None
        return DesiredClassification(name, self._properties(one.name, one.properties, entity.type_name, None, dropped))

    def _properties(
        self, type_name: str, properties: PlainProperties, bearer: str, for_child: dict[str, tuple[str, PlainValue]] | None, dropped: list[Dropped]
    ) -> dict[str, PlainValue]:
        """The properties of one instance; `bearer` is the type of the entity that a classification stands on.

        `for_child` collects what goes to the entity at end 2: source attribute, target attribute and value. None where there is no such entity.
        """
        result: dict[str, PlainValue] = {}
        into_maps: list[tuple[str, ToMap, PlainValue]] = []
        for name, value in properties.items():
            for place in self.types.destinations(type_name, name):
                match place:
                    case Nowhere(reason=reason):
                        dropped.append(Dropped(type_name, name, reason))
                    case ToChild(name=target):
                        if for_child is None:
                            dropped.append(Dropped(type_name, name, f"it would go to {target} of the entity at end 2, and this is no relationship"))
                        else:
                            for_child[name] = (target, value)
                    case ToMap():
                        into_maps.append((name, place, value))
                    case ToAttribute():
                        problem = self._set(result, place, value, bearer)
                        if problem:
                            dropped.append(Dropped(type_name, name, problem))
        for name, into, value in into_maps:
            problem = _put_into_map(result, into, value)
            if problem:
                dropped.append(Dropped(type_name, name, problem))
        return result

    def _set(self, result: dict[str, PlainValue], place: ToAttribute, value: PlainValue, bearer: str) -> str:
        """Set an attribute of the target; why that cannot be, empty when it was done."""
        if place.values is not None and (not place.only_on or self.types.source.is_a(bearer, place.only_on)):
            spoken = value.name if isinstance(value, Symbol) else value
            found = place.values.get(spoken) if isinstance(spoken, str) else None
            if found is None and place.closed:
                return f"{place.name} has no value for {spoken} in release {self.types.target.release}"
            if found is not None:
                value = Symbol(found) if isinstance(value, Symbol) else found
        if place.as_text:
            text = _text(value)
            if text is None:
                return f"it has no form as text for {place.name}"
            value = text
        if place.name in result:
            return f"{place.name} has a value already"
        result[place.name] = value
        return ""


def _put_into_map(result: dict[str, PlainValue], into: ToMap, value: PlainValue) -> str:
    """Put text under a key of a map attribute; why that cannot be, empty when it was done."""
    text = _text(value)
    held = result.get(into.name, {})
    if text is None or not isinstance(held, dict):
        return f"it has no form as text for {into.name}"
    if into.key in held:
        return f"{into.name} has a {into.key} of its own"
    entries: dict[str, str] = {}
    for key, item in held.items():
        entries[key] = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    result[into.name] = {**entries, into.key: text}
    return ""


def _text(value: PlainValue) -> str | None:
    """A value as text; None for a reference, whose GUID is not known here."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)
        case Symbol(name):
            return name
        case GuidOf():
            return None
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
