"""How other members are called and understood, without calling them; and which connections can be used."""

import json

import pytest
from msgspec.structs import replace as changed

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs.operations import REPOSITORY
from cohort_sync.api.omrs.responses import EntityDetailResponse, OMRSResponse
from cohort_sync.enterprise.dialect import BadAnswer, answer_of, written
from cohort_sync.enterprise.member import Question
from cohort_sync.ocf.broker import NoConnector, RestRepository, repository_connector
from cohort_sync.ocf.connections_out import ConnectionMode, registration_connection, topic_connection
from cohort_sync.omrs.connections import Connection, Endpoint
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, WireRelease
from cohort_sync.omrs.instances import EntityProxy

NEW, OLD = WireRelease.FROM_6, WireRelease.UP_TO_5
BELOW = "/open-metadata/repository-services/users/peter%20pan"
E = "org.odpi.openmetadata.repositoryservices.ffdc.exception."


def question(name: str, request: req.OMRSRequest | None = None, path: dict[str, str] | None = None, **query: str) -> Question:
    operation = next(each for each in REPOSITORY if each.name == name)
    return Question(operation=operation, path=path or {}, query=query, request=request or operation.request(), user="peter pan")


def test_a_read_in_both_generations() -> None:
    asked = question("getEntityDetail", path={"guid": "a/b?c"})
    new, old = written(asked, NEW), written(asked, OLD)
    assert new.path == old.path == f"{BELOW}/instances/entity/a%2Fb%3Fc"
    assert (new.verb, json.loads(new.body)) == ("POST", {"class": "GetRequest"})
    assert (old.verb, old.body) == ("GET", b"")


def test_a_request_carries_its_class() -> None:
    call = written(question("findEntities", req.EntityFindRequest(type_guid="t", page_size=3, request_id="r")), NEW)
    assert json.loads(call.body) == {"class": "EntityFindRequest", "typeGUID": "t", "pageSize": 3, "requestId": "r"}


def test_bare_beans_up_to_5() -> None:
    asked = question("addEntityProxy", req.EntityProxyRequest(entity=EntityProxy(guid="g")))
    assert json.loads(written(asked, OLD).body)["guid"] == "g"
    assert json.loads(written(asked, NEW).body)["entity"]["guid"] == "g"
    status = question("findTypeDefsByProperty", req.TypeDefPropertiesRequest(type_def_properties=req.TypeDefProperties(type_def_properties={"a": 1})))
    old = written(status, OLD)
    assert (old.verb, json.loads(old.body)) == ("GET", {"typeDefProperties": {"a": 1}})


@pytest.mark.parametrize(
    ("given", "new", "old"),
    [
        ({"searchString": "a.b"}, {"searchString": "a.b"}, {"searchCriteria": r".*\Qa.b\E.*"}),
        (
            {"searchString": "a", "startsWith": "true", "endsWith": "false", "ignoreCase": "true"},
            {"searchString": "a", "startsWith": "true", "endsWith": "false", "ignoreCase": "true"},
            {"searchCriteria": r"(?i)\Qa\E.*"},
        ),
        ({"searchString": r"a\Eb", "startsWith": "true", "endsWith": "true"}, None, {"searchCriteria": r"\Qa\E\\E\Qb\E"}),
        ({"searchCriteria": "a|b"}, {"searchString": "a|b"}, {"searchCriteria": "a|b"}),
        ({}, {}, {}),
    ],
)
def test_what_is_searched_for(given: dict[str, str], new: dict[str, str] | None, old: dict[str, str]) -> None:
    asked = question("findEntitiesByPropertyValue", **given)
    assert written(asked, NEW).query == (new if new is not None else given)
    assert written(asked, OLD).query == old
    assert written(question("searchForTypeDefs", searchCriteria="a.*"), NEW).query == {"searchCriteria": "a.*"}


def test_only_parameters_of_the_operation_are_passed_on() -> None:
    asked = question("getEntityNeighborhood", path={"entityGUID": "g"}, level="2", token="secret")
    assert written(asked, OLD).query == {"level": "2"}


def answered(**fields: object) -> OMRSResponse:
    return answer_of(question("getEntityDetail"), json.dumps({"class": "EntityDetailResponse", **fields}).encode())


def test_an_answer_as_java_writes_it() -> None:
    told = answered(relatedHTTPCode=200, entity={"class": "EntityDetail", "guid": "g", "createTime": "2026-06-01T10:00:00.000+00:00", "unknown": None})
    assert isinstance(told, EntityDetailResponse)
    assert told.entity is not None
    assert (told.entity.guid, told.entity.create_time) == ("g", 1780308000000)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b'{"class":"VoidResponse"}', b"\xff", b'{"entity":[]}', b'{"a":' * 100_000])
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(BadAnswer, match="EntityDetailResponse"):
        answer_of(question("getEntityDetail"), data)


def test_what_a_member_throws_is_thrown_here() -> None:
    """The precise class, also where Java's servers tell the base class only beside it; the message as ours has it."""
    with pytest.raises(OMRSException) as unknown:
        answered(
            relatedHTTPCode=404,
            exceptionClassName=E + "EntityNotKnownException",
            actionDescription="getEntityDetail",
            exceptionErrorMessageId="OMRS-REPOSITORY-404-002",
            exceptionErrorMessageParameters=["g", "getEntityDetail", "theirs"],
        )
    assert (unknown.value.kind, unknown.value.parameters) == (Kind.ENTITY_NOT_KNOWN, ("g", "getEntityDetail", "theirs"))
    with pytest.raises(OMRSException) as flat:
        answered(
            relatedHTTPCode=501,
            exceptionClassName="org.odpi.openmetadata.frameworks.openmetadata.ffdc.PropertyServerException",
            exceptionSubclassName=E + "FunctionNotSupportedException",
        )
    assert flat.value.kind is Kind.FUNCTION_NOT_SUPPORTED
    with pytest.raises(OMRSException) as strange:
        answered(relatedHTTPCode=500, exceptionClassName="java.lang.Oops", exceptionErrorMessageId="X-1", exceptionErrorMessage="X-1 went wrong")
    assert strange.value.kind is Kind.REPOSITORY_ERROR
    assert "X-1 went wrong" in str(strange.value)


# ------------------------------------------------------------ connections

ADDRESS = "https://host:9443/servers/theirs"


@pytest.mark.parametrize("mode", [ConnectionMode.PLAIN, ConnectionMode.VIRTUAL])
def test_both_forms_of_our_own_registrations_can_be_used(mode: ConnectionMode) -> None:
    assert repository_connector(registration_connection(mode, release="6.1", address=ADDRESS + "/")) == RestRepository(ADDRESS)


def test_credentials_of_a_connection() -> None:
    plain = registration_connection(ConnectionMode.PLAIN, release="4.2", address=ADDRESS)
    assert isinstance(plain, Connection)
    with_user = changed(plain, user_id="peter", clear_password="pan")
    assert repository_connector(with_user) == RestRepository(ADDRESS, "peter", "pan")


@pytest.mark.parametrize("address", ["", "host:9443", "file:///etc/passwd", "https://", "http://host:99999/", "http://host/a?b=c", "http://[::1/"])
def test_an_address_that_cannot_be_called(address: str) -> None:
    plain = registration_connection(ConnectionMode.PLAIN, release="4.2", address=ADDRESS)
    assert isinstance(plain, Connection)
    refused = repository_connector(changed(plain, endpoint=Endpoint(address=address)))
    assert isinstance(refused, NoConnector)
    assert "expected a URL" in refused.reason


def test_a_connection_that_asks_for_something_else() -> None:
    assert isinstance(repository_connector(None), NoConnector)
    assert "KafkaOpenMetadataTopicProvider" in getattr(repository_connector(topic_connection("t")), "reason", "")
    assert isinstance(repository_connector(Connection()), NoConnector)
