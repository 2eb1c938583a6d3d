"""From the types of one release to those of another: where each type and attribute goes (the table `schemas/translation-6.1-4.2.json`).

The table says what is not as before. What it does not name stays: a type that it does not name keeps its GUID (its name
may be another one), an attribute keeps its name. Here the table meets the type packs of both releases: what it cannot say
because nobody asked (a mapper that uses more types) has its answer from the packs. `mapping.translation` applies it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from cohort_sync.omrs.errors import FatalFault, PoisonEvent
from cohort_sync.omrs.type_registry import TypeRegistry, UnknownType, category_of
from cohort_sync.omrs.typedefs import EnumDef, PrimitiveDef, TypeDefAttribute

# ---------------------------------------------------------------- the table as it is written


class Move(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attribute whose value changes too: its primitive type (`as`), its enum (`enum`), or some of its values (`values`, `when`)."""

    to: str
    as_type: str = msgspec.field(default="", name="as")
    enum: dict[str, str] | None = None
    values: dict[str, str] | None = None
    when: str = ""
    """`on X`: only for a classification that stands on an entity of the source's type X."""


Target = str | list[str] | Move | None


class TypeRule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a type and its attributes go."""

    to: str
    attributes: dict[str, Target] = {}
    swap_ends: bool = False


class TranslationTable(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One table; `types` is keyed by the names of release `source`."""

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    types: dict[str, TypeRule]
    dropped_everywhere: list[str] = []
    """`name`, or `name (on X types)` for X and its subtypes."""


class BadTranslationTable(FatalFault):
    """A translation table that cannot be read or that contradicts the types of its releases."""


# ---------------------------------------------------------------- where an attribute goes


class ToAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """To this attribute of the same instance, after the value went through `values`.

    `only_on`: the values change only on an entity of this type (of the source release). `closed`: a value that `values` does
    not have has no home.
    """

    name: str
    as_text: bool = False
    values: Mapping[str, str] | None = None
    only_on: str = ""
    closed: bool = False


class ToMap(msgspec.Struct, frozen=True, kw_only=True):
    """As text under this key of a map attribute of the same instance."""

    name: str
    key: str


class ToChild(msgspec.Struct, frozen=True, kw_only=True):
    """To this attribute of the entity at end 2 (of the source release) of the relationship."""

    name: str


class Nowhere(msgspec.Struct, frozen=True, kw_only=True):
    """It has no home in the target release."""

    reason: str


Destination: TypeAlias = ToAttribute | ToMap | ToChild | Nowhere


class NoHome(PoisonEvent):
    """A type that the target release does not have. A mapper's check at start says so before any record does."""

    def __init__(self, message: str) -> None:
        super().__init__(message, stage="map")


class TypeTranslation:
    """A table between the types of two releases. Answers are worked out once for each type; they do not change."""

    def __init__(self, table: bytes, source: TypeRegistry, target: TypeRegistry) -> None:
        """Raises BadTranslationTable when the table is not one from `source.release` to `target.release`."""
        try:
            self._table = msgspec.json.decode(table, type=TranslationTable)
        except msgspec.DecodeError as error:
            raise BadTranslationTable(f"not a translation of types: {error}") from error
        if (self._table.source, self._table.target) != (source.release, target.release):
            raise BadTranslationTable(f"a translation from {self._table.source} to {self._table.target} cannot go from {source.release} to {target.release}")
        self.source = source
        self.target = target
        self._dropped = [_dropped(text) for text in self._table.dropped_everywhere]
        self._names: dict[str, str] = {}
        self._destinations: dict[str, dict[str, tuple[Destination, ...]]] = {}

    # ------------------------------------------------------------ types

    def target_name(self, type_name: str) -> str:
        """What the type is called in the target release. Raises NoHome when it has none there, UnknownType when the source has it not."""
        found = self._names.get(type_name)
        if found is None:
            found = self._names[type_name] = self._target_name(type_name)
        return found

    def swaps_ends(self, type_name: str) -> bool:
        """Do the ends of this relationship type stand the other way round in the target release?"""
        rule = self._table.types.get(type_name)
        return rule is not None and rule.swap_ends

    def problems(self, type_names: Iterable[str]) -> list[str]:
        """Why a mapper that uses these types cannot work with the target release, one sentence a type; empty when it can."""
        found = []
        for name in sorted(type_names):
            try:
                self.target_name(name)
                self._of(name)
            except (NoHome, UnknownType, BadTranslationTable) as problem:
                found.append(str(problem))
        return found

    # ------------------------------------------------------------ attributes

    def destinations(self, type_name: str, attribute: str) -> tuple[Destination, ...]:
        """Where a value of this attribute goes: one place or several, or nowhere. Raises UnknownType for an attribute that the type has not."""
        places = self._of(type_name).get(attribute)
        if places is None:
            raise UnknownType("attribute", attribute, self.source.attributes(type_name), of=type_name)
        return places

    def _of(self, type_name: str) -> dict[str, tuple[Destination, ...]]:
        found = self._destinations.get(type_name)
        if found is None:
            found = {name: self._places(type_name, attribute) for name, attribute in self.source.attributes(type_name).items()}
            self._destinations[type_name] = found
        return found

    def _target_name(self, type_name: str) -> str:
        origin = self.source.type_def(type_name)
        if origin is None:
            raise UnknownType("type", type_name, (str(one.name) for one in self.source.types()))
        rule = self._table.types.get(type_name)
        found = self.target.type_def(rule.to) if rule is not None else self.target.type_def_by_guid(origin.guid)
        if found is None:
            where = f"the types of release {self.target.release}"
            if rule is not None:
                raise BadTranslationTable(f"the translation makes {type_name} a {rule.to}, which is not among {where}")
            raise NoHome(f"{type_name} ({origin.guid}) has no counterpart among {where}, and the translation names none")
        if category_of(found) is not category_of(origin):
            raise BadTranslationTable(f"{type_name} is a {category_of(origin).value}, its translation {found.name} a {category_of(found).value}")
        return str(found.name)

    def _places(self, type_name: str, attribute: TypeDefAttribute) -> tuple[Destination, ...]:
        name = str(attribute.attribute_name)
        target_type = self.target_name(type_name)
        rule = self._table.types.get(type_name)
        if rule is not None and name in rule.attributes:
            target = rule.attributes[name]
            if target is None:
                return (Nowhere(reason=f"{target_type} of release {self.target.release} has no home for it"),)
            texts = target if isinstance(target, list) else [target]
            return tuple(self._place(type_name, attribute, text) for text in texts)
        if any(name == dropped and (not above or self.source.is_a(type_name, above)) for dropped, above in self._dropped):
            return (Nowhere(reason=f"release {self.target.release} has it nowhere"),)
        if name not in self.target.attributes(target_type):
            return (Nowhere(reason=f"{target_type} of release {self.target.release} has no attribute {name}"),)
        return (self._kept(target_type, attribute, Move(to=name)),)

    def _place(self, type_name: str, attribute: TypeDefAttribute, target: str | Move) -> Destination:
        target_type = self.target_name(type_name)
        move = target if isinstance(target, Move) else Move(to=target)
        holder, _, inner = move.to.partition(".")
        if holder == "child" and inner:
            return ToChild(name=inner)
        if holder not in self.target.attributes(target_type):
            raise BadTranslationTable(f"the translation moves {type_name}.{attribute.attribute_name} to {target_type}.{holder}, which there is not")
        return ToMap(name=holder, key=inner) if inner else self._kept(target_type, attribute, move)

    def _kept(self, target_type: str, attribute: TypeDefAttribute, move: Move) -> Destination:
        """The attribute in its new place; an enum finds the element of its own name or, where a release renamed it, of its ordinal."""
        there = self.target.attributes(target_type)[move.to].attribute_type
        here = attribute.attribute_type
        if move.enum is not None:
            return ToAttribute(name=move.to, values=move.enum, closed=True)
        if isinstance(here, EnumDef) and isinstance(there, EnumDef):
            return ToAttribute(name=move.to, values=_enum_values(here, there), closed=True)
        as_text = move.as_type == "string" or (isinstance(here, PrimitiveDef) and isinstance(there, PrimitiveDef) and there.name == "string" != here.name)
        only_on = _WHEN.fullmatch(move.when)
        if move.when and only_on is None:
            raise BadTranslationTable(f"the translation to {target_type}.{move.to} says when {move.when!r}, expected 'on TYPE'")
        return ToAttribute(name=move.to, as_text=as_text, values=move.values, only_on=only_on["type"] if only_on else "")


_WHEN = re.compile(r"on (?P<type>\w+)")
_DROPPED = re.compile(r"(?P<name>\w+)(?: \(on (?P<type>\w+) types\))?")


def _dropped(text: str) -> tuple[str, str]:
    """Name of an attribute that is dropped everywhere, and the type on whose subtypes alone it is (empty: on all)."""
    found = _DROPPED.fullmatch(text)
    if found is None:
        raise BadTranslationTable(f"droppedEverywhere holds {text!r}, expected 'name' or 'name (on TYPE types)'")
    return found["name"], found["type"] or ""


def _enum_values(here: EnumDef, there: EnumDef) -> dict[str, str]:
    names = {str(element.value) for element in there.element_defs or ()}
    ordinals = {element.ordinal: str(element.value) for element in there.element_defs or ()}
    values = {}
    for element in here.element_defs or ():
        name = str(element.value)
        if name in names:
            values[name] = name
        elif here.guid == there.guid and element.ordinal in ordinals:
            values[name] = ordinals[element.ordinal]
    return values
