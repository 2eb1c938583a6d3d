"""What a real Egeria member calls at our address: its enterprise view shows what only we have, and changes it here."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
import pytest

from .compare import assert_same, by_guid, differences
from .egeria import cohort_topic
from .federation import COHORT, OURS, Federation, marked, of_type, value_of
from .following import copy_of
from .hand import proxy
from .omrs_json import JsonObject
from .rest import EgeriaClient, EgeriaError
from .trio import Trio
from .waiting import eventually

# ---------------------------------------------------------------- only we have it


def test_an_instance_that_only_we_have_is_read_at_our_address(federation: Federation) -> None:
    table = federation.entity("RelationalTable", "orders")
    guid = table["guid"]
    assert federation.java.entity_if_known(guid) is None, "the Java member has no copy"
    before = len(federation.recorder.calls)
    assert differences(table, federation.enterprise.entity(guid)) == []
    asked = federation.recorder.calls[before:]
    assert ("GET", f"/instances/entity/{guid}/existence") in [(call.verb, call.path) for call in asked]
    assert federation.recorder.calls[0].path == "/metadata-collection-id", "the first call of all asks who we are"
    assert json.loads(federation.recorder.calls[0].answer)["metadataCollectionId"] == federation.ours.collection_id
    assert not [call for call in federation.recorder.calls if "authorization" in {name.lower() for name in call.headers}]


def test_nobody_has_it_when_we_are_gone(federation: Federation) -> None:
    """What it has from us it has from nowhere else."""
    guid = federation.entity("RelationalTable", "orders")["guid"]
    federation.ours.stop()
    try:
        with pytest.raises(EgeriaError):
            federation.enterprise.entity(guid)
    finally:
        federation.ours.start()
    eventually(lambda: _active(federation.enterprise, guid), timeout=10, what="it is there again after our restart")


def _active(client: EgeriaClient, guid: str) -> JsonObject | None:
    try:
        return client.entity_if_active(guid)
    except EgeriaError:
        return None


# ---------------------------------------------------------------- reads


@dataclass(frozen=True, slots=True)
class Read:
    """A read by GUID: what the enterprise view and our own collection are asked for, and the call that has to arrive here."""

    ask: Callable[[EgeriaClient, str], JsonObject | list[JsonObject] | None]
    arrives: str
    relationship: bool = False


_READS = {
    "existence": Read(EgeriaClient.entity_if_known, "GET /instances/entity/{}/existence"),
    "entity": Read(EgeriaClient.entity, "GET /instances/entity/{}/existence"),
    "summary": Read(EgeriaClient.entity_summary, "GET /instances/entity/{}/summary"),
    "entity as of now": Read(lambda client, guid: client.entity(guid, as_of=_now()), "POST /instances/entity/{}/history"),
    "relationships of an entity": Read(EgeriaClient.relationships_of, "POST /instances/entity/{}/relationships"),
    "its columns": Read(lambda client, guid: client.relationships_of(guid, type_name="NestedSchemaAttribute"), "POST /instances/entity/{}/relationships"),
    "relationship existence": Read(EgeriaClient.relationship_if_known, "GET /instances/relationship/{}/existence", relationship=True),
    "relationship": Read(EgeriaClient.relationship, "GET /instances/relationship/{}/existence", relationship=True),
    "relationship as of now": Read(lambda client, guid: client.relationship(guid, as_of=_now()), "POST /instances/relationship/{}/history", relationship=True),
}


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("name", _READS)
def test_a_read_gives_what_our_own_collection_answers(federation: Federation, name: str) -> None:
    read = _READS[name]
    every = federation.relationships() if read.relationship else federation.entities()
    for instance in every:
        guid = instance["guid"]
        before = len(federation.recorder.calls)
        theirs = read.ask(federation.enterprise, guid)
        arrived = [f"{call.verb} {call.path}" for call in federation.recorder.calls[before:]]
        assert read.arrives.format(guid) in arrived, arrived
        _equal(read.ask(federation.mine, guid), theirs)
        if not isinstance(theirs, list):
            # A summary has no properties, and there our class is the one that has been stored.
            assert differences(instance, theirs, ignore=("class", "properties") if name == "summary" else ()) == []


def _equal(ours: JsonObject | list[JsonObject] | None, theirs: JsonObject | list[JsonObject] | None) -> None:
    if isinstance(ours, list) and isinstance(theirs, list):
        assert_same(by_guid(ours), by_guid(theirs))
    else:
        assert isinstance(ours, dict)
        assert isinstance(theirs, dict)
        ignore = ("class", "properties") if theirs["class"] == "EntitySummary" else ()
        assert differences(ours, theirs, ignore=ignore) == []


def test_relationships_of_an_entity_are_those_that_name_it(federation: Federation) -> None:
    every = federation.relationships()
    for entity in federation.entities():
        mine = {each["guid"] for each in every if entity["guid"] in _ends(each)}
        assert by_guid(federation.enterprise.relationships_of(entity["guid"])).keys() == mine


def test_graphs_are_those_of_our_own_collection(federation: Federation) -> None:
    """A 4.2 member in memory has two of the three operations not at all: in its enterprise view they are ours."""
    table, database = federation.entity("RelationalTable", "orders"), next(each for each in federation.entities() if of_type("Database")(each))
    other = federation.entity("RelationalTable", "items")["guid"]
    graphs: dict[str, Callable[[EgeriaClient], tuple[list[JsonObject], list[JsonObject]]]] = {
        "neighborhood?level=1": lambda client: client.neighborhood(table["guid"]),
        "neighborhood?level=3": lambda client: client.neighborhood(table["guid"], level=3),
        "linkage": lambda client: client.linking(other, database["guid"]),
        "relationship": lambda client: client.related(database["guid"]),
    }
    for name, ask in graphs.items():
        before = len(federation.recorder.calls)
        theirs, mine = ask(federation.enterprise), ask(federation.mine)
        assert [path for _, path in federation.recorder.since(before) if f"/by-{name}" in path], name
        for ours, answered in zip(mine, theirs, strict=True):
            assert_same(by_guid(ours), by_guid(answered))
    entities, relationships = federation.enterprise.neighborhood(table["guid"])
    links = {each["guid"]: each for each in federation.relationships() if table["guid"] in _ends(each)}
    assert by_guid(relationships).keys() == links.keys()
    assert by_guid(entities).keys() == {guid for each in links.values() for guid in _ends(each)}
    entities, _ = federation.enterprise.linking(other, database["guid"])
    assert {each["type"]["typeDefName"] for each in entities} == {"RelationalTable", "RelationalDBSchemaType", "Database", "GlossaryTerm"}
    entities, _ = federation.enterprise.related(database["guid"])
    assert by_guid(entities).keys() == by_guid(federation.entities()).keys(), "here everything hangs together"


def _ends(relationship: JsonObject) -> set[str]:
    return {relationship["entityOneProxy"]["guid"], relationship["entityTwoProxy"]["guid"]}


def test_what_nobody_knows_is_known_to_nobody(federation: Federation) -> None:
    assert federation.enterprise.entity_if_known("nobody") is None
    assert federation.enterprise.relationship_if_known("nobody") is None
    for ask, kind in ((federation.enterprise.entity, "Entity"), (federation.enterprise.relationship, "Relationship")):
        with pytest.raises(EgeriaError) as unknown:
            ask("nobody")
        assert (unknown.value.code, unknown.value.exception) == (404, f"{kind}NotKnownException")


def test_the_types_of_all_members_hold_ours(federation: Federation) -> None:
    mine, theirs = federation.mine.all_types(), federation.enterprise.all_types()
    for ours, all_of_them in zip(mine, theirs, strict=True):
        assert by_guid(ours).keys() == by_guid(all_of_them).keys()
    assert ("GET", "/types/all") in federation.recorder.since(0)


def test_what_it_gets_is_posted_by_a_6_x_member_on_the_same_paths(federation: Federation) -> None:
    """Every read that the 4.2 member has sent as GET until now, asked again as 6.x does."""
    read = {path for verb, path in federation.recorder.since(0) if verb == "GET" and not path.endswith(("/previous", "/restore"))}
    kinds = {re.sub(r"/(entity|relationship)/[^/]+", r"/\1/{}", path) for path in read}
    assert kinds >= {"/metadata-collection-id", "/types/all", "/instances/entity/{}/existence", "/instances/entity/{}/summary"}
    assert kinds >= {"/instances/relationship/{}/existence", "/instances/entity/{}/home-classifications"}
    root = f"{federation.ours.url}/servers/{OURS}/open-metadata/repository-services/users/peterprofile"
    with httpx2.Client(timeout=30.0) as client:
        for path in sorted(read):
            got, posted = client.get(f"{root}{path}").json(), client.post(f"{root}{path}", json={"class": "OMRSAPIRequest"}).json()
            told = ("class", "relatedHTTPCode", "metadataCollectionId", "entity", "relationship", "classifications", "attributeTypeDefs", "typeDefs")
            assert {name: got.get(name) for name in told} == {name: posted.get(name) for name in told}, path


# ---------------------------------------------------------------- both have something


def test_what_both_have_comes_once(federation: Federation) -> None:
    """Their own entity, of which we have a copy, in a federated find and read."""
    theirs = federation.java.add_entity("GlossaryTerm", {"qualifiedName": "federated::theirs", "displayName": "theirs"})
    guid = theirs["guid"]
    eventually(lambda: copy_of(federation.ours, guid), timeout=5, what="ours has a copy")
    assert differences(theirs, federation.enterprise.entity(guid)) == []
    found = federation.enterprise.find_entities(type_name="GlossaryTerm")
    assert sorted(str(value_of(each, "displayName")) for each in found) == ["order", "theirs"]
    link = federation.enterprise.add_relationship("SemanticAssignment", federation.entity("RelationalTable", "items")["guid"], guid, {"description": "across"})
    assert link["metadataCollectionId"] == federation.member.collection_id
    eventually(lambda: copy_of(federation.ours, link["guid"]), timeout=5, what="ours has a copy of the relationship")
    for client in (federation.mine, federation.enterprise):
        assert by_guid(client.relationships_of(guid)).keys() == {link["guid"]}
    federation.java.delete_relationship(link)
    federation.java.delete_entity(theirs)
    eventually(lambda: federation.ours.instance(guid)["status"] == "DELETED", timeout=5, what="ours knows that it is deleted")
    assert federation.enterprise.entity_if_active(guid) is None


def test_what_we_do_not_announce_is_found_by_all_who_may_call_us(trio: Trio, one: EgeriaClient, two: EgeriaClient) -> None:
    """In the cohort of two Java members that keep copies: a member of ours that sends no instances, and has copies of all that the others have."""
    name = "silent"
    silent = trio.newcomer(name)
    rules = silent.config.read_text(encoding="utf-8").replace("[cohort]\n", '[cohort]\nevents_to_send = "JUST_TYPEDEFS"\n')
    silent.config.write_text(f'{rules}[registration]\nconnection = "auto"\naddress = "{silent.url}/servers/{name}"\n', encoding="utf-8")
    silent.start()
    try:
        with EgeriaClient(silent.url, name, "peterprofile") as mine:
            term = mine.add_entity("GlossaryTerm", {"qualifiedName": "silent::term"})
            for member, java in ((trio.one, one), (trio.two, two)):
                used = f"A new remote connector from server {name} with metadata collection id {silent.collection_id} has been deployed"
                eventually(lambda member=member, used=used: used in member.process.output(), timeout=10, what=f"{member.name} has a connector to it")
                assert java.entity_if_known(term["guid"]) is None
                assert differences(term, java.enterprise.entity(term["guid"])) == []
                found = by_guid(java.enterprise.find_entities(type_name="GlossaryTerm"))
                assert found.keys() == by_guid(java.find_entities(type_name="GlossaryTerm")).keys() | {term["guid"]}
    finally:
        silent.command("unregister")
        silent.process.wait_for_end(timeout=25.0)


# ---------------------------------------------------------------- changes


def test_a_change_in_the_enterprise_view_is_made_here_and_announced(federation: Federation) -> None:
    """A user of the Java member changes what is homed here: the Java member sends the change to the home."""
    term = federation.mine.add_entity("GlossaryTerm", {"qualifiedName": "federated::changed", "displayName": "one"})
    guid = term["guid"]
    enterprise = federation.enterprise

    def step(answer: JsonObject) -> JsonObject:
        mine = federation.ours.instance(guid)
        assert mine is not None
        assert differences(mine, answer) == []
        return mine

    changed = step(enterprise.update_entity(guid, {"qualifiedName": "federated::changed", "displayName": "two"}))
    assert (changed["version"], value_of(changed, "displayName"), changed["updatedBy"]) == (2, "two", "peterprofile")
    assert marked("Confidentiality", notes="a")(step(enterprise.classify(guid, "Confidentiality", {"notes": "a"})))
    assert marked("Confidentiality", notes="b")(step(enterprise.reclassify(guid, "Confidentiality", {"notes": "b"})))
    assert not marked("Confidentiality")(step(enterprise.declassify(guid, "Confidentiality")))
    memento = enterprise.classify_proxy(proxy(federation.mine.entity(guid)), "Memento", {"archiveUser": "erin"})
    assert memento["metadataCollectionId"] == federation.ours.collection_id
    assert value_of(step(enterprise.undo_entity(guid)), "displayName") == "one"
    step(enterprise.delete_entity(term))
    step(enterprise.restore_entity(guid))
    enterprise.delete_entity(term)
    enterprise.purge_entity(term)
    assert federation.ours.instance(guid) is None

    def announced() -> bool:
        events = [json.loads(record.value or b"") for record in federation.kafka.read(cohort_topic(COHORT, "instances"))]
        mine = [each["instanceEventSection"]["eventType"] for each in events if each["instanceEventSection"]["instanceGUID"] == guid]
        kinds = [re.sub("_ENTITY_EVENT$", "", kind) for kind in mine]
        assert kinds == _ANNOUNCED
        return True

    eventually(announced, timeout=5, what="the cohort has heard of every change")


_ANNOUNCED = ["NEW", "UPDATED", "CLASSIFIED", "RECLASSIFIED", "DECLASSIFIED", "CLASSIFIED", "UNDONE", "DELETED", "RESTORED", "DELETED", "PURGED"]


def test_nothing_of_it_was_refused(federation: Federation) -> None:
    failed = [(call.verb, call.path, call.status) for call in federation.recorder.calls if call.status != 200]
    assert failed == []
    assert federation.ours.command("dlq", "list") == []
    unable = [line for line in federation.member.complaints() if "OMRS-AUDIT-0114" in line]
    assert unable == []
