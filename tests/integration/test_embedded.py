"""A member inside a program: what `cohort_sync.embedded` promises, over the Kafka protocol."""

import asyncio
import logging
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.embedded import Author, ConfigurationError, EventResult, FatalFault, Member, Settings, StoreLocked, Verdict, plain_values, settings_from
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.instances import EntityDetail
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.testing import EmbeddedBroker

ALICE = Author("alice")
SECONDS = 60.0
NOBODY = "127.0.0.1:1"
"""An address where no broker is."""


def settings(directory: Path, broker: str, name: str = "alice") -> Settings:
    return settings_from(
        {
            "member": {"name": name, "metadata_collection_id": f"collection of {name}"},
            "cohort": {"name": "coco"},
            "kafka": {"bootstrap_servers": [broker]},
            "store": {"path": directory / f"{name}.db"},
        }
    )


async def add(member: Member, name: str) -> EntityDetail:
    kind = member.types.entity_def("GlossaryTerm").guid
    return await member.collection.entities.add_entity(ALICE, kind, member.types.properties("GlossaryTerm", {"qualifiedName": name}))


async def told(heard: "asyncio.Queue[EventResult]", guid: str | None) -> EventResult:
    async with asyncio.timeout(SECONDS):
        while (event := await heard.get()).guid != guid:
            continue
        return event


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.02)


def test_what_is_changed_without_a_broker_is_sent_when_there_is_one(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        address = broker.bootstrap
        broker.kill()

        async def story() -> None:
            async with Member(settings(tmp_path, address)) as before:
                early = await add(before, "early")
            heard: asyncio.Queue[EventResult] = asyncio.Queue()
            async with Member(settings(tmp_path, address)) as alice, Member(settings(tmp_path, address, "bob"), applied=heard.put_nowait) as bob:
                late = await add(alice, "late")
                assert [one.name for one in alice.conditions if not one.holds] == ["broker", "cohort"]
                broker.start()
                async with asyncio.timeout(SECONDS):
                    await alice.joined()
                    await alice.sent()
                assert (await told(heard, early.guid)).verdict is Verdict.STORED
                assert (await told(heard, late.guid)).verdict is Verdict.STORED
                copy = await bob.collection.reads.get_entity_detail("bob", late.guid)
                assert plain_values(copy.properties) == {"qualifiedName": "late"}
                assert [row.server_name for row in await bob.store.read(lambda reader: reader.members())] == ["alice"]
                await until(lambda: all(one.holds for one in bob.conditions))

        asyncio.run(story())


def test_a_fault_cancels_the_block_and_is_raised_at_its_end(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:

        async def waiting(ours: Settings) -> None:
            async with Member(ours) as member:
                await member.joined()
                raise AssertionError("it cannot have joined")

        async def story() -> None:
            async with KafkaAdmin(KafkaSettings(bootstrap_servers=(broker.bootstrap,))) as admin:
                await admin.ensure_topics([cohort_topics("coco").types], partitions=3)
            with pytest.raises(FatalFault, match="exactly one partition"):
                await waiting(settings(tmp_path, broker.bootstrap))
            await SqliteStore(tmp_path / "alice.db").open()  # it was closed, and its lock given back

        asyncio.run(story())


def test_what_the_block_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    async def story() -> None:
        async with Member(settings(tmp_path, NOBODY)) as member:
            await add(member, "kept")
            raise ZeroDivisionError("of the program")

    with pytest.raises(ZeroDivisionError, match="of the program"):
        asyncio.run(story())


def test_a_cancelled_block_stops_the_member_in_good_order(tmp_path: Path) -> None:
    """As Ctrl-C does it under asyncio.run."""

    async def story() -> None:
        inside = asyncio.Event()

        async def program() -> None:
            async with Member(settings(tmp_path, NOBODY)) as member:
                await add(member, "kept")
                inside.set()
                await member.joined()

        task = asyncio.create_task(program())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with Member(settings(tmp_path, NOBODY)) as again:
            assert await again.store.read(lambda reader: [row.qualified_name for row in reader.scan()]) == ["kept"]

    asyncio.run(story())


def test_what_applied_raises_ends_the_member(tmp_path: Path) -> None:
    def confused(result: EventResult) -> None:
        raise KeyError(result.event_type)

    async def story() -> None:
        async with Member(settings(tmp_path, broker.bootstrap, "bob"), applied=confused) as bob, Member(settings(tmp_path, broker.bootstrap)) as alice:
            await add(alice, "a")
            await asyncio.gather(alice.stopped(), bob.stopped())

    with EmbeddedBroker() as broker, pytest.raises(KeyError, match="EVENT"):
        asyncio.run(story())


def test_the_command_line_looks_at_it_and_asks_it(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("cohort-sync"))

    async def run(*command: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(program, *command, "--json", cwd=tmp_path, env=environ, stdout=PIPE)
        answer, _ = await process.communicate()
        found: dict[str, Any] = msgspec.json.decode(answer)
        return found

    async def story() -> None:
        async with Member(settings(tmp_path, broker.bootstrap)) as alice:
            await add(alice, "a")
            async with asyncio.timeout(SECONDS):
                await alice.joined()
                await alice.sent()
                status = await run("status")
                assert (status["worker"]["state"], status["worker"]["pid"], status["attention"]) == ("embedded", os.getpid(), [])
                asked = await run("publish", "--all", "--wait", "30")
            assert (asked["worker"], asked["state"], asked["result"]) == ("embedded", "done", "announced 1 entities, 0 relationships")
            async with asyncio.timeout(SECONDS):
                await run("unregister")
                await alice.stopped()
        assert (await run("status"))["worker"]["state"] == "stopped"  # although this process goes on
        assert (await run("requests", "show", "2"))["state"] == "done"
        heard: asyncio.Queue[EventResult] = asyncio.Queue()
        async with Member(settings(tmp_path, broker.bootstrap, "bob"), applied=heard.put_nowait) as bob, asyncio.timeout(SECONDS):
            while (await heard.get()).event_type != "UN_REGISTRATION_EVENT":
                continue
            assert await bob.store.read(lambda reader: reader.members()) == []

    with EmbeddedBroker() as broker:
        environ = {
            **os.environ,
            "COHORT_SYNC_MEMBER__NAME": "alice",
            "COHORT_SYNC_MEMBER__METADATA_COLLECTION_ID": "collection of alice",
            "COHORT_SYNC_COHORT__NAME": "coco",
            "COHORT_SYNC_STORE__PATH": "alice.db",
        }
        asyncio.run(story())


def test_another_thread_may_use_it_and_every_change_is_announced_once(tmp_path: Path) -> None:
    def change(member: Member, loop: asyncio.AbstractEventLoop) -> list[EntityDetail]:
        under_way = [asyncio.run_coroutine_threadsafe(add(member, f"term {number}"), loop) for number in range(20)]
        return [one.result(SECONDS) for one in under_way]

    async def story() -> None:
        async with Member(settings(tmp_path, NOBODY)) as member:
            made = await asyncio.to_thread(change, member, asyncio.get_running_loop())
            waiting = await member.store.read(lambda reader: [decode_event(row.value) for row in reader.outbox(99)])
            announced = [event.instance_event_section.instance_guid for event in waiting if event.instance_event_section is not None]
            assert sorted(announced, key=str) == sorted((one.guid for one in made), key=str)

    asyncio.run(story())


def test_a_store_has_one_member(tmp_path: Path) -> None:
    async def story() -> None:
        async with Member(settings(tmp_path, NOBODY)):
            with pytest.raises(StoreLocked, match=f"is in use by process {os.getpid()}"):
                await Member(settings(tmp_path, NOBODY)).__aenter__()

    asyncio.run(story())


def test_a_member_is_used_in_its_block_and_entered_once(tmp_path: Path) -> None:
    async def story() -> None:
        member = Member(settings(tmp_path, NOBODY), store=lambda path, clock: MemoryStore(clock=clock))
        with pytest.raises(FatalFault, match="not open"):
            _ = member.collection
        async with member:
            assert (await add(member, "a")).version == 1
        with pytest.raises(FatalFault, match="not open"):
            await member.joined()
        with pytest.raises(RuntimeError, match="entered once"):
            await member.__aenter__()

    asyncio.run(story())
    assert list(tmp_path.iterdir()) == []  # the store was the program's own


def test_another_member_of_the_same_id_is_refused(tmp_path: Path) -> None:
    """An empty store under a registered id sends nothing, although its program changed something at once."""
    (tmp_path / "copy").mkdir()

    async def changing(ours: Settings) -> None:
        async with Member(ours) as second:
            await add(second, "never sent")
            await asyncio.sleep(SECONDS)

    async def story() -> None:
        async with Member(settings(tmp_path, broker.bootstrap)) as alice:
            async with asyncio.timeout(SECONDS):
                await alice.joined()
                await alice.sent()
            heard: asyncio.Queue[EventResult] = asyncio.Queue()
            async with Member(settings(tmp_path, broker.bootstrap, "bob"), applied=heard.put_nowait) as bob:
                with pytest.raises(FatalFault, match="is registered"):
                    await changing(settings(tmp_path / "copy", broker.bootstrap))
                term = await add(alice, "sent")
                assert (await told(heard, term.guid)).verdict is Verdict.STORED
                kept = await bob.store.read(lambda reader: [row.qualified_name for row in reader.scan()])
                assert kept == ["sent"]

    with EmbeddedBroker() as broker:
        asyncio.run(story())


def test_a_program_is_spared_what_only_the_worker_needs() -> None:
    code = "import sys, cohort_sync.embedded; print([name for name in ('starlette', 'uvicorn', 'httpx2', 'cohort_sync.cli') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_settings_are_checked_as_those_of_a_file_are() -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings_from({"member": {"nam": "alice"}, "store": {"path": Path("a.db")}, "kafka": {"bootstrap_servers": ["localhost"]}, "sources": [{"name": "s"}]})
    assert str(raised.value).splitlines() == [
        "wrong configuration, 6 problems:",
        "  settings: member.nam: unknown key; did you mean member.name?",
        "  settings: member.name: missing, expected text that is not empty",
        "  settings: member.metadata_collection_id: missing, expected text that is not empty",
        "  settings: cohort.name: missing, expected a name of letters, digits, '.', '_' and '-'",
        "  settings: kafka.bootstrap_servers: got ['localhost'] (list), expected a list of host:port with at least one item",
        "  settings: sources.s.mapper: missing, expected text that is not empty",
    ]


def test_the_log_is_that_of_the_program(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    structlog.reset_defaults()

    async def story() -> None:
        async with Member(settings(tmp_path, NOBODY)):
            await until(lambda: any("does not answer yet" in record.message for record in caplog.records))

    with caplog.at_level(logging.INFO):
        asyncio.run(story())
    (first, *_) = (record for record in caplog.records if "does not answer yet" in record.message)
    assert first.name == "cohort_sync.stream.broker_wait"
    assert f"servers='{NOBODY}'" in first.message
