"""The peers without us: what a released Egeria 4.2 member does with the events of a member that is played by hand.

It keeps the harness honest: every scenario with our own member rests on these clients, waits and comparisons.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .compare import assert_same, by_guid, differences
from .egeria import EgeriaMember, cohort_topic
from .hand import HandMember, proxy
from .jars import Jars
from .kafka import KafkaBroker
from .omrs_json import JsonObject, plain
from .records import Record
from .rest import EgeriaClient, EgeriaError
from .waiting import eventually

COHORT = "alone"


@pytest.fixture(scope="module")
def member(peers_directory: Path, peer_jars: tuple[Jars, Jars], kafka: KafkaBroker) -> Iterator[EgeriaMember]:
    """A member of a cohort of its own, so that what is played here is in no other scenario."""
    member = EgeriaMember(peers_directory / "alone", peer_jars[1], name="alone", cohort=COHORT, kafka=kafka.bootstrap)
    member.start()
    yield member
    member.stop()


@pytest.fixture
def client(member: EgeriaMember) -> Iterator[EgeriaClient]:
    with member.client() as client:
        yield client


@pytest.fixture
def hand(kafka: KafkaBroker, client: EgeriaClient) -> Iterator[HandMember]:
    """A registered member, played by hand; it unregisters at the end."""
    hand = HandMember(kafka, COHORT, "hand")
    hand.register()
    eventually(lambda: _listed(client, hand), timeout=5, what="the Java member lists the one played by hand")
    yield hand
    hand.unregister()
    eventually(lambda: not _listed(client, hand), timeout=5, what="the Java member has dropped it")


def _listed(client: EgeriaClient, hand: HandMember) -> bool:
    return hand.collection_id in {member["metadataCollectionId"] for member in client.remote_members(COHORT)}


def _graph(client: EgeriaClient, hand: HandMember) -> tuple[JsonObject, JsonObject, JsonObject]:
    marked = hand.classification(client.type_def("Confidentiality"), {"notes": "by hand", "confidence": 3})
    database = hand.entity(
        client.type_def("Database"),
        {"qualifiedName": "hand::db", "name": "Bücher", "additionalProperties": {"a": "b"}},
        classifications=[marked],
    )
    term = hand.entity(client.type_def("GlossaryTerm"), {"qualifiedName": "hand::term"})
    link = hand.relationship(client.type_def("SemanticAssignment"), database, term, {"description": "by hand"})
    return database, term, link


def test_copies_equal_what_was_sent_and_follow_the_versions(client: EgeriaClient, hand: HandMember) -> None:
    database, term, link = _graph(client, hand)
    hand.announce("NEW_ENTITY_EVENT", database, term)
    hand.announce("NEW_RELATIONSHIP_EVENT", link)
    eventually(lambda: client.relationship_if_active(link["guid"]), timeout=10, what="the relationship is a copy")
    copies = by_guid([client.entity(database["guid"]), client.entity(term["guid"]), client.relationship(link["guid"])])
    assert_same(by_guid([database, term, link]), copies)

    newer = hand.entity(client.type_def("Database"), {"qualifiedName": "hand::db"}, guid=database["guid"], version=3)
    newer |= {"createTime": database["createTime"], "updatedBy": "hand", "updateTime": database["createTime"] + 5}
    older = newer | {"version": 2, "updatedBy": "an old backup"}
    hand.announce("UPDATED_ENTITY_EVENT", newer, older)
    marker = hand.entity(client.type_def("GlossaryTerm"), {"qualifiedName": "hand::marker"})
    hand.announce("NEW_ENTITY_EVENT", marker)
    eventually(lambda: client.entity_if_active(marker["guid"]), timeout=10, what="the event after both is applied")
    assert differences(newer, client.entity(database["guid"])) == []

    gone = newer | {"version": 4, "status": "DELETED", "statusOnDelete": "ACTIVE"}
    hand.announce("DELETED_ENTITY_EVENT", gone)
    eventually(lambda: not client.entity_if_active(database["guid"]), timeout=10, what="the copy is deleted")


def test_a_copy_is_not_the_java_members_to_change_but_to_classify(client: EgeriaClient, hand: HandMember) -> None:
    database, term, _ = _graph(client, hand)
    hand.announce("NEW_ENTITY_EVENT", database, term)
    eventually(lambda: client.entity_if_active(term["guid"]), timeout=10, what="the copies are there")
    with pytest.raises(EgeriaError) as refused:
        client.update_entity(database["guid"], {"qualifiedName": "mine"})
    assert (refused.value.code, refused.value.message_id) == (503, "OMRS-LOCAL-REPOSITORY-503-009")

    client.classify(term["guid"], "Confidentiality", {"notes": "theirs"})
    changed = client.classify_proxy(proxy(database), "Memento", {"archiveUser": "theirs"})
    assert changed["metadataCollectionId"] == client.metadata_collection_id()
    changed = client.reclassify_proxy(proxy(client.entity(database["guid"])), "Memento", {"archiveUser": "again"})
    assert (changed["version"], plain(changed["properties"])) == (2, {"archiveUser": "again"})
    client.declassify_proxy(proxy(client.entity(database["guid"])), "Memento")
    assert [one["name"] for one in client.entity(database["guid"])["classifications"]] == ["Confidentiality"]
    assert plain(client.enterprise.entity(term["guid"])["classifications"][0]["properties"]) == {"notes": "theirs"}
    assert client.re_home_entity(term, client.metadata_collection_id(), "alone")["version"] == 2


def test_a_java_member_changes_what_is_its_own(client: EgeriaClient, kafka: KafkaBroker) -> None:
    database = client.add_entity("Database", {"qualifiedName": "own::db", "name": "one"})
    guid = database["guid"]
    before = datetime.now(UTC)
    assert plain(client.update_entity(guid, {"qualifiedName": "own::db", "name": "two"})["properties"])["name"] == "two"
    assert plain(client.entity(guid, as_of=before)["properties"])["name"] == "one"
    assert [entity["version"] for entity in client.entity_history(guid)] == [2, 1]
    undone = client.undo_entity(guid)
    assert (undone["version"], plain(undone["properties"])["name"]) == (3, "one")
    client.classify(guid, "Impact", {"notes": "x"})
    client.reclassify(guid, "Impact", {"notes": "y"})
    assert [one["guid"] for one in client.find_entities_by_classification("Impact")] == [guid]
    # A classification has versions of its own: the entity's stays.
    assert client.declassify(guid, "Impact")["version"] == 3

    controlled = client.add_entity("ControlledGlossaryTerm", {"qualifiedName": "own::term"}, status="PROPOSED")
    assert client.set_entity_status(controlled["guid"], "APPROVED")["status"] == "APPROVED"
    link = client.add_relationship("SemanticAssignment", guid, controlled["guid"], {"description": "d"})
    first_link = link["guid"]
    client.update_relationship(first_link, {"confidence": 5})
    assert [one["version"] for one in client.relationship_history(first_link)] == [2, 1]
    assert plain(client.undo_relationship(first_link)["properties"]) == {"description": "d"}
    assert [one["guid"] for one in client.relationships_of(guid, type_name="SemanticAssignment")] == [first_link]
    link = client.re_identify_relationship(link, "own-link-2")
    client.delete_relationship(link)
    assert client.relationship_if_known(link["guid"])["status"] == "DELETED"
    assert client.relationship_if_active(link["guid"]) is None
    client.restore_relationship(link["guid"])
    assert link["guid"] in by_guid(client.find_relationships(type_name="SemanticAssignment"))
    client.delete_relationship(link)
    client.purge_relationship(link)
    assert client.relationship_if_known(link["guid"]) is None

    named = client.find_entities_by_property({"qualifiedName": "own::db"}, type_name="Database")
    assert [one["guid"] for one in named] == [guid]
    assert [one["guid"] for one in client.find_entities_by_property_value("own::d.")] == [guid]
    database = client.re_identify_entity(database, "own-database-2")
    database = client.re_type_entity(database, "DataStore")
    with pytest.raises(EgeriaError) as refused:
        client.purge_entity(database)
    assert refused.value.message_id == "OMRS-REPOSITORY-400-046"
    client.delete_entity(database)
    client.restore_entity(database["guid"])
    client.delete_entity(database)
    client.purge_entity(database)
    assert client.entity_if_known(database["guid"]) is None

    external = client.add_external_entity("Database", {"qualifiedName": "own::ext"}, source_id="source-1", source_name="source")
    assert (external["instanceProvenanceType"], external["metadataCollectionId"]) == ("EXTERNAL_SOURCE", "source-1")
    assert external["replicatedBy"] == client.metadata_collection_id()

    own = {guid, database["guid"], controlled["guid"], first_link, link["guid"], external["guid"]}

    def told() -> bool:
        assert _kinds(kafka.read(cohort_topic(COHORT, "instances")), own) == _EXPECTED
        return True

    eventually(told, timeout=10, what="the cohort hears of everything that was done")


_EXPECTED = Counter(
    {
        "NEW_ENTITY_EVENT": 3,
        "UPDATED_ENTITY_EVENT": 2,
        "UNDONE_ENTITY_EVENT": 1,
        "CLASSIFIED_ENTITY_EVENT": 1,
        "RECLASSIFIED_ENTITY_EVENT": 1,
        "DECLASSIFIED_ENTITY_EVENT": 1,
        "RE_IDENTIFIED_ENTITY_EVENT": 1,
        "RETYPED_ENTITY_EVENT": 1,
        "DELETED_ENTITY_EVENT": 2,
        "RESTORED_ENTITY_EVENT": 1,
        "PURGED_ENTITY_EVENT": 1,
        "NEW_RELATIONSHIP_EVENT": 1,
        "UPDATED_RELATIONSHIP_EVENT": 1,
        "UNDONE_RELATIONSHIP_EVENT": 1,
        "RE_IDENTIFIED_RELATIONSHIP_EVENT": 1,
        "DELETED_RELATIONSHIP_EVENT": 2,
        "RESTORED_RELATIONSHIP_EVENT": 1,
        "PURGED_RELATIONSHIP_EVENT": 1,
    }
)


def _kinds(records: list[Record], guids: set[str]) -> Counter[str]:
    sections = [json.loads(record.value or b"")["instanceEventSection"] for record in records]
    return Counter(section["eventType"] for section in sections if section["instanceGUID"] in guids)


def test_a_member_that_was_stopped_comes_back_as_itself_and_empty(member: EgeriaMember, client: EgeriaClient) -> None:
    entity = client.add_entity("Database", {"qualifiedName": "own::lost"})
    member.stop()
    member.start()
    assert client.metadata_collection_id() == member.collection_id
    assert client.entity_if_known(entity["guid"]) is None
    assert client.local_registration(COHORT)["metadataCollectionId"] == member.collection_id
    assert [cohort["connectionStatus"] for cohort in client.cohorts()] == ["CONNECTED"]


def test_a_killed_broker_keeps_its_records_and_its_address(tmp_path: Path, peer_jars: tuple[Jars, Jars]) -> None:
    broker = KafkaBroker(tmp_path / "kafka", peer_jars[0])
    broker.start()
    try:
        broker.create_topic("things")
        broker.create_topic("things")
        sent = [Record("things", b"k", str(number).encode(), (("h", b"1"),)) for number in range(100)]
        sent.append(Record("things", b"k", None))
        broker.produce(sent)
        broker.kill()
        broker.start()
        assert broker.read("things") == sent
        assert broker.topics() == {"things"}
    finally:
        broker.stop()
