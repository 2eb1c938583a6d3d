"""How the types of two releases differ, for people: what came, went, was renamed or changed, and what a translation makes of it.

Types are the same when they have the same GUID, else when they have the same name. Attributes are compared with the inherited ones, because that is what an
instance may carry; a change that a type has only inherited is marked as such.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from cohort_sync.omrs.errors import FatalFault, PoisonEvent
from cohort_sync.omrs.type_registry import TypeRegistry, category_of, named
from cohort_sync.omrs.type_translation import Nowhere, ToAttribute, ToChild, ToMap, TypeTranslation
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    ClassificationDef,
    EnumDef,
    RelationshipDef,
    RelationshipEndDef,
    TypeDef,
    TypeDefAttribute,
    TypeDefLink,
)

One = TypeVar("One", TypeDef, AttributeTypeDef)


class Change(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One difference. `before` is None for what came, `after` for what went. `inherited`: a supertype has the same difference.

    `aspect`: attribute, supertype, end, standsOn (of a classification), multiLink, category, guid, or element (of an enum).
    """

    aspect: str
    name: str = ""
    before: str | None
    after: str | None
    inherited: bool = False


class Translated(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the translation does with a type: what it becomes (None: nothing, `reason` says why) and where those attributes go that do not stay as they are."""

    to: str | None
    reason: str = ""
    swaps_ends: bool = False
    attributes: dict[str, tuple[str, ...]] = {}


class TypeDifference(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One type in both releases: its name in each (None: it is not there), what changed, and what becomes of it."""

    guid: str
    category: str
    before: str | None
    after: str | None
    changes: tuple[Change, ...] = ()
    translation: Translated | None = None

    @property
    def renamed(self) -> bool:
        """In both, under two names."""
        return self.before is not None and self.after is not None and self.before != self.after

    @property
    def own_changes(self) -> tuple[Change, ...]:
        """Those that it has not only inherited."""
        return tuple(change for change in self.changes if not change.inherited)


class ReleaseDifference(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All types of two releases, those of the first in its order, then those that only the second has. Types that are the same are among them."""

    source: str
    target: str
    types: tuple[TypeDifference, ...]
    attribute_types: tuple[TypeDifference, ...]


def diff_releases(source: TypeRegistry, target: TypeRegistry, translation: TypeTranslation | None = None) -> ReleaseDifference:
    """Compare everything. `translation` is the one from `source` to `target`, where there is one."""
    partners = _partners(list(source.types()), list(target.types()))
    comparison = _Comparison(source, target, translation)
    attribute_partners = _partners(list(source.attribute_types()), list(target.attribute_types()))
    return ReleaseDifference(
        source=source.release,
        target=target.release,
        types=tuple(comparison.type_difference(one, other) for one, other in partners),
        attribute_types=tuple(_attribute_type_difference(one, other) for one, other in attribute_partners),
    )


def _partners(ours: list[One], theirs: list[One]) -> list[tuple[One | None, One | None]]:
    """Each with the one that it is in the other release: by GUID, and by name where no GUID fits."""
    by_guid = {str(one.guid): one for one in theirs}
    found = {str(one.guid): by_guid.pop(str(one.guid)) for one in ours if str(one.guid) in by_guid}
    by_name = {named(one): one for one in by_guid.values()}
    for one in ours:
        if str(one.guid) not in found and named(one) in by_name:
            found[str(one.guid)] = by_name.pop(named(one))
    taken = {str(one.guid) for one in found.values()}
    pairs: list[tuple[One | None, One | None]] = [(one, found.get(str(one.guid))) for one in ours]
    pairs += [(None, one) for one in theirs if str(one.guid) not in taken]
    return pairs


class _Comparison:
    """Types of two registries. Changes of supertypes are worked out once, to tell what is inherited."""

    def __init__(self, source: TypeRegistry, target: TypeRegistry, translation: TypeTranslation | None) -> None:
        self._source = source
        self._target = target
        self._translation = translation
        self._changes: dict[str, tuple[Change, ...]] = {}

    def type_difference(self, one: TypeDef | None, other: TypeDef | None) -> TypeDifference:
        """One type, which is in at least one of the two."""
        there = one or other
        if there is None:
            raise ValueError("a difference needs a type")
        return TypeDifference(
            guid=str(there.guid),
            category=category_of(there).value,
            before=None if one is None else named(one),
            after=None if other is None else named(other),
            changes=self._all_changes(one, other) if one is not None and other is not None else (),
            translation=self._translated(named(one)) if one is not None else None,
        )

    # ------------------------------------------------------------ changes

    def _all_changes(self, one: TypeDef, other: TypeDef) -> tuple[Change, ...]:
        name = named(one)
        if name not in self._changes:
            self._changes[name] = ()  # of a type that is its own supertype
            own = [*self._headers(one, other), *self._attributes(one, other)]
            inherited = {_key(change) for change in self._of_supertype(one, other)}
            self._changes[name] = tuple(msgspec.structs.replace(change, inherited=_key(change) in inherited) for change in own)
        return self._changes[name]

    def _of_supertype(self, one: TypeDef, other: TypeDef) -> tuple[Change, ...]:
        """The changes of the nearest supertype that both have."""
        above = _named_types(self._source, self._source.supertypes(named(one)))
        below = _named_types(self._target, self._target.supertypes(named(other)))
        for ancestor in above:
            partner = next((each for each in below if _same(ancestor, each)), None)
            if partner is not None:
                return self._all_changes(ancestor, partner)
        return ()

    def _headers(self, one: TypeDef, other: TypeDef) -> Iterable[Change]:
        if category_of(one) is not category_of(other):
            yield Change(aspect="category", before=category_of(one).value, after=category_of(other).value)
        if one.guid != other.guid:
            yield Change(aspect="guid", before=one.guid, after=other.guid)
        if not _same_link(one.super_type, other.super_type):
            yield Change(aspect="supertype", before=_link(one.super_type), after=_link(other.super_type))
        if isinstance(one, RelationshipDef) and isinstance(other, RelationshipDef):
            for number, before, after in ((1, one.end_def1, other.end_def1), (2, one.end_def2, other.end_def2)):
                if not _same_end(before, after):
                    yield Change(aspect="end", name=str(number), before=_end(before), after=_end(after))
            if one.multi_link != other.multi_link:
                yield Change(aspect="multiLink", before=_yes(one.multi_link), after=_yes(other.multi_link))
        if isinstance(one, ClassificationDef) and isinstance(other, ClassificationDef):
            yield from self._standing(one, other)

    def _standing(self, one: ClassificationDef, other: ClassificationDef) -> Iterable[Change]:
        ours, theirs = one.valid_entity_defs or [], other.valid_entity_defs or []
        for link in ours:
            if not any(_same_link(link, each) for each in theirs):
                yield Change(aspect="standsOn", name=_link(link) or "", before=_link(link), after=None)
        for link in theirs:
            if not any(_same_link(link, each) for each in ours):
                yield Change(aspect="standsOn", name=_link(link) or "", before=None, after=_link(link))

    def _attributes(self, one: TypeDef, other: TypeDef) -> Iterable[Change]:
        ours, theirs = self._source.attributes(named(one)), self._target.attributes(named(other))
        for name in (*ours, *(each for each in theirs if each not in ours)):
            before, after = _attribute(ours.get(name)), _attribute(theirs.get(name))
            if before != after:
                yield Change(aspect="attribute", name=name, before=before, after=after)

    # ------------------------------------------------------------ translation

    def _translated(self, name: str) -> Translated | None:
        table = self._translation
        if table is None:
            return None
        try:
            to = table.target_name(name)
            moved = {attribute: places for attribute in self._source.attributes(name) if (places := _places(table, name, attribute)) != (attribute,)}
        except (PoisonEvent, FatalFault) as problem:
            return Translated(to=None, reason=str(problem))
        return Translated(to=to, swaps_ends=table.swaps_ends(name), attributes=moved)


def _places(table: TypeTranslation, type_name: str, attribute: str) -> tuple[str, ...]:
    """Where an attribute goes, for people; its own name alone when it stays as it is."""
    return tuple(map(_place, table.destinations(type_name, attribute)))


def _place(place: ToAttribute | ToMap | ToChild | Nowhere) -> str:
    match place:
        case ToAttribute(name=name, as_text=as_text, values=values):
            renamed = ", ".join(f"{old} as {new}" for old, new in (values or {}).items() if old != new)
            return name + (" as text" if as_text else "") + (f" ({renamed})" if renamed else "")
        case ToMap(name=name, key=key):
            return f"{name}[{key}] as text"
        case ToChild(name=name):
            return f"{name} of the entity at end 2"
        case Nowhere(reason=reason):
            return f"nowhere: {reason}"


# ---------------------------------------------------------------- attribute types


def _attribute_type_difference(one: AttributeTypeDef | None, other: AttributeTypeDef | None) -> TypeDifference:
    there = one or other
    if there is None:
        raise ValueError("a difference needs an attribute type")
    changes: list[Change] = []
    if one is not None and other is not None:
        if one.guid != other.guid:
            changes.append(Change(aspect="guid", before=one.guid, after=other.guid))
        if type(one) is not type(other):
            changes.append(Change(aspect="category", before=_category(one), after=_category(other)))
        changes += _elements(one, other)
    return TypeDifference(
        guid=str(there.guid),
        category=_category(there),
        before=None if one is None else named(one),
        after=None if other is None else named(other),
        changes=tuple(changes),
    )


def _elements(one: AttributeTypeDef, other: AttributeTypeDef) -> Iterable[Change]:
    """Of enums, by ordinal: a value may have another name."""
    if isinstance(one, EnumDef) and isinstance(other, EnumDef):
        ours = {element.ordinal: str(element.value) for element in one.element_defs or ()}
        theirs = {element.ordinal: str(element.value) for element in other.element_defs or ()}
        for ordinal in sorted(ours.keys() | theirs.keys()):
            if ours.get(ordinal) != theirs.get(ordinal):
                yield Change(aspect="element", name=str(ordinal), before=ours.get(ordinal), after=theirs.get(ordinal))


# ---------------------------------------------------------------- values for people


def _attribute(attribute: TypeDefAttribute | None) -> str | None:
    if attribute is None:
        return None
    words = [str(attribute.attribute_type.name) if attribute.attribute_type else "-"]
    words += ["unique"] if attribute.unique else []
    words += [attribute.attribute_status.value] if attribute.attribute_status and attribute.attribute_status.value != "ACTIVE_ATTRIBUTE" else []
    return " ".join(words)


def _end(end: RelationshipEndDef | None) -> str | None:
    if end is None:
        return None
    return f"{_link(end.entity_type)} as {end.attribute_name} ({end.attribute_cardinality.value if end.attribute_cardinality else '-'})"


def _same_end(one: RelationshipEndDef | None, other: RelationshipEndDef | None) -> bool:
    if one is None or other is None:
        return one is other
    return _same_link(one.entity_type, other.entity_type) and (one.attribute_name, one.attribute_cardinality) == (
        other.attribute_name,
        other.attribute_cardinality,
    )


def _link(link: TypeDefLink | None) -> str | None:
    return None if link is None else link.name


def _same_link(one: TypeDefLink | None, other: TypeDefLink | None) -> bool:
    """A type that was only renamed is the same."""
    if one is None or other is None:
        return one is other
    return one.guid == other.guid if one.guid and other.guid else one.name == other.name


def _same(one: TypeDef, other: TypeDef) -> bool:
    return one.guid == other.guid or one.name == other.name


def _named_types(registry: TypeRegistry, names: Iterable[str]) -> list[TypeDef]:
    return [found for found in map(registry.type_def, names) if found is not None]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _category(one: AttributeTypeDef) -> str:
    return one.category.value if one.category is not None else type(one).__name__


def _key(change: Change) -> tuple[str, str, str | None, str | None]:
    return change.aspect, change.name, change.before, change.after


def find_type(differences: ReleaseDifference, name: str) -> TypeDifference | None:
    """The type or attribute type of this name in the first release, else in the second."""
    everything = (*differences.types, *differences.attribute_types)
    first = next((one for one in everything if one.before == name), None)
    return first or next((one for one in everything if one.after == name), None)
