"""Applying a TypeDefPatch to a TypeDef (spec metadata-collection-semantics 3.1, cohort-events 4.3; OMRSRepositoryHelper.applyPatch)."""

from typing import TypeVar

import msgspec

from cohort_sync.omrs.typedefs import ClassificationDef, RelationshipDef, TypeDef, TypeDefAttribute, TypeDefPatch


class Patched(msgspec.Struct, frozen=True):
    """The patch fits: this is the type after it."""

    type_def: TypeDef


class PatchStale(msgspec.Struct, frozen=True):
    """The type is already past the version that the patch applies to: nothing to do (Java: a no-op)."""

    reason: str


class PatchAhead(msgspec.Struct, frozen=True):
    """The type has not reached the version that the patch applies to: a patch before this one is missing."""

    reason: str


class PatchRefused(msgspec.Struct, frozen=True):
    """The patch contradicts itself or the type (Java: PatchErrorException)."""

    reason: str


PatchResult = Patched | PatchStale | PatchAhead | PatchRefused


def apply_patch(type_def: TypeDef, patch: TypeDefPatch) -> PatchResult:
    """What `patch` makes of `type_def`. Pure and idempotent: a patch that was applied is stale the next time.

    Fields that the patch does not name stay. Options, mappings and statuses are replaced whole; attributes are merged
    by name, where a new definition of an attribute has to keep its type (kind, name and GUID). Fields that belong to another category of
    type (ends on an entity type) are ignored, as Java does.
    """
    name = f"type {type_def.name} ({type_def.guid})"
    if (patch.type_def_guid, patch.type_def_name) != (type_def.guid, type_def.name):
        return PatchRefused(f"{name}: the patch is for {patch.type_def_name} ({patch.type_def_guid})")
    if patch.update_to_version <= patch.apply_to_version:
        return PatchRefused(
            f"{name}: the patch goes from version {patch.apply_to_version} to {patch.update_to_version}; updateToVersion must be higher than applyToVersion"
        )
    if patch.apply_to_version < type_def.version:
        return PatchStale(f"{name} is at version {type_def.version}, the patch applies to {patch.apply_to_version}")
    if patch.apply_to_version > type_def.version:
        return PatchAhead(f"{name} is at version {type_def.version}, the patch applies to {patch.apply_to_version}")
    attributes = _merged(type_def.properties_definition or [], patch.property_definitions or [])
    if isinstance(attributes, str):
        return PatchRefused(f"{name}: {attributes}")
    changed = msgspec.structs.replace(
        type_def,
        version=patch.update_to_version,
        version_name=patch.new_version_name,
        updated_by=patch.updated_by,
        update_time=patch.update_time,
        status=_or(patch.type_def_status, type_def.status),
        description=_or(patch.description, type_def.description),
        description_guid=_or(patch.description_guid, type_def.description_guid),
        super_type=_or(patch.super_type, type_def.super_type),
        options=_or(patch.type_def_options, type_def.options),
        external_standard_mappings=_or(patch.external_standard_mappings, type_def.external_standard_mappings),
        valid_instance_status_list=_or(patch.valid_instance_status_list, type_def.valid_instance_status_list),
        initial_status=_or(patch.initial_status, type_def.initial_status),
        properties_definition=attributes or None,
    )
    return Patched(_of_its_category(changed, patch))


Value = TypeVar("Value")


def _or(new: Value | None, old: Value | None) -> Value | None:
    return old if new is None else new


def _of_its_category(type_def: TypeDef, patch: TypeDefPatch) -> TypeDef:
    if isinstance(type_def, RelationshipDef):
        return msgspec.structs.replace(
            type_def,
            end_def1=_or(patch.end_def1, type_def.end_def1),
            end_def2=_or(patch.end_def2, type_def.end_def2),
            multi_link=patch.multi_link if patch.update_multi_link else type_def.multi_link,
        )
    if isinstance(type_def, ClassificationDef):
        return msgspec.structs.replace(type_def, valid_entity_defs=_or(patch.valid_entity_defs, type_def.valid_entity_defs))
    return type_def


def _merged(old: list[TypeDefAttribute], new: list[TypeDefAttribute]) -> list[TypeDefAttribute] | str:
    """The attributes in their order, new ones at the end; or why they cannot be merged."""
    merged = {attribute.attribute_name: attribute for attribute in old}
    for attribute in new:
        before = merged.get(attribute.attribute_name)
        if before is not None and _type_of(before) != _type_of(attribute):
            had, gets = " ".join(_type_of(before)), " ".join(_type_of(attribute))
            return f"attribute {attribute.attribute_name} is {had}, the patch makes it {gets}; its type cannot change"
        merged[attribute.attribute_name] = attribute
    return list(merged.values())


def _type_of(attribute: TypeDefAttribute) -> tuple[str, ...]:
    """What a patch may not change: not the words and version name of the attribute type, which differ from release to release."""
    found = attribute.attribute_type
    return ("without a type",) if found is None else (type(found).__name__, str(found.name), str(found.guid))
