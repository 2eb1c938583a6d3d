"""The instances of the store as the collection gives them out: entities and proxies with their classifications, relationships with ends as they are now."""

from collections.abc import Iterable

from msgspec.structs import replace

from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import InstanceRow, Kind
from cohort_sync.store.stored import entity_of, proxy_of, relationship_of


def stored(reader: Reader, guid: str) -> EntityDetail | EntityProxy | Relationship | None:
    """What stands under this GUID; None when nothing does."""
    row = reader.instances((guid,)).get(guid)
    return None if row is None else _instance(reader, row)


def stored_entity(reader: Reader, guid: str) -> EntityDetail | EntityProxy | None:
    """The entity or proxy under this GUID; None when there is neither."""
    found = stored(reader, guid)
    return None if isinstance(found, Relationship) else found


def stored_relationship(reader: Reader, guid: str) -> Relationship | None:
    """The relationship under this GUID, as it was stored; None when there is none."""
    row = reader.instances((guid,)).get(guid)
    return relationship_of(row) if row is not None and row.kind == Kind.RELATIONSHIP else None


def _instance(reader: Reader, row: InstanceRow) -> EntityDetail | EntityProxy | Relationship:
    if row.kind == Kind.RELATIONSHIP:
        return relationship_of(row)
    classifications = reader.classifications((row.guid,)).get(row.guid, ())
    return proxy_of(row, classifications) if row.kind == Kind.PROXY else entity_of(row, classifications)


def with_present_ends(reader: Reader, registry: TypeRegistry, relationships: Iterable[Relationship]) -> list[Relationship]:
    """The relationships with end proxies made of the entities as they are now (spec metadata-collection-semantics 2.5).

    An end that is not stored here stays as the relationship has it.
    """
    found = list(relationships)
    guids = {proxy.guid for one in found for proxy in (one.entity_one_proxy, one.entity_two_proxy) if proxy is not None and proxy.guid is not None}
    rows = reader.instances(guids)
    classifications = reader.classifications(rows)
    ends: dict[str, EntityProxy] = {}
    for guid, row in rows.items():
        if row.kind == Kind.ENTITY:
            ends[guid] = proxy_of_entity(registry, entity_of(row, classifications.get(guid, ())))
        elif row.kind == Kind.PROXY:
            ends[guid] = proxy_of(row, classifications.get(guid, ()))
    return [replace(one, entity_one_proxy=_present(one.entity_one_proxy, ends), entity_two_proxy=_present(one.entity_two_proxy, ends)) for one in found]


def _present(proxy: EntityProxy | None, ends: dict[str, EntityProxy]) -> EntityProxy | None:
    return ends.get(proxy.guid, proxy) if proxy is not None and proxy.guid is not None else proxy
