"""Calls that few make: single attribute types, relationships of external sources, and what may be done to a relationship as to an entity."""

import msgspec
import pytest
from omrs_client import BASE, Client, Json, guids
from test_omrs_maintenance import INVALID, E, add, add_link, heard, ids, kinds, plain, props

ENUM = {"class": "EnumDef", "guid": "colour-1", "name": "Colour", "category": "ENUM_DEF", "version": 1, "versionName": "1.0"}


def test_an_attribute_type(client: Client) -> None:
    assert client.post("/types/attribute-typedef/compatibility", {"attributeTypeDef": ENUM})["flag"] is False
    assert client.post("/types/attribute-typedef", {"attributeTypeDef": ENUM})["relatedHTTPCode"] == 200
    found = client.post("/types/attribute-typedef/colour-1")["attributeTypeDef"]
    assert (found["guid"], found["name"]) == ("colour-1", "Colour")
    assert client.post("/types/attribute-typedef/compatibility", {"attributeTypeDef": found})["flag"] is True
    conflict = client.post("/types/attribute-typedef/compatibility", {"attributeTypeDef": {**ENUM, "description": "another"}})
    assert conflict["exceptionClassName"] == E + "TypeDefConflictException"
    assert client.post("/types/attribute-typedef", {"attributeTypeDef": ENUM})["exceptionClassName"] == E + "TypeDefKnownException"
    assert client.post("/types/attribute-typedef/no")["exceptionClassName"] == E + "TypeDefNotKnownException"
    sections = [one.type_def_event_section for one in heard(client)]
    assert [str(one.type_def_event_type) for one in sections if one is not None] == ["NEW_ATTRIBUTE_TYPEDEF_EVENT"]


def test_a_relationship_of_an_external_source(client: Client) -> None:
    one, two = add(client, "a")["guid"], add(client, "b")["guid"]
    body = {
        "relationshipTypeGUID": client.registry.instance_type("DataFlow").type_def_guid,
        "entityOneGUID": one,
        "entityTwoGUID": two,
        "metadataCollectionId": "source-1",
        "metadataCollectionName": "The source",
    }
    heard(client)
    added = client.post("/instances/relationship/external", body)["relationship"]
    assert (added["instanceProvenanceType"], added["metadataCollectionId"], added["replicatedBy"]) == ("EXTERNAL_SOURCE", "source-1", "mc-local")
    path = f"/instances/relationship/{added['guid']}"
    assert client.post(path + "/properties", {"instanceProperties": props(description="x")})["relationship"]["version"] == 2
    refused = client.post("/instances/relationship/external", {**body, "metadataCollectionId": None})
    assert (refused["exceptionClassName"], refused["exceptionErrorMessageId"]) == (INVALID, "OMRS-REPOSITORY-400-014")
    assert kinds(heard(client)) == ["NEW_RELATIONSHIP_EVENT", "UPDATED_RELATIONSHIP_EVENT"]


def test_a_relationship_gets_another_type(client: Client) -> None:
    one, two = add(client, "a")["guid"], add(client, "b")["guid"]
    path = f"/instances/relationship/{add_link(client, one, two)['guid']}/type"
    current, wanted = plain(client.registry.type_def("DataFlow")), plain(client.registry.type_def("ControlFlow"))
    heard(client)
    changed = client.post(path, {"currentTypeDef": current, "newTypeDef": wanted})["relationship"]
    assert (changed["type"]["typeDefName"], changed["version"]) == ("ControlFlow", 2)
    assert client.post(path, {"currentTypeDef": current, "newTypeDef": {**wanted, "name": "No"}})["exceptionClassName"] == E + "TypeErrorException"
    (event,) = heard(client)
    section = event.instance_event_section
    assert section is not None
    assert (str(section.event_type), section.original_type_def_summary.name) == ("RETYPED_RELATIONSHIP_EVENT", "DataFlow")


def test_a_relationship_is_taken_over(client: Client) -> None:
    one, two = client.table("g1", "a"), client.table("g2", "b")
    client.put(one, two, msgspec.structs.replace(client.link("r1", one, two), metadata_collection_id="mc-left"))
    query = {"newHomeMetadataCollectionId": "mc-local", "newHomeMetadataCollectionName": "retail"}
    taken = client.post("/instances/relationship/r1/home/mc-left", ids(client, "DataFlow"), **query)["relationship"]
    assert (taken["metadataCollectionId"], taken["instanceProvenanceType"], taken["version"]) == ("mc-local", "LOCAL_COHORT", 2)
    (event,) = heard(client)
    section = event.instance_event_section
    assert section is not None
    assert (str(section.event_type), section.original_home_metadata_collection_id) == ("RE_HOMED_RELATIONSHIP_EVENT", "mc-left")
    again = client.post("/instances/relationship/r1/home/mc-left", ids(client, "DataFlow"), **query)
    assert again["exceptionClassName"] == INVALID


def test_the_status_of_a_relationship_up_to_5(client_of_4: Client) -> None:
    client = client_of_4
    one, two = (add(client, name, "GlossaryTerm")["guid"] for name in "ab")
    path = f"/instances/relationship/{add_link(client, one, two, 'Synonym')['guid']}"
    changed = client.post(path + "/status", "ACTIVE")["relationship"]
    assert (changed["status"], changed["version"]) == ("ACTIVE", 2)
    assert client.post(path + "/status", "DELETED")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-058"
    assert client.post(path + "/status", "DRAFT")["exceptionClassName"] == E + "StatusNotSupportedException"


# ------------------------------------------------------------ finds that ask for much


def nested(levels: int) -> Json:
    conditions: Json = {"matchCriteria": "ALL", "conditions": [{"property": "qualifiedName", "operator": "NOT_NULL"}]}
    for _ in range(levels):
        conditions = {"matchCriteria": "ALL", "conditions": [{"nestedConditions": conditions}]}
    return {"matchProperties": conditions}


def test_conditions_may_be_nested_so_deep(client: Client) -> None:
    guid = add(client)["guid"]
    assert guids(client.post("/instances/entities", nested(50)), "entities") == [guid]
    refused = client.post("/instances/entities", nested(110))
    assert (refused["exceptionClassName"], refused["exceptionErrorMessageId"]) == (INVALID, "OMRS-REPOSITORY-400-074")
    assert refused["exceptionProperties"] == {"parameterName": "matchProperties"}
    deepest = b'{"nestedConditions":{"conditions":[' * 1_000 + b"]}}" * 1_000
    answer = client.http.post(BASE + "/instances/entities", content=b'{"matchProperties":{"conditions":[' + deepest + b"]}}")
    assert answer.status_code == 400  # what the parser of a Java server says too


@pytest.mark.timeout(20)
@pytest.mark.parametrize("expression", ["(a*)*(a|aa)*(a?){50}b", "(a+)+$b", "(.*a){20}b"])
@pytest.mark.parametrize("kind", ["entities", "relationships"])
def test_an_expression_that_would_hang_others_is_answered(client: Client, expression: str, kind: str) -> None:
    text = "a" * 5_000
    one = add(client, text)
    add_link(client, one["guid"], one["guid"])
    assert guids(client.post(f"/instances/{kind}/by-property-value", {}, searchCriteria=expression), kind) == []
    assert client.post(f"/instances/entity/{one['guid']}")["entity"] == one
