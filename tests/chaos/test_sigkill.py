"""A worker that is killed again and again ends where one ends that is left alone (guarantees 1, 2 and 6), and nothing is lost or doubled on the way.

Two workers read the same sources and hear the same peer, each in a cohort of its own. One is left alone. The other is killed with SIGKILL at random moments of
its progress and started again; most of the kills wait until something is committed and not yet acknowledged by the broker, for which the outbox of the dead
worker's store is the proof. COHORT_SYNC_SEED repeats a run.
"""

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from announcements import Announcements
from made_peer import KEY, PEER, Ending, PeerLife
from made_sources import TOPIC_PATTERN, mixed, topics_of
from topics import Feeder, end_of, make_topics, read_all

from cohort_sync.cohort.own_key import RECORD_KEY
from cohort_sync.cohort.topics import CohortTopics, cohort_topics
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.store.fingerprint import fingerprint
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import Kind
from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.cohort import Receiver
from cohort_sync.testing.worker import WorkerProcess, member_config

HOME = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"
SERVERS, SOURCE_EVENTS, PEER_EVENTS = 100, 10_000, 10_000
KILLS, AIMED = 20, 15
"""So many kills, and so many of them wait for something that is committed and not acknowledged."""
CHUNK, AHEAD = 100, 500
"""The sources are fed in chunks, at most so far ahead of the worker that is killed: it always finds both kinds of events."""
CHANNELS = ("registration", "types", "instances")


@dataclass
class Member:
    """A worker process in a cohort of its own."""

    worker: WorkerProcess
    cohort: CohortTopics
    sources: frozenset[str]

    @classmethod
    def make(cls, directory: Path, name: str, bootstrap: str, sources: frozenset[str]) -> "Member":
        config = member_config(
            "retail-proxy",
            collection_id=HOME,
            cohort=name,
            bootstrap=bootstrap,
            kafka={"session_timeout_seconds": 1},  # a worker that starts again waits this long for the one that was killed
            worker={"batch_size": 100},
            sources=[{"name": "warehouse", "mapper": "debezium", "topic_pattern": TOPIC_PATTERN, "group": f"{name}.warehouse"}],
        )
        return cls(WorkerProcess(directory / name, config), cohort_topics(name), sources)

    @property
    def mapped(self) -> int:
        """How many source records it has dealt with."""
        return self.worker.records_read(self.sources)

    @property
    def heard(self) -> int:
        """How many records of the instances topic it has dealt with."""
        return self.worker.records_read([self.cohort.instances])

    async def finish(self, bootstrap: str, seconds: float) -> None:
        """Wait until nothing is left to do for it, and stop it in good order."""
        deadline = time.monotonic() + seconds
        while not (self.mapped == SOURCE_EVENTS and self.worker.outbox == 0 and self.heard == await end_of(bootstrap, self.cohort.instances)):
            assert self.worker.running, self.worker.log_tail()
            assert time.monotonic() < deadline, f"{self.mapped} records mapped, {self.heard} heard, {self.worker.outbox} to send\n{self.worker.log_tail()}"
            await asyncio.sleep(0.05)
        assert await asyncio.to_thread(self.worker.stop) == 0, self.worker.log_tail()


@dataclass
class Death:
    """What a killed worker left."""

    mapped: int
    unsent: dict[str, list[bytes]]
    """By channel: what was in its outbox, in order."""

    @property
    def between_commit_and_acknowledgement(self) -> bool:
        return any(self.unsent.values())


@dataclass
class Storm:
    """Kills a member at random moments, until all are used up."""

    member: Member
    rng: random.Random
    deaths: list[Death] = field(default_factory=list)

    async def rage(self) -> None:
        moments = sorted(self.rng.sample(range(1, SOURCE_EVENTS * 95 // 100), KILLS))
        aimed = set(self.rng.sample(range(KILLS), AIMED))
        worker = self.member.worker
        for number, moment in enumerate(moments):
            while self.member.mapped < moment:
                assert worker.running, worker.log_tail()
                await asyncio.sleep(0.01)
            if number in aimed:
                while worker.outbox_is_empty and self.member.mapped < SOURCE_EVENTS:
                    assert worker.running, worker.log_tail()
                    await asyncio.sleep(0)
            else:
                await asyncio.sleep(self.rng.random() * 0.2)
            worker.kill()
            self.deaths.append(Death(self.member.mapped, worker.look(_unsent, {})))
            worker.start()


def _unsent(reader: Reader) -> dict[str, list[bytes]]:
    rows = reader.outbox(1_000_000)
    return {channel: [row.value for row in rows if row.channel == channel] for channel in CHANNELS}


@pytest.mark.timeout(600)  # a minute or so on a machine of its own
def test_a_worker_that_is_killed_twenty_times_ends_like_one_that_is_left_alone(tmp_path: Path, seed_of_run: int) -> None:
    rng = random.Random(seed_of_run)
    records = mixed(rng, SERVERS, SOURCE_EVENTS)
    life = PeerLife(rng)
    life.run(PEER_EVENTS)
    with EmbeddedBroker() as broker:
        calm, storm = asyncio.run(_run(tmp_path, broker.bootstrap, rng, records, life))
        left_alone, killed = calm.worker.look(_contents, None), storm.member.worker.look(_contents, None)
        assert killed == left_alone
        _check_peer(storm.member.worker, life.ending())
        _check_kills(storm)
        asyncio.run(_check_announcements(broker.bootstrap, storm))


async def _run(directory: Path, bootstrap: str, rng: random.Random, records: list[SourceRecord], life: PeerLife) -> tuple[Member, Storm]:
    topics = topics_of(records)
    calm, stormy = (Member.make(directory, name, bootstrap, frozenset(topics)) for name in ("calm", "stormy"))
    await make_topics(bootstrap, [*topics, *calm.cohort, *stormy.cohort])
    storm = Storm(stormy, rng)
    with calm.worker, stormy.worker:
        async with Feeder(bootstrap) as feeder:
            for member in (calm, stormy):
                await feeder.values(member.cohort.registration, KEY, [life.registration()])
                member.worker.start()
            raging = asyncio.create_task(storm.rage())
            for begin in range(0, SOURCE_EVENTS, CHUNK):
                while stormy.mapped < begin - AHEAD:
                    if raging.done():
                        break
                    await asyncio.sleep(0.02)
                await feeder.sources(records[begin : begin + CHUNK])
                heard = life.events[begin : begin + CHUNK]
                await asyncio.gather(*(feeder.values(member.cohort.instances, KEY, heard) for member in (calm, stormy)))
            await raging
        await asyncio.gather(*(member.finish(bootstrap, 60) for member in (calm, stormy)))
    return calm, storm


def _contents(reader: Reader) -> dict[str, object]:
    """Everything that has to be the same. Versions and times of our own instances are not: a change may come in two steps where it came in one."""
    letters = reader.dead_letters(None, 1_000_000)
    return {
        "home": fingerprint(reader, HOME),
        "copies": fingerprint(reader, PEER, exact=True),
        "homes": reader.homes(),
        "counts": reader.counts(),
        "classifications": reader.classification_counts(),
        "members": [row.metadata_collection_id for row in reader.members()],
        "refused source records": sorted((one.topic, one.offset, one.reason) for one in letters if one.flow != "cohort"),
        "refused events": sorted(one.value or b"" for one in letters if one.flow == "cohort"),
        "sources read": [(row.topic, row.next_offset) for row in reader.positions() if not row.topic.startswith("openmetadata.")],
    }


def _check_peer(worker: WorkerProcess, ending: Ending) -> None:
    """The copies are what the peer has."""
    copies = worker.look(lambda reader: {row.guid: (row.version, row.status) for row in reader.scan(PEER) if row.kind != Kind.PROXY}, {})
    classifications = worker.look(lambda reader: {(row.entity_guid, row.name): row.version for row in reader.classifications_homed(PEER)}, {})
    broken = worker.look(lambda reader: sum(one.flow == "cohort" for one in reader.dead_letters(None, 1_000_000)), 0)
    assert copies == ending.instances
    assert classifications == ending.classifications
    assert broken == ending.broken


def _check_kills(storm: Storm) -> None:
    hit = [death for death in storm.deaths if death.between_commit_and_acknowledgement]
    print(f"killed {len(storm.deaths)} times, {len(hit)} of them between commit and acknowledgement, at {[death.mapped for death in storm.deaths]}")
    assert len(storm.deaths) == KILLS
    assert len(hit) * 2 >= KILLS


async def _check_announcements(bootstrap: str, storm: Storm) -> None:
    """On the topics stands everything that was in the outbox, in its order; and it makes another member what the home is."""
    worker = storm.member.worker
    key = worker.look(lambda reader: reader.fact(RECORD_KEY) or "", "").encode()
    assert key
    total = 0
    for channel in CHANNELS:
        ours = [record.value or b"" for record in await read_all(bootstrap, storm.member.cohort.channel(channel)) if record.key == key]
        found = Announcements(ours)
        assert found.repeats <= KILLS
        for death in storm.deaths:
            assert found.holds(death.unsent[channel])
        total += len(found.announced)
        if channel == "instances":
            print(f"{len(found.announced)} events announced, {found.repeated} of them sent again after {found.repeats} kills")
            _check_receiver(worker, ours)
    with closing(sqlite3.connect(worker.store_path)) as connection:
        (numbered,) = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    assert total == numbered


def _check_receiver(worker: WorkerProcess, values: list[bytes]) -> None:
    """A member that hears only the topic, repeats and all, has the home exactly."""
    receiver = Receiver("somebody else")
    for begin in range(0, len(values), 5000):
        receiver.hear(*values[begin : begin + 5000])
    home = worker.look(lambda reader: fingerprint(reader, HOME, exact=True), None)
    assert home is not None
    assert home.entities > 100 * SERVERS // 2
    assert receiver.fingerprint(HOME) == home.hex
