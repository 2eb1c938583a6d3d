"""A store and the one in memory under the same random write sets: whatever is asked, both give the same answer."""

import asyncio
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import PositionLost, Reader, WriteSet
from cohort_sync.store.rows import (
    ClassificationRow,
    DeadLetterRow,
    GapRow,
    GuardRow,
    IdentityRow,
    InstanceRow,
    MemberRow,
    MemoRow,
    ObjectRow,
    OutboxRow,
    ParkedRow,
    PositionMove,
    RequestRow,
    Tombstone,
    TypeRow,
)
from cohort_sync.testing.store_contract.driving import Driver, StoreFactory
from cohort_sync.testing.store_contract.samples import HOME, PEER

GUIDS = ["a", "b", "A", "ä", "a'b", "\U0001f701", "\x00"]
HOMES = [HOME, PEER, ""]
NAMES = ["x", "xy", "y%", "_"]

KeyT = TypeVar("KeyT")
RowT = TypeVar("RowT")

guids, homes, names = st.sampled_from(GUIDS), st.sampled_from(HOMES), st.sampled_from(NAMES)
times, small = st.integers(0, 5), st.integers(0, 4)
numbers = st.integers(1, 8)
blobs = st.binary(max_size=4)
statuses = st.sampled_from(["ACTIVE", "DELETED", "UNKNOWN"])
states = st.sampled_from(["open", "replayed", "discarded"])

instances = st.builds(
    InstanceRow,
    guids,
    st.sampled_from([1, 2, 3]),
    names,
    homes,
    st.none() | homes,
    names,
    small,
    times,
    st.none() | times,
    statuses,
    small,
    st.none() | names,
    st.none() | guids,
    st.none() | guids,
    blobs,
)
classifications = st.builds(ClassificationRow, guids, names, homes, small, times, blobs)
dead_letters = st.builds(DeadLetterRow, st.just(0), names, names, names, names, small, small, times, st.none() | blobs, st.none() | blobs, blobs, times, states)
parked = st.builds(ParkedRow, st.just(0), names, names, guids, names, small, small, times, st.none() | blobs, blobs, times)
members = st.builds(MemberRow, homes, st.none() | names, st.none(), st.none() | names, st.none(), st.none() | times, st.none() | blobs, times, times, st.none())
moves = st.builds(PositionMove, st.just("c"), st.sampled_from(["t", "u"]), st.integers(0, 1), names, st.none() | small, small)


def keyed(keys: Callable[[RowT], KeyT], rows: st.SearchStrategy[RowT]) -> st.SearchStrategy[dict[KeyT, RowT | None]]:
    """Rows under what `keys` makes of them, some of them None."""
    return st.lists(st.tuples(rows, st.booleans()), max_size=5).map(lambda found: {keys(row): row if kept else None for row, kept in found})


def keyed_rows(keys: Callable[[RowT], KeyT], rows: st.SearchStrategy[RowT]) -> st.SearchStrategy[dict[KeyT, RowT]]:
    """Rows under what `keys` makes of them."""
    return st.lists(rows, max_size=5).map(lambda found: {keys(row): row for row in found})


write_sets = st.builds(
    WriteSet,
    removed=st.sets(guids, max_size=2),
    instances=keyed_rows(lambda row: row.guid, instances),
    classifications=keyed(lambda row: (row.entity_guid, row.name), classifications),
    tombstones=keyed(lambda row: row.guid, st.builds(Tombstone, guids, small, names, homes, times, small)),
    objects=keyed(lambda row: (row.source, row.key), st.builds(ObjectRow, names, names, blobs, blobs)),
    identities=keyed_rows(lambda row: row.identity, st.builds(IdentityRow, names, guids, small)),
    guards=keyed_rows(lambda row: (row.source, row.name), st.builds(GuardRow, names, names, names, names, names, names, small, small)),
    memos=keyed(lambda row: (row.source, row.key), st.builds(MemoRow, names, names, blobs)),
    outbox=st.lists(st.builds(OutboxRow, st.just(0), names, blobs, times), max_size=3),
    dead_letters=st.lists(dead_letters, max_size=3),
    dead_letter_states=st.dictionaries(numbers, states, max_size=3),
    parked=st.lists(parked, max_size=3),
    unparked=st.sets(numbers, max_size=2),
    members=keyed(lambda row: row.metadata_collection_id, members),
    types=keyed(lambda row: row.guid, st.builds(TypeRow, guids, names, names, small, blobs)),
    gaps=st.lists(st.builds(GapRow, names, small, small, small, small, names, times), max_size=2),
    requests=st.lists(st.builds(RequestRow, st.just(0), names, blobs, times, states, names), max_size=2),
    request_results=st.dictionaries(numbers, st.tuples(states, names), max_size=2),
    facts=st.dictionaries(names, st.none() | names, max_size=3),
    positions=st.lists(moves, max_size=2),
)


def answers(reader: Reader) -> dict[str, object]:
    """The answer to every question of a Reader."""
    return {
        "instances": reader.instances(GUIDS),
        "classifications": reader.classifications(GUIDS),
        "heads": (reader.instance_heads(GUIDS), {guid: sorted(heads) for guid, heads in reader.classification_heads(GUIDS).items()}),
        "relationships": [reader.relationships_of([guid]) for guid in GUIDS] + [reader.relationships_of(GUIDS)],
        "classification history": [reader.classification_history(guid) for guid in GUIDS],
        "tombstones": reader.tombstones(GUIDS),
        "history": [reader.history(guid) for guid in GUIDS],
        "scan": [list(reader.scan(home, kind)) for home in (None, *HOMES) for kind in (None, 1, 2, 3)],
        "homes": reader.homes(),
        "homed": [list(reader.classifications_homed(home)) for home in HOMES],
        "counts": (reader.counts(), reader.classification_counts()),
        "objects": [(reader.objects(name, NAMES), reader.object_keys(name, "x"), reader.object_keys(name, "")) for name in NAMES],
        "identities": reader.identities(NAMES),
        "guards": [reader.guards(name, NAMES) for name in NAMES],
        "memos": [(reader.memo(name, key), reader.memo_keys(name, key)) for name in NAMES for key in NAMES],
        "outbox": (reader.outbox(2), reader.outbox(999), reader.outbox_size()),
        "dead letters": [reader.dead_letters(state, limit, after) for state in (None, "open", "replayed") for limit in (2, 999) for after in (0, 3)],
        "one": [reader.dead_letter(number) for number in range(6)],
        "dead letter counts": reader.dead_letter_counts(),
        "parked": [reader.parked(types, before, limit) for types in (None, NAMES[:2], []) for before in (None, 3) for limit in (2, 999)],
        "sizes": reader.parked_size(),
        "members": reader.members(),
        "types": reader.types(),
        "positions": reader.positions(),
        "gaps": reader.gaps(),
        "requests": [reader.requests(state) for state in ("open", "replayed", "discarded")],
        "facts": [reader.fact(name) for name in NAMES],
    }


class Twins(RuleBasedStateMachine):
    """Each step goes to both; after each step both are asked everything."""

    make_store: StoreFactory

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.now = 0
        stores = (MemoryStore(clock=self.clock), type(self).make_store(Path(self.directory.name) / "store", self.clock))
        self.twins = [Driver(store, self.runner) for store in stores]
        for twin in self.twins:
            twin.run(twin.store.open())

    def clock(self) -> int:
        """The same for both."""
        return self.now

    @rule(writes=write_sets, tick=small)
    def write(self, writes: WriteSet, tick: int) -> None:
        self.now += tick
        outcomes = []
        for twin in self.twins:
            try:
                twin.apply(writes)
                outcomes.append("committed")
            except PositionLost as lost:
                outcomes.append(str(lost))
        assert outcomes[0] == outcomes[1]

    @rule(up_to=st.integers(0, 12))
    def acknowledge(self, up_to: int) -> None:
        for twin in self.twins:
            twin.run(twin.store.acknowledge(up_to))

    @rule(history=times, dead_letters=times, guards=st.integers(0, 20), chunk=st.integers(1, 4))
    def prune(self, history: int, dead_letters: int, guards: int, chunk: int) -> None:
        gone = [twin.prune(history, dead_letters, guards, chunk) for twin in self.twins]
        assert gone[0] == gone[1]

    @rule()
    def open_again(self) -> None:
        for twin in self.twins:
            twin.run(twin.store.close())
            twin.run(twin.store.open())

    @rule(writes=write_sets)
    def fail_after_planning(self, writes: WriteSet) -> None:
        """A transaction that fails at its very end changes nothing."""
        writes.positions.append(PositionMove("nowhere", "t", 0, "", 5, 6))
        for twin in self.twins:
            try:
                twin.apply(writes)
            except PositionLost:
                continue
            raise AssertionError("the position cannot have been there")

    @invariant()
    def same(self) -> None:
        expected, found = (twin.read(answers) for twin in self.twins)
        assert found == expected

    def teardown(self) -> None:
        for twin in self.twins:
            twin.run(twin.store.close())
        self.runner.close()
        self.directory.cleanup()


def same_as_in_memory(make_store: StoreFactory, *, examples: int = 25, steps: int = 15) -> type[unittest.TestCase]:
    """A test case, to be given a name that begins with Test: random write sets go to this store and to the one in memory, and whatever is asked, both answer
    the same."""

    class Machine(Twins):
        pass

    Machine.make_store = staticmethod(make_store)
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    limits = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=slow)
    return type("SameAsInMemory", (Machine.TestCase,), {"settings": limits})
