"""Instances, their history, classifications and tombstones."""

from functools import partial

from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import ClassificationHead, ClassificationHistoryRow, HistoryRow, Kind
from cohort_sync.store.stored import head_of
from cohort_sync.testing.store_contract.driving import Driver
from cohort_sync.testing.store_contract.samples import HOME, PEER, classification, classified, entity, link, tombstone


def oldest(guids: list[str], reader: Reader) -> list[bytes]:
    """The documents of the versions before the present ones."""
    return [reader.history(guid)[0].document for guid in guids]


class InstanceContract:
    """Instances, their history, classifications and tombstones."""

    def test_an_instance_comes_back_as_it_was_written(self, driver: Driver) -> None:
        rows = [
            entity("a", 7, replicated_by=PEER, provenance="EXTERNAL_SOURCE", home="ext", status="DELETED", type_version=3, qualified_name=None),
            entity("p", kind=Kind.PROXY, document=b"\x00\xff"),
            link("r", "a", "p", 2),
            entity("größe 🜁 'quoted\"\x00", document="ä".encode()),
        ]
        driver.put(*rows)
        assert driver.read(lambda r: r.instances([row.guid for row in rows] + ["missing"])) == {row.guid: row for row in rows}
        assert driver.read(lambda r: r.instances([])) == {}

    def test_lookups_take_any_number_of_guids_and_repeats(self, driver: Driver) -> None:
        guids = [f"{n:04}" for n in range(1234)]
        driver.write(
            instances={guid: entity(guid) for guid in guids},
            classifications=classified(*(classification(guid, "Anchors") for guid in guids)),
            tombstones={guid: tombstone(guid) for guid in guids},
        )

        def check(wanted: list[str]) -> None:
            assert set(driver.read(lambda r: r.instances(wanted * 2))) == set(wanted)
            assert set(driver.read(lambda r: r.classifications(wanted))) == set(wanted)
            assert set(driver.read(lambda r: r.tombstones(wanted))) == set(wanted)

        for number in (1, 2, 8, 9, 63, 65, 499, 500, 501, 1001, 1234):
            check(guids[:number])

    def test_a_replaced_instance_moves_into_the_history(self, driver: Driver) -> None:
        driver.put(entity("a", 1))
        driver.put(entity("a", 2))
        driver.put(entity("a", 5, status="DELETED", home=PEER, type_name="DataSet"))
        assert driver.read(lambda r: r.history("a")) == [
            HistoryRow("a", 2, 200, 500, Kind.ENTITY, "ACTIVE", entity("a", 2).document),
            HistoryRow("a", 1, 100, 200, Kind.ENTITY, "ACTIVE", entity("a", 1).document),
        ]
        assert driver.read(lambda r: r.instances(["a"]))["a"] == entity("a", 5, status="DELETED", home=PEER, type_name="DataSet")
        assert driver.read(lambda r: r.history("b")) == []

    def test_any_text_may_be_a_guid_and_has_its_history(self, driver: Driver) -> None:
        """With the NUL and without: what cannot be told as JSON goes another way."""
        odd = ["", "größe 🜁", "quoted '\"\\", "tab\tline\n", "\x1f", "[1]", "null"]
        for guids in (odd, [*odd, "nul\x00", "nul"]):
            driver.put(*(entity(guid, 1) for guid in guids))
            driver.put(*(entity(guid, 2) for guid in guids))
            assert driver.read(partial(oldest, guids)) == [entity(guid, 1).document for guid in guids]

    def test_valid_until_the_new_creation_when_the_new_version_has_no_update_time(self, driver: Driver) -> None:
        driver.put(entity("a", 3))
        driver.put(entity("a", 1, create_time=900))
        assert [(row.valid_from, row.valid_to) for row in driver.read(lambda r: r.history("a"))] == [(300, 900)]

    def test_one_batch_may_hold_new_instances_moved_ones_and_plain_updates(self, driver: Driver) -> None:
        driver.put(entity("same", 1), entity("moved", 1), entity("other", 1), link("r", "same", "moved"))
        after = [entity("same", 2), entity("moved", 2, home=PEER), entity("other", 2, status="DELETED"), entity("new", 1), link("r", "other", "moved", 2)]
        driver.put(*after)
        assert driver.read(lambda r: r.instances([row.guid for row in after])) == {row.guid: row for row in after}
        assert driver.read(lambda r: {row.guid: len(r.history(row.guid)) for row in after}) == {"same": 1, "moved": 1, "other": 1, "new": 0, "r": 1}

    def test_a_full_entity_replaces_a_proxy(self, driver: Driver) -> None:
        driver.put(entity("a", 4, kind=Kind.PROXY))
        driver.put(entity("a", 4))
        assert driver.read(lambda r: r.instances(["a"]))["a"].kind == Kind.ENTITY
        assert [row.kind for row in driver.read(lambda r: r.history("a"))] == [Kind.PROXY]

    def test_relationships_are_found_by_either_end_once_and_in_order(self, driver: Driver) -> None:
        driver.put(link("r3", "a", "b"), link("r1", "b", "c"), link("r2", "c", "c"), link("r0", "x", "y"))

        def found(*guids: str) -> list[str]:
            return [row.guid for row in driver.read(lambda r: r.relationships_of(guids))]

        assert found("a", "b", "c") == ["r1", "r2", "r3"]
        assert found("c") == ["r1", "r2"]
        assert found("nobody") == found() == []
        driver.put(link("r2", "a", "x", 2))
        assert found("c") == ["r1"]
        assert found("x") == ["r0", "r2"]
        driver.write(removed={"r0"})
        assert found("x", "y") == ["r2"]

    def test_removal_takes_classifications_and_history_along(self, driver: Driver) -> None:
        driver.write(instances={"a": entity("a")}, classifications=classified(classification("a", "Anchors"), classification("b", "Anchors")))
        driver.put(entity("a", 2))
        driver.write(removed={"a", "never there"}, tombstones={"a": tombstone("a", 2)})
        assert driver.read(lambda r: (r.instances(["a"]), r.history("a"), r.classifications(["a"]))) == ({}, [], {})
        assert driver.read(lambda r: r.tombstones(["a"])) == {"a": tombstone("a", 2)}
        assert list(driver.read(lambda r: r.classifications(["b"]))) == ["b"]

    def test_removed_and_written_in_one_transaction_is_a_new_life(self, driver: Driver) -> None:
        driver.write(instances={"a": entity("a")}, classifications=classified(classification("a", "Old")))
        driver.put(entity("a", 2))
        driver.write(removed={"a"}, instances={"a": entity("a", 9)}, classifications=classified(classification("a", "New")))
        assert driver.read(lambda r: r.instances(["a"]))["a"].version == 9
        assert driver.read(lambda r: r.history("a")) == []
        assert [row.name for row in driver.read(lambda r: r.classifications(["a"]))["a"]] == ["New"]

    def test_heads_say_what_the_rows_say(self, driver: Driver) -> None:
        rows = [
            entity("a", (1 << 63) - 1, update_time=None, replicated_by=PEER, status="DELETED", type_version=3),
            entity('quoted "\\ and größe 🜁', type_name="x\x1fy", create_time=-5),
            entity("\x00", home="a\x00b"),
            link("r", "a", "\x00", 2),
        ]
        marks = [classification("a", "B"), classification("a", "A", PEER, 7), classification("\x00", "A\x00")]
        driver.write(instances={row.guid: row for row in rows}, classifications=classified(*marks))
        guids = [*(row.guid for row in rows), "missing", "a"]
        assert driver.read(lambda r: r.instance_heads(guids)) == {row.guid: head_of(row) for row in rows}
        heads = driver.read(lambda r: r.classification_heads(guids))
        assert {guid: sorted(found) for guid, found in heads.items()} == {
            "a": [ClassificationHead("a", "A", PEER, 7, marks[1].create_time), ClassificationHead("a", "B", HOME, 1, marks[0].create_time)],
            "\x00": [ClassificationHead("\x00", "A\x00", HOME, 1, marks[2].create_time)],
        }
        assert driver.read(lambda r: (r.instance_heads([]), r.classification_heads([]))) == ({}, {})

    def test_classifications_are_set_replaced_and_taken_off(self, driver: Driver) -> None:
        driver.write(classifications=classified(classification("a", "B"), classification("a", "A", PEER), classification("b", "C")))
        assert driver.read(lambda r: r.classifications(["a", "b", "c"])) == {
            "a": [classification("a", "A", PEER), classification("a", "B")],
            "b": [classification("b", "C")],
        }
        driver.write(classifications={("a", "A"): classification("a", "A", HOME, 2), ("a", "B"): None, ("b", "C"): None, ("x", "Y"): None})
        assert driver.read(lambda r: r.classifications(["a", "b"])) == {"a": [classification("a", "A", HOME, 2)]}

    def test_classifications_of_a_home_in_order_over_many_chunks(self, driver: Driver) -> None:
        rows = [classification(f"{n:04}", name, PEER if n % 2 else HOME) for n in range(700) for name in ("Z", "A")]
        driver.write(classifications=classified(*rows))
        wanted = sorted(row for row in rows if row.home == PEER)
        assert driver.read(lambda r: list(r.classifications_homed(PEER))) == wanted
        assert driver.read(lambda r: list(r.classifications_homed("nobody"))) == []
        after = wanted[len(wanted) // 2]
        assert driver.read(lambda r: list(r.classifications_homed(PEER, (after.entity_guid, after.name)))) == wanted[len(wanted) // 2 + 1 :]

    def test_earlier_states_of_classifications_are_kept_newest_first(self, driver: Driver) -> None:
        """Whether a state was replaced or taken off, and when by the store's clock."""
        driver.put(entity("a"), entity("b"))
        driver.write(classifications=classified(classification("a", "Confidentiality"), classification("b", "Anchors")))
        driver.now = 2_000
        driver.write(classifications=classified(classification("a", "Confidentiality", version=2)))
        driver.now = 3_000
        driver.write(classifications={("a", "Confidentiality"): None, ("a", "Never"): None})
        document = classification("a", "Confidentiality").document
        assert driver.read(lambda r: r.classification_history("a")) == [
            ClassificationHistoryRow("a", "Confidentiality", 2, 100, 3_000, 1, document),
            ClassificationHistoryRow("a", "Confidentiality", 1, 100, 2_000, 0, document),
        ]
        assert driver.read(lambda r: r.classification_history("b")) == []
        assert driver.prune(history=2_500) == 1
        assert [row.version for row in driver.read(lambda r: r.classification_history("a"))] == [2]
        driver.write(removed={"a"})
        assert driver.read(lambda r: r.classification_history("a")) == []

    def test_tombstones_are_written_replaced_and_lifted(self, driver: Driver) -> None:
        driver.write(tombstones={"a": tombstone("a", 1), "b": tombstone("b", 1)})
        driver.write(tombstones={"a": tombstone("a", 5), "b": None, "c": None})
        assert driver.read(lambda r: r.tombstones(["a", "b", "c"])) == {"a": tombstone("a", 5)}

    def test_scan_gives_every_instance_in_the_order_of_the_guids(self, driver: Driver) -> None:
        kinds = (Kind.ENTITY, Kind.PROXY, Kind.RELATIONSHIP)
        rows = [entity(f"{n * 7919 % 1500:04}", kind=kinds[n % 3], home=PEER if n % 5 else HOME) for n in range(1500)] + [entity("ü"), entity("Z"), entity("🜁")]
        driver.put(*rows)
        ordered = sorted(rows, key=lambda row: row.guid)
        assert driver.read(lambda r: list(r.scan())) == ordered
        assert driver.read(lambda r: list(r.scan(home=PEER))) == [row for row in ordered if row.home == PEER]
        assert driver.read(lambda r: list(r.scan(kind=Kind.PROXY))) == [row for row in ordered if row.kind == Kind.PROXY]
        assert driver.read(lambda r: list(r.scan(PEER, Kind.ENTITY))) == [row for row in ordered if row.home == PEER and row.kind == Kind.ENTITY]
        assert driver.read(lambda r: list(r.scan("nobody"))) == []
        assert driver.read(lambda r: list(r.scan(PEER, after="0700"))) == [row for row in ordered if row.home == PEER and row.guid > "0700"]
        assert driver.read(lambda r: list(r.scan(after="🜁"))) == []

    def test_homes_and_counts(self, driver: Driver) -> None:
        assert driver.read(lambda r: (r.homes(), r.counts(), r.classification_counts())) == ([], [], [])
        driver.write(
            instances={
                row.guid: row
                for row in (
                    entity("a"),
                    entity("b"),
                    entity("c", type_name="DataSet"),
                    entity("gone", status="DELETED"),
                    entity("p", kind=Kind.PROXY, home=PEER),
                    link("r", "a", "b"),
                )
            },
            classifications=classified(
                *(classification(guid, "Anchors") for guid in ("a", "b", "gone", "p", "unknown")), classification("a", "Confidentiality", "steward")
            ),
        )
        assert driver.read(lambda r: r.homes()) == [HOME, PEER, "steward"]
        assert driver.read(lambda r: r.counts()) == [
            (HOME, Kind.ENTITY, "Asset", 2),
            (HOME, Kind.ENTITY, "DataSet", 1),
            (HOME, Kind.RELATIONSHIP, "DataFlow", 1),
            (PEER, Kind.PROXY, "Asset", 1),
        ]
        assert driver.read(lambda r: r.classification_counts()) == [(HOME, "Anchors", 2), (HOME, "Confidentiality", 1)]
        driver.put(entity("a", 2, status="DELETED"), entity("gone", 2))
        assert driver.read(lambda r: r.classification_counts()) == [(HOME, "Anchors", 2)]
        assert driver.read(lambda r: r.counts())[0] == (HOME, Kind.ENTITY, "Asset", 2)
