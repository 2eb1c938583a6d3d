"""Relationship maintenance: add, update, undo, delete, purge, restore (spec metadata-collection-semantics 9).

The ends are ordered and checked by type; cardinality is not, and neither is whether an end is deleted later.
"""

from msgspec.structs import replace

from cohort_sync.collection.changes import Change, Changes
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.headers import Author, Home, new_relationship, next_version
from cohort_sync.collection.ownership import (
    check_deleted,
    check_relationship_owner,
    check_type_for_delete,
    known_relationship,
    our_relationship,
    type_of,
)
from cohort_sync.collection.past import relationship_versions
from cohort_sync.collection.reads import present_entity, present_relationship
from cohort_sync.omrs.enums import InstanceEventType, InstanceStatus, TypeDefCategory
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.instances import EntityProxy, Relationship
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.typedefs import TypeDef


class Relationships(Changes):
    """Relationship maintenance of one metadata collection."""

    async def add_relationship(
        self,
        author: Author,
        type_guid: str | None,
        properties: InstanceProperties | None,
        one: str | None,
        two: str | None,
        status: InstanceStatus | None = None,
    ) -> Relationship:
        """A new relationship of our own between two entities (or proxies) that are stored here."""
        checks = self._checks("addRelationship", author)
        return await self._add(checks, author, type_guid, properties, (one, two), status, Home.local(self._context.member))

    async def add_external_relationship(
        self,
        author: Author,
        type_guid: str | None,
        source_guid: str | None,
        source_name: str | None,
        properties: InstanceProperties | None,
        one: str | None,
        two: str | None,
        status: InstanceStatus | None = None,
    ) -> Relationship:
        """A new relationship of an external source, which we replicate."""
        checks = self._checks("addExternalRelationship", author)
        source = checks.guid("externalSourceGUID", source_guid)
        return await self._add(checks, author, type_guid, properties, (one, two), status, Home.external(self._context.member, source, source_name))

    async def _add(
        self,
        checks: Checks,
        author: Author,
        type_guid: str | None,
        properties: InstanceProperties | None,
        ends: tuple[str | None, str | None],
        status: InstanceStatus | None,
        home: Home,
    ) -> Relationship:
        type_def = checks.type_for("relationshipTypeGUID", type_guid, TypeDefCategory.RELATIONSHIP_DEF)
        one = checks.guid("entityOneGUID", ends[0])
        two = checks.guid("entityTwoGUID", ends[1])
        checks.properties_for_type(type_def, properties, "initialProperties")
        checks.status("initialStatus", status, type_def)

        def plan(change: Change) -> Relationship:
            proxies = (_end(change, one), _end(change, two))
            check_ends(checks, type_def, *proxies)
            kind = change.registry.instance_type(type_def.name or "")
            added = new_relationship(change.birth(home), change.new_guid(), kind, change.initial_status(type_def, status), properties, proxies)
            written = change.put_relationship(added)
            change.send_relationship(InstanceEventType.NEW_RELATIONSHIP_EVENT, written)
            return change.cohort.relationship(written)

        return await self._change(checks, author, plan)

    async def update_relationship_status(self, author: Author, guid: str | None, status: InstanceStatus | None) -> Relationship:
        """Another status of the life cycle. Only releases up to 5.x have this method."""
        checks = self._checks("updateRelationshipStatus", author)
        known = checks.guid("relationshipGUID", guid)
        if status is None:
            raise checks.invalid(Code.NULL_INSTANCE_STATUS, "newStatus", checks.method, checks.source, parameter="newStatus")

        def plan(change: Change) -> Relationship:
            before = our_relationship(change, known)
            return _updated(change, before, replace(before, status=checks.new_status("newStatus", status, type_of(checks, before))))

        return await self._change(checks, author, plan)

    async def update_relationship_properties(self, author: Author, guid: str | None, properties: InstanceProperties | None) -> Relationship:
        """Other properties in the place of all that it has."""
        checks = self._checks("updateRelationshipProperties", author)
        known = checks.guid("instanceGUID", guid)

        def plan(change: Change) -> Relationship:
            before = our_relationship(change, known)
            checks.properties_for_type(type_of(checks, before), properties, "properties", new=True)
            return _updated(change, before, replace(before, properties=properties))

        return await self._change(checks, author, plan)

    async def undo_relationship_update(self, author: Author, guid: str | None) -> Relationship | None:
        """The content of the version before, as a new version; None when there was none."""
        checks = self._checks("undoRelationshipUpdate", author)
        known = checks.guid("relationshipGUID", guid)

        def plan(change: Change) -> Relationship | None:
            now = our_relationship(change, known)
            past = next((version.value for version in relationship_versions(change.reader, known)[1:]), None)
            if past is None:
                return None
            present_relationship(checks, known, past)
            content = replace(now, type=past.type, properties=past.properties, status=past.status, status_on_delete=past.status_on_delete)
            after = next_version(content, author, change.now, of=now)
            written = change.put_relationship(after)
            change.send_relationship(InstanceEventType.UNDONE_RELATIONSHIP_EVENT, written)
            return change.cohort.relationship(written)

        return await self._change(checks, author, plan)

    async def delete_relationship(self, author: Author, type_guid: str | None, type_name: str | None, guid: str | None) -> Relationship:
        """Soft delete."""
        checks = self._checks("deleteRelationship", author)
        ids = checks.type_ids(type_guid, type_name)
        known = checks.guid("obsoleteRelationshipGUID", guid)

        def plan(change: Change) -> Relationship:
            before = our_relationship(change, known)
            check_type_for_delete(checks, before, *ids)
            after = next_version(replace(before, status=InstanceStatus.DELETED, status_on_delete=before.status), author, change.now)
            written = change.put_relationship(after)
            change.send_relationship(InstanceEventType.DELETED_RELATIONSHIP_EVENT, written)
            return change.cohort.relationship(written)

        return await self._change(checks, author, plan)

    async def purge_relationship(self, author: Author, type_guid: str | None, type_name: str | None, guid: str | None) -> None:
        """Remove a soft-deleted relationship with all its versions."""
        checks = self._checks("purgeRelationship", author)
        ids = checks.type_ids(type_guid, type_name)
        known = checks.guid("deletedRelationshipGUID", guid)

        def plan(change: Change) -> None:
            before = known_relationship(change, known)
            check_relationship_owner(change, known, before)
            check_type_for_delete(checks, before, *ids)
            check_deleted(checks, before)
            row = change.row(known)
            assert row is not None
            change.purge(row)
            change.send_purged(InstanceEventType.PURGED_RELATIONSHIP_EVENT, row)

        await self._change(checks, author, plan)

    async def restore_relationship(self, author: Author, guid: str | None) -> Relationship:
        """A soft-deleted relationship in the status that it had; its ends are not looked at."""
        checks = self._checks("restoreRelationship", author)
        known = checks.guid("deletedRelationshipGUID", guid)

        def plan(change: Change) -> Relationship:
            before = known_relationship(change, known)
            check_deleted(checks, before)
            check_relationship_owner(change, known, before)
            restored = replace(before, status=before.status_on_delete or InstanceStatus.ACTIVE, status_on_delete=None)
            after = next_version(restored, author, change.now)
            written = change.put_relationship(after)
            change.send_relationship(InstanceEventType.RESTORED_RELATIONSHIP_EVENT, written)
            return change.cohort.relationship(written)

        return await self._change(checks, author, plan)


def _updated(change: Change, before: Relationship, content: Relationship) -> Relationship:
    after = next_version(content, change.author, change.now)
    written = change.put_relationship(after)
    change.send_relationship(InstanceEventType.UPDATED_RELATIONSHIP_EVENT, written, original=before)
    return change.cohort.relationship(written)


def _end(change: Change, guid: str) -> EntityProxy:
    """A stored entity or proxy as the end of a new relationship."""
    present_entity(change.checks, guid, change.entity(guid))
    proxy = change.end(guid)
    assert proxy is not None
    return proxy


def check_ends(checks: Checks, type_def: TypeDef, one: EntityProxy, two: EntityProxy) -> None:
    """Are these entities of the types that the ends of the relationship type want? They are never swapped."""
    name = type_def.name or ""
    types = [proxy.type.type_def_name if proxy.type is not None else None for proxy in (one, two)]
    if all(checks.registry.end_accepts(name, number, kind or "") for number, kind in enumerate(types, 1)):
        return
    wanted = [end.entity_type.name if end.entity_type is not None else None for end in checks.registry.ends(name)]
    raise checks.invalid(
        Code.INVALID_RELATIONSHIP_ENDS,
        checks.method,
        checks.source,
        name,
        one.guid,
        types[0],
        wanted[0],
        two.guid,
        types[1],
        wanted[1],
        parameter="relationship.End",
    )
