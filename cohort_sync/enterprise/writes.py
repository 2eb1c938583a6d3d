"""Changes through the enterprise view go to the member that may make them (spec metadata-collection-semantics 13.2)."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.enterprise.federation import Failures, Federation
from cohort_sync.enterprise.member import Member
from cohort_sync.enterprise.reads import known_entity, present_relationship, summary
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, invalid_parameter
from cohort_sync.omrs.instances import AuditHeader, Classification, EntityDetail, EntityProxy, EntitySummary
from cohort_sync.omrs.properties import InstanceProperties

ResponseT = TypeVar("ResponseT", bound=res.OMRSResponse)
Handling = Callable[[Federation], Awaitable[res.OMRSResponse]]
_ADD_ORDER = (
    Kind.REPOSITORY_ERROR,
    Kind.USER_NOT_AUTHORIZED,
    Kind.TYPE_ERROR,
    Kind.CLASSIFICATION_ERROR,
    Kind.PROPERTY_ERROR,
    Kind.STATUS_NOT_SUPPORTED,
    Kind.INVALID_PARAMETER,
    Kind.FUNCTION_NOT_SUPPORTED,
)

# ------------------------------------------------------------ to whoever takes it


async def _first_to_do_it(federation: Federation, response: type[ResponseT], members: Iterable[Member], order: Sequence[Kind]) -> ResponseT:
    """The first member that does it; what one refuses the next is asked. Raises what comes first in the order, in doubt what was thrown first."""
    failures = Failures()
    for member in members:
        try:
            return await federation.ask(member, response)
        except OMRSException as error:
            failures.note(error)
    failures.raise_first(order)
    raise _nobody(federation, "", None)


async def add_entity(federation: Federation) -> res.OMRSResponse:
    return await _first_to_do_it(federation, res.EntityDetailResponse, federation.members, _ADD_ORDER)


async def add_relationship(federation: Federation) -> res.OMRSResponse:
    """Both ends have to be known somewhere; a member that does not know one is given a proxy of it first."""
    body, failures = federation.call.body(req.RelationshipCreateRequest), Failures()
    ends = [await summary(federation, guid) for guid in (body.entity_one_guid, body.entity_two_guid) if guid is not None]
    for member in federation.members:
        try:
            for end in ends:
                await _make_known(federation, member, end)
            return await federation.ask(member, res.RelationshipResponse)
        except OMRSException as error:
            failures.note(error)
    failures.raise_first(_ADD_ORDER)
    raise _nobody(federation, "", None)


async def _make_known(federation: Federation, member: Member, end: EntityDetail | EntityProxy | EntitySummary) -> None:
    guid = end.guid or ""
    try:
        await federation.ask(member, res.EntitySummaryResponse, "getEntitySummary", path={"guid": guid})
    except OMRSException as error:
        if error.kind is not Kind.ENTITY_NOT_KNOWN:
            raise
        proxy = _proxy(federation, end)
        await federation.ask(member, res.VoidResponse, "addEntityProxy", path={}, request=req.EntityProxyRequest(entity=proxy))


def _proxy(federation: Federation, end: EntityDetail | EntityProxy | EntitySummary) -> EntityProxy:
    if isinstance(end, EntityProxy):
        return end
    if isinstance(end, EntityDetail):
        return proxy_of_entity(federation.call.collection.context.types.registry, end)
    headers = {name: getattr(end, name) for name in end.__struct_fields__}
    return EntityProxy(**headers)


# ------------------------------------------------------------ to the home


def _homes(federation: Federation, header: AuditHeader) -> list[Member]:
    """Who may change what has this header: its home, or who replicates it."""
    return [member for member in federation.members if member.collection_id in (header.metadata_collection_id, header.replicated_by)]


def _nobody(federation: Federation, guid: str, home: str | None) -> OMRSException:
    return OMRSException(Kind.REPOSITORY_ERROR, Code.NO_HOME_FOR_INSTANCE, federation.method, guid, home, method=federation.method)


def entity_at_home(variable: str) -> Handling:
    """A change of an entity, whose GUID is this variable of the path, by its home."""

    async def handled(federation: Federation) -> res.OMRSResponse:
        guid = federation.call.path[variable]
        found = await summary(federation, guid)
        homes = _homes(federation, found)
        if not homes:
            raise _nobody(federation, guid, found.metadata_collection_id)
        return await federation.ask(homes[0], res.EntityDetailResponse)

    return handled


def relationship_at_home(variable: str) -> Handling:
    """The same for a relationship."""

    async def handled(federation: Federation) -> res.OMRSResponse:
        guid = federation.call.path[variable]
        found = await present_relationship(federation, guid)
        homes = _homes(federation, found)
        if not homes:
            raise _nobody(federation, guid, found.metadata_collection_id)
        return await federation.ask(homes[0], res.RelationshipResponse)

    return handled


def whoever_has_it(response: type[res.OMRSResponse]) -> Handling:
    """Purge and restore: what is soft-deleted is not found, so the members are tried in their order."""
    order = (Kind.ENTITY_NOT_DELETED, Kind.RELATIONSHIP_NOT_DELETED, Kind.REPOSITORY_ERROR, Kind.USER_NOT_AUTHORIZED, Kind.INVALID_PARAMETER)

    async def handled(federation: Federation) -> res.OMRSResponse:
        return await _first_to_do_it(federation, response, federation.members, order)

    return handled


# ------------------------------------------------------------ classifications


def _proxy_given(federation: Federation) -> EntityProxy | None:
    request = federation.call.request
    match request:
        case req.ProxyClassificationRequest() | req.ClassificationProxyRequest():
            return request.entity_proxy
        case req.EntityProxyRequest():
            return request.entity
        case _:
            return None


def _properties_given(federation: Federation) -> InstanceProperties | None:
    request = federation.call.request
    match request:
        case req.InstancePropertiesRequest():
            return request.instance_properties
        case req.ClassificationRequest():
            return request.classification_properties
        case _:
            return None


async def _classified(federation: Federation) -> tuple[str, AuditHeader, EntityDetail | None, Classification | None]:
    """GUID and header of the entity that is named in the path or given as a proxy, the entity where somebody has it, and the classification that it has."""
    proxy = _proxy_given(federation)
    guid = federation.call.path.get("entityGUID") or (proxy.guid if proxy is not None else None)
    if guid is None:
        source = federation.call.collection.context.source
        raise invalid_parameter(Code.NULL_ENTITY_PROXY, source, "entityProxy", federation.method, method=federation.method, parameter="entityProxy")
    entity = await known_entity(federation, guid, Failures())
    header = entity or proxy or await summary(federation, guid)
    name = federation.call.path["classificationName"]
    there = [one for one in (entity.classifications if entity is not None else None) or () if one.name == name and one.status is not InstanceStatus.DELETED]
    return guid, header, entity, there[0] if there else None


async def classify(federation: Federation) -> res.OMRSResponse:
    """By the home of the entity, else by us, else by who takes it. One that is there already with the same properties stays as it is."""
    guid, header, entity, there = await _classified(federation)
    response = federation.call.operation.response
    if there is not None:
        if there.properties != _properties_given(federation):
            name, method = there.name, federation.method
            source = federation.call.collection.context.source
            raise OMRSException(Kind.CLASSIFICATION_ERROR, Code.ENTITY_ALREADY_CLASSIFIED, method, source, name, guid, method=method)
        return res.EntityDetailResponse(entity=entity) if response is res.EntityDetailResponse else res.ClassificationResponse(classification=there)
    homes = _homes(federation, header)
    others = [member for member in federation.members if member not in homes]
    return await _first_to_do_it(federation, response, [*homes, *others], ())


async def at_home_of_classification(federation: Federation) -> res.OMRSResponse:
    """A change of a classification, or its removal, by its home: which need not be that of the entity."""
    guid, header, _, there = await _classified(federation)
    wanted: AuditHeader = there or header
    homes = _homes(federation, wanted)
    if not homes:
        raise _nobody(federation, guid, wanted.metadata_collection_id)
    return await federation.ask(homes[0], federation.call.operation.response)


async def not_here(federation: Federation) -> res.OMRSResponse:
    """What the enterprise view does not have."""
    raise OMRSException(Kind.FUNCTION_NOT_SUPPORTED, Code.ENTERPRISE_NOT_SUPPORTED, federation.method, method=federation.method)
