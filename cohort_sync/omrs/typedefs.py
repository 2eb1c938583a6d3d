"""Type definitions as they travel and as they stand in type packs and archives (spec cohort-events 7).

Fields stand in Java's wire order: that is what makes a decoded type event encode to the same bytes. TypeDef and
AttributeTypeDef are told apart by `class`; links, summaries, patches, attributes, ends and enum elements carry none.
"""

from msgspec import field

from cohort_sync.omrs.bean import Bean, Long, always
from cohort_sync.omrs.enums import (
    AttributeCardinality,
    ClassificationPropagationRule,
    CollectionDefCategory,
    InstanceStatus,
    PrimitiveDefCategory,
    RelationshipEndCardinality,
    TypeDefAttributeStatus,
    TypeDefCategory,
    TypeDefStatus,
)
from cohort_sync.omrs.properties import EpochMillis


class TypeDefElement(Bean, frozen=True, kw_only=True):
    """What every bean of the type system carries (TypeDefElementHeader)."""

    header_version: int = field(default_factory=always(1))


class ExternalStandardMapping(TypeDefElement, frozen=True, kw_only=True):
    """Which element of an external standard a type or attribute corresponds to."""

    standard_name: str | None = None
    standard_organization: str | None = None
    standard_type_name: str | None = None


class AttributeTypeDefHeader(TypeDefElement, frozen=True, kw_only=True):
    """What primitives, collections and enums have in common (AttributeTypeDef); name and GUID together identify it."""

    version: Long = field(default_factory=always(0))
    version_name: str | None = None
    category: TypeDefCategory | None = None
    guid: str | None = None
    name: str | None = None
    description: str | None = None
    description_guid: str | None = None
    description_wiki: str | None = None


class PrimitiveDef(AttributeTypeDefHeader, frozen=True, kw_only=True, tag_field="class", tag="PrimitiveDef"):
    """A primitive attribute type; its name is that of the Java class (`string`, `int`, `bigdecimal`, ...)."""

    primitive_def_category: PrimitiveDefCategory | None = None


class CollectionDef(AttributeTypeDefHeader, frozen=True, kw_only=True, tag_field="class", tag="CollectionDef"):
    """A map, array or struct.

    The arguments are key and value of a map, the element of an array. The name has no spaces (`map<string,string>`).
    """

    collection_def_category: CollectionDefCategory | None = None
    argument_count: int = field(default_factory=always(0))
    argument_types: list[PrimitiveDefCategory] | None = None


class EnumElementDef(TypeDefElement, frozen=True, kw_only=True):
    """One value of an EnumDef; `value` is its symbolic name."""

    ordinal: int = field(default_factory=always(99))
    value: str | None = None
    description: str | None = None
    description_guid: str | None = None


class EnumDef(AttributeTypeDefHeader, frozen=True, kw_only=True, tag_field="class", tag="EnumDef"):
    """An enumeration with the ordinals that its values have on the wire."""

    element_defs: list[EnumElementDef] | None = None
    default_value: EnumElementDef | None = None


AttributeTypeDef = PrimitiveDef | CollectionDef | EnumDef


class TypeDefAttribute(TypeDefElement, frozen=True, kw_only=True):
    """One attribute of a TypeDef. The attribute type is repeated whole, as Java writes it."""

    attribute_name: str | None = None
    attribute_type: AttributeTypeDef | None = None
    attribute_status: TypeDefAttributeStatus | None = None
    replaced_by_attribute: str | None = None
    attribute_description: str | None = None
    attribute_description_guid: str | None = None
    values_min_count: int = field(default_factory=always(0))
    values_max_count: int = field(default_factory=always(1))
    default_value: str | None = None
    external_standard_mappings: list[ExternalStandardMapping] | None = None
    attribute_cardinality: AttributeCardinality | None = None
    unique: bool = field(default_factory=always(False))
    indexable: bool = field(default_factory=always(True))


class TypeDefLink(TypeDefElement, frozen=True, kw_only=True):
    """A reference to a TypeDef by GUID and name."""

    guid: str | None = None
    name: str | None = None
    status: TypeDefStatus | None = None
    replaced_by_type_guid: str | None = None
    replaced_by_type_name: str | None = None


class RelationshipEndDef(TypeDefElement, frozen=True, kw_only=True):
    """One end of a RelationshipDef: which entities may stand there, and by what name the *other* end knows this one."""

    entity_type: TypeDefLink | None = None
    attribute_name: str | None = None
    attribute_description: str | None = None
    attribute_description_guid: str | None = None
    attribute_cardinality: RelationshipEndCardinality | None = None


class TypeDefBody(TypeDefLink, frozen=True, kw_only=True):
    """The fields of TypeDefSummary (up to `category`) and TypeDef that all three categories share.

    `properties_definition` holds the type's own attributes only, not the inherited ones.
    """

    version: Long = field(default_factory=always(0))
    version_name: str | None = None
    category: TypeDefCategory | None = None
    super_type: TypeDefLink | None = None
    description: str | None = None
    description_guid: str | None = None
    description_wiki: str | None = None
    origin: str | None = None
    created_by: str | None = None
    updated_by: str | None = None
    create_time: EpochMillis | None = None
    update_time: EpochMillis | None = None
    options: dict[str, str] | None = None
    external_standard_mappings: list[ExternalStandardMapping] | None = None
    valid_instance_status_list: list[InstanceStatus] | None = None
    initial_status: InstanceStatus | None = None
    properties_definition: list[TypeDefAttribute] | None = None


class TypeDefSummary(TypeDefBody, frozen=True, kw_only=True):
    """GUID, name, status, version and category of a type.

    Java fills fields that are declared TypeDefSummary with whole TypeDefs and then writes those without `class` (spec
    cohort-events 7.1). The fields of TypeDef and of its three kinds are therefore optional here: they are carried, and
    nothing relies on them.
    """

    valid_entity_defs: list[TypeDefLink] | None = None
    propagatable: bool | None = None
    propagation_rule: ClassificationPropagationRule | None = None
    end_def1: RelationshipEndDef | None = None
    end_def2: RelationshipEndDef | None = None
    multi_link: bool | None = None


class EntityDef(TypeDefBody, frozen=True, kw_only=True, tag_field="class", tag="EntityDef"):
    """The type of an entity."""


class ClassificationDef(TypeDefBody, frozen=True, kw_only=True, tag_field="class", tag="ClassificationDef"):
    """The type of a classification; it may stand on entities of `valid_entity_defs` and of their subtypes."""

    valid_entity_defs: list[TypeDefLink] | None = None
    propagatable: bool = field(default_factory=always(False))


class RelationshipDef(TypeDefBody, frozen=True, kw_only=True, tag_field="class", tag="RelationshipDef"):
    """The type of a relationship. `multi_link`: two entities may be joined by several relationships of this type."""

    propagation_rule: ClassificationPropagationRule | None = None
    end_def1: RelationshipEndDef | None = None
    end_def2: RelationshipEndDef | None = None
    multi_link: bool = field(default_factory=always(False))


TypeDef = EntityDef | RelationshipDef | ClassificationDef


class TypeDefPatch(TypeDefElement, frozen=True, kw_only=True):
    """A change to one TypeDef, from one version to a later one (spec metadata-collection-semantics 3.1, applyPatch).

    `update_multi_link` false means that `multi_link` says nothing.
    """

    type_def_guid: str | None = None
    type_def_name: str | None = None
    type_def_status: TypeDefStatus | None = None
    apply_to_version: Long = field(default_factory=always(0))
    update_to_version: Long = field(default_factory=always(0))
    new_version_name: str | None = None
    updated_by: str | None = None
    update_time: EpochMillis | None = None
    description: str | None = None
    description_guid: str | None = None
    super_type: TypeDefLink | None = None
    property_definitions: list[TypeDefAttribute] | None = None
    type_def_options: dict[str, str] | None = None
    external_standard_mappings: list[ExternalStandardMapping] | None = None
    valid_instance_status_list: list[InstanceStatus] | None = None
    initial_status: InstanceStatus | None = None
    valid_entity_defs: list[TypeDefLink] | None = None
    end_def1: RelationshipEndDef | None = None
    end_def2: RelationshipEndDef | None = None
    update_multi_link: bool = field(default_factory=always(False))
    multi_link: bool = field(default_factory=always(False))


class TypeDefGallery(TypeDefElement, frozen=True, kw_only=True):
    """A set of types; attribute types stand first because types need them."""

    attribute_type_defs: list[AttributeTypeDef] | None = None
    type_defs: list[TypeDef] | None = None
