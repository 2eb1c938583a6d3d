"""Everything of a write set that is not an instance: sources, flows, the cohort, positions."""

from typing import Any

import pytest

from cohort_sync.store.protocol import PositionLost
from cohort_sync.store.rows import GapRow, IdentityRow, MemoRow, ObjectRow, PositionRow
from cohort_sync.testing.store_contract.driving import Driver
from cohort_sync.testing.store_contract.samples import dead_letter, event, guard, learned, member, move, parked, request


class TableContract:
    """Everything of a write set that is not an instance."""

    def test_objects_of_a_source(self, driver: Driver) -> None:
        rows = [
            ObjectRow("retail", "table:a", b"\x00", b"[]"),
            ObjectRow("retail", "table:b", b"\x01", b'["g"]'),
            ObjectRow("other", "table:a", b"\x02", b"[]"),
        ]
        driver.write(objects={(row.source, row.key): row for row in rows})
        assert driver.read(lambda r: r.objects("retail", ["table:a", "table:b", "table:c"])) == {"table:a": rows[0], "table:b": rows[1]}
        changed = rows[0]._replace(digest=b"new", members=b'["h"]')
        driver.write(objects={("retail", "table:a"): changed, ("retail", "table:b"): None, ("retail", "never"): None})
        assert driver.read(lambda r: r.objects("retail", ["table:a", "table:b"])) == {"table:a": changed}
        assert driver.read(lambda r: r.objects("other", ["table:a"])) == {"table:a": rows[2]}

    def test_objects_of_a_source_in_pages(self, driver: Driver) -> None:
        rows = [ObjectRow("retail", f"table:{number:02}", b"", b"[]") for number in range(7)]
        driver.write(objects={(row.source, row.key): row for row in [*rows, ObjectRow("other", "table:03", b"", b"[]")]})
        assert driver.read(lambda r: r.source_objects("retail")) == rows
        assert driver.read(lambda r: r.source_objects("retail", limit=3)) == rows[:3]
        assert driver.read(lambda r: r.source_objects("retail", after="table:02", limit=3)) == rows[3:6]
        assert driver.read(lambda r: (r.source_objects("retail", after="table:06"), r.source_objects("nobody"))) == ([], [])

    @pytest.mark.parametrize("table", ["object", "memo"])
    def test_keys_by_prefix_are_sorted_and_mean_what_they_say(self, driver: Driver, table: str) -> None:
        keys = ["table:b", "table:a", "table:a%", "table", "tablf", "table:\U0010ffff\U0010ffff", "TABLE:x", "view:a", "table:_"]
        if table == "object":
            driver.write(objects={(source, key): ObjectRow(source, key, b"", b"") for key in keys for source in ("s", "t")})
        else:
            driver.write(memos={(source, key): MemoRow(source, key, b"v") for key in keys for source in ("s", "t")})

        def found(prefix: str) -> list[str]:
            return driver.read(lambda r: r.object_keys("s", prefix) if table == "object" else r.memo_keys("s", prefix))

        assert found("table:") == ["table:_", "table:a", "table:a%", "table:b", "table:\U0010ffff\U0010ffff"]
        assert found("") == sorted(keys)
        assert found("table:a") == ["table:a", "table:a%"]
        assert found("table:%") == found("zzz") == []

    def test_identities(self, driver: Driver) -> None:
        driver.write(identities={"entity:x": IdentityRow("entity:x", "g1", 0), "entity:y": IdentityRow("entity:y", "g2", 0)})
        driver.write(identities={"entity:x": IdentityRow("entity:x", "", 1)})
        assert driver.read(lambda r: r.identities(["entity:x", "entity:y", "entity:z"])) == {
            "entity:x": IdentityRow("entity:x", "", 1),
            "entity:y": IdentityRow("entity:y", "g2", 0),
        }

    def test_guards(self, driver: Driver) -> None:
        driver.write(guards={("s", "a"): guard("s", "a", 1), ("s", "b"): guard("s", "b", 2), ("t", "a"): guard("t", "a", 3)})
        driver.write(guards={("s", "a"): guard("s", "a", 9)})
        assert driver.read(lambda r: r.guards("s", ["a", "b", "c"])) == {"a": guard("s", "a", 9), "b": guard("s", "b", 2)}
        assert driver.read(lambda r: r.guards("t", ["a"])) == {"a": guard("t", "a", 3)}

    def test_memos(self, driver: Driver) -> None:
        assert driver.read(lambda r: r.memo("s", "k")) == b""
        driver.write(memos={("s", "k"): MemoRow("s", "k", b"one"), ("s", "l"): MemoRow("s", "l", b"two")})
        driver.write(memos={("s", "k"): MemoRow("s", "k", b"\x00three"), ("s", "l"): None})
        assert driver.read(lambda r: (r.memo("s", "k"), r.memo("s", "l"), r.memo("t", "k"), r.memo_keys("s", ""))) == (b"\x00three", b"", b"", ["k"])

    def test_outbox_is_numbered_in_the_order_of_the_commits(self, driver: Driver) -> None:
        driver.write(outbox=[event("one"), event("two", "types")])
        driver.write(outbox=[event("three")])
        rows = driver.read(lambda r: r.outbox(10))
        assert [(row.seq, row.channel, row.value, row.created) for row in rows] == [
            (1, "instances", b"one", 5),
            (2, "types", b"two", 5),
            (3, "instances", b"three", 5),
        ]
        assert driver.read(lambda r: r.outbox(2)) == rows[:2]
        assert driver.read(lambda r: r.outbox_size()) == 3

    def test_acknowledged_rows_are_gone_and_their_numbers_never_come_back(self, driver: Driver) -> None:
        driver.write(outbox=[event("one"), event("two"), event("three")])
        driver.run(driver.store.acknowledge(2))
        assert [row.seq for row in driver.read(lambda r: r.outbox(10))] == [3]
        driver.run(driver.store.acknowledge(3))
        driver.run(driver.store.acknowledge(3))
        driver.write(outbox=[event("four")])
        assert [row.seq for row in driver.read(lambda r: r.outbox(10))] == [4]

    def test_dead_letters(self, driver: Driver) -> None:
        driver.write(dead_letters=[dead_letter(1), dead_letter(2, "retail", "map"), dead_letter(3), dead_letter(4, "retail")])
        everything = driver.read(lambda r: r.dead_letters(None))
        assert everything == [
            row._replace(id=number) for number, row in enumerate([dead_letter(1), dead_letter(2, "retail", "map"), dead_letter(3), dead_letter(4, "retail")], 1)
        ]
        driver.write(dead_letter_states={1: "discarded", 3: "replayed", 99: "discarded"})
        assert [row.offset for row in driver.read(lambda r: r.dead_letters())] == [2, 4]
        assert [row.offset for row in driver.read(lambda r: r.dead_letters("replayed"))] == [3]
        assert [row.offset for row in driver.read(lambda r: r.dead_letters(None, limit=2, after=1))] == [2, 3]
        assert [row.offset for row in driver.read(lambda r: r.dead_letters(limit=1))] == [2]
        assert [row.offset for row in driver.read(lambda r: r.dead_letters(after=2))] == [4]
        assert driver.read(lambda r: r.dead_letter(1)) == everything[0]._replace(state="discarded")
        assert driver.read(lambda r: r.dead_letter(99)) is None
        assert driver.read(lambda r: r.dead_letter_counts()) == [("retail", "decode", 1), ("retail", "map", 1)]

    def test_a_dead_letter_that_failed_again_has_a_new_reason(self, driver: Driver) -> None:
        driver.write(dead_letters=[dead_letter(1), dead_letter(2)])
        driver.write(dead_letter_reasons={1: ("map", "still no rule"), 2: ("apply", "first"), 99: ("map", "")}, dead_letter_states={2: "replayed"})
        first, second = driver.read(lambda r: r.dead_letters(None))
        assert (first.stage, first.reason, first.state) == ("map", "still no rule", "open")
        assert (second.stage, second.reason, second.state) == ("apply", "first", "replayed")

    def test_parked_instances(self, driver: Driver) -> None:
        driver.write(parked=[parked(1, "A", 10), parked(2, "B", 20), parked(3, "A", 30), parked(4, "C", 5)])
        rows = driver.read(lambda r: r.parked())
        assert [(row.id, row.offset) for row in rows] == [(1, 1), (2, 2), (3, 3), (4, 4)]

        def offsets(**filters: Any) -> list[int]:
            return [row.offset for row in driver.read(lambda r: r.parked(**filters))]

        assert offsets(type_names=["A", "C", "nobody"]) == [1, 3, 4]
        assert offsets(before=20) == [1, 4]
        assert offsets(type_names=["A", "C"], before=10) == [4]
        assert offsets(type_names=["C", "A"], limit=2) == [1, 3]
        assert offsets(type_names=[]) == []
        assert offsets(limit=3) == [1, 2, 3]
        assert offsets(type_names=[f"t{n}" for n in range(700)] + ["B"]) == [2]
        driver.write(unparked={1, 4, 99}, parked=[parked(5)])
        assert [(row.id, row.offset) for row in driver.read(lambda r: r.parked())] == [(2, 2), (3, 3), (5, 5)]
        assert driver.read(lambda r: r.parked_size()) == 3

    def test_members(self, driver: Driver) -> None:
        driver.write(members={"m2": member("m2"), "m1": member("m1", None), "m3": member("m3")})
        left = member("m2", "renamed")._replace(connection=None, problem="CONFLICTING_COLLECTION_ID")
        driver.write(members={"m2": left, "m3": None, "m4": None})
        assert driver.read(lambda r: r.members()) == [member("m1", None), left]

    def test_types_keep_the_order_in_which_they_were_learned(self, driver: Driver) -> None:
        driver.write(types={"t2": learned("t2", "Base"), "t1": learned("t1", "Derived"), "t0": learned("t0", "Gone")})
        driver.write(types={"t3": learned("t3", "Last"), "t2": learned("t2", "Base", 2), "t0": None})
        assert driver.read(lambda r: r.types()) == [learned("t2", "Base", 2), learned("t1", "Derived"), learned("t3", "Last")]
        driver.write(types={"t0": learned("t0", "Back")})
        assert [row.name for row in driver.read(lambda r: r.types())] == ["Base", "Derived", "Last", "Back"]

    def test_gaps_newest_first(self, driver: Driver) -> None:
        older, newer = GapRow("topic", 0, 5, 9, 12, "stopped", 1), GapRow("topic", 0, 5, 9, 20, "resumed", 2)
        driver.write(gaps=[older])
        driver.write(gaps=[newer])
        assert driver.read(lambda r: r.gaps()) == [newer, older]

    def test_requests_and_their_results(self, driver: Driver) -> None:
        driver.write(requests=[request("replay"), request("resume")])
        driver.write(requests=[request("refresh")], request_results={1: ("done", "3 replayed"), 99: ("failed", "")})
        assert driver.read(lambda r: r.requests("pending")) == [request("resume")._replace(id=2), request("refresh")._replace(id=3)]
        assert driver.read(lambda r: r.requests("done")) == [request("replay")._replace(id=1, state="done", result="3 replayed")]
        driver.write(request_results={3: ("running", "half")})
        assert [row.id for row in driver.read(lambda r: r.requests())] == [1, 2, 3]
        assert [row.id for row in driver.read(lambda r: r.requests("running", "pending"))] == [2, 3]
        assert driver.read(lambda r: r.request(3)) == request("refresh")._replace(id=3, state="running", result="half")
        assert driver.read(lambda r: r.request(99)) is None

    def test_facts(self, driver: Driver) -> None:
        assert driver.read(lambda r: r.fact("release")) is None
        driver.write(facts={"release": "4.2", "halted": "retail/0"})
        driver.write(facts={"release": "6.1", "halted": None, "never": None})
        assert driver.read(lambda r: (r.fact("release"), r.fact("halted"))) == ("6.1", None)
        driver.write(facts={"halted": ""})
        assert driver.read(lambda r: r.fact("halted")) == ""

    def test_positions_start_and_move(self, driver: Driver) -> None:
        driver.write(positions=[move(None, 0, "b"), move(None, 7, "a", 1), move(None, 3, "a", 0)])
        driver.write(positions=[move(3, 10, "a", 0, "id-1")])
        assert driver.read(lambda r: r.positions()) == [
            PositionRow("cluster", "a", 0, "id-1", 10),
            PositionRow("cluster", "a", 1, "", 7),
            PositionRow("cluster", "b", 0, "", 0),
        ]

    def test_a_position_may_stand_still_go_back_and_move_twice(self, driver: Driver) -> None:
        driver.write(positions=[move(None, 5)])
        driver.write(positions=[move(5, 5)])
        driver.write(positions=[move(5, 2), move(2, 4)])
        assert [row.next_offset for row in driver.read(lambda r: r.positions())] == [4]

    @pytest.mark.parametrize(
        "wrong", [move(4, 9), move(None, 9), move(5, 9, "another"), move(5, 9, partition=1)], ids=["moved", "started", "topic", "partition"]
    )
    def test_a_lost_position_rolls_everything_back(self, driver: Driver, wrong: object) -> None:
        driver.write(positions=[move(None, 5)], facts={"kept": "yes"})
        with pytest.raises(PositionLost, match=r"expected (next offset \d|no position yet), (it is 5|there is none)"):
            driver.write(positions=[wrong], facts={"kept": "no"}, outbox=[event("never sent")], dead_letters=[dead_letter(1)])
        assert driver.read(lambda r: (r.positions(), r.fact("kept"), r.outbox_size(), r.dead_letters(None))) == (
            [PositionRow("cluster", "topic", 0, "", 5)],
            "yes",
            0,
            [],
        )
        driver.write(positions=[move(5, 6)], outbox=[event("first")])
        assert driver.read(lambda r: [row.value for row in r.outbox(9)]) == [b"first"]
