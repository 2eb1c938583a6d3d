"""A store of the size that is asked for: glossary terms of a peer, each with a relationship to another, written by the store itself and indexed."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from bench.events import PEER, START, entity
from cohort_sync.omrs.enums import InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.instances import EntityProxy, Relationship
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.store.stored import entity_rows, relationship_row
from schemas import read_pack

_AT_ONCE = 2_000
_INDEX_AT_ONCE = 20_000


def make_store(path: Path, entities: int, *, seconds: float = 3600.0, told: Callable[[str], None] = lambda _: None) -> None:
    """As many entities, as many relationships, all in the find index. `told` hears how far it is; TimeoutError after `seconds`."""
    asyncio.run(_make(path, entities, time.monotonic() + seconds, told))


async def _make(path: Path, entities: int, deadline: float, told: Callable[[str], None]) -> None:
    registry = TypeRegistry.from_pack(read_pack("6.1"))
    store = SqliteStore(path)
    await store.open()
    try:
        for begin in range(0, entities, _AT_ONCE):
            _check(deadline, f"{begin:,} of {entities:,} entities are written")
            writes = _writes(registry, range(begin, min(begin + _AT_ONCE, entities)), entities)
            await _put(store, writes)
            if begin % (entities // 10 // _AT_ONCE * _AT_ONCE or _AT_ONCE) == 0:
                told(f"{begin:,} of {entities:,} entities are written")
        while waiting := await store.index(_INDEX_AT_ONCE):
            _check(deadline, f"{waiting:,} instances wait for the find index")
            told(f"{waiting:,} instances wait for the find index")
    finally:
        await store.close()


def _check(deadline: float, so_far: str) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"the store is not filled within its time: {so_far}")


async def _put(store: SqliteStore, writes: WriteSet) -> None:
    await store.transact(lambda _reader: (writes, None))


def _writes(registry: TypeRegistry, numbers: range, entities: int) -> WriteSet:
    writes = WriteSet()
    for number in numbers:
        row, classifications = entity_rows(entity(registry, number, 1))
        link = relationship_row(related(registry, number, entities))
        writes.instances[row.guid] = row
        writes.instances[link.guid] = link
        writes.classifications.update({(one.entity_guid, one.name): one for one in classifications})
    return writes


def related(registry: TypeRegistry, number: int, entities: int) -> Relationship:
    """The relationship that begins at one entity; where it ends is spread over all."""
    return Relationship(
        type=registry.instance_type("RelatedTerm"),
        instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
        metadata_collection_id=PEER.metadata_collection_id,
        metadata_collection_name=PEER.metadata_collection_name,
        created_by="erinoverview",
        create_time=START + number,
        version=1,
        guid=f"00000000-0000-4000-9000-{number:012x}",
        status=InstanceStatus.ACTIVE,
        properties=registry.properties("RelatedTerm", {"description": f"relationship {number}"}),
        entity_one_proxy=_proxy(registry, number),
        entity_two_proxy=_proxy(registry, (number * 31 + 1) % entities),
    )


def _proxy(registry: TypeRegistry, number: int) -> EntityProxy:
    return EntityProxy(
        type=registry.instance_type("GlossaryTerm"),
        instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
        metadata_collection_id=PEER.metadata_collection_id,
        metadata_collection_name=PEER.metadata_collection_name,
        create_time=START + number,
        version=1,
        guid=guid_of(number),
        status=InstanceStatus.ACTIVE,
        unique_properties=registry.properties("GlossaryTerm", {"qualifiedName": f"GlossaryTerm::bench::{number}"}),
    )


def guid_of(number: int) -> str:
    """Of an entity."""
    return f"00000000-0000-4000-8000-{number:012x}"
