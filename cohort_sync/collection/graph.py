"""Graph queries, which members up to 5.x ask: the neighbourhood of an entity, what is connected with it, what lies between two (egeria-4.2/rest-endpoints).

They walk along relationships from entity to entity, in steps that read all neighbours at once. Entities of which only a proxy is stored are passed through and
not given out: there is nothing but the proxy in the relationship to give.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from cohort_sync.collection.answers import stored_entity, with_present_ends
from cohort_sync.collection.checks import Checks, names
from cohort_sync.collection.context import CollectionContext
from cohort_sync.collection.finds import timed_out
from cohort_sync.collection.graph_paths import Edge, edges_between
from cohort_sync.collection.past import entity_versions, relationship_versions
from cohort_sync.collection.provenance import Cohort
from cohort_sync.collection.reads import present_entity
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.finds import Paging, SequencingOrder
from cohort_sync.omrs.instances import EntityDetail, InstanceGraph, Relationship
from cohort_sync.omrs.typedefs import ClassificationDef
from cohort_sync.store.finds import Deadline, FindQuery, QueryTimeout, sift
from cohort_sync.store.protocol import Reader, Store
from cohort_sync.store.rows import Kind as RowKind
from cohort_sync.store.stored import entity_of, relationship_of

T = TypeVar("T")
MAX_ENTITIES = 20_000
"""How many entities a query may walk over."""


class GraphQueries:
    """The graph queries of one metadata collection."""

    def __init__(self, store: Store, context: CollectionContext) -> None:
        self._store = store
        self._context = context

    async def get_entity_neighborhood(
        self,
        user: str,
        guid: str | None,
        entity_types: Sequence[str] | None = None,
        relationship_types: Sequence[str] | None = None,
        statuses: Collection[InstanceStatus] | None = None,
        classifications: Sequence[str] | None = None,
        as_of: int | None = None,
        level: int = 0,
    ) -> InstanceGraph:
        """The entity, and everything within so many steps of it. Steps go along the relationship types, to entities of the types and classifications."""
        checks = self._checks("getEntityNeighborhood", user)
        known = checks.guid("entityGUID", guid)
        checks.as_of(as_of)
        wanted_types = _type_names(checks, "entityTypeGUIDs", entity_types)
        wanted_links = _type_names(checks, "relationshipTypeGUIDs", relationship_types)
        wanted_classes = _classification_names(checks, classifications)

        def query(walk: "_Walk") -> tuple[list[str], list[Relationship]]:
            def passes(entity: EntityDetail | None) -> bool:
                if entity is None:
                    return wanted_types is None and wanted_classes is None
                of_type = wanted_types is None or _type_name(entity) in wanted_types
                return of_type and (wanted_classes is None or any(one.name in wanted_classes for one in entity.classifications or ()))

            return walk.out(known, level, lambda one: wanted_links is None or _type_name(one) in wanted_links, passes)

        return await self._graph(checks, known, statuses, as_of, query)

    async def get_related_entities(
        self,
        user: str,
        guid: str | None,
        entity_types: Sequence[str] | None = None,
        statuses: Collection[InstanceStatus] | None = None,
        classifications: Sequence[str] | None = None,
        as_of: int | None = None,
        paging: Paging | None = None,
    ) -> list[EntityDetail] | None:
        """Every entity that is connected with it over any number of steps, the entity itself among them; those of the types and classifications."""
        checks = self._checks("getRelatedEntities", user)
        page = paging or Paging()
        known = checks.guid("startEntityGUID", guid)
        checks.as_of(as_of)
        checks.page_size(page.page_size)
        wanted_types = _type_names(checks, "instanceTypes", entity_types)
        wanted_classes = _classification_names(checks, classifications)
        find = FindQuery(
            kind=RowKind.ENTITY,
            type_names=wanted_types,
            statuses=names(statuses),
            order=page.sequencing_order or SequencingOrder.ANY,
            order_property=page.sequencing_property,
            offset=page.offset,
            page_size=page.page_size,
        )

        def query(walk: "_Walk") -> list[EntityDetail] | None:
            guids, _ = walk.out(known, None, lambda _one: True, lambda _one: True)
            found = [one for one in walk.entities(guids) if wanted_classes is None or any(each.name in wanted_classes for each in one.classifications or ())]
            return sift(find, found, walk.deadline) or None

        return await self._walked(checks, known, statuses, as_of, query)

    async def get_linking_entities(
        self, user: str, start: str | None, end: str | None, statuses: Collection[InstanceStatus] | None = None, as_of: int | None = None
    ) -> InstanceGraph:
        """The entities and relationships on all paths between two entities; nothing when they are not connected, the entity alone from it to itself."""
        checks = self._checks("getLinkingEntities", user)
        one = checks.guid("startEntityGUID", start)
        two = checks.guid("entityGUID", end)
        checks.as_of(as_of)

        def query(walk: "_Walk") -> tuple[list[str], list[Relationship]]:
            if one == two:
                return [one], []
            _, relationships = walk.out(one, None, lambda _one: True, lambda _one: True)
            by_guid = {each.guid or "": each for each in relationships}
            edges = edges_between(one, two, [Edge(name, *_ends(each)) for name, each in by_guid.items()])
            guids = list(dict.fromkeys(guid for edge in edges for guid in (edge.one, edge.two)))
            return guids, [by_guid[edge.name] for edge in edges]

        return await self._graph(checks, one, statuses, as_of, query, two)

    # ------------------------------------------------------------ what they share

    def _checks(self, method: str, user: str) -> Checks:
        checks = Checks(self._context, method)
        checks.user(user)
        return checks

    async def _graph(
        self,
        checks: Checks,
        known: str,
        statuses: Collection[InstanceStatus] | None,
        as_of: int | None,
        query: Callable[["_Walk"], tuple[list[str], list[Relationship]]],
        other: str | None = None,
    ) -> InstanceGraph:
        def whole(walk: "_Walk") -> InstanceGraph:
            guids, relationships = query(walk)
            ends = relationships if as_of is not None else with_present_ends(walk.reader, checks.registry, relationships)
            return InstanceGraph(entities=walk.entities(guids) or None, relationships=[walk.cohort.relationship(one) for one in ends] or None)

        return await self._walked(checks, known, statuses, as_of, whole, other)

    async def _walked(
        self,
        checks: Checks,
        known: str,
        statuses: Collection[InstanceStatus] | None,
        as_of: int | None,
        query: Callable[["_Walk"], T],
        other: str | None = None,
    ) -> T:
        def read(reader: Reader) -> T:
            for guid in (known, other):
                if guid is not None:
                    present_entity(checks, guid, stored_entity(reader, guid))
            return query(_Walk(reader, checks, Cohort.now(self._context, reader), names(statuses), as_of, Deadline(self._context.find_timeout)))

        try:
            return await self._store.read(read)
        except QueryTimeout:
            raise timed_out(checks, self._context.find_timeout) from None


class _Walk:
    """Steps from entity to entity, at one instant."""

    def __init__(self, reader: Reader, checks: Checks, cohort: Cohort, statuses: frozenset[str] | None, as_of: int | None, deadline: Deadline) -> None:
        self.reader = reader
        self.cohort = cohort
        self.deadline = deadline
        self._checks = checks
        self._as_of = as_of
        self._status = FindQuery(kind=RowKind.ENTITY, statuses=statuses)
        self._found: dict[str, EntityDetail | None] = {}

    def out(
        self, start: str, steps: int | None, along: Callable[[Relationship], bool], into: Callable[[EntityDetail | None], bool]
    ) -> tuple[list[str], list[Relationship]]:
        """Everything within so many steps (None: any number) along relationships that pass, into entities that pass."""
        reached = {start: None}
        links: dict[str, Relationship] = {}
        front = [start]
        while front and (steps is None or steps > 0):
            self.deadline.check()
            steps = None if steps is None else steps - 1
            candidates = [one for one in self._relationships(front) if one.guid not in links and along(one)]
            ends = {guid for one in candidates for guid in _ends(one)}
            self._load(ends - self._found.keys())
            admitted = {guid for guid in ends if guid in reached or (self._is_there(guid) and into(self._found[guid]))}
            links.update({one.guid or "": one for one in candidates if admitted.issuperset(_ends(one))})
            front = [guid for one in candidates if one.guid in links for guid in _ends(one) if guid not in reached]
            front = list(dict.fromkeys(front))
            reached.update(dict.fromkeys(front))
            if len(reached) > MAX_ENTITIES:
                reason = f"more than {MAX_ENTITIES} entities are connected; ask for the neighbourhood of a few steps"
                raise self._checks.error(Kind.REPOSITORY_ERROR, Code.REQUEST_TOO_LARGE, self._checks.method, self._checks.source, reason)
        return list(reached), list(links.values())

    def entities(self, guids: Iterable[str]) -> list[EntityDetail]:
        """The whole entities among these, as they are shown."""
        wanted = list(guids)
        self._load({guid for guid in wanted if guid not in self._found})
        return [self.cohort.entity(entity) for guid in wanted if (entity := self._found[guid]) is not None]

    def _is_there(self, guid: str) -> bool:
        entity = self._found[guid]
        return entity is None or self._status.has_type_and_status(None, entity.status)

    def _relationships(self, guids: Collection[str]) -> list[Relationship]:
        rows = self.reader.relationships_of(guids)
        if self._as_of is None:
            found = [relationship_of(row) for row in rows]
        else:
            instant = self._as_of
            versions = (relationship_versions(self.reader, row.guid) for row in rows)
            found = [version.value for each in versions for version in each if version.covers(instant)]
        return [one for one in found if self._status.has_type_and_status(None, one.status)]

    def _load(self, guids: Collection[str]) -> None:
        self._found.update(dict.fromkeys(guids))
        if self._as_of is None:
            rows = self.reader.instances(guids)
            classifications = self.reader.classifications(rows)
            self._found.update({guid: entity_of(row, classifications.get(guid, ())) for guid, row in rows.items() if row.kind == RowKind.ENTITY})
            return
        for guid in guids:
            version = next((one.value for one in entity_versions(self.reader, guid) if one.covers(self._as_of)), None)
            self._found[guid] = version if isinstance(version, EntityDetail) else None


def _ends(relationship: Relationship) -> tuple[str, str]:
    one, two = relationship.entity_one_proxy, relationship.entity_two_proxy
    return (one.guid if one is not None else None) or "", (two.guid if two is not None else None) or ""


def _type_name(instance: EntityDetail | Relationship) -> str | None:
    return instance.type.type_def_name if instance.type is not None else None


def _type_names(checks: Checks, parameter: str, guids: Sequence[str] | None) -> frozenset[str] | None:
    """The types with all below them; None when there is no limit."""
    if not guids:
        return None
    found = [checks.type_guid(parameter, guid).name or "" for guid in guids]
    return frozenset(found).union(*(checks.registry.subtypes(name) for name in found))


def _classification_names(checks: Checks, classifications: Sequence[str] | None) -> frozenset[str] | None:
    if not classifications:
        return None
    found = [checks.classification_name(name, "limitResultsByClassification") for name in classifications]
    below = (checks.registry.subtypes(one.name or "") for one in found if isinstance(one, ClassificationDef))
    return frozenset(one.name or "" for one in found).union(*below)
