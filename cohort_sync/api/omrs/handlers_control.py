"""What the operations on control information, reference copies and the graph do."""

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.api.omrs.call import Call, Handler
from cohort_sync.api.omrs.handlers_read import entity_list
from cohort_sync.api.omrs.handlers_write import DONE
from cohort_sync.omrs.finds import Paging
from cohort_sync.omrs.instances import InstanceGraph

# ------------------------------------------------------------ control information


async def re_identify_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    entity = await call.collection.control.re_identify_entity(
        call.author, body.type_def_guid, body.type_def_name, call.path["entityGUID"], call.query.get("newEntityGUID")
    )
    return res.EntityDetailResponse(entity=entity)


async def re_type_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefChangeRequest)
    entity = await call.collection.control.re_type_entity(call.author, call.path["entityGUID"], body.current_type_def, body.new_type_def)
    return res.EntityDetailResponse(entity=entity)


async def re_home_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    entity = await call.collection.control.re_home_entity(
        call.author,
        call.path["entityGUID"],
        body.type_def_guid,
        body.type_def_name,
        call.path["homeMetadataCollectionId"],
        call.query.get("newHomeMetadataCollectionId"),
        call.query.get("newHomeMetadataCollectionName"),
    )
    return res.EntityDetailResponse(entity=entity)


async def re_identify_relationship(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    relationship = await call.collection.control.re_identify_relationship(
        call.author, body.type_def_guid, body.type_def_name, call.path["relationshipGUID"], call.query.get("newRelationshipGUID")
    )
    return res.RelationshipResponse(relationship=relationship)


async def re_type_relationship(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefChangeRequest)
    relationship = await call.collection.control.re_type_relationship(call.author, call.path["relationshipGUID"], body.current_type_def, body.new_type_def)
    return res.RelationshipResponse(relationship=relationship)


async def re_home_relationship(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    relationship = await call.collection.control.re_home_relationship(
        call.author,
        call.path["relationshipGUID"],
        body.type_def_guid,
        body.type_def_name,
        call.path["homeMetadataCollectionId"],
        call.query.get("newHomeMetadataCollectionId"),
        call.query.get("newHomeMetadataCollectionName"),
    )
    return res.RelationshipResponse(relationship=relationship)


# ------------------------------------------------------------ reference copies


async def save_entity_reference_copy(call: Call) -> res.OMRSResponse:
    await call.collection.copies.save_entity(call.author, call.body(req.EntityDetailRequest).entity)
    return DONE


async def delete_entity_reference_copy(call: Call) -> res.OMRSResponse:
    await call.collection.copies.delete_entity(call.author, call.body(req.EntityDetailRequest).entity)
    return DONE


async def purge_entity_reference_copy(call: Call) -> res.OMRSResponse:
    await call.collection.copies.purge_entity(call.author, call.body(req.EntityDetailRequest).entity)
    return DONE


async def purge_entity_reference_copy_by_guid(call: Call) -> res.OMRSResponse:
    body, home = call.body(req.TypeDefValidationForRequest), call.query.get("homeMetadataCollectionId")
    await call.collection.copies.purge_entity_by_guid(call.author, call.path["entityGUID"], body.type_def_guid, body.type_def_name, home)
    return DONE


async def refresh_entity_reference_copy(call: Call) -> res.OMRSResponse:
    body, home = call.body(req.TypeDefValidationForRequest), call.query.get("homeMetadataCollectionId")
    await call.collection.copies.refresh_entity(call.author, call.path["entityGUID"], body.type_def_guid, body.type_def_name, home)
    return DONE


async def save_classification_reference_copy(call: Call) -> res.OMRSResponse:
    body = call.body(req.ClassificationWithEntityRequest)
    await call.collection.copies.save_classification(call.author, body.entity or body.entity_proxy, body.classification)
    return DONE


async def purge_classification_reference_copy(call: Call) -> res.OMRSResponse:
    body = call.body(req.ClassificationWithEntityRequest)
    await call.collection.copies.purge_classification(call.author, body.entity or body.entity_proxy, body.classification)
    return DONE


async def save_relationship_reference_copy(call: Call) -> res.OMRSResponse:
    await call.collection.copies.save_relationship(call.author, call.body(req.RelationshipRequest).relationship)
    return DONE


async def delete_relationship_reference_copy(call: Call) -> res.OMRSResponse:
    await call.collection.copies.delete_relationship(call.author, call.body(req.RelationshipRequest).relationship)
    return DONE


async def purge_relationship_reference_copy(call: Call) -> res.OMRSResponse:
    await call.collection.copies.purge_relationship(call.author, call.body(req.RelationshipRequest).relationship)
    return DONE


async def purge_relationship_reference_copy_by_guid(call: Call) -> res.OMRSResponse:
    body, home = call.body(req.TypeDefValidationForRequest), call.query.get("homeMetadataCollectionId")
    await call.collection.copies.purge_relationship_by_guid(call.author, call.path["relationshipGUID"], body.type_def_guid, body.type_def_name, home)
    return DONE


async def refresh_relationship_reference_copy(call: Call) -> res.OMRSResponse:
    body, home = call.body(req.TypeDefValidationForRequest), call.query.get("homeMetadataCollectionId")
    await call.collection.copies.refresh_relationship(call.author, call.path["relationshipGUID"], body.type_def_guid, body.type_def_name, home)
    return DONE


async def save_instance_reference_copies(call: Call) -> res.OMRSResponse:
    body = call.body(req.InstanceGraphRequest)
    await call.collection.copies.save_instances(call.author, body.entity_element_list, body.relationship_element_list)
    return DONE


# ------------------------------------------------------------ the graph


def _graph(call: Call, graph: InstanceGraph) -> res.InstanceGraphResponse:
    call.within_limit(graph.entities)
    return res.InstanceGraphResponse(entity_element_list=graph.entities, relationship_element_list=graph.relationships)


async def get_entity_neighborhood(call: Call) -> res.OMRSResponse:
    body = call.body(req.EntityNeighborhoodFindRequest)
    graph = await call.collection.graph.get_entity_neighborhood(
        call.user,
        call.path["entityGUID"],
        body.entity_type_guids,
        body.relationship_type_guids,
        body.limit_results_by_status or None,
        body.limit_results_by_classification,
        body.as_of_time if isinstance(body, req.EntityNeighborhoodHistoricalFindRequest) else None,
        call.number("level"),
    )
    return _graph(call, graph)


async def get_linking_entities(call: Call) -> res.OMRSResponse:
    body = call.body(req.FindRequest)
    graph = await call.collection.graph.get_linking_entities(
        call.user,
        call.path["startEntityGUID"],
        call.query.get("endEntityGUID"),
        body.limit_results_by_status or None,
        body.as_of_time if isinstance(body, req.HistoricalFindRequest) else None,
    )
    return _graph(call, graph)


async def get_related_entities(call: Call) -> res.OMRSResponse:
    body = call.body(req.RelatedEntitiesFindRequest)
    paging: Paging = call.paging(body)
    entities = await call.collection.graph.get_related_entities(
        call.user,
        call.path["startEntityGUID"],
        body.entity_type_guids,
        body.limit_results_by_status or None,
        body.limit_results_by_classification,
        body.as_of_time if isinstance(body, req.RelatedEntitiesHistoricalFindRequest) else None,
        paging,
    )
    return entity_list(call, entities, body.offset, body.page_size)


CONTROL_HANDLERS: dict[str, Handler] = {
    "reIdentifyEntity": re_identify_entity,
    "reTypeEntity": re_type_entity,
    "reHomeEntity": re_home_entity,
    "reIdentifyRelationship": re_identify_relationship,
    "reTypeRelationship": re_type_relationship,
    "reHomeRelationship": re_home_relationship,
    "saveEntityReferenceCopy": save_entity_reference_copy,
    "deleteEntityReferenceCopy": delete_entity_reference_copy,
    "purgeEntityReferenceCopy": purge_entity_reference_copy,
    "purgeEntityReferenceCopyByGUID": purge_entity_reference_copy_by_guid,
    "refreshEntityReferenceCopy": refresh_entity_reference_copy,
    "saveClassificationReferenceCopy": save_classification_reference_copy,
    "purgeClassificationReferenceCopy": purge_classification_reference_copy,
    "saveRelationshipReferenceCopy": save_relationship_reference_copy,
    "deleteRelationshipReferenceCopy": delete_relationship_reference_copy,
    "purgeRelationshipReferenceCopy": purge_relationship_reference_copy,
    "purgeRelationshipReferenceCopyByGUID": purge_relationship_reference_copy_by_guid,
    "refreshRelationshipReferenceCopy": refresh_relationship_reference_copy,
    "saveInstanceReferenceCopies": save_instance_reference_copies,
    "getEntityNeighborhood": get_entity_neighborhood,
    "getEntityNeighborhoodAsOf": get_entity_neighborhood,
    "getLinkingEntities": get_linking_entities,
    "getLinkingEntitiesAsOf": get_linking_entities,
    "getRelatedEntities": get_related_entities,
    "getRelatedEntitiesAsOf": get_related_entities,
}
