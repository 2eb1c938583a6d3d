"""The OMRS event: one envelope, one of three sections, sometimes an error (spec cohort-events 2 to 5).

`class` is "OMRSEventV1" for every protocol generation. Fields stand in wire order.
"""

from msgspec import field

from cohort_sync.omrs.bean import Bean
from cohort_sync.omrs.connections import AnyConnection
from cohort_sync.omrs.enums import (
    EventCategory,
    EventErrorCode,
    InstanceEventType,
    InstanceProvenanceType,
    RegistryEventType,
    TypeDefEventType,
)
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, InstanceGraph, Relationship
from cohort_sync.omrs.properties import EpochMillis
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef, TypeDefPatch, TypeDefSummary

PROTOCOL_V1 = "OMRS V1.0"
"""What members up to 5.x write."""
PROTOCOL_V2 = "OMRS V2.0"
"""What 6.x members write. No receiver checks it."""


class Originator(Bean, frozen=True, kw_only=True):
    """Who sent it. Mandatory for Java; without a metadataCollectionId in a REFRESH_REGISTRATION_REQUEST."""

    metadata_collection_id: str | None = None
    server_name: str | None = None
    server_type: str | None = None
    organization_name: str | None = None


class RegistrySection(Bean, frozen=True, kw_only=True):
    """Who joins, leaves or asks who is there (spec 3.1)."""

    registry_event_type: RegistryEventType | None = None
    registration_timestamp: EpochMillis | None = None
    metadata_collection_name: str | None = None
    remote_connection: AnyConnection | None = None


class TypeDefSection(Bean, frozen=True, kw_only=True):
    """A change of the type system (spec 4.1)."""

    type_def_event_type: TypeDefEventType | None = None
    type_def_guid: str | None = field(default=None, name="typeDefGUID")
    type_def_name: str | None = None
    attribute_type_def: AttributeTypeDef | None = None
    type_def: TypeDef | None = None
    type_def_patch: TypeDefPatch | None = None
    original_type_def_summary: TypeDefSummary | None = None
    original_attribute_type_def: AttributeTypeDef | None = None


class InstanceSection(Bean, frozen=True, kw_only=True):
    """A change of an instance (spec 5.1). Java routes by typeDefGUID and typeDefName: without them nothing happens there."""

    event_type: InstanceEventType | None = None
    type_def_guid: str | None = field(default=None, name="typeDefGUID")
    type_def_name: str | None = None
    instance_guid: str | None = None
    original_entity: EntityDetail | None = None
    entity: EntityDetail | None = None
    entity_proxy: EntityProxy | None = None
    original_relationship: Relationship | None = None
    relationship: Relationship | None = None
    original_classification: Classification | None = None
    classification: Classification | None = None
    instance_batch: InstanceGraph | None = None
    home_metadata_collection_id: str | None = None
    original_home_metadata_collection_id: str | None = None
    original_type_def_summary: TypeDefSummary | None = None
    original_instance_guid: str | None = None


class ErrorSection(Bean, frozen=True, kw_only=True):
    """What a member complains about (spec 2.4)."""

    error_code: EventErrorCode | None = None
    error_message: str | None = None
    target_metadata_collection_id: str | None = None
    target_remote_connection: AnyConnection | None = None
    target_type_def_summary: TypeDefSummary | None = None
    target_attribute_type_def: AttributeTypeDef | None = None
    target_instance_guid: str | None = None
    other_origin: InstanceProvenanceType | None = None
    other_metadata_collection_id: str | None = None
    other_type_def_summary: TypeDefSummary | None = None
    other_type_def: TypeDef | None = None
    other_attribute_type_def: AttributeTypeDef | None = None
    other_instance_guid: str | None = None


class OMRSEvent(Bean, frozen=True, kw_only=True, tag_field="class", tag="OMRSEventV1"):
    """One event of a cohort topic."""

    protocol_version_id: str | None = None
    timestamp: EpochMillis | None = None
    originator: Originator | None = None
    event_category: EventCategory | None = None
    registry_event_section: RegistrySection | None = None
    type_def_event_section: TypeDefSection | None = None
    instance_event_section: InstanceSection | None = None
    error_section: ErrorSection | None = None
