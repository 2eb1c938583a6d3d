"""The enterprise view of a running worker over another one: two real processes, their registrations, and HTTP between them."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.worker import WorkerProcess, member_config

OURS, THEIRS = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01", "8b1f6c52-0d3e-4a7b-9c55-1e2d3c4b5a02"
ASSET = "896d14c2-7522-4f6c-8519-757711943fe6"
SECONDS = 40
Json = dict[str, object]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[WorkerProcess, WorkerProcess]]:
    """Ours federates; theirs has registered the address at which it is."""
    port = free_port()
    with EmbeddedBroker() as broker:
        ours_config = member_config(
            "ours",
            cohort="ent",
            bootstrap=broker.bootstrap,
            collection_id=OURS,
            enterprise={"enabled": True, "member_seconds": 5},
        )
        theirs_config = member_config(
            "theirs",
            cohort="ent",
            bootstrap=broker.bootstrap,
            collection_id=THEIRS,
            http={"port": port},
            registration={"connection": "plain", "address": f"http://127.0.0.1:{port}/servers/theirs"},
        )
        with WorkerProcess(tmp_path / "ours", ours_config) as ours, WorkerProcess(tmp_path / "theirs", theirs_config) as theirs:
            theirs.start()
            ours.start()
            ours.wait_until(lambda: ours.ready and THEIRS in members(ours), SECONDS, "it knows the other member")
            theirs.wait_until(lambda: theirs.ready, SECONDS, "it is ready")
            yield ours, theirs


def members(worker: WorkerProcess) -> list[str]:
    return worker.look(lambda reader: [row.metadata_collection_id for row in reader.members()], [])


def post(worker: WorkerProcess, path: str, body: Json) -> Json:
    url = f"{worker.url}/servers/{worker.directory.name}/open-metadata/repository-services/users/peter{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        told: Json = json.load(answer)
    return told


def create(name: str) -> Json:
    value = {
        "class": "PrimitivePropertyValue",
        "instancePropertyCategory": "PRIMITIVE",
        "typeName": "string",
        "primitiveDefCategory": "OM_PRIMITIVE_TYPE_STRING",
        "primitiveValue": name,
    }
    properties = {"class": "InstanceProperties", "instanceProperties": {"qualifiedName": value}}
    return {"class": "EntityCreateRequest", "entityTypeGUID": ASSET, "initialProperties": properties}


def has(worker: WorkerProcess, guid: str) -> bool:
    return worker.look(lambda reader: guid in reader.instances((guid,)), False)


def test_what_only_the_other_process_has(pair: tuple[WorkerProcess, WorkerProcess]) -> None:
    """It sends nothing while it is disconnected, so that ours can have what it has from nowhere but its REST API."""
    ours, theirs = pair
    status, text = theirs.page("/servers/theirs/open-metadata/repository-services/metadata-highway/cohorts/ent/disconnect")
    assert (status, json.loads(text)["flag"]) == (200, True)
    guid = post(theirs, "/instances/entity", create("theirs"))["entity"]["guid"]
    assert post(ours, f"/instances/entity/{guid}", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-002"
    assert post(ours, f"/enterprise/instances/entity/{guid}", {})["entity"]["metadataCollectionId"] == THEIRS
    own = post(ours, "/enterprise/instances/entity", create("ours"))["entity"]["guid"]
    found = post(ours, "/enterprise/instances/entities", {"typeGUID": ASSET, "sequencingOrder": "CREATION_DATE_OLDEST"})
    assert [each["guid"] for each in found["entities"]] == [guid, own]
    kind = {"class": "TypeDefValidationForRequest", "typeDefGUID": ASSET, "typeDefName": "Asset"}
    assert post(ours, f"/enterprise/instances/entity/{guid}/delete", kind)["entity"]["status"] == "DELETED"
    assert post(theirs, f"/instances/entity/{guid}", {})["exceptionErrorMessageId"] == "OMRS-REPOSITORY-404-013"
    assert post(theirs, "/enterprise/instances/entity/x", {})["exceptionErrorMessageId"] == "OMRS-REST-API-503-002"


def test_what_was_found_comes_here_and_a_killed_member_is_left_out(pair: tuple[WorkerProcess, WorkerProcess]) -> None:
    ours, theirs = pair
    theirs.page("/servers/theirs/open-metadata/repository-services/metadata-highway/cohorts/ent/disconnect")
    guid = post(theirs, "/instances/entity", create("theirs"))["entity"]["guid"]
    assert len(post(ours, "/enterprise/instances/entities", {})["entities"]) == 1
    assert not has(ours, guid)
    theirs.page("/servers/theirs/open-metadata/repository-services/metadata-highway/cohorts/ent/connect")
    ours.wait_until(lambda: has(ours, guid), SECONDS, "a copy has come")
    theirs.kill()
    for _ in range(3):
        assert post(ours, f"/enterprise/instances/entity/{guid}", {})["entity"]["guid"] == guid
    assert len(ours.logged("left out of federated queries")) == 1
    own = post(ours, "/enterprise/instances/entity", create("ours"))["entity"]
    assert own["metadataCollectionId"] == OURS
