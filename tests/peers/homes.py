"""The instances of one home as a Java member has to show them."""

from collections.abc import Mapping

from .compare import by_guid
from .hand import proxy
from .omrs_json import JsonObject
from .rest import EgeriaClient


def homed_at(collection_id: str, java: EgeriaClient) -> dict[str, JsonObject]:
    """By GUID, every entity and relationship of this home that a Java member finds in its own repository."""
    known = [*java.find_entities(), *java.find_relationships()]
    return by_guid(instance for instance in known if instance["metadataCollectionId"] == collection_id)


def with_ends_of_today(instances: Mapping[str, JsonObject]) -> dict[str, JsonObject]:
    """The same, but for the ends of relationships: one is announced once, with its ends as they were; a Java member brings them up to date with every
    event of an entity."""
    return {guid: instance | _ends(instance, instances) for guid, instance in instances.items()}


def _ends(instance: JsonObject, instances: Mapping[str, JsonObject]) -> JsonObject:
    return {name: proxy(instances[instance[name]["guid"]]) for name in ("entityOneProxy", "entityTwoProxy") if name in instance}
