"""The metadata highway of a running worker: what the REST API shows of the cohort, and what it does to it."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cohort_sync.testing import EmbeddedBroker
from cohort_sync.testing.worker import WorkerProcess, member_config

OURS, THEIRS = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01", "8b1f6c52-0d3e-4a7b-9c55-1e2d3c4b5a02"
SECONDS = 40


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[WorkerProcess, WorkerProcess]]:
    """Two members of one cohort, ready, each knowing the other."""

    def member(name: str, collection: str) -> WorkerProcess:
        return WorkerProcess(tmp_path / name, member_config(name, cohort="hw", bootstrap=broker.bootstrap, collection_id=collection))

    with EmbeddedBroker() as broker, member("ours", OURS) as ours, member("theirs", THEIRS) as theirs:
        ours.start()
        theirs.start()
        for one, other in ((ours, THEIRS), (theirs, OURS)):
            one.wait_until(lambda one=one, other=other: one.ready and other in members(one), SECONDS, "it knows the other member")
        yield ours, theirs


def ask(worker: WorkerProcess, path: str) -> dict[str, object]:
    status, text = worker.page(f"/servers/{worker.directory.name}/open-metadata/repository-services/metadata-highway{path}")
    assert status == 200, text
    answer: dict[str, object] = json.loads(text)
    assert answer["relatedHTTPCode"] == 200, answer
    return answer


def members(worker: WorkerProcess) -> list[str]:
    return worker.look(lambda reader: [row.metadata_collection_id for row in reader.members()], [])


def text(value: str) -> dict[str, str]:
    return {
        "class": "PrimitivePropertyValue",
        "instancePropertyCategory": "PRIMITIVE",
        "typeName": "string",
        "primitiveDefCategory": "OM_PRIMITIVE_TYPE_STRING",
        "primitiveValue": value,
    }


def announce(worker: WorkerProcess, name: str) -> str:
    """An entity that this member is the home of, made through REST."""
    body = {
        "class": "EntityCreateRequest",
        "entityTypeGUID": "896d14c2-7522-4f6c-8519-757711943fe6",
        "initialProperties": {"class": "InstanceProperties", "instanceProperties": {"qualifiedName": text(name)}},
    }
    url = f"{worker.url}/servers/{worker.directory.name}/open-metadata/repository-services/users/peter/instances/entity"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        told = json.load(answer)
    assert told["relatedHTTPCode"] == 200, told
    return str(told["entity"]["guid"])


def has(worker: WorkerProcess, guid: str) -> bool:
    return worker.look(lambda reader: guid in reader.instances((guid,)), False)


def test_the_cohort_is_shown(pair: tuple[WorkerProcess, WorkerProcess]) -> None:
    ours, _ = pair
    (cohort,) = ask(ours, "/cohort-descriptions")["cohorts"]
    assert (cohort["cohortName"], cohort["connectionStatus"]) == ("hw", "CONNECTED")
    assert ask(ours, "/cohorts/hw/local-registration")["cohortMember"]["registrationTime"] > 0
    assert [one["serverName"] for one in ask(ours, "/cohorts/hw/remote-members")["cohortMembers"]] == ["theirs"]


def test_nothing_is_exchanged_while_disconnected_and_everything_after(pair: tuple[WorkerProcess, WorkerProcess]) -> None:
    ours, theirs = pair
    assert ask(ours, "/cohorts/hw/disconnect")["flag"] is True
    assert ask(ours, "/cohort-descriptions")["cohorts"][0]["connectionStatus"] == "DISCONNECTED"
    ours.wait_until(lambda: not ours.ready, SECONDS, "readiness tells it")
    assert "disconnected" in ours.page("/readyz")[1]
    from_us, from_them = announce(ours, "ours"), announce(theirs, "theirs")
    theirs.wait_until(lambda: theirs.outbox_is_empty, SECONDS, "the other member has sent its entity")
    marker = announce(theirs, "marker")
    theirs.wait_until(lambda: theirs.outbox_is_empty and has(theirs, marker), SECONDS, "the other member has sent another")
    assert ours.outbox == 1
    assert not has(ours, from_them)
    assert ask(ours, "/cohorts/hw/connect")["flag"] is True
    ours.wait_until(lambda: ours.ready and has(ours, from_them) and has(ours, marker), SECONDS, "it has caught up")
    theirs.wait_until(lambda: has(theirs, from_us), SECONDS, "what waited is sent")
    assert members(ours) == [THEIRS]


def test_unregister_leaves_and_stops(pair: tuple[WorkerProcess, WorkerProcess]) -> None:
    ours, theirs = pair
    assert ask(ours, "/cohorts/hw/disconnect")["flag"] is True
    assert ask(ours, "/cohorts/hw/unregister")["flag"] is True
    assert ours.wait(SECONDS) == 0
    theirs.wait_until(lambda: OURS not in members(theirs), SECONDS, "the other member knows that we left")
