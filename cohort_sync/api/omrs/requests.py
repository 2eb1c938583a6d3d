"""Request bodies of the OMRS repository services, of both generations (spec repository-rest-api 7, egeria-4.2/rest-endpoints).

Every field may be missing: what a method needs is checked by the metadata collection. An empty list is the same as none (Java's getters say so).
"""

from msgspec import field

from cohort_sync.omrs.bean import Bean
from cohort_sync.omrs.enums import ClassificationOrigin, InstanceStatus, TypeDefCategory
from cohort_sync.omrs.finds import (
    EndMatchCriteria,
    HistorySequencingOrder,
    MatchCriteria,
    Paging,
    SearchClassifications,
    SearchProperties,
    SequencingOrder,
)
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.properties import EpochMillis, InstanceProperties
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef, TypeDefPatch, TypeDefSummary


class OMRSRequest(Bean, frozen=True, kw_only=True):
    """What every body may carry (OMRSAPIRequest). `request_id` becomes the lastRequestId of what the call writes."""

    request_id: str | None = None


class GetRequest(OMRSRequest, frozen=True, kw_only=True):
    """The body of a read from 6.x on; optional."""


# ------------------------------------------------------------ types


class TypeDefCategoryRequest(OMRSRequest, frozen=True, kw_only=True):
    category: TypeDefCategory | None = None


class AttributeTypeDefCategoryRequest(OMRSRequest, frozen=True, kw_only=True):
    category: TypeDefCategory | None = None


class TypeDefProperties(Bean, frozen=True, kw_only=True):
    """Attribute names that a type has to have; the values say nothing."""

    type_def_properties: dict[str, object] | None = None


class TypeDefPropertiesRequest(OMRSRequest, frozen=True, kw_only=True):
    type_def_properties: TypeDefProperties | None = None


class TypeDefGalleryRequest(OMRSRequest, frozen=True, kw_only=True):
    attribute_type_defs: list[AttributeTypeDef] | None = None
    type_defs: list[TypeDef] | None = None


class TypeDefRequest(OMRSRequest, frozen=True, kw_only=True):
    type_def: TypeDef | None = None


class AttributeTypeDefRequest(OMRSRequest, frozen=True, kw_only=True):
    attribute_type_def: AttributeTypeDef | None = None


class TypeDefPatchRequest(OMRSRequest, frozen=True, kw_only=True):
    type_def_patch: TypeDefPatch | None = None


class TypeDefDeleteRequest(OMRSRequest, frozen=True, kw_only=True):
    obsolete_type_def_name: str | None = None


class TypeDefReIdentifyRequest(OMRSRequest, frozen=True, kw_only=True):
    original_type_def_name: str | None = None
    new_type_def_guid: str | None = None
    new_type_def_name: str | None = None


# ------------------------------------------------------------ reads and finds


class HistoryRequest(OMRSRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class HistoryRangeRequest(OMRSRequest, frozen=True, kw_only=True):
    from_time: EpochMillis | None = None
    to_time: EpochMillis | None = None
    offset: int = 0
    page_size: int = 0
    sequencing_order: HistorySequencingOrder | None = None


class FindRequest(OMRSRequest, frozen=True, kw_only=True):
    """OMRSAPIFindRequest."""

    limit_results_by_status: list[InstanceStatus] | None = None


class PagedFindRequest(FindRequest, frozen=True, kw_only=True):
    """OMRSAPIPagedFindRequest."""

    sequencing_property: str | None = None
    sequencing_order: SequencingOrder | None = None
    offset: int = 0
    page_size: int = 0

    @property
    def paging(self) -> Paging:
        """The page that is asked for."""
        return Paging(offset=self.offset, page_size=self.page_size, sequencing_property=self.sequencing_property, sequencing_order=self.sequencing_order)


class TypeLimitedFindRequest(PagedFindRequest, frozen=True, kw_only=True):
    type_guid: str | None = None


class TypeLimitedHistoricalFindRequest(TypeLimitedFindRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class InstanceFindRequest(TypeLimitedFindRequest, frozen=True, kw_only=True):
    """With the fields of SubtypeLimitedFindRequest, which nothing uses alone."""

    subtype_guids: list[str] | None = field(default=None, name="subtypeGUIDs")
    match_properties: SearchProperties | None = None


class EntityFindRequest(InstanceFindRequest, frozen=True, kw_only=True):
    match_classifications: SearchClassifications | None = None


class EntityHistoricalFindRequest(EntityFindRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class RelationshipFindRequest(InstanceFindRequest, frozen=True, kw_only=True):
    end1_entity_guids: list[str] | None = field(default=None, name="end1EntityGUIDs")
    end2_entity_guids: list[str] | None = field(default=None, name="end2EntityGUIDs")
    end_match_criteria: EndMatchCriteria | None = None


class RelationshipHistoricalFindRequest(RelationshipFindRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class PropertyMatchFindRequest(TypeLimitedFindRequest, frozen=True, kw_only=True):
    match_properties: InstanceProperties | None = None
    match_criteria: MatchCriteria | None = None


class PropertyMatchHistoricalFindRequest(PropertyMatchFindRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class EntityPropertyFindRequest(PropertyMatchFindRequest, frozen=True, kw_only=True):
    limit_results_by_classification: list[str] | None = None


class EntityPropertyHistoricalFindRequest(EntityPropertyFindRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class EntityNeighborhoodFindRequest(FindRequest, frozen=True, kw_only=True):
    """Up to 5.x."""

    entity_type_guids: list[str] | None = field(default=None, name="entityTypeGUIDs")
    relationship_type_guids: list[str] | None = field(default=None, name="relationshipTypeGUIDs")
    limit_results_by_classification: list[str] | None = None


class EntityNeighborhoodHistoricalFindRequest(EntityNeighborhoodFindRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class RelatedEntitiesFindRequest(PagedFindRequest, frozen=True, kw_only=True):
    """Up to 5.x."""

    entity_type_guids: list[str] | None = field(default=None, name="entityTypeGUIDs")
    limit_results_by_classification: list[str] | None = None


class RelatedEntitiesHistoricalFindRequest(RelatedEntitiesFindRequest, frozen=True, kw_only=True):
    as_of_time: EpochMillis | None = None


class HistoricalFindRequest(FindRequest, frozen=True, kw_only=True):
    """OMRSAPIHistoricalFindRequest."""

    as_of_time: EpochMillis | None = None


# ------------------------------------------------------------ maintenance


class EntityCreateRequest(OMRSRequest, frozen=True, kw_only=True):
    """With `external` calls, the metadata collection is the external source."""

    entity_type_guid: str | None = None
    initial_properties: InstanceProperties | None = None
    initial_classifications: list[Classification] | None = None
    initial_status: InstanceStatus | None = None
    metadata_collection_id: str | None = None
    metadata_collection_name: str | None = None


class RelationshipCreateRequest(OMRSRequest, frozen=True, kw_only=True):
    relationship_type_guid: str | None = None
    initial_properties: InstanceProperties | None = None
    entity_one_guid: str | None = None
    entity_two_guid: str | None = None
    initial_status: InstanceStatus | None = None
    metadata_collection_id: str | None = None
    metadata_collection_name: str | None = None


class InstanceStatusRequest(OMRSRequest, frozen=True, kw_only=True):
    """Up to 5.x, where the body is the bare status."""

    instance_status: InstanceStatus | None = None


class InstancePropertiesRequest(OMRSRequest, frozen=True, kw_only=True):
    instance_properties: InstanceProperties | None = None


class TypeDefValidationForRequest(OMRSRequest, frozen=True, kw_only=True):
    type_def_guid: str | None = None
    type_def_name: str | None = None


class TypeDefChangeRequest(OMRSRequest, frozen=True, kw_only=True):
    current_type_def: TypeDefSummary | None = None
    new_type_def: TypeDefSummary | None = None


class EntityProxyRequest(OMRSRequest, frozen=True, kw_only=True):
    entity: EntityProxy | None = None


class ProxyClassificationRequest(InstancePropertiesRequest, frozen=True, kw_only=True):
    entity_proxy: EntityProxy | None = None


class ClassificationRequest(OMRSRequest, frozen=True, kw_only=True):
    """The metadata collection is the external source. A missing origin is what federated callers send."""

    metadata_collection_id: str | None = None
    metadata_collection_name: str | None = None
    classification_origin: ClassificationOrigin | None = None
    classification_origin_guid: str | None = None
    classification_properties: InstanceProperties | None = None


class ClassificationProxyRequest(ClassificationRequest, frozen=True, kw_only=True):
    entity_proxy: EntityProxy | None = None


# ------------------------------------------------------------ reference copies


class EntityDetailRequest(OMRSRequest, frozen=True, kw_only=True):
    entity: EntityDetail | None = None


class RelationshipRequest(OMRSRequest, frozen=True, kw_only=True):
    relationship: Relationship | None = None


class ClassificationWithEntityRequest(OMRSRequest, frozen=True, kw_only=True):
    """The entity wins when both it and a proxy are given."""

    classification: Classification | None = None
    entity: EntityDetail | None = None
    entity_proxy: EntityProxy | None = None


class InstanceGraphRequest(OMRSRequest, frozen=True, kw_only=True):
    entity_element_list: list[EntityDetail] | None = None
    relationship_element_list: list[Relationship] | None = None
