"""Made events: entities of about 3 kB with several properties and one classification, as a real member sends them; their versions rise."""

from msgspec.structs import replace

from cohort_sync.cohort.announce import entity_event
from cohort_sync.cohort.member import LocalMember
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import InstanceEventType, InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.events import PROTOCOL_V1, PROTOCOL_V2
from cohort_sync.omrs.instances import Classification, EntityDetail
from cohort_sync.omrs.primitive_values import PlainValue
from cohort_sync.omrs.type_registry import TypeRegistry

PEER = LocalMember(
    metadata_collection_id="5b0c0a9e-7c1e-4c7a-9b3f-1f2e3d4c5b6a",
    metadata_collection_name="bench peer",
    server_name="benchpeer",
    server_type="Metadata Access Store",
)
KEY = b"bench-peer-key"
START = 1_780_000_000_000
_TEXT = "A description of some length, as people write it into their glossary, with a comma here and there. "


def entity(registry: TypeRegistry, number: int, version: int) -> EntityDetail:
    """One entity at one version; the description changes with each version, so every write is a real one."""
    properties: dict[str, PlainValue] = {
        "qualifiedName": f"GlossaryTerm::bench::{number}",
        "displayName": f"term {number}",
        "description": f"version {version}: " + _TEXT,
        "additionalProperties": {"steward": "erin"},
    }
    confidential = Classification(
        type=registry.instance_type("Confidentiality"),
        instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
        metadata_collection_id=PEER.metadata_collection_id,
        metadata_collection_name=PEER.metadata_collection_name,
        created_by="erinoverview",
        create_time=START + number,
        version=1,
        name="Confidentiality",
        properties=registry.properties("Confidentiality", {"confidence": 3}),
        status=InstanceStatus.ACTIVE,
    )
    return EntityDetail(
        type=registry.instance_type("GlossaryTerm"),
        instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
        metadata_collection_id=PEER.metadata_collection_id,
        metadata_collection_name=PEER.metadata_collection_name,
        created_by="erinoverview",
        updated_by="erinoverview",
        create_time=START + number,
        update_time=START + number + version,
        version=version,
        guid=f"00000000-0000-4000-8000-{number:012x}",
        classifications=[confidential],
        properties=registry.properties("GlossaryTerm", properties),
        status=InstanceStatus.ACTIVE,
    )


def sender(registry: TypeRegistry) -> LocalMember:
    """The peer, speaking the protocol that goes with the release of the types."""
    return replace(PEER, protocol=PROTOCOL_V2 if registry.release.startswith("6") else PROTOCOL_V1)


def event_bytes(registry: TypeRegistry, number: int, version: int) -> bytes:
    """NEW for version 1, UPDATED (without the original, which nobody reads) after that."""
    kind = InstanceEventType.NEW_ENTITY_EVENT if version == 1 else InstanceEventType.UPDATED_ENTITY_EVENT
    return encode_event(entity_event(sender(registry), START + version, kind, entity(registry, number, version)))


def rising(registry: TypeRegistry, entities: int, versions: int) -> list[bytes]:
    """All entities at version 1, then all at version 2, ...: an entity comes again after `entities` events."""
    if entities < 1 or versions < 1:
        raise ValueError("at least one entity and one version")
    return [event_bytes(registry, number, version) for version in range(1, versions + 1) for number in range(entities)]


def size_of(events: list[bytes]) -> int:
    """The mean size in bytes."""
    return sum(map(len, events)) // len(events)


__all__ = ["KEY", "PEER", "entity", "event_bytes", "rising", "sender", "size_of"]
