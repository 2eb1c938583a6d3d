"""The enterprise view as a whole: which operation is answered how, and who is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from uuid import NAMESPACE_URL, uuid5

import structlog

from cohort_sync.api.omrs import responses as res
from cohort_sync.api.omrs.call import Call
from cohort_sync.api.omrs.handlers import HANDLERS
from cohort_sync.enterprise import finds, reads, types, writes
from cohort_sync.enterprise.federation import Federation
from cohort_sync.enterprise.local import LocalMember
from cohort_sync.enterprise.member import Member
from cohort_sync.enterprise.members import RemoteMembers
from cohort_sync.enterprise.refresher import Refresher

_log = structlog.stdlib.get_logger(__name__)
Handling = Callable[[Federation], Awaitable[res.OMRSResponse]]


def enterprise_id(collection_id: str) -> str:
    """The metadata collection id of the view: of its own, as it is no collection that could be somebody's home, and always the same."""
    return str(uuid5(NAMESPACE_URL, f"enterprise:{collection_id}"))


class Enterprise:
    """Answers the calls below `/enterprise`. Raises OMRSException."""

    def __init__(self, remote: RemoteMembers, refresher: Refresher | None = None) -> None:
        """`refresher`: is told what others have and we have not."""
        self._remote = remote
        self._refresher = refresher
        self._left_out: dict[str, str] = {}

    async def handle(self, call: Call) -> res.OMRSResponse:
        """One call."""
        name = call.operation.name
        if name == "getMetadataCollectionId":
            local = call.collection.metadata_collection_id(call.user)
            return res.MetadataCollectionIdResponse(metadata_collection_id=enterprise_id(local))
        handling = FEDERATED.get(name)
        if handling is None:
            return await HANDLERS[name](call)
        federation = Federation(call, await self._members(call))
        answer = await handling(federation)
        if self._refresher is not None and federation.missed:
            self._refresher.missed(call.user, federation.missed)
        return answer

    async def _members(self, call: Call) -> list[Member]:
        """Ours, then those of the others that are there. Who is left out is told in the log, once."""
        others = await self._remote.registered()
        present = await asyncio.gather(*(member.present(call.user) for member in others))
        for member, there in zip(others, present, strict=True):
            reason = None if there else member.problem
            if reason is not None and self._left_out.get(member.name) != reason:
                _log.warning("A member is left out of federated queries", member=member.name, reason=reason)
                self._left_out[member.name] = reason
            elif there:
                self._left_out.pop(member.name, None)
        return [LocalMember(call), *(member for member, there in zip(others, present, strict=True) if there)]


FEDERATED: Mapping[str, Handling] = {
    **dict.fromkeys(("getAllTypes", "findTypesByName"), types.find_gallery),
    **dict.fromkeys(("findTypeDefsByCategory", "findTypeDefsByProperty", "findTypesByExternalID", "searchForTypeDefs"), types.find_type_defs),
    "findAttributeTypeDefsByCategory": types.find_attribute_type_defs,
    **dict.fromkeys(("getTypeDefByGUID", "getTypeDefByName"), types.get_type_def),
    **dict.fromkeys(("getAttributeTypeDefByGUID", "getAttributeTypeDefByName"), types.get_attribute_type_def),
    **dict.fromkeys(("verifyTypeDef", "verifyAttributeTypeDef"), types.verify),
    "isEntityKnown": reads.is_entity_known,
    "getEntitySummary": reads.get_entity_summary,
    "getEntityDetail": reads.get_entity_detail,
    "getEntityDetailAsOf": reads.get_entity_detail_as_of,
    "getEntityDetailHistory": reads.get_entity_detail_history,
    "getClassificationHistory": reads.get_classification_history,
    "isRelationshipKnown": reads.is_relationship_known,
    "getRelationship": reads.get_relationship,
    "getRelationshipAsOf": reads.get_relationship_as_of,
    "getRelationshipHistory": reads.get_relationship_history,
    **{
        f"{find}{when}": finds.find_entities
        for find in ("findEntities", "findEntitiesByProperty", "findEntitiesByClassification", "findEntitiesByPropertyValue", "getRelatedEntities")
        for when in ("", "AsOf")
    },
    **{
        f"{find}{when}": finds.find_relationships
        for find in ("getRelationshipsForEntity", "findRelationships", "findRelationshipsByProperty", "findRelationshipsByPropertyValue")
        for when in ("", "AsOf")
    },
    **{f"{find}{when}": finds.find_graph for find in ("getLinkingEntities", "getEntityNeighborhood") for when in ("", "AsOf")},
    **dict.fromkeys(("addEntity", "addExternalEntity"), writes.add_entity),
    **dict.fromkeys(("addRelationship", "addExternalRelationship"), writes.add_relationship),
    "addEntityProxy": writes.not_here,
    **dict.fromkeys(("updateEntityStatus", "updateEntityProperties", "undoEntityUpdate"), writes.entity_at_home("entityGUID")),
    "deleteEntity": writes.entity_at_home("obsoleteEntityGUID"),
    "purgeEntity": writes.whoever_has_it(res.VoidResponse),
    "restoreEntity": writes.whoever_has_it(res.EntityDetailResponse),
    **dict.fromkeys(("updateRelationshipStatus", "updateRelationshipProperties", "undoRelationshipUpdate"), writes.relationship_at_home("relationshipGUID")),
    "deleteRelationship": writes.relationship_at_home("obsoleteRelationshipGUID"),
    "purgeRelationship": writes.whoever_has_it(res.VoidResponse),
    "restoreRelationship": writes.whoever_has_it(res.RelationshipResponse),
    **dict.fromkeys(("classifyEntity", "classifyEntityProxy", "classifyEntityDetailed", "classifyEntityProxyDetailed"), writes.classify),
    **dict.fromkeys(
        ("declassifyEntity", "declassifyEntityProxy", "updateEntityClassification", "updateEntityProxyClassification"), writes.at_home_of_classification
    ),
}
"""Every operation of the enterprise view but those that are answered without asking anybody."""
