"""Entity maintenance: add, update, undo, delete, purge, restore (spec metadata-collection-semantics 7)."""

from collections.abc import Sequence

from msgspec.structs import replace

from cohort_sync.collection.changes import Change, Changes
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.headers import Author, Birth, Home, new_classification, new_entity, next_version
from cohort_sync.collection.ownership import (
    check_deleted,
    check_entity_owner,
    check_type_for_delete,
    is_home_row,
    not_a_proxy,
    our_entity,
    type_of,
)
from cohort_sync.collection.past import entity_versions
from cohort_sync.collection.reads import present_entity
from cohort_sync.omrs.enums import InstanceEventType, InstanceStatus, TypeDefCategory
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.typedefs import TypeDef


class Entities(Changes):
    """Entity maintenance of one metadata collection. Every method announces what it did in the transaction that did it."""

    async def add_entity(
        self,
        author: Author,
        type_guid: str | None,
        properties: InstanceProperties | None = None,
        classifications: Sequence[Classification] | None = None,
        status: InstanceStatus | None = None,
    ) -> EntityDetail:
        """A new entity of our own."""
        checks = self._checks("addEntity", author)
        return await self._add(checks, author, type_guid, properties, classifications, status, Home.local(self._context.member))

    async def add_external_entity(
        self,
        author: Author,
        type_guid: str | None,
        source_guid: str | None,
        source_name: str | None,
        properties: InstanceProperties | None = None,
        classifications: Sequence[Classification] | None = None,
        status: InstanceStatus | None = None,
    ) -> EntityDetail:
        """A new entity of an external source, which we replicate."""
        checks = self._checks("addExternalEntity", author)
        source = checks.guid("entityTypeGUID", source_guid)
        return await self._add(checks, author, type_guid, properties, classifications, status, Home.external(self._context.member, source, source_name))

    async def _add(
        self,
        checks: Checks,
        author: Author,
        type_guid: str | None,
        properties: InstanceProperties | None,
        classifications: Sequence[Classification] | None,
        status: InstanceStatus | None,
        home: Home,
    ) -> EntityDetail:
        type_def = checks.type_for("entityTypeGUID", type_guid, TypeDefCategory.ENTITY_DEF)
        type_name = type_def.name or ""
        for one in classifications or ():
            found = checks.classification_for(one.name, type_name, "initialClassifications")
            checks.properties_for_type(found, one.properties, "initialClassifications")
        checks.properties_for_type(type_def, properties, "initialProperties")
        checks.status("initialStatus", status, type_def)

        def plan(change: Change) -> EntityDetail:
            birth = change.birth(home)
            bare = new_entity(birth, change.new_guid(), change.registry.instance_type(type_name), change.initial_status(type_def, status), properties)
            entity = replace(bare, classifications=[_completed(change, birth, one) for one in classifications or ()] or None)
            shown = change.put_entity(entity)
            change.send_entity(InstanceEventType.NEW_ENTITY_EVENT, entity)
            return shown

        return await self._change(checks, author, plan)

    async def add_entity_proxy(self, author: Author, proxy: EntityProxy | None) -> None:
        """Keep a proxy of somebody else's entity, unless something better or newer is stored. Announced to nobody."""
        checks = self._checks("addEntityProxy", author)
        given = valid_proxy(checks, proxy, self._context.collection_id)

        def plan(change: Change) -> None:
            keep_proxy(change, given)

        await self._change(checks, author, plan)

    async def update_entity_status(self, author: Author, guid: str | None, status: InstanceStatus | None) -> EntityDetail:
        """Another status of the life cycle. Only releases up to 5.x have this method."""
        checks = self._checks("updateEntityStatus", author)
        known = checks.guid("entityGUID", guid)
        if status is None:
            raise checks.invalid(Code.NULL_INSTANCE_STATUS, "newStatus", checks.method, checks.source, parameter="newStatus")

        def plan(change: Change) -> EntityDetail:
            before = our_entity(change, known)
            after = replace(before, status=checks.new_status("newStatus", status, type_of(checks, before)))
            return _updated(change, before, after)

        return await self._change(checks, author, plan)

    async def update_entity_properties(self, author: Author, guid: str | None, properties: InstanceProperties | None) -> EntityDetail:
        """Other properties in the place of all that it has; effectivity dates included."""
        checks = self._checks("updateEntityProperties", author)
        known = checks.guid("instanceGUID", guid)

        def plan(change: Change) -> EntityDetail:
            before = our_entity(change, known)
            checks.properties_for_type(type_of(checks, before), properties, "properties", new=True)
            return _updated(change, before, replace(before, properties=properties))

        return await self._change(checks, author, plan)

    async def undo_entity_update(self, author: Author, guid: str | None) -> EntityDetail | None:
        """The content of the version before, as a new version; None when there was none. Undoing twice does it again."""
        checks = self._checks("undoEntityUpdate", author)
        known = checks.guid("entityGUID", guid)

        def plan(change: Change) -> EntityDetail | None:
            now = our_entity(change, known)
            past = next((version.value for version in entity_versions(change.reader, known)[1:] if isinstance(version.value, EntityDetail)), None)
            if past is None:
                return None
            present_entity(checks, known, past)
            content = replace(now, type=past.type, properties=past.properties, status=past.status, status_on_delete=past.status_on_delete)
            after = next_version(content, author, change.now, of=now)
            shown = change.put_entity(after)
            change.send_entity(InstanceEventType.UNDONE_ENTITY_EVENT, after)
            return shown

        return await self._change(checks, author, plan)

    async def delete_entity(self, author: Author, type_guid: str | None, type_name: str | None, guid: str | None) -> EntityDetail:
        """Soft delete, with our relationships at it; copies of the relationships of others are dropped."""
        checks = self._checks("deleteEntity", author)
        ids = checks.type_ids(type_guid, type_name)
        known = checks.guid("obsoleteEntityGUID", guid)

        def plan(change: Change) -> EntityDetail:
            before = our_entity(change, known)
            check_type_for_delete(checks, before, *ids)
            for relationship in change.relationships_of(known):
                if relationship.status is not InstanceStatus.DELETED:
                    _end_relationship(change, relationship)
            after = next_version(replace(before, status=InstanceStatus.DELETED, status_on_delete=before.status), author, change.now)
            shown = change.put_entity(after)
            change.send_entity(InstanceEventType.DELETED_ENTITY_EVENT, after)
            return shown

        return await self._change(checks, author, plan)

    async def purge_entity(self, author: Author, type_guid: str | None, type_name: str | None, guid: str | None) -> None:
        """Remove a soft-deleted entity with all its versions, classifications and relationships."""
        checks = self._checks("purgeEntity", author)
        ids = checks.type_ids(type_guid, type_name)
        known = checks.guid("deletedEntityGUID", guid)

        def plan(change: Change) -> None:
            found = change.entity(known)
            entity = found if isinstance(found, EntityDetail) else None
            if entity is None:
                raise checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, known, checks.method, checks.source)
            check_entity_owner(change, known, entity)
            check_type_for_delete(checks, entity, *ids)
            check_deleted(checks, entity)
            for row in change.reader.relationships_of((known,)):
                ours = is_home_row(change, row)
                change.purge(row, remembered=ours)
                if ours:
                    change.send_purged(InstanceEventType.PURGED_RELATIONSHIP_EVENT, row)
            gone = change.row(known)
            assert gone is not None
            change.purge(gone)
            change.send_purged(InstanceEventType.PURGED_ENTITY_EVENT, gone)

        await self._change(checks, author, plan)

    async def restore_entity(self, author: Author, guid: str | None) -> EntityDetail:
        """A soft-deleted entity in the status that it had. Its relationships stay deleted."""
        checks = self._checks("restoreEntity", author)
        known = checks.guid("deletedEntityGUID", guid)

        def plan(change: Change) -> EntityDetail:
            before = not_a_proxy(change, known, change.entity(known))
            check_deleted(checks, before)
            check_entity_owner(change, known, before)
            restored = replace(before, status=before.status_on_delete or InstanceStatus.ACTIVE, status_on_delete=None)
            after = next_version(restored, author, change.now)
            shown = change.put_entity(after)
            change.send_entity(InstanceEventType.RESTORED_ENTITY_EVENT, after)
            return shown

        return await self._change(checks, author, plan)


def _updated(change: Change, before: EntityDetail, content: EntityDetail) -> EntityDetail:
    """The next version with this content, announced as an update."""
    after = next_version(content, change.author, change.now)
    shown = change.put_entity(after)
    change.send_entity(InstanceEventType.UPDATED_ENTITY_EVENT, after, original=before)
    return shown


def _completed(change: Change, birth: Birth, given: Classification) -> Classification:
    """An initial classification as it is stored: callers send little more than its name and properties."""
    name = given.name or ""
    type_def: TypeDef = change.registry.classification_def(name)
    return new_classification(
        birth,
        name,
        change.registry.instance_type(name),
        change.initial_status(type_def),
        given.properties,
        given.classification_origin,
        given.classification_origin_guid,
    )


def _end_relationship(change: Change, relationship: Relationship) -> None:
    """What the end of an entity does to a relationship at it: ours is soft-deleted and announced, the copy of another's is dropped."""
    guid = relationship.guid or ""
    row = change.row(guid)
    if row is not None and not is_home_row(change, row):
        change.purge(row, remembered=False)
        return
    after = next_version(replace(relationship, status=InstanceStatus.DELETED, status_on_delete=relationship.status), change.author, change.now)
    change.send_relationship(InstanceEventType.DELETED_RELATIONSHIP_EVENT, change.put_relationship(after))


def valid_proxy(checks: Checks, proxy: EntityProxy | None, ours: str | None, parameter: str = "entityProxy") -> EntityProxy:
    """A proxy with a GUID, a known type and a home that is not `ours`. Raises InvalidParameter."""
    if proxy is None:
        raise checks.invalid(Code.NULL_ENTITY_PROXY, checks.source, parameter, checks.method, parameter=parameter)
    home = checks.home(parameter, proxy.metadata_collection_id)
    if home == ours:
        raise checks.invalid(Code.LOCAL_ENTITY_PROXY, checks.source, parameter, checks.method, parameter=parameter)
    checks.guid(parameter, proxy.guid)
    if proxy.header_version > 1:
        name = proxy.type.type_def_name if proxy.type is not None else None
        version = str(proxy.header_version)
        raise checks.invalid(
            Code.UNSUPPORTED_INSTANCE_HEADER_VERSION, checks.method, "EntityProxy", checks.source, proxy.guid, name, version, "1", parameter=parameter
        )
    type_of(checks, proxy)
    return proxy


def keep_proxy(change: Change, proxy: EntityProxy) -> None:
    """Store a proxy where nothing is stored, or an older proxy of the same entity."""
    stored = change.entity(proxy.guid or "")
    if stored is None or (isinstance(stored, EntityProxy) and stored.version < proxy.version):
        change.put_proxy(proxy)
