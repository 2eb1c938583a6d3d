"""Reads of single instances, of the relationships of an entity, of the past (spec metadata-collection-semantics 4 and 6).

What a read gives is what the store holds, shown with the provenance of the moment. An empty answer is None, never an empty list.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

from cohort_sync.collection.answers import stored_entity, stored_relationship, with_present_ends
from cohort_sync.collection.checks import Checks, names
from cohort_sync.collection.context import CollectionContext
from cohort_sync.collection.finds import timed_out
from cohort_sync.collection.past import Version, classification_versions, entity_versions, history_page, relationship_versions
from cohort_sync.collection.provenance import Cohort
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.finds import HistorySequencingOrder, Paging, SequencingOrder
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.store.finds import Deadline, FindQuery, QueryTimeout, sift
from cohort_sync.store.protocol import Reader, Store
from cohort_sync.store.rows import Kind as RowKind
from cohort_sync.store.stored import relationship_of
from cohort_sync.store.versions import classification_states, classifications_at

T = TypeVar("T")


class Reads:
    """The reads of one metadata collection."""

    def __init__(self, store: Store, context: CollectionContext) -> None:
        self._store = store
        self._context = context

    def _checks(self, method: str, user: str) -> Checks:
        checks = Checks(self._context, method)
        checks.user(user)
        return checks

    async def _read(self, query: Callable[[Reader, Cohort], T]) -> T:
        return await self._store.read(lambda reader: query(reader, Cohort.now(self._context, reader)))

    # ------------------------------------------------------------ entities

    async def is_entity_known(self, user: str, guid: str | None) -> EntityDetail | None:
        """The entity, soft-deleted or not; None when it is unknown, and when only a proxy is stored."""
        known = self._checks("isEntityKnown", user).guid("guid", guid)

        def query(reader: Reader, cohort: Cohort) -> EntityDetail | None:
            found = stored_entity(reader, known)
            return cohort.entity(found) if isinstance(found, EntityDetail) else None

        return await self._read(query)

    async def get_entity_summary(self, user: str, guid: str | None) -> EntityDetail | EntityProxy:
        """The entity, or the proxy where only that is stored. Raises EntityNotKnown, also for one that is soft-deleted."""
        checks = self._checks("getEntitySummary", user)
        known = checks.guid("guid", guid)

        def query(reader: Reader, cohort: Cohort) -> EntityDetail | EntityProxy:
            found = present_entity(checks, known, stored_entity(reader, known))
            return cohort.entity(found) if isinstance(found, EntityDetail) else cohort.proxy(found)

        return await self._read(query)

    async def get_entity_detail(self, user: str, guid: str | None) -> EntityDetail:
        """The entity. Raises EntityProxyOnly, or EntityNotKnown, also for one that is soft-deleted."""
        checks = self._checks("getEntityDetail", user)
        known = checks.guid("guid", guid)
        return await self._read(lambda reader, cohort: cohort.entity(whole_entity(checks, known, stored_entity(reader, known))))

    async def get_entity_detail_as_of(self, user: str, guid: str | None, as_of: int | None) -> EntityDetail:
        """The entity as it was at that instant. Raises as `get_entity_detail`; one that was deleted then, or did not exist, is not known."""
        checks = self._checks("getEntityDetail", user)
        known = checks.guid("guid", guid)
        instant = checks.as_of_not_null(as_of)

        def query(reader: Reader, cohort: Cohort) -> EntityDetail:
            version = _at(entity_versions(reader, known), instant)
            return cohort.entity(whole_entity(checks, known, version))

        return await self._read(query)

    async def get_entity_detail_history(
        self,
        user: str,
        guid: str | None,
        from_time: int | None,
        to_time: int | None,
        offset: int = 0,
        page_size: int = 0,
        order: HistorySequencingOrder | None = None,
    ) -> list[EntityDetail] | None:
        """Its versions in a range of time, deleted ones too. Raises EntityNotKnown when it is unknown, a proxy, or younger than the range."""
        checks = self._checks("getEntityDetailHistory", user)
        known = checks.guid("guid", guid)
        checks.time_range(from_time, to_time)
        checks.page_size(page_size)

        def query(reader: Reader, cohort: Cohort) -> list[EntityDetail] | None:
            versions = entity_versions(reader, known)
            newest = versions[0].value if versions else None
            if not isinstance(newest, EntityDetail) or (to_time is not None and to_time < (newest.create_time or 0)):
                raise checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, known, checks.method, checks.source)
            page = history_page(versions, from_time, to_time, offset, page_size, order, lambda one: isinstance(one, EntityDetail))
            return [cohort.entity(one) for one in page if isinstance(one, EntityDetail)] or None

        return await self._read(query)

    async def get_classification_history(
        self,
        user: str,
        guid: str | None,
        name: str | None,
        from_time: int | None,
        to_time: int | None,
        offset: int = 0,
        page_size: int = 0,
        order: HistorySequencingOrder | None = None,
    ) -> list[Classification] | None:
        """The states of one classification of an entity. Raises EntityNotKnown."""
        checks = self._checks("getClassificationHistory", user)
        known = checks.guid("guid", guid)
        checks.time_range(from_time, to_time)
        checks.page_size(page_size)
        classification = checks.classification_name(name).name or ""

        def query(reader: Reader, cohort: Cohort) -> list[Classification] | None:
            if stored_entity(reader, known) is None:
                raise checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, known, checks.method, checks.source)
            versions = classification_versions(reader, known, classification)
            return cohort.classifications(history_page(versions, from_time, to_time, offset, page_size, order)) or None

        return await self._read(query)

    async def get_home_classifications(self, user: str, guid: str | None, as_of: int | None = None) -> list[Classification] | None:
        """The classifications of that entity whose home we are; None when there are none, also when the entity is not stored."""
        checks = self._checks("getHomeClassifications", user)
        known = checks.guid("entityGUID", guid)
        checks.as_of(as_of)

        def query(reader: Reader, cohort: Cohort) -> list[Classification] | None:
            states = classification_states(reader.classifications((known,)).get(known, ()), reader.classification_history(known) if as_of is not None else ())
            found = classifications_at(states, self._context.clock() if as_of is None else as_of)
            return cohort.classifications([one for one in found if one.metadata_collection_id == cohort.collection_id]) or None

        return await self._read(query)

    # ------------------------------------------------------------ relationships

    async def get_relationships_for_entity(
        self,
        user: str,
        guid: str | None,
        type_guid: str | None = None,
        statuses: Collection[InstanceStatus] | None = None,
        as_of: int | None = None,
        paging: Paging | None = None,
    ) -> list[Relationship] | None:
        """The relationships at either end of which the entity stands, of the type or one below. Raises EntityNotKnown when it is not there now."""
        page = paging or Paging()
        checks = self._checks("getRelationshipsForEntity", user)
        known = checks.guid("entityGUID", guid)
        checks.as_of(as_of)
        type_names = checks.type_names("relationshipTypeGUID", type_guid)
        checks.page_size(page.page_size)
        find = FindQuery(
            kind=RowKind.RELATIONSHIP,
            type_names=type_names,
            statuses=names(statuses),
            as_of=as_of,
            order=page.sequencing_order or SequencingOrder.ANY,
            order_property=page.sequencing_property,
            offset=page.offset,
            page_size=page.page_size,
        )

        def query(reader: Reader, cohort: Cohort) -> list[Relationship] | None:
            present_entity(checks, known, stored_entity(reader, known))
            candidates = (relationship_of(row) for row in reader.relationships_of((known,)))
            if as_of is not None:
                past = (_at(relationship_versions(reader, one.guid or ""), as_of) for one in candidates)
                candidates = (one for one in past if one is not None)
            found = with_present_ends(reader, checks.registry, sift(find, candidates, Deadline(self._context.find_timeout)))
            return [cohort.relationship(one) for one in found] or None

        try:
            return await self._read(query)
        except QueryTimeout:
            raise timed_out(checks, self._context.find_timeout) from None

    async def is_relationship_known(self, user: str, guid: str | None) -> Relationship | None:
        """The relationship, soft-deleted or not; None when it is unknown."""
        checks = self._checks("isRelationshipKnown", user)
        known = checks.guid("guid", guid)

        def query(reader: Reader, cohort: Cohort) -> Relationship | None:
            found = stored_relationship(reader, known)
            return None if found is None else cohort.relationship(with_present_ends(reader, checks.registry, (found,))[0])

        return await self._read(query)

    async def get_relationship(self, user: str, guid: str | None) -> Relationship:
        """The relationship. Raises RelationshipNotKnown, also for one that is soft-deleted."""
        checks = self._checks("getRelationship", user)
        known = checks.guid("guid", guid)

        def query(reader: Reader, cohort: Cohort) -> Relationship:
            found = present_relationship(checks, known, stored_relationship(reader, known))
            return cohort.relationship(with_present_ends(reader, checks.registry, (found,))[0])

        return await self._read(query)

    async def get_relationship_as_of(self, user: str, guid: str | None, as_of: int | None) -> Relationship:
        """The relationship as it was at that instant. Raises as `get_relationship`."""
        checks = self._checks("getRelationship", user)
        known = checks.guid("guid", guid)
        instant = checks.as_of_not_null(as_of)

        def query(reader: Reader, cohort: Cohort) -> Relationship:
            return cohort.relationship(present_relationship(checks, known, _at(relationship_versions(reader, known), instant)))

        return await self._read(query)

    async def get_relationship_history(
        self,
        user: str,
        guid: str | None,
        from_time: int | None,
        to_time: int | None,
        offset: int = 0,
        page_size: int = 0,
        order: HistorySequencingOrder | None = None,
    ) -> list[Relationship] | None:
        """Its versions in a range of time, deleted ones too. Raises RelationshipNotKnown when it is unknown or younger than the range."""
        checks = self._checks("getRelationshipHistory", user)
        known = checks.guid("guid", guid)
        checks.time_range(from_time, to_time)
        checks.page_size(page_size)

        def query(reader: Reader, cohort: Cohort) -> list[Relationship] | None:
            versions = relationship_versions(reader, known)
            if not versions or (to_time is not None and to_time < (versions[0].value.create_time or 0)):
                raise checks.error(Kind.RELATIONSHIP_NOT_KNOWN, Code.RELATIONSHIP_NOT_KNOWN, known, checks.method, checks.source)
            return [cohort.relationship(one) for one in history_page(versions, from_time, to_time, offset, page_size, order)] or None

        return await self._read(query)


def _at(versions: list[Version[T]], instant: int) -> T | None:
    """The version of that instant."""
    return next((version.value for version in versions if version.covers(instant)), None)


# ------------------------------------------------------------ what has to be there


def present_entity(checks: Checks, guid: str, found: EntityDetail | EntityProxy | None) -> EntityDetail | EntityProxy:
    """An entity or a proxy that is not soft-deleted. Raises EntityNotKnown."""
    if found is None:
        raise checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, guid, checks.method, checks.source)
    if found.status is InstanceStatus.DELETED:
        type_name = found.type.type_def_name if found.type is not None else "<nullType>"
        raise checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_SOFT_DELETED, type_name, guid, checks.method, checks.source)
    return found


def whole_entity(checks: Checks, guid: str, found: EntityDetail | EntityProxy | None, parameter: str = "guid") -> EntityDetail:
    """An entity that is not soft-deleted. Raises EntityProxyOnly or EntityNotKnown."""
    if isinstance(found, EntityProxy):
        raise checks.error(Kind.ENTITY_PROXY_ONLY, Code.ENTITY_PROXY_ONLY, guid, checks.source, parameter, checks.method)
    whole = present_entity(checks, guid, found)
    assert isinstance(whole, EntityDetail)
    return whole


def present_relationship(checks: Checks, guid: str, found: Relationship | None) -> Relationship:
    """A relationship that is not soft-deleted. Raises RelationshipNotKnown."""
    if found is None:
        raise checks.error(Kind.RELATIONSHIP_NOT_KNOWN, Code.RELATIONSHIP_NOT_FOUND, guid, checks.method, checks.source)
    if found.status is InstanceStatus.DELETED:
        type_name = found.type.type_def_name if found.type is not None else "<nullType>"
        raise checks.error(Kind.RELATIONSHIP_NOT_KNOWN, Code.RELATIONSHIP_SOFT_DELETED, type_name, guid, checks.method, checks.source)
    return found
