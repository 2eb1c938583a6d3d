"""Type queries: what types this repository has (spec metadata-collection-semantics 3). They need no store: the registry is in memory.

An answer that would be an empty list is None.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from cohort_sync.collection.checks import Checks
from cohort_sync.collection.context import CollectionContext
from cohort_sync.omrs.enums import TypeDefCategory
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.search_text import UnsupportedExpression, java_pattern
from cohort_sync.omrs.typedefs import AttributeTypeDef, CollectionDef, EnumDef, ExternalStandardMapping, PrimitiveDef, TypeDef, TypeDefGallery
from cohort_sync.store.find_regex import text_matcher

One = TypeVar("One", bound=TypeDef | AttributeTypeDef)


class TypeQueries:
    """The type queries of one metadata collection."""

    def __init__(self, context: CollectionContext) -> None:
        self._context = context

    def _checks(self, method: str, user: str) -> Checks:
        checks = Checks(self._context, method)
        checks.user(user)
        return checks

    def get_all_types(self, user: str) -> TypeDefGallery:
        """Everything that instances may have here."""
        return self._checks("getAllTypes", user).registry.gallery()

    def find_types_by_name(self, user: str, name: str | None) -> TypeDefGallery | None:
        """Types and attribute types whose name the expression matches as a whole."""
        checks = self._checks("findTypesByName", user)
        wanted = checks.name("name", name)
        types = self._named(checks, wanted, checks.registry.types())
        attribute_types = self._named(checks, wanted, checks.registry.attribute_types())
        return TypeDefGallery(type_defs=types, attribute_type_defs=attribute_types) if types or attribute_types else None

    def search_for_type_defs(self, user: str, search: str | None) -> list[TypeDef] | None:
        """Types whose name the expression matches as a whole."""
        checks = self._checks("searchForTypeDefs", user)
        return self._named(checks, checks.search_text(search, "searchCriteria"), checks.registry.types())

    def find_type_defs_by_category(self, user: str, category: TypeDefCategory | None) -> list[TypeDef] | None:
        """The types of one category."""
        checks = self._checks("findTypeDefsByCategory", user)
        if category is None:
            raise checks.invalid(Code.NO_TYPEDEF_CATEGORY, "category", checks.method, checks.source, parameter="category")
        return list(checks.registry.types(category)) or None

    def find_attribute_type_defs_by_category(self, user: str, category: TypeDefCategory | None) -> list[AttributeTypeDef] | None:
        """The primitives, collections or enums."""
        checks = self._checks("findAttributeTypeDefsByCategory", user)
        if category is None:
            raise checks.invalid(Code.NO_ATTRIBUTE_TYPEDEF_CATEGORY, "category", checks.method, checks.source, parameter="category")
        kind = {TypeDefCategory.PRIMITIVE: PrimitiveDef, TypeDefCategory.COLLECTION: CollectionDef, TypeDefCategory.ENUM_DEF: EnumDef}.get(category)
        return [one for one in checks.registry.attribute_types() if kind is not None and isinstance(one, kind)] or None

    def find_type_defs_by_property(self, user: str, properties: Mapping[str, object] | None) -> list[TypeDef] | None:
        """Types that have all these attributes among their own; inherited ones do not count, the values say nothing."""
        checks = self._checks("findTypeDefsByProperty", user)
        if properties is None:
            raise checks.invalid(Code.NO_MATCH_CRITERIA, "matchCriteria", checks.method, checks.source, parameter="matchCriteria")
        wanted = set(properties)
        return [one for one in checks.registry.types() if wanted <= {attribute.attribute_name for attribute in one.properties_definition or ()}] or None

    def find_types_by_external_id(self, user: str, standard: str | None, organization: str | None, identifier: str | None) -> list[TypeDef] | None:
        """Types with a mapping to the standard, of the organization or with the identifier; once for each such mapping, as Java does."""
        checks = self._checks("findTypesByExternalID", user)
        if standard is None and organization is None and identifier is None:
            raise checks.invalid(Code.NO_EXTERNAL_ID, checks.method, checks.source, parameter="externalId")
        found = []
        for one in checks.registry.types():
            found += [one for mapping in _mappings(one) if _is_mapped(mapping, standard, organization, identifier)]
        return found or None

    def get_type_def_by_guid(self, user: str, guid: str | None) -> TypeDef:
        """The type with this GUID. Raises TypeDefNotKnown."""
        checks = self._checks("getTypeDefByGUID", user)
        wanted = self._guid(checks, guid)
        found = checks.registry.type_def_by_guid(wanted)
        if found is None:
            raise self._guid_error(checks, wanted)
        return found

    def get_attribute_type_def_by_guid(self, user: str, guid: str | None) -> AttributeTypeDef:
        """The attribute type with this GUID. Raises TypeDefNotKnown."""
        checks = self._checks("getAttributeTypeDefByGUID", user)
        wanted = self._guid(checks, guid)
        found = checks.registry.attribute_type_by_guid(wanted)
        if found is None:
            raise self._guid_error(checks, wanted)
        return found

    def get_type_def_by_name(self, user: str, name: str | None) -> TypeDef:
        """The type of this name. Raises TypeDefNotKnown."""
        checks = self._checks("getTypeDefByName", user)
        wanted = checks.name("name", name)
        found = checks.registry.type_def(wanted)
        if found is None:
            raise checks.error(Kind.TYPEDEF_NOT_KNOWN, Code.TYPEDEF_NAME_NOT_KNOWN, wanted, checks.method, checks.source)
        return found

    def get_attribute_type_def_by_name(self, user: str, name: str | None) -> AttributeTypeDef:
        """The attribute type of this name. Raises TypeDefNotKnown."""
        checks = self._checks("getAttributeTypeDefByName", user)
        wanted = checks.name("name", name)
        found = checks.registry.attribute_type(wanted)
        if found is None:
            raise checks.error(Kind.TYPEDEF_NOT_KNOWN, Code.TYPEDEF_NAME_NOT_KNOWN, wanted, checks.method, checks.source)
        return found

    def verify_type_def(self, user: str, type_def: TypeDef | None) -> bool:
        """Do we have this type? False when its name is unknown; raises TypeDefConflict when the name stands for something else.

        Up to 5.x and from 6.x alike: same GUID and same version name are the same type.
        """
        checks = self._checks("verifyTypeDef", user)
        given = valid_type_def(checks, type_def, "typeDef")
        known = checks.registry.type_def(given.name)
        if known is None:
            return False
        if known.guid == given.guid and known.version_name == given.version_name:
            return True
        raise checks.error(Kind.TYPEDEF_CONFLICT, Code.VERIFY_CONFLICT_DETECTED, given.guid, given.name, checks.source)

    def verify_attribute_type_def(self, user: str, attribute_type: AttributeTypeDef | None) -> bool:
        """The same for an attribute type, which is compared whole."""
        checks = self._checks("verifyAttributeTypeDef", user)
        given = valid_attribute_type_def(checks, attribute_type, "attributeTypeDef")
        known = checks.registry.attribute_type(given.name)
        if known is None:
            return False
        if known == given:
            return True
        raise checks.error(Kind.TYPEDEF_CONFLICT, Code.VERIFY_CONFLICT_DETECTED, given.guid, given.name, checks.source)

    # ------------------------------------------------------------ helpers

    def _named(self, checks: Checks, expression: str, candidates: Iterable[One]) -> list[One] | None:
        try:
            matches = text_matcher(java_pattern(expression))
        except UnsupportedExpression as problem:
            raise checks.error(
                Kind.REPOSITORY_ERROR,
                Code.BAD_PROPERTY_FOR_INSTANCE,
                "java.util.regex.PatternSyntaxException",
                expression,
                checks.method,
                checks.source,
                str(problem),
            ) from None
        return [one for one in candidates if one.name is not None and matches(one.name)] or None

    def _guid(self, checks: Checks, guid: str | None) -> str:
        if guid is None:
            raise checks.invalid(Code.NULL_TYPEDEF_IDENTIFIER, "guid", checks.method, checks.source, parameter="guid")
        return guid

    def _guid_error(self, checks: Checks, guid: str) -> OMRSException:
        return checks.error(Kind.TYPEDEF_NOT_KNOWN, Code.TYPEDEF_ID_NOT_KNOWN, guid, "guid", checks.method, checks.source)


def _mappings(type_def: TypeDef) -> list[ExternalStandardMapping]:
    """Those of the type and of its attributes."""
    found = list(type_def.external_standard_mappings or ())
    for attribute in type_def.properties_definition or ():
        found += attribute.external_standard_mappings or ()
    return found


def _is_mapped(mapping: ExternalStandardMapping, standard: str | None, organization: str | None, identifier: str | None) -> bool:
    pairs = ((mapping.standard_name, standard), (mapping.standard_organization, organization), (mapping.standard_type_name, identifier))
    return any(found is not None and found == wanted for found, wanted in pairs)


def valid_type_def(checks: Checks, type_def: TypeDef | None, parameter: str) -> TypeDef:
    """A type with header, GUID, name and category. Raises InvalidParameter or InvalidTypeDef."""
    if type_def is None:
        raise checks.invalid(Code.NULL_TYPEDEF, parameter, checks.method, checks.source, parameter=parameter)
    _header(checks, type_def)
    guid_of, name_of, category_of = f"{parameter}.getGUID", f"{parameter}.getName", f"{parameter}.getCategory"
    if type_def.guid is None:
        raise checks.invalid(Code.NULL_TYPEDEF_IDENTIFIER, guid_of, checks.method, checks.source, parameter=guid_of)
    if type_def.name is None:
        raise checks.invalid(Code.NO_TYPEDEF_NAME, name_of, checks.method, checks.source, parameter=name_of)
    if type_def.category is None:
        raise checks.invalid(Code.NO_TYPEDEF_CATEGORY, category_of, checks.method, checks.source, parameter=category_of)
    return type_def


def valid_attribute_type_def(checks: Checks, attribute_type: AttributeTypeDef | None, parameter: str) -> AttributeTypeDef:
    """The same for an attribute type."""
    if attribute_type is None:
        raise checks.invalid(Code.NULL_ATTRIBUTE_TYPEDEF, parameter, checks.method, checks.source, parameter=parameter)
    _header(checks, attribute_type)
    guid_of, name_of, category_of = f"{parameter}.getGUID", f"{parameter}.getName", f"{parameter}.getCategory"
    if attribute_type.guid is None:
        raise checks.invalid(Code.NULL_ATTRIBUTE_TYPEDEF_IDENTIFIER, guid_of, checks.method, checks.source, parameter=guid_of)
    if attribute_type.name is None:
        raise checks.invalid(Code.NO_ATTRIBUTE_TYPEDEF_NAME, name_of, checks.method, checks.source, parameter=name_of)
    if attribute_type.category is None:
        raise checks.invalid(Code.NO_ATTRIBUTE_TYPEDEF_CATEGORY, category_of, checks.method, checks.source, parameter=category_of)
    return attribute_type


def _header(checks: Checks, one: TypeDef | AttributeTypeDef) -> None:
    if one.header_version > 1:
        version = str(one.header_version)
        raise checks.error(Kind.INVALID_TYPEDEF, Code.UNSUPPORTED_TYPE_HEADER_VERSION, checks.method, checks.source, one.name, version, version)
