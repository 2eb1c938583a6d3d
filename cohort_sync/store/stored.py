"""From instances to rows and back: the one place that knows how an instance lies in the store.

An entity (and a proxy) is stored without its classifications, which are rows of their own; a relationship is stored whole, with its end proxies. Reading puts
the classifications back in the order of their names. Every header field survives the way there and back (spec metadata-collection-semantics 2.6).
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from cohort_sync.omrs.enums import InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.instances import AuditHeader, Classification, EntityDetail, EntityProxy, InstanceHeader, Relationship
from cohort_sync.omrs.properties import InstanceProperties, PrimitivePropertyValue
from cohort_sync.store.rows import ClassificationRow, InstanceHead, InstanceRow, Kind, Tombstone

QUALIFIED_NAME = "qualifiedName"
CLASSIFICATION = 4
"""The kind of a tombstone that stands for a removed classification; no instance has it."""

_LONG = 1 << 63

_encode = msgspec.json.Encoder().encode
_decode_entity = msgspec.json.Decoder(EntityDetail).decode
_decode_proxy = msgspec.json.Decoder(EntityProxy).decode
_decode_relationship = msgspec.json.Decoder(Relationship).decode
_decode_classification = msgspec.json.Decoder(Classification).decode
_decode_text = msgspec.json.Decoder(str).decode


def entity_rows(entity: EntityDetail) -> tuple[InstanceRow, list[ClassificationRow]]:
    """The rows of an entity and of the classifications that it carries. PoisonEvent when a field is missing that every instance must have."""
    bare = replace(entity, classifications=None) if entity.classifications else entity
    row = _instance_row(entity, Kind.ENTITY, entity.status, qualified_name(entity.properties), None, None, _encode(bare))
    return row, classification_rows(row.guid, entity.classifications or ())


def head_of(row: InstanceRow) -> InstanceHead:
    """What a verdict asks of a row."""
    return InstanceHead(
        row.guid, row.kind, row.type_name, row.home, row.replicated_by, row.provenance, row.version, row.create_time, row.status, row.type_version
    )


def proxy_rows(proxy: EntityProxy) -> tuple[InstanceRow, list[ClassificationRow]]:
    """The rows of an entity proxy and of its classifications. PoisonEvent as for an entity."""
    bare = replace(proxy, classifications=None) if proxy.classifications else proxy
    row = _instance_row(proxy, Kind.PROXY, proxy.status, qualified_name(proxy.unique_properties), None, None, _encode(bare))
    return row, classification_rows(row.guid, proxy.classifications or ())


def relationship_row(relationship: Relationship) -> InstanceRow:
    """The row of a relationship. PoisonEvent as for an entity, and when an end has no proxy with a GUID."""
    one, two = relationship.entity_one_proxy, relationship.entity_two_proxy
    if one is None or two is None or one.guid is None or two.guid is None:
        missing = "entityOneProxy" if one is None or one.guid is None else "entityTwoProxy"
        raise PoisonEvent(f"relationship {relationship.guid} has no {missing} with a guid; both ends must be given (spec cohort-events 6.4)", stage="validate")
    return _instance_row(relationship, Kind.RELATIONSHIP, relationship.status, None, one.guid, two.guid, _encode(relationship))


def classification_rows(entity_guid: str, classifications: Iterable[Classification]) -> list[ClassificationRow]:
    """The rows of the classifications of one entity, in the order given."""
    return [classification_row(entity_guid, classification) for classification in classifications]


def classification_row(entity_guid: str, classification: Classification) -> ClassificationRow:
    """The row of one classification. PoisonEvent when its name, home or createTime is missing."""
    name, home, created = classification.name, classification.metadata_collection_id, classification.create_time
    if name is None or home is None or created is None:
        missing = "name" if name is None else "metadataCollectionId" if home is None else "createTime"
        raise PoisonEvent(f"classification {name} of entity {entity_guid} has no {missing} (spec cohort-events 6.2)", stage="validate")
    _check_range(entity_guid, classification.version, created)
    return ClassificationRow(entity_guid, name, home, classification.version, created, _encode(classification))


def entity_of(row: InstanceRow, classifications: Iterable[ClassificationRow] = ()) -> EntityDetail:
    """The entity of a row of kind ENTITY, with these classifications."""
    entity = _decode_entity(row.document)
    restored = [_decode_classification(each.document) for each in classifications]
    return replace(entity, classifications=restored) if restored else entity


def proxy_of(row: InstanceRow, classifications: Iterable[ClassificationRow] = ()) -> EntityProxy:
    """The proxy of a row of kind PROXY, with these classifications."""
    proxy = _decode_proxy(row.document)
    restored = [_decode_classification(each.document) for each in classifications]
    return replace(proxy, classifications=restored) if restored else proxy


def relationship_of(row: InstanceRow) -> Relationship:
    """The relationship of a row of kind RELATIONSHIP."""
    return _decode_relationship(row.document)


def classification_of(row: ClassificationRow) -> Classification:
    """The classification of a row."""
    return _decode_classification(row.document)


def tombstone_of(row: InstanceRow) -> Tombstone:
    """What the ledger keeps of an instance that is purged (design, 'Versions never go back')."""
    return Tombstone(row.guid, row.kind, row.type_name, row.home, row.create_time, row.version)


def grave(entity_guid: str, name: str) -> str:
    """The key of the tombstone of a removed classification. No GUID holds a control character."""
    return f"{entity_guid}\x1f{name}"


def classification_tombstone(row: ClassificationRow) -> Tombstone:
    """What the ledger keeps of a classification that is removed, under `grave`: its versions never go back either."""
    return Tombstone(grave(row.entity_guid, row.name), CLASSIFICATION, row.name, row.home, row.create_time, row.version)


def qualified_name(properties: InstanceProperties | None) -> str | None:
    """The value of qualifiedName in properties or uniqueProperties; None when there is none or it is no readable text."""
    value = properties.get(QUALIFIED_NAME) if properties is not None else None
    if isinstance(value, PrimitivePropertyValue):
        text = bytes(value.primitive_value)
        if text.startswith(b'"'):
            try:
                return _decode_text(text)
            except msgspec.DecodeError:  # half of a surrogate pair: a Java string may hold it, UTF-8 may not
                return None
    return None


def _instance_row(
    header: InstanceHeader,
    kind: Kind,
    status: InstanceStatus | None,
    name: str | None,
    end1: str | None,
    end2: str | None,
    document: bytes,
) -> InstanceRow:
    """Plain ints and strs only: SQLite's module adapts every other type by a slow lookup, once a parameter."""
    guid, home, created, instance_type = header.guid, header.metadata_collection_id, header.create_time, header.type
    if not guid or home is None or created is None or instance_type is None or instance_type.type_def_name is None:
        raise PoisonEvent(f"{kind.name.lower()} {guid} has no {_missing(header, guid)}, which every instance needs (spec cohort-events 6.2)", stage="validate")
    _check_range(guid, header.version, instance_type.type_def_version, created, header.update_time or 0)
    return InstanceRow(
        guid,
        kind._value_,  # `value` is a property made in Python, and this is asked for every row
        instance_type.type_def_name,
        home,
        header.replicated_by,
        (header.instance_provenance_type or InstanceProvenanceType.UNKNOWN)._value_,
        header.version,
        created,
        header.update_time,
        (status or InstanceStatus.UNKNOWN)._value_,
        instance_type.type_def_version,
        name,
        end1,
        end2,
        document,
    )


def _missing(header: AuditHeader, guid: str | None) -> str:
    if not guid:
        return "guid"
    if header.type is None or header.type.type_def_name is None:
        return "type with a typeDefName"
    return "metadataCollectionId" if header.metadata_collection_id is None else "createTime"


def _check_range(guid: str, *numbers: int) -> None:
    """Java's long; JSON allows more, and one number that SQLite cannot hold would cost the whole batch."""
    if min(numbers) >= -_LONG and max(numbers) < _LONG:
        return
    for number in numbers:
        if not -_LONG <= number < _LONG:
            raise PoisonEvent(f"the header of {guid} has the number {number}, which does not fit into 64 bits (spec cohort-events 6.2)", stage="validate")
