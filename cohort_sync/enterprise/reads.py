"""Single instances and their histories out of all members (spec metadata-collection-semantics 13.1)."""

from typing import TypeVar

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.enterprise.federation import Failures, Federation
from cohort_sync.enterprise.member import Member
from cohort_sync.enterprise.merge import AnyEntity, best, versions, with_classifications
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.finds import HistorySequencingOrder
from cohort_sync.omrs.instances import Classification, EntityDetail, Relationship

Known = TypeVar("Known", EntityDetail, Relationship)
EntityT = TypeVar("EntityT", bound=AnyEntity)
_ORDER = (Kind.REPOSITORY_ERROR, Kind.USER_NOT_AUTHORIZED, Kind.INVALID_PARAMETER, Kind.ENTITY_PROXY_ONLY, Kind.ENTITY_NOT_KNOWN)
_RELATIONSHIP_ORDER = (Kind.REPOSITORY_ERROR, Kind.USER_NOT_AUTHORIZED, Kind.INVALID_PARAMETER, Kind.RELATIONSHIP_NOT_KNOWN)
_SUMMARY_ORDER = (Kind.ENTITY_NOT_KNOWN, Kind.REPOSITORY_ERROR, Kind.USER_NOT_AUTHORIZED, Kind.INVALID_PARAMETER)
_HISTORY_ORDER = (*_ORDER, Kind.RELATIONSHIP_NOT_KNOWN, Kind.FUNCTION_NOT_SUPPORTED)


def is_home(member: Member, instance: AnyEntity | Relationship | None) -> bool:
    """Is this member the home of the instance?"""
    return instance is not None and instance.metadata_collection_id == member.collection_id


# ------------------------------------------------------------ entities


async def known_entity(federation: Federation, guid: str, failures: Failures) -> EntityDetail | None:
    """The entity, soft-deleted or not, with all its classifications. Members are asked until its home has answered."""
    answers: list[tuple[str, EntityDetail]] = []
    silent: list[Member] = []
    for number, member in enumerate(federation.members):
        try:
            entity = (await federation.ask(member, res.EntityDetailResponse, "isEntityKnown", path={"guid": guid})).entity
        except OMRSException as error:
            failures.note(error)
            continue
        if entity is None:
            silent.append(member)
            continue
        answers.append((member.collection_id, entity))
        if is_home(member, entity):
            silent += federation.members[number + 1 :]
            break
    winner = best(answers)
    if winner is None:
        return None
    told = await home_classifications(federation, guid, silent)
    return with_classifications(winner, [*(entity.classifications for _, entity in answers), *told], deleted=True)


async def home_classifications(
    federation: Federation, guid: str, members: "list[Member] | tuple[Member, ...]", as_of: int | None = None
) -> list[list[Classification] | None]:
    """What these members have put on an entity that they do not tell otherwise. Their errors do not matter."""
    if not members:
        return []
    operation = "getHomeClassifications" if as_of is None else "getHomeClassificationsAsOf"
    request = None if as_of is None else req.HistoryRequest(as_of_time=as_of)
    answers, _ = await federation.ask_all(res.ClassificationListResponse, operation, path={"entityGUID": guid}, request=request, members=members)
    return [answer.classifications for _, answer in answers]


async def known_at(federation: Federation, member: Member, guid: str) -> EntityDetail | None:
    """The entity as this member has it; None when it has none or cannot say."""
    try:
        return (await federation.ask(member, res.EntityDetailResponse, "isEntityKnown", path={"guid": guid})).entity
    except OMRSException:
        return None


async def relationship_at(federation: Federation, member: Member, guid: str) -> Relationship | None:
    """The same for a relationship."""
    try:
        return (await federation.ask(member, res.RelationshipResponse, "isRelationshipKnown", path={"guid": guid})).relationship
    except OMRSException:
        return None


async def is_entity_known(federation: Federation) -> res.OMRSResponse:
    failures = Failures()
    entity = await known_entity(federation, federation.call.path["guid"], failures)
    if entity is None:
        failures.raise_first(_ORDER)
    return res.EntityDetailResponse(entity=entity)


async def get_entity_detail(federation: Federation) -> res.OMRSResponse:
    guid, failures = federation.call.path["guid"], Failures()
    entity = await known_entity(federation, guid, failures)
    if entity is None:
        failures.raise_first(_ORDER)
        raise await _unknown_entity(federation, guid)
    if entity.status is InstanceStatus.DELETED:
        type_name = entity.type.type_def_name if entity.type is not None else None
        raise _error(federation, Kind.ENTITY_NOT_KNOWN, Code.ENTITY_SOFT_DELETED, type_name, guid)
    return res.EntityDetailResponse(entity=with_classifications(entity, ()))


async def _unknown_entity(federation: Federation, guid: str) -> OMRSException:
    """EntityProxyOnly where somebody has at least a proxy."""
    answers, _ = await federation.ask_all(res.EntitySummaryResponse, "getEntitySummary", path={"guid": guid})
    if any(answer.entity is not None for _, answer in answers):
        source = federation.call.collection.context.source
        return OMRSException(Kind.ENTITY_PROXY_ONLY, Code.ENTITY_PROXY_ONLY, guid, source, "guid", federation.method, method=federation.method)
    return _error(federation, Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, guid)


def _error(federation: Federation, kind: Kind, code: Code, *parameters: str | None) -> OMRSException:
    return OMRSException(kind, code, *parameters, federation.method, federation.call.collection.context.source, method=federation.method)


async def get_entity_detail_as_of(federation: Federation) -> res.OMRSResponse:
    guid, as_of = federation.call.path["guid"], federation.call.body(req.HistoryRequest).as_of_time
    answers, failures = await federation.ask_all(res.EntityDetailResponse)
    found = [(member.collection_id, answer.entity) for member, answer in answers if answer.entity is not None]
    winner = best(found)
    if winner is None:
        failures.raise_first(_ORDER)
        raise _error(federation, Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, guid)
    silent = [member for member in federation.members if member.collection_id not in dict(found)]
    told = await home_classifications(federation, guid, silent, as_of)
    return res.EntityDetailResponse(entity=with_classifications(winner, [*(one.classifications for _, one in found), *told]))


async def summary(federation: Federation, guid: str) -> AnyEntity:
    """The entity, or what is known of it. Raises EntityNotKnown."""
    answers, failures = await federation.ask_all(res.EntitySummaryResponse, "getEntitySummary", path={"guid": guid})
    found = [(member.collection_id, answer.entity) for member, answer in answers if answer.entity is not None]
    winner = best(found)
    if winner is None:
        failures.raise_first(_SUMMARY_ORDER)
        raise _error(federation, Kind.ENTITY_NOT_KNOWN, Code.ENTITY_NOT_KNOWN, guid)
    silent = [member for member in federation.members if member.collection_id not in dict(found)]
    told = await home_classifications(federation, guid, silent)
    return with_classifications(winner, [*(one.classifications for _, one in found), *told])


async def get_entity_summary(federation: Federation) -> res.OMRSResponse:
    return res.EntitySummaryResponse(entity=await summary(federation, federation.call.path["guid"]))


# ------------------------------------------------------------ relationships


async def known_relationship(federation: Federation, guid: str, failures: Failures) -> Relationship | None:
    """The relationship, soft-deleted or not. Members are asked until its home has answered."""
    answers: list[tuple[str, Relationship]] = []
    for member in federation.members:
        try:
            found = (await federation.ask(member, res.RelationshipResponse, "isRelationshipKnown", path={"guid": guid})).relationship
        except OMRSException as error:
            failures.note(error)
            continue
        if found is not None:
            answers.append((member.collection_id, found))
            if is_home(member, found):
                break
    return best(answers)


async def is_relationship_known(federation: Federation) -> res.OMRSResponse:
    failures = Failures()
    relationship = await known_relationship(federation, federation.call.path["guid"], failures)
    if relationship is None:
        failures.raise_first(_RELATIONSHIP_ORDER)
    return res.RelationshipResponse(relationship=relationship)


async def present_relationship(federation: Federation, guid: str) -> Relationship:
    """The relationship. Raises RelationshipNotKnown, also for one that is soft-deleted."""
    failures = Failures()
    relationship = await known_relationship(federation, guid, failures)
    if relationship is None:
        failures.raise_first(_RELATIONSHIP_ORDER)
        raise _error(federation, Kind.RELATIONSHIP_NOT_KNOWN, Code.RELATIONSHIP_NOT_FOUND, guid)
    if relationship.status is InstanceStatus.DELETED:
        type_name = relationship.type.type_def_name if relationship.type is not None else None
        raise _error(federation, Kind.RELATIONSHIP_NOT_KNOWN, Code.RELATIONSHIP_SOFT_DELETED, type_name, guid)
    return relationship


async def get_relationship(federation: Federation) -> res.OMRSResponse:
    return res.RelationshipResponse(relationship=await present_relationship(federation, federation.call.path["guid"]))


async def get_relationship_as_of(federation: Federation) -> res.OMRSResponse:
    answers, failures = await federation.ask_all(res.RelationshipResponse)
    winner = best((member.collection_id, answer.relationship) for member, answer in answers if answer.relationship is not None)
    if winner is None:
        failures.raise_first(_RELATIONSHIP_ORDER)
        raise _error(federation, Kind.RELATIONSHIP_NOT_KNOWN, Code.RELATIONSHIP_NOT_FOUND, federation.call.path["guid"])
    return res.RelationshipResponse(relationship=winner)


# ------------------------------------------------------------ histories


async def get_entity_detail_history(federation: Federation) -> res.OMRSResponse:
    body = federation.call.body(req.HistoryRangeRequest)
    answers, failures = await federation.ask_all(res.EntityListResponse, request=_all_versions(body))
    if not answers:
        failures.raise_first(_HISTORY_ORDER)
    found = versions(((member.collection_id, answer.entities) for member, answer in answers), newest_first=_newest_first(body))
    return res.EntityListResponse(entities=_page(found, body) or None)


async def get_relationship_history(federation: Federation) -> res.OMRSResponse:
    body = federation.call.body(req.HistoryRangeRequest)
    answers, failures = await federation.ask_all(res.RelationshipListResponse, request=_all_versions(body))
    if not answers:
        failures.raise_first(_HISTORY_ORDER)
    found = versions(((member.collection_id, answer.relationships) for member, answer in answers), newest_first=_newest_first(body))
    return res.RelationshipListResponse(relationships=_page(found, body) or None)


async def get_classification_history(federation: Federation) -> res.OMRSResponse:
    body = federation.call.body(req.HistoryRangeRequest)
    answers, failures = await federation.ask_all(res.ClassificationListResponse, request=_all_versions(body))
    if not answers:
        failures.raise_first(_HISTORY_ORDER)
    found: dict[int, Classification] = {}
    for member, answer in answers:
        for one in answer.classifications or ():
            if one.version not in found or one.metadata_collection_id == member.collection_id:
                found[one.version] = one
    ordered = [found[version] for version in sorted(found, reverse=_newest_first(body))]
    return res.ClassificationListResponse(classifications=_page(ordered, body) or None)


def _newest_first(body: req.HistoryRangeRequest) -> bool:
    return body.sequencing_order is not HistorySequencingOrder.FORWARDS


def _all_versions(body: req.HistoryRangeRequest) -> req.HistoryRangeRequest:
    """A page of the whole is not made of pages of the parts; a wrong page size is for the members to refuse."""
    return body if body.page_size < 0 else req.HistoryRangeRequest(from_time=body.from_time, to_time=body.to_time, sequencing_order=body.sequencing_order)


T = TypeVar("T")


def _page(items: list[T], body: req.HistoryRangeRequest) -> list[T]:
    offset = max(body.offset, 0)
    return items[offset : offset + body.page_size] if body.page_size > 0 else items[offset:]
