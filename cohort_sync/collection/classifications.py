"""Classifications: put on, changed, taken off, on our entities and on those of others (spec metadata-collection-semantics 8).

A classification has a home and versions of its own: the entity's version does not move. Nobody owns the classifications of an entity as a whole, so any member
may classify any entity that it knows.
"""

import msgspec
from msgspec.structs import replace

from cohort_sync.cohort import announce
from cohort_sync.collection.changes import Change, Changes
from cohort_sync.collection.checks import Checks
from cohort_sync.collection.entities import keep_proxy
from cohort_sync.collection.headers import Author, Home, new_classification, next_version
from cohort_sync.collection.ownership import type_of
from cohort_sync.collection.reads import present_entity
from cohort_sync.omrs.enums import ClassificationOrigin
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.typedefs import TypeDef
from cohort_sync.store.stored import classification_of, grave


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a classification comes from; all of it may be missing."""

    source_guid: str | None = None
    """The external source whose classification it is; None: ours."""
    source_name: str | None = None
    origin: ClassificationOrigin | None = None
    origin_guid: str | None = None
    """The entity from which it was propagated."""


class Classifications(Changes):
    """The classifying methods of one metadata collection, each for an entity by GUID and for one that only the caller may know, by proxy."""

    async def classify_entity(
        self, author: Author, guid: str | None, name: str | None, properties: InstanceProperties | None = None, origin: Origin | None = None
    ) -> EntityDetail:
        """Put a classification on an entity. One that is there already with the same properties stays as it is; with others it is a ClassificationError."""
        checks = self._checks("classifyEntity" if origin is None else "classifyEntity (detailed)", author)
        known = checks.guid("entityGUID", guid)
        classification = self._type(checks, name, properties)

        def plan(change: Change) -> EntityDetail:
            entity = _whole(change, known)
            _classify(change, entity, classification, properties, origin or Origin())
            return change.cohort.entity(_whole(change, known))

        return await self._change(checks, author, plan)

    async def classify_proxy(
        self, author: Author, proxy: EntityProxy | None, name: str | None, properties: InstanceProperties | None = None, origin: Origin | None = None
    ) -> Classification:
        """The same for an entity that may not be stored here: then its proxy is kept."""
        checks = self._checks("classifyEntity (EntityProxy)" if origin is None else "classifyEntity (detailed - EntityProxy)", author)
        given = self._proxy(checks, proxy)
        classification = self._type(checks, name, properties)

        def plan(change: Change) -> Classification:
            return _classify(change, _kept(change, given), classification, properties, origin or Origin())

        return await self._change(checks, author, plan)

    async def update_entity_classification(self, author: Author, guid: str | None, name: str | None, properties: InstanceProperties | None) -> EntityDetail:
        """Other properties in the place of all that the classification has."""
        checks = self._checks("updateEntityClassification", author)
        known = checks.guid("entityGUID", guid)
        classification = self._type(checks, name, properties)

        def plan(change: Change) -> EntityDetail:
            _reclassify(change, _whole(change, known), classification.name or "", properties)
            return change.cohort.entity(_whole(change, known))

        return await self._change(checks, author, plan)

    async def update_proxy_classification(
        self, author: Author, proxy: EntityProxy | None, name: str | None, properties: InstanceProperties | None
    ) -> Classification:
        """The same by proxy."""
        checks = self._checks("updateEntityClassification (EntityProxy)", author)
        given = self._proxy(checks, proxy)
        classification = self._type(checks, name, properties)
        return await self._change(checks, author, lambda change: _reclassify(change, _kept(change, given), classification.name or "", properties))

    async def declassify_entity(self, author: Author, guid: str | None, name: str | None) -> EntityDetail:
        """Take a classification off an entity."""
        checks = self._checks("declassifyEntity", author)
        known = checks.guid("entityGUID", guid)
        classification = checks.classification_name(name)

        def plan(change: Change) -> EntityDetail:
            _declassify(change, _whole(change, known), classification.name or "")
            return change.cohort.entity(_whole(change, known))

        return await self._change(checks, author, plan)

    async def declassify_proxy(self, author: Author, proxy: EntityProxy | None, name: str | None) -> Classification:
        """The same by proxy; answers with the classification that was taken off."""
        checks = self._checks("declassifyEntity (EntityProxy)", author)
        given = self._proxy(checks, proxy)
        classification = checks.classification_name(name)
        return await self._change(checks, author, lambda change: _declassify(change, _kept(change, given), classification.name or ""))

    def _type(self, checks: Checks, name: str | None, properties: InstanceProperties | None) -> TypeDef:
        found = checks.classification_name(name)
        checks.properties_for_type(found, properties, "classificationProperties")
        return found

    def _proxy(self, checks: Checks, proxy: EntityProxy | None) -> EntityProxy:
        if proxy is None:
            raise checks.invalid(Code.NULL_ENTITY_PROXY, checks.source, "entityProxy", checks.method, parameter="entityProxy")
        checks.guid("entityProxy", proxy.guid)
        return proxy


def _whole(change: Change, guid: str) -> EntityDetail:
    """The entity itself: a proxy is not enough for the methods that answer with an entity."""
    found = change.entity(guid)
    if isinstance(found, EntityProxy):
        raise change.checks.error(Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, guid, change.checks.method, change.checks.source)
    present = present_entity(change.checks, guid, found)
    assert isinstance(present, EntityDetail)
    return present


def _kept(change: Change, proxy: EntityProxy) -> EntityDetail | EntityProxy:
    """The entity or proxy that is stored under the proxy's GUID, the proxy itself where nothing was."""
    guid = proxy.guid or ""
    if change.entity(guid) is None:
        type_of(change.checks, proxy)
        change.checks.home("entityProxy", proxy.metadata_collection_id)
        keep_proxy(change, proxy)
    return present_entity(change.checks, guid, change.entity(guid))


def _classify(
    change: Change, entity: EntityDetail | EntityProxy, classification: TypeDef, properties: InstanceProperties | None, origin: Origin
) -> Classification:
    checks, guid = change.checks, entity.guid or ""
    name = classification.name or ""
    checks.classification_for(name, type_of(checks, entity).name or "")
    before = _stored(change, guid, name)
    if before is not None:
        if before.properties == properties:
            return before
        raise checks.error(Kind.CLASSIFICATION_ERROR, Code.ENTITY_ALREADY_CLASSIFIED, checks.method, checks.source, name, guid)
    home = Home.local(change.member) if origin.source_guid is None else Home.external(change.member, origin.source_guid, origin.source_name)
    birth = change.birth(home)
    removed = change.tombstone(grave(guid, name))
    if removed is not None:
        birth = birth._replace(time=max(change.now, removed.create_time))
    added = new_classification(
        birth,
        name,
        change.registry.instance_type(name),
        change.initial_status(classification),
        properties,
        origin.origin,
        origin.origin_guid,
        removed.version + 1 if removed is not None else 1,
    )
    change.put_classification(guid, added)
    _announce(change, guid, added, None)
    return added


def _reclassify(change: Change, entity: EntityDetail | EntityProxy, name: str, properties: InstanceProperties | None) -> Classification:
    guid = entity.guid or ""
    before = _ours(change, guid, name)
    after = next_version(replace(before, properties=properties), change.author, change.now)
    change.put_classification(guid, after)
    _announce(change, guid, after, before)
    return after


def _declassify(change: Change, entity: EntityDetail | EntityProxy, name: str) -> Classification:
    guid = entity.guid or ""
    before = _ours(change, guid, name)
    change.remove_classification(guid, name)
    _announce(change, guid, None, before)
    return before


def _stored(change: Change, guid: str, name: str) -> Classification | None:
    row = change.classification_rows(guid).get(name)
    return None if row is None else classification_of(row)


def _ours(change: Change, guid: str, name: str) -> Classification:
    """A classification that is there and that no other member of the cohort is the home of."""
    checks = change.checks
    found = _stored(change, guid, name)
    if found is None:
        raise checks.error(Kind.CLASSIFICATION_ERROR, Code.ENTITY_NOT_CLASSIFIED, checks.method, checks.source, name, guid)
    ours = change.cohort.collection_id
    elsewhere = found.metadata_collection_id not in (None, ours) and found.replicated_by != ours
    if elsewhere and found.metadata_collection_id in change.cohort.active:
        raise checks.invalid(Code.ENTITY_CAN_NOT_BE_UPDATED, checks.source, guid, checks.method, parameter="classificationName")
    return found


def _announce(change: Change, guid: str, after: Classification | None, before: Classification | None) -> None:
    """CLASSIFIED, RECLASSIFIED or DECLASSIFIED, with the entity as it is now."""
    entity = change.entity(guid)
    if entity is not None:
        change.send(announce.classification_event(change.member, change.now, entity, after, before))
