"""Finds: the checks of each method, its conditions as a predicate, the page from the store (spec metadata-collection-semantics 5).

`as_of` None is the present. An empty page is None, never an empty list.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from cohort_sync.collection.answers import with_present_ends
from cohort_sync.collection.checks import Checks, names
from cohort_sync.collection.context import CollectionContext, dialect_of
from cohort_sync.collection.provenance import Cohort
from cohort_sync.omrs import conditions
from cohort_sync.omrs.conditions import SearchDialect
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.finds import EndMatchCriteria, MatchCriteria, Paging, SearchClassifications, SearchProperties, SequencingOrder
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.omrs.predicates import ALWAYS, Classified, Predicate, all_of
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.search_text import UnsupportedExpression
from cohort_sync.omrs.typedefs import ClassificationDef
from cohort_sync.store.finds import FindQuery, QueryTimeout
from cohort_sync.store.protocol import Reader, Store
from cohort_sync.store.rows import Kind as RowKind

T = TypeVar("T")
Statuses = Sequence[InstanceStatus] | None


class Finds:
    """The finds of one metadata collection."""

    def __init__(self, store: Store, context: CollectionContext) -> None:
        self._store = store
        self._context = context

    # ------------------------------------------------------------ entities

    async def find_entities(
        self,
        user: str,
        type_guid: str | None = None,
        subtype_guids: Sequence[str] | None = None,
        match: SearchProperties | None = None,
        statuses: Statuses = None,
        classifications: SearchClassifications | None = None,
        as_of: int | None = None,
        paging: Paging | None = None,
        dialect: SearchDialect | None = None,
    ) -> list[EntityDetail] | None:
        """Entities that satisfy conditions on their properties and classifications."""
        checks, page = self._begin("findEntities", user, paging)
        types = checks.type_names("entityTypeGUID", type_guid, "entitySubtypeGUIDs", subtype_guids)
        checks.as_of(as_of)
        checks.page_size(page.page_size)
        checks.search_properties(match)
        checks.search_classifications(classifications)
        spoken = self._dialect(checks, dialect)

        def predicate() -> Predicate:
            properties = conditions.search_predicate(match, spoken)
            return all_of(properties, conditions.classifications_predicate(classifications, spoken, _below(checks)))

        return await self._entities(checks, types, statuses, predicate, as_of, page)

    async def find_entities_by_property(
        self,
        user: str,
        type_guid: str | None = None,
        match: InstanceProperties | None = None,
        criteria: MatchCriteria | None = None,
        statuses: Statuses = None,
        classifications: Sequence[str] | None = None,
        as_of: int | None = None,
        paging: Paging | None = None,
        dialect: SearchDialect | None = None,
    ) -> list[EntityDetail] | None:
        """Entities that have all, any or none of these property values."""
        checks, page = self._begin("findEntitiesByProperty", user, paging)
        types = checks.type_names("entityTypeGUID", type_guid)
        checks.as_of(as_of)
        checks.page_size(page.page_size)
        checks.match_pair(match, criteria)
        spoken = self._dialect(checks, dialect)

        def predicate() -> Predicate:
            return all_of(conditions.match_predicate(match, criteria, spoken), _limited(checks, classifications))

        return await self._entities(checks, types, statuses, predicate, as_of, page)

    async def find_entities_by_classification(
        self,
        user: str,
        type_guid: str | None = None,
        classification: str | None = None,
        match: InstanceProperties | None = None,
        criteria: MatchCriteria | None = None,
        statuses: Statuses = None,
        as_of: int | None = None,
        paging: Paging | None = None,
        dialect: SearchDialect | None = None,
    ) -> list[EntityDetail] | None:
        """Entities with this classification, whose properties have all, any or none of these values."""
        checks, page = self._begin("findEntitiesByClassification", user, paging)
        types = checks.type_names("entityTypeGUID", type_guid)
        checks.as_of(as_of)
        checks.page_size(page.page_size)
        type_def = checks.optional_type_guid("entityTypeGUID", type_guid)
        if type_def is not None:
            checks.classification_for(classification, type_def.name or "")
        checks.match_pair(match, criteria)
        spoken = self._dialect(checks, dialect)
        wanted = frozenset((classification or "", *_below(checks)(classification or "")))

        def predicate() -> Predicate:
            return Classified(wanted, conditions.match_predicate(match, criteria, spoken))

        return await self._entities(checks, types, statuses, predicate, as_of, page)

    async def find_entities_by_property_value(
        self,
        user: str,
        type_guid: str | None = None,
        search: str | None = None,
        statuses: Statuses = None,
        classifications: Sequence[str] | None = None,
        as_of: int | None = None,
        paging: Paging | None = None,
        dialect: SearchDialect | None = None,
        *,
        starts_with: bool = False,
        ends_with: bool = False,
        ignore_case: bool = False,
    ) -> list[EntityDetail] | None:
        """Entities of which some text matches: an expression up to 5.x, a text with flags from 6.x."""
        checks, page = self._begin("findEntitiesByPropertyValue", user, paging)
        spoken = self._dialect(checks, dialect)
        text = checks.search_text(search, _search_parameter(spoken))
        types = checks.type_names("entityTypeGUID", type_guid)
        checks.as_of(as_of)
        checks.page_size(page.page_size)

        def predicate() -> Predicate:
            value = conditions.value_predicate(text, spoken, starts_with=starts_with, ends_with=ends_with, ignore_case=ignore_case)
            return all_of(value, _limited(checks, classifications))

        return await self._entities(checks, types, statuses, predicate, as_of, page)

    # ------------------------------------------------------------ relationships

    async def find_relationships(
        self,
        user: str,
        type_guid: str | None = None,
        subtype_guids: Sequence[str] | None = None,
        match: SearchProperties | None = None,
        statuses: Statuses = None,
        as_of: int | None = None,
        paging: Paging | None = None,
        dialect: SearchDialect | None = None,
        *,
        end1_guids: Sequence[str] | None = None,
        end2_guids: Sequence[str] | None = None,
        end_criteria: EndMatchCriteria | None = None,
    ) -> list[Relationship] | None:
        """Relationships that satisfy conditions on their properties and, from 6.x, on the entities at their ends."""
        checks, page = self._begin("findRelationships", user, paging)
        if end_criteria is not None and not end1_guids and not end2_guids:
            raise checks.invalid(Code.NO_RELATIONSHIP_ENDS, checks.method, checks.source, parameter="endMatchCriteria")
        types = checks.type_names("relationshipTypeGUID", type_guid, "relationshipSubtypeGUIDs", subtype_guids)
        checks.as_of(as_of)
        checks.page_size(page.page_size)
        checks.search_properties(match)
        spoken = self._dialect(checks, dialect)

        def predicate() -> Predicate:
            ends = conditions.ends_predicate(end1_guids or None, end2_guids or None, end_criteria)
            return all_of(ends, conditions.search_predicate(match, spoken))

        return await self._relationships(checks, types, statuses, predicate, as_of, page)

    async def find_relationships_by_property(
        self,
        user: str,
        type_guid: str | None = None,
        match: InstanceProperties | None = None,
        criteria: MatchCriteria | None = None,
        statuses: Statuses = None,
        as_of: int | None = None,
        paging: Paging | None = None,
        dialect: SearchDialect | None = None,
    ) -> list[Relationship] | None:
        """Relationships that have all, any or none of these property values."""
        checks, page = self._begin("findRelationshipsByProperty", user, paging)
        types = checks.type_names("relationshipTypeGUID", type_guid)
        checks.as_of(as_of)
        checks.page_size(page.page_size)
        checks.match_pair(match, criteria)
        spoken = self._dialect(checks, dialect)
        return await self._relationships(checks, types, statuses, lambda: conditions.match_predicate(match, criteria, spoken), as_of, page)

    async def find_relationships_by_property_value(
        self,
        user: str,
        type_guid: str | None = None,
        search: str | None = None,
        statuses: Statuses = None,
        as_of: int | None = None,
        paging: Paging | None = None,
        dialect: SearchDialect | None = None,
        *,
        starts_with: bool = False,
        ends_with: bool = False,
        ignore_case: bool = False,
    ) -> list[Relationship] | None:
        """Relationships of which some text matches."""
        checks, page = self._begin("findRelationshipsByPropertyValue", user, paging)
        types = checks.type_names("relationshipTypeGUID", type_guid)
        spoken = self._dialect(checks, dialect)
        text = checks.search_text(search, _search_parameter(spoken))
        checks.as_of(as_of)
        checks.page_size(page.page_size)

        def predicate() -> Predicate:
            return conditions.value_predicate(text, spoken, starts_with=starts_with, ends_with=ends_with, ignore_case=ignore_case)

        return await self._relationships(checks, types, statuses, predicate, as_of, page)

    # ------------------------------------------------------------ what they share

    def _begin(self, method: str, user: str, paging: Paging | None) -> tuple[Checks, Paging]:
        checks = Checks(self._context, method)
        checks.user(user)
        return checks, paging or Paging()

    def _dialect(self, checks: Checks, dialect: SearchDialect | None) -> SearchDialect:
        """What the call says, else what the members of this cohort speak."""
        return dialect_of(checks.registry.release) if dialect is None else dialect

    async def _entities(
        self, checks: Checks, types: frozenset[str] | None, statuses: Statuses, predicate: Callable[[], Predicate], as_of: int | None, page: Paging
    ) -> list[EntityDetail] | None:
        def query(reader: Reader) -> list[EntityDetail] | None:
            found = reader.find_entities(self._query(RowKind.ENTITY, types, statuses, predicate(), as_of, page))
            cohort = Cohort.now(self._context, reader)
            return [cohort.entity(one) for one in found] or None

        return await self._answer(checks, query)

    async def _relationships(
        self, checks: Checks, types: frozenset[str] | None, statuses: Statuses, predicate: Callable[[], Predicate], as_of: int | None, page: Paging
    ) -> list[Relationship] | None:
        def query(reader: Reader) -> list[Relationship] | None:
            found = reader.find_relationships(self._query(RowKind.RELATIONSHIP, types, statuses, predicate(), as_of, page))
            cohort = Cohort.now(self._context, reader)
            ends = found if as_of is not None else with_present_ends(reader, checks.registry, found)
            return [cohort.relationship(one) for one in ends] or None

        return await self._answer(checks, query)

    def _query(self, kind: RowKind, types: frozenset[str] | None, statuses: Statuses, predicate: Predicate, as_of: int | None, page: Paging) -> FindQuery:
        return FindQuery(
            kind=kind,
            type_names=types,
            statuses=names(statuses),
            predicate=predicate,
            as_of=as_of,
            order=page.sequencing_order or SequencingOrder.ANY,
            order_property=page.sequencing_property,
            offset=page.offset,
            page_size=page.page_size,
            timeout=self._context.find_timeout,
        )

    async def _answer(self, checks: Checks, query: Callable[[Reader], T]) -> T:
        try:
            return await self._store.read(query)
        except UnsupportedExpression as problem:
            raise checks.error(
                Kind.REPOSITORY_ERROR, Code.BAD_PROPERTY_FOR_INSTANCE, "java.util.regex.PatternSyntaxException", "", checks.method, checks.source, str(problem)
            ) from None
        except QueryTimeout:
            raise timed_out(checks, self._context.find_timeout) from None


def timed_out(checks: Checks, seconds: float) -> OMRSException:
    """A query that took too long."""
    return checks.error(Kind.REPOSITORY_ERROR, Code.QUERY_TIMEOUT, checks.method, checks.source, f"{seconds * 1000:.0f}")


def _search_parameter(dialect: SearchDialect) -> str:
    return "searchCriteria" if dialect is SearchDialect.EXPRESSION else "searchString"


def _below(checks: Checks) -> Callable[[str], Iterable[str]]:
    """The classifications below one."""

    def below(name: str) -> Iterable[str]:
        return checks.registry.subtypes(name) if isinstance(checks.registry.type_def(name), ClassificationDef) else ()

    return below


def _limited(checks: Checks, classifications: Sequence[str] | None) -> Predicate:
    return conditions.classified_predicate(classifications, _below(checks)) if classifications else ALWAYS
