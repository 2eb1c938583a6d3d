"""Is a set of types complete and consistent in itself? What `cohort-sync types check` says."""

from collections import defaultdict
from collections.abc import Iterator

from cohort_sync.omrs.enums import CollectionDefCategory
from cohort_sync.omrs.type_registry import TypeRegistry, named
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    ClassificationDef,
    CollectionDef,
    EntityDef,
    EnumDef,
    PrimitiveDef,
    RelationshipDef,
    TypeDef,
    TypeDefAttribute,
    TypeDefLink,
)


def type_problems(registry: TypeRegistry) -> list[str]:
    """Everything that is wrong with the types of a registry, one sentence each, in a stable order; empty when all is well."""
    problems = list(_shared_guids(registry))
    for attribute_type in registry.attribute_types():
        problems += (f"{named(attribute_type)}: {problem}" for problem in _of_attribute_type(attribute_type))
    for type_def in registry.types():
        problems += (f"{named(type_def)}: {problem}" for problem in _of_type(registry, type_def))
    return problems


def _shared_guids(registry: TypeRegistry) -> Iterator[str]:
    names = defaultdict(list)
    for one in [*registry.attribute_types(), *registry.types()]:
        names[one.guid].append(named(one))
    for guid, sharing in names.items():
        if len(sharing) > 1:
            yield f"{' and '.join(sharing)} have one GUID, {guid}"


def _of_attribute_type(attribute_type: AttributeTypeDef) -> Iterator[str]:
    match attribute_type:
        case PrimitiveDef(primitive_def_category=None):
            yield "has no primitiveDefCategory"
        case CollectionDef():
            arguments = len(attribute_type.argument_types or ())
            if attribute_type.argument_count != arguments:
                yield f"argumentCount is {attribute_type.argument_count}, but {arguments} argumentTypes are there"
            wanted = {CollectionDefCategory.MAP: 2, CollectionDefCategory.ARRAY: 1}
            if attribute_type.collection_def_category is None:
                yield "has no collectionDefCategory"
            elif wanted.get(attribute_type.collection_def_category, arguments) != arguments:
                yield f"is a {attribute_type.collection_def_category.value} of {arguments} argumentTypes"
        case EnumDef():
            elements = attribute_type.element_defs or []
            if not elements:
                yield "has no elementDefs"
            values = [one.value for one in elements]
            if len(set(values)) != len(values):  # ordinals may be shared: 4.2's own ActivityType has two of 3, and the name travels with it
                yield "two of its elements have one value"
            default = attribute_type.default_value
            if default is not None and default.value is not None and default.value not in values:
                yield f"the default value {default.value} is none of its elements"
        case PrimitiveDef():
            return


def _of_type(registry: TypeRegistry, type_def: TypeDef) -> Iterator[str]:
    if type_def.super_type is not None:
        yield from _link(registry, "supertype", type_def.super_type, type(type_def))
        missing = registry.missing_supertype(named(type_def))
        if missing in registry.supertypes(named(type_def)) or missing == type_def.name:
            yield f"is its own supertype by way of {missing}"
    if type_def.category is None or type_def.category.name.replace("_", "") != type(type_def).__name__.upper():
        yield f"is a {type(type_def).__name__}, but its category is {type_def.category.value if type_def.category else 'missing'}"
    inherited = _inherited(registry, type_def)
    own: set[str | None] = set()
    for attribute in type_def.properties_definition or ():
        yield from _of_attribute(registry, attribute)
        if attribute.attribute_name in own:
            yield f"attribute {attribute.attribute_name} is there twice"
        own.add(attribute.attribute_name)
        above = inherited.get(attribute.attribute_name or "")
        if above is not None and _type_of(above) != _type_of(attribute):
            yield f"attribute {attribute.attribute_name} is {_type_of(attribute)}, but a supertype has it as {_type_of(above)}"
    match type_def:
        case ClassificationDef():
            for link in type_def.valid_entity_defs or ():
                yield from _link(registry, "valid entity type", link, EntityDef)
        case RelationshipDef():
            for number, end in ((1, type_def.end_def1), (2, type_def.end_def2)):
                if end is None or end.entity_type is None:
                    yield f"end {number} has no entity type"
                else:
                    yield from _link(registry, f"end {number}", end.entity_type, EntityDef)
        case _:
            return


def _of_attribute(registry: TypeRegistry, attribute: TypeDefAttribute) -> Iterator[str]:
    wanted = attribute.attribute_type
    if not attribute.attribute_name:
        yield "an attribute has no name"
    if wanted is None:
        yield f"attribute {attribute.attribute_name} has no type"
        return
    found = registry.attribute_type(wanted.name)
    if found is None:
        yield f"attribute {attribute.attribute_name} has the type {wanted.name} ({wanted.guid}), which is not known"
    elif found.guid != wanted.guid or type(found) is not type(wanted):
        theirs, ours = f"{type(wanted).__name__} {wanted.guid}", f"{type(found).__name__} {found.guid}"
        yield f"attribute {attribute.attribute_name} means the type {wanted.name} as {theirs}, which is {ours}"


def _link(registry: TypeRegistry, what: str, link: TypeDefLink, kind: type[TypeDef]) -> Iterator[str]:
    found = registry.type_def(link.name)
    if found is None:
        yield f"its {what} {link.name} ({link.guid}) is not known"
    elif found.guid != link.guid:
        yield f"its {what} {link.name} has the GUID {link.guid} here and {found.guid} by itself"
    elif not isinstance(found, kind):
        yield f"its {what} {link.name} is a {type(found).__name__}, expected {kind.__name__}"


def _inherited(registry: TypeRegistry, type_def: TypeDef) -> dict[str, TypeDefAttribute]:
    above = registry.supertypes(named(type_def))
    return dict(registry.attributes(above[0])) if above else {}


def _type_of(attribute: TypeDefAttribute) -> str | None:
    return attribute.attribute_type.name if attribute.attribute_type else None
