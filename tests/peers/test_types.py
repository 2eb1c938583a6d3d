"""Types among members: what a real Egeria member and a member played by hand teach, what is kept, and what is answered."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .compare import assert_same, by_guid
from .following import Follower
from .hand import HandMember
from .make_archive import ARCHIVE_GUID, CUSTOM_ENUM, CUSTOM_TYPE, attribute, custom_enum, custom_type, trial_values
from .member import OurMember
from .omrs_json import JsonObject
from .rest import EgeriaClient
from .trio import COHORT, Trio
from .waiting import eventually

_OPEN_METADATA_TYPES = "bce3b0a0-662a-4f87-b8dc-844078a11a6e"
_TAUGHT = {CUSTOM_TYPE: 1, CUSTOM_ENUM: 1}


@pytest.fixture
def follow(trio: Trio, one: EgeriaClient) -> Follower:
    """Follows the first Egeria member."""
    return Follower(trio.ours, one)


@pytest.fixture
def hand(trio: Trio) -> Iterator[HandMember]:
    """A member played by hand that nobody has heard of before."""
    hand = HandMember(trio.kafka, COHORT, "hand")
    hand.register()
    yield hand
    hand.unregister()


@pytest.fixture
def archived(one: EgeriaClient) -> dict[str, JsonObject]:
    """What the first Egeria member has from its archive."""
    return by_guid(each for each in (*one.find_entities(), *one.find_relationships()) if each["metadataCollectionId"] == ARCHIVE_GUID)


def _of_the_custom_type(instances: dict[str, JsonObject]) -> set[str]:
    return {guid for guid, each in instances.items() if each["type"]["typeDefName"] == CUSTOM_TYPE}


# ---------------------------------------------------------------- learn


def test_a_custom_type_is_learned_and_outlives_a_restart(trio: Trio, one: EgeriaClient, follow: Follower) -> None:
    eventually(lambda: trio.ours.learned_types().items() >= _TAUGHT.items(), timeout=10, what="ours has learned the archive's types")
    trio.ours.stop()
    trio.ours.start()
    assert trio.ours.learned_types().items() >= _TAUGHT.items()
    trial = one.add_entity(CUSTOM_TYPE, trial_values("after the restart", "Efficacy", enrolled=12, sites=["Graz"]))
    follow.step(trial)
    one.update_entity(trial["guid"], trial_values("after the restart", "Approval"))
    follow.step(trial)
    one.delete_entity(trial)
    one.purge_entity(trial)
    follow.step(trial)


def test_who_learns_nothing_lets_the_instances_wait_until_an_archive_brings_the_type(trio: Trio, archived: dict[str, JsonObject]) -> None:
    trials = _of_the_custom_type(archived)
    with _guest(trio, "learns-nothing", learn="none") as deaf:
        assert deaf.learned_types() == {}
        assert deaf.homed(ARCHIVE_GUID).keys() == archived.keys() - trials
        assert deaf.command("status")["parked"] >= len(trials)
        assert deaf.command("dlq", "list") == []
    with _guest(trio, "learns-nothing", learn="none", archives=(trio.archive,)) as deaf:
        eventually(lambda: deaf.homed(ARCHIVE_GUID).keys() == archived.keys(), timeout=10, what="what has waited for the type is here")
        assert_same(deaf.homed(ARCHIVE_GUID), archived)
        assert deaf.command("dlq", "list") == []
        assert deaf.learned_types() == {}


def test_who_learns_custom_types_keeps_the_open_ones_of_its_release(trio: Trio, hand: HandMember, archived: dict[str, JsonObject]) -> None:
    future = _entity_def("FutureReferenceable", "Referenceable", origin=_OPEN_METADATA_TYPES)
    hand.send("TYPEDEF", {"typeDefEventType": "NEW_TYPEDEF_EVENT", "typeDef": future})
    hand.announce("NEW_ENTITY_EVENT", hand.entity(future, {"qualifiedName": "of the future"}))
    with _guest(trio, "learns-custom", learn="custom") as member:
        assert member.learned_types().items() >= _TAUGHT.items()
        assert future["name"] not in member.learned_types()
        assert_same(member.homed(ARCHIVE_GUID), archived)
        assert member.homed(hand.collection_id) == {}
        assert member.command("status")["parked"] == 1
        assert member.command("dlq", "list") == []
    eventually(lambda: trio.ours.homed(hand.collection_id), timeout=5, what="ours, which learns everything, has the instance")
    assert trio.ours.learned_types()[future["name"]] == 1


# ---------------------------------------------------------------- types that come and change


def test_a_type_and_its_instances_may_come_at_once(one: EgeriaClient, follow: Follower) -> None:
    """On two topics: an instance that is read before its type waits for it."""
    one.add_type_def(_entity_def("TrialArm", CUSTOM_TYPE, guid_of_super=custom_type()["guid"]))
    arm = one.add_entity("TrialArm", trial_values("arm one") | {"motto": "je mehr"})
    follow.step(arm)


def test_a_patch_and_its_instances_may_come_at_once(trio: Trio, one: EgeriaClient, follow: Follower) -> None:
    trial = one.add_entity(CUSTOM_TYPE, trial_values("to be sponsored"))
    follow.step(trial)
    version = one.type_def(CUSTOM_TYPE)["version"]
    string = attribute("sponsor", one.type_def("Project")["propertiesDefinition"][0]["attributeType"])
    one.patch_type_def(
        {
            "headerVersion": 1,
            "typeDefGUID": custom_type()["guid"],
            "typeDefName": CUSTOM_TYPE,
            "applyToVersion": version,
            "updateToVersion": version + 1,
            "newVersionName": f"1.{version}",
            "updatedBy": "erin",
            "updateTime": 1_750_000_000_000,
            "propertyDefinitions": [string],
        }
    )
    one.update_entity(trial["guid"], trial_values("to be sponsored", sponsor="Stiftung"))
    follow.step(trial)
    assert trio.ours.learned_types()[CUSTOM_TYPE] == version + 1


# ---------------------------------------------------------------- conflicts


def test_a_conflict_is_answered_as_a_java_member_answers_it(trio: Trio, one: EgeriaClient, hand: HandMember, follow: Follower) -> None:
    before = len(trio.events("types"))
    other_enum = custom_enum() | {"guid": str(uuid.uuid4())}
    other_type = custom_type() | {"guid": str(uuid.uuid4())}
    hand.send("TYPEDEF", {"typeDefEventType": "NEW_ATTRIBUTE_TYPEDEF_EVENT", "attributeTypeDef": other_enum})
    hand.send("TYPEDEF", {"typeDefEventType": "NEW_TYPEDEF_EVENT", "typeDef": other_type})

    def complaints(member: str, code: str) -> list[JsonObject]:
        events = trio.events("types")[before:]
        theirs = [event for event in events if event["originator"]["metadataCollectionId"] == member and "errorSection" in event]
        return [event for event in theirs if event["errorSection"]["errorCode"] == code]

    def answered(member: str, code: str, to: str) -> JsonObject:
        def found() -> list[JsonObject]:
            return [event for event in complaints(member, code) if event["errorSection"]["otherMetadataCollectionId"] == to]

        return eventually(found, timeout=10, what=f"{member} answers with {code}")[0]

    ours = answered(trio.ours.collection_id, "CONFLICTING_ATTRIBUTE_TYPEDEFS", hand.collection_id)
    java = answered(trio.one.collection_id, "CONFLICTING_ATTRIBUTE_TYPEDEFS", hand.collection_id)
    assert ours["errorSection"].pop("errorMessage")
    assert ours["originator"]["serverName"] == trio.ours.name
    apart = ("timestamp", "originator")
    assert {key: value for key, value in ours.items() if key not in apart} == {key: value for key, value in java.items() if key not in apart}
    assert ours["errorSection"]["otherMetadataCollectionId"] == hand.collection_id

    # A Java member says nothing about a type that is active under its name; ours tells who announced the other one.
    ours = answered(trio.ours.collection_id, "CONFLICTING_TYPEDEFS", hand.collection_id)
    assert ours["typeDefEventSection"]["originalTypeDefSummary"]["guid"] == other_type["guid"]
    assert ours["errorSection"]["otherTypeDefSummary"]["guid"] == custom_type()["guid"]
    assert ours["errorSection"]["otherMetadataCollectionId"] == hand.collection_id
    assert complaints(trio.one.collection_id, "CONFLICTING_TYPEDEFS") == []

    log = trio.ours.process.output()
    assert f"{hand.collection_id} announced type {CUSTOM_TYPE} ({other_type['guid']})" in log
    # Once for each who announces it: a Java member that did not know the type has learned it from the hand and announces it in turn.
    told = [each["errorSection"]["otherMetadataCollectionId"] for each in complaints(trio.ours.collection_id, "CONFLICTING_TYPEDEFS")]
    assert told.count(hand.collection_id) == 1
    trial = one.add_entity(CUSTOM_TYPE, trial_values("after the conflict"))
    follow.step(trial)


def test_nothing_of_it_was_refused(trio: Trio) -> None:
    eventually(trio.caught_up, timeout=10, what="ours has read everything")
    assert trio.ours.command("dlq", "list") == []
    assert trio.ours.command("status")["parked"] == 0


# ---------------------------------------------------------------- pieces


@contextmanager
def _guest(trio: Trio, name: str, *, learn: str, archives: tuple[Path, ...] = ()) -> Iterator[OurMember]:
    """One more member of ours, which has read everything that the cohort said."""
    member = trio.newcomer(name, learn=learn, archives=archives)
    member.start()
    try:
        eventually(lambda: trio.caught_up(member), timeout=20, what=f"{name} has read everything")
        yield member
    finally:
        member.stop()


def _entity_def(name: str, super_name: str, *, guid_of_super: str = "a32316b8-dc8c-48c5-b12b-71c1b2a080bf", origin: str = ARCHIVE_GUID) -> JsonObject:
    """An EntityDef with one attribute, under Referenceable unless the GUID of another supertype is given."""
    string = next(each["attributeType"] for each in custom_type()["propertiesDefinition"] if each["attributeName"] == "protocolNumber")
    return custom_type() | {
        "guid": str(uuid.uuid5(uuid.UUID(ARCHIVE_GUID), name)),
        "name": name,
        "superType": {"headerVersion": 1, "guid": guid_of_super, "name": super_name, "status": "ACTIVE_TYPEDEF"},
        "origin": origin,
        "propertiesDefinition": [attribute("motto", string)],
    }
