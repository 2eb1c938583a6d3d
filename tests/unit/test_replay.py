"""Dead letters tried again: through the same path as a record that was just read, each letter with an outcome of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from cohort_sync.cohort.inbound.letters import COHORT
from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.outbound import SourceContext, plan_source_batch
from cohort_sync.cohort.outbound.planner import BAD_RUN, HALTED
from cohort_sync.cohort.replay import Replayed, plan_cohort_replay, plan_source_replay, record_of
from cohort_sync.mapping.desired import DesiredEntity, DesiredObject
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Changes, Malformed, Meaning, Position, Put, Step, View
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.typedefs import EntityDef, TypeDefLink
from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import DeadLetterRow
from cohort_sync.testing.cohort import BORN, Peer, Receiver, types_of

NOW = 1_780_000_000_900
HOME = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"
MEMBER = LocalMember(metadata_collection_id=HOME, metadata_collection_name="retail", server_name="retail-proxy")


class Words:
    """A mapper of records such as `orders=7`: table and its number. What is in `broken` it cannot read (yet)."""

    name = "words"
    options = ()
    emits = frozenset({"RelationalTable"})

    def __init__(self) -> None:
        self.broken: set[str] = set()

    def decode(self, record: SourceRecord) -> Meaning:
        text = (record.value or b"").decode()
        table, _, number = text.partition("=")
        if text in self.broken or not number:
            return Malformed(f"cannot read {text!r}", "$.table")
        name = f"db::{table}"
        type_name = "NoSuchType" if number == "wrong" else "RelationalTable"
        entity = DesiredEntity(type_name=type_name, properties={"qualifiedName": name, "description": number})
        put = Put(DesiredObject(key=name, entities=(entity,)))
        return Changes(position=Position("log", (record.offset,)), steps=(Step(verbs=(put,), guards=(name,)),), time=BORN, author="erin")

    def interpret(self, event: Meaning, view: View) -> Meaning:
        return event


@dataclass
class Source:
    """A source with its store: records come, letters are tried again."""

    mapper: Words = field(default_factory=Words)
    context: SourceContext = field(default_factory=lambda: SourceContext(source="crm", member=MEMBER, registry=types_of()))
    state: MemoryState = field(default_factory=MemoryState)
    offset: int = 0

    @property
    def reader(self) -> MemoryReader:
        return MemoryReader(self.state)

    def read(self, *texts: str) -> None:
        records = [SourceRecord("t", 0, self.offset + number, BORN, b"k", text.encode(), (("h", b"\xff"),)) for number, text in enumerate(texts)]
        self.offset += len(records)
        batch = [(record, self.mapper.decode(record)) for record in records]
        writes, _ = plan_source_batch(self.reader, batch, self.mapper, self.context, {}, NOW)
        self.state = self.state.apply(writes, NOW)

    def replay(self, *letters: DeadLetterRow) -> list[tuple[str, str]]:
        writes, told = plan_source_replay(self.reader, letters or self.open, self.mapper.decode, self.mapper, self.context, NOW)
        self.state = self.state.apply(writes, NOW)
        return [(each.word, each.problem) for each in told]

    @property
    def open(self) -> list[DeadLetterRow]:
        return self.reader.dead_letters()

    def tables(self) -> dict[str, int]:
        return {row.qualified_name or "": row.version for row in self.reader.scan(HOME)}


def test_a_mended_mapper_reads_what_it_could_not() -> None:
    source = Source()
    source.mapper.broken = {"orders=1"}
    source.read("orders=1", "items=1")
    (letter,) = source.open
    source.mapper.broken = set()
    assert source.replay() == [("applied", "")]
    assert source.tables() == {"db::orders": 1, "db::items": 1}
    assert source.reader.dead_letter(letter.id) == letter._replace(state="replayed")
    assert [b"db::items" in row.value for row in source.reader.outbox(9)] == [True, False]


def test_the_record_is_as_it_was_read() -> None:
    source = Source()
    source.read("nonsense")
    (letter,) = source.open
    assert record_of(letter) == SourceRecord("t", 0, 0, BORN, b"k", b"nonsense", (("h", b"\xff"),))
    assert record_of(letter._replace(headers=b"", key=None, value=None)) == SourceRecord("t", 0, 0, BORN, None, None)


def test_what_still_cannot_be_read_stays_open_with_the_new_reason_and_no_second_letter() -> None:
    source = Source()
    source.read("nonsense", "orders=wrong")
    old = source.open
    source.mapper.broken = {"orders=wrong"}
    told = source.replay()
    assert [word for word, _ in told] == ["malformed", "malformed"]
    first, second = source.open
    assert first == old[0]._replace(reason="$.table: cannot read 'nonsense'")
    assert (old[1].stage, second.stage, second.reason) == ("validate", "decode", "$.table: cannot read 'orders=wrong'")
    assert source.tables() == {}


def test_what_was_overtaken_is_refused() -> None:
    """Two letters about one table: the newer one is through first, the older one comes too late then."""
    source = Source()
    source.mapper.broken = {"orders=1", "orders=2"}
    source.read("orders=1", "orders=2")
    source.mapper.broken = set()
    older, newer = source.open
    assert source.replay(newer) == [("applied", "")]
    ((word, problem),) = source.replay(older)
    assert word == "noop"
    assert problem.startswith("something newer is stored: it is not newer than what was applied to db::orders")
    (left,) = source.open
    assert (left.id, left.reason) == (older.id, problem)
    assert source.tables() == {"db::orders": 1}


def test_letters_in_their_order_see_each_other() -> None:
    source = Source()
    source.mapper.broken = {"orders=1", "orders=2"}
    source.read("orders=1", "orders=2")
    source.mapper.broken = set()
    assert source.replay() == [("applied", ""), ("applied", "")]
    assert source.tables() == {"db::orders": 2}
    assert source.open == []


def test_a_replay_neither_moves_the_count_of_bad_records_nor_halts_the_source() -> None:
    source = Source(context=SourceContext(source="crm", member=MEMBER, registry=types_of(), max_bad_run=20))
    source.read(*["nonsense"] * 19)
    assert source.reader.fact(BAD_RUN + "crm") == "19"
    assert len(source.replay()) == 19
    assert (source.reader.fact(BAD_RUN + "crm"), source.reader.fact(HALTED + "crm")) == ("19", None)
    source.mapper.broken = set()
    source.read("orders=1")
    assert source.reader.fact(BAD_RUN + "crm") == "0"


# ---------------------------------------------------------------- the cohort


THEM = Peer("theirs")
ICEHOUSE = EntityDef(guid="g-ice", name="Icehouse", version=1, super_type=TypeDefLink(guid="896d14c2-7522-4f6c-8519-757711943fe6", name="Asset"))


def letters_of(receiver: Receiver, *values: bytes) -> list[DeadLetterRow]:
    """Letters as the cohort flow writes them, of whatever these values are; the open ones of the receiver after them."""
    rows = [
        DeadLetterRow(0, COHORT, "validate", "once", "cohort.topic", 0, 9_000 + n, BORN, b"peer", value, b"[]", NOW, "open") for n, value in enumerate(values)
    ]
    receiver.state = receiver.state.apply(WriteSet(dead_letters=rows), NOW)
    return receiver.reader.dead_letters()


def replayed(receiver: Receiver, letters: list[DeadLetterRow]) -> list[Replayed]:
    writes, report, told = plan_cohort_replay(receiver.reader, letters, receiver.context)
    receiver.commit(writes, report)
    return told


def outcome(receiver: Receiver, *values: bytes) -> list[tuple[str, str]]:
    return [(each.word, each.problem) for each in replayed(receiver, letters_of(receiver, *values))]


def test_an_event_that_is_valid_now_is_applied() -> None:
    receiver = Receiver("ours")
    assert outcome(receiver, encode_event(THEM.new(THEM.entity("a")))) == [("stored", "")]
    assert receiver.entity("a") == THEM.entity("a")
    assert [letter.state for letter in receiver.reader.dead_letters(None)] == ["replayed"]


def test_what_is_still_refused_stays_open_with_the_new_reason() -> None:
    receiver = Receiver("ours")
    (told,) = replayed(receiver, letters_of(receiver, b"{"))
    assert told.word == "refused"
    (letter,) = receiver.reader.dead_letters(None)
    assert (letter.state, letter.stage, letter.reason) == ("open", "decode", told.problem)


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (lambda: THEM.updated(THEM.entity("a", 2)), "stale"),
        (lambda: THEM.deleted(THEM.entity("a", 1)), "stale"),
        (lambda: THEM.updated(THEM.entity("a", 3)), "duplicate"),
        (lambda: THEM.updated(THEM.entity("a", 4)), "stored"),
        (lambda: Peer("third").updated(THEM.entity("a", 9)), "not_home"),
    ],
)
def test_only_what_is_newer_than_the_copy_changes_it(event: Callable[[], object], word: str) -> None:
    receiver = Receiver("ours")
    receiver.hear(THEM.new(THEM.entity("a", 3)))
    ((told, problem),) = outcome(receiver, encode_event(event()))
    assert told == word
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.status is InstanceStatus.ACTIVE
    assert entity.version == (4 if word == "stored" else 3)
    (letter,) = receiver.reader.dead_letters(None)
    if word == "stale":
        assert problem.startswith("something newer is stored: ")
        assert (letter.state, letter.reason) == ("open", problem)
    else:
        assert (letter.state, problem) == ("replayed", "")


def test_a_letter_that_waits_for_its_type_is_parked_and_one_that_brings_it_is_learned() -> None:
    receiver = Receiver("ours")
    teacher = Peer("theirs", registry=types_of().with_type(ICEHOUSE))
    ice = encode_event(teacher.new(teacher.entity("i", type_name="Icehouse")))
    assert outcome(receiver, ice) == [("parked", "")]
    assert receiver.reader.parked_size() == 1
    assert outcome(receiver, encode_event(teacher.teaches(ICEHOUSE))) == [("stored", "")]
    assert receiver.context.registry.type_def("Icehouse") == ICEHOUSE
    assert receiver.entity("i") is not None
    assert receiver.reader.parked_size() == 0


def test_types_go_before_instances_whatever_the_order_of_the_letters() -> None:
    receiver = Receiver("ours")
    teacher = Peer("theirs", registry=types_of().with_type(ICEHOUSE))
    ice, taught = encode_event(teacher.new(teacher.entity("i", type_name="Icehouse"))), encode_event(teacher.teaches(ICEHOUSE))
    assert outcome(receiver, ice, taught) == [("stored", ""), ("stored", "")]


def test_a_batch_event_is_through_when_none_of_its_elements_is_refused() -> None:
    receiver = Receiver("ours")
    receiver.hear(THEM.new(THEM.entity("a", 5)))
    good = THEM.batch(THEM.entity("a", 4), THEM.entity("b"))
    bad = THEM.batch(THEM.entity("c"), replace(THEM.entity("d"), metadata_collection_id=None))
    assert outcome(receiver, encode_event(good)) == [("stale and stored", "")]
    ((word, problem),) = outcome(receiver, encode_event(bad))
    assert word == "refused"
    assert "d" in problem
    assert receiver.entity("c") is not None


def test_a_neighbour_that_is_refused_takes_nothing_with_it() -> None:
    receiver = Receiver("ours")
    told = outcome(receiver, encode_event(THEM.new(THEM.entity("a"))), b"{", encode_event(THEM.new(THEM.entity("b"))))
    assert [word for word, _ in told] == ["stored", "refused", "stored"]
    assert [letter.state for letter in receiver.reader.dead_letters(None)] == ["replayed", "open", "replayed"]


def test_parked_events_that_a_replayed_type_makes_refused_have_letters_of_their_own() -> None:
    receiver = Receiver("ours")
    teacher = Peer("theirs", registry=types_of().with_type(ICEHOUSE))
    receiver.hear(teacher.new(replace(teacher.entity("i", type_name="Icehouse"), header_version=2)))
    assert receiver.reader.parked_size() == 1
    assert outcome(receiver, encode_event(teacher.teaches(ICEHOUSE))) == [("stored", "")]
    assert receiver.reader.parked_size() == 0
    states = {(letter.offset, letter.state) for letter in receiver.reader.dead_letters(None)}
    assert states == {(9_000, "replayed"), (0, "open")}
