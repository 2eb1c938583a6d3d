"""What an inbound type event, or a type in an archive, does to a registry (spec cohort-events 4.3, metadata-collection-semantics 15).

Pure: each function takes a registry and gives one (the same when nothing changed) with what became of the change. Applying the same change again changes
nothing. As in Java, a type of a known name is never replaced; only patches change types.
"""

from enum import StrEnum

import msgspec

from cohort_sync.omrs.enums import TypeDefEventType
from cohort_sync.omrs.events import TypeDefSection
from cohort_sync.omrs.type_patches import PatchAhead, Patched, PatchRefused, PatchStale, apply_patch
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    ClassificationDef,
    CollectionDef,
    EnumDef,
    PrimitiveDef,
    RelationshipDef,
    TypeDef,
    TypeDefLink,
    TypeDefPatch,
)

OPEN_METADATA_TYPES = "bce3b0a0-662a-4f87-b8dc-844078a11a6e"
"""The `origin` of the open metadata types: the GUID of the archive that holds them."""


class TypeVerdict(StrEnum):
    """What became of a change of types."""

    ADDED = "added"
    KNOWN = "known"
    """A type of this name and GUID is there; it is not compared further."""
    CONFLICT = "conflict"
    """Something else has this name. `known` is what stands here. Java answers with a conflict event for an attribute type, and is silent for a type."""
    PATCHED = "patched"
    PATCH_IGNORED = "patch_ignored"
    """The patch was applied before, or is for a version that the type has not reached."""
    DELETED = "deleted"
    IN_USE = "in_use"
    """Not deleted: it belongs to the release, or another type needs it."""
    UNKNOWN_TYPE = "unknown_type"
    """A patch or a delete of a type that is not known."""
    REFUSED = "refused"
    """The change contradicts itself: no name or GUID, a patch that goes backwards or changes the type of an attribute."""
    NOT_LEARNED = "not_learned"
    """The policy says that members do not teach us such types."""
    IGNORED = "ignored"
    """Re-identifications (Java does not implement them either), error events and unknown events."""


class TypeChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change and its verdict. `reason` is for the reader; `known` is the type that stands in the way of a CONFLICT."""

    verdict: TypeVerdict
    name: str
    guid: str
    reason: str = ""
    known: TypeDef | AttributeTypeDef | None = None


class Learn(StrEnum):
    """Which types other members may teach us."""

    ALL = "all"
    """Everything, as Java does."""
    CUSTOM = "custom"
    """What is not an open metadata type: a member of another release does not change the types of ours."""
    NONE = "none"


Result = tuple[TypeRegistry, TypeChange]


def add_type(registry: TypeRegistry, type_def: TypeDef) -> Result:
    """A new type: ADDED, KNOWN, CONFLICT or REFUSED.

    A type whose supertype is missing is added and waits: `is_known` is false until the whole chain is there.
    """
    if (refused := _unidentified(type_def)) is not None:
        return registry, refused
    name, guid = str(type_def.name), str(type_def.guid)
    if (known := registry.type_def(name)) is not None:
        if known.guid == guid:
            return registry, TypeChange(verdict=TypeVerdict.KNOWN, name=name, guid=guid)
        return registry, _conflict(type_def, known)
    twin = registry.type_def_by_guid(guid)
    registry = registry.with_type(type_def)
    reason = "" if twin is None else f"its GUID is also that of {twin.name}"
    if (missing := registry.missing_supertype(name)) is not None:
        reason = f"waits for its supertype {missing}"
    return registry, TypeChange(verdict=TypeVerdict.ADDED, name=name, guid=guid, reason=reason)


def add_attribute_type(registry: TypeRegistry, attribute_type: AttributeTypeDef) -> Result:
    """A new primitive, collection or enum: ADDED, KNOWN, CONFLICT or REFUSED.

    A known one is compared by its meaning: GUID, kind and arguments or elements. Descriptions and version names may differ, or each release would be in
    conflict with the next about `string` (Java compares everything, and then is).
    """
    if (refused := _unidentified(attribute_type)) is not None:
        return registry, refused
    name, guid = str(attribute_type.name), str(attribute_type.guid)
    known = registry.attribute_type(name)
    if known is None:
        return registry.with_attribute_type(attribute_type), TypeChange(verdict=TypeVerdict.ADDED, name=name, guid=guid)
    if known.guid == guid and _meaning(known) == _meaning(attribute_type):
        return registry, TypeChange(verdict=TypeVerdict.KNOWN, name=name, guid=guid)
    return registry, _conflict(attribute_type, known)


def patch_type(registry: TypeRegistry, patch: TypeDefPatch) -> Result:
    """A patch: PATCHED, PATCH_IGNORED (stale or ahead), REFUSED, or UNKNOWN_TYPE."""
    name, guid = patch.type_def_name or "", patch.type_def_guid or ""
    known = registry.type_def(name)
    if known is None:
        return registry, TypeChange(verdict=TypeVerdict.UNKNOWN_TYPE, name=name, guid=guid, reason="the patched type is not known")
    match apply_patch(known, patch):
        case Patched(type_def):
            return registry.with_type(type_def), TypeChange(verdict=TypeVerdict.PATCHED, name=name, guid=guid)
        case PatchStale(reason) | PatchAhead(reason):
            return registry, TypeChange(verdict=TypeVerdict.PATCH_IGNORED, name=name, guid=guid, reason=reason)
        case PatchRefused(reason):
            return registry, TypeChange(verdict=TypeVerdict.REFUSED, name=name, guid=guid, reason=reason)


def delete_type(registry: TypeRegistry, guid: str, name: str) -> Result:
    """A type or attribute type is withdrawn: DELETED, IN_USE or UNKNOWN_TYPE.

    The registry does not know instances: who has instances of the type must not ask (Java's own stores never delete types).
    """
    known = registry.type_def(name) or registry.attribute_type(name)
    if known is None or known.guid != guid:
        return registry, TypeChange(verdict=TypeVerdict.UNKNOWN_TYPE, name=name, guid=guid, reason="no type has this name and GUID")
    users = sorted(_users(registry, name))
    if name in registry.base or users:
        reason = f"it belongs to release {registry.release}" if name in registry.base else f"needed by {', '.join(users)}"
        return registry, TypeChange(verdict=TypeVerdict.IN_USE, name=name, guid=guid, reason=reason, known=known)
    return registry.without(name), TypeChange(verdict=TypeVerdict.DELETED, name=name, guid=guid)


def apply_type_event(registry: TypeRegistry, section: TypeDefSection, learn: Learn = Learn.ALL) -> Result:
    """What the type section of an event does. Never raises: what cannot be used has a verdict that says so.

    A delete is asked only for types that no instance has (see `delete_type`).
    """
    match section.type_def_event_type:
        case TypeDefEventType.NEW_TYPEDEF_EVENT if (new := section.type_def) is not None:
            return _learned(registry, learn, new) or add_type(registry, new)
        case TypeDefEventType.NEW_ATTRIBUTE_TYPEDEF_EVENT if (attribute_type := section.attribute_type_def) is not None:
            return _learned(registry, learn, attribute_type) or add_attribute_type(registry, attribute_type)
        case TypeDefEventType.UPDATED_TYPEDEF_EVENT if (patch := section.type_def_patch) is not None:
            return _patch_learned(registry, learn, patch) or patch_type(registry, patch)
        case TypeDefEventType.DELETED_TYPEDEF_EVENT | TypeDefEventType.DELETED_ATTRIBUTE_TYPEDEF_EVENT:
            name, guid = section.type_def_name or "", section.type_def_guid or ""
            if learn is Learn.NONE:
                return registry, TypeChange(verdict=TypeVerdict.NOT_LEARNED, name=name, guid=guid, reason="types.learn is none")
            return delete_type(registry, guid, name)
        case kind:
            about = section.type_def or section.attribute_type_def or section.original_type_def_summary or section.original_attribute_type_def
            return registry, TypeChange(
                verdict=TypeVerdict.IGNORED,
                name=(about.name if about else section.type_def_name) or "",
                guid=(about.guid if about else section.type_def_guid) or "",
                reason=f"{kind.value if kind else 'no event type'} changes nothing here",
            )


def _learned(registry: TypeRegistry, learn: Learn, new: TypeDef | AttributeTypeDef) -> Result | None:
    """Why a member may not teach us this type; None when it may. What is known is told apart later and needs no leave."""
    name, guid = new.name or "", new.guid or ""
    if learn is Learn.ALL or registry.type_def(name) is not None or registry.attribute_type(name) is not None:
        return None
    if learn is Learn.CUSTOM and getattr(new, "origin", None) != OPEN_METADATA_TYPES:
        return None
    reason = "types.learn is none" if learn is Learn.NONE else "types.learn is custom and this is an open metadata type"
    return registry, TypeChange(verdict=TypeVerdict.NOT_LEARNED, name=name, guid=guid, reason=reason)


def _patch_learned(registry: TypeRegistry, learn: Learn, patch: TypeDefPatch) -> Result | None:
    name, guid = patch.type_def_name or "", patch.type_def_guid or ""
    if learn is Learn.ALL or (learn is Learn.CUSTOM and name not in registry.base):
        return None
    reason = "types.learn is none" if learn is Learn.NONE else f"types.learn is custom and it belongs to release {registry.release}"
    return registry, TypeChange(verdict=TypeVerdict.NOT_LEARNED, name=name, guid=guid, reason=reason)


def _unidentified(one: TypeDef | AttributeTypeDef) -> TypeChange | None:
    if one.name and one.guid and one.header_version <= 1:
        return None
    reason = "a type needs name and GUID" if one.header_version <= 1 else f"headerVersion {one.header_version} is not known, expected 1"
    return TypeChange(verdict=TypeVerdict.REFUSED, name=one.name or "", guid=one.guid or "", reason=reason)


def _conflict(new: TypeDef | AttributeTypeDef, known: TypeDef | AttributeTypeDef) -> TypeChange:
    other = f"its GUID here is {known.guid}" if new.guid != known.guid else "it is defined otherwise here"
    return TypeChange(
        verdict=TypeVerdict.CONFLICT,
        name=str(new.name),
        guid=str(new.guid),
        reason=f"{type(new).__name__} {new.name} ({new.guid}) is not the known one: {other}",
        known=known,
    )


def _meaning(one: AttributeTypeDef) -> tuple[object, ...]:
    """What two definitions of an attribute type must agree in, beside name and GUID."""
    match one:
        case PrimitiveDef():
            return (one.primitive_def_category,)
        case CollectionDef():
            return (one.collection_def_category, *(one.argument_types or ()))
        case EnumDef():
            return tuple(sorted((element.ordinal, element.value or "") for element in one.element_defs or ()))


def _users(registry: TypeRegistry, name: str) -> set[str]:
    """The types that cannot be without the type or attribute type of this name."""
    return {str(one.name) for one in registry.types() if one.name != name and name in _needs(one)}


def _needs(type_def: TypeDef) -> set[str | None]:
    links: list[TypeDefLink | None] = [type_def.super_type]
    if isinstance(type_def, RelationshipDef):
        links += [end.entity_type for end in (type_def.end_def1, type_def.end_def2) if end is not None]
    if isinstance(type_def, ClassificationDef):
        links += type_def.valid_entity_defs or []
    attribute_types = [one.attribute_type for one in type_def.properties_definition or () if one.attribute_type is not None]
    return {link.name for link in links if link is not None} | {one.name for one in attribute_types}
