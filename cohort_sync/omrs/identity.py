"""Deterministic GUIDs of home instances (spec mappers 1.1).

The same source log with the same configuration makes the same instances, whatever the process, the restart or the cut of the batches. The namespace is the
metadata collection id; where that is not a UUID, the UUIDv5 of the URL namespace and its text.
"""

from uuid import NAMESPACE_URL, UUID, uuid5


def namespace(metadata_collection_id: str) -> UUID:
    """The namespace of a collection's GUIDs."""
    try:
        return UUID(metadata_collection_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, metadata_collection_id)


def entity_guid(ns: UUID, identity: str) -> str:
    """The GUID of an entity. `identity` is `entity:` + qualifiedName, or `<source>:` + the source's own immutable id."""
    return str(uuid5(ns, identity))


def relationship_guid(ns: UUID, type_name: str, end1_guid: str, end2_guid: str, discriminator: str = "") -> str:
    """The GUID of a relationship; a discriminator only where parallel links of one type are meant."""
    name = f"relationship:{type_name}:{end1_guid}:{end2_guid}"
    return str(uuid5(ns, f"{name}:{discriminator}" if discriminator else name))
