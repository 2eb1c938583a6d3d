"""Reference copies by call instead of by event: save, delete, purge, refresh (spec metadata-collection-semantics 11).

Nothing here is announced, with two exceptions: a refresh asks the home for it, and purging what is ours and soft-deleted is a purge like any other.
What is homed here is never changed by a copy of it (docs/adr/0010-metadata-collection.md).
"""

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.collection.changes import Change, Changes
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.entities import keep_proxy
from cohort_sync.collection.headers import Author
from cohort_sync.collection.ownership import is_home_row, type_of
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.enums import InstanceStatus, TypeDefCategory
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.type_registry import category_of
from cohort_sync.omrs.typedefs import TypeDef
from cohort_sync.store.rows import Kind as RowKind
from cohort_sync.store.stored import classification_of

_LOG = logging.getLogger(__name__)
_DELETED = InstanceStatus.DELETED.value


class ReferenceCopies(Changes):
    """Reference copies of one metadata collection."""

    # ------------------------------------------------------------ save and delete

    async def save_entity(self, author: Author, entity: EntityDetail | None) -> None:
        """Keep a copy of somebody else's entity, if it is newer than what is stored; older ones are ignored."""
        checks = self._checks("saveEntityReferenceCopy", author)
        given = _valid_entity(checks, entity)
        if given is not None:
            await self._change(checks, author, lambda change: _save_entity(change, given))

    async def delete_entity(self, author: Author, entity: EntityDetail | None) -> None:
        """The copy is soft-deleted."""
        checks = self._checks("deleteEntityReferenceCopy", author)
        given = _valid_entity(checks, entity)
        if given is not None:
            await self._change(checks, author, lambda change: _save_entity(change, _deleted(given), at_same_version=True))

    async def save_relationship(self, author: Author, relationship: Relationship | None) -> None:
        """The same for a relationship; ends that are not known are kept as proxies."""
        checks = self._checks("saveRelationshipReferenceCopy", author)
        given = _valid_relationship(checks, relationship)
        if given is not None:
            await self._change(checks, author, lambda change: _save_relationship(change, given))

    async def delete_relationship(self, author: Author, relationship: Relationship | None) -> None:
        """The copy is soft-deleted."""
        checks = self._checks("deleteRelationshipReferenceCopy", author)
        given = _valid_relationship(checks, relationship)
        if given is not None:
            await self._change(checks, author, lambda change: _save_relationship(change, _deleted_link(given), at_same_version=True))

    async def save_instances(self, author: Author, entities: Sequence[EntityDetail] | None, relationships: Sequence[Relationship] | None) -> None:
        """Copies of many, entities first, in one transaction. One that is refused is logged and passed over, like those that are ours."""
        checks = self._checks("saveInstanceReferenceCopies", author)
        ours = self._context.collection_id

        def plan(change: Change) -> None:
            many: list[EntityDetail | Relationship] = [*(entities or ()), *(relationships or ())]
            for one in many:
                if one.metadata_collection_id != ours:
                    _save_one(change, one)

        await self._change(checks, author, plan)

    # ------------------------------------------------------------ classifications

    async def save_classification(self, author: Author, entity: EntityDetail | EntityProxy | None, classification: Classification | None) -> None:
        """Keep a copy of a classification, if it is newer than the one of its name that is stored."""
        checks = self._checks("saveClassificationReferenceCopy", author)
        subject, given = _valid_classification(checks, entity, classification)

        def plan(change: Change) -> None:
            if isinstance(subject, EntityDetail):
                whole = _valid_entity(checks, subject)
                if whole is not None:
                    _save_entity(change, whole)
            else:
                keep_proxy(change, subject)
            stored = change.entity(subject.guid or "")
            if stored is not None and stored.status is not InstanceStatus.DELETED:
                _check_classification(change, stored, given)
                _merge(change, subject.guid or "", given)

        await self._change(checks, author, plan)

    async def purge_classification(self, author: Author, entity: EntityDetail | EntityProxy | None, classification: Classification | None) -> None:
        """Take the copy of a classification off; one that is newer than the one that was given, or is ours, stays."""
        checks = self._checks("purgeClassificationReferenceCopy", author)
        subject, given = _valid_classification(checks, entity, classification)

        def plan(change: Change) -> None:
            row = change.classification_rows(subject.guid or "").get(given.name or "")
            if row is not None and row.home != change.cohort.collection_id and row.version <= given.version:
                change.remove_classification(row.entity_guid, row.name)

        await self._change(checks, author, plan)

    # ------------------------------------------------------------ purge

    async def purge_entity(self, author: Author, entity: EntityDetail | None) -> None:
        """Remove the copy, or the proxy, of this entity; nothing happens when there is none."""
        checks = self._checks("purgeEntityReferenceCopy", author)
        given = _valid_entity(checks, entity)
        if given is not None:
            await self._change(checks, author, lambda change: _purge_copy(change, given.guid or "", RowKind.ENTITY))

    async def purge_entity_by_guid(self, author: Author, guid: str | None, type_guid: str | None, type_name: str | None, home: str | None) -> None:
        """The same by identifiers. Raises EntityNotKnown when there is nothing."""
        checks, known = self._identified(author, "purgeEntityReferenceCopy", "entityGUID", guid, type_guid, type_name, home)

        def plan(change: Change) -> None:
            if not _purge_copy(change, known, RowKind.ENTITY):
                raise checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, known, checks.method, checks.source)

        await self._change(checks, author, plan)

    async def purge_relationship(self, author: Author, relationship: Relationship | None) -> None:
        """Remove the copy of this relationship; nothing happens when there is none."""
        checks = self._checks("purgeRelationshipReferenceCopy", author)
        given = _valid_relationship(checks, relationship)
        if given is not None:
            await self._change(checks, author, lambda change: _purge_copy(change, given.guid or "", RowKind.RELATIONSHIP))

    async def purge_relationship_by_guid(self, author: Author, guid: str | None, type_guid: str | None, type_name: str | None, home: str | None) -> None:
        """The same by identifiers; nothing happens when there is none."""
        checks, known = self._identified(author, "purgeRelationshipReferenceCopy", "relationshipGUID", guid, type_guid, type_name, home)
        await self._change(checks, author, lambda change: _purge_copy(change, known, RowKind.RELATIONSHIP))

    # ------------------------------------------------------------ refresh

    async def refresh_entity(self, author: Author, guid: str | None, type_guid: str | None, type_name: str | None, home: str | None) -> None:
        """Ask the home for the entity, whether a copy is stored or not. The answer comes as an event."""
        checks, known = self._identified(author, "refreshEntityReferenceCopy", "entityGUID", guid, type_guid, type_name, home)
        await self._change(checks, author, lambda change: _refresh(change, Event.REFRESH_ENTITY_REQUEST, known, type_guid, type_name, home or ""))

    async def refresh_relationship(self, author: Author, guid: str | None, type_guid: str | None, type_name: str | None, home: str | None) -> None:
        """The same for a relationship."""
        checks, known = self._identified(author, "refreshRelationshipReferenceCopy", "relationshipGUID", guid, type_guid, type_name, home)
        await self._change(checks, author, lambda change: _refresh(change, Event.REFRESH_RELATIONSHIP_REQUEST, known, type_guid, type_name, home or ""))

    def _identified(
        self, author: Author, method: str, parameter: str, guid: str | None, type_guid: str | None, type_name: str | None, home: str | None
    ) -> tuple[Checks, str]:
        checks = self._checks(method, author)
        known = checks.guid(parameter, guid)
        checks.type_ids(type_guid, type_name)
        checks.home("homeMetadataCollectionId", home)
        return checks, known


# ------------------------------------------------------------ what is given


def _valid_entity(checks: Checks, entity: EntityDetail | None, parameter: str = "entity") -> EntityDetail | None:
    """An entity with a known type, a home and properties that suit the type; None when its header is of a later release, which is ignored."""
    if entity is None:
        raise _null(checks, parameter)
    type_def = type_of(checks, entity)
    checks.home(parameter, entity.metadata_collection_id)
    checks.guid(parameter, entity.guid)
    _check_category(checks, type_def, TypeDefCategory.ENTITY_DEF, parameter)
    if entity.header_version > 1:
        return None
    checks.properties_for_type(type_def, entity.properties, parameter)
    return entity


def _valid_relationship(checks: Checks, relationship: Relationship | None, parameter: str = "relationship") -> Relationship | None:
    """The same for a relationship."""
    if relationship is None:
        raise _null(checks, parameter)
    type_def = type_of(checks, relationship)
    checks.home(parameter, relationship.metadata_collection_id)
    checks.guid(parameter, relationship.guid)
    _check_category(checks, type_def, TypeDefCategory.RELATIONSHIP_DEF, parameter)
    if relationship.header_version > 1:
        return None
    checks.properties_for_type(type_def, relationship.properties, parameter)
    return relationship


def _valid_classification(
    checks: Checks, entity: EntityDetail | EntityProxy | None, classification: Classification | None
) -> tuple[EntityDetail | EntityProxy, Classification]:
    if entity is None:
        raise _null(checks, "entity")
    if classification is None:
        raise _null(checks, "classification")
    type_of(checks, entity)
    checks.guid("entity", entity.guid)
    home = checks.home("entity", entity.metadata_collection_id)
    checks.classification_name(classification.name)
    if classification.metadata_collection_id is None:
        classification = replace(classification, metadata_collection_id=home, metadata_collection_name=entity.metadata_collection_name)
    return entity, classification


def _null(checks: Checks, parameter: str) -> OMRSException:
    return checks.invalid(Code.NULL_REFERENCE_INSTANCE, checks.source, checks.method, parameter, parameter=parameter)


def _check_category(checks: Checks, type_def: TypeDef, wanted: TypeDefCategory, parameter: str) -> None:
    actual = category_of(type_def)
    if actual is not wanted:
        raise checks.invalid(
            Code.WRONG_TYPEDEF_CATEGORY, type_def.name, parameter, checks.method, checks.source, actual.value, wanted.value, parameter=parameter
        )


def _check_classification(change: Change, entity: EntityDetail | EntityProxy, given: Classification) -> None:
    """Whatever is wrong with it, it is a TypeError: that is what the method declares."""
    checks = change.checks
    try:
        type_def = checks.classification_for(given.name, type_of(checks, entity).name or "") if isinstance(entity, EntityDetail) else None
        if type_def is not None:
            checks.properties_for_type(type_def, given.properties, "classification")
    except OMRSException as problem:
        raise OMRSException(Kind.TYPE_ERROR, problem.code, *problem.parameters, method=checks.method) from None


# ------------------------------------------------------------ what becomes of it


def _deleted(entity: EntityDetail) -> EntityDetail:
    if entity.status is InstanceStatus.DELETED:
        return entity
    return replace(entity, status=InstanceStatus.DELETED, status_on_delete=entity.status_on_delete or entity.status)


def _deleted_link(relationship: Relationship) -> Relationship:
    if relationship.status is InstanceStatus.DELETED:
        return relationship
    return replace(relationship, status=InstanceStatus.DELETED, status_on_delete=relationship.status_on_delete or relationship.status)


def _save_entity(change: Change, given: EntityDetail, *, at_same_version: bool = False) -> None:
    guid = given.guid or ""
    stored = change.entity(guid)
    _guard_home(change, guid, given.metadata_collection_id, given.version, Kind.HOME_ENTITY, Kind.ENTITY_CONFLICT)
    if isinstance(stored, EntityDetail) and not _is_newer(stored, given, at_same_version=at_same_version):
        return
    change.put_entity(replace(given, classifications=None))
    wanted = {one.name for one in given.classifications or ()}
    if isinstance(stored, EntityDetail) and given.version > stored.version:
        for row in change.classification_rows(guid).values():
            if row.home == given.metadata_collection_id and row.name not in wanted:
                change.remove_classification(guid, row.name)
    for one in given.classifications or ():
        _merge(change, guid, one if one.metadata_collection_id is not None else replace(one, metadata_collection_id=given.metadata_collection_id))


def _save_relationship(change: Change, given: Relationship, *, at_same_version: bool = False) -> None:
    guid = given.guid or ""
    stored = change.relationship(guid)
    _guard_home(change, guid, given.metadata_collection_id, given.version, Kind.HOME_RELATIONSHIP, Kind.RELATIONSHIP_CONFLICT)
    if stored is not None and not _is_newer(stored, given, at_same_version=at_same_version):
        return
    for proxy in (given.entity_one_proxy, given.entity_two_proxy):
        if proxy is not None and proxy.guid is not None and proxy.metadata_collection_id is not None and change.row(proxy.guid) is None:
            keep_proxy(change, proxy)
    change.put_relationship(given)


def _guard_home(change: Change, guid: str, home: str | None, version: int, ours: Kind, conflict: Kind) -> None:
    """A copy must not overwrite what is homed here: neither under our own id (unless it is newer, as a backup can be) nor under another's."""
    row, checks, local = change.row(guid), change.checks, change.cohort.collection_id
    if row is None or not is_home_row(change, row):
        return
    if home != row.home:
        raise checks.error(conflict, Code.INSTANCE_HOME_IS_LOCAL, row.home, checks.method, guid, local, checks.source)
    if row.version >= version:
        raise checks.error(ours, Code.INSTANCE_HOME_IS_LOCAL, row.home, checks.method, guid, local, checks.source)


def _is_newer(stored: EntityDetail | Relationship, given: EntityDetail | Relationship, *, at_same_version: bool) -> bool:
    """A higher version; or the same one where only its provenance differs, or its end is told."""
    if given.version != stored.version:
        return given.version > stored.version
    if at_same_version:
        return stored.status is not InstanceStatus.DELETED
    fields = {
        "instance_provenance_type": stored.instance_provenance_type,
        "replicated_by": stored.replicated_by,
        "metadata_collection_name": stored.metadata_collection_name,
    }
    if isinstance(given, EntityDetail):
        return given != stored and replace(given, classifications=stored.classifications if isinstance(stored, EntityDetail) else None, **fields) == stored
    ends = {}
    if isinstance(stored, Relationship):
        ends = {"entity_one_proxy": stored.entity_one_proxy, "entity_two_proxy": stored.entity_two_proxy}
    return given != stored and replace(given, **ends, **fields) == stored


def _merge(change: Change, guid: str, given: Classification) -> None:
    """The classification with the higher version stays, the given one where both have the same; ours is not overwritten by a copy of another's."""
    row = change.classification_rows(guid).get(given.name or "")
    if row is not None:
        foreign = row.home == change.cohort.collection_id != given.metadata_collection_id
        if foreign or row.version > given.version or classification_of(row) == given:
            return
    change.put_classification(guid, given)


def _purge_copy(change: Change, guid: str, kind: RowKind) -> bool:
    """Remove a copy or a proxy; False when there is none. What is ours and still there is refused; what is ours and soft-deleted is purged for good."""
    row, checks, local = change.row(guid), change.checks, change.cohort.collection_id
    relationship = kind == RowKind.RELATIONSHIP
    if row is None or (row.kind == RowKind.RELATIONSHIP) is not relationship:
        return False
    ours = is_home_row(change, row)
    if ours and row.status != _DELETED:
        wrong = Kind.HOME_RELATIONSHIP if relationship else Kind.HOME_ENTITY
        raise checks.error(wrong, Code.INSTANCE_HOME_IS_LOCAL, row.home, checks.method, guid, local, checks.source)
    change.purge(row, remembered=ours)
    if ours:
        change.send_purged(Event.PURGED_RELATIONSHIP_EVENT if relationship else Event.PURGED_ENTITY_EVENT, row)
    return True


def _refresh(change: Change, event: Event, guid: str, type_guid: str | None, type_name: str | None, home: str) -> None:
    row, checks, local = change.row(guid), change.checks, change.cohort.collection_id
    if row is not None and is_home_row(change, row):
        wrong = Kind.HOME_ENTITY if event is Event.REFRESH_ENTITY_REQUEST else Kind.HOME_RELATIONSHIP
        raise checks.error(wrong, Code.HOME_REFRESH, checks.method, guid, local, checks.source)
    change.send(announce.refresh_request(change.member, change.now, event, type_guid, type_name, guid, home))


def _save_one(change: Change, one: EntityDetail | Relationship) -> None:
    """One of many: what is refused is logged and passed over."""
    try:
        if isinstance(one, EntityDetail):
            entity = _valid_entity(change.checks, one)
            if entity is not None:
                _save_entity(change, entity)
        else:
            relationship = _valid_relationship(change.checks, one)
            if relationship is not None:
                _save_relationship(change, relationship)
    except OMRSException as problem:
        _LOG.warning("reference copy %s was passed over: %s", one.guid, problem)
