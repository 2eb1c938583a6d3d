"""Transactions, reads beside them, and the life of a store, on both stores."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from store_samples import Driver, classification, classified, dead_letter, entity, event, guard, learned, link, member, move, parked, request, tombstone

from cohort_sync.omrs.errors import FatalFault
from cohort_sync.store.protocol import PositionLost, Reader, WriteSet
from cohort_sync.store.rows import GapRow, IdentityRow, InstanceRow, MemoRow, ObjectRow

SECONDS = 20


def everything() -> WriteSet:
    """A write set with something in every table."""
    return WriteSet(
        removed={"old"},
        instances={"a": entity("a", 2), "n": entity("n"), "r": link("r", "a", "n")},
        classifications=classified(classification("a", "New"), classification("a", "Old")._replace(version=2)) | {("b", "Gone"): None},
        tombstones={"old": tombstone("old"), "lifted": None},
        objects={("s", "o"): ObjectRow("s", "o", b"2", b"2"), ("s", "gone"): None},
        identities={"i": IdentityRow("i", "", 1)},
        guards={("s", "g"): guard("s", "g", 2)},
        memos={("s", "m"): MemoRow("s", "m", b"2"), ("s", "gone"): None},
        outbox=[event("second")],
        dead_letters=[dead_letter(2)],
        dead_letter_states={1: "discarded"},
        parked=[parked(2)],
        unparked={1},
        members={"m": member("m", "second"), "gone": None},
        types={"t": learned("t", "T", 2), "gone": None},
        gaps=[GapRow("topic", 0, 1, 2, 3, "stopped", 2)],
        requests=[request("second")],
        request_results={1: ("done", "")},
        facts={"f": "second", "gone": None},
        positions=[move(1, 2)],
    )


def before() -> WriteSet:
    """What `everything` changes."""
    return WriteSet(
        instances={"a": entity("a"), "old": entity("old")},
        classifications=classified(classification("a", "Old"), classification("old", "Old"), classification("b", "Gone")),
        tombstones={"lifted": tombstone("lifted")},
        objects={("s", "o"): ObjectRow("s", "o", b"1", b"1"), ("s", "gone"): ObjectRow("s", "gone", b"", b"")},
        identities={"i": IdentityRow("i", "g", 0)},
        guards={("s", "g"): guard("s", "g", 1)},
        memos={("s", "m"): MemoRow("s", "m", b"1"), ("s", "gone"): MemoRow("s", "gone", b"1")},
        outbox=[event("first")],
        dead_letters=[dead_letter(1)],
        parked=[parked(1)],
        members={"m": member("m"), "gone": member("gone")},
        types={"t": learned("t", "T"), "gone": learned("gone", "Gone")},
        gaps=[GapRow("topic", 0, 1, 2, 3, "stopped", 1)],
        requests=[request("first")],
        facts={"f": "first", "gone": "not yet"},
        positions=[move(None, 1)],
    )


def dump(reader: Reader) -> dict[str, object]:
    """All that a reader can tell of the rows above."""
    guids = ["a", "b", "n", "r", "old", "lifted"]
    return {
        "instances": list(reader.scan()),
        "looked up": reader.instances(guids),
        "relationships": reader.relationships_of(guids),
        "history": [reader.history(guid) for guid in guids],
        "classifications": reader.classifications(guids),
        "tombstones": reader.tombstones(guids),
        "homes": reader.homes(),
        "counts": (reader.counts(), reader.classification_counts(), reader.dead_letter_counts()),
        "objects": (reader.object_keys("s", ""), reader.objects("s", ["o", "gone"])),
        "identities": reader.identities(["i"]),
        "guards": reader.guards("s", ["g"]),
        "memos": [(key, reader.memo("s", key)) for key in reader.memo_keys("s", "")],
        "outbox": (reader.outbox(99), reader.outbox_size()),
        "dead letters": reader.dead_letters(None),
        "parked": (reader.parked(), reader.parked_size()),
        "members": reader.members(),
        "types": reader.types(),
        "gaps": reader.gaps(),
        "requests": (reader.requests("pending"), reader.requests("done")),
        "facts": (reader.fact("f"), reader.fact("gone")),
        "positions": reader.positions(),
    }


def test_a_write_set_is_seen_whole(driver: Driver) -> None:
    driver.apply(before())
    first = driver.read(dump)
    driver.apply(everything())
    second = driver.read(dump)
    unchanged = [name for name in first if first[name] == second[name]]
    assert unchanged == ["homes"], "every table has to have changed"


def test_the_planner_answers_the_caller_and_sees_what_was_committed(driver: Driver) -> None:
    driver.put(entity("a", 3))
    answer = driver.run(driver.store.transact(lambda reader: (WriteSet(facts={"f": "v"}), reader.instances(["a"])["a"].version)))
    assert answer == 3
    assert driver.run(driver.store.transact(lambda reader: (WriteSet(), reader.fact("f")))) == "v"


def test_what_a_planner_raises_comes_out_and_leaves_nothing(driver: Driver) -> None:
    driver.apply(before())
    state = driver.read(dump)

    def failing(reader: Reader) -> tuple[WriteSet, None]:
        assert dump(reader) == state
        raise ZeroDivisionError("a defect of the planner")

    with pytest.raises(ZeroDivisionError, match="a defect of the planner"):
        driver.run(driver.store.transact(failing))
    assert driver.read(dump) == state
    driver.apply(everything())


def test_a_lost_position_leaves_nothing_in_any_table(driver: Driver) -> None:
    driver.apply(before())
    state = driver.read(dump)
    writes = everything()
    writes.positions.append(move(99, 100))
    with pytest.raises(PositionLost):
        driver.apply(writes)
    assert driver.read(dump) == state


def test_a_read_beside_a_transaction_sees_what_was_before_it(driver: Driver) -> None:
    """The transaction stands still in its planner while the read runs: neither waits for the other."""
    driver.apply(before())
    state = driver.read(dump)
    planning, go_on = threading.Event(), threading.Event()

    def slow(reader: Reader) -> tuple[WriteSet, str]:
        planning.set()
        assert go_on.wait(SECONDS)
        return everything(), "written"

    async def scenario() -> None:
        transaction = asyncio.create_task(driver.store.transact(slow))
        assert await asyncio.to_thread(planning.wait, SECONDS)
        assert await asyncio.wait_for(driver.store.read(dump), SECONDS) == state
        assert not transaction.done()
        go_on.set()
        assert await transaction == "written"
        assert await driver.store.read(dump) != state

    driver.run(scenario())


def test_a_read_keeps_its_view_while_transactions_are_committed(driver: Driver) -> None:
    driver.apply(before())
    state = driver.read(dump)
    reading, go_on = threading.Event(), threading.Event()

    def slow(reader: Reader) -> dict[str, object]:
        reader.fact("f")
        reading.set()
        assert go_on.wait(SECONDS)
        return dump(reader)

    async def scenario() -> None:
        read = asyncio.create_task(driver.store.read(slow))
        assert await asyncio.to_thread(reading.wait, SECONDS)
        await asyncio.wait_for(driver.store.transact(lambda reader: (everything(), None)), SECONDS)
        go_on.set()
        assert await read == state

    driver.run(scenario())


def test_the_event_loop_goes_on_while_a_planner_and_a_query_work(driver: Driver) -> None:
    go_on = threading.Event()

    def slow(reader: Reader) -> tuple[WriteSet, None]:
        assert go_on.wait(SECONDS)
        return WriteSet(), None

    async def scenario() -> None:
        tasks = [asyncio.create_task(driver.store.transact(slow)), asyncio.create_task(driver.store.read(slow))]
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert not any(task.done() for task in tasks)
        go_on.set()
        await asyncio.gather(*tasks)

    driver.run(scenario())


def test_transactions_are_serialised(driver: Driver) -> None:
    """Each adds one to what it read; none is lost."""

    def increment(reader: Reader) -> tuple[WriteSet, int]:
        value = int(reader.fact("n") or 0) + 1
        return WriteSet(facts={"n": str(value)}, outbox=[event(str(value))]), value

    async def scenario() -> list[int]:
        return await asyncio.gather(*(driver.store.transact(increment) for _ in range(40)))

    assert sorted(driver.run(scenario())) == list(range(1, 41))
    assert [(row.seq, int(row.value)) for row in driver.read(lambda r: r.outbox(99))] == [(n, n) for n in range(1, 41)]


def test_many_reads_at_once_beside_transactions_are_each_consistent(driver: Driver) -> None:
    """Both facts are written together, so no read may see them differ."""

    async def scenario() -> list[tuple[str | None, str | None]]:
        async def write() -> None:
            for n in range(30):
                await driver.store.transact(lambda reader, n=str(n): (WriteSet(facts={"x": n, "y": n}), None))

        async def read() -> list[tuple[str | None, str | None]]:
            return [await driver.store.read(lambda reader: (reader.fact("x"), reader.fact("y"))) for _ in range(30)]

        found = await asyncio.gather(read(), read(), read(), write())
        return [pair for pairs in found[:3] for pair in pairs]

    assert all(x == y for x, y in driver.run(scenario()))


@pytest.mark.parametrize("how", ["read", "transact"])
def test_a_reader_ends_with_its_transaction(driver: Driver, how: str) -> None:
    driver.put(*(entity(f"{n:04}") for n in range(1200)))
    kept: list[tuple[Reader, Iterator[InstanceRow]]] = []

    def keep(reader: Reader) -> tuple[WriteSet, None]:
        rows = reader.scan()
        next(rows)
        kept.append((reader, rows))
        return WriteSet(), None

    driver.run(driver.store.read(keep) if how == "read" else driver.store.transact(keep))
    reader, rows = kept[0]
    with pytest.raises(RuntimeError, match="has ended"):
        reader.fact("f")
    with pytest.raises(RuntimeError, match="has ended"):
        list(rows)


def test_a_cancelled_caller_does_not_harm_the_next(driver: Driver) -> None:
    planning, go_on = threading.Event(), threading.Event()

    def slow(reader: Reader) -> tuple[WriteSet, None]:
        planning.set()
        assert go_on.wait(SECONDS)
        return WriteSet(facts={"x": "1", "y": "1"}), None

    async def scenario() -> None:
        task = asyncio.create_task(driver.store.transact(slow))
        assert await asyncio.to_thread(planning.wait, SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await driver.store.transact(lambda reader: (WriteSet(facts={"z": "1"}), None))
        x, y, z = await driver.store.read(lambda reader: (reader.fact("x"), reader.fact("y"), reader.fact("z")))
        assert x == y
        assert z == "1"

    driver.run(scenario())


def test_close_waits_for_the_transaction_that_runs(driver: Driver) -> None:
    planning, go_on = threading.Event(), threading.Event()

    def slow(reader: Reader) -> tuple[WriteSet, str]:
        planning.set()
        assert go_on.wait(SECONDS)
        return WriteSet(facts={"f": "written"}), "written"

    async def scenario() -> str | None:
        transaction = asyncio.create_task(driver.store.transact(slow))
        assert await asyncio.to_thread(planning.wait, SECONDS)
        closing = asyncio.create_task(driver.store.close())
        await asyncio.sleep(0.02)
        assert not closing.done()
        go_on.set()
        await closing
        assert await transaction == "written"
        await driver.store.open()
        return await driver.store.read(lambda reader: reader.fact("f"))

    assert driver.run(scenario()) == "written"


def test_closing_twice_does_nothing_and_a_closed_store_says_so(driver: Driver) -> None:
    async def scenario() -> None:
        with pytest.raises(FatalFault, match="is open already"):
            await driver.store.open()
        await driver.store.close()
        await driver.store.close()
        for use in (
            driver.store.transact(lambda reader: (WriteSet(), None)),
            driver.store.read(lambda reader: None),
            driver.store.acknowledge(1),
            driver.store.prune(history_before=1, dead_letters_before=1, guards_before=1),
        ):
            with pytest.raises(FatalFault, match="is not open"):
                await use

    driver.run(scenario())


def test_opened_again_it_is_as_it_was_left(driver: Driver) -> None:
    driver.apply(before())
    driver.apply(everything())
    state = driver.read(dump)
    driver.run(driver.store.close())
    driver.run(driver.store.open())
    assert driver.read(dump) == state
    driver.write(outbox=[event("third")], dead_letters=[dead_letter(3)], parked=[parked(3)], requests=[request("third")])
    assert driver.read(lambda r: (r.outbox(9)[-1].seq, r.dead_letters(None)[-1].id, r.parked()[-1].id, r.requests("pending")[-1].id)) == (3, 3, 3, 3)


class TestRetention:
    """`prune`: what is older than its time, a chunk at a time, and nothing else."""

    def test_history_goes_by_the_time_at_which_a_version_was_replaced(self, driver: Driver) -> None:
        for version in range(1, 6):
            driver.put(entity("a", version))
        assert driver.prune(history=300) == 1
        assert [row.valid_to for row in driver.read(lambda r: r.history("a"))] == [500, 400, 300]
        assert driver.prune(history=301) == 1
        assert driver.prune(history=301) == 0
        assert driver.read(lambda r: r.instances(["a"]))["a"].version == 5

    def test_only_closed_dead_letters_go(self, driver: Driver) -> None:
        driver.write(dead_letters=[dead_letter(n, created=10 * n) for n in range(1, 6)], dead_letter_states={})
        driver.write(dead_letter_states={1: "replayed", 3: "discarded", 5: "discarded"})
        assert driver.prune(dead_letters=50) == 2
        assert [row.id for row in driver.read(lambda r: r.dead_letters(None))] == [2, 4, 5]

    def test_guards_go_by_when_they_were_written_last(self, driver: Driver) -> None:
        driver.now = 100
        driver.write(guards={("s", name): guard("s", name) for name in ("a", "b")})
        driver.now = 200
        driver.write(guards={("s", name): guard("s", name, 1) for name in ("b", "c")})
        assert driver.prune(guards=100) == 0
        assert driver.prune(guards=200) == 1
        assert set(driver.read(lambda r: r.guards("s", ["a", "b", "c"]))) == {"b", "c"}

    def test_no_more_than_a_chunk_of_each_table_at_once(self, driver: Driver) -> None:
        for version in range(1, 9):
            driver.put(entity("a", version))
        driver.write(
            dead_letters=[dead_letter(n, state="discarded") for n in range(5)],
            guards={("s", str(n)): guard("s", str(n)) for n in range(4)},
        )
        gone = [driver.prune(10**6, 10**6, 10**6, chunk=3) for _ in range(4)]
        assert gone == [9, 6, 1, 0]
        assert driver.read(lambda r: (r.history("a"), r.dead_letters(None), r.guards("s", ["0", "1", "2", "3"]))) == ([], [], {})

    def test_the_oldest_history_goes_first(self, driver: Driver) -> None:
        for version in range(1, 5):
            driver.put(entity("b", version), entity("a", version))
        assert driver.prune(history=10**6, chunk=4) == 4
        assert [[row.version for row in driver.read(lambda r, guid=guid: r.history(guid))] for guid in ("a", "b")] == [[3], [3]]
