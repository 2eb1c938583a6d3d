"""What the worker process does when something goes wrong around it: the broker, the store, its configuration, or what stands on the topics."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from cohort_sync.cohort.topics import CohortTopics, cohort_topics
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import RegistryEventType
from cohort_sync.omrs.events import RegistrySection
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import DeadLetterRow, GapRow, Kind
from cohort_sync.store.stored import entity_of
from cohort_sync.stream.admin import KafkaAdmin
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.cohort import BORN, TERM, Peer, property_text
from cohort_sync.testing.worker import WorkerProcess, member_config
from cohort_sync.worker.identity_check import COLLECTION_ID, SOURCES, TYPE_RELEASE

HOME = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"
PEER = "peer-of-faults"
PEER_KEY = b"key-of-the-peer"
PATIENCE = 30.0
"""How long a test waits for what has to come, in seconds; what it takes is far less."""
MOST_BYTES = 20_000
QUICK = {"session_timeout_seconds": 1, "topic_refresh_seconds": 0.5, "max_event_bytes": MOST_BYTES}
BAD = b"no JSON at all"
NOWHERE = 1 << 62
"""What stands inside for a position in a topic that was made anew; no person should have to read it."""


# ---------------------------------------------------------------- records


def table_created(number: int, **more: object) -> bytes:
    """What Debezium writes to its schema change topic for CREATE TABLE `table<number>`; a higher number is later in the binlog. `more` replaces fields."""
    return json.dumps(
        {
            "source": {
                "version": "3.2.4.Final",
                "connector": "mysql",
                "name": "retail",
                "ts_ms": BORN + number,
                "snapshot": "false",
                "db": "shop",
                "table": f"table{number}",
                "server_id": 7,
                "file": "mysql-bin.000007",
                "pos": 1000 + number,
                "row": 0,
            },
            "ts_ms": BORN + number,
            "databaseName": "shop",
            "schemaName": None,
            "ddl": f"CREATE TABLE `table{number}` (id INT)",
            "tableChanges": [{"type": "CREATE", "id": f'"shop"."table{number}"', "table": {"primaryKeyColumnNames": ["id"], "columns": [_COLUMN]}}],
            **more,
        }
    ).encode()


_COLUMN = {"name": "id", "jdbcType": 4, "typeName": "INT", "typeExpression": "INT", "position": 1, "optional": False}


def source(name: str, *topics: str) -> dict[str, object]:
    """A source of the Debezium mapper."""
    return {"name": name, "mapper": "debezium", "topics": topics}


def term(peer: Peer, guid: str) -> bytes:
    """The peer announces an entity."""
    return encode_event(peer.new(peer.entity(guid)))


def registered(collection: str) -> bytes:
    """The registration of a member with this metadata collection id."""
    return encode_event(Peer(collection).registers(RegistryEventType.REGISTRATION_EVENT, RegistrySection(registration_timestamp=BORN)))


# ---------------------------------------------------------------- the broker's side


def make_topics(bootstrap: str, topics: Iterable[str]) -> None:
    """With one partition each."""

    async def make() -> None:
        async with KafkaAdmin(KafkaSettings(bootstrap_servers=(bootstrap,))) as admin:
            await admin.ensure_topics(list(topics), partitions=1)

    asyncio.run(make())


def append(bootstrap: str, topic: str, values: Iterable[bytes], key: bytes = b'{"databaseName": "shop"}', *, bulk: bool = False) -> None:
    """Values under one key, in this order; returns when the broker has them.

    One record a batch unless `bulk`: this broker tells the end of a topic by the base offset of its last batch.
    """

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", **({} if bulk else {"max_batch_size": 1}))
        await producer.start()
        try:
            await asyncio.gather(*[await producer.send(topic, value, key, partition=0) for value in values])
        finally:
            await producer.stop()

    asyncio.run(send())


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedBroker]:
    """One broker for the tests that leave it alone; each of them has a cohort and topics of its own."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def nobody() -> str:
    """A bootstrap server that nobody listens at."""
    return f"127.0.0.1:{free_port()}"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---------------------------------------------------------------- the worker's side


class Member:
    """A worker process, the topics of its cohort, and what the tests ask of it."""

    def __init__(self, directory: Path, bootstrap: str, cohort: str, *, sources: Iterable[Mapping[str, object]] = (), **sections: Mapping[str, object]) -> None:
        sections = {"kafka": QUICK, **sections}
        self.config = member_config("retail-proxy", collection_id=HOME, cohort=cohort, bootstrap=bootstrap, sources=list(sources), **sections)
        self.worker = WorkerProcess(directory / cohort, self.config)
        self.topics: CohortTopics = cohort_topics(cohort)

    def __enter__(self) -> "Member":
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.__exit__(None, None, None)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for it."""
        self.worker.wait_until(condition, PATIENCE, what)

    def until_ready(self) -> None:
        """Wait for 200 of /readyz."""
        self.until(lambda: self.worker.ready, "it is ready")

    @property
    def reasons(self) -> list[str]:
        """What keeps it from being ready, as /readyz tells it with 503; empty when it is ready, or has no pages."""
        status, text = self.worker.page("/readyz")
        return [str(reason) for reason in json.loads(text)["reasons"]] if status == 503 else []

    def gives(self, condition: str, part: str) -> bool:
        """Does /readyz say 503 because of this condition, with this in the reason?"""
        return any(reason.startswith(f"{condition}: ") and part in reason for reason in self.reasons)

    def kept_by(self, *reasons: str) -> bool:
        """Do these, and no others, keep it from being ready? Each is given by its beginning, in the order of /readyz."""
        told = self.reasons
        return len(told) == len(reasons) and all(each.startswith(reason) for each, reason in zip(told, reasons, strict=True))

    @property
    def tables(self) -> set[str]:
        """The names of the tables that are home here."""

        def ask(reader: Reader) -> set[str]:
            entities = [entity_of(row, ()) for row in reader.scan(HOME, Kind.ENTITY) if row.type_name == "RelationalTable"]
            return {property_text(each, "displayName") or "" for each in entities}

        return self.worker.look(ask, set())

    def has_tables(self, *numbers: int) -> bool:
        """Are these tables here, among others?"""
        return {f"table{number}" for number in numbers} <= self.tables

    @property
    def copies(self) -> set[str]:
        """The GUIDs of the peer's instances that are kept here."""
        return self.worker.look(lambda reader: {row.guid for row in reader.scan(PEER)}, set())

    @property
    def dead_letters(self) -> list[DeadLetterRow]:
        """In the order of their being written."""
        return self.worker.look(lambda reader: reader.dead_letters(None, 1000), [])

    @property
    def gaps(self) -> list[GapRow]:
        """What was told as missing."""
        return self.worker.look(lambda reader: reader.gaps(), [])

    def next_offset(self, topic: str) -> int:
        """Where reading goes on; 0 when nothing was read."""
        return self.worker.records_read([topic])

    def refuses(self, **environ: str) -> str:
        """Start it, and see it refuse: exit code 2. What it said, of this life only."""
        self.worker.log_path.unlink(missing_ok=True)
        assert self.worker.start(**environ).wait(PATIENCE) == 2, self.worker.log_tail()
        return self.worker.log_tail()


# ---------------------------------------------------------------- the broker


def test_a_broker_that_is_not_there_yet_is_waited_for_in_the_open(tmp_path: Path) -> None:
    broker = EmbeddedBroker(port=free_port())
    with contextlib.ExitStack() as at_the_end, Member(tmp_path, broker.bootstrap, "late") as member:
        at_the_end.callback(broker.stop)
        worker = member.worker.start()

        def retries() -> list[dict[str, object]]:
            return worker.logged("The Kafka broker does not answer yet; trying again in")

        member.until(lambda: len(retries()) >= 3, "it has tried three times")
        assert [line["attempt"] for line in retries()[:3]] == [1, 2, 3]
        pauses = [float(str(line["event"]).rsplit(" ", 2)[1]) for line in retries()[:3]]
        assert pauses[0] < pauses[2], f"no growing pauses: {pauses}"
        assert worker.page("/livez")[0] == 200
        assert member.gives("broker", "not reached yet")
        assert member.gives("cohort", "not joined yet")
        broker.start()
        member.until_ready()
        assert worker.logged("The Kafka broker answers")


def test_a_broker_that_holds_still_pauses_the_worker_and_nothing_is_lost(tmp_path: Path) -> None:
    sources = [source("orders", "orders"), source("broken", "broken")]
    with EmbeddedBroker() as broker, Member(tmp_path, broker.bootstrap, "still", sources=sources) as member:
        make_topics(broker.bootstrap, ["orders", "broken"])
        append(broker.bootstrap, "orders", [table_created(1)])
        append(broker.bootstrap, "broken", [BAD] * 20)
        member.worker.start()
        member.until(lambda: member.has_tables(1), "the first table is here")
        member.until(lambda: member.kept_by("source broken: 20 records in a row"), "one source is halted, all else is ready")
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGSTOP)
        away = ("broker: ", "cohort: the broker is away", "source orders: the broker is away", "source broken: the broker is away")
        member.until(lambda: member.kept_by(*away), "every flow misses the broker, although nothing is to be sent")
        os.kill(broker.pid, signal.SIGCONT)
        append(broker.bootstrap, "orders", [table_created(2)])
        member.until(lambda: member.has_tables(1, 2), "the second table is here")
        member.until(lambda: member.kept_by("source broken: 20 records in a row"), "only the halt is left, with its own reason")
        assert len(member.dead_letters) == 20
        assert member.gaps == []


def test_a_broker_that_comes_back_empty_is_a_gap_that_halts_the_partition_until_told_otherwise(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker, Member(tmp_path, broker.bootstrap, "empty", sources=[source("orders", "orders", "more")]) as member:
        worker, topics = member.worker, [*member.topics.all, "orders", "more"]
        make_topics(broker.bootstrap, topics)
        append(broker.bootstrap, "orders", map(table_created, range(1, 6)))
        append(broker.bootstrap, member.topics.registration, [registered(PEER)], PEER_KEY)
        append(broker.bootstrap, member.topics.instances, [term(Peer(PEER), "one")], PEER_KEY)
        worker.start()
        member.until_ready()
        member.until(lambda: member.next_offset("orders") == 5 and worker.outbox_is_empty, "everything is mapped and sent")
        broker.kill()
        member.until(lambda: member.gives("cohort", "the broker is away") and member.gives("source orders", "the broker is away"), "both flows miss the broker")
        assert member.dead_letters == []
        assert member.gaps == []

        broker.start()
        make_topics(broker.bootstrap, topics)
        append(broker.bootstrap, "orders", [table_created(6)])
        append(broker.bootstrap, "more", [table_created(7)])
        member.until(lambda: member.has_tables(7), "the other partition goes on")
        gap = next(each for each in member.gaps if each.topic == "orders")
        assert gap == GapRow("orders", 0, expected=5, first=0, last=1, answer="stopped", seen=gap.seen)
        assert not member.has_tables(6)
        member.until(lambda: member.gives("source orders", "orders-0: reading should go on at 5"), "readiness tells of the gap")
        assert member.gives("source orders", "worker.on_gap = 'resume'")
        member.until(lambda: member.gives("cohort", "worker.on_gap = 'resume'"), "readiness tells of the gap in the cohort topics too")
        told = [str(line["gap"]) for line in worker.logged("Records are missing; this partition waits")]
        assert any(text.startswith("orders-0: reading should go on at 5, but the partition ends at 1") for text in told)
        assert not worker.logged(str(NOWHERE))
        assert worker.stop() == 0, worker.log_tail()
        assert not member.has_tables(6)
        assert member.dead_letters == []

        worker.start(COHORT_SYNC_WORKER__ON_GAP="resume")
        member.until(lambda: member.has_tables(6), "it goes on behind the gap")
        assert GapRow("orders", 0, 5, 0, 1, "resumed", 0) in [each._replace(seen=0) for each in member.gaps]
        member.until_ready()


# ---------------------------------------------------------------- stopping


def test_a_stop_while_records_flow_sends_what_it_has_begun(tmp_path: Path, shared: EmbeddedBroker) -> None:
    total, drain = 4000, 10.0
    sections = {"worker": {"batch_size": 20, "drain_seconds": drain}}
    with Member(tmp_path, shared.bootstrap, "flowing", sources=[source("orders", "flowing")], **sections) as member:
        make_topics(shared.bootstrap, ["flowing"])
        append(shared.bootstrap, "flowing", map(table_created, range(total)), bulk=True)
        worker = member.worker.start()
        member.until(lambda: member.next_offset("flowing") > 0, "records flow")
        began = time.monotonic()
        assert worker.stop() == 0, worker.log_tail()
        assert time.monotonic() - began < drain
        assert 0 < member.next_offset("flowing") < total
        assert worker.outbox_is_empty
        assert len(member.tables) == member.next_offset("flowing")


def test_a_stop_without_a_broker_ends_in_time_and_keeps_what_was_not_sent(tmp_path: Path) -> None:
    drain = 1.5
    sections = {"worker": {"batch_size": 20, "drain_seconds": drain}}
    with EmbeddedBroker() as broker, Member(tmp_path, broker.bootstrap, "cut-off", sources=[source("orders", "orders")], **sections) as member:
        make_topics(broker.bootstrap, ["orders"])
        append(broker.bootstrap, "orders", map(table_created, range(2000)), bulk=True)
        worker = member.worker.start()
        member.until(lambda: member.next_offset("orders") > 0, "records flow")
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGSTOP)
        member.until(lambda: not worker.outbox_is_empty, "something waits to be sent, and nobody takes it")
        began = time.monotonic()
        assert worker.stop() == 0, worker.log_tail()
        assert time.monotonic() - began < drain + 3  # each client gives up closing what does not answer after a second or two
        assert worker.logged("Not everything was sent before the stop")
        assert not worker.outbox_is_empty
        broker.kill()


def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    sections = {"worker": {"batch_size": 20, "drain_seconds": 120}}
    with EmbeddedBroker() as broker, Member(tmp_path, broker.bootstrap, "hurry", sources=[source("orders", "orders")], **sections) as member:
        make_topics(broker.bootstrap, ["orders"])
        append(broker.bootstrap, "orders", map(table_created, range(2000)), bulk=True)
        worker = member.worker.start()
        member.until(lambda: member.next_offset("orders") > 0, "records flow")
        broker.kill()
        member.until(lambda: not worker.outbox_is_empty, "something waits to be sent, and nobody takes it")
        worker.signal()
        member.until(lambda: bool(worker.logged("Told to stop")), "it drains")
        began = time.monotonic()
        worker.signal()
        assert worker.wait(PATIENCE) == 130, worker.log_tail()
        assert time.monotonic() - began < 5
        assert worker.logged("A second signal: leaving at once")
        assert not worker.outbox_is_empty


# ---------------------------------------------------------------- the store and its configuration


def test_a_second_worker_on_the_same_store_is_told_who_has_it(tmp_path: Path, nobody: str) -> None:
    with Member(tmp_path, nobody, "first") as first:
        first.worker.start()
        first.until(lambda: first.worker.url is not None, "its pages are up")
        with Member(tmp_path, nobody, "second", store={"path": str(first.worker.store_path)}) as second:
            assert second.worker.start().wait(PATIENCE) == 3, second.worker.log_tail()
            assert f"process {first.worker.pid}" in second.worker.log_tail()
            assert str(first.worker.store_path) in second.worker.log_tail()
        assert first.worker.page("/livez")[0] == 200


def test_a_store_belongs_to_the_member_that_it_was_made_for(tmp_path: Path, nobody: str) -> None:
    with Member(tmp_path, nobody, "owner", sources=[source("orders", "orders")]) as member:
        worker = member.worker.start()
        member.until(lambda: worker.url is not None, "its pages are up")
        assert worker.stop() == 0, worker.log_tail()

        other = "11111111-2222-4333-8444-555555555555"
        told = member.refuses(COHORT_SYNC_MEMBER__METADATA_COLLECTION_ID=other)
        assert all(part in told for part in ("member.metadata_collection_id", HOME, other))

        told = member.refuses(COHORT_SYNC_TYPES__RELEASE="4.2")
        assert all(part in told for part in ("types.release", "'6.1'", "'4.2'"))

        worker.config_path.write_text(member.config.replace('name = "orders"', 'name = "purchases"'))
        told = member.refuses()
        assert all(part in told for part in ("sources: ", "'orders'", "'purchases'"))

        kept = [worker.look(lambda reader, name=name: reader.fact(name), None) for name in (COLLECTION_ID, TYPE_RELEASE, SOURCES)]
        assert kept == [HOME, "6.1", '["orders"]'], "a refusal changes nothing"


def test_an_empty_store_under_a_registered_id_asks_which_case_it_is(tmp_path: Path, shared: EmbeddedBroker) -> None:
    with Member(tmp_path, shared.bootstrap, "lost", sources=[source("orders", "lost")]) as member:
        make_topics(shared.bootstrap, [*member.topics.all, "lost"])
        append(shared.bootstrap, member.topics.registration, [registered(HOME)], PEER_KEY)
        append(shared.bootstrap, "lost", [table_created(1)])
        told = member.refuses()
        assert "member.metadata_collection_id" in told
        assert "--recovering" in told
        assert "--fresh-id" in told
        assert member.next_offset("lost") == 0

        floor = int(time.time())
        member.worker.start(COHORT_SYNC_WORKER__RECOVERING="true")
        member.until(lambda: member.has_tables(1), "the table is here")
        versions = member.worker.look(lambda reader: [row.version for row in reader.scan(HOME)], [])
        assert versions
        assert all(floor <= version <= time.time() for version in versions)


# ---------------------------------------------------------------- what stands on the topics


def test_records_that_cannot_be_used_are_dead_letters_and_their_neighbours_are_applied(tmp_path: Path, shared: EmbeddedBroker) -> None:
    with Member(tmp_path, shared.bootstrap, "bad-input", sources=[source("orders", "bad-input")], worker={"parked_seconds": 1}) as member:
        peer = Peer(PEER)
        unheard = term(peer, "unheard-of").replace(TERM.encode(), b"UnheardOf")
        shipped = {
            "bad-input": [
                table_created(1),
                BAD,
                table_created(2)[:-20],
                table_created(3, ddl="x" * MOST_BYTES),
                table_created(4, tableChanges=7),
                table_created(5),
            ],
            member.topics.instances: [
                term(peer, "one"),
                BAD,
                term(peer, "two")[:-20],
                term(peer, "three") + b" " * MOST_BYTES,
                term(peer, "four").replace(b'"version":1', b'"version":"one"'),
                term(peer, "five"),
                unheard,
            ],
        }
        assert shipped[member.topics.instances][4] != term(peer, "four")
        make_topics(shared.bootstrap, [*member.topics.all, "bad-input"])
        append(shared.bootstrap, member.topics.registration, [registered(PEER)], PEER_KEY)
        append(shared.bootstrap, "bad-input", shipped["bad-input"])
        append(shared.bootstrap, member.topics.instances, shipped[member.topics.instances], PEER_KEY)
        member.worker.start()
        parked = "the unknown type is waited for"
        member.until(lambda: member.worker.look(lambda reader: [row.type_name for row in reader.parked()], []) == ["UnheardOf"], parked)
        member.until(lambda: len(member.dead_letters) == 9 and member.has_tables(1, 5), "everything is dealt with")

        assert member.tables == {"table1", "table5"}
        assert member.copies == {"one", "five"}
        assert member.worker.look(lambda reader: reader.parked_size(), 1) == 0
        letters = sorted((letter.topic, letter.partition, letter.offset, letter.value) for letter in member.dead_letters)
        bad = [("bad-input", offset) for offset in (1, 2, 3, 4)] + [(member.topics.instances, offset) for offset in (1, 2, 3, 4, 6)]
        assert letters == [(topic, 0, offset, shipped[topic][offset]) for topic, offset in bad]
        reasons = {(letter.flow, letter.offset): letter.reason for letter in member.dead_letters}
        assert "no JSON" in reasons["orders", 1]
        assert "truncated" in reasons["orders", 2]
        assert "$.tableChanges: Expected" in reasons["orders", 4]
        assert all("not an OMRS event" in reasons["cohort", offset] for offset in (1, 2, 4))
        assert "$.instanceEventSection.entity.version" in reasons["cohort", 4]
        for flow in ("orders", "cohort"):
            assert f"the limit of {MOST_BYTES} (kafka.max_event_bytes)" in reasons[flow, 3]
        assert "UnheardOf" in reasons["cohort", 6]
        member.until_ready()


def test_twenty_bad_records_in_a_row_halt_their_source_alone_until_it_is_told_to_go_on(tmp_path: Path, shared: EmbeddedBroker) -> None:
    sources = [source("broken", "broken"), source("sound", "sound")]
    with Member(tmp_path, shared.bootstrap, "halting", sources=sources) as member:
        worker, peer = member.worker, Peer(PEER)
        make_topics(shared.bootstrap, [*member.topics.all, "broken", "sound"])
        append(shared.bootstrap, member.topics.registration, [registered(PEER)], PEER_KEY)
        append(shared.bootstrap, "broken", [BAD] * 19 + [table_created(1)] + [BAD] * 20 + [table_created(2)])
        worker.start()
        member.until(lambda: member.gives("source broken", "20 records in a row could not be used"), "the source is halted")
        assert member.gives("source broken", "cohort-sync resume broken")
        assert member.gives("source broken", "broken[0] offset 39")
        append(shared.bootstrap, "sound", [table_created(3)])
        append(shared.bootstrap, member.topics.instances, [term(peer, "still-heard")], PEER_KEY)
        member.until(lambda: member.has_tables(3) and member.copies == {"still-heard"}, "the other source and the cohort go on")
        member.until(lambda: member.kept_by("source broken: 20 records in a row"), "nothing else keeps it from being ready")
        assert member.next_offset("broken") == 40
        assert member.tables == {"table1", "table3"}
        assert len(member.dead_letters) == 39

        command = [sys.executable, "-m", "cohort_sync.cli.main", "resume", "broken", "--config", str(worker.config_path), "--wait", "20"]
        resumed = subprocess.run(command, capture_output=True, text=True, check=False)
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
        member.until(lambda: member.has_tables(2), "the source goes on behind its bad records")
        member.until_ready()
        assert len(member.dead_letters) == 39
