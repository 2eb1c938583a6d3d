"""The desk: requests step by step, each with its state in the store; and what the worker makes of each of them."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
import pytest
from structlog.testing import capture_logs

from cohort_sync.cohort.outbound import SourceContext
from cohort_sync.cohort.outbound.planner import BAD_RUN, HALTED
from cohort_sync.cohort.publish import Announcer
from cohort_sync.cohort.requests import (
    Ask,
    Discard,
    Publish,
    Refresh,
    Replay,
    Resume,
    UnknownRequest,
    Unregister,
    arguments_of,
    ask_of,
    request_row,
)
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Malformed, Meaning, Noop, View
from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.store.memory import MemoryStore
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import DeadLetterRow, MemberRow, OutboxRow, RequestRow
from cohort_sync.store.stored import entity_rows
from cohort_sync.testing.cohort import Peer, Receiver, types_of
from cohort_sync.worker.requests import Announcing, DeadLetters, ReplaySource, RequestDesk, RequestPlanner, dead_letters, desk
from cohort_sync.worker.requests.answers import Answer, Done, Going, Leaving, Refused

T = TypeVar("T")
NOW = 1_780_000_000_000
US, THEM = Peer("ours"), Peer("theirs")
Step = Callable[[Reader, Ask, RequestRow, str | None], Answer]


class Office:
    """A desk over a store in memory. `steps` is what plans; it runs until every request is finished, or told otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, steps: Step) -> None:
        monkeypatch.setattr(desk, "_LOOK_SECONDS", 0.01)
        monkeypatch.setattr(desk, "_NEXT_SECONDS", 0.001)
        monkeypatch.setattr(desk, "_ROOM_SECONDS", 0.001)
        self.steps = steps
        self.store = MemoryStore()
        self.left: list[int] = []
        self.committed = 0
        self.ids = itertools.count(1)

    def run(self, *asks: Ask | RequestRow, until: Callable[[Reader], bool] | None = None, beside: Callable[[], None] | None = None) -> list[RequestRow]:
        """File these, and let a new desk work; all requests as they are then."""

        async def scenario() -> list[RequestRow]:
            await self.store.open()
            try:
                rows = [each if isinstance(each, RequestRow) else request_row(each, NOW) for each in asks]
                await self.store.transact(lambda _reader: (WriteSet(requests=rows), None))
                stopping = asyncio.Event()
                made = RequestDesk(self.store, self.steps, turn=asyncio.Lock(), committed=self._committed, leave=self.left.append, stopping=stopping)
                working = asyncio.create_task(made.run())
                async with asyncio.timeout(20):
                    while not working.done() and not await self.store.read(until or (lambda reader: not reader.requests("pending", "running"))):
                        await asyncio.sleep(0.002)
                        if beside is not None:
                            beside()
                stopping.set()
                await working
                return await self.store.read(lambda reader: reader.requests())
            finally:
                await self.store.close()

        return asyncio.run(scenario())

    def _committed(self) -> None:
        self.committed += 1

    def read(self, query: Callable[[Reader], T]) -> T:
        async def scenario() -> T:
            await self.store.open()
            try:
                return await self.store.read(query)
            finally:
                await self.store.close()

        return asyncio.run(scenario())

    def write(self, writes: WriteSet) -> None:
        async def scenario() -> None:
            await self.store.open()
            try:
                await self.store.transact(lambda _reader: (writes, None))
            finally:
                await self.store.close()

        asyncio.run(scenario())


def states(rows: Sequence[RequestRow]) -> list[tuple[str, str]]:
    return [(row.state, row.result) for row in rows]


# ---------------------------------------------------------------- the values


@pytest.mark.parametrize(
    "ask",
    [
        Resume(source="crm"),
        Publish(),
        Publish(type_name="Asset", source="crm"),
        Refresh(instances=True, member="m"),
        Unregister(),
        Replay(ids=(3, 1)),
        Replay(flow="cohort"),
        Discard(ids=(1,)),
    ],
)
def test_requests_lie_in_the_store_as_verb_and_arguments(ask: Ask) -> None:
    row = request_row(ask, 5)
    assert (row.id, row.created, row.state) == (0, 5, "pending")
    assert row.verb == type(ask).__name__.lower()
    assert ask_of(row) == ask
    assert "verb" not in arguments_of(row)


@pytest.mark.parametrize(
    ("verb", "arguments"), [("dance", b"{}"), ("resume", b"{}"), ("publish", b'{"speed":1}'), ("replay", b'{"ids":["x"]}'), ("resume", b"[]"), ("resume", b"{")]
)
def test_a_request_of_another_release_is_told_apart(verb: str, arguments: bytes) -> None:
    row = RequestRow(1, verb, arguments, 1, "pending", "")
    with pytest.raises(UnknownRequest, match=rf"this worker does not know the request {verb} "):
        ask_of(row)
    assert isinstance(arguments_of(row), dict)


# ---------------------------------------------------------------- the desk


def test_requests_are_done_in_their_order_with_their_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def steps(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        assert cursor is None
        assert isinstance(ask, Resume)
        seen.append(ask.source)
        if ask.source == "b":
            return Refused(text="no", writes=WriteSet(facts={"b": "noted"}))
        return Done(text=f"done {row.id}", writes=WriteSet(facts={ask.source: "yes"}))

    office = Office(monkeypatch, steps)
    rows = office.run(Resume(source="a"), Resume(source="b"), Resume(source="c"))
    assert seen == ["a", "b", "c"]
    assert states(rows) == [("done", "done 1"), ("failed", "no"), ("done", "done 3")]
    assert office.read(lambda reader: [reader.fact(name) for name in "abc"]) == ["yes", "noted", "yes"]
    assert office.committed == 3


def test_what_comes_after_a_step_is_called_when_it_is_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    after: list[str] = []

    def steps(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        assert after == ([] if cursor is None else ["1"])
        if cursor is None:
            return Going(cursor="1", text="half", after=lambda: after.append("1"))
        return Done(text="whole", after=lambda: after.append("2"))

    Office(monkeypatch, steps).run(Publish())
    assert after == ["1", "2"]


def test_a_long_request_goes_on_where_a_killed_desk_left_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cursors: list[str | None] = []

    def steps(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        cursors.append(cursor)
        done = int(cursor or 0) + 1
        outbox = [OutboxRow(0, "instances", str(done).encode(), 1)]
        return (
            Done(text=f"{done} steps", writes=WriteSet(outbox=outbox))
            if done == 6
            else Going(cursor=str(done), text=f"{done} so far", writes=WriteSet(outbox=outbox))
        )

    office = Office(monkeypatch, steps)
    (row,) = office.run(Publish(), until=lambda reader: len(reader.outbox(99)) >= 2)
    assert (row.state, office.read(lambda reader: reader.fact("request:1"))) == ("running", row.result.partition(" ")[0])
    (row,) = office.run()
    assert (row.state, row.result) == ("done", "6 steps")
    assert cursors == [None, "1", "2", "3", "4", "5"]
    assert office.read(lambda reader: [each.value for each in reader.outbox(99)]) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert office.read(lambda reader: reader.fact("request:1")) is None


def test_a_long_request_waits_while_much_is_to_be_sent_and_short_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "OUTBOX_ROOM", 3)

    def steps(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        if isinstance(ask, Resume):
            return Done(text="goes on")
        done = int(cursor or 0) + 1
        writes = WriteSet(outbox=[OutboxRow(0, "instances", b"x", 1)] * 2)
        return Done(text="all", writes=writes) if done == 5 else Going(cursor=str(done), text="", writes=writes)

    office = Office(monkeypatch, steps)
    rows = office.run(Publish(), Resume(source="a"), until=lambda reader: reader.outbox_size() == 4 and not reader.requests("pending"))
    assert [row.state for row in rows] == ["running", "done"]
    assert office.read(lambda reader: reader.outbox_size()) == 4

    async def drain() -> None:
        await office.store.acknowledge(10_000)

    tasks: set[asyncio.Task[None]] = set()

    def publisher() -> None:
        task = asyncio.get_running_loop().create_task(drain())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    rows = office.run(beside=publisher)
    assert [row.state for row in rows] == ["done", "done"]


def test_two_long_requests_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def steps(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        seen.append(row.id)
        return Done(text="") if cursor == "xxx" else Going(cursor=(cursor or "") + "x", text="")

    Office(monkeypatch, steps).run(Publish(), Publish())
    assert seen == [1, 2] * 4


def test_leaving_ends_the_desk_and_leaves_the_rest_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def steps(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        return Leaving() if isinstance(ask, Unregister) else Done(text="ok")

    office = Office(monkeypatch, steps)
    rows = office.run(Publish(), Unregister(), Publish())
    assert [row.state for row in rows] == ["done", "pending", "pending"]
    assert office.left == [2]


def test_an_unknown_request_fails_and_the_others_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(monkeypatch, lambda _reader, _ask, _row, _cursor: Done(text="ok"))
    first, second = office.run(RequestRow(0, "dance", b"{}", 1, "pending", ""), Publish())
    assert first.state == "failed"
    assert first.result.startswith("this worker does not know the request dance {}: ")
    assert second.state == "done"


def test_a_bug_in_a_request_fails_the_request_and_not_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would end the worker again at each start."""

    def steps(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        if cursor is None:
            return Going(cursor="1", text="", writes=WriteSet(facts={"kept": "yes"}))
        raise KeyError("boom")

    office = Office(monkeypatch, steps)
    with capture_logs() as logs:
        (row,) = office.run(Publish())
    assert row.state == "failed"
    assert row.result == "it failed unexpectedly, this is a bug: KeyError: 'boom'"
    assert office.read(lambda reader: (reader.fact("kept"), reader.fact("request:1"))) == ("yes", None)
    assert [isinstance(line.get("exc_info"), KeyError) for line in logs if line["log_level"] == "error"] == [True]


def test_a_fault_of_the_moment_is_waited_out_and_a_fatal_one_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = itertools.count()

    def transient(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        if next(tries) < 2:
            raise TransientFault("disk full")
        return Done(text="at last")

    with capture_logs() as logs:
        assert states(Office(monkeypatch, transient).run(Publish())) == [("done", "at last")]
    assert [line["reason"] for line in logs if line["log_level"] == "warning"] == ["disk full", "disk full"]

    def fatal(_reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        raise FatalFault("the file is damaged")

    with pytest.raises(FatalFault, match="the file is damaged"):
        Office(monkeypatch, fatal).run(Publish())


# ---------------------------------------------------------------- what is asked


class Plain:
    """A mapper that reads what begins with "good"."""

    name = "plain"
    options = ()
    emits = frozenset[str]()

    def decode(self, record: SourceRecord) -> Meaning:
        return Noop("fine") if (record.value or b"").startswith(b"good") else Malformed("bad")

    def interpret(self, event: Meaning, view: View) -> Meaning:
        return event


def planner(taught: list[object] | None = None) -> RequestPlanner:
    receiver = Receiver("ours")
    mapper = Plain()
    context = SourceContext(source="crm", member=US.member, registry=types_of())
    announcing = Announcing(Announcer(member=US.member), types_of, lambda: NOW)
    source = ReplaySource(mapper.decode, mapper, lambda: context)
    return RequestPlanner(announcing, DeadLetters({"crm": source}, lambda: receiver.context, (taught if taught is not None else []).append, lambda: NOW))


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(monkeypatch, planner().plan)


def letter(flow: str, value: bytes, created: int = NOW, state: str = "open") -> DeadLetterRow:
    return DeadLetterRow(0, flow, "decode", "once", f"{flow}.topic", 0, int.from_bytes(value[-2:], "big"), 1, None, value, b"[]", created, state)


def test_resume_lifts_a_halt_and_only_that(office: Office) -> None:
    office.write(WriteSet(facts={HALTED + "crm": "too many", BAD_RUN + "crm": "20", HALTED + "sales": "too many"}))
    assert states(office.run(Resume(source="crm"), Resume(source="crm"))) == [("done", "source crm goes on"), ("failed", "source 'crm' is not halted")]
    assert office.read(lambda reader: (reader.fact(HALTED + "crm"), reader.fact(BAD_RUN + "crm"), reader.fact(HALTED + "sales"))) == (None, "0", "too many")


def home_of(*peers_and_guids: tuple[Peer, str, str]) -> WriteSet:
    writes = WriteSet()
    for peer, guid, type_name in peers_and_guids:
        row, _ = entity_rows(peer.entity(guid, type_name=type_name))
        writes.instances[guid] = row
    return writes


def test_publish_of_types_and_their_subtypes(office: Office) -> None:
    office.write(home_of((US, "a", "Database"), (US, "b", "RelationalDatabase"), (US, "c", "GlossaryTerm"), (THEM, "x", "Database")))
    rows = office.run(Publish(), Publish(type_name="Database"), Publish(type_name="Databse"), Publish(type_name="Confidentiality"), Publish(source="crm"))
    assert [state for state, _ in states(rows)] == ["done", "done", "failed", "failed", "done"]
    assert [result for _, result in states(rows)[:2]] == ["announced 3 entities, 0 relationships", "announced 2 entities, 0 relationships"]
    assert rows[2].result.startswith("no type 'Databse' among the known types; did you mean Database")
    assert rows[3].result.startswith("Confidentiality is a classification type; classifications go with their entities")
    assert rows[4].result == "announced 0 entities, 0 relationships"
    assert office.read(lambda reader: reader.outbox_size()) == 5


def members(*collections: str) -> WriteSet:
    return WriteSet(members={each: MemberRow(each, None, None, None, None, None, None, 1, 1, None) for each in collections})


def test_refresh_asks_for_registrations_and_for_instances_when_told(office: Office) -> None:
    office.write(home_of((THEM, "t", "GlossaryTerm"), (Peer("others"), "x", "GlossaryTerm"), (US, "o", "GlossaryTerm")))
    office.write(members("theirs", "others"))
    rows = office.run(Refresh(), Refresh(instances=True, member="others"), Refresh(instances=True), Refresh(instances=True, member="ours"))
    registrations = "asked the other members for their registrations"
    assert states(rows)[:3] == [
        ("done", registrations),
        ("done", f"{registrations}; asked for 1 instances"),
        ("done", f"{registrations}; asked for 2 instances"),
    ]
    assert rows[3].state == "failed"
    assert "nobody else can be asked for them" in rows[3].result
    sent = office.read(lambda reader: [(row.channel, row.value) for row in reader.outbox(99)])
    assert [channel for channel, _ in sent] == ["registration", "registration", "instances", "registration", "instances", "instances"]
    guids = [section.instance_guid for _, value in sent if (section := decode_event(value).instance_event_section)]
    assert sorted(guids[1:]) == ["t", "x"]
    assert guids[0] == "x"


def test_replay_of_letters_of_several_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "AT_ONCE", 2)
    taught: list[object] = []
    office = Office(monkeypatch, planner(taught).plan)
    stored = encode_event(THEM.new(THEM.entity("a")))
    office.write(
        WriteSet(
            dead_letters=[
                letter("crm", b"good1"),
                letter("crm", b"bad2"),
                letter("crm", b"good3"),
                letter("cohort", stored),
                letter("removed", b"good5"),
                letter("crm", b"good6", state="discarded"),
                letter("crm", b"good7", created=NOW + 1),
            ]
        )
    )
    (row,) = office.run(Replay())
    assert row.state == "failed"
    assert row.result == "3 replayed (2 noop, 1 stored), 2 not: 2 ($: bad), 5 (source 'removed' is not in the configuration of this worker)"
    assert office.read(lambda reader: [each.state for each in reader.dead_letters(None)]) == [
        "replayed",
        "open",
        "replayed",
        "replayed",
        "open",
        "discarded",
        "open",
    ]
    assert office.read(lambda reader: list(reader.instances(["a"]))) == ["a"]
    assert len(taught) == 1
    _, second = office.run(Replay(flow="removed"))
    assert second.result == "0 replayed, 1 not: 5 (source 'removed' is not in the configuration of this worker)"


def test_replay_and_discard_of_named_letters(office: Office) -> None:
    office.write(WriteSet(dead_letters=[letter("crm", b"good1"), letter("crm", b"good2"), letter("crm", b"good3"), letter("crm", b"bad4")]))
    rows = office.run(Replay(ids=(2, 1, 1)), Replay(ids=(2, 99, 3)), Discard(ids=(3, 4)), Discard(ids=(4,)), Discard(), Replay())
    assert states(rows) == [
        ("done", "2 replayed (2 noop)"),
        ("failed", "1 replayed (1 noop), 2 not: 2 (it is replayed already), 99 (there is no such dead letter)"),
        ("failed", "1 discarded, 1 not: 3 (it is replayed already)"),
        ("failed", "0 discarded, 1 not: 4 (it is discarded already)"),
        ("done", "0 discarded"),
        ("done", "0 replayed"),
    ]
    assert office.read(lambda reader: [each.state for each in reader.dead_letters(None)]) == ["replayed", "replayed", "replayed", "discarded"]


def test_many_letters_in_small_transactions_and_the_first_problems(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    most: list[int] = []
    steps = office.steps

    def counting(reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        answer = steps(reader, ask, row, cursor)
        if not isinstance(answer, Leaving):
            most.append(len(answer.writes.dead_letter_states) + len(answer.writes.dead_letter_reasons))
        return answer

    office.steps = counting
    office.write(WriteSet(dead_letters=[letter("crm", b"good" if number % 3 else b"bad!") for number in range(150)]))
    (row,) = office.run(Replay(flow="crm"))
    assert max(most) == dead_letters.AT_ONCE
    assert row.result.startswith("100 replayed (100 noop), 50 not: 1 ($: bad), 4 ($: bad), ")
    assert row.result.endswith(", 28 ($: bad), ...")
    _, row = office.run(Discard())
    assert row.result == "50 discarded"


def test_unregister_is_for_the_worker_to_settle(office: Office) -> None:
    (row,) = office.run(Unregister())
    assert (row.state, office.left) == ("pending", [1])


def test_progress_is_a_number_of_events_not_of_steps(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    """What `requests show` tells while it runs."""
    told: list[str] = []
    steps = office.steps

    def listening(reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        answer = steps(reader, ask, row, cursor)
        if isinstance(answer, Going):
            told.append(answer.text)
            assert msgspec.json.decode(answer.cursor) is not None
        return answer

    office.steps = listening
    office.write(home_of((US, "a", "Database")))
    office.run(Publish())
    assert told == ["announced 1 entities, 0 relationships so far"] * 2
