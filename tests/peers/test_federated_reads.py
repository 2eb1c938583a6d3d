"""What a real Egeria member calls at our address: its enterprise view shows what only we have.

The Java member of this cohort keeps no copies. Everything of ours that it answers it has asked us for, at the address of our registration;
a recorder stands there and passes each call on to our worker.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from .compare import assert_same, by_guid, differences
from .egeria import EgeriaMember, cohort_topic
from .following import copy_of
from .hand import proxy
from .jars import Jars
from .kafka import KafkaBroker
from .member import OurMember
from .omrs_json import Enumerated, JsonObject, Value, plain, property_value
from .recorder import Recorder, recording
from .rest import EgeriaClient, EgeriaError
from .shop import Shop
from .trio import Trio
from .waiting import eventually

COHORT = "federated"
_OURS = "federated-proxy"
_STATUS = Enumerated("c8fe36ac-369f-4799-af75-46b9c1343ab3", "TermAssignmentStatus", 3, "Validated")


@dataclass(frozen=True, slots=True)
class Federation:
    """A Java member without copies and ours; `java` is its own repository, `mine` our repository services as anybody may call them."""

    member: EgeriaMember
    ours: OurMember
    shop: Shop
    kafka: KafkaBroker
    recorder: Recorder
    java: EgeriaClient
    mine: EgeriaClient

    @property
    def enterprise(self) -> EgeriaClient:
        """The Java member's view of all members together."""
        return self.java.enterprise

    def entity(self, type_name: str, name: str) -> JsonObject:
        """One of our home entities, by its type and display name."""
        (found,) = [each for each in self.entities() if each["type"]["typeDefName"] == type_name and _value(each, "displayName") == name]
        return found

    def entities(self) -> list[JsonObject]:
        """All our home entities."""
        return [each for each in self.ours.homed().values() if each["class"] == "EntityDetail"]

    def relationships(self) -> list[JsonObject]:
        """All our home relationships."""
        return [each for each in self.ours.homed().values() if each["class"] == "Relationship"]


@pytest.fixture(scope="module")
def federation(peers_directory: Path, peer_jars: tuple[Jars, Jars], kafka: KafkaBroker) -> Iterator[Federation]:
    """Two tables of a source, a term and two relationships made by our own REST API; the Java member has built its connector to us."""
    shop = Shop(kafka, "federated-shop")
    shop.open()
    with recording() as recorder:
        member = EgeriaMember(peers_directory / "federated", peer_jars[1], name="federated", cohort=COHORT, kafka=kafka.bootstrap, keeps_copies=False)
        ours = OurMember(
            peers_directory / _OURS,
            name=_OURS,
            collection_id="3f5b9c1e-8d27-4c60-9b1a-6e2d7f80a4c5",
            cohort=COHORT,
            kafka=kafka.bootstrap,
            sources=[shop.source],
            more=f'[registration]\nconnection = "auto"\naddress = "{recorder.url}/servers/{_OURS}"\n',
        )
        recorder.target = ours.url
        member.begin()
        ours.start()
        shop.create("orders", "items")
        member.wait_ready()
        used = f"A new remote connector from server {_OURS} with metadata collection id {ours.collection_id} has been deployed"
        eventually(lambda: used in member.process.output(), timeout=10, what="the Java member has a connector to our address")
        with member.client() as java, EgeriaClient(ours.url, _OURS, "peterprofile") as mine:
            federation = Federation(member, ours, shop, kafka, recorder, java, mine)
            tables = eventually(lambda: _both_tables(federation), timeout=10, what="both tables are home instances of ours")
            term = mine.add_entity("GlossaryTerm", {"qualifiedName": "federated::term", "displayName": "order"})
            for number, table in enumerate(tables):
                values: dict[str, Value] = {"description": f"meaning {number}", "confidence": 50 + number, "status": _STATUS}
                mine.add_relationship("SemanticAssignment", table["guid"], term["guid"], values)
            yield federation
        ours.stop()
        member.stop()
    assert ours.process.exit_code == 0, ours.process.describe("did not stop in good order")


def _both_tables(federation: Federation) -> list[JsonObject]:
    tables = [each for each in federation.entities() if each["type"]["typeDefName"] == "RelationalTable"]
    columns = [each for each in federation.entities() if each["type"]["typeDefName"] == "RelationalColumn"]
    return sorted(tables, key=lambda each: str(_value(each, "displayName"))) if (len(tables), len(columns)) == (2, 4) else []


def _value(instance: JsonObject, name: str) -> object:
    return plain(instance.get("properties")).get(name)


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
        mine = {each["guid"] for each in every if entity["guid"] in (each["entityOneProxy"]["guid"], each["entityTwoProxy"]["guid"])}
        assert by_guid(federation.enterprise.relationships_of(entity["guid"])).keys() == mine


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


# ---------------------------------------------------------------- finds


@dataclass(frozen=True, slots=True)
class Find:
    """A find and, apart from anybody's query code, which of our home instances it has to give."""

    ask: Callable[[EgeriaClient], list[JsonObject]]
    gives: Callable[[JsonObject], bool]
    relationships: bool = False


def _is(type_name: str) -> Callable[[JsonObject], bool]:
    return lambda each: each["type"]["typeDefName"] == type_name


def _named(*names: str) -> Callable[[JsonObject], bool]:
    return lambda each: _value(each, "displayName") in names


def _marked(name: str, **values: object) -> Callable[[JsonObject], bool]:
    def has(each: JsonObject) -> bool:
        found = [plain(one.get("properties")) for one in each.get("classifications") or () if one["name"] == name]
        return any(values.items() <= one.items() for one in found)

    return has


def _all(*conditions: JsonObject, criteria: str = "ALL") -> JsonObject:
    return {"conditions": list(conditions), "matchCriteria": criteria}


def _condition(name: str, operator: str, value: Value | None = None) -> JsonObject:
    return {"property": name, "operator": operator, **({} if value is None else {"value": property_value(value)})}


def _classified(*conditions: JsonObject, criteria: str = "ALL") -> JsonObject:
    return {"conditions": list(conditions), "matchCriteria": criteria}


_COLUMN = _is("RelationalColumn")
_TABLE = _is("RelationalTable")
_MEANING = _is("SemanticAssignment")

_FINDS = {
    "everything": Find(lambda c: c.find_entities(), lambda _: True),
    "of a type": Find(lambda c: c.find_entities(type_name="RelationalTable"), _TABLE),
    "of a supertype": Find(lambda c: c.find_entities(type_name="SchemaElement"), lambda e: _TABLE(e) or _COLUMN(e) or _is("RelationalDBSchemaType")(e)),
    "of some of its subtypes": Find(lambda c: c.find_entities(type_name="SchemaElement", subtypes=["RelationalTable"]), _TABLE),
    "of a type that nobody uses": Find(lambda c: c.find_entities(type_name="Glossary"), lambda _: False),
    "active ones": Find(lambda c: c.find_entities(type_name="RelationalTable", statuses=["ACTIVE"]), _TABLE),
    "drafts": Find(lambda c: c.find_entities(type_name="RelationalTable", statuses=["DRAFT"]), lambda _: False),
    "equal": Find(lambda c: c.find_entities(match=_all(_condition("displayName", "EQ", "orders"))), _named("orders")),
    "not equal": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", match=_all(_condition("displayName", "NEQ", "id"))),
        lambda e: _COLUMN(e) and not _named("id")(e),
    ),
    "like": Find(lambda c: c.find_entities(match=_all(_condition("displayName", "LIKE", "o.*rs?"))), _named("orders", "order")),
    "in": Find(lambda c: c.find_entities(match=_all(_condition("displayName", "IN", ["items", "id", "x"]))), _named("items", "id")),
    "greater": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", match=_all(_condition("position", "GT", 1))),
        lambda e: _COLUMN(e) and _value(e, "position") == 2,
    ),
    "at most": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", match=_all(_condition("position", "LTE", 1))),
        lambda e: _COLUMN(e) and _value(e, "position") == 1,
    ),
    "has a value": Find(lambda c: c.find_entities(match=_all(_condition("position", "NOT_NULL"))), _COLUMN),
    "has no value": Find(
        lambda c: c.find_entities(type_name="SchemaElement", match=_all(_condition("position", "IS_NULL"))),
        lambda e: _TABLE(e) or _is("RelationalDBSchemaType")(e),
    ),
    "any of two": Find(
        lambda c: c.find_entities(match=_all(_condition("displayName", "EQ", "orders"), _condition("position", "EQ", 2), criteria="ANY")),
        lambda e: _named("orders")(e) or _value(e, "position") == 2,
    ),
    "none of two": Find(
        lambda c: c.find_entities(
            type_name="SchemaElement", match=_all(_condition("displayName", "EQ", "orders"), _condition("displayName", "EQ", "id"), criteria="NONE")
        ),
        lambda e: (_TABLE(e) or _COLUMN(e) or _is("RelationalDBSchemaType")(e)) and not _named("orders", "id")(e),
    ),
    "nested": Find(
        lambda c: c.find_entities(
            match=_all(
                _condition("displayName", "EQ", "items"),
                {"nestedConditions": _all(_condition("position", "GTE", 2), _condition("qualifiedName", "LIKE", ".*::orders::.*"))},
                criteria="ANY",
            )
        ),
        lambda e: _named("items")(e) or (_value(e, "position") == 2 and "::orders::" in str(_value(e, "qualifiedName"))),
    ),
    "classified": Find(lambda c: c.find_entities(classified=_classified({"name": "PrimaryKey"})), _marked("PrimaryKey")),
    "classified with a value": Find(
        lambda c: c.find_entities(
            classified=_classified({"name": "TypeEmbeddedAttribute", "matchProperties": _all(_condition("schemaTypeName", "EQ", "RelationalTableType"))})
        ),
        _marked("TypeEmbeddedAttribute", schemaTypeName="RelationalTableType"),
    ),
    "not classified": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", classified=_classified({"name": "PrimaryKey"}, criteria="NONE")),
        lambda e: _COLUMN(e) and not _marked("PrimaryKey")(e),
    ),
    "by property, all": Find(lambda c: c.find_entities_by_property({"displayName": "id", "position": 1}), lambda e: _named("id")(e)),
    "by property, any": Find(
        lambda c: c.find_entities_by_property({"displayName": "orders", "position": 2}, criteria="ANY"),
        lambda e: _named("orders")(e) or _value(e, "position") == 2,
    ),
    "by property, none": Find(
        lambda c: c.find_entities_by_property({"displayName": "id", "position": 2}, criteria="NONE", type_name="RelationalColumn"), lambda _: False
    ),
    "by a pattern": Find(lambda c: c.find_entities_by_property({"qualifiedName": ".*::items(::.*)?"}), lambda e: "::items" in str(_value(e, "qualifiedName"))),
    "by a quoted text": Find(
        lambda c: c.find_entities_by_property({"qualifiedName": r"\QMySQL Relational Database::federated-shop::shop\E.*"}),
        lambda e: str(_value(e, "qualifiedName")).startswith("MySQL Relational Database::federated-shop::shop"),
    ),
    "by a value": Find(lambda c: c.find_entities_by_property_value("orders"), _named("orders")),
    "by a part of a value": Find(
        lambda c: c.find_entities_by_property_value(r".*\Q::orders\E.*", type_name="SchemaElement"), lambda e: "::orders" in str(_value(e, "qualifiedName"))
    ),
    "by classification": Find(lambda c: c.find_entities_by_classification("PrimaryKey"), _marked("PrimaryKey")),
    "by classification and value": Find(
        lambda c: c.find_entities_by_classification("TypeEmbeddedAttribute", {"dataType": "INT"}), _marked("TypeEmbeddedAttribute", dataType="INT")
    ),
    "relationships": Find(lambda c: c.find_relationships(), lambda _: True, relationships=True),
    "relationships of a type": Find(lambda c: c.find_relationships(type_name="SemanticAssignment"), _MEANING, relationships=True),
    "relationships with conditions": Find(
        lambda c: c.find_relationships(match=_all(_condition("confidence", "GT", 50), _condition("description", "LIKE", "mean.*"))),
        lambda e: _value(e, "confidence") == 51,
        relationships=True,
    ),
    "relationships by property": Find(
        lambda c: c.find_relationships_by_property({"confidence": 50, "description": "meaning 0"}), lambda e: _value(e, "confidence") == 50, relationships=True
    ),
    "relationships by an enum value": Find(
        lambda c: c.find_relationships_by_property({"status": _STATUS}, type_name="SemanticAssignment"), _MEANING, relationships=True
    ),
    "relationships by a value": Find(
        lambda c: c.find_relationships_by_property_value("meaning [1-9]"), lambda e: _value(e, "description") == "meaning 1", relationships=True
    ),
}


@pytest.mark.parametrize("name", _FINDS)
def test_a_find_gives_what_our_own_collection_answers(federation: Federation, name: str) -> None:
    find = _FINDS[name]
    before = len(federation.recorder.calls)
    theirs = by_guid(find.ask(federation.enterprise))
    kind = "relationships" if find.relationships else "entities"
    assert [path for verb, path in federation.recorder.since(before) if verb == "POST" and path.startswith(f"/instances/{kind}")]
    assert_same(by_guid(find.ask(federation.mine)), theirs)
    every = federation.relationships() if find.relationships else federation.entities()
    assert_same(by_guid(each for each in every if find.gives(each)), theirs)


def test_a_pattern_that_is_none_is_refused_and_spoils_nothing(federation: Federation) -> None:
    """A Java member takes the answers that it gets; what one of several members refuses is only missing."""
    with pytest.raises(EgeriaError) as refused:
        federation.mine.find_entities_by_property_value("(orders")
    assert (refused.value.code, refused.value.exception) == (400, "RepositoryErrorException")
    assert federation.enterprise.find_entities_by_property_value("(orders") == []
    assert federation.enterprise.find_entities_by_property_value("orders")


def test_what_it_gets_is_posted_by_a_6_x_member_on_the_same_paths(federation: Federation) -> None:
    """Every read that the 4.2 member has sent as GET until now, asked again as 6.x does."""
    read = {path for verb, path in federation.recorder.since(0) if verb == "GET" and not path.endswith(("/previous", "/restore"))}
    kinds = {re.sub(r"/(entity|relationship)/[^/]+", r"/\1/{}", path) for path in read}
    assert kinds >= {"/metadata-collection-id", "/types/all", "/instances/entity/{}/existence", "/instances/entity/{}/summary"}
    assert kinds >= {"/instances/relationship/{}/existence", "/instances/entity/{}/home-classifications"}
    root = f"{federation.ours.url}/servers/{_OURS}/open-metadata/repository-services/users/peterprofile"
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
    assert sorted(str(_value(each, "displayName")) for each in found) == ["order", "theirs"]
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
    assert (changed["version"], _value(changed, "displayName"), changed["updatedBy"]) == (2, "two", "peterprofile")
    assert _marked("Confidentiality", notes="a")(step(enterprise.classify(guid, "Confidentiality", {"notes": "a"})))
    assert _marked("Confidentiality", notes="b")(step(enterprise.reclassify(guid, "Confidentiality", {"notes": "b"})))
    assert not _marked("Confidentiality")(step(enterprise.declassify(guid, "Confidentiality")))
    memento = enterprise.classify_proxy(proxy(federation.mine.entity(guid)), "Memento", {"archiveUser": "erin"})
    assert memento["metadataCollectionId"] == federation.ours.collection_id
    assert _value(step(enterprise.undo_entity(guid)), "displayName") == "one"
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
