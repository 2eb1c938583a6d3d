"""Inward: whatever a real Egeria member does with its metadata, and with ours, our copies are what it answers afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from .compare import assert_same, by_guid, differences
from .following import Follower, copy_of
from .hand import proxy
from .make_archive import ARCHIVE_GUID, archive
from .omrs_json import JsonObject, Value, plain, properties
from .rest import EgeriaClient
from .trio import Trio
from .waiting import eventually

_INSTANT = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)


@pytest.fixture
def follow(trio: Trio, one: EgeriaClient) -> Follower:
    """Follows the first Egeria member."""
    return Follower(trio.ours, one)


@pytest.fixture
def pair(one: EgeriaClient, request: pytest.FixtureRequest) -> tuple[JsonObject, JsonObject]:
    """A database and a term of the first member, new for each scenario."""
    name = request.node.name
    return one.add_entity("Database", {"qualifiedName": f"{name}::db"}), one.add_entity("GlossaryTerm", {"qualifiedName": f"{name}::term"})


@pytest.fixture
def our_table(trio: Trio, one: EgeriaClient, two: EgeriaClient, request: pytest.FixtureRequest) -> Iterator[str]:
    """The GUID of a table of ours that both Egeria members have."""
    name = request.node.name
    trio.shop.create(name)
    yield _table_of_ours(trio, name, one, two)
    trio.shop.drop(name)


def _table_of_ours(trio: Trio, name: str, *java: EgeriaClient) -> str:
    def mapped() -> str | None:
        tables = [one for one in trio.ours.homed().values() if one["type"]["typeDefName"] == "RelationalTable"]
        return next((one["guid"] for one in tables if plain(one["properties"])["displayName"] == name), None)

    guid = eventually(mapped, timeout=10, what=f"table {name} is a home instance of ours")
    for member in java:
        _known(member, guid)
    return str(guid)


def _known(java: EgeriaClient, guid: str) -> None:
    eventually(lambda: java.entity_if_active(guid), timeout=10, what=f"the Java member has {guid}")


# ---------------------------------------------------------------- the archive


def test_an_archive_that_was_loaded_at_the_start_is_here(trio: Trio, one: EgeriaClient) -> None:
    theirs = by_guid(each for each in (*one.find_entities(), *one.find_relationships()) if each["metadataCollectionId"] == ARCHIVE_GUID)
    content = archive()["archiveInstanceStore"]
    assert theirs.keys() == by_guid((*content["entities"], *content["relationships"])).keys()
    assert {(each["instanceProvenanceType"], each["replicatedBy"]) for each in theirs.values()} == {("CONTENT_PACK", trio.one.collection_id)}
    assert_same(trio.ours.homed(ARCHIVE_GUID), theirs)


# ---------------------------------------------------------------- entities


def test_an_entity_through_its_life(one: EgeriaClient, follow: Follower) -> None:
    first: dict[str, Value] = {"qualifiedName": "life::orders", "name": "Bestellungen £€\n", "additionalProperties": {"owner": "sales"}}
    entity = one.add_entity("Database", first)
    guid = entity["guid"]
    follow.step(entity)
    one.update_entity(guid, first | {"storeCreateTime": _INSTANT, "zoneMembership": ["quarantine", "europe"], "name": ""})
    follow.step(entity)
    one.update_entity(guid, {"qualifiedName": "life::orders"})
    follow.step(entity)
    one.undo_entity(guid)
    follow.step(entity)
    one.delete_entity(entity)
    follow.step(entity)
    one.restore_entity(guid)
    follow.step(entity)
    one.delete_entity(entity)
    follow.step(entity)
    one.purge_entity(entity)
    follow.step(entity)
    follow.equals(guid, None)


def test_classifications_come_change_go_and_come_back(one: EgeriaClient, follow: Follower) -> None:
    entity = one.add_entity("Database", {"qualifiedName": "classified::db"})
    guid = entity["guid"]
    follow.step(entity)
    one.classify(guid, "Confidentiality", {"notes": "internal", "confidence": 80})
    follow.step(entity)
    one.classify(guid, "Memento", {"archiveProperties": {"k": "v"}, "archiveDate": _INSTANT})
    follow.step(entity)
    one.update_entity(guid, {"qualifiedName": "classified::db", "name": "two"})
    follow.step(entity)
    one.reclassify(guid, "Confidentiality", {"notes": "public"})
    follow.step(entity)
    one.declassify(guid, "Memento")
    follow.step(entity)
    one.undo_entity(guid)  # as 4.2 does it, the undo brings the classification back too
    follow.step(entity)
    one.declassify(guid, "Confidentiality")
    follow.step(entity)
    one.classify(guid, "Confidentiality")
    follow.step(entity)
    one.delete_entity(entity)
    follow.step(entity)
    one.restore_entity(guid)
    follow.step(entity)


def test_an_entity_is_born_with_classifications_and_has_a_life_cycle(one: EgeriaClient, follow: Follower) -> None:
    born = one.add_entity("GlossaryTerm", {"qualifiedName": "born::term"}, classifications=[_new_classification(one)])
    follow.step(born)
    assert [each["name"] for each in one.entity(born["guid"])["classifications"]] == ["Impact"]
    controlled = one.add_entity("ControlledGlossaryTerm", {"qualifiedName": "born::controlled"}, status="DRAFT")
    for status in ("PROPOSED", "APPROVED", "ACTIVE", "DEPRECATED"):
        follow.step(controlled)
        controlled = one.set_entity_status(controlled["guid"], status)
    follow.step(controlled)
    one.delete_entity(controlled)
    follow.step(controlled)


def _new_classification(java: EgeriaClient) -> JsonObject:
    """A whole classification, as Egeria's own callers hand it to addEntity."""
    type_def = java.type_def("Impact")
    kind = {"typeDefCategory": type_def["category"], "typeDefGUID": type_def["guid"], "typeDefName": type_def["name"], "typeDefVersion": type_def["version"]}
    return {
        "class": "Classification",
        "headerVersion": 1,
        "type": {"class": "InstanceType", "headerVersion": 1, **kind},
        "createdBy": "erin",
        "createTime": round(_INSTANT.timestamp() * 1_000),
        "version": 1,
        "name": "Impact",
        "classificationOrigin": "ASSIGNED",
        "properties": properties({"notes": "from the start"}),
        "status": "ACTIVE",
    }


def test_a_classification_that_a_caller_gave_only_a_name_is_taken_too(trio: Trio, one: EgeriaClient, follow: Follower) -> None:
    """4.2 keeps and announces it as it was given; ours completes it with its type and the time of its entity."""
    bare = {"class": "Classification", "name": "Impact"}
    guid = one.add_entity("GlossaryTerm", {"qualifiedName": "bare::term"}, classifications=[bare])["guid"]
    for change in (None, lambda: one.reclassify(guid, "Impact", {"notes": "n"})):
        if change is not None:
            change()
        theirs = one.entity(guid)
        (given,) = theirs["classifications"]
        assert "createTime" not in given
        kind = {"typeDefCategory": "CLASSIFICATION_DEF", "typeDefGUID": one.type_def("Impact")["guid"], "typeDefName": "Impact"}
        whole = {"class": "InstanceType", "headerVersion": 1, **kind, "typeDefVersion": one.type_def("Impact")["version"]}
        follow.equals(guid, theirs | {"classifications": [given | {"createTime": theirs["createTime"], "type": whole}]})
    one.declassify(guid, "Impact")
    follow.step(theirs)


# ---------------------------------------------------------------- relationships


def test_a_relationship_through_its_life(one: EgeriaClient, follow: Follower, pair: tuple[JsonObject, JsonObject]) -> None:
    database, term = pair
    link = one.add_relationship("SemanticAssignment", database["guid"], term["guid"], {"description": "d", "confidence": 3})
    guid = link["guid"]
    follow.step(link)
    one.update_relationship(guid, {"confidence": 5, "steward": "erin"})
    follow.step(link)
    one.undo_relationship(guid)
    follow.step(link)
    one.update_entity(database["guid"], {"qualifiedName": "renamed"})
    follow.step(link)  # a Java member answers with the end as it is now
    one.delete_relationship(link)
    follow.step(link)
    one.restore_relationship(guid)
    follow.step(link)
    one.delete_relationship(link)
    one.purge_relationship(link)
    follow.step(link)
    follow.equals(guid, None)


def test_a_delete_of_an_entity_takes_its_relationships_along(one: EgeriaClient, follow: Follower, pair: tuple[JsonObject, JsonObject]) -> None:
    database, term = pair
    link = one.add_relationship("SemanticAssignment", database["guid"], term["guid"], {"description": "d"})
    follow.step(database)
    follow.step(link)
    one.delete_entity(database)
    follow.step(database)
    follow.step(link)
    assert one.relationship_if_known(link["guid"])["status"] == "DELETED"
    one.restore_entity(database["guid"])
    follow.step(database)
    follow.step(link)
    one.restore_relationship(link["guid"])
    follow.step(link)
    one.delete_entity(database)
    one.purge_entity(database)
    follow.step(database)
    # 4.2 keeps the relationship of a purged entity, deleted; ours goes with the entity. Nobody can get it from either.
    assert one.relationship_if_active(link["guid"]) is None
    follow.equals(link["guid"], None)


# ---------------------------------------------------------------- other identities, types, homes


def test_a_new_guid_takes_the_place_of_the_old_one(one: EgeriaClient, follow: Follower, pair: tuple[JsonObject, JsonObject]) -> None:
    database, term = pair
    one.classify(database["guid"], "Impact", {"notes": "n"})
    link = one.add_relationship("SemanticAssignment", database["guid"], term["guid"], {"description": "d"})
    follow.step(link)
    moved = one.re_identify_relationship(link, f"{link['guid']}-new")
    follow.step(moved)
    renamed = one.re_identify_entity(database, f"{database['guid']}-new")
    follow.step(renamed)
    follow.step(moved)
    # A member in memory keeps the old ones, soft-deleted and without telling; for ours they are gone. No read gives them.
    assert one.entity_if_active(database["guid"]) is None
    assert one.relationship_if_active(link["guid"]) is None
    follow.equals(database["guid"], None)
    follow.equals(link["guid"], None)
    one.update_entity(renamed["guid"], {"qualifiedName": "renamed"})
    follow.step(renamed)
    one.delete_entity(renamed)
    follow.step(renamed)
    follow.step(moved)


def test_another_type(one: EgeriaClient, follow: Follower, pair: tuple[JsonObject, JsonObject]) -> None:
    database, term = pair
    other = one.add_entity("GlossaryTerm", {"qualifiedName": "re-typed::other"})
    link = one.add_relationship("RelatedTerm", term["guid"], other["guid"], {"description": "d"})
    follow.step(link)
    one.re_type_relationship(link, "Synonym")
    follow.step(link)
    follow.same(database)
    answered = one.re_type_entity(database, "DataStore")
    follow.equals(database["guid"], answered)
    # 4.2 in memory announces the re-type of an entity and forgets it; its next change has the same version. A delete is heard all the same.
    assert one.entity(database["guid"])["version"] == answered["version"] - 1
    one.delete_entity(database)
    follow.same(database)


def test_an_external_source_and_its_replicator(trio: Trio, one: EgeriaClient, follow: Follower, pair: tuple[JsonObject, JsonObject]) -> None:
    external = one.add_external_entity("Database", {"qualifiedName": "external::db"}, source_id="external-1", source_name="External")
    follow.step(external)
    assert copy_of(trio.ours, external["guid"])["replicatedBy"] == trio.one.collection_id
    link = one.add_external_relationship(
        "SemanticAssignment", external["guid"], pair[1]["guid"], {"description": "d"}, source_id="external-1", source_name="External"
    )
    follow.step(link)


def test_another_home(trio: Trio, one: EgeriaClient, two: EgeriaClient, pair: tuple[JsonObject, JsonObject]) -> None:
    database, _ = pair
    _known(two, database["guid"])
    follow = Follower(trio.ours, two)
    follow.step(database)
    two.re_home_entity(database, trio.two.collection_id, trio.two.name)
    follow.step(database)
    assert copy_of(trio.ours, database["guid"])["metadataCollectionId"] == trio.two.collection_id
    two.update_entity(database["guid"], {"qualifiedName": "re-homed"})
    follow.step(database)

    def same_at_the_old_home() -> bool:
        return not differences(one.entity(database["guid"]), two.entity(database["guid"]))

    eventually(same_at_the_old_home, timeout=5, what="the old home has what the new one has")


# ---------------------------------------------------------------- what is ours


def test_an_entity_of_ours_is_classified_by_others(trio: Trio, one: EgeriaClient, two: EgeriaClient, our_table: str) -> None:
    table = one.entity(our_table)
    first, second = Follower(trio.ours, one), Follower(trio.ours, two)
    first.step(table)
    one.classify(our_table, "Confidentiality", {"notes": "patients", "confidence": 90})
    first.step(table)
    one.reclassify(our_table, "Confidentiality", {"notes": "nobody"})
    first.step(table)
    eventually(lambda: not differences(one.entity(our_table), two.entity(our_table)), timeout=5, what="the second member has it too")
    second.step(table)
    two.classify(our_table, "Impact", {"notes": "two"})
    second.step(table)
    eventually(lambda: not differences(one.entity(our_table), two.entity(our_table)), timeout=5, what="the first member has it too")
    first.step(table)
    changed = one.classify_proxy(proxy(one.entity(our_table)), "Memento", {"archiveUser": "erin"})
    first.step(table)
    assert changed["metadataCollectionId"] == trio.one.collection_id
    # 4.2 announces the version of its answer and stores the one after it.
    answered = one.reclassify_proxy(proxy(one.entity(our_table)), "Memento", {"archiveUser": "tom"})
    theirs = one.entity(our_table)
    first.equals(our_table, theirs | {"classifications": [answered if each["name"] == "Memento" else each for each in theirs["classifications"]]})
    one.declassify_proxy(proxy(one.entity(our_table)), "Memento")
    first.step(table)
    one.declassify(our_table, "Confidentiality")
    first.step(table)
    homes = {each["name"]: each["metadataCollectionId"] for each in trio.ours.instance(our_table)["classifications"]}
    assert homes.pop("Impact") == trio.two.collection_id
    assert set(homes.values()) == {trio.ours.collection_id}


def test_our_own_changes_keep_what_others_have_said(trio: Trio, one: EgeriaClient, our_table: str, request: pytest.FixtureRequest) -> None:
    column = _columns(trio, our_table)[0]
    _known(one, column)
    one.classify(column, "Confidentiality", {"notes": "theirs"})
    follow = Follower(trio.ours, one)
    follow.step(one.entity(column))
    trio.shop.alter(request.node.name, columns=("id", "another"))

    def followed() -> bool:
        columns = [guid for guid in _columns(trio, our_table) if plain(trio.ours.instance(guid)["properties"])["displayName"] in ("id", "another")]
        assert len(columns) == 2
        assert columns[0] == column
        for guid in columns:
            assert differences(trio.ours.instance(guid), one.entity_if_active(guid)) == []
        return True

    eventually(followed, timeout=10, what="the altered table is the same here and at the Java member")
    assert "Confidentiality" in {each["name"] for each in trio.ours.instance(column)["classifications"]}


def _columns(trio: Trio, table: str) -> list[str]:
    """The columns of a table of ours, in their order."""
    homed = trio.ours.homed().values()
    links = [each for each in homed if each["type"]["typeDefName"] == "NestedSchemaAttribute" and each["entityOneProxy"]["guid"] == table]
    columns = [trio.ours.instance(each["entityTwoProxy"]["guid"]) for each in links]
    return [each["guid"] for each in sorted((each for each in columns if each), key=lambda each: plain(each["properties"])["position"])]


def test_nobody_changes_or_deletes_what_is_ours(trio: Trio, one: EgeriaClient, two: EgeriaClient, our_table: str) -> None:
    """Re-homing an instance of ours to itself is the one thing that a Java member can do to it; ours stays the home."""
    before = trio.ours.instance(our_table)
    table = one.entity(our_table)
    taken = one.re_home_entity(table, trio.one.collection_id, trio.one.name)
    assert taken["version"] == table["version"] + 1
    marker = one.add_entity("GlossaryTerm", {"qualifiedName": "re-home::marker"})
    eventually(lambda: trio.ours.instance(marker["guid"]), timeout=5, what="ours has read the event after it")
    assert differences(before, trio.ours.instance(our_table)) == []


# ---------------------------------------------------------------- and nothing else


def test_nothing_of_it_was_refused(trio: Trio) -> None:
    eventually(trio.caught_up, timeout=10, what="ours has read everything")
    status = trio.ours.command("status")
    assert trio.ours.command("dlq", "list") == []
    assert (status["deadLetters"], status["parked"]) == (0, 0)
    assert status["attention"] == []


def test_the_java_members_have_no_complaint(trio: Trio) -> None:
    assert trio.one.complaints() == []
