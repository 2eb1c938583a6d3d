"""Finds over all members (spec metadata-collection-semantics 13.1).

Java gives out the pages of the members one after the other. Here every member gives its results from the first one to the end of the page that is asked for,
and the page is cut out of them in the order that is asked for: pages neither overlap nor leave out.
"""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.enterprise.federation import Federation
from cohort_sync.enterprise.merge import Known, cut, merged_entities, merged_relationships, with_classifications
from cohort_sync.enterprise.reads import home_classifications
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.instances import EntityDetail

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
    merged = merged_entities((member.collection_id, answer.entities) for member, answer in answers)
    page = cut(merged, body.paging)
    federation.call.within_limit(page)
    told = {member.collection_id: {entity.guid or "" for entity in answer.entities or ()} for member, answer in answers}
    federation.missed += _missed(page, told.get(federation.local.collection_id))
    entities = await _completed(federation, page, told, getattr(body, "as_of_time", None))
    return res.EntityListResponse(entities=entities or None, offset=body.offset if entities else 0, page_size=body.page_size if entities else 0)


def _missed(page: Sequence[Known], local: set[str] | None) -> list[Known]:
    """What ours has not told; nothing when ours could not answer at all."""
    return [] if local is None else [one for one in page if (one.guid or "") not in local]


async def _completed(federation: Federation, page: Sequence[EntityDetail], told: dict[str, set[str]], as_of: int | None) -> list[EntityDetail]:
    """With the classifications of members that did not find the entity."""

    async def complete(entity: EntityDetail) -> EntityDetail:
        guid = entity.guid or ""
        silent = [member for member in federation.members if guid not in told.get(member.collection_id, ())]
        return with_classifications(entity, await home_classifications(federation, guid, silent, as_of))

    return await asyncio.gather(*map(complete, page))


async def find_relationships(federation: Federation) -> res.OMRSResponse:
    """Every find whose result is a list of relationships, and the relationships of an entity: who does not know the entity has none."""
    body = federation.call.body(req.PagedFindRequest)
    answers, failures = await federation.ask_all(res.RelationshipListResponse, request=_from_the_first(federation, body))
    if not answers:
        failures.errors = [error for error in failures.errors if error.kind is not Kind.ENTITY_NOT_KNOWN]
        failures.raise_first(_ORDER)
    merged = merged_relationships((member.collection_id, answer.relationships) for member, answer in answers)
    page = cut(merged, body.paging)
    federation.call.within_limit(page)
    told = {member.collection_id: {one.guid or "" for one in answer.relationships or ()} for member, answer in answers}
    federation.missed += _missed(page, told.get(federation.local.collection_id))
    return res.RelationshipListResponse(relationships=page or None, offset=body.offset if page else 0, page_size=body.page_size if page else 0)


async def find_graph(federation: Federation) -> res.OMRSResponse:
    """The neighbourhood of an entity, or what links two of them: the graphs of all members laid over each other. Up to 5.x."""
    answers, failures = await federation.ask_all(res.InstanceGraphResponse)
    if not answers:
        failures.raise_first((Kind.ENTITY_NOT_KNOWN, Kind.ENTITY_PROXY_ONLY, *_ORDER))
    entities = merged_entities((member.collection_id, answer.entity_element_list) for member, answer in answers)
    relationships = merged_relationships((member.collection_id, answer.relationship_element_list) for member, answer in answers)
    federation.call.within_limit(entities)
    return res.InstanceGraphResponse(entity_element_list=entities or None, relationship_element_list=relationships or None)
