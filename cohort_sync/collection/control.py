"""Control information: another GUID, another type, another home (spec metadata-collection-semantics 10).

Re-homing takes over: it is asked of the repository that becomes the home, usually after the old one has left.
"""

from typing import TypeVar

from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.collection.changes import Change, Changes
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.headers import Author, next_version
from cohort_sync.collection.ownership import is_home_row, not_a_proxy, our_entity, our_relationship
from cohort_sync.collection.reads import present_entity, present_relationship
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.enums import InstanceProvenanceType, InstanceStatus, TypeDefCategory
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.type_registry import category_of
from cohort_sync.omrs.typedefs import TypeDef, TypeDefSummary

Instance = TypeVar("Instance", bound=EntityDetail | Relationship)


class Control(Changes):
    """Re-identify, re-type and re-home, for entities and relationships."""

    # ------------------------------------------------------------ another GUID

    async def re_identify_entity(self, author: Author, type_guid: str | None, type_name: str | None, guid: str | None, new_guid: str | None) -> EntityDetail:
        """The entity under another GUID. The old one stays as soft-deleted; relationships at it follow, ours with a version of their own."""
        checks, known, wanted = self._identity(author, "reIdentifyEntity", "entityGUID", "newEntityGUID", type_guid, type_name, guid, new_guid)

        def plan(change: Change) -> EntityDetail:
            before = our_entity(change, known)
            self._check_free(change, wanted, "newEntityGUID")
            after = next_version(replace(before, guid=wanted, re_identified_from_guid=known), author, change.now, of=before)
            after = replace(after, version=self._beyond_grave(change, wanted, after.version))
            shown = change.put_entity(after)
            left = replace(before, status=InstanceStatus.DELETED, status_on_delete=before.status, classifications=None)
            change.put_entity(next_version(left, author, change.now))
            change.send(
                announce.entity_event(change.member, change.now, Event.RE_IDENTIFIED_ENTITY_EVENT, after, original_guid=known),
            )
            for relationship in change.relationships_of(known):
                _follow(change, relationship, known, wanted)
            return shown

        return await self._change(checks, author, plan)

    async def re_identify_relationship(
        self, author: Author, type_guid: str | None, type_name: str | None, guid: str | None, new_guid: str | None
    ) -> Relationship:
        """The same for a relationship."""
        checks, known, wanted = self._identity(
            author, "reIdentifyRelationship", "relationshipGUID", "newRelationshipGUID", type_guid, type_name, guid, new_guid
        )

        def plan(change: Change) -> Relationship:
            before = our_relationship(change, known)
            self._check_free(change, wanted, "newRelationshipGUID")
            after = next_version(replace(before, guid=wanted, re_identified_from_guid=known), author, change.now, of=before)
            written = change.put_relationship(replace(after, version=self._beyond_grave(change, wanted, after.version)))
            left = replace(before, status=InstanceStatus.DELETED, status_on_delete=before.status)
            change.put_relationship(next_version(left, author, change.now))
            change.send(announce.relationship_event(change.member, change.now, Event.RE_IDENTIFIED_RELATIONSHIP_EVENT, written, original_guid=known))
            return change.cohort.relationship(written)

        return await self._change(checks, author, plan)

    def _identity(
        self,
        author: Author,
        method: str,
        parameter: str,
        new_parameter: str,
        type_guid: str | None,
        type_name: str | None,
        guid: str | None,
        new_guid: str | None,
    ) -> tuple[Checks, str, str]:
        checks = self._checks(method, author)
        known = checks.guid(parameter, guid)
        wanted = checks.guid(new_parameter, new_guid)
        checks.type_ids(type_guid, type_name)
        return checks, known, wanted

    def _check_free(self, change: Change, guid: str, parameter: str) -> None:
        """Java does not look, and loses what was there."""
        if change.row(guid) is not None:
            raise change.checks.invalid(Code.GUID_IN_USE, guid, parameter, change.checks.method, change.checks.source, parameter=parameter)

    def _beyond_grave(self, change: Change, guid: str, version: int) -> int:
        """Versions under a GUID never go back, whatever was there before."""
        buried = change.tombstone(guid)
        return version if buried is None else max(version, buried.version + 1)

    # ------------------------------------------------------------ another type

    async def re_type_entity(self, author: Author, guid: str | None, current: TypeDefSummary | None, new: TypeDefSummary | None) -> EntityDetail:
        """The entity with another type, which its properties and classifications have to suit."""
        checks, known, new_type = self._types(author, "reTypeEntity", "entityGUID", guid, current, new, TypeDefCategory.ENTITY_DEF)

        def plan(change: Change) -> EntityDetail:
            before = our_entity(change, known)
            checks.properties_for_type(new_type, before.properties, "newTypeDef")
            for classification in before.classifications or ():
                checks.classification_for(classification.name, new_type.name or "", "newTypeDef")
            retyped = replace(before, type=change.registry.instance_type(new_type.name or ""))
            after = next_version(retyped, author, change.now)
            shown = change.put_entity(after)
            original = _summary(change, before)
            change.send(announce.entity_event(change.member, change.now, Event.RETYPED_ENTITY_EVENT, after, original_type=original))
            return shown

        return await self._change(checks, author, plan)

    async def re_type_relationship(self, author: Author, guid: str | None, current: TypeDefSummary | None, new: TypeDefSummary | None) -> Relationship:
        """The same for a relationship."""
        checks, known, new_type = self._types(author, "reTypeRelationship", "relationshipGUID", guid, current, new, TypeDefCategory.RELATIONSHIP_DEF)

        def plan(change: Change) -> Relationship:
            before = our_relationship(change, known)
            checks.properties_for_type(new_type, before.properties, "newTypeDef")
            retyped = replace(before, type=change.registry.instance_type(new_type.name or ""))
            written = change.put_relationship(next_version(retyped, author, change.now))
            original = _summary(change, before)
            change.send(announce.relationship_event(change.member, change.now, Event.RETYPED_RELATIONSHIP_EVENT, written, original_type=original))
            return change.cohort.relationship(written)

        return await self._change(checks, author, plan)

    def _types(
        self,
        author: Author,
        method: str,
        parameter: str,
        guid: str | None,
        current: TypeDefSummary | None,
        new: TypeDefSummary | None,
        category: TypeDefCategory,
    ) -> tuple[Checks, str, TypeDef]:
        checks = self._checks(method, author)
        known = checks.guid(parameter, guid)
        checks.active_type("currentTypeDefSummary", current)
        new_type = checks.active_type("newTypeDefSummary", new)
        if category_of(new_type) is not category:
            raise checks.error(
                Kind.TYPE_ERROR,
                Code.WRONG_TYPEDEF_CATEGORY,
                new_type.name,
                "newTypeDefSummary",
                checks.method,
                checks.source,
                category_of(new_type).value,
                category.value,
            )
        return checks, known, new_type

    # ------------------------------------------------------------ another home

    async def re_home_entity(
        self,
        author: Author,
        guid: str | None,
        type_guid: str | None,
        type_name: str | None,
        home: str | None,
        new_home: str | None,
        new_home_name: str | None = None,
    ) -> EntityDetail:
        """Become the home of an entity that is another's. What `home` says is not compared: callers know it from elsewhere."""
        checks, known = self._homes(author, "reHomeEntity", "entityGUID", guid, type_guid, type_name, home, new_home)

        def plan(change: Change) -> EntityDetail:
            before = not_a_proxy(change, known, change.entity(known))
            present_entity(checks, known, before)
            self._check_rehome(change, before)
            after = next_version(self._rehomed(before, new_home_name), author, change.now)
            shown = change.put_entity(after)
            original = before.metadata_collection_id
            change.send(announce.entity_event(change.member, change.now, Event.RE_HOMED_ENTITY_EVENT, after, original_home=original))
            return shown

        return await self._change(checks, author, plan)

    async def re_home_relationship(
        self,
        author: Author,
        guid: str | None,
        type_guid: str | None,
        type_name: str | None,
        home: str | None,
        new_home: str | None,
        new_home_name: str | None = None,
    ) -> Relationship:
        """The same for a relationship."""
        checks, known = self._homes(author, "reHomeRelationship", "relationshipGUID", guid, type_guid, type_name, home, new_home)

        def plan(change: Change) -> Relationship:
            before = present_relationship(checks, known, change.relationship(known))
            self._check_rehome(change, before)
            written = change.put_relationship(next_version(self._rehomed(before, new_home_name), author, change.now))
            original = before.metadata_collection_id
            change.send(announce.relationship_event(change.member, change.now, Event.RE_HOMED_RELATIONSHIP_EVENT, written, original_home=original))
            return change.cohort.relationship(written)

        return await self._change(checks, author, plan)

    def _homes(
        self,
        author: Author,
        method: str,
        parameter: str,
        guid: str | None,
        type_guid: str | None,
        type_name: str | None,
        home: str | None,
        new_home: str | None,
    ) -> tuple[Checks, str]:
        checks = self._checks(method, author)
        known = checks.guid(parameter, guid)
        ids = checks.type_ids(type_guid, type_name)
        checks.home("homeMetadataCollectionId", home)
        ours = self._context.collection_id
        if checks.home("newHomeMetadataCollectionId", new_home) != ours:
            raise checks.invalid(Code.NOT_FOR_LOCAL_COLLECTION, known, ids[1], ids[0], new_home, ours, parameter="newHomeMetadataCollectionId")
        return checks, known

    def _check_rehome(self, change: Change, instance: EntityDetail | Relationship) -> None:
        """It has to be another's, and of one that is not in the cohort (any more): who is there is asked to give it up itself."""
        checks, ours = change.checks, change.cohort.collection_id
        if not change.cohort.may_rehome(instance):
            raise checks.invalid(
                Code.INSTANCE_HOME_NOT_LOCAL, instance.metadata_collection_id, checks.method, instance.guid, ours, checks.source, parameter="instance"
            )
        speaker = instance.metadata_collection_id if instance.instance_provenance_type is InstanceProvenanceType.LOCAL_COHORT else instance.replicated_by
        if speaker != ours and speaker in change.cohort.active:
            raise checks.invalid(Code.HOME_IS_ACTIVE, instance.guid, speaker, checks.method, checks.source, parameter="homeMetadataCollectionId")

    def _rehomed(self, instance: Instance, name: str | None) -> Instance:
        return replace(
            instance,
            metadata_collection_id=self._context.collection_id,
            metadata_collection_name=name or self._context.member.metadata_collection_name,
            instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
        )


def _summary(change: Change, instance: EntityDetail | Relationship) -> TypeDefSummary | None:
    """The type that an instance had before."""
    return change.registry.summary((instance.type.type_def_name if instance.type is not None else None) or "")


def _follow(change: Change, relationship: Relationship, old: str, new: str) -> None:
    """A relationship at an entity that has another GUID now: ours gets a new version, because peers hear of it in no other way."""
    one, two = relationship.entity_one_proxy, relationship.entity_two_proxy
    moved = replace(relationship, entity_one_proxy=_renamed(one, old, new), entity_two_proxy=_renamed(two, old, new))
    row = change.row(relationship.guid or "")
    ours = row is not None and is_home_row(change, row)
    if not ours or relationship.status is InstanceStatus.DELETED:
        change.put_relationship(moved)
        return
    written = change.put_relationship(next_version(moved, change.author, change.now))
    change.send_relationship(Event.UPDATED_RELATIONSHIP_EVENT, written, original=relationship)


def _renamed(proxy: EntityProxy | None, old: str, new: str) -> EntityProxy | None:
    return replace(proxy, guid=new) if proxy is not None and proxy.guid == old else proxy
