"""Maintenance over HTTP: what the calls change, what they answer, and what the cohort hears of it (spec metadata-collection-semantics 7 to 12 and 19)."""

from collections.abc import Callable

import msgspec
import pytest
from omrs_client import Client, Json, guids, strings

from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.instances import EntityDetail, Relationship

E = "org.odpi.openmetadata.repositoryservices.ffdc.exception."
F = "org.odpi.openmetadata.frameworks.openmetadata.ffdc."
INVALID = F + "InvalidParameterException"


def plain(value: object) -> Json:
    return msgspec.json.decode(msgspec.json.encode(value))


def props(**values: str) -> Json:
    return plain(strings(**values))


def ids(client: Client, name: str) -> Json:
    return {"class": "TypeDefValidationForRequest", "typeDefGUID": client.registry.instance_type(name).type_def_guid, "typeDefName": name}


def heard(client: Client) -> list[OMRSEvent]:
    """What was announced since it was asked last."""
    rows = client.read(lambda reader: reader.outbox(1000))
    if rows:
        assert client.http.portal is not None
        client.http.portal.call(client.store.acknowledge, rows[-1].seq)
    return [decode_event(row.value) for row in rows]


def kinds(events: list[OMRSEvent]) -> list[str]:
    return [str(one.instance_event_section.event_type) for one in events if one.instance_event_section is not None]


def add(client: Client, name: str = "retail.orders", type_name: str = "RelationalTable", **more: object) -> Json:
    body = {
        "class": "EntityCreateRequest",
        "entityTypeGUID": client.registry.instance_type(type_name).type_def_guid,
        "initialProperties": props(qualifiedName=name),
    }
    answer = client.post("/instances/entity", {**body, **more})
    assert answer["relatedHTTPCode"] == 200, answer
    return answer["entity"]


def add_link(client: Client, one: str, two: str, type_name: str = "DataFlow") -> Json:
    body = {"relationshipTypeGUID": client.registry.instance_type(type_name).type_def_guid, "entityOneGUID": one, "entityTwoGUID": two}
    answer = client.post("/instances/relationship", body)
    assert answer["relatedHTTPCode"] == 200, answer
    return answer["relationship"]


# ------------------------------------------------------------ entities


def test_what_the_send_rule_keeps_in_is_changed_and_not_announced(discreet: Client) -> None:
    table, database = add(discreet), add(discreet, "retail", "Database")
    path = f"/instances/entity/{table['guid']}"
    assert discreet.post(path + "/properties", {"instanceProperties": props(qualifiedName="retail.items")})["entity"]["version"] == 2
    assert discreet.post(path + "/classification/Confidentiality", {})["relatedHTTPCode"] == 200
    assert discreet.post(path + "/delete", ids(discreet, "RelationalTable"))["entity"]["status"] == "DELETED"
    (event,) = heard(discreet)
    assert event.instance_event_section is not None
    assert event.instance_event_section.instance_guid == database["guid"]


def test_the_life_of_an_entity(client: Client) -> None:
    """What the conformance suite asks of an entity, step by step (spec conformance 2.2)."""
    entity = add(client)
    guid = entity["guid"]
    path = f"/instances/entity/{guid}"
    assert (entity["version"], entity["createdBy"], entity["status"], entity["metadataCollectionId"]) == (1, "peter", "ACTIVE", "mc-local")
    assert (entity["instanceProvenanceType"], entity["metadataCollectionName"]) == ("LOCAL_COHORT", "retail")
    for read in ("", "/existence", "/summary"):
        assert client.post(path + read)["entity"] == entity
    early = client.post(path + "/history/all", {"toTime": entity["createTime"] - 1})
    assert early["exceptionClassName"] == E + "EntityNotKnownException"
    assert client.post(path + "/history/all", {})["entities"] == [entity]

    updated = client.post(path + "/properties", {"instanceProperties": props(qualifiedName="retail.items")})["entity"]
    assert (updated["version"], updated["updatedBy"], updated["properties"]) == (2, "peter", props(qualifiedName="retail.items"))
    undone = client.post(path + "/previous")["entity"]
    assert (undone["version"], undone["properties"]) == (3, entity["properties"])
    redone = client.post(path + "/previous")["entity"]
    assert (redone["version"], redone["properties"]) == (4, updated["properties"])
    client.post(path + "/previous")

    deleted = client.post(path + "/delete", ids(client, "RelationalTable"))["entity"]
    assert (deleted["version"], deleted["status"], deleted["statusOnDelete"]) == (6, "DELETED", "ACTIVE")
    assert client.post(path)["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-013"
    assert client.post(path + "/existence")["entity"] == deleted
    assert client.post(path + "/history/all", {})["entities"][0] == deleted
    restored = client.post(path + "/restore")["entity"]
    assert (restored["version"], restored["status"]) == (7, "ACTIVE")
    assert "statusOnDelete" not in restored
    assert client.post(path)["entity"] == restored
    assert len(client.post(path + "/history/all", {})["entities"]) == 7
    assert client.post(path + "/history", {"asOfTime": deleted["updateTime"]})["exceptionClassName"] == E + "EntityNotKnownException"

    client.post(path + "/delete", ids(client, "RelationalTable"))
    assert client.post(path + "/purge", ids(client, "RelationalTable"))["relatedHTTPCode"] == 200
    assert "entity" not in client.post(path + "/existence")
    for gone in (client.post(path), client.post(path + "/history/all", {}), client.post(path + "/history", {"asOfTime": restored["updateTime"]})):
        assert gone["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-002"
    events = heard(client)
    assert kinds(events) == [
        "NEW_ENTITY_EVENT",
        "UPDATED_ENTITY_EVENT",
        "UNDONE_ENTITY_EVENT",
        "UNDONE_ENTITY_EVENT",
        "UNDONE_ENTITY_EVENT",
        "DELETED_ENTITY_EVENT",
        "RESTORED_ENTITY_EVENT",
        "DELETED_ENTITY_EVENT",
        "PURGED_ENTITY_EVENT",
    ]
    sections = [one.instance_event_section for one in events]
    assert plain(sections[0].entity) == entity
    assert (plain(sections[1].original_entity), plain(sections[1].entity)) == (entity, updated)
    assert (sections[-1].entity, sections[-1].instance_guid, sections[-1].type_def_name) == (None, guid, "RelationalTable")
    assert {one.originator.metadata_collection_id for one in events if one.originator is not None} == {"mc-local"}


def test_the_request_is_noted(client: Client) -> None:
    entity = add(client, requestId="r-9")
    assert entity["lastRequestId"] == "r-9"
    assert client.post(f"/instances/entity/{entity['guid']}")["entity"]["lastRequestId"] == "r-9"


def test_initial_classifications_are_completed(client: Client) -> None:
    entity = add(client, initialClassifications=[{"class": "Classification", "name": "Confidentiality"}])
    found = entity["classifications"][0]
    assert (found["name"], found["version"], found["classificationOrigin"], found["metadataCollectionId"]) == ("Confidentiality", 1, "ASSIGNED", "mc-local")
    assert client.post(f"/instances/entity/{entity['guid']}")["entity"] == entity
    section = heard(client)[0].instance_event_section
    assert section is not None
    assert plain(section.entity) == entity


def test_external_entity(client: Client) -> None:
    body = {
        "entityTypeGUID": client.registry.instance_type("RelationalTable").type_def_guid,
        "initialProperties": props(qualifiedName="ext"),
        "metadataCollectionId": "source-1",
        "metadataCollectionName": "The source",
    }
    entity = client.post("/instances/entity/external", body)["entity"]
    assert (entity["instanceProvenanceType"], entity["metadataCollectionId"], entity["replicatedBy"]) == ("EXTERNAL_SOURCE", "source-1", "mc-local")
    assert client.post(f"/instances/entity/{entity['guid']}/properties", {"instanceProperties": props(qualifiedName="x")})["entity"]["version"] == 2
    assert client.post("/instances/entity/external", {**body, "metadataCollectionId": None})["exceptionClassName"] == INVALID


@pytest.mark.parametrize(
    ("body", "message_id", "java_class"),
    [
        ({}, "OMRS-REPOSITORY-400-022", INVALID),
        ({"entityTypeGUID": "no"}, "OMRS-REPOSITORY-404-007", E + "TypeErrorException"),
        ({"initialProperties": None}, "OMRS-REPOSITORY-400-037", E + "PropertyErrorException"),
        ({"initialProperties": props(noSuch="x", qualifiedName="y")}, "OMRS-REPOSITORY-400-028", E + "PropertyErrorException"),
        ({"initialProperties": props(qualifiedName="y", aliases="x")}, "OMRS-REPOSITORY-400-030", E + "PropertyErrorException"),
        ({"initialStatus": "DELETED"}, "OMRS-REPOSITORY-400-058", E + "StatusNotSupportedException"),
        ({"initialStatus": "OTHER"}, "OMRS-REPOSITORY-400-035", E + "StatusNotSupportedException"),
        ({"initialClassifications": [{"name": "NoSuch"}]}, "OMRS-REPOSITORY-400-005", INVALID),
        ({"initialClassifications": [{"name": "SubjectArea"}]}, "OMRS-REPOSITORY-400-006", E + "ClassificationErrorException"),
    ],
)
def test_what_is_no_entity_is_refused_and_changes_nothing(client: Client, body: Json, message_id: str, java_class: str) -> None:
    good = {"entityTypeGUID": client.registry.instance_type("RelationalTable").type_def_guid, "initialProperties": props(qualifiedName="x")}
    answer = client.post("/instances/entity", {**good, **body} if body else {})
    assert (answer["exceptionErrorMessageId"], answer["exceptionClassName"]) == (message_id, java_class)
    assert heard(client) == []
    assert guids(client.post("/instances/entities", {}), "entities") == []


def test_delete_and_purge_want_the_right_type_and_state(client: Client) -> None:
    guid = add(client)["guid"]
    path = f"/instances/entity/{guid}"
    assert client.post(path + "/delete", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-022"
    for wrong in (ids(client, "Glossary"), {**ids(client, "RelationalTable"), "typeDefName": "No"}, {**ids(client, "RelationalTable"), "typeDefGUID": "no"}):
        assert client.post(path + "/delete", wrong)["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-039"
    assert client.post(path + "/purge", ids(client, "RelationalTable"))["exceptionClassName"] == E + "EntityNotDeletedException"
    assert client.post(path + "/restore")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-046"
    assert client.post(path + "/delete", ids(client, "SchemaElement"))["entity"]["status"] == "DELETED"
    assert client.post(path + "/delete", ids(client, "RelationalTable"))["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-013"


def test_undo_without_a_past(client: Client) -> None:
    guid = add(client)["guid"]
    heard(client)
    answer = client.post(f"/instances/entity/{guid}/previous")
    assert answer["relatedHTTPCode"] == 200
    assert "entity" not in answer
    assert heard(client) == []


def test_null_bodies(client: Client) -> None:
    guid = add(client)["guid"]
    base = "/servers/retail-proxy/open-metadata/repository-services/users/peter"
    nothing = client.http.post(f"{base}/instances/entity", content=b"null").json()
    assert (nothing["relatedHTTPCode"], nothing.get("entity")) == (200, None)
    fails = client.http.post(f"{base}/instances/entity/{guid}/properties", content=b"null").json()
    assert (fails["relatedHTTPCode"], fails["exceptionErrorMessageId"]) == (400, "OMAG-COMMON-400-016")


def test_what_is_not_ours_is_locked(client: Client) -> None:
    client.put(client.table("g1", "theirs", home="mc-peer"), proxy_of_entity(client.registry, client.table("g2", "a proxy", home="mc-peer")))
    table = {"guid": client.registry.instance_type("RelationalTable").type_def_guid, "name": "RelationalTable"}
    for guid, message_id in (("g1", "OMRS-LOCAL-REPOSITORY-503-009"), ("g2", "OMRS-LOCAL-REPOSITORY-503-007")):
        path = f"/instances/entity/{guid}"
        answers = [
            client.post(path + "/properties", {"instanceProperties": props(qualifiedName="x")}),
            client.post(path + "/type", {"currentTypeDef": table, "newTypeDef": table}),
            client.post(path + "/identity", ids(client, "RelationalTable"), newEntityGUID="g3"),
            client.post(path + "/delete", ids(client, "RelationalTable")),
        ]
        assert {(one["exceptionClassName"], one["exceptionErrorMessageId"]) for one in answers} == {(INVALID, message_id)}
    assert heard(client) == []


def test_the_end_of_an_entity_is_the_end_of_its_relationships(client: Client) -> None:
    one, two = add(client, "a")["guid"], add(client, "b")["guid"]
    ours = add_link(client, one, two)["guid"]
    client.put(msgspec.structs.replace(client.link("theirs", client.table(one, "a"), client.table(two, "b")), metadata_collection_id="mc-peer"))
    heard(client)
    client.post(f"/instances/entity/{one}/delete", ids(client, "RelationalTable"))
    assert kinds(heard(client)) == ["DELETED_RELATIONSHIP_EVENT", "DELETED_ENTITY_EVENT"]
    assert client.post(f"/instances/relationship/{ours}/existence")["relationship"]["status"] == "DELETED"
    assert "relationship" not in client.post("/instances/relationship/theirs/existence")
    client.post(f"/instances/entity/{one}/restore")
    assert guids(client.post(f"/instances/entity/{one}/relationships", {}), "relationships") == []
    client.post(f"/instances/entity/{one}/delete", ids(client, "RelationalTable"))
    heard(client)
    client.post(f"/instances/entity/{one}/purge", ids(client, "RelationalTable"))
    assert kinds(heard(client)) == ["PURGED_RELATIONSHIP_EVENT", "PURGED_ENTITY_EVENT"]
    assert "relationship" not in client.post(f"/instances/relationship/{ours}/existence")


def test_an_entity_too_big_to_be_announced_is_not_stored(client: Client) -> None:
    body = {"entityTypeGUID": client.registry.instance_type("RelationalTable").type_def_guid, "initialProperties": props(qualifiedName="x" * 1_000_000)}
    answer = client.post("/instances/entity", body)
    assert answer["exceptionClassName"] == E + "RepositoryErrorException"
    assert "broker takes 1000000" in answer["exceptionErrorMessage"]
    assert guids(client.post("/instances/entities", {}), "entities") == []


# ------------------------------------------------------------ classifications


def test_the_life_of_a_classification(client: Client) -> None:
    entity = add(client)
    guid = entity["guid"]
    path = f"/instances/entity/{guid}/classification/Confidentiality"
    heard(client)
    classified = client.post(path, {"instanceProperties": None})["entity"]
    found = classified["classifications"][0]
    assert (classified["version"], found["name"], found["version"], found.get("properties")) == (1, "Confidentiality", 1, None)
    assert client.post(path, {})["entity"] == classified
    assert client.post(path, {"instanceProperties": props(source="x")})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-081"
    changed = client.post(path + "/properties", {"instanceProperties": props(source="x")})["entity"]["classifications"][0]
    assert (changed["version"], changed["properties"]) == (2, props(source="x"))
    gone = client.post(path + "/delete")["entity"]
    assert "classifications" not in gone
    again = client.post(path + "/detailed", {"classificationOrigin": None, "classificationProperties": props(source="y")})["entity"]["classifications"][0]
    assert (again["version"], again["classificationOrigin"]) == (3, "ASSIGNED")
    for answer in (
        client.post(f"/instances/entity/{guid}/classification/Memento/delete"),
        client.post(f"/instances/entity/{guid}/classification/Memento/properties", {}),
    ):
        assert (answer["exceptionClassName"], answer["exceptionErrorMessageId"]) == (E + "ClassificationErrorException", "OMRS-REPOSITORY-400-048")
    assert client.post(f"/instances/entity/{guid}/classification/No", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-005"
    assert client.post(f"/instances/entity/{guid}/classification/PrimaryKey", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-006"
    assert client.post("/instances/entity/no/classification/Memento", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-002"
    events = heard(client)
    assert kinds(events) == ["CLASSIFIED_ENTITY_EVENT", "RECLASSIFIED_ENTITY_EVENT", "DECLASSIFIED_ENTITY_EVENT", "CLASSIFIED_ENTITY_EVENT"]
    reclassified = events[1].instance_event_section
    assert reclassified is not None
    assert (plain(reclassified.original_classification), plain(reclassified.classification)) == (found, changed)


def test_the_entities_of_others_may_be_classified(client: Client) -> None:
    client.join("mc-peer")
    client.put(client.table("g1", "theirs", home="mc-peer"))
    client.classify("g1", client.classification("Memento", "mc-peer"))
    classified = client.post("/instances/entity/g1/classification/Confidentiality", {})["entity"]
    assert [(one["name"], one["metadataCollectionId"]) for one in classified["classifications"]] == [("Confidentiality", "mc-local"), ("Memento", "mc-peer")]
    assert [one["name"] for one in client.post("/instances/entity/g1/home-classifications")["classifications"]] == ["Confidentiality"]
    assert client.post("/instances/entity/g1/classification/Memento/delete")["exceptionClassName"] == INVALID
    assert "classifications" in client.post("/instances/entity/g1/classification/Confidentiality/delete")["entity"]


def test_classifying_by_proxy(client: Client) -> None:
    proxy = plain(proxy_of_entity(client.registry, client.table("g1", "theirs", home="mc-peer")))
    added = client.post("/instances/entity/classification/Confidentiality", {"entityProxy": proxy, "instanceProperties": props(source="a")})["classification"]
    assert (added["name"], added["metadataCollectionId"], added["version"]) == ("Confidentiality", "mc-local", 1)
    assert client.post("/instances/entity/g1")["exceptionClassName"] == E + "EntityProxyOnlyException"
    assert client.post("/instances/entity/g1/summary")["entity"]["classifications"] == [added]
    changed = client.post("/instances/entity/classification/Confidentiality/properties", {"entityProxy": proxy, "instanceProperties": props(source="b")})
    assert changed["classification"]["version"] == 2
    removed = client.post("/instances/entity/classification/Confidentiality/delete", {"entity": proxy})["classification"]
    assert removed["version"] == 2
    external = {"entityProxy": proxy, "metadataCollectionId": "source-1", "classificationOrigin": "PROPAGATED", "classificationOriginGUID": "g7"}
    detailed = client.post("/instances/entity/classification/Confidentiality/detailed", external)["classification"]
    assert (detailed["instanceProvenanceType"], detailed["replicatedBy"], detailed["classificationOriginGUID"]) == ("EXTERNAL_SOURCE", "mc-local", "g7")
    assert client.post("/instances/entity/classification/Memento", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-043"
    sections = [one.instance_event_section for one in heard(client)]
    assert all(one is not None and one.entity is None and one.entity_proxy is not None for one in sections)


# ------------------------------------------------------------ relationships


def test_the_life_of_a_relationship(client: Client) -> None:
    one, two = add(client, "a")["guid"], add(client, "b")["guid"]
    heard(client)
    body = {
        "relationshipTypeGUID": client.registry.instance_type("DataFlow").type_def_guid,
        "entityOneGUID": one,
        "entityTwoGUID": two,
        "initialProperties": props(description="nightly"),
    }
    added = client.post("/instances/relationship", body)["relationship"]
    path = f"/instances/relationship/{added['guid']}"
    assert (added["version"], added["entityOneProxy"]["guid"], added["entityTwoProxy"]["guid"]) == (1, one, two)
    for read in ("", "/existence"):
        assert client.post(path + read)["relationship"] == added
    assert client.post(path + "/history/all", {"toTime": added["createTime"] - 1})["exceptionClassName"] == E + "RelationshipNotKnownException"
    updated = client.post(path + "/properties", {"instanceProperties": props(description="hourly")})["relationship"]
    assert (updated["version"], updated["properties"]) == (2, props(description="hourly"))
    undone = client.post(path + "/previous")["relationship"]
    assert (undone["version"], undone["properties"]) == (3, added["properties"])
    deleted = client.post(path + "/delete", ids(client, "DataFlow"))["relationship"]
    assert (deleted["version"], deleted["status"]) == (4, "DELETED")
    assert client.post(path)["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-012"
    assert client.post(path + "/existence")["relationship"] == deleted
    restored = client.post(path + "/restore")["relationship"]
    assert client.post(path)["relationship"] == restored
    assert client.post(path + "/history", {"asOfTime": deleted["updateTime"]})["exceptionClassName"] == E + "RelationshipNotKnownException"
    assert [one["version"] for one in client.post(path + "/history/all", {"sequencingOrder": "FORWARDS"})["relationships"]] == [1, 2, 3, 4, 5]
    assert client.post(path + "/purge", ids(client, "DataFlow"))["exceptionClassName"] == E + "RelationshipNotDeletedException"
    client.post(path + "/delete", ids(client, "DataFlow"))
    client.post(path + "/purge", ids(client, "DataFlow"))
    assert client.post(path + "/history/all", {})["exceptionClassName"] == E + "RelationshipNotKnownException"
    assert kinds(heard(client)) == [
        "NEW_RELATIONSHIP_EVENT",
        "UPDATED_RELATIONSHIP_EVENT",
        "UNDONE_RELATIONSHIP_EVENT",
        "DELETED_RELATIONSHIP_EVENT",
        "RESTORED_RELATIONSHIP_EVENT",
        "DELETED_RELATIONSHIP_EVENT",
        "PURGED_RELATIONSHIP_EVENT",
    ]


def test_ends_of_a_relationship(client: Client) -> None:
    table, column = add(client, "a")["guid"], add(client, "b", "RelationalColumn")["guid"]
    glossary = add(client, "c", "Glossary")["guid"]
    body = {"relationshipTypeGUID": client.registry.instance_type("NestedSchemaAttribute").type_def_guid, "entityOneGUID": table, "entityTwoGUID": column}
    assert client.post("/instances/relationship", body)["relationship"]["version"] == 1
    wrong = client.post("/instances/relationship", {**body, "entityTwoGUID": glossary})
    assert (wrong["exceptionErrorMessageId"], wrong["exceptionProperties"]) == ("OMRS-REPOSITORY-400-047", {"parameterName": "relationship.End"})
    assert client.post("/instances/relationship", {**body, "entityTwoGUID": "no"})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-002"
    assert client.post("/instances/relationship", {**body, "entityOneGUID": None})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-014"
    client.put(proxy_of_entity(client.registry, client.table("p1", "theirs", home="mc-peer")))
    assert client.post("/instances/relationship", {**body, "entityOneGUID": "p1"})["relationship"]["entityOneProxy"]["metadataCollectionId"] == "mc-peer"


def test_relationships_show_their_ends_as_they_are_now(client: Client) -> None:
    one, two = add(client, "a")["guid"], add(client, "b")["guid"]
    link = add_link(client, one, two)["guid"]
    client.post(f"/instances/entity/{one}/properties", {"instanceProperties": props(qualifiedName="renamed")})
    shown = client.post(f"/instances/relationship/{link}")["relationship"]["entityOneProxy"]
    assert (shown["version"], shown["uniqueProperties"]["instanceProperties"]["qualifiedName"]["primitiveValue"]) == (2, "renamed")


# ------------------------------------------------------------ control information


def test_re_identify(client: Client) -> None:
    entity, other = add(client, "a"), add(client, "b")
    guid = entity["guid"]
    link = add_link(client, guid, other["guid"])["guid"]
    client.post(f"/instances/entity/{guid}/classification/Memento", {})
    heard(client)
    moved = client.post(f"/instances/entity/{guid}/identity", ids(client, "RelationalTable"), newEntityGUID="new-guid")["entity"]
    assert (moved["guid"], moved["version"], moved["reIdentifiedFromGUID"]) == ("new-guid", 2, guid)
    assert client.post("/instances/entity/new-guid")["entity"] == moved
    assert client.post(f"/instances/entity/{guid}")["exceptionClassName"] == E + "EntityNotKnownException"
    assert client.post(f"/instances/relationship/{link}")["relationship"]["entityOneProxy"]["guid"] == "new-guid"
    assert guids(client.post("/instances/entity/new-guid/relationships", {}), "relationships") == [link]
    events = heard(client)
    assert kinds(events) == ["RE_IDENTIFIED_ENTITY_EVENT", "UPDATED_RELATIONSHIP_EVENT"]
    assert events[0].instance_event_section.original_instance_guid == guid
    taken = client.post("/instances/entity/new-guid/identity", ids(client, "RelationalTable"), newEntityGUID=other["guid"])
    assert taken["exceptionClassName"] == INVALID
    client.post("/instances/entity/new-guid/delete", ids(client, "RelationalTable"))
    assert client.post("/instances/entity/new-guid/purge", ids(client, "RelationalTable"))["relatedHTTPCode"] == 200
    third = add_link(client, other["guid"], add(client, "c")["guid"])
    renamed = client.post(f"/instances/relationship/{third['guid']}/identity", ids(client, "DataFlow"), newRelationshipGUID="new-link")["relationship"]
    assert (renamed["guid"], renamed["version"], renamed["reIdentifiedFromGUID"]) == ("new-link", 2, third["guid"])
    assert client.post(f"/instances/relationship/{third['guid']}")["exceptionClassName"] == E + "RelationshipNotKnownException"


def test_re_type(client: Client) -> None:
    entity = add(client, type_name="SchemaAttribute")
    path = f"/instances/entity/{entity['guid']}/type"

    def change(old: str, new: str) -> Json:
        current, wanted = client.registry.type_def(old), client.registry.type_def(new)
        return client.post(path, {"currentTypeDef": plain(current), "newTypeDef": plain(wanted)})

    heard(client)
    column = change("SchemaAttribute", "RelationalColumn")["entity"]
    assert (column["type"]["typeDefName"], column["version"], column["properties"]) == ("RelationalColumn", 2, entity["properties"])
    assert change("RelationalColumn", "SchemaAttribute")["entity"]["type"] == entity["type"]
    assert change("SchemaAttribute", "DataFlow")["exceptionClassName"] == E + "TypeErrorException"
    assert client.post(path, {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-004"
    events = heard(client)
    assert kinds(events) == ["RETYPED_ENTITY_EVENT", "RETYPED_ENTITY_EVENT"]
    assert events[0].instance_event_section.original_type_def_summary.name == "SchemaAttribute"


def test_re_home(client: Client) -> None:
    client.put(client.table("g1", "theirs", home="mc-gone"))
    query = {"newHomeMetadataCollectionId": "mc-local", "newHomeMetadataCollectionName": "retail"}
    elsewhere = client.post("/instances/entity/g1/home/mc-gone", ids(client, "RelationalTable"), newHomeMetadataCollectionId="mc-x")
    assert elsewhere["exceptionErrorMessageId"] == "OMRS-LOCAL-REPOSITORY-400-002"
    client.join("mc-gone")
    assert client.post("/instances/entity/g1/home/mc-gone", ids(client, "RelationalTable"), **query)["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-902"
    client.put(client.table("g2", "theirs", home="mc-left"))
    entity = client.post("/instances/entity/g2/home/anything", ids(client, "RelationalTable"), **query)["entity"]
    assert (entity["metadataCollectionId"], entity["instanceProvenanceType"], entity["version"]) == ("mc-local", "LOCAL_COHORT", 2)
    events = heard(client)
    assert kinds(events) == ["RE_HOMED_ENTITY_EVENT"]
    assert events[0].instance_event_section.original_home_metadata_collection_id == "mc-left"
    assert client.post("/instances/entity/g2/home/x", ids(client, "RelationalTable"), **query)["exceptionErrorMessageId"] == "OMRS-METADATA-COLLECTION-500-016"


# ------------------------------------------------------------ reference copies and proxies


def theirs(client: Client, guid: str = "remote-1", version: int = 1, **fields: object) -> EntityDetail:
    return client.table(guid, "theirs", home="remote-collection", version=version, update_time=1000 * version if version > 1 else None, **fields)


def test_saved_copies(client: Client) -> None:
    def save(entity: EntityDetail) -> Json:
        return client.post("/instances/entities/reference-copy", {"entity": plain(entity)})

    def stored() -> Json:
        return client.post("/instances/entity/remote-1/existence")["entity"]

    first = theirs(client, mapping_properties={"integer": msgspec.Raw(b"12"), "string": msgspec.Raw(b'"x"')})
    assert save(first) == {"class": "VoidResponse", "relatedHTTPCode": 200, "requestId": save(first)["requestId"]} or stored()
    assert stored() == {**plain(first), "instanceProvenanceType": "DEREGISTERED_REPOSITORY"}
    client.post("/instances/entity/remote-1/classification/Memento", {})
    save(theirs(client, version=3, classifications=[client.classification("Confidentiality", "remote-collection")]))
    assert [one["name"] for one in stored()["classifications"]] == ["Confidentiality", "Memento"]
    save(theirs(client, version=2))
    assert stored()["version"] == 3
    save(theirs(client, version=4))
    assert [one["name"] for one in stored()["classifications"]] == ["Memento"]
    client.post("/instances/entities/reference-copy/delete", {"entity": plain(theirs(client, version=4))})
    assert stored()["status"] == "DELETED"
    heard(client)
    assert client.post("/instances/entities/reference-copy/purge", {"entity": plain(theirs(client, version=1))})["relatedHTTPCode"] == 200
    assert "entity" not in client.post("/instances/entity/remote-1/existence")
    assert client.post("/instances/entities/reference-copy/purge", {"entity": plain(theirs(client))})["relatedHTTPCode"] == 200
    save(theirs(client))
    assert stored()["version"] == 1
    assert heard(client) == []


@pytest.mark.parametrize(
    ("body", "java_class"),
    [
        ({}, INVALID),
        ({"entity": {"class": "EntityDetail", "guid": "x"}}, E + "RepositoryErrorException"),
    ],
)
def test_copies_that_are_none(client: Client, body: Json, java_class: str) -> None:
    for call in ("", "/delete", "/purge"):
        assert client.post(f"/instances/entities/reference-copy{call}", body)["exceptionClassName"] == java_class


def test_a_copy_never_changes_what_is_homed_here(client: Client) -> None:
    entity = add(client)
    guid = entity["guid"]
    heard(client)
    same = client.post("/instances/entities/reference-copy", {"entity": entity})
    assert same["exceptionClassName"] == E + "HomeEntityException"
    claimed = {**entity, "metadataCollectionId": "mc-peer", "version": 9}
    assert client.post("/instances/entities/reference-copy", {"entity": claimed})["exceptionClassName"] == E + "EntityConflictException"
    for call in ("purge", "refresh"):
        answer = client.post(f"/instances/entities/reference-copy/{guid}/{call}", ids(client, "RelationalTable"), homeMetadataCollectionId="x")
        assert answer["exceptionClassName"] == E + "HomeEntityException"
    assert client.post(f"/instances/entity/{guid}")["entity"] == entity
    assert heard(client) == []
    client.post(f"/instances/entity/{guid}/delete", ids(client, "RelationalTable"))
    gone = client.post(f"/instances/entities/reference-copy/{guid}/purge", ids(client, "RelationalTable"), homeMetadataCollectionId="mc-local")
    assert gone["relatedHTTPCode"] == 200
    assert kinds(heard(client)) == ["DELETED_ENTITY_EVENT", "PURGED_ENTITY_EVENT"]


def test_a_refresh_is_asked_of_the_cohort(client: Client) -> None:
    answer = client.post("/instances/entities/reference-copy/g9/refresh", ids(client, "RelationalTable"), homeMetadataCollectionId="mc-peer")
    assert answer["relatedHTTPCode"] == 200
    client.post("/instances/relationships/reference-copy/r9/refresh", ids(client, "DataFlow"), homeMetadataCollectionId="mc-peer")
    events = heard(client)
    assert kinds(events) == ["REFRESH_ENTITY_REQUEST", "REFRESH_RELATIONSHIP_REQUEST"]
    section = events[0].instance_event_section
    assert (section.instance_guid, section.home_metadata_collection_id, section.type_def_name) == ("g9", "mc-peer", "RelationalTable")


def test_saved_relationship_copies(client: Client) -> None:
    one, two = theirs(client, "e1"), theirs(client, "e2")
    proxies = [proxy_of_entity(client.registry, each) for each in (one, two)]
    link = msgspec.structs.replace(
        client.link("link-1", one, two), metadata_collection_id="remote-collection", entity_one_proxy=proxies[0], entity_two_proxy=proxies[1]
    )

    def save(relationship: Relationship, call: str = "") -> Json:
        return client.post(f"/instances/relationships/reference-copy{call}", {"relationship": plain(relationship)})

    assert save(link)["relatedHTTPCode"] == 200
    saved = client.post("/instances/relationship/link-1")["relationship"]
    assert saved["instanceProvenanceType"] == "DEREGISTERED_REPOSITORY"
    assert client.post("/instances/entity/e1/summary")["entity"]["class"] == "EntityProxy"
    assert client.post("/instances/relationship/link-1/properties", {"instanceProperties": props(description="x")})["exceptionClassName"] == INVALID
    save(link, "/delete")
    assert client.post("/instances/relationship/link-1/existence")["relationship"]["status"] == "DELETED"
    save(link, "/purge")
    assert "relationship" not in client.post("/instances/relationship/link-1/existence")
    by_guid = client.post("/instances/relationships/reference-copy/link-1/purge", ids(client, "DataFlow"), homeMetadataCollectionId="x")
    assert by_guid["relatedHTTPCode"] == 200
    unknown = client.post("/instances/entities/reference-copy/nobody/purge", ids(client, "RelationalTable"), homeMetadataCollectionId="x")
    assert unknown["exceptionClassName"] == E + "EntityNotKnownException"
    assert client.post("/instances/entities/reference-copy/e1/purge", ids(client, "RelationalTable"), homeMetadataCollectionId="x")["relatedHTTPCode"] == 200
    assert client.post("/instances/entity/e1/summary")["exceptionClassName"] == E + "EntityNotKnownException"


def test_classification_copies(client: Client) -> None:
    entity = theirs(client)
    remote = client.classification("Confidentiality", "remote-collection", version=2)

    def call(path: str, **body: object) -> Json:
        return client.post(f"/instances/entities/classifications/reference-copy{path}", {name: plain(value) for name, value in body.items()})

    def names() -> list[tuple[str, int]]:
        found = client.post("/instances/entity/remote-1/summary")["entity"].get("classifications", [])
        return [(one["name"], one["version"]) for one in found]

    assert call("", entity=entity, classification=remote)["relatedHTTPCode"] == 200
    assert names() == [("Confidentiality", 2)]
    call("", entity=entity, classification=msgspec.structs.replace(remote, version=1))
    assert names() == [("Confidentiality", 2)]
    call("/purge", entity=entity, classification=msgspec.structs.replace(remote, version=1))
    assert names() == [("Confidentiality", 2)]
    call("/purge", entity=entity, classification=remote)
    assert names() == []
    call("", entityProxy=proxy_of_entity(client.registry, theirs(client, "remote-2")), classification=remote)
    assert client.post("/instances/entity/remote-2/summary")["entity"]["classifications"][0]["version"] == 2
    assert call("", entity=entity)["exceptionClassName"] == INVALID
    wrong = client.classification("PrimaryKey", "remote-collection")
    assert call("", entity=entity, classification=wrong)["exceptionClassName"] == E + "TypeErrorException"


def test_many_copies_at_once(client: Client) -> None:
    one, two = theirs(client, "e1"), theirs(client, "e2")
    link = msgspec.structs.replace(client.link("l1", one, two), metadata_collection_id="remote-collection")
    bad = {**plain(theirs(client, "e3")), "type": None}
    body = {"entityElementList": [plain(one), bad, plain(client.table("mine", "x")), plain(two)], "relationshipElementList": [plain(link)]}
    assert client.post("/instances", body)["relatedHTTPCode"] == 200
    assert guids(client.post("/instances/entities", {}), "entities") == ["e1", "e2"]
    assert client.post("/instances/relationship/l1")["relationship"]["entityOneProxy"]["uniqueProperties"] is not None


def test_proxies(client: Client) -> None:
    proxy = proxy_of_entity(client.registry, theirs(client))

    def add_proxy(given: object) -> Json:
        return client.post("/instances/entity-proxy", {"entity": plain(given)})

    assert add_proxy(proxy)["relatedHTTPCode"] == 200
    assert client.post("/instances/entity/remote-1/summary")["entity"]["guid"] == "remote-1"
    add_proxy(msgspec.structs.replace(proxy, version=3))
    assert client.post("/instances/entity/remote-1/summary")["entity"]["version"] == 3
    client.put(theirs(client))
    add_proxy(msgspec.structs.replace(proxy, version=5))
    assert client.post("/instances/entity/remote-1")["entity"]["class"] == "EntityDetail"
    ours = add_proxy(msgspec.structs.replace(proxy, metadata_collection_id="mc-local"))
    assert ours["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-044"
    assert client.post("/instances/entity-proxy", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-043"
    assert heard(client) == []


# ------------------------------------------------------------ the graph


@pytest.fixture
def chain(client: Client) -> Callable[[str], str]:
    """a - b - c - d, b - e - c, and f alone; answers with the GUID of a letter."""
    guid = {name: add(client, name)["guid"] for name in "abcdef"}
    for pair in ("ab", "bc", "cd", "be", "ec"):
        add_link(client, guid[pair[0]], guid[pair[1]])
    return guid.__getitem__


def letters(answer: Json) -> str:
    values = [one["properties"]["instanceProperties"]["qualifiedName"]["primitiveValue"] for one in answer.get("entityElementList", [])]
    return "".join(sorted(values))


def test_neighbourhood(client: Client, chain: Callable[[str], str]) -> None:
    def around(name: str, level: int, **body: object) -> Json:
        return client.post(f"/instances/entities/from-entity/{chain(name)}/by-neighborhood", body, level=str(level))

    assert letters(around("a", 0)) == "a"
    assert "relationshipElementList" not in around("a", 0)
    assert (letters(around("a", 1)), letters(around("a", 2)), letters(around("a", 9))) == ("ab", "abce", "abcde")
    assert len(around("a", 2)["relationshipElementList"]) == 3
    assert letters(around("a", 2, relationshipTypeGUIDs=[client.registry.instance_type("Peer").type_def_guid] if client.registry.type_def("Peer") else [])) == (
        "a" if client.registry.type_def("Peer") else "abce"
    )
    assert letters(around("a", 2, limitResultsByClassification=["Memento"])) == "a"
    client.post(f"/instances/entity/{chain('b')}/classification/Memento", {})
    assert letters(around("a", 2, limitResultsByClassification=["Memento"])) == "ab"
    no = client.post("/instances/entities/from-entity/no/by-neighborhood", {}, level="1")
    assert no["exceptionClassName"] == E + "EntityNotKnownException"


def test_connected_entities(client: Client, chain: Callable[[str], str]) -> None:
    answer = client.post(f"/instances/entities/from-entity/{chain('a')}/by-relationship", {})
    assert len(answer["entities"]) == 5
    page = client.post(f"/instances/entities/from-entity/{chain('a')}/by-relationship", {"pageSize": 2, "offset": 4})
    assert len(page["entities"]) == 1
    assert len(client.post(f"/instances/entities/from-entity/{chain('f')}/by-relationship", {})["entities"]) == 1


def test_linking_entities(client: Client, chain: Callable[[str], str]) -> None:
    def between(one: str, two: str) -> Json:
        return client.post(f"/instances/entities/from-entity/{chain(one)}/by-linkage", {}, endEntityGUID=chain(two))

    assert (letters(between("a", "d")), len(between("a", "d")["relationshipElementList"])) == ("abcde", 5)
    assert (letters(between("a", "b")), len(between("a", "b")["relationshipElementList"])) == ("ab", 1)
    assert letters(between("b", "e")) == "bce"
    assert (letters(between("a", "a")), between("a", "a").get("relationshipElementList")) == ("a", None)
    assert (letters(between("a", "f")), between("a", "f").get("relationshipElementList")) == ("", None)


# ------------------------------------------------------------ types


def custom(client: Client, name: str = "Gadget", guid: str = "gadget-1") -> Json:
    asset = plain(client.registry.type_def("Asset"))
    return {**asset, "name": name, "guid": guid, "superType": {"guid": asset["guid"], "name": "Asset"}, "propertiesDefinition": None, "version": 1}


def test_the_life_of_a_type(client: Client) -> None:
    gadget = custom(client)
    assert client.post("/types/typedef", {"typeDef": gadget})["relatedHTTPCode"] == 200
    assert client.post("/types/typedef/name/Gadget")["typeDef"]["guid"] == "gadget-1"
    assert client.post("/types/typedef", gadget)["exceptionClassName"] == E + "TypeDefKnownException"
    entity = add(client, type_name="Gadget")
    assert entity["type"]["typeDefGUID"] == "gadget-1"
    patch = {
        "typeDefGUID": "gadget-1",
        "typeDefName": "Gadget",
        "applyToVersion": 1,
        "updateToVersion": 2,
        "newVersionName": "1.1",
        "updatedBy": "peter",
        "updateTime": 5000,
        "description": "better",
    }
    assert client.post("/types/typedef/update", {"typeDefPatch": patch})["typeDef"]["description"] == "better"
    assert client.post("/types/typedef/update", patch)["typeDef"]["version"] == 2
    ahead = client.post("/types/typedef/update", {**patch, "applyToVersion": 7, "updateToVersion": 8})
    assert ahead["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-068"
    assert client.post("/types/typedef/update", {**patch, "updateToVersion": 0})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-067"
    assert client.post("/types/typedef/update", {**patch, "updatedBy": None})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-069"
    assert client.post("/types/typedef/update", {**patch, "typeDefName": "No"})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-004"
    in_use = client.post("/types/typedef/gadget-1/delete", {"obsoleteTypeDefName": "Gadget"})
    assert in_use["exceptionClassName"] == E + "TypeDefInUseException"
    client.post("/types/typedef", custom(client, "Widget", "widget-1"))
    renamed = client.post("/types/typedef/widget-1/identifier", {"originalTypeDefName": "Widget", "newTypeDefGUID": "widget-2", "newTypeDefName": "Widget2"})[
        "typeDef"
    ]
    assert (renamed["guid"], renamed["name"], renamed["version"]) == ("widget-2", "Widget2", 2)
    assert client.post("/types/typedef/widget-2/delete", {}, name="Widget2")["relatedHTTPCode"] == 200
    assert client.post("/types/typedef/name/Widget2")["exceptionClassName"] == E + "TypeDefNotKnownException"
    asset = client.registry.type_def("Asset")
    assert asset is not None
    kept = client.post(f"/types/typedef/{asset.guid}/delete", {"obsoleteTypeDefName": "Asset"})
    assert kept["exceptionClassName"] == E + "TypeDefInUseException"
    sections = [one.type_def_event_section for one in heard(client)]
    assert [str(one.type_def_event_type) for one in sections if one is not None] == [
        "NEW_TYPEDEF_EVENT",
        "UPDATED_TYPEDEF_EVENT",
        "NEW_TYPEDEF_EVENT",
        "RE_IDENTIFIED_TYPEDEF_EVENT",
        "DELETED_TYPEDEF_EVENT",
    ]
    assert [row.name for row in client.read(lambda reader: reader.types())] == ["Gadget"]


def test_a_gallery_of_types(client: Client) -> None:
    enum = {"class": "EnumDef", "guid": "colour-1", "name": "Colour", "category": "ENUM_DEF", "version": 1, "versionName": "1.0"}
    gallery = {"attributeTypeDefs": [enum], "typeDefs": [custom(client)]}
    assert client.post("/types", gallery)["relatedHTTPCode"] == 200
    assert client.post("/types/attribute-typedef/name/Colour")["attributeTypeDef"]["guid"] == "colour-1"
    assert client.post("/types", gallery)["exceptionClassName"] == E + "TypeDefKnownException"
    moved = {"originalTypeDefName": "Colour", "newTypeDefGUID": "colour-2", "newTypeDefName": "Colour"}
    assert client.post("/types/attribute-typedef/colour-1/identifier", moved)["attributeTypeDef"]["guid"] == "colour-2"
    assert client.post("/types/attribute-typedef/colour-2/delete", {"obsoleteTypeDefName": "Colour"})["relatedHTTPCode"] == 200


# ------------------------------------------------------------ up to 5.x


def test_status_is_a_method_up_to_5(client_of_4: Client) -> None:
    client = client_of_4
    term = add(client, type_name="ControlledGlossaryTerm")
    path = f"/instances/entity/{term['guid']}"
    assert "lastRequestId" not in term
    changed = client.post(path + "/status", "ACTIVE")["entity"]
    assert (changed["status"], changed["version"]) == ("ACTIVE", 2)
    assert client.post(path + "/status", "DELETED")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-058"
    assert client.post(path + "/status", {"instanceStatus": "COMPLETE"})["exceptionClassName"] == E + "StatusNotSupportedException"
    assert client.get(path + "/previous")["entity"]["status"] == "DRAFT"
    cleared = client.post(path + "/properties", {"instanceProperties": {"class": "InstanceProperties"}})["entity"]
    assert cleared["properties"].get("instanceProperties") is None
    assert client.post(path + "/properties", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-037"
    client.post(path + "/delete", ids(client, "ControlledGlossaryTerm"))
    assert client.get(path + "/restore")["entity"]["status"] == "DRAFT"
