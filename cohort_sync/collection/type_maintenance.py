"""Type maintenance: add, patch, delete, re-identify (spec metadata-collection-semantics 3), announced on the types topic.

What is written in the transaction is what a restart reads; the registry that everybody asks is replaced when the transaction is durable. Types of the release
are not deleted or re-identified, and neither are types that have instances or that other types need.

Each change has its turn: from the first look at the registry to the new one nobody else changes types, neither another caller nor what the cohort teaches.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import msgspec
from msgspec.structs import replace

from cohort_sync.collection.changes import Change, Changes
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.headers import Author
from cohort_sync.collection.types import valid_attribute_type_def, valid_type_def
from cohort_sync.omrs.enums import EventCategory
from cohort_sync.omrs.enums import TypeDefEventType as Event
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.events import OMRSEvent, TypeDefSection
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.type_changes import TypeVerdict, add_attribute_type, add_type, delete_type
from cohort_sync.omrs.type_patches import PatchAhead, Patched, PatchRefused, PatchStale, apply_patch
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef, TypeDefGallery, TypeDefPatch
from cohort_sync.store.rows import TypeRow

CHANNEL = "types"
T = TypeVar("T")
P = ParamSpec("P")
Edit = Callable[[TypeRegistry], TypeRegistry]


def _in_turn(
    method: "Callable[Concatenate[TypeMaintenance, P], Coroutine[object, object, T]]",
) -> "Callable[Concatenate[TypeMaintenance, P], Coroutine[object, object, T]]":
    """The method runs while nobody else changes types."""

    @wraps(method)
    async def waits(self: "TypeMaintenance", /, *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._context.types_turn:
            return await method(self, *args, **kwargs)

    return waits


class TypeMaintenance(Changes):
    """Type maintenance of one metadata collection."""

    async def add_type_def_gallery(self, author: Author, gallery: TypeDefGallery | None) -> None:
        """Attribute types first, then types, each as if it came alone: those before one that is refused stay."""
        checks = self._checks("addTypeDefGallery", author)
        if gallery is None:
            raise checks.invalid(Code.NULL_TYPEDEF_GALLERY, "newTypes", checks.method, checks.source, parameter="newTypes")
        for attribute_type in gallery.attribute_type_defs or ():
            await self.add_attribute_type_def(author, attribute_type)
        for type_def in gallery.type_defs or ():
            await self.add_type_def(author, type_def)

    @_in_turn
    async def add_type_def(self, author: Author, type_def: TypeDef | None) -> None:
        """A new type. Raises TypeDefKnown when its name or GUID is there already."""
        checks = self._checks("addTypeDef", author)
        given = valid_type_def(checks, type_def, "newTypeDef")
        if checks.registry.type_def(given.name) is not None or checks.registry.type_def_by_guid(given.guid) is not None:
            raise checks.error(Kind.TYPEDEF_KNOWN, Code.TYPEDEF_ALREADY_DEFINED, given.name, given.guid, checks.source)

        def plan(change: Change) -> None:
            _keep(change, given)
            _send(change, TypeDefSection(type_def_event_type=Event.NEW_TYPEDEF_EVENT, type_def=given))

        await self._edit(checks, author, plan, lambda registry: add_type(registry, given)[0])

    @_in_turn
    async def add_attribute_type_def(self, author: Author, attribute_type: AttributeTypeDef | None) -> None:
        """A new primitive, collection or enum."""
        checks = self._checks("addAttributeTypeDef", author)
        given = valid_attribute_type_def(checks, attribute_type, "newAttributeTypeDef")
        if checks.registry.attribute_type(given.name) is not None or checks.registry.attribute_type_by_guid(given.guid) is not None:
            raise checks.error(Kind.TYPEDEF_KNOWN, Code.ATTRIBUTE_TYPEDEF_ALREADY_DEFINED, given.name, given.guid, checks.source)

        def plan(change: Change) -> None:
            _keep_attribute(change, given)
            _send(change, TypeDefSection(type_def_event_type=Event.NEW_ATTRIBUTE_TYPEDEF_EVENT, attribute_type_def=given))

        await self._edit(checks, author, plan, lambda registry: add_attribute_type(registry, given)[0])

    @_in_turn
    async def update_type_def(self, author: Author, patch: TypeDefPatch | None) -> TypeDef:
        """The type after the patch; one that was applied before changes nothing. Raises PatchError or TypeDefNotKnown."""
        checks = self._checks("updateTypeDef", author)
        given = _valid_patch(checks, patch)
        known = checks.registry.type_def(given.type_def_name)
        if known is None or (given.type_def_guid is not None and known.guid != given.type_def_guid):
            raise checks.error(
                Kind.TYPEDEF_NOT_KNOWN, Code.TYPEDEF_NOT_KNOWN, given.type_def_name, given.type_def_guid, "typeDefPatch", checks.method, checks.source
            )
        match apply_patch(known, given):
            case PatchStale():
                return known
            case PatchAhead():
                versions = str(given.apply_to_version), str(known.version)
                raise checks.error(Kind.PATCH_ERROR, Code.INCOMPATIBLE_PATCH_VERSION, checks.method, checks.source, *versions, _shown(given))
            case PatchRefused(reason):
                raise checks.error(Kind.PATCH_ERROR, Code.INCOMPATIBLE_PROPERTY_PATCH, checks.method, checks.source, reason, "", "", _shown(given))
            case Patched(after):
                pass

        def plan(change: Change) -> TypeDef:
            _keep(change, after)
            section = TypeDefSection(type_def_event_type=Event.UPDATED_TYPEDEF_EVENT, type_def_guid=after.guid, type_def_name=after.name, type_def_patch=given)
            _send(change, section)
            return after

        return await self._edit(checks, author, plan, lambda registry: registry.with_type(after))

    @_in_turn
    async def delete_type_def(self, author: Author, guid: str | None, name: str | None) -> None:
        """The type is withdrawn. Raises TypeDefNotKnown, or TypeDefInUse when anything needs it."""
        checks = self._checks("deleteTypeDef", author)
        known_guid, known_name = self._ids(checks, guid, name, Code.NULL_TYPEDEF_IDENTIFIER, Code.NO_TYPEDEF_NAME)
        section = TypeDefSection(type_def_event_type=Event.DELETED_TYPEDEF_EVENT, type_def_guid=known_guid, type_def_name=known_name)
        await self._delete(checks, author, known_guid, known_name, section, Code.TYPEDEF_IN_USE)

    @_in_turn
    async def delete_attribute_type_def(self, author: Author, guid: str | None, name: str | None) -> None:
        """The same for an attribute type."""
        checks = self._checks("deleteAttributeTypeDef", author)
        known_guid, known_name = self._ids(checks, guid, name, Code.NULL_ATTRIBUTE_TYPEDEF_IDENTIFIER, Code.NO_ATTRIBUTE_TYPEDEF_NAME)
        section = TypeDefSection(type_def_event_type=Event.DELETED_ATTRIBUTE_TYPEDEF_EVENT, type_def_guid=known_guid, type_def_name=known_name)
        await self._delete(checks, author, known_guid, known_name, section, Code.ATTRIBUTE_TYPEDEF_IN_USE)

    @_in_turn
    async def re_identify_type_def(self, author: Author, guid: str | None, name: str | None, new_guid: str | None, new_name: str | None) -> TypeDef:
        """Another GUID and name for a type that nothing needs."""
        checks = self._checks("reIdentifyTypeDef", author)
        old, new = self._identities(checks, guid, name, new_guid, new_name)
        known = checks.registry.type_def(old[1])
        if known is None or known.guid != old[0]:
            raise self._not_known(checks, *old)
        after = replace(known, guid=new[0], name=new[1], version=known.version + 1)

        def plan(change: Change) -> TypeDef:
            self._check_unused(change, *old, Code.TYPEDEF_IN_USE)
            change.writes.types[old[0]] = None
            _keep(change, after)
            section = TypeDefSection(
                type_def_event_type=Event.RE_IDENTIFIED_TYPEDEF_EVENT, type_def=after, original_type_def_summary=change.registry.summary(old[1])
            )
            _send(change, section)
            return after

        return await self._edit(checks, author, plan, lambda registry: registry.without(old[1]).with_type(after))

    @_in_turn
    async def re_identify_attribute_type_def(
        self, author: Author, guid: str | None, name: str | None, new_guid: str | None, new_name: str | None
    ) -> AttributeTypeDef:
        """The same for an attribute type."""
        checks = self._checks("reIdentifyAttributeTypeDef", author)
        old, new = self._identities(checks, guid, name, new_guid, new_name)
        known = checks.registry.attribute_type(old[1])
        if known is None or known.guid != old[0]:
            raise self._not_known(checks, *old)
        after = replace(known, guid=new[0], name=new[1], version=known.version + 1)

        def plan(change: Change) -> AttributeTypeDef:
            self._check_unused(change, *old, Code.ATTRIBUTE_TYPEDEF_IN_USE)
            change.writes.types[old[0]] = None
            _keep_attribute(change, after)
            section = TypeDefSection(
                type_def_event_type=Event.RE_IDENTIFIED_ATTRIBUTE_TYPEDEF_EVENT, attribute_type_def=after, original_attribute_type_def=known
            )
            _send(change, section)
            return after

        return await self._edit(checks, author, plan, lambda registry: registry.without(old[1]).with_attribute_type(after))

    # ------------------------------------------------------------ helpers

    async def _edit(self, checks: Checks, author: Author, plan: Callable[[Change], T], edit: Edit) -> T:
        result = await self._change(checks, author, plan)
        types = self._context.types
        types.registry = edit(types.registry)
        return result

    async def _delete(self, checks: Checks, author: Author, guid: str, name: str, section: TypeDefSection, in_use: Code) -> None:
        known = checks.registry.type_def(name) or checks.registry.attribute_type(name)
        if known is None or known.guid != guid:
            raise self._not_known(checks, guid, name)

        def plan(change: Change) -> None:
            self._check_unused(change, guid, name, in_use)
            change.writes.types[guid] = None
            _send(change, section)

        await self._edit(checks, author, plan, lambda registry: registry.without(name))

    def _check_unused(self, change: Change, guid: str, name: str, in_use: Code) -> None:
        """Nothing may need it: the release, another type, an instance."""
        used = {row[2] for row in change.reader.counts()} | {row[1] for row in change.reader.classification_counts()}
        _, verdict = delete_type(change.registry, guid, name)
        if name in used or verdict.verdict is not TypeVerdict.DELETED:
            raise change.checks.error(Kind.TYPEDEF_IN_USE, in_use, name, guid, change.checks.source)

    def _ids(self, checks: Checks, guid: str | None, name: str | None, no_guid: Code, no_name: Code) -> tuple[str, str]:
        if guid is None:
            raise checks.invalid(no_guid, "obsoleteTypeDefGUID", checks.method, checks.source, parameter="obsoleteTypeDefGUID")
        if name is None:
            raise checks.invalid(no_name, "obsoleteTypeDefName", checks.method, checks.source, parameter="obsoleteTypeDefName")
        return guid, name

    def _identities(
        self, checks: Checks, guid: str | None, name: str | None, new_guid: str | None, new_name: str | None
    ) -> tuple[tuple[str, str], tuple[str, str]]:
        """The old and the new ids, all there, the new ones free."""
        for parameter, value, code in (
            ("originalTypeDefGUID", guid, Code.NULL_TYPEDEF_IDENTIFIER),
            ("originalTypeDefName", name, Code.NO_TYPEDEF_NAME),
            ("newTypeDefGUID", new_guid, Code.NULL_TYPEDEF_IDENTIFIER),
            ("newTypeDefName", new_name, Code.NO_TYPEDEF_NAME),
        ):
            if value is None:
                raise checks.invalid(code, parameter, checks.method, checks.source, parameter=parameter)
        registry = checks.registry
        by_guid = registry.type_def_by_guid(new_guid) or registry.attribute_type_by_guid(new_guid)
        by_name = registry.type_def(new_name) or registry.attribute_type(new_name)
        if by_guid is not None or (by_name is not None and new_name != name):
            raise checks.invalid(Code.GUID_IN_USE, new_guid, "newTypeDefGUID", checks.method, checks.source, parameter="newTypeDefGUID")
        return (guid or "", name or ""), (new_guid or "", new_name or "")

    def _not_known(self, checks: Checks, guid: str, name: str) -> OMRSException:
        return checks.error(Kind.TYPEDEF_NOT_KNOWN, Code.TYPEDEF_NOT_KNOWN, name, guid, "typeDefGUID", checks.method, checks.source)


def _valid_patch(checks: Checks, patch: TypeDefPatch | None) -> TypeDefPatch:
    if patch is None:
        raise checks.invalid(Code.NULL_TYPEDEF_PATCH, checks.method, checks.source, parameter="typeDefPatch")
    if patch.update_to_version <= patch.apply_to_version:
        versions = str(patch.update_to_version), str(patch.apply_to_version)
        raise checks.error(Kind.PATCH_ERROR, Code.INVALID_PATCH_VERSION, checks.method, checks.source, *versions, _shown(patch))
    for name, value in (("newVersionName", patch.new_version_name), ("updatedBy", patch.updated_by), ("updateTime", patch.update_time)):
        if value is None:
            raise checks.error(Kind.PATCH_ERROR, Code.NULL_MANDATORY_PATCH_FIELD, checks.method, checks.source, name, _shown(patch))
    return patch


def _shown(patch: TypeDefPatch) -> str:
    return msgspec.json.encode(patch).decode()[:1000]


def _keep(change: Change, type_def: TypeDef) -> None:
    guid, name = type_def.guid or "", type_def.name or ""
    change.writes.types[guid] = TypeRow(guid, name, "typedef", type_def.version, msgspec.json.encode(type_def))


def _keep_attribute(change: Change, attribute_type: AttributeTypeDef) -> None:
    guid, name = attribute_type.guid or "", attribute_type.name or ""
    change.writes.types[guid] = TypeRow(guid, name, "attribute", attribute_type.version, msgspec.json.encode(attribute_type))


def _send(change: Change, section: TypeDefSection) -> None:
    event = OMRSEvent(
        protocol_version_id=change.member.protocol,
        timestamp=change.now,
        originator=change.member.originator,
        event_category=EventCategory.TYPEDEF,
        type_def_event_section=section,
    )
    change.send(event, channel=CHANNEL)
