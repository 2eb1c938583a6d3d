"""What the operations that change something do: the call's values to the collection's methods, their result into the response."""

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.api.omrs.call import Call, Handler
from cohort_sync.collection.classifications import Origin
from cohort_sync.omrs.typedefs import TypeDefGallery

DONE = res.VoidResponse()

# ------------------------------------------------------------ types


async def add_type_def_gallery(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefGalleryRequest)
    gallery = TypeDefGallery(attribute_type_defs=body.attribute_type_defs, type_defs=body.type_defs)
    await call.collection.type_maintenance.add_type_def_gallery(call.author, gallery)
    return DONE


async def add_type_def(call: Call) -> res.OMRSResponse:
    await call.collection.type_maintenance.add_type_def(call.author, call.body(req.TypeDefRequest).type_def)
    return DONE


async def add_attribute_type_def(call: Call) -> res.OMRSResponse:
    await call.collection.type_maintenance.add_attribute_type_def(call.author, call.body(req.AttributeTypeDefRequest).attribute_type_def)
    return DONE


async def update_type_def(call: Call) -> res.OMRSResponse:
    patch = call.body(req.TypeDefPatchRequest).type_def_patch
    return res.TypeDefResponse(type_def=await call.collection.type_maintenance.update_type_def(call.author, patch))


def _obsolete_name(call: Call) -> str | None:
    """From 6.x in the body, up to 5.x in the query."""
    return call.body(req.TypeDefDeleteRequest).obsolete_type_def_name or call.query.get("name")


async def delete_type_def(call: Call) -> res.OMRSResponse:
    await call.collection.type_maintenance.delete_type_def(call.author, call.path["guid"], _obsolete_name(call))
    return DONE


async def delete_attribute_type_def(call: Call) -> res.OMRSResponse:
    await call.collection.type_maintenance.delete_attribute_type_def(call.author, call.path["guid"], _obsolete_name(call))
    return DONE


async def re_identify_type_def(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefReIdentifyRequest)
    type_def = await call.collection.type_maintenance.re_identify_type_def(
        call.author, call.path["originalTypeDefGUID"], body.original_type_def_name, body.new_type_def_guid, body.new_type_def_name
    )
    return res.TypeDefResponse(type_def=type_def)


async def re_identify_attribute_type_def(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefReIdentifyRequest)
    attribute_type = await call.collection.type_maintenance.re_identify_attribute_type_def(
        call.author, call.path["originalAttributeTypeDefGUID"], body.original_type_def_name, body.new_type_def_guid, body.new_type_def_name
    )
    return res.AttributeTypeDefResponse(attribute_type_def=attribute_type)


# ------------------------------------------------------------ entities


async def add_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.EntityCreateRequest)
    entity = await call.collection.entities.add_entity(
        call.author, body.entity_type_guid, body.initial_properties, body.initial_classifications, body.initial_status
    )
    return res.EntityDetailResponse(entity=entity)


async def add_external_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.EntityCreateRequest)
    entity = await call.collection.entities.add_external_entity(
        call.author,
        body.entity_type_guid,
        body.metadata_collection_id,
        body.metadata_collection_name,
        body.initial_properties,
        body.initial_classifications,
        body.initial_status,
    )
    return res.EntityDetailResponse(entity=entity)


async def add_entity_proxy(call: Call) -> res.OMRSResponse:
    await call.collection.entities.add_entity_proxy(call.author, call.body(req.EntityProxyRequest).entity)
    return DONE


async def update_entity_status(call: Call) -> res.OMRSResponse:
    status = call.body(req.InstanceStatusRequest).instance_status
    return res.EntityDetailResponse(entity=await call.collection.entities.update_entity_status(call.author, call.path["entityGUID"], status))


async def update_entity_properties(call: Call) -> res.OMRSResponse:
    properties = call.body(req.InstancePropertiesRequest).instance_properties
    return res.EntityDetailResponse(entity=await call.collection.entities.update_entity_properties(call.author, call.path["entityGUID"], properties))


async def undo_entity_update(call: Call) -> res.OMRSResponse:
    return res.EntityDetailResponse(entity=await call.collection.entities.undo_entity_update(call.author, call.path["entityGUID"]))


async def delete_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    entity = await call.collection.entities.delete_entity(call.author, body.type_def_guid, body.type_def_name, call.path["obsoleteEntityGUID"])
    return res.EntityDetailResponse(entity=entity)


async def purge_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    await call.collection.entities.purge_entity(call.author, body.type_def_guid, body.type_def_name, call.path["deletedEntityGUID"])
    return DONE


async def restore_entity(call: Call) -> res.OMRSResponse:
    return res.EntityDetailResponse(entity=await call.collection.entities.restore_entity(call.author, call.path["deletedEntityGUID"]))


# ------------------------------------------------------------ classifications


def _origin(body: req.ClassificationRequest) -> Origin:
    return Origin(
        source_guid=body.metadata_collection_id,
        source_name=body.metadata_collection_name,
        origin=body.classification_origin,
        origin_guid=body.classification_origin_guid,
    )


async def classify_entity(call: Call) -> res.OMRSResponse:
    properties = call.body(req.InstancePropertiesRequest).instance_properties
    entity = await call.collection.classifications.classify_entity(call.author, call.path["entityGUID"], call.path["classificationName"], properties)
    return res.EntityDetailResponse(entity=entity)


async def classify_entity_proxy(call: Call) -> res.OMRSResponse:
    body = call.body(req.ProxyClassificationRequest)
    classification = await call.collection.classifications.classify_proxy(
        call.author, body.entity_proxy, call.path["classificationName"], body.instance_properties
    )
    return res.ClassificationResponse(classification=classification)


async def classify_entity_detailed(call: Call) -> res.OMRSResponse:
    body = call.body(req.ClassificationRequest)
    entity = await call.collection.classifications.classify_entity(
        call.author, call.path["entityGUID"], call.path["classificationName"], body.classification_properties, _origin(body)
    )
    return res.EntityDetailResponse(entity=entity)


async def classify_entity_proxy_detailed(call: Call) -> res.OMRSResponse:
    body = call.body(req.ClassificationProxyRequest)
    classification = await call.collection.classifications.classify_proxy(
        call.author, body.entity_proxy, call.path["classificationName"], body.classification_properties, _origin(body)
    )
    return res.ClassificationResponse(classification=classification)


async def declassify_entity(call: Call) -> res.OMRSResponse:
    entity = await call.collection.classifications.declassify_entity(call.author, call.path["entityGUID"], call.path["classificationName"])
    return res.EntityDetailResponse(entity=entity)


async def declassify_entity_proxy(call: Call) -> res.OMRSResponse:
    proxy = call.body(req.EntityProxyRequest).entity
    classification = await call.collection.classifications.declassify_proxy(call.author, proxy, call.path["classificationName"])
    return res.ClassificationResponse(classification=classification)


async def update_entity_classification(call: Call) -> res.OMRSResponse:
    properties = call.body(req.InstancePropertiesRequest).instance_properties
    entity = await call.collection.classifications.update_entity_classification(
        call.author, call.path["entityGUID"], call.path["classificationName"], properties
    )
    return res.EntityDetailResponse(entity=entity)


async def update_entity_proxy_classification(call: Call) -> res.OMRSResponse:
    body = call.body(req.ProxyClassificationRequest)
    classification = await call.collection.classifications.update_proxy_classification(
        call.author, body.entity_proxy, call.path["classificationName"], body.instance_properties
    )
    return res.ClassificationResponse(classification=classification)


# ------------------------------------------------------------ relationships


async def add_relationship(call: Call) -> res.OMRSResponse:
    body = call.body(req.RelationshipCreateRequest)
    relationship = await call.collection.relationships.add_relationship(
        call.author, body.relationship_type_guid, body.initial_properties, body.entity_one_guid, body.entity_two_guid, body.initial_status
    )
    return res.RelationshipResponse(relationship=relationship)


async def add_external_relationship(call: Call) -> res.OMRSResponse:
    body = call.body(req.RelationshipCreateRequest)
    relationship = await call.collection.relationships.add_external_relationship(
        call.author,
        body.relationship_type_guid,
        body.metadata_collection_id,
        body.metadata_collection_name,
        body.initial_properties,
        body.entity_one_guid,
        body.entity_two_guid,
        body.initial_status,
    )
    return res.RelationshipResponse(relationship=relationship)


async def update_relationship_status(call: Call) -> res.OMRSResponse:
    status = call.body(req.InstanceStatusRequest).instance_status
    relationship = await call.collection.relationships.update_relationship_status(call.author, call.path["relationshipGUID"], status)
    return res.RelationshipResponse(relationship=relationship)


async def update_relationship_properties(call: Call) -> res.OMRSResponse:
    properties = call.body(req.InstancePropertiesRequest).instance_properties
    relationship = await call.collection.relationships.update_relationship_properties(call.author, call.path["relationshipGUID"], properties)
    return res.RelationshipResponse(relationship=relationship)


async def undo_relationship_update(call: Call) -> res.OMRSResponse:
    return res.RelationshipResponse(relationship=await call.collection.relationships.undo_relationship_update(call.author, call.path["relationshipGUID"]))


async def delete_relationship(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    relationship = await call.collection.relationships.delete_relationship(
        call.author, body.type_def_guid, body.type_def_name, call.path["obsoleteRelationshipGUID"]
    )
    return res.RelationshipResponse(relationship=relationship)


async def purge_relationship(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeDefValidationForRequest)
    await call.collection.relationships.purge_relationship(call.author, body.type_def_guid, body.type_def_name, call.path["deletedRelationshipGUID"])
    return DONE


async def restore_relationship(call: Call) -> res.OMRSResponse:
    relationship = await call.collection.relationships.restore_relationship(call.author, call.path["deletedRelationshipGUID"])
    return res.RelationshipResponse(relationship=relationship)


WRITE_HANDLERS: dict[str, Handler] = {
    "addTypeDefGallery": add_type_def_gallery,
    "addTypeDef": add_type_def,
    "addAttributeTypeDef": add_attribute_type_def,
    "updateTypeDef": update_type_def,
    "deleteTypeDef": delete_type_def,
    "deleteAttributeTypeDef": delete_attribute_type_def,
    "reIdentifyTypeDef": re_identify_type_def,
    "reIdentifyAttributeTypeDef": re_identify_attribute_type_def,
    "addEntity": add_entity,
    "addExternalEntity": add_external_entity,
    "addEntityProxy": add_entity_proxy,
    "updateEntityStatus": update_entity_status,
    "updateEntityProperties": update_entity_properties,
    "undoEntityUpdate": undo_entity_update,
    "deleteEntity": delete_entity,
    "purgeEntity": purge_entity,
    "restoreEntity": restore_entity,
    "classifyEntity": classify_entity,
    "classifyEntityProxy": classify_entity_proxy,
    "classifyEntityDetailed": classify_entity_detailed,
    "classifyEntityProxyDetailed": classify_entity_proxy_detailed,
    "declassifyEntity": declassify_entity,
    "declassifyEntityProxy": declassify_entity_proxy,
    "updateEntityClassification": update_entity_classification,
    "updateEntityProxyClassification": update_entity_proxy_classification,
    "addRelationship": add_relationship,
    "addExternalRelationship": add_external_relationship,
    "updateRelationshipStatus": update_relationship_status,
    "updateRelationshipProperties": update_relationship_properties,
    "undoRelationshipUpdate": undo_relationship_update,
    "deleteRelationship": delete_relationship,
    "purgeRelationship": purge_relationship,
    "restoreRelationship": restore_relationship,
}
