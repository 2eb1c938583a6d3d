"""How the parts of a worker are put together, where nothing outside has to run for it."""

import asyncio
from pathlib import Path

from msgspec import Raw

from cohort_sync.collection.headers import Author
from cohort_sync.config.settings import CohortSettings, MemberSettings, Settings, StoreSettings
from cohort_sync.omrs.enums import InstancePropertyCategory, PrimitiveDefCategory, TypeDefCategory
from cohort_sync.omrs.properties import InstanceProperties, PrimitivePropertyValue
from cohort_sync.omrs.typedefs import EntityDef, TypeDefLink
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import WriteSet
from cohort_sync.worker.parts import Parts

ASSET = TypeDefLink(guid="896d14c2-7522-4f6c-8519-757711943fe6", name="Asset")
PETER = Author("peter")


def settings(directory: Path) -> Settings:
    return Settings(
        member=MemberSettings(name="retail-proxy", metadata_collection_id="mc-local"),
        cohort=CohortSettings(name="retail"),
        store=StoreSettings(path=str(directory / "store.db")),
    )


def below_asset(guid: str, name: str) -> EntityDef:
    return EntityDef(guid=guid, name=name, version=1, category=TypeDefCategory.ENTITY_DEF, super_type=ASSET)


def named(name: str) -> InstanceProperties:
    value = PrimitivePropertyValue(
        instance_property_category=InstancePropertyCategory.PRIMITIVE,
        type_name="string",
        primitive_def_category=PrimitiveDefCategory.STRING,
        primitive_value=Raw(f'"{name}"'.encode()),
    )
    return InstanceProperties(instance_properties={"qualifiedName": value})


def test_a_change_through_the_collection_wakes_the_publisher(tmp_path: Path) -> None:
    async def story() -> None:
        parts = Parts(settings(tmp_path), MemoryStore(), clock=lambda: 1_700_000_000_000, stop=lambda: None)
        await parts.open_store()
        try:
            parts.publisher.empty.set()  # as it is while the publisher waits for work
            collection = parts.collection()
            await collection.reads.is_entity_known("peter", "g1")
            assert parts.publisher.empty.is_set()
            await collection.entities.add_entity(PETER, ASSET.guid, named("a"))
            assert not parts.publisher.empty.is_set()
            assert await parts.store.read(lambda reader: reader.outbox_size()) == 1
        finally:
            await parts.store.close()

    asyncio.run(story())


def test_types_are_changed_in_turn_with_the_cohort_flow(tmp_path: Path) -> None:
    async def story() -> None:
        parts = Parts(settings(tmp_path), MemoryStore(), clock=lambda: 1_700_000_000_000, stop=lambda: None)
        await parts.open_store()
        try:
            ours = below_asset("g-ours", "Lakehouse")
            theirs = below_asset("g-theirs", "Icehouse")
            async with parts.planning:  # as the cohort flow does it, which learns a type
                registry = parts.types.registry.with_type(theirs)
                adding = asyncio.ensure_future(parts.collection().type_maintenance.add_type_def(PETER, ours))
                await asyncio.sleep(0)  # the change has begun: what it writes would be written before the next transaction
                await parts.store.transact(lambda _: (WriteSet(), None))
                parts.types.registry = registry
            await adding
            assert [parts.types.registry.type_def(name) is not None for name in ("Lakehouse", "Icehouse")] == [True, True]
        finally:
            await parts.store.close()

    asyncio.run(story())
