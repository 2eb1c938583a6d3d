"""Plain desired values as typed OMRS values, by the attribute definitions of the member's type release.

A value that does not fit its attribute, an attribute or a type that the release does not have: PoisonEvent of the stage "map". The mapper's README and the
check at start say what a mapper uses, so this is a mapper's bug or a source's surprise, never a reason to guess.
"""

from collections.abc import Callable
from decimal import Decimal

from cohort_sync.mapping.desired import GuidOf, PlainProperties, PlainValue, Symbol
from cohort_sync.omrs.instances import EntityDetail, EntityProxy
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.type_registry import TypeRegistry

GuidLookup = Callable[[str], str]
Simple = str | int | float | bool | Decimal | list[str] | dict[str, str] | dict[str, list[str]]


def typed_properties(registry: TypeRegistry, type_name: str, properties: PlainProperties, guid_of: GuidLookup) -> InstanceProperties | None:
    """The properties of an entity, relationship or classification; None when there are none."""
    if not properties:
        return None
    return InstanceProperties(
        instance_properties={name: registry.property_value(type_name, name, _simple(value, guid_of)) for name, value in properties.items()}
    )


def _simple(value: PlainValue, guid_of: GuidLookup) -> Simple:
    match value:
        case GuidOf(identity):
            return guid_of(identity)
        case Symbol(name):
            return name
        case _:
            return value


def proxy_of_entity(registry: TypeRegistry, entity: EntityDetail) -> EntityProxy:
    """The entity as the end of a relationship: its header, its classifications and its unique properties (H.getNewEntityProxy, spec
    metadata-collection-semantics 2.5)."""
    type_name = (entity.type.type_def_name if entity.type else None) or ""
    properties = entity.properties
    unique = {}
    for attribute in registry.unique_attributes(type_name):
        value = properties.get(attribute) if properties else None
        if value is not None:
            unique[attribute] = value
    return EntityProxy(
        header_version=entity.header_version,
        type=entity.type,
        instance_provenance_type=entity.instance_provenance_type,
        metadata_collection_id=entity.metadata_collection_id,
        metadata_collection_name=entity.metadata_collection_name,
        replicated_by=entity.replicated_by,
        instance_license=entity.instance_license,
        created_by=entity.created_by,
        updated_by=entity.updated_by,
        maintained_by=entity.maintained_by,
        create_time=entity.create_time,
        update_time=entity.update_time,
        version=entity.version,
        last_request_id=entity.last_request_id,
        status_on_delete=entity.status_on_delete,
        mapping_properties=entity.mapping_properties,
        guid=entity.guid,
        re_identified_from_guid=entity.re_identified_from_guid,
        classifications=entity.classifications,
        unique_properties=InstanceProperties(instance_properties=unique) if unique else None,
        status=entity.status,
    )
