"""Our worker, an Egeria 4.2 member and Apache Kafka 4.1 in one cohort, fed with the samples of a retail warehouse.

Each lists the other; the Java member's REST API shows every one of our home instances; our copies follow the Java member's.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .compare import assert_same, differences
from .conftest import COHORT
from .egeria import EgeriaMember
from .homes import homed_at, with_ends_of_today
from .kafka import KafkaBroker
from .member import OurMember
from .records import SAMPLES, sample_records
from .rest import EgeriaClient
from .waiting import eventually

_FILE = "debezium-schema-changes.jsonl"
_EXPECTED = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))
_SAMPLES = list(sample_records(SAMPLES / _FILE))
_TOPICS = sorted({record.topic for record in _SAMPLES})


@pytest.fixture(scope="module")
def ours(peers_directory: Path, kafka: KafkaBroker, egeria: EgeriaMember) -> Iterator[OurMember]:
    """Our member of the same cohort, ready; its source topics are there and empty."""
    for topic in _TOPICS:
        kafka.create_topic(topic)
    member = OurMember(
        peers_directory / "retail-proxy",
        name="retail-proxy",
        collection_id=_EXPECTED["metadataCollectionId"],
        cohort=COHORT,
        kafka=kafka.bootstrap,
        sources=[("warehouse", "debezium", _TOPICS)],
    )
    member.start()
    yield member
    member.stop()
    assert member.process.exit_code == 0, member.process.describe("did not stop in good order")


@pytest.fixture(scope="module")
def fed(ours: OurMember, kafka: KafkaBroker) -> OurMember:
    """Our member when it has worked off the samples and sent everything."""
    kafka.produce(_SAMPLES)
    eventually(lambda: _worked_off(ours), timeout=30, what="every sample is read and every event is sent")
    return ours


def _worked_off(ours: OurMember) -> bool:
    status = ours.command("status")
    read = {at["topic"]: at for at in status["positions"] if at["topic"] in _TOPICS}
    assert read.keys() == set(_TOPICS)
    assert all(at["lag"] == 0 for at in read.values())
    assert sum(at["nextOffset"] for at in read.values()) == len(_SAMPLES)
    assert status["outbox"] == 0
    return True


def test_each_lists_the_other_within_five_seconds(ours: OurMember, egeria: EgeriaMember, java: EgeriaClient) -> None:
    def listed() -> bool:
        theirs = {member["metadataCollectionId"]: member for member in java.remote_members(COHORT)}
        seen = {member["metadataCollectionId"]: member for member in ours.command("members", "list")}
        assert theirs.keys() == {ours.collection_id}
        assert seen.keys() == {egeria.collection_id}
        assert theirs[ours.collection_id]["serverName"] == ours.name
        assert seen[egeria.collection_id]["serverName"] == egeria.name
        return True

    eventually(listed, timeout=5, what="each lists the other")


def test_java_shows_every_home_instance_of_ours(fed: OurMember, java: EgeriaClient) -> None:
    ours = fed.homed()
    kinds = [instance["class"] for instance in ours.values()]
    file = _EXPECTED["files"][_FILE]
    assert kinds.count("EntityDetail") == sum(file["entities"].values())
    assert kinds.count("Relationship") == sum(file["relationships"].values())

    said = with_ends_of_today(ours)

    def shown() -> bool:
        assert_same(said, homed_at(fed.collection_id, java))
        return True

    eventually(shown, timeout=20, interval=0.5, what="the Java member has copies that equal ours")
    for guid, instance in said.items():
        theirs = java.relationship(guid) if instance["class"] == "Relationship" else java.entity(guid)
        assert differences(instance, theirs) == []


def test_our_copy_follows_a_java_entity(fed: OurMember, java: EgeriaClient) -> None:
    first = {"qualifiedName": "coco::orders", "name": "Bestellungen £€", "additionalProperties": {"owner": "sales"}}
    created = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
    entity = java.add_entity("Database", first)
    guid = entity["guid"]
    _follows(fed, java, guid)
    java.update_entity(guid, first | {"storeCreateTime": created, "zoneMembership": ["quarantine", "europe"]})
    _follows(fed, java, guid)
    java.classify(guid, "Confidentiality", {"notes": "internal", "confidence": 80})
    _follows(fed, java, guid)
    java.reclassify(guid, "Confidentiality", {"notes": "public", "confidence": 100})
    _follows(fed, java, guid)
    java.declassify(guid, "Confidentiality")
    _follows(fed, java, guid)
    java.delete_entity(entity)
    _follows(fed, java, guid)
    java.purge_entity(entity)
    _follows(fed, java, guid)
    assert fed.instance(guid) is None


def test_only_the_broken_samples_are_dead_letters(fed: OurMember) -> None:
    letters = fed.command("dlq", "list")
    outcomes = _EXPECTED["files"][_FILE]["outcomes"]
    assert len(letters) == outcomes["malformed"], letters
    assert {letter["flow"] for letter in letters} == {"warehouse"}


def test_the_java_member_has_no_complaint(fed: OurMember, egeria: EgeriaMember) -> None:
    assert egeria.complaints() == []


def _follows(ours: OurMember, java: EgeriaClient, guid: str) -> None:
    theirs = java.entity_if_known(guid)

    def same() -> bool:
        assert differences(ours.instance(guid), theirs) == []
        return True

    eventually(same, timeout=5, what=f"our copy of {guid} equals the Java member's")
