"""Transactions, reads beside them, and the life of a store."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from cohort_sync.omrs.errors import FatalFault
from cohort_sync.store.protocol import PositionLost, Reader, WriteSet
from cohort_sync.store.rows import GapRow, IdentityRow, InstanceRow, MemoRow, ObjectRow
from cohort_sync.testing.store_contract.driving import Driver
from cohort_sync.testing.store_contract.samples import (
    classification,
    classified,
    dead_letter,
    entity,
    event,
    guard,
    learned,
    link,
    member,
    move,
    parked,
    request,
    tombstone,
)

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


class TransactionContract:
    """Transactions, reads beside them, and the life of a store."""

    def test_a_write_set_is_seen_whole(self, driver: Driver) -> None:
        driver.apply(before())
        first = driver.read(dump)
        driver.apply(everything())
        second = driver.read(dump)
        unchanged = [name for name in first if first[name] == second[name]]
        assert unchanged == ["homes"], "every table has to have changed"

    def test_the_planner_answers_the_caller_and_sees_what_was_committed(self, driver: Driver) -> None:
        driver.put(entity("a", 3))
        answer = driver.run(driver.store.transact(lambda reader: (WriteSet(facts={"f": "v"}), reader.instances(["a"])["a"].version)))
        assert answer == 3
        assert driver.run(driver.store.transact(lambda reader: (WriteSet(), reader.fact("f")))) == "v"

    def test_what_a_planner_raises_comes_out_and_leaves_nothing(self, driver: Driver) -> None:
        driver.apply(before())
        state = driver.read(dump)

        def failing(reader: Reader) -> tuple[WriteSet, None]:
            assert dump(reader) == state
            raise ZeroDivisionError("a defect of the planner")

        with pytest.raises(ZeroDivisionError, match="a defect of the planner"):
            driver.run(driver.store.transact(failing))
        assert driver.read(dump) == state
        driver.apply(everything())

    def test_a_lost_position_leaves_nothing_in_any_table(self, driver: Driver) -> None:
        driver.apply(before())
        state = driver.read(dump)
        writes = everything()
        writes.positions.append(move(99, 100))
        with pytest.raises(PositionLost):
            driver.apply(writes)
        assert driver.read(dump) == state

    def test_a_read_beside_a_transaction_sees_what_was_before_it(self, driver: Driver) -> None:
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

    def test_a_read_keeps_its_view_while_transactions_are_committed(self, driver: Driver) -> None:
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

    def test_the_event_loop_goes_on_while_a_planner_and_a_query_work(self, driver: Driver) -> None:
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

    def test_who_wants_to_work_beside_the_commit_is_told_when_everything_is_written(self, driver: Driver) -> None:
        """Once, and not for a transaction that fails earlier."""
        told: list[str] = []

        def written(reader: Reader) -> tuple[WriteSet, None]:
            told.append("planned")
            return WriteSet(facts={"f": "v"}), None

        def lost(reader: Reader) -> tuple[WriteSet, None]:
            return WriteSet(positions=[move(4, 5)]), None

        driver.run(driver.store.transact(written, committing=lambda: told.append("committing")))
        assert told == ["planned", "committing"]
        with pytest.raises(PositionLost):
            driver.run(driver.store.transact(lost, committing=lambda: told.append("committing what is lost")))
        assert told == ["planned", "committing"]

    def test_transactions_are_serialised(self, driver: Driver) -> None:
        """Each adds one to what it read; none is lost."""

        def increment(reader: Reader) -> tuple[WriteSet, int]:
            value = int(reader.fact("n") or 0) + 1
            return WriteSet(facts={"n": str(value)}, outbox=[event(str(value))]), value

        async def scenario() -> list[int]:
            return await asyncio.gather(*(driver.store.transact(increment) for _ in range(40)))

        assert sorted(driver.run(scenario())) == list(range(1, 41))
        assert [(row.seq, int(row.value)) for row in driver.read(lambda r: r.outbox(99))] == [(n, n) for n in range(1, 41)]

    def test_many_reads_at_once_beside_transactions_are_each_consistent(self, driver: Driver) -> None:
        """Both facts are written together, so no read may see them differ."""

        def both(text: str, reader: Reader) -> tuple[WriteSet, None]:
            return WriteSet(facts={"x": text, "y": text}), None

        async def scenario() -> list[tuple[str | None, str | None]]:
            async def write() -> None:
                for n in map(str, range(30)):
                    await driver.store.transact(partial(both, n))

            async def read() -> list[tuple[str | None, str | None]]:
                return [await driver.store.read(lambda reader: (reader.fact("x"), reader.fact("y"))) for _ in range(30)]

            found = await asyncio.gather(read(), read(), read(), write())
            return [pair for pairs in found[:3] for pair in pairs]

        assert all(x == y for x, y in driver.run(scenario()))

    @pytest.mark.parametrize("how", ["read", "transact"])
    def test_a_reader_ends_with_its_transaction(self, driver: Driver, how: str) -> None:
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

    def test_a_cancelled_caller_does_not_harm_the_next(self, driver: Driver) -> None:
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

    def test_close_waits_for_the_transaction_that_runs(self, driver: Driver) -> None:
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

    def test_closing_twice_does_nothing_and_a_closed_store_says_so(self, driver: Driver) -> None:
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

    def test_opened_again_it_is_as_it_was_left(self, driver: Driver) -> None:
        driver.apply(before())
        driver.apply(everything())
        state = driver.read(dump)
        driver.run(driver.store.close())
        driver.run(driver.store.open())
        assert driver.read(dump) == state
        driver.write(outbox=[event("third")], dead_letters=[dead_letter(3)], parked=[parked(3)], requests=[request("third")])
        assert driver.read(lambda r: (r.outbox(9)[-1].seq, r.dead_letters(None)[-1].id, r.parked()[-1].id, r.requests("pending")[-1].id)) == (3, 3, 3, 3)
