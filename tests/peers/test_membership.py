"""Membership among real servers: registering, coming back, leaving, asking each other, and agreeing in the end."""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .compare import assert_same, differences
from .following import copy_of
from .hand import HandMember
from .homes import with_ends_of_today
from .member import OurMember
from .omrs_json import JsonObject
from .rest import EgeriaClient
from .trio import COHORT, Trio
from .waiting import eventually

_SOON = 5.0
"""Within so many seconds of both being ready, each lists the other."""
_GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def guest(trio: Trio) -> Iterator[OurMember]:
    """One more member of ours that nobody knows, not started."""
    member = trio.newcomer(f"guest-{uuid.uuid4().hex[:6]}")
    yield member
    member.stop()


def _listed_by_java(java: EgeriaClient) -> dict[str, JsonObject]:
    return {member["metadataCollectionId"]: member for member in java.remote_members(COHORT)}


def _listed_by_ours(ours: OurMember) -> dict[str, JsonObject]:
    return {member["metadataCollectionId"]: member for member in ours.command("members", "list")}


def _all_list(trio: Trio, who: OurMember, java: dict[str, EgeriaClient]) -> None:
    """Every member lists this one, and it lists every member, under their names."""

    def mutual() -> bool:
        for client in java.values():
            assert _listed_by_java(client)[who.collection_id]["serverName"] == who.name
        if who is not trio.ours:
            assert who.collection_id in _listed_by_ours(trio.ours)
        others = {name: collection for name, collection in trio.ids.items() if name != who.name}
        seen = {member["serverName"]: collection for collection, member in _listed_by_ours(who).items()}
        assert seen.items() >= others.items()
        return True

    eventually(_told(mutual), timeout=_SOON, what=f"{who.name} and the others list each other")


def _told(look: Callable[[], bool]) -> Callable[[], bool]:
    """`look`, where a member that is not listed is no error but "not yet"."""

    def looked() -> bool:
        try:
            return look()
        except KeyError as missing:
            raise AssertionError(f"not listed: {missing}") from None

    return looked


def _registrations(trio: Trio, member: str) -> list[str]:
    """The kinds of registration events that this member has sent, in their order. A request to the others names no metadata collection."""
    return [event["registryEventSection"]["registryEventType"] for event in trio.events("registration", of=member)]


# ---------------------------------------------------------------- coming


def test_a_newcomer_and_the_others_list_each_other_within_five_seconds(trio: Trio, guest: OurMember, one: EgeriaClient, two: EgeriaClient) -> None:
    guest.start()
    _all_list(trio, guest, {"one": one, "two": two})
    assert _registrations(trio, guest.collection_id) == ["REGISTRATION_EVENT"]
    mine = _listed_by_java(one)[guest.collection_id]
    assert (mine["metadataCollectionName"], mine["serverType"]) == (guest.name, "Repository Proxy")
    theirs = guest.command("members", "show", trio.one.name)
    assert theirs["connection"]["endpoint"]["address"].endswith(f"/servers/{trio.one.name}")
    assert (theirs["metadataCollectionId"], theirs["organizationName"], theirs["problem"]) == (trio.one.collection_id, "peers", None)


def test_ours_comes_back_as_the_one_that_it_was(trio: Trio, one: EgeriaClient, two: EgeriaClient) -> None:
    since = _listed_by_java(one)[trio.ours.collection_id]["registrationTime"]
    before = _registrations(trio, trio.ours.collection_id)
    trio.ours.kill()
    trio.ours.start()
    _all_list(trio, trio.ours, {"one": one, "two": two})

    def announced() -> bool:
        assert _registrations(trio, trio.ours.collection_id)[len(before) :][:1] == ["RE_REGISTRATION_EVENT"]
        return True

    eventually(announced, timeout=_SOON, what="ours has registered again")
    assert _listed_by_java(one)[trio.ours.collection_id]["registrationTime"] == since


def test_a_java_member_comes_back_and_asks_for_what_it_has_forgotten(trio: Trio) -> None:
    trio.shop.create("remembered")
    table = eventually(lambda: _tables(trio, "remembered"), timeout=10, what="the table is a home instance of ours")[0]
    with trio.two.client() as two:
        eventually(lambda: two.entity_if_active(table["guid"]), timeout=10, what="the Java member has our table")
    heard = _listed_by_ours(trio.ours)[trio.two.collection_id]["lastSeen"]
    before = _registrations(trio, trio.two.collection_id)
    trio.two.stop()
    trio.two.start()
    with trio.two.client() as two:

        def listed() -> bool:
            assert _listed_by_ours(trio.ours)[trio.two.collection_id]["lastSeen"] > heard
            assert trio.knows_ours(trio.two)
            assert trio.ours.collection_id in _listed_by_java(two)
            return True

        eventually(_told(listed), timeout=_SOON, what="ours has heard of it again, and it of ours")
        assert _registrations(trio, trio.two.collection_id)[len(before) :][:1] == ["RE_REGISTRATION_EVENT"]

        assert two.entity_if_known(table["guid"]) is None, "a member in memory has forgotten its copies"
        two.refresh_entity_copy(table)
        again = eventually(lambda: two.entity_if_active(table["guid"]), timeout=_SOON, what="ours has answered the request with the table")
        assert differences(trio.ours.instance(table["guid"]), again) == []


# ---------------------------------------------------------------- leaving


def test_leaving_by_command_and_coming_again(trio: Trio, guest: OurMember, one: EgeriaClient, two: EgeriaClient) -> None:
    guest.start()
    _all_list(trio, guest, {"one": one, "two": two})
    guest.command("unregister")
    assert guest.process.wait_for_end(timeout=25.0) == 0, guest.process.describe("did not leave in good order")

    def gone() -> bool:
        assert guest.collection_id not in _listed_by_java(one).keys() | _listed_by_java(two).keys() | _listed_by_ours(trio.ours).keys()
        return True

    eventually(gone, timeout=_SOON, what="nobody lists it any more")
    assert _registrations(trio, guest.collection_id)[-1] == "UN_REGISTRATION_EVENT"
    assert guest.command("members", "list") == []
    guest.start()
    _all_list(trio, guest, {"one": one, "two": two})
    # An answer to somebody's request may stand between; what counts is that it came as one that nobody knew.
    assert "REGISTRATION_EVENT" in _registrations(trio, guest.collection_id)[2:]


def test_a_java_member_leaves_and_comes_again(trio: Trio, two: EgeriaClient) -> None:
    known = trio.ours.homed(trio.two.collection_id)
    two.unregister(COHORT)
    eventually(lambda: trio.two.collection_id not in _listed_by_ours(trio.ours), timeout=_SOON, what="ours does not list it any more")
    assert trio.ours.homed(trio.two.collection_id) == known, "its copies stay"
    two.connect(COHORT)

    def mutual() -> bool:
        assert trio.two.collection_id in _listed_by_ours(trio.ours)
        assert trio.ours.collection_id in _listed_by_java(two)
        return True

    eventually(mutual, timeout=_SOON, what="each lists the other again")


# ---------------------------------------------------------------- asking


def test_each_answers_when_the_other_asks_for_an_instance(trio: Trio, one: EgeriaClient) -> None:
    trio.shop.create("asked_for")
    ours = eventually(lambda: _tables(trio, "asked_for"), timeout=10, what="the table is a home instance of ours")[0]
    eventually(lambda: one.entity_if_active(ours["guid"]), timeout=10, what="the Java member has our table")
    theirs = one.add_entity("Database", {"qualifiedName": "asked::for"})
    eventually(lambda: trio.ours.instance(theirs["guid"]), timeout=_SOON, what="ours has the Java member's database")
    before = len(trio.events("instances"))

    one.refresh_entity_copy(one.entity(ours["guid"]))
    answer = eventually(lambda: _answers(trio, before, ours["guid"]), timeout=_SOON, what="ours answers")[0]
    assert answer["originator"]["metadataCollectionId"] == trio.ours.collection_id
    assert differences(trio.ours.instance(ours["guid"]), answer["instanceEventSection"]["entity"]) == []

    done = trio.ours.command("refresh", "--instances", "--member", trio.one.name, "--wait", "20")
    assert done["state"] == "done"
    answer = eventually(lambda: _answers(trio, before, theirs["guid"]), timeout=_SOON, what="the Java member answers")[0]
    assert answer["originator"]["metadataCollectionId"] == trio.one.collection_id
    eventually(trio.caught_up, timeout=10, what="ours has read the answers")
    assert differences(copy_of(trio.ours, theirs["guid"]), one.entity(theirs["guid"])) == []
    assert trio.ours.command("dlq", "list") == []


def _answers(trio: Trio, since: int, guid: str) -> list[JsonObject]:
    sections = [(event, event["instanceEventSection"]) for event in trio.events("instances")[since:]]
    return [event for event, section in sections if section["eventType"] == "REFRESHED_ENTITY_EVENT" and section["instanceGUID"] == guid]


def _tables(trio: Trio, name: str) -> list[JsonObject]:
    """Our home instance of a table, if it is there."""
    tables = [each for each in trio.ours.homed().values() if each["type"]["typeDefName"] == "RelationalTable"]
    return [each for each in tables if each["properties"]["instanceProperties"]["displayName"]["primitiveValue"] == name]


# ---------------------------------------------------------------- our connection


def test_a_connection_that_a_4_2_member_cannot_use_and_what_to_set(trio: Trio, one: EgeriaClient) -> None:
    guest = _connected(trio, "virtual")
    identity = guest.collection_id
    try:
        problem = eventually(lambda: _problem(guest, trio.one.name), timeout=_SOON, what="the Java member's complaint is shown")
        assert problem.startswith("cannot use our connection: OMRS-CONNECTOR-400-004 ")
        assert "Set registration.connection = 'plain'" in problem
        assert f"{trio.one.name} reports an error of registration about this member" in guest.process.output()
        assert "Set registration.connection = 'plain'" in guest.process.output()
        assert _listed_by_java(one)[identity]["serverName"] == guest.name, "it is listed all the same"
        guest.stop()

        guest = _connected(trio, "plain")
        used = f"A new remote connector from server {guest.name} with metadata collection id {identity} has been deployed"
        eventually(lambda: used in trio.one.process.output(), timeout=_SOON, what="the Java member uses the plain connection")
        assert _problem(guest, trio.one.name) is None
        endpoint = trio.events("registration", of=identity)[-1]["registryEventSection"]["remoteConnection"]["endpoint"]
        assert endpoint["address"] == endpoint["networkAddress"] == f"{guest.url}/servers/{guest.name}"
        assert _listed_by_java(one)[identity]["repositoryConnection"]["endpoint"]["address"] == endpoint["address"]
        _complaint_of_a_6_1_member(trio, guest)
    finally:
        guest.stop()


def _connected(trio: Trio, connection: str) -> OurMember:
    """A member of ours that has registered with this kind of connection."""
    name = "callable"
    guest = trio.newcomer(name)
    more = f'[registration]\nconnection = "{connection}"\naddress = "{guest.url}/servers/{name}"\n'
    guest.config.write_text(guest.config.read_text(encoding="utf-8") + more, encoding="utf-8")
    guest.start()
    eventually(lambda: trio.one.collection_id in _listed_by_ours(guest), timeout=_SOON, what="it lists the Java member")
    return guest


def _problem(guest: OurMember, name: str) -> str | None:
    problem: str | None = guest.command("members", "show", name)["problem"]
    return problem


def _complaint_of_a_6_1_member(trio: Trio, guest: OurMember) -> None:
    """As Egeria 6.1 writes it: with the code of another error, and no use for a plain connection."""
    hand = HandMember(trio.kafka, COHORT, "six")
    hand.register()
    golden = json.loads((_GOLDEN / "events" / "registry_error_bad_remote_connection.json").read_text(encoding="utf-8"))
    error = golden["errorSection"] | {"targetMetadataCollectionId": guest.collection_id}
    hand.send("REGISTRY", golden["registryEventSection"], errorSection=error, protocolVersionId="OMRS V2.0")
    shown = eventually(_told(lambda: _listed_by_ours(guest)[hand.collection_id]["problem"]), timeout=_SOON, what="its complaint is shown")
    assert "Set registration.connection = 'virtual'" in shown
    hand.unregister()


# ---------------------------------------------------------------- agreeing


def test_two_java_members_and_ours_agree_in_the_end(trio: Trio, one: EgeriaClient, two: EgeriaClient, seed_of_run: int) -> None:
    before = trio.ours.homed().keys()
    made = _changes(trio, (one, two), random.Random(seed_of_run))
    eventually(trio.caught_up, timeout=20, what="ours has read and sent everything")
    mine = {guid: each for guid, each in with_ends_of_today(trio.ours.homed()).items() if guid not in before}
    assert mine

    def agreed() -> bool:
        for client in (one, two):
            theirs = {guid: _known(client, kind, guid) for guid, kind in made.items()}
            ours = {guid: copy_of(trio.ours, guid) for guid in theirs}
            assert_same(_there(ours), _there(theirs))
            assert_same(mine, _there({guid: _known(client, each["class"], guid) for guid, each in mine.items()}))
        return True

    eventually(agreed, timeout=20, interval=0.5, what="all three have the same of each home")


def _changes(trio: Trio, java: tuple[EgeriaClient, ...], rng: random.Random) -> dict[str, str]:
    """Sixty changes of all three members, mixed; answers with the kind of every instance of the Java members, by GUID."""
    prefix = f"agree::{rng.random()}"
    databases: dict[EgeriaClient, list[JsonObject]] = {client: [] for client in java}
    links: dict[str, tuple[EgeriaClient, JsonObject]] = {}
    made: dict[str, str] = {}
    tables = 0
    for number in range(60):
        client = rng.choice(java)
        owned = databases[client]
        match rng.choice(("add", "add", "update", "classify", "link", "unlink", "delete", "table")):
            case "update" if owned:
                entity = rng.choice(owned)
                client.update_entity(entity["guid"], {"qualifiedName": f"{prefix}::{entity['guid']}", "name": f"{number}"})
            case "classify" if owned:
                guid = rng.choice(owned)["guid"]
                has = {each["name"] for each in client.entity(guid).get("classifications") or ()}
                if "Impact" in has:
                    client.declassify(guid, "Impact")
                else:
                    client.classify(guid, "Impact", {"notes": f"{number}"})
            case "link" if len(owned) > 1:
                end1, end2 = rng.sample(owned, 2)
                link = client.add_relationship("LineageMapping", end1["guid"], end2["guid"], {"description": f"{number}"})
                links[link["guid"]] = (client, link)
                made[link["guid"]] = "Relationship"
            case "unlink" if links:
                owner, link = links.pop(rng.choice(sorted(links)))
                owner.delete_relationship(link)
            case "delete" if owned:
                entity = owned.pop(rng.randrange(len(owned)))
                for guid, (owner, link) in list(links.items()):
                    if entity["guid"] in (link["entityOneProxy"]["guid"], link["entityTwoProxy"]["guid"]):
                        owner.delete_relationship(link)
                        del links[guid]
                client.delete_entity(entity)
            case "table":
                tables += 1
                trio.shop.create(f"agree{tables}")
                if tables % 2:
                    trio.shop.alter(f"agree{tables}", columns=("id", "name", "more"))
            case _:
                entity = client.add_entity("Database", {"qualifiedName": f"{prefix}::{number}", "name": f"{number}"})
                owned.append(entity)
                made[entity["guid"]] = "EntityDetail"
    trio.shop.create("agree_last")
    return made


def _known(client: EgeriaClient, kind: str, guid: str) -> JsonObject | None:
    return client.relationship_if_known(guid) if kind == "Relationship" else client.entity_if_known(guid)


def _there(instances: dict[str, JsonObject | None]) -> dict[str, JsonObject]:
    return {guid: each for guid, each in instances.items() if each is not None}
