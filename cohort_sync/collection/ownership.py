"""What may be changed: it is there, it is whole, and it is ours (spec metadata-collection-semantics 7, 9, 12).

Everything here raises OMRSException in Java's order: proxy, unknown or soft-deleted, not ours; then the type.
"""

from cohort_sync.collection.changes import Change
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.reads import present_entity, present_relationship
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, InstanceHeader, Relationship
from cohort_sync.omrs.typedefs import TypeDef
from cohort_sync.store.rows import InstanceRow


def our_entity(change: Change, guid: str) -> EntityDetail:
    """An entity that we may change and that is not soft-deleted."""
    entity = not_a_proxy(change, guid, change.entity(guid))
    present_entity(change.checks, guid, entity)
    check_entity_owner(change, guid, entity)
    return entity


def not_a_proxy(change: Change, guid: str, found: EntityDetail | EntityProxy | None) -> EntityDetail:
    """A whole entity, soft-deleted or not."""
    checks = change.checks
    if isinstance(found, EntityProxy):
        raise checks.invalid(Code.ENTITY_PROXY_IN_HOME, checks.source, guid, checks.method, parameter="entityGUID")
    if found is None:
        raise checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, guid, checks.method, checks.source)
    return found


def check_entity_owner(change: Change, guid: str, entity: EntityDetail) -> None:
    """Is it ours to change?"""
    checks = change.checks
    if not change.cohort.may_update(entity):
        raise checks.invalid(Code.ENTITY_CAN_NOT_BE_UPDATED, checks.source, guid, checks.method, parameter="entityGUID")


def our_relationship(change: Change, guid: str) -> Relationship:
    """A relationship that we may change and that is not soft-deleted."""
    relationship = present_relationship(change.checks, guid, change.relationship(guid))
    check_relationship_owner(change, guid, relationship)
    return relationship


def known_relationship(change: Change, guid: str) -> Relationship:
    """A relationship, soft-deleted or not."""
    found = change.relationship(guid)
    if found is None:
        raise change.checks.error(Kind.RELATIONSHIP_NOT_KNOWN, Code.RELATIONSHIP_NOT_FOUND, guid, change.checks.method, change.checks.source)
    return found


def check_relationship_owner(change: Change, guid: str, relationship: Relationship) -> None:
    """Is it ours to change?"""
    checks = change.checks
    if not change.cohort.may_update(relationship):
        raise checks.invalid(Code.RELATIONSHIP_CAN_NOT_BE_UPDATED, checks.source, guid, checks.method, parameter="relationshipGUID")


def type_of(checks: Checks, instance: InstanceHeader) -> TypeDef:
    """The type of a stored instance; RepositoryError when it has none that is known."""
    kind = instance.type
    if kind is None:
        raise checks.error(Kind.REPOSITORY_ERROR, Code.NULL_INSTANCE_TYPE, checks.method, checks.source)
    found = checks.registry.type_def(kind.type_def_name)
    if found is None or found.guid != kind.type_def_guid:
        raise checks.error(
            Kind.REPOSITORY_ERROR, Code.INACTIVE_INSTANCE_TYPE, checks.method, checks.source, instance.guid, kind.type_def_name, kind.type_def_guid
        )
    return found


def check_type_for_delete(checks: Checks, instance: InstanceHeader, type_guid: str, type_name: str) -> None:
    """Do the ids that were given name the type of the instance, or one above it?"""
    actual = type_of(checks, instance)
    named = checks.registry.type_def(type_name)

    def wrong(parameter: str) -> OMRSException:
        return checks.invalid(Code.BAD_TYPEDEF_IDS_FOR_DELETE, type_name, type_guid, checks.method, instance.guid, checks.source, parameter=parameter)

    if named is None:
        raise wrong("typeDefName")
    if named.guid != type_guid:
        raise wrong("typeDefGUID")
    if not checks.registry.is_a(actual.name or "", type_name):
        raise wrong("type")


def check_deleted(checks: Checks, instance: EntityDetail | Relationship) -> None:
    """Purge and restore need something that is soft-deleted."""
    if instance.status is not InstanceStatus.DELETED:
        kind = Kind.ENTITY_NOT_DELETED if isinstance(instance, EntityDetail) else Kind.RELATIONSHIP_NOT_DELETED
        raise checks.error(kind, Code.INSTANCE_NOT_DELETED, checks.method, checks.source, instance.guid)


def is_home_row(change: Change, row: InstanceRow) -> bool:
    """Is it homed here, or replicated by us?"""
    return change.member.metadata_collection_id in (row.home, row.replicated_by)
