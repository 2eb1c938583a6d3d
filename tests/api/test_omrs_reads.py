"""Reads and finds over HTTP: what a Java member gets from us, in both dialects (spec repository-rest-api 5, 6, 9; metadata-collection-semantics 4, 5)."""

import msgspec
import pytest
from omrs_client import BASE, Client, guids, string, strings

from cohort_sync.api.omrs.operations import REPOSITORY
from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.omrs.enums import InstanceStatus

E = "org.odpi.openmetadata.repositoryservices.ffdc.exception."
F = "org.odpi.openmetadata.frameworks.openmetadata.ffdc."


def test_metadata_collection_id_in_both_dialects(client: Client) -> None:
    expected = {"class": "MetadataCollectionIdResponse", "relatedHTTPCode": 200, "metadataCollectionId": "mc-local"}
    for answer in (client.post("/metadata-collection-id"), client.get("/metadata-collection-id")):
        assert answer.pop("requestId")
        assert answer == expected


def test_request_id_is_echoed(client: Client) -> None:
    assert client.post("/metadata-collection-id", {"class": "GetRequest", "requestId": "r-7"})["requestId"] == "r-7"


def test_an_entity_is_read_back_as_it_was_stored(client: Client) -> None:
    table = client.table("g1", "retail.orders", mapping_properties={"n": msgspec.Raw(b"12"), "s": msgspec.Raw(b'"x"')}, maintained_by=["a", "b"])
    client.put(table)
    expected = msgspec.json.decode(msgspec.json.encode(table))
    for read in ("", "/existence", "/summary"):
        answer = client.post(f"/instances/entity/g1{read}")
        assert answer["entity"] == expected
        assert client.get(f"/instances/entity/g1{read}")["entity"] == expected


def test_what_is_not_there(client: Client) -> None:
    known = client.post("/instances/entity/no/existence")
    assert known == {"class": "EntityDetailResponse", "relatedHTTPCode": 200, "requestId": known["requestId"]}
    assert "relationship" not in client.post("/instances/relationship/no/existence")
    answer = client.post("/instances/entity/no")
    assert answer["relatedHTTPCode"] == 404
    assert answer["exceptionClassName"] == answer["exceptionSubclassName"] == E + "EntityNotKnownException"
    assert answer["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-002"
    assert answer["exceptionErrorMessageParameters"] == ["no", "getEntityDetail", "retail-proxy"]
    assert answer["actionDescription"] == "getEntityDetail"
    assert answer["exceptionProperties"] == {"parameterName": "guid"}
    assert "entity" not in answer
    unknown = client.post("/instances/relationship/no")
    assert (unknown["exceptionClassName"], unknown["exceptionErrorMessageId"]) == (E + "RelationshipNotKnownException", "OMRS-REPOSITORY-404-011")


def test_soft_deleted_is_known_but_not_there(client: Client) -> None:
    client.put(client.table("g1", "retail.orders"), client.table("g1", "retail.orders", status=InstanceStatus.DELETED, version=2, update_time=2000))
    assert client.post("/instances/entity/g1/existence")["entity"]["status"] == "DELETED"
    for read in ("", "/summary"):
        assert client.post(f"/instances/entity/g1{read}")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-013"


def test_a_proxy_has_a_summary_only(client: Client) -> None:
    table = client.table("g1", "retail.orders")
    client.put(proxy_of_entity(client.registry, table))
    assert client.post("/instances/entity/g1/summary")["entity"]["class"] == "EntityProxy"
    assert "entity" not in client.post("/instances/entity/g1/existence")
    answer = client.post("/instances/entity/g1")
    assert (answer["exceptionClassName"], answer["exceptionErrorMessageId"]) == (E + "EntityProxyOnlyException", "OMRS-REPOSITORY-400-051")


def test_a_member_that_has_left_is_shown_as_deregistered(client: Client) -> None:
    client.put(client.table("g1", "theirs", home="mc-peer"))
    assert client.post("/instances/entity/g1")["entity"]["instanceProvenanceType"] == "DEREGISTERED_REPOSITORY"
    client.join("mc-peer")
    assert client.post("/instances/entity/g1")["entity"]["instanceProvenanceType"] == "LOCAL_COHORT"


def test_relationships_of_an_entity(client: Client) -> None:
    one, two = client.table("g1", "a"), client.table("g2", "b")
    client.put(one, two)
    empty = client.post("/instances/entity/g1/relationships", {"class": "TypeLimitedFindRequest"})
    assert empty == {"class": "RelationshipListResponse", "relatedHTTPCode": 200, "requestId": empty["requestId"], "offset": 0, "pageSize": 0}
    client.put(client.link("r1", one, two), client.link("r2", two, one))
    both = client.post("/instances/entity/g1/relationships", {"pageSize": 5})
    assert (sorted(guids(both, "relationships")), both["offset"], both["pageSize"]) == (["r1", "r2"], 0, 5)
    assert both["relationships"][0]["entityOneProxy"]["uniqueProperties"]["instanceProperties"]["qualifiedName"]["primitiveValue"] in ("a", "b")
    page = client.post("/instances/entity/g1/relationships", {"offset": 1, "pageSize": 1, "sequencingOrder": "GUID"})
    assert guids(page, "relationships") == ["r2"]
    lineage = client.registry.type_def("LineageRelationship") or client.registry.type_def("DataFlow")
    assert lineage is not None
    assert len(guids(client.post("/instances/entity/g1/relationships", {"typeGUID": lineage.guid}), "relationships")) == 2
    assert client.post("/instances/entity/g1/relationships", {"typeGUID": "no"})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-007"
    assert client.post("/instances/entity/no/relationships", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-002"


def test_home_classifications_are_ours_only(client: Client) -> None:
    client.put(client.table("g1", "theirs", home="mc-peer"))
    assert "classifications" not in client.post("/instances/entity/g1/home-classifications")
    client.classify("g1", client.classification("Confidentiality", "mc-peer"))
    client.classify("g1", client.classification("Memento"))
    assert [one["name"] for one in client.get("/instances/entity/g1/home-classifications")["classifications"]] == ["Memento"]
    assert [one["name"] for one in client.post("/instances/entity/g1")["entity"]["classifications"]] == ["Confidentiality", "Memento"]


# ------------------------------------------------------------ the past


def test_history(client: Client) -> None:
    client.put(*(client.table("g1", f"name {version}", version=version, update_time=1000 * version if version > 1 else None) for version in (1, 2, 3)))

    def versions(**body: object) -> list[int]:
        return [one["version"] for one in client.post("/instances/entity/g1/history/all", body).get("entities", [])]

    assert versions() == [3, 2, 1]
    assert client.http.post(BASE + "/instances/entity/g1/history/all").json()["entities"][0]["version"] == 3
    assert versions(sequencingOrder="FORWARDS") == [1, 2, 3]
    assert versions(offset=1, pageSize=1) == [2]
    assert versions(fromTime=2000, toTime=2500) == [2]
    assert versions(offset=9) == []
    assert client.post("/instances/entity/g1/history/all", {"toTime": 999})["exceptionClassName"] == E + "EntityNotKnownException"
    assert client.post("/instances/entity/no/history/all", {})["exceptionClassName"] == E + "EntityNotKnownException"
    assert client.post("/instances/entity/g1/history", {"asOfTime": 2000})["entity"]["version"] == 2
    assert client.post("/instances/entity/g1/history", {"asOfTime": "1970-01-01T00:00:01.999+00:00"})["entity"]["version"] == 1
    assert client.post("/instances/entity/g1/history", {"asOfTime": 999})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-002"
    assert client.post("/instances/entity/g1/history", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-057"
    assert client.post("/instances/entity/g1/history", {"asOfTime": 99999999999999})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-038"
    found = client.post("/instances/entities/by-property/history", {"asOfTime": 1500, "matchCriteria": "ALL", "matchProperties": props("name 1")})
    assert guids(found, "entities") == ["g1"]


def test_classification_history(client: Client) -> None:
    client.put(client.table("g1", "a"))
    client.classify("g1", client.classification("Confidentiality"))
    client.classify("g1", client.classification("Confidentiality", version=2, update_time=3000))
    answer = client.post("/instances/entity/g1/classification/Confidentiality/history/all", {})
    assert [one["version"] for one in answer["classifications"]] == [2, 1]
    early = client.post("/instances/entity/g1/classification/Confidentiality/history/all", {"toTime": 2999})
    assert [one["version"] for one in early["classifications"]] == [1]
    unknown = client.post("/instances/entity/g1/classification/NoSuch/history/all", {})
    assert unknown["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-005"


# ------------------------------------------------------------ finds


def props(name: str) -> dict[str, object]:
    return msgspec.json.decode(msgspec.json.encode(strings(qualifiedName=name)))


def condition(name: str, operator: str, value: str) -> dict[str, object]:
    return {"property": name, "operator": operator, "value": msgspec.json.decode(msgspec.json.encode(string(value)))}


@pytest.fixture
def filled(client: Client) -> Client:
    tables = [client.table(f"g{at}", name) for at, name in enumerate(("retail.orders", "retail.items", "wholesale.orders"))]
    client.put(*tables, client.link("r1", tables[0], tables[1]))
    client.classify("g1", client.classification("Confidentiality"))
    return client


def test_find_by_property(filled: Client) -> None:
    def found(**body: object) -> list[str]:
        return guids(filled.post("/instances/entities/by-property", body), "entities")

    asset, table = (filled.registry.type_def(name) for name in ("SchemaElement", "RelationalTable"))
    assert asset is not None
    assert table is not None
    assert found() == ["g0", "g1", "g2"]
    assert found(typeGUID=asset.guid) == ["g0", "g1", "g2"]
    assert found(matchCriteria="ALL", matchProperties=props("retail.orders"), typeGUID=table.guid) == ["g0"]
    assert found(matchCriteria="NONE", matchProperties=props("retail.orders")) == ["g1", "g2"]
    assert found(limitResultsByClassification=["Confidentiality"]) == ["g1"]
    assert found(limitResultsByStatus=["DELETED"]) == []
    assert found(limitResultsByStatus=[], offset=1, pageSize=1) == ["g1"]
    assert found(sequencingOrder="PROPERTY_DESCENDING", sequencingProperty="qualifiedName") == ["g2", "g0", "g1"]


def test_find_by_conditions(filled: Client) -> None:
    def found(**body: object) -> list[str]:
        return guids(filled.post("/instances/entities", body), "entities")

    either = {"matchCriteria": "ANY", "conditions": [condition("qualifiedName", "LIKE", "items"), condition("qualifiedName", "STARTS_WITH", "whole")]}
    assert found(matchProperties=either) == ["g1", "g2"]
    nested = {"matchCriteria": "ALL", "conditions": [{"nestedConditions": either}, condition("qualifiedName", "NEQ", "retail.items")]}
    assert found(matchProperties=nested) == ["g2"]
    assert found(matchClassifications={"matchCriteria": "ALL", "conditions": [{"name": "Confidentiality"}]}) == ["g1"]


def test_find_by_classification(filled: Client) -> None:
    path = "/instances/entities/by-classification/"
    assert guids(filled.post(path + "Confidentiality", {}), "entities") == ["g1"]
    assert guids(filled.post(path + "NoSuch", {}), "entities") == []
    table, glossary = filled.registry.type_def("RelationalTable"), filled.registry.type_def("Glossary")
    assert table is not None
    assert glossary is not None
    assert filled.post(path + "NoSuch", {"typeGUID": table.guid})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-005"
    assert filled.post(path + "PrimaryKey", {"typeGUID": glossary.guid})["exceptionClassName"] == E + "ClassificationErrorException"


def test_find_by_value_in_both_dialects(filled: Client) -> None:
    path = "/instances/entities/by-property-value"
    assert guids(filled.post(path, {}, searchString="ORDERS", ignoreCase="true"), "entities") == ["g0", "g2"]
    assert guids(filled.post(path, {}, searchString="retail", startsWith="true"), "entities") == ["g0", "g1"]
    assert guids(filled.post(path, {}, searchString="orders", endsWith="true", startsWith="false"), "entities") == ["g0", "g2"]
    assert guids(filled.post(path, {}, searchCriteria="orders"), "entities") == []
    assert guids(filled.post(path, {}, searchCriteria=r".*\Qorders\E.*"), "entities") == ["g0", "g2"]
    assert filled.post(path, {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-013"
    refused = filled.post(path, {}, searchCriteria="(?=x)")
    assert (refused["exceptionClassName"], refused["exceptionErrorMessageId"]) == (E + "RepositoryErrorException", "OMRS-REPOSITORY-400-040")


def test_find_relationships(filled: Client) -> None:
    assert guids(filled.post("/instances/relationships", {}), "relationships") == ["r1"]
    assert guids(filled.post("/instances/relationships", {"end1EntityGUIDs": ["g0"], "endMatchCriteria": "BOTH"}), "relationships") == ["r1"]
    assert guids(filled.post("/instances/relationships", {"end2EntityGUIDs": ["g0"], "endMatchCriteria": "BOTH"}), "relationships") == []
    assert filled.post("/instances/relationships", {"endMatchCriteria": "BOTH"})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-042"
    assert guids(filled.post("/instances/relationships/by-property", {}), "relationships") == ["r1"]
    assert guids(filled.post("/instances/relationships/by-property-value", {}, searchString="x"), "relationships") == []


@pytest.mark.parametrize(
    ("path", "body", "message_id", "java_class"),
    [
        ("/instances/entities", {"pageSize": -1}, "OMRS-REPOSITORY-400-050", E + "PagingErrorException"),
        ("/instances/entities", {"typeGUID": "no"}, "OMRS-REPOSITORY-404-007", E + "TypeErrorException"),
        ("/instances/entities", {"matchProperties": {"matchCriteria": "ALL"}}, "OMRS-REPOSITORY-400-074", F + "InvalidParameterException"),
        (
            "/instances/entities",
            {"matchProperties": {"matchCriteria": "ALL", "conditions": [{"property": "a", "operator": "EQ"}]}},
            "OMRS-REPOSITORY-400-074",
            F + "InvalidParameterException",
        ),
        (
            "/instances/entities",
            {"matchProperties": {"matchCriteria": "ALL", "conditions": [condition("a", "LT", "x")]}},
            "OMRS-REPOSITORY-400-078",
            F + "InvalidParameterException",
        ),
        ("/instances/entities", {"matchClassifications": {"conditions": [{"name": " "}]}}, "OMRS-REPOSITORY-400-075", F + "InvalidParameterException"),
        ("/instances/entities/by-property", {"matchCriteria": "ALL"}, "OMRS-REPOSITORY-400-011", F + "InvalidParameterException"),
        ("/instances/entities/by-property", {"matchProperties": {"class": "InstanceProperties"}}, "OMRS-REPOSITORY-400-011", F + "InvalidParameterException"),
    ],
)
def test_finds_that_are_refused(client: Client, path: str, body: dict[str, object], message_id: str, java_class: str) -> None:
    answer = client.post(path, body)
    assert (answer["exceptionErrorMessageId"], answer["exceptionClassName"]) == (message_id, java_class)


# ------------------------------------------------------------ types


def test_type_queries(client: Client) -> None:
    everything = client.post("/types/all")
    by_category = [client.post("/types/typedefs/by-category", {"category": name}) for name in ("ENTITY_DEF", "RELATIONSHIP_DEF", "CLASSIFICATION_DEF")]
    assert sum(len(one["typeDefs"]) for one in by_category) == len(everything["typeDefs"]) > 500
    attribute_types = [client.post("/types/attribute-typedefs/by-category", one) for one in ("PRIMITIVE", "COLLECTION", "ENUM_DEF")]
    assert sum(len(one["attributeTypeDefs"]) for one in attribute_types) == len(everything["attributeTypeDefs"]) == 50
    asset = client.post("/types/typedef/name/Asset")["typeDef"]
    assert client.get(f"/types/typedef/{asset['guid']}")["typeDef"] == asset
    assert asset in everything["typeDefs"]
    named = client.get("/types/by-name", name="Asset")
    assert named["typeDefs"] == [asset]
    assert "attributeTypeDefs" not in named
    assert len(client.post("/types/typedefs/by-property-value", searchCriteria="Glossary.*")["typeDefs"]) > 1
    assert client.post("/types/attribute-typedef/name/string")["attributeTypeDef"]["class"] == "PrimitiveDef"
    assert client.post("/types/typedef/compatibility", {"typeDef": asset})["flag"] is True
    assert client.post("/types/typedef/compatibility", {**asset, "name": "Unheard"})["flag"] is False
    conflict = client.post("/types/typedef/compatibility", {"typeDef": {**asset, "guid": "other"}})
    assert conflict["exceptionClassName"] == E + "TypeDefConflictException"
    assert client.post("/types/typedef/no")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-007"
    assert client.post("/types/typedef/name/No")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-009"
    assert client.post("/types/typedefs/by-external-id", standard="", organization="", identifier="")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-400-012"
    found = client.post("/types/typedefs/by-property", {"typeDefProperties": {"typeDefProperties": {"qualifiedName": None}}})
    assert "Referenceable" in [one["name"] for one in found["typeDefs"]]


# ------------------------------------------------------------ the transport


def test_every_operation_is_reached_by_its_verbs(client: Client) -> None:
    for operation in REPOSITORY:
        path = BASE + operation.path.replace("{", "x").replace("}", "")
        query = {name.rstrip("?"): "1" for name in operation.query}
        response = client.http.post(path, params=query, content=b"{}")
        assert (response.status_code, response.json()["class"]) == (200, operation.response.__name__), operation.name
        got = client.http.get(path, params=query)
        assert got.status_code == (200 if operation.get else 405), operation.name


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/instances/no-such-thing", b"{}", 404),
        ("POST", "/instances/entity/a/b/c", b"{}", 404),
        ("POST", "/instances/entities", b"", 400),
        ("POST", "/instances/entities", b"{", 400),
        ("POST", "/types/by-name", b"", 400),
        ("GET", "/instances/entities", b"", 405),
        ("POST", "/instances/entities", b'{"matchProperties":{"conditions":[' + b'{"nestedConditions":{"conditions":[' * 1000 + b"]}}" * 1000 + b"]}}", 400),
    ],
)
def test_what_reaches_no_operation(client: Client, method: str, path: str, content: bytes, status: int) -> None:
    response = client.http.request(method, BASE + path, content=content)
    assert response.status_code == status
    assert response.json()["status"] == status


def test_another_server_name_is_answered_in_the_body(client: Client) -> None:
    response = client.http.post("/servers/other/open-metadata/repository-services/users/peter/metadata-collection-id")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["relatedHTTPCode"], answer["exceptionErrorMessageId"]) == (404, "OMAG-MULTI-TENANT-404-001")
    assert answer["exceptionProperties"] == {"parameterName": "serverName"}


def test_no_enterprise_services(client: Client) -> None:
    answer = client.post("/enterprise/instances/entity/g1")
    assert (answer["relatedHTTPCode"], answer["exceptionErrorMessageId"]) == (503, "OMRS-REST-API-503-002")
    assert client.http.post(BASE + "/enterprise/instances/entities/reference-copy", content=b"{}").status_code == 404


def test_a_token_is_asked_for(guarded: Client) -> None:
    assert guarded.http.post(BASE + "/metadata-collection-id").status_code == 401
    assert guarded.http.post(BASE + "/metadata-collection-id", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert guarded.http.post(BASE + "/metadata-collection-id", headers={"authorization": "Bearer secret"}).status_code == 200


def test_a_find_that_takes_too_long(hurried: Client) -> None:
    one, two = hurried.table("g1", "a"), hurried.table("g2", "b")
    hurried.put(one, two, hurried.link("r1", one, two))
    for path, query in (
        ("/instances/entities/by-property-value", {"searchCriteria": "[ab]"}),
        ("/instances/relationships/by-property-value", {"searchCriteria": "[ab]"}),
        ("/instances/entity/g1/relationships", {}),
        ("/instances/entities/from-entity/g1/by-neighborhood", {"level": "2"}),
    ):
        answer = hurried.post(path, {}, **query)
        assert (answer["relatedHTTPCode"], answer["exceptionErrorMessageId"]) == (408, "OMRS-REPOSITORY-408-001"), path
        assert answer["exceptionClassName"] == E + "RepositoryErrorException"
    assert hurried.post("/instances/entity/g1")["entity"]["guid"] == "g1"


def test_limits(guarded: Client) -> None:
    guarded.http.headers["authorization"] = "Bearer secret"
    guarded.put(*(guarded.table(f"g{at}", "x") for at in range(3)))
    assert guids(guarded.post("/instances/entities", {"pageSize": 2}), "entities") == ["g0", "g1"]
    for page_size in (0, 3):
        answer = guarded.post("/instances/entities", {"pageSize": page_size})
        assert (answer["exceptionClassName"], answer["exceptionProperties"]) == (E + "PagingErrorException", {"parameterName": "paging"})
    assert guarded.http.post(BASE + "/instances/entities", content=b" " * 3000).status_code == 413


def test_a_member_of_a_cohort_up_to_5_speaks_its_dialect(client_of_4: Client) -> None:
    client_of_4.put(client_of_4.table("g1", "retail.orders"))
    by_property = {"class": "EntityPropertyFindRequest", "matchCriteria": "ALL", "matchProperties": props(r"retail\.ord.*")}
    assert guids(client_of_4.post("/instances/entities/by-property", by_property), "entities") == ["g1"]
    answer = client_of_4.post("/instances/entities/by-property", {"matchCriteria": "ALL"})
    assert answer["exceptionClassName"] == E + "InvalidParameterException"
    assert "exceptionSubclassName" not in answer
