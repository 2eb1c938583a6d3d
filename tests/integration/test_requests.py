"""What operators ask of a running worker: real worker processes, an embedded broker, the commands as they are typed."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka import TopicPartition as ClientPartition
from click.testing import CliRunner, Result

from cohort_sync.cli.asking import NOT_FINISHED
from cohort_sync.cli.main import cli
from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.demo.feed import feed, sample_records, topics_of
from cohort_sync.mapping.record import SourceRecord, TopicPartition
from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.enums import InstanceEventType, RegistryEventType
from cohort_sync.omrs.events import InstanceSection, RegistrySection
from cohort_sync.omrs.typedefs import EntityDef, TypeDefLink
from cohort_sync.store.fingerprint import fingerprint
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import Kind
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.store.stored import entity_rows, relationship_row
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.ends import end_offsets
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.cohort import Peer, types_of
from cohort_sync.testing.worker import WorkerProcess, member_config

OURS, THEIRS = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01", "8b1f6c52-0d3e-4a7b-9c55-1e2d3c4b5a02"
QUICK = {"session_timeout_seconds": 1}
E_ = InstanceEventType
R_ = RegistryEventType


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as started:
        yield started


class Member(WorkerProcess):
    """A worker in a cohort, and the commands beside it."""

    def command(self, *arguments: str) -> Result:
        """A command beside it."""
        return CliRunner().invoke(cli, list(arguments), env={"COHORT_SYNC_CONFIG": str(self.config_path)}, prog_name="cohort-sync")

    def ask(self, *arguments: str, wait: float = 30) -> tuple[int, str, str]:
        """A request: exit code, state and result."""
        answer = self.command(*arguments, "--wait", str(wait), "--json")
        assert answer.stdout, answer.stderr
        told = json.loads(answer.stdout)
        return answer.exit_code, told["state"], told["result"]

    def go(self) -> None:
        """Start it and wait until it is a member."""
        self.start()
        self.wait_until(lambda: self.ready, 40, "it is ready")

    def letters(self) -> list[tuple[int, str, str]]:
        """Id, state and reason of the dead letters."""
        return self.look(lambda reader: [(row.id, row.state, row.reason) for row in reader.dead_letters(None)], [])


def member(directory: Path, broker: EmbeddedBroker, cohort: str, name: str = "retail-proxy", collection: str = OURS, **sections: object) -> Member:
    config = member_config(name, cohort=cohort, bootstrap=broker.bootstrap, collection_id=collection, **sections)
    return Member(directory / name, config)


def source(cohort: str, topics: Sequence[str]) -> dict[str, object]:
    return {"name": "warehouse", "mapper": "debezium", "topics": list(topics), "group": f"{cohort}.warehouse"}


def settings_of(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=(broker.bootstrap,))


def make_topics(broker: EmbeddedBroker, *names: str) -> None:
    async def make() -> None:
        async with KafkaAdmin(settings_of(broker)) as admin:
            await admin.ensure_topics(names)

    asyncio.run(make())


def send(broker: EmbeddedBroker, topic: str, values: Iterable[bytes], key: bytes = b"peer-key") -> None:
    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
            for value in values:
                await producer.send_and_wait(topic, value, key, partition=0)

    asyncio.run(write())


def read(broker: EmbeddedBroker, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Every record of a topic."""

    async def everything() -> list[ConsumerRecord[bytes, bytes]]:
        (end,) = (await end_offsets(settings_of(broker), [TopicPartition(topic, 0)])).values()
        if end == 0:
            return []
        consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none", fetch_max_wait_ms=50)
        await consumer.start()
        try:
            partition = ClientPartition(topic, 0)
            consumer.assign([partition])
            consumer.seek(partition, 0)
            records: list[ConsumerRecord[bytes, bytes]] = []
            while len(records) < end:
                for batch in (await consumer.getmany(timeout_ms=1000)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()

    return asyncio.run(everything())


def instances(records: Iterable[ConsumerRecord[bytes, bytes]]) -> list[tuple[InstanceEventType | None, str | None]]:
    sections = (decode_event(record.value or b"").instance_event_section or InstanceSection() for record in records)
    return [(section.event_type, section.instance_guid) for section in sections]


def registrations(broker: EmbeddedBroker, cohort: str, server: str) -> list[RegistryEventType | None]:
    """What a server said on the registration topic."""
    events = [decode_event(record.value or b"") for record in read(broker, cohort_topics(cohort).registration)]
    return [
        (event.registry_event_section or RegistrySection()).registry_event_type
        for event in events
        if event.originator and event.originator.server_name == server
    ]


def fed(broker: EmbeddedBroker, worker: Member) -> list[SourceRecord]:
    """The sample records, read and announced."""
    records = sample_records()
    asyncio.run(feed(settings_of(broker), records, lambda _number: None))
    worker.wait_until(lambda: worker.records_read(topics_of(records)) == len(records) and worker.outbox == 0, 40, "everything is mapped and sent")
    return records


def has_all(worker: Member, home: str, wanted: Callable[[], str]) -> bool:
    return worker.look(lambda reader: fingerprint(reader, home, exact=True).hex, "") == wanted()


# ---------------------------------------------------------------- publish


def test_publish_announces_everything_again_and_a_member_that_lost_its_copies_has_them(broker: EmbeddedBroker, tmp_path: Path) -> None:
    records, topics = sample_records(), cohort_topics("again")
    make_topics(broker, *topics_of(records))
    with member(tmp_path, broker, "again", sources=[source("again", topics_of(records))]) as ours, member(tmp_path, broker, "again", "other", THEIRS) as other:
        ours.go()
        other.go()
        fed(broker, ours)

        def wanted() -> str:
            return ours.look(lambda reader: fingerprint(reader, OURS, exact=True).hex, "-")

        other.wait_until(lambda: has_all(other, OURS, wanted), 30, "the other has everything")
        before = len(read(broker, topics.instances))
        assert ours.ask("publish", "--all") == (0, "done", "announced 80 entities, 78 relationships")
        ours.wait_until(lambda: ours.outbox == 0, 10, "it is sent")
        again = instances(read(broker, topics.instances)[before:])
        kinds = [kind for kind, _ in again]
        assert kinds == [E_.NEW_ENTITY_EVENT] * 80 + [E_.NEW_RELATIONSHIP_EVENT] * 78
        assert {guid for _, guid in again} == set(ours.look(lambda reader: [row.guid for row in reader.scan(OURS)], []))
        assert has_all(other, OURS, wanted)  # who is up to date ignores it

        lost(other)
        assert ours.ask("publish", "--all", "--type", "RelationalTable")[2].startswith("announced ")
        other.wait_until(lambda: bool(other.look(lambda reader: list(reader.scan(OURS, Kind.ENTITY)), [])), 10, "it has the tables")
        assert {row.type_name for row in other.look(lambda reader: list(reader.scan(OURS, Kind.ENTITY)), [])} == {"RelationalTable"}
        assert ours.ask("publish", "--source", "warehouse") == (0, "done", "announced 80 entities, 78 relationships")
        other.wait_until(lambda: has_all(other, OURS, wanted), 30, "the other has everything again")
        assert ours.ask("publish", "--type", "RelationalTabel")[:2] == (1, "failed")


def lost(worker: Member) -> None:
    """The member loses its copies of our instances, but not where it is on the topics."""
    worker.stop()

    async def forget() -> None:
        store = SqliteStore(worker.store_path)
        await store.open()
        try:
            guids = await store.read(lambda reader: {row.guid for row in reader.scan(OURS)})
            await store.transact(lambda _reader: (WriteSet(removed=guids), None))
        finally:
            await store.close()

    asyncio.run(forget())
    worker.go()


def test_a_publish_that_is_killed_goes_on_where_it_was(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Six thousand instances, three kills: all are announced in order, and what is sent twice is a contiguous part."""
    home = Peer(OURS)
    entities = [home.entity(f"e{number:05}") for number in range(4000)]
    links = [home.relationship(f"r{number:05}", entities[number], entities[number + 1]) for number in range(2000)]
    with member(tmp_path, broker, "killed") as worker:
        worker.go()
        worker.stop()

        async def fill() -> None:
            store = SqliteStore(worker.store_path)
            await store.open()
            try:
                rows = [entity_rows(one)[0] for one in entities] + [relationship_row(one) for one in links]
                await store.transact(lambda _reader: (WriteSet(instances={row.guid: row for row in rows}), None))
            finally:
                await store.close()

        asyncio.run(fill())
        filed = worker.command("publish", "--all")
        assert filed.stdout.splitlines()[1] == "no worker runs on this store now; the request waits until one is started"
        progress = [0]

        def announced() -> int:
            row = worker.look(lambda reader: reader.request(1), None)
            return 0 if row is None or row.state != "running" else int(row.result.split()[1]) + int(row.result.split()[3])

        def finished() -> bool:
            row = worker.look(lambda reader: reader.request(1), None)
            return row is not None and row.state == "done"

        for _ in range(3):
            worker.start()
            worker.wait_until(lambda: announced() > progress[-1] or finished(), 40, "it goes on")
            worker.kill()
            progress.append(announced())
        assert not finished(), f"the machine is too fast for this test: {progress}"
        worker.start()
        worker.wait_until(lambda: finished() and worker.outbox == 0, 60, "it is done and sent")
        assert json.loads(worker.command("requests", "show", "1", "--json").stdout)["result"] == "announced 4000 entities, 2000 relationships"

    sent = [guid or "" for _, guid in instances(read(broker, cohort_topics("killed").instances))]
    order = {guid: number for number, guid in enumerate([str(one.guid) for one in (*entities, *links)])}
    once: list[int] = []
    for guid in sent:
        if once and order[guid] <= once[-1]:
            del once[order[guid] :]
        once.append(order[guid])
        assert once[-1] == len(once) - 1, f"{guid} came out of order"
    assert len(once) == 6000


# ---------------------------------------------------------------- unregister, refresh


def test_unregister_tells_the_cohort_last_and_the_next_start_registers_again(broker: EmbeddedBroker, tmp_path: Path) -> None:
    records, topics = sample_records(), cohort_topics("leaving")
    make_topics(broker, *topics_of(records))
    with (
        member(tmp_path, broker, "leaving", sources=[source("leaving", topics_of(records))], kafka=QUICK) as ours,
        member(tmp_path, broker, "leaving", "other", THEIRS) as other,
    ):
        ours.go()
        other.go()
        fed(broker, ours)
        other.wait_until(lambda: members_of(other) == ["retail-proxy"], 10, "they know each other")
        assert ours.ask("unregister") == (0, "done", "left the cohort leaving; the worker stops, its next start registers again")
        assert ours.wait(30) == 0
        other.wait_until(lambda: members_of(other) == [], 10, "the other knows that we left")
        assert registrations(broker, "leaving", "retail-proxy")[-1] is R_.UN_REGISTRATION_EVENT
        assert members_of(ours) == []
        assert other.look(lambda reader: len(list(reader.scan(OURS))), 0) == 158  # copies stay
        ours_before = len(instances_of(broker, topics.instances, "retail-proxy"))

        # Requests of others are not answered by one that has left, and it says nothing more.
        assert other.ask("refresh")[0] == 0
        assert len(instances_of(broker, topics.instances, "retail-proxy")) == ours_before
        assert registrations(broker, "leaving", "retail-proxy")[-1] is R_.UN_REGISTRATION_EVENT

        ours.go()
        other.wait_until(lambda: members_of(other) == ["retail-proxy"], 10, "it is a member again")
        ours.wait_until(lambda: members_of(ours) == ["other"], 10, "it knows the other again")
        kinds = registrations(broker, "leaving", "retail-proxy")
        assert kinds[: kinds.index(R_.UN_REGISTRATION_EVENT)].count(R_.REGISTRATION_EVENT) == 1
        assert kinds[kinds.index(R_.UN_REGISTRATION_EVENT) + 1] is R_.REGISTRATION_EVENT
        assert len(instances_of(broker, topics.instances, "retail-proxy")) == ours_before  # nothing is mapped twice


def members_of(worker: Member) -> list[str]:
    return worker.look(lambda reader: [row.server_name or "" for row in reader.members()], [])


def instances_of(broker: EmbeddedBroker, topic: str, server: str) -> list[bytes]:
    records = read(broker, topic)
    return [record.value or b"" for record in records if (event := decode_event(record.value or b"")).originator and event.originator.server_name == server]


def test_a_request_to_leave_that_nobody_heard_is_done_by_the_next_start(broker: EmbeddedBroker, tmp_path: Path) -> None:
    with member(tmp_path, broker, "nobody") as worker:
        worker.go()
        worker.stop()
        assert worker.ask("unregister", wait=0.2)[:2] == (NOT_FINISHED, "pending")
        worker.start()
        assert worker.wait(60) == 0
        assert registrations(broker, "nobody", "retail-proxy")[-1] is R_.UN_REGISTRATION_EVENT
        assert json.loads(worker.command("requests", "list", "--json").stdout)[0]["state"] == "done"


def test_refresh_brings_registrations_and_changes_that_were_missed(broker: EmbeddedBroker, tmp_path: Path) -> None:
    records, topics = sample_records(), cohort_topics("refreshed")
    make_topics(broker, *topics_of(records))
    with (
        member(tmp_path, broker, "refreshed", sources=[source("refreshed", topics_of(records))]) as ours,
        member(tmp_path, broker, "refreshed", "other", THEIRS) as other,
    ):
        ours.go()
        other.go()
        fed(broker, ours)

        def wanted() -> str:
            return ours.look(lambda reader: fingerprint(reader, OURS, exact=True).hex, "-")

        other.wait_until(lambda: has_all(other, OURS, wanted), 30, "the other has everything")
        asked = registrations(broker, "refreshed", "other").count(R_.REFRESH_REGISTRATION_REQUEST)
        answers = registrations(broker, "refreshed", "retail-proxy").count(R_.RE_REGISTRATION_EVENT)
        assert other.ask("refresh") == (0, "done", "asked the other members for their registrations")
        other.wait_until(lambda: registrations(broker, "refreshed", "retail-proxy").count(R_.RE_REGISTRATION_EVENT) > answers, 10, "we answer")
        assert registrations(broker, "refreshed", "other").count(R_.REFRESH_REGISTRATION_REQUEST) == asked + 1

        missed(other)
        assert not has_all(other, OURS, wanted)
        code, state, result = other.ask("refresh", "--instances", "--member", "retail-proxy")
        assert (code, state) == (0, "done")
        assert result == "asked the other members for their registrations; asked for 158 instances"
        other.wait_until(lambda: has_all(other, OURS, wanted), 30, "what was missed is there")
        assert {kind for kind, _ in instances(read(broker, topics.instances)[-10:])} <= {E_.REFRESHED_ENTITY_EVENT, E_.REFRESHED_RELATIONSHIP_EVENT}


def missed(worker: Member) -> None:
    """As if this member had not heard the last change of every entity of ours."""
    worker.stop()

    async def set_back() -> None:
        store = SqliteStore(worker.store_path)
        await store.open()
        try:
            rows = await store.read(lambda reader: list(reader.scan(OURS, Kind.ENTITY)))
            older = {row.guid: row._replace(version=0, document=row.document.replace(b'"version":%d' % row.version, b'"version":0', 1)) for row in rows}
            await store.transact(lambda _reader: (WriteSet(instances=older), None))
        finally:
            await store.close()

    asyncio.run(set_back())
    worker.go()


# ---------------------------------------------------------------- resume, replay, discard


def test_resume_goes_on_after_the_bad_records(broker: EmbeddedBroker, tmp_path: Path) -> None:
    records = sample_records()
    (topic, *_) = topics_of(records)
    good = [record for record in records if record.topic == topic]
    make_topics(broker, "halting")
    with member(tmp_path, broker, "halted", sources=[source("halted", ["halting"])]) as worker:
        worker.go()
        send(broker, "halting", [b"{" for _ in range(25)])
        worker.wait_until(lambda: worker.page("/readyz")[0] == 503, 20, "the source is halted")
        assert "20 records in a row could not be used" in worker.page("/readyz")[1]
        assert worker.records_read(["halting"]) == 20
        code, state, result = worker.ask("resume", "warehouse")
        assert (code, state, result) == (0, "done", "source warehouse goes on")
        worker.wait_until(lambda: worker.records_read(["halting"]) == 25, 20, "it reads on")
        worker.wait_until(lambda: worker.ready, 10, "it is ready again")
        send(broker, "halting", [record.value or b"" for record in good if record.value][:5])
        worker.wait_until(lambda: worker.records_read(["halting"]) == 30, 20, "good records are read")
        assert len([state for _, state, _ in worker.letters() if state == "open"]) >= 25
        assert worker.ask("resume", "warehouse") == (1, "failed", "source 'warehouse' is not halted")
        assert worker.ask("dlq", "discard", "--all", "--flow", "warehouse")[0] == 0
        assert {state for _, state, _ in worker.letters()} == {"discarded"}


def test_records_over_the_limit_are_replayed_when_it_is_raised_unless_they_were_overtaken(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """CREATE TABLE addresses is too large; so is an ALTER TABLE customers, which is followed by another one that is not."""
    samples = sample_records()
    padding = b" " * 12_000
    values = [record.value or b"" for record in samples[:13]] + [
        (samples[13].value or b"") + padding,
        (samples[20].value or b"") + padding,
        samples[27].value or b"",
    ]
    make_topics(broker, "retail")
    with member(tmp_path, broker, "limited", kafka=QUICK | {"max_event_bytes": 10_000}, sources=[source("limited", ["retail"])]) as worker:
        worker.go()
        send(broker, "retail", values)
        worker.wait_until(lambda: worker.records_read(["retail"]) == len(values), 20, "all are read")
        assert [number for number, _, reason in worker.letters() if "kafka.max_event_bytes" in reason] == [1, 2]
        code, state, result = worker.ask("dlq", "replay", "1")
        assert (code, state) == (1, "failed")
        assert result.startswith("0 replayed, 1 not: 1 ($: the value has ")
        worker.stop()
        worker.config_path.write_text(worker.config_path.read_text().replace("max_event_bytes = 10000", "max_event_bytes = 1000000"))
        worker.go()
        assert "addresses" not in tables(worker)
        code, state, result = worker.ask("dlq", "replay", "--all")
        assert (code, state) == (1, "failed")
        assert result.startswith("1 replayed (1 applied), 1 not: 2 (something newer is stored: it is not newer than what was applied to ")
        assert "addresses" in tables(worker)
        assert [state for _, state, _ in worker.letters()] == ["replayed", "open"]
        worker.wait_until(lambda: worker.outbox == 0, 10, "it is announced")
        sent = read(broker, cohort_topics("limited").instances)
        assert any(b"addresses" in (record.value or b"") for record in sent)
        assert worker.ask("dlq", "discard", "2") == (0, "done", "1 discarded")


def tables(worker: Member) -> set[str]:
    names = worker.look(lambda reader: [row.qualified_name or "" for row in reader.scan(OURS, Kind.ENTITY) if row.type_name == "RelationalTable"], [])
    return {name.rpartition("::")[2] for name in names}


def test_an_event_of_an_unknown_type_is_replayed_when_the_type_is_loaded(broker: EmbeddedBroker, tmp_path: Path) -> None:
    icehouse = EntityDef(guid="g-ice", name="Icehouse", version=1, super_type=TypeDefLink(guid="896d14c2-7522-4f6c-8519-757711943fe6", name="Asset"))
    peer = Peer("theirs", registry=types_of().with_type(icehouse))
    topics = cohort_topics("typed")
    make_topics(broker, *topics.all)
    with member(tmp_path, broker, "typed", worker={"parked_seconds": 0}) as worker:
        worker.go()
        send(broker, topics.instances, [encode_event(peer.new(peer.entity("i", type_name="Icehouse"))), b"{"])
        worker.wait_until(lambda: len(worker.letters()) == 2, 30, "both are dead letters")
        worker.stop()
        archive = tmp_path / "own.omarchive"
        header = {"archiveGUID": "a1", "archiveName": "Own types", "archiveVersion": "1.0", "archiveType": "CONTENT_PACK"}
        above = {"guid": "896d14c2-7522-4f6c-8519-757711943fe6", "name": "Asset"}
        type_def = {"class": "EntityDef", "name": "Icehouse", "guid": "g-ice", "version": 1, "category": "ENTITY_DEF", "superType": above}
        archive.write_text(json.dumps({"class": "OpenMetadataArchive", "archiveProperties": header, "archiveTypeStore": {"newTypeDefs": [type_def]}}))
        worker.config_path.write_text(worker.config_path.read_text() + f'[types]\narchives = ["{archive}"]\n')
        worker.go()
        code, state, result = worker.ask("dlq", "replay", "--all", "--flow", "cohort")
        assert (code, state) == (1, "failed")
        assert result.startswith("1 replayed (1 stored), 1 not: ")
        assert sorted(state for _, state, _ in worker.letters()) == ["open", "replayed"]
        assert worker.look(lambda reader: list(reader.instances(["i"])), []) == ["i"]


def test_a_dead_letter_that_teaches_a_type_is_known_to_the_flow_at_once(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """The type comes by replay while the cohort flow runs; the next instance of it is stored, not parked."""
    icehouse = EntityDef(guid="g-ice", name="Icehouse", version=1, super_type=TypeDefLink(guid="896d14c2-7522-4f6c-8519-757711943fe6", name="Asset"))
    peer = Peer("theirs", registry=types_of().with_type(icehouse))
    topics = cohort_topics("taught")
    make_topics(broker, *topics.all)
    large = "x" * 12_000
    taught = encode_event(peer.teaches(EntityDef(guid="g-ice", name="Icehouse", version=1, super_type=icehouse.super_type, description=large)))
    with member(tmp_path, broker, "taught", kafka={"max_event_bytes": 10_000}) as worker:
        worker.go()
        send(broker, topics.types, [taught])
        worker.wait_until(lambda: len(worker.letters()) == 1, 20, "it is a dead letter")
        worker.stop()
        worker.config_path.write_text(worker.config_path.read_text().replace("max_event_bytes = 10000", "max_event_bytes = 1000000"))
        worker.go()
        assert worker.ask("dlq", "replay", "1") == (0, "done", "1 replayed (1 stored)")
        send(broker, topics.instances, [encode_event(peer.new(peer.entity("i", type_name="Icehouse")))])
        worker.wait_until(lambda: worker.look(lambda reader: bool(reader.instances(["i"])), False), 20, "it is stored")
        assert worker.look(lambda reader: reader.parked_size(), -1) == 0
        worker.stop()
        worker.go()
        assert worker.look(lambda reader: [row.name for row in reader.types()], []) == ["Icehouse"]
