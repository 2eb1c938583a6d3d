"""Cohorts, audit log and platform over HTTP (spec repository-rest-api 13 to 15)."""

import logging
from collections.abc import Iterator

import pytest
from omrs_client import BASE, Client
from served import MEMBER, serve

from cohort_sync.api.omrs.responses_around import CohortConnectionStatus, CohortDescription
from cohort_sync.api.omrs.surroundings import Surroundings
from cohort_sync.cohort.registry_store import MemberRegistration, local_registration
from cohort_sync.observe.severities import SeverityCounts
from cohort_sync.ocf.connections_out import topic_connection
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.memory import MemoryStore

SERVER = "/servers/retail-proxy/open-metadata/repository-services"
PLATFORM = "/open-metadata/platform-services/server-platform"
F = "org.odpi.openmetadata.frameworks.openmetadata.ffdc."
E = "org.odpi.openmetadata.repositoryservices.ffdc.exception."


class OneCohort:
    """A highway with one cohort, which remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def cohorts(self) -> list[CohortDescription]:
        topic = topic_connection("t.registration")
        return [CohortDescription(cohort_name="retail", connection_status=CohortConnectionStatus.CONNECTED, registration_topic_connection=topic)]

    async def local_registration(self, cohort: str | None = None) -> MemberRegistration | None:
        return local_registration(MEMBER, None, None if cohort is None else 1_700_000_000_000) if cohort in (None, "retail") else None

    async def remote_members(self, cohort: str) -> list[MemberRegistration]:
        return [MemberRegistration(metadata_collection_id="mc-peer", server_name="peer")] if cohort == "retail" else []

    async def connect(self, cohort: str) -> bool:
        return self._does("connect", cohort)

    async def disconnect(self, cohort: str) -> bool:
        return self._does("disconnect", cohort)

    async def unregister(self, cohort: str) -> bool:
        return self._does("unregister", cohort)

    def _does(self, what: str, cohort: str) -> bool:
        if cohort == "retail":
            self.told.append(what)
        return cohort == "retail"


@pytest.fixture
def highway() -> OneCohort:
    return OneCohort()


@pytest.fixture
def logged() -> SeverityCounts:
    return SeverityCounts()


@pytest.fixture
def member(packs: dict[str, TypeRegistry], highway: OneCohort, logged: SeverityCounts) -> Iterator[Client]:
    surroundings = Surroundings(highway=highway, audit_log=logged, started_at=1_700_000_000_000)
    yield from serve(MemoryStore(), packs["6.1"], surroundings=surroundings)


def get(client: Client, path: str) -> dict[str, object]:
    answer = client.http.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    body.pop("requestId", None)
    return body


@pytest.mark.parametrize("root", [SERVER, BASE])
def test_the_cohorts_are_told_in_both_forms(member: Client, root: str) -> None:
    cohorts = get(member, f"{root}/metadata-highway/cohort-descriptions")
    assert (cohorts["class"], cohorts["relatedHTTPCode"]) == ("CohortListResponse", 200)
    (cohort,) = cohorts["cohorts"]
    assert (cohort["class"], cohort["cohortName"], cohort["connectionStatus"]) == ("CohortDescription", "retail", "CONNECTED")
    assert cohort["registrationTopicConnection"]["endpoint"]["address"] == "t.registration"
    ours = get(member, f"{root}/metadata-highway/cohorts/retail/local-registration")["cohortMember"]
    assert (ours["metadataCollectionId"], ours["serverName"], ours["registrationTime"]) == ("mc-local", "retail-proxy", 1_700_000_000_000)
    assert "registrationTime" not in get(member, f"{root}/metadata-highway/local-registration")["cohortMember"]
    theirs = get(member, f"{root}/metadata-highway/cohorts/retail/remote-members")["cohortMembers"]
    assert [one["metadataCollectionId"] for one in theirs] == ["mc-peer"]


def test_a_cohort_that_we_do_not_belong_to_is_no_error(member: Client, highway: OneCohort) -> None:
    assert "cohortMember" not in get(member, f"{SERVER}/metadata-highway/cohorts/other/local-registration")
    assert "cohortMembers" not in get(member, f"{SERVER}/metadata-highway/cohorts/other/remote-members")
    for what in ("connect", "disconnect", "unregister"):
        assert get(member, f"{SERVER}/metadata-highway/cohorts/other/{what}")["flag"] is False
        assert get(member, f"{SERVER}/metadata-highway/cohorts/retail/{what}")["flag"] is True
    assert highway.told == ["connect", "disconnect", "unregister"]


def test_an_answer_is_never_kept_on_the_way(member: Client) -> None:
    assert member.http.get(f"{SERVER}/metadata-highway/cohorts/retail/connect").headers["cache-control"] == "no-store"


def test_a_web_page_of_somebody_else_changes_nothing(member: Client, highway: OneCohort) -> None:
    path = f"{SERVER}/metadata-highway/cohorts/retail/unregister"
    assert member.http.get(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert member.http.head(path).status_code == 405
    assert highway.told == []
    assert member.http.get(path, headers={"sec-fetch-site": "none"}).status_code == 200


def test_a_server_without_cohorts_says_so(client: Client) -> None:
    answer = get(client, f"{SERVER}/metadata-highway/cohort-descriptions")
    assert (answer["relatedHTTPCode"], answer["exceptionErrorMessageId"]) == (503, "OMRS-REST-API-503-003")
    assert answer["exceptionClassName"] == E + "RepositoryErrorException"
    assert "exceptionSubclassName" not in answer


def test_the_server_name_counts(member: Client) -> None:
    answer = get(member, "/servers/other/open-metadata/repository-services/metadata-highway/cohort-descriptions")
    assert (answer["exceptionClassName"], answer["exceptionErrorMessageId"]) == (F + "InvalidParameterException", "OMAG-MULTI-TENANT-404-001")


def test_what_is_logged_is_counted(member: Client, logged: SeverityCounts) -> None:
    quiet = get(member, f"{SERVER}/audit-log/report")["report"]
    assert "severityCount" not in quiet
    assert quiet["originatorProperties"]["metadataCollectionId"] == "mc-local"
    for level, number in ((logging.INFO, 3), (logging.WARNING, 2), (logging.ERROR, 1), (logging.CRITICAL, 1)):
        for _ in range(number):
            logged.handle(logging.LogRecord("cohort_sync.here", level, "file", 1, "a password", None, None))
    report = get(member, f"{SERVER}/audit-log/report")["report"]
    assert report["severityCount"] == {"1": 3, "4": 2, "5": 1, "6": 1}
    assert report["severityIdentification"]["5"] == ["cohort_sync.here"]
    assert report["destinationsReport"]["logStoreReports"][0]["supportedSeverities"] == ["Information", "Action", "Error", "Exception"]
    assert "a password" not in str(report)
    severities = get(member, f"{BASE}/audit-log/severity-definitions")["severities"]
    assert [one["ordinal"] for one in severities] == list(range(16))
    assert severities[12]["name"] == "Cohort"


def test_reads_without_a_user_up_to_5(client: Client) -> None:
    client.put(client.table("g1", "a"))
    assert get(client, f"{SERVER}/metadata-collection-id")["metadataCollectionId"] == "mc-local"
    assert get(client, f"{SERVER}/instances/entity/g1")["entity"]["guid"] == "g1"
    assert get(client, f"{SERVER}/instances/relationship/no")["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-011"
    assert client.http.post(f"{SERVER}/instances/entity/g1", content=b"{}").status_code == 405


def test_the_platform_is_this_server(member: Client) -> None:
    assert member.http.get(f"{PLATFORM}/origin").text.startswith("cohort-sync ")
    assert get(member, f"{PLATFORM}/start-time")["dateValue"] == 1_700_000_000_000
    for path in ("/servers", "/servers/active"):
        assert get(member, PLATFORM + path)["serverList"] == ["retail-proxy"]
    assert get(member, f"{PLATFORM}/servers/retail-proxy/is-known")["flag"] is True
    assert get(member, f"{PLATFORM}/servers/other/is-known")["flag"] is False
    status = get(member, f"{PLATFORM}/servers/retail-proxy/status")
    assert (status["active"], status["serverStartTime"]) == (True, 1_700_000_000_000)
    assert get(member, f"{PLATFORM}/servers/other/status")["exceptionErrorMessageId"] == "OMAG-MULTI-TENANT-404-001"
    running = get(member, "/open-metadata/server-operations/servers/retail-proxy/instance/status")
    assert running["class"] == "OMAGServerStatusResponse"
    assert running["serverStatus"]["serverActiveStatus"] == "RUNNING"
    assert "services" not in get(member, f"{PLATFORM}/registered-services/access-services")


def test_what_is_not_ours_is_refused_for_good(member: Client) -> None:
    answer = member.http.delete(f"{PLATFORM}/servers/retail-proxy/instance").json()
    assert (answer["relatedHTTPCode"], answer["exceptionClassName"]) == (501, E + "FunctionNotSupportedException")
    file = member.http.post("/open-metadata/server-operations/servers/retail-proxy/instance/open-metadata-archives/file", content=b"a.omarchive").json()
    assert file["exceptionErrorMessageParameters"][0] == "addArchiveFile"
    assert get(member, f"{PLATFORM}/servers")["serverList"] == ["retail-proxy"]


def test_a_token_is_got_for_the_password(guarded: Client) -> None:
    assert guarded.http.get(f"{PLATFORM}/servers").status_code == 401
    assert guarded.http.get(f"{PLATFORM}/origin").status_code == 200
    assert guarded.http.post("/api/token", json={"userId": "peter", "password": "wrong"}).status_code == 401
    assert guarded.http.post("/api/token", content=b"\xff").status_code == 400
    token = guarded.http.post("/servers/retail-proxy/api/token", json={"userId": "peter", "password": "secret"}).text
    answer = guarded.http.get(f"{PLATFORM}/servers", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["serverList"] == ["retail-proxy"]
