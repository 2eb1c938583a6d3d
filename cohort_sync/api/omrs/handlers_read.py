"""What the operations that read do: the call's values to the collection's methods, their result into the response."""

from collections.abc import Sequence
from typing import TypeVar

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.api.omrs.call import Call, Handler
from cohort_sync.omrs.conditions import SearchDialect
from cohort_sync.omrs.instances import Classification, EntityDetail, Relationship

T = TypeVar("T")


def _some(items: Sequence[T] | None) -> list[T] | None:
    """A list as Java takes it: an empty one is none."""
    return list(items) if items else None


def entity_list(call: Call, entities: list[EntityDetail] | None, offset: int, page_size: int) -> res.EntityListResponse:
    """Offset and page size are echoed with a list only."""
    call.within_limit(entities)
    return res.EntityListResponse(entities=entities, offset=offset if entities else 0, page_size=page_size if entities else 0)


def relationship_list(call: Call, relationships: list[Relationship] | None, offset: int, page_size: int) -> res.RelationshipListResponse:
    """As `entity_list`."""
    call.within_limit(relationships)
    return res.RelationshipListResponse(relationships=relationships, offset=offset if relationships else 0, page_size=page_size if relationships else 0)


def _classification_list(classifications: list[Classification] | None) -> res.ClassificationListResponse:
    return res.ClassificationListResponse(classifications=classifications)


# ------------------------------------------------------------ the collection and its types


async def get_metadata_collection_id(call: Call) -> res.OMRSResponse:
    return res.MetadataCollectionIdResponse(metadata_collection_id=call.collection.metadata_collection_id(call.user))


async def get_all_types(call: Call) -> res.OMRSResponse:
    gallery = call.collection.types.get_all_types(call.user)
    return res.TypeDefGalleryResponse(attribute_type_defs=gallery.attribute_type_defs, type_defs=gallery.type_defs)


async def find_types_by_name(call: Call) -> res.OMRSResponse:
    gallery = call.collection.types.find_types_by_name(call.user, call.query.get("name"))
    if gallery is None:
        return res.TypeDefGalleryResponse()
    return res.TypeDefGalleryResponse(attribute_type_defs=gallery.attribute_type_defs, type_defs=gallery.type_defs)


async def find_type_defs_by_category(call: Call) -> res.OMRSResponse:
    category = call.body(req.TypeDefCategoryRequest).category
    return res.TypeDefListResponse(type_defs=call.collection.types.find_type_defs_by_category(call.user, category))


async def find_attribute_type_defs_by_category(call: Call) -> res.OMRSResponse:
    category = call.body(req.AttributeTypeDefCategoryRequest).category
    return res.AttributeTypeDefListResponse(attribute_type_defs=call.collection.types.find_attribute_type_defs_by_category(call.user, category))


async def find_type_defs_by_property(call: Call) -> res.OMRSResponse:
    properties = call.body(req.TypeDefPropertiesRequest).type_def_properties
    wanted = None if properties is None else properties.type_def_properties or {}
    return res.TypeDefListResponse(type_defs=call.collection.types.find_type_defs_by_property(call.user, wanted))


async def find_types_by_external_id(call: Call) -> res.OMRSResponse:
    standard, organization, identifier = (call.query.get(name) or None for name in ("standard", "organization", "identifier"))
    return res.TypeDefListResponse(type_defs=call.collection.types.find_types_by_external_id(call.user, standard, organization, identifier))


async def search_for_type_defs(call: Call) -> res.OMRSResponse:
    return res.TypeDefListResponse(type_defs=call.collection.types.search_for_type_defs(call.user, call.query.get("searchCriteria")))


async def get_type_def_by_guid(call: Call) -> res.OMRSResponse:
    return res.TypeDefResponse(type_def=call.collection.types.get_type_def_by_guid(call.user, call.path["guid"]))


async def get_attribute_type_def_by_guid(call: Call) -> res.OMRSResponse:
    return res.AttributeTypeDefResponse(attribute_type_def=call.collection.types.get_attribute_type_def_by_guid(call.user, call.path["guid"]))


async def get_type_def_by_name(call: Call) -> res.OMRSResponse:
    return res.TypeDefResponse(type_def=call.collection.types.get_type_def_by_name(call.user, call.path["name"]))


async def get_attribute_type_def_by_name(call: Call) -> res.OMRSResponse:
    return res.AttributeTypeDefResponse(attribute_type_def=call.collection.types.get_attribute_type_def_by_name(call.user, call.path["name"]))


async def verify_type_def(call: Call) -> res.OMRSResponse:
    return res.BooleanResponse(flag=call.collection.types.verify_type_def(call.user, call.body(req.TypeDefRequest).type_def))


async def verify_attribute_type_def(call: Call) -> res.OMRSResponse:
    given = call.body(req.AttributeTypeDefRequest).attribute_type_def
    return res.BooleanResponse(flag=call.collection.types.verify_attribute_type_def(call.user, given))


# ------------------------------------------------------------ single instances


async def is_entity_known(call: Call) -> res.OMRSResponse:
    return res.EntityDetailResponse(entity=await call.collection.reads.is_entity_known(call.user, call.path["guid"]))


async def get_entity_summary(call: Call) -> res.OMRSResponse:
    return res.EntitySummaryResponse(entity=await call.collection.reads.get_entity_summary(call.user, call.path["guid"]))


async def get_entity_detail(call: Call) -> res.OMRSResponse:
    return res.EntityDetailResponse(entity=await call.collection.reads.get_entity_detail(call.user, call.path["guid"]))


async def get_entity_detail_as_of(call: Call) -> res.OMRSResponse:
    as_of = call.body(req.HistoryRequest).as_of_time
    return res.EntityDetailResponse(entity=await call.collection.reads.get_entity_detail_as_of(call.user, call.path["guid"], as_of))


async def get_entity_detail_history(call: Call) -> res.OMRSResponse:
    body = call.body(req.HistoryRangeRequest)
    entities = await call.collection.reads.get_entity_detail_history(
        call.user, call.path["guid"], body.from_time, body.to_time, body.offset, body.page_size, body.sequencing_order
    )
    return entity_list(call, entities, 0, 0)


async def get_classification_history(call: Call) -> res.OMRSResponse:
    body = call.body(req.HistoryRangeRequest)
    return _classification_list(
        await call.collection.reads.get_classification_history(
            call.user,
            call.path["guid"],
            call.path["classificationName"],
            body.from_time,
            body.to_time,
            body.offset,
            body.page_size,
            body.sequencing_order,
        )
    )


async def get_home_classifications(call: Call) -> res.OMRSResponse:
    return _classification_list(await call.collection.reads.get_home_classifications(call.user, call.path["entityGUID"]))


async def get_home_classifications_as_of(call: Call) -> res.OMRSResponse:
    as_of = call.body(req.HistoryRequest).as_of_time
    return _classification_list(await call.collection.reads.get_home_classifications(call.user, call.path["entityGUID"], as_of))


async def is_relationship_known(call: Call) -> res.OMRSResponse:
    return res.RelationshipResponse(relationship=await call.collection.reads.is_relationship_known(call.user, call.path["guid"]))


async def get_relationship(call: Call) -> res.OMRSResponse:
    return res.RelationshipResponse(relationship=await call.collection.reads.get_relationship(call.user, call.path["guid"]))


async def get_relationship_as_of(call: Call) -> res.OMRSResponse:
    as_of = call.body(req.HistoryRequest).as_of_time
    return res.RelationshipResponse(relationship=await call.collection.reads.get_relationship_as_of(call.user, call.path["guid"], as_of))


async def get_relationship_history(call: Call) -> res.OMRSResponse:
    body = call.body(req.HistoryRangeRequest)
    relationships = await call.collection.reads.get_relationship_history(
        call.user, call.path["guid"], body.from_time, body.to_time, body.offset, body.page_size, body.sequencing_order
    )
    return relationship_list(call, relationships, 0, 0)


async def get_relationships_for_entity(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeLimitedFindRequest)
    as_of = body.as_of_time if isinstance(body, req.TypeLimitedHistoricalFindRequest) else None
    relationships = await call.collection.reads.get_relationships_for_entity(
        call.user, call.path["entityGUID"], body.type_guid, _some(body.limit_results_by_status), as_of, call.paging(body)
    )
    return relationship_list(call, relationships, body.offset, body.page_size)


# ------------------------------------------------------------ finds


async def find_entities(call: Call) -> res.OMRSResponse:
    body = call.body(req.EntityFindRequest)
    entities = await call.collection.finds.find_entities(
        call.user,
        body.type_guid,
        _some(body.subtype_guids),
        body.match_properties,
        _some(body.limit_results_by_status),
        body.match_classifications,
        body.as_of_time if isinstance(body, req.EntityHistoricalFindRequest) else None,
        call.paging(body),
    )
    return entity_list(call, entities, body.offset, body.page_size)


async def find_entities_by_property(call: Call) -> res.OMRSResponse:
    body = call.body(req.EntityPropertyFindRequest)
    entities = await call.collection.finds.find_entities_by_property(
        call.user,
        body.type_guid,
        body.match_properties,
        body.match_criteria,
        _some(body.limit_results_by_status),
        _some(body.limit_results_by_classification),
        body.as_of_time if isinstance(body, req.EntityPropertyHistoricalFindRequest) else None,
        call.paging(body),
    )
    return entity_list(call, entities, body.offset, body.page_size)


async def find_entities_by_classification(call: Call) -> res.OMRSResponse:
    body = call.body(req.PropertyMatchFindRequest)
    entities = await call.collection.finds.find_entities_by_classification(
        call.user,
        body.type_guid,
        call.path["classificationName"],
        body.match_properties,
        body.match_criteria,
        _some(body.limit_results_by_status),
        body.as_of_time if isinstance(body, req.PropertyMatchHistoricalFindRequest) else None,
        call.paging(body),
    )
    return entity_list(call, entities, body.offset, body.page_size)


def _search(call: Call) -> tuple[str | None, SearchDialect | None]:
    """What is searched for: up to 5.x `searchCriteria`, an expression; from 6.x `searchString`, a text."""
    if "searchCriteria" in call.query:
        return call.query["searchCriteria"], SearchDialect.EXPRESSION
    return call.query.get("searchString"), SearchDialect.LITERAL if "searchString" in call.query else None


async def find_entities_by_property_value(call: Call) -> res.OMRSResponse:
    body = call.body(req.EntityPropertyFindRequest)
    search, dialect = _search(call)
    entities = await call.collection.finds.find_entities_by_property_value(
        call.user,
        body.type_guid,
        search,
        _some(body.limit_results_by_status),
        _some(body.limit_results_by_classification),
        body.as_of_time if isinstance(body, req.EntityPropertyHistoricalFindRequest) else None,
        call.paging(body),
        dialect,
        starts_with=call.flag("startsWith"),
        ends_with=call.flag("endsWith"),
        ignore_case=call.flag("ignoreCase"),
    )
    return entity_list(call, entities, body.offset, body.page_size)


async def find_relationships(call: Call) -> res.OMRSResponse:
    body = call.body(req.RelationshipFindRequest)
    relationships = await call.collection.finds.find_relationships(
        call.user,
        body.type_guid,
        _some(body.subtype_guids),
        body.match_properties,
        _some(body.limit_results_by_status),
        body.as_of_time if isinstance(body, req.RelationshipHistoricalFindRequest) else None,
        call.paging(body),
        end1_guids=_some(body.end1_entity_guids),
        end2_guids=_some(body.end2_entity_guids),
        end_criteria=body.end_match_criteria,
    )
    return relationship_list(call, relationships, body.offset, body.page_size)


async def find_relationships_by_property(call: Call) -> res.OMRSResponse:
    body = call.body(req.PropertyMatchFindRequest)
    relationships = await call.collection.finds.find_relationships_by_property(
        call.user,
        body.type_guid,
        body.match_properties,
        body.match_criteria,
        _some(body.limit_results_by_status),
        body.as_of_time if isinstance(body, req.PropertyMatchHistoricalFindRequest) else None,
        call.paging(body),
    )
    return relationship_list(call, relationships, body.offset, body.page_size)


async def find_relationships_by_property_value(call: Call) -> res.OMRSResponse:
    body = call.body(req.TypeLimitedFindRequest)
    search, dialect = _search(call)
    relationships = await call.collection.finds.find_relationships_by_property_value(
        call.user,
        body.type_guid,
        search,
        _some(body.limit_results_by_status),
        body.as_of_time if isinstance(body, req.TypeLimitedHistoricalFindRequest) else None,
        call.paging(body),
        dialect,
        starts_with=call.flag("startsWith"),
        ends_with=call.flag("endsWith"),
        ignore_case=call.flag("ignoreCase"),
    )
    return relationship_list(call, relationships, body.offset, body.page_size)


READ_HANDLERS: dict[str, Handler] = {
    "getMetadataCollectionId": get_metadata_collection_id,
    "getAllTypes": get_all_types,
    "findTypesByName": find_types_by_name,
    "findTypeDefsByCategory": find_type_defs_by_category,
    "findAttributeTypeDefsByCategory": find_attribute_type_defs_by_category,
    "findTypeDefsByProperty": find_type_defs_by_property,
    "findTypesByExternalID": find_types_by_external_id,
    "searchForTypeDefs": search_for_type_defs,
    "getTypeDefByGUID": get_type_def_by_guid,
    "getAttributeTypeDefByGUID": get_attribute_type_def_by_guid,
    "getTypeDefByName": get_type_def_by_name,
    "getAttributeTypeDefByName": get_attribute_type_def_by_name,
    "verifyTypeDef": verify_type_def,
    "verifyAttributeTypeDef": verify_attribute_type_def,
    "isEntityKnown": is_entity_known,
    "getEntitySummary": get_entity_summary,
    "getEntityDetail": get_entity_detail,
    "getEntityDetailAsOf": get_entity_detail_as_of,
    "getEntityDetailHistory": get_entity_detail_history,
    "getClassificationHistory": get_classification_history,
    "getHomeClassifications": get_home_classifications,
    "getHomeClassificationsAsOf": get_home_classifications_as_of,
    "isRelationshipKnown": is_relationship_known,
    "getRelationship": get_relationship,
    "getRelationshipAsOf": get_relationship_as_of,
    "getRelationshipHistory": get_relationship_history,
    "getRelationshipsForEntity": get_relationships_for_entity,
    "getRelationshipsForEntityAsOf": get_relationships_for_entity,
    "findEntities": find_entities,
    "findEntitiesAsOf": find_entities,
    "findEntitiesByProperty": find_entities_by_property,
    "findEntitiesByPropertyAsOf": find_entities_by_property,
    "findEntitiesByClassification": find_entities_by_classification,
    "findEntitiesByClassificationAsOf": find_entities_by_classification,
    "findEntitiesByPropertyValue": find_entities_by_property_value,
    "findEntitiesByPropertyValueAsOf": find_entities_by_property_value,
    "findRelationships": find_relationships,
    "findRelationshipsAsOf": find_relationships,
    "findRelationshipsByProperty": find_relationships_by_property,
    "findRelationshipsByPropertyAsOf": find_relationships_by_property,
    "findRelationshipsByPropertyValue": find_relationships_by_property_value,
    "findRelationshipsByPropertyValueAsOf": find_relationships_by_property_value,
}
