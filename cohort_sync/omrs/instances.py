"""Entities, relationships and classifications as they travel (spec cohort-events 6.2 to 6.4).

Fields stand in wire order: that is what makes a decoded event encode to the same bytes.
"""

from msgspec import Raw, field

from cohort_sync.omrs.bean import Bean, Long, always
from cohort_sync.omrs.enums import ClassificationOrigin, InstanceProvenanceType, InstanceStatus, TypeDefCategory
from cohort_sync.omrs.properties import EpochMillis, InstanceProperties


class InstanceType(Bean, frozen=True, kw_only=True, tag_field="class", tag="InstanceType"):
    """Which type an instance has. Java needs category, GUID and name together."""

    header_version: int = field(default_factory=always(1))
    type_def_category: TypeDefCategory | None = None
    type_def_guid: str | None = field(default=None, name="typeDefGUID")
    type_def_name: str | None = None
    type_def_version: Long = field(default_factory=always(0))


class AuditHeader(Bean, frozen=True, kw_only=True):
    """InstanceAuditHeader without `status`, which Java writes last."""

    header_version: int = field(default_factory=always(1))
    type: InstanceType | None = None
    instance_provenance_type: InstanceProvenanceType | None = None
    metadata_collection_id: str | None = None
    metadata_collection_name: str | None = None
    replicated_by: str | None = None
    instance_license: str | None = None
    created_by: str | None = None
    updated_by: str | None = None
    maintained_by: list[str] | None = None
    create_time: EpochMillis | None = None
    update_time: EpochMillis | None = None
    version: Long = field(default_factory=always(0))
    last_request_id: str | None = None
    status_on_delete: InstanceStatus | None = None
    mapping_properties: dict[str, Raw] | None = None


class Classification(AuditHeader, frozen=True, kw_only=True, tag_field="class", tag="Classification"):
    """A classification of an entity: no GUID, identified by entity and name, with home, version and times of its own."""

    classification_origin: ClassificationOrigin | None = None
    classification_origin_guid: str | None = None
    name: str | None = None
    properties: InstanceProperties | None = None
    status: InstanceStatus | None = None


class InstanceHeader(AuditHeader, frozen=True, kw_only=True):
    """What has a GUID: entities and relationships. The GUID is an opaque string."""

    guid: str | None = None
    re_identified_from_guid: str | None = None


class EntitySummary(InstanceHeader, frozen=True, kw_only=True, tag_field="class", tag="EntitySummary"):
    """An entity without its properties. Only in REST responses."""

    classifications: list[Classification] | None = None
    status: InstanceStatus | None = None


class EntityDetail(InstanceHeader, frozen=True, kw_only=True, tag_field="class", tag="EntityDetail"):
    """A whole entity."""

    classifications: list[Classification] | None = None
    properties: InstanceProperties | None = None
    status: InstanceStatus | None = None


class EntityProxy(InstanceHeader, frozen=True, kw_only=True, tag_field="class", tag="EntityProxy"):
    """The end of a relationship: header, classifications and unique properties of an entity."""

    classifications: list[Classification] | None = None
    unique_properties: InstanceProperties | None = None
    status: InstanceStatus | None = None


class Relationship(InstanceHeader, frozen=True, kw_only=True, tag_field="class", tag="Relationship"):
    """A relationship; the proxies stand in the order of the ends of its RelationshipDef."""

    entity_one_proxy: EntityProxy | None = None
    entity_two_proxy: EntityProxy | None = None
    properties: InstanceProperties | None = None
    status: InstanceStatus | None = None


class InstanceGraph(Bean, frozen=True, kw_only=True, tag_field="class", tag="InstanceGraph"):
    """A bag of entities and relationships (batch events, graph queries)."""

    header_version: int = field(default_factory=always(1))
    entities: list[EntityDetail] | None = None
    relationships: list[Relationship] | None = None


Instance = EntityDetail | Relationship
