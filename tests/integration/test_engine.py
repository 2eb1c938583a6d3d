"""The engine of a member: a part that fails ends it."""

import asyncio
from pathlib import Path

from cohort_sync.config import settings_from
from cohort_sync.store.clock import wall_clock
from cohort_sync.store.memory import MemoryStore
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.worker.engine import Engine
from cohort_sync.worker.parts import Parts


async def nothing_to_close() -> None:
    return


def test_a_crash_of_the_faust_app_ends_the_member(tmp_path: Path) -> None:
    """Its mapper agents would answer no more, and the sources would wait for them."""
    trouble = RuntimeError("of an agent")

    async def story() -> None:
        settings = settings_from(
            {
                "member": {"name": "alice", "metadata_collection_id": "alices"},
                "cohort": {"name": "coco"},
                "kafka": {"bootstrap_servers": [broker.bootstrap]},
                "store": {"path": tmp_path / "alice.db"},
                "sources": [{"name": "retail", "mapper": "debezium", "topics": ["retail"]}],
            }
        )
        stopping = asyncio.Event()
        parts = Parts(settings, MemoryStore(), clock=wall_clock, stop=stopping.set)
        engine = Engine(parts, stopping, close_doors=nothing_to_close, tell=lambda _: None)
        try:
            await engine.open()
            assert await engine.join()
            await parts.shell.app.crash(trouble)
            async with asyncio.timeout(30):
                await stopping.wait()
        finally:
            await engine.stop()
        assert engine.fault is trouble

    with EmbeddedBroker() as broker:
        asyncio.run(story())
