"""Finds over all members (spec metadata-collection-semantics 13.1).

Java gives out the pages of the members one after the other. Here every member gives its results from the first one to the end of the page that is asked for,
and the page is cut out of them in the order that is asked for: pages neither overlap nor leave out. Where only a copy of an instance was found, its home is
asked for what it is now: a copy may be old, and its home may have it further on or not at all among its own results.
"""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.enterprise.federation import Federation
from cohort_sync.enterprise.merge import Known, cut, merged_entities, merged_relationships, with_classifications
from cohort_sync.enterprise.reads import home_classifications, is_home, known_at, relationship_at
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.instances import EntityDetail, Relationship

_ORDER = (
    Kind.USER_NOT_AUTHORIZED,
    Kind.REPOSITORY_ERROR,
    Kind.PROPERTY_ERROR,
    Kind.INVALID_PARAMETER,
    Kind.FUNCTION_NOT_SUPPORTED,
    Kind.TYPE_ERROR,
    Kind.PAGING_ERROR,
)


def _from_the_first(federation: Federation, body: req.PagedFindRequest) -> req.PagedFindRequest:
    """What the members are asked for. Raises PagingError when the end of the page lies beyond what an answer may hold."""
    if body.page_size <= 0:
        return replace(body, offset=0) if body.page_size == 0 else body
    last, limit = max(body.offset, 0) + body.page_size, federation.call.limits.page_size
    if last > limit:
        reason = f"offset and pageSize end at result {last}, over all members the first {limit} can be paged through; narrow the find"
        source = federation.call.collection.context.source
        raise OMRSException(Kind.PAGING_ERROR, Code.REQUEST_TOO_LARGE, federation.method, source, reason, method=federation.method)
    return replace(body, offset=0, page_size=last)


async def find_entities(federation: Federation) -> res.OMRSResponse:
    """Every find whose result is a list of entities."""
    body = federation.call.body(req.PagedFindRequest)
    answers, failures = await federation.ask_all(res.EntityListResponse, request=_from_the_first(federation, body))
    if not answers:
        failures.raise_first(_ORDER)
    lists = [(member.collection_id, answer.entities or []) for member, answer in answers]
    page = cut(merged_entities(lists), body.paging)
    federation.call.within_limit(page)
    told = {collection: {entity.guid or "" for entity in entities} for collection, entities in lists}
    federation.missed += _missed(page, told.get(federation.local.collection_id))
    as_of = _as_of(body)

    async def complete(entity: EntityDetail) -> EntityDetail | None:
        """As its home has it, with the classifications of members that did not find it."""
        guid = entity.guid or ""
        silent = [member for member in federation.members if guid not in told.get(member.collection_id, ())]
        home = next((member for member in silent if is_home(member, entity)), None)
        now = await known_at(federation, home, guid) if home is not None and as_of is None else None
        whole = with_classifications(now or entity, [entity.classifications, *await home_classifications(federation, guid, silent, as_of)])
        return None if _is_gone(body, now) else whole

    entities = [one for one in await asyncio.gather(*map(complete, page)) if one is not None]
    return res.EntityListResponse(entities=entities or None, offset=body.offset if entities else 0, page_size=body.page_size if entities else 0)


async def find_relationships(federation: Federation) -> res.OMRSResponse:
    """Every find whose result is a list of relationships, and the relationships of an entity: who does not know the entity has none."""
    body = federation.call.body(req.PagedFindRequest)
    answers, failures = await federation.ask_all(res.RelationshipListResponse, request=_from_the_first(federation, body))
    if not answers:
        failures.errors = [error for error in failures.errors if error.kind is not Kind.ENTITY_NOT_KNOWN]
        failures.raise_first(_ORDER)
    lists = [(member.collection_id, answer.relationships or []) for member, answer in answers]
    page = cut(merged_relationships(lists), body.paging)
    federation.call.within_limit(page)
    told = {collection: {one.guid or "" for one in relationships} for collection, relationships in lists}
    federation.missed += _missed(page, told.get(federation.local.collection_id))

    async def complete(relationship: Relationship) -> Relationship | None:
        guid = relationship.guid or ""
        silent = (member for member in federation.members if guid not in told.get(member.collection_id, ()))
        home = next((member for member in silent if is_home(member, relationship)), None)
        now = await relationship_at(federation, home, guid) if home is not None and _as_of(body) is None else None
        return None if _is_gone(body, now) else now or relationship

    found = [one for one in await asyncio.gather(*map(complete, page)) if one is not None]
    return res.RelationshipListResponse(relationships=found or None, offset=body.offset if found else 0, page_size=body.page_size if found else 0)


def _as_of(body: req.PagedFindRequest) -> int | None:
    as_of: int | None = getattr(body, "as_of_time", None)
    return as_of


def _missed(page: Sequence[Known], local: set[str] | None) -> list[Known]:
    """What ours has not told; nothing when ours could not answer at all."""
    return [] if local is None else [one for one in page if (one.guid or "") not in local]


def _is_gone(body: req.PagedFindRequest, now: EntityDetail | Relationship | None) -> bool:
    """Has the home deleted what a copy was found of, and is that not asked for?"""
    return now is not None and now.status is InstanceStatus.DELETED and InstanceStatus.DELETED not in (body.limit_results_by_status or ())


async def find_graph(federation: Federation) -> res.OMRSResponse:
    """The neighbourhood of an entity, or what links two of them: the graphs of all members laid over each other. Up to 5.x."""
    answers, failures = await federation.ask_all(res.InstanceGraphResponse)
    if not answers:
        failures.raise_first((Kind.ENTITY_NOT_KNOWN, Kind.ENTITY_PROXY_ONLY, *_ORDER))
    entities = merged_entities((member.collection_id, answer.entity_element_list) for member, answer in answers)
    relationships = merged_relationships((member.collection_id, answer.relationship_element_list) for member, answer in answers)
    federation.call.within_limit(entities)
    return res.InstanceGraphResponse(entity_element_list=entities or None, relationship_element_list=relationships or None)
