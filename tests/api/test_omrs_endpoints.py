"""The table of operations against the complete lists of the endpoints of both generations (tests/api/endpoints)."""

import re
from pathlib import Path

import pytest
from omrs_client import Client

from cohort_sync.api.omrs.operations import OPERATIONS

LISTS = Path(__file__).parent / "endpoints"
PLAIN = {
    "GET /open-metadata/platform-services/server-platform/origin",
    "GET /api/about",
    "GET /api/public/app/info",
    "POST /api/token",
    "GET /api/token/logout",
    "POST /servers/{}/api/token",
    "GET /servers/{}/api/token/logout",
}
"""Pages that are no operations: plain text, or needed by who has no token yet."""


def shape(endpoint: str) -> str:
    """Names of variables do not matter."""
    return re.sub(r"{\w+}", "{}", endpoint)


def listed(release: str) -> set[str]:
    lines = (LISTS / f"egeria-{release}.txt").read_text().splitlines()
    return {shape(line) for line in lines if not line.startswith("#")}


def served() -> set[str]:
    return {shape(f"{verb} {path}") for operation in OPERATIONS for path in operation.paths for verb in operation.verbs}


def test_the_lists_are_whole() -> None:
    """99 local operations up to 5.x, 68 of them enterprise; 92 and 63 in 6.x; the rest is around them."""
    for release, local, enterprise in (("4.2", 99, 68), ("6.1", 92, 63)):
        users = [each for each in listed(release) if "/users/{}/" in each and "metadata-highway" not in each and "audit-log" not in each]
        federated = [each for each in users if "/enterprise/" in each and not each.endswith("remote-topic-connection")]
        assert (len([each for each in users if "/enterprise/" not in each]), len(federated)) == (local, enterprise)


@pytest.mark.parametrize("release", ["4.2", "6.1"])
def test_every_endpoint_is_in_the_table(release: str) -> None:
    assert listed(release) - served() - PLAIN == set()


def test_nothing_is_in_the_table_that_no_release_has() -> None:
    """But for these: in 6.x every read is a POST, so what only releases up to 5.x have is the one form there is, and the other way round."""
    extra = served() - listed("4.2") - listed("6.1")
    up_to_5 = {shape(f"POST {path}") for each in OPERATIONS if each.up_to_5_only for path in each.paths}
    assert extra - up_to_5 == set()


def test_every_endpoint_is_reached(client: Client) -> None:
    """No endpoint is answered as a path or a verb that is not there."""
    for endpoint in sorted(listed("4.2") | listed("6.1")):
        verb, path = endpoint.split()
        whole = path.replace("/servers/{}", "/servers/retail-proxy").replace("/users/{}", "/users/peter").replace("{}", "x")
        answer = client.http.request(verb, whole, content=b"{}")
        assert answer.status_code not in (404, 405), endpoint
        if answer.status_code == 400 and shape(endpoint) not in PLAIN:
            assert "query parameter" in answer.text, (endpoint, answer.text)
