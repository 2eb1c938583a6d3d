"""Every operation of the OpenAPI document with made-up requests, for a bounded time: no server error, every answer as the document says, and a sound store.

What is made up comes from the document (schemathesis) and is then bent towards what exists, so that much of it gets beyond the first check. COHORT_SYNC_SEED
runs it again, COHORT_SYNC_FUZZ_SECONDS sets the time.
"""

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx2
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from omrs_client import Client, guids, strings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from served import MEMBER, serve

from cohort_sync.api.omrs.openapi import openapi_document
from cohort_sync.api.omrs.operations import OPERATIONS
from cohort_sync.enterprise.enterprise import Enterprise
from cohort_sync.enterprise.members import RemoteMembers
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.exceptions import WireRelease
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import Kind
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.store.stored import entity_of, proxy_of, relationship_of

SECONDS = float(os.environ.get("COHORT_SYNC_FUZZ_SECONDS", "40"))
EXAMPLES = 3
"""For an operation, each time it has its turn."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
UNEXPECTED, NULL_BODY = "OMAG-COMMON-400-016", "java.lang.NullPointerException"
"""How a fault of ours is told; a body that is null where Java fails on it is answered as Java answers it."""
TYPES = ("RelationalTable", "GlossaryTerm", "DataFlow", "SemanticAssignment", "Confidentiality", "Retention", "Asset")


OPERATION_AT = {(verb, path): operation for operation in OPERATIONS for path in operation.paths for verb in operation.verbs}
TYPE_GUIDS = {"typeDefGUID", "typeGUID", "entityTypeGUID", "relationshipTypeGUID", "subtypeGUIDs", "entityTypeGUIDs", "relationshipTypeGUIDs"}
NAMES = {"typeDefName", "classificationName", "limitResultsByClassification"}
COLLECTIONS = {"metadataCollectionId", "homeMetadataCollectionId", "newHomeMetadataCollectionId", "replicatedBy"}
PROPERTIES = {"initialProperties", "instanceProperties", "properties", "classificationProperties", "uniqueProperties"}


class Bending:
    """Puts what exists into the places of a made-up request where it belongs, more often than not."""

    def __init__(self, client: Client, chance: random.Random) -> None:
        self._chance = chance
        self._types = [client.registry.instance_type(name) for name in TYPES]
        self.instances = ["g1", "g2", "g3", "r1"]

    def request(self, case: schemathesis.Case) -> None:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = {"serverName": "retail-proxy", "userId": "peter"}.get(name) or self._word(name, case.path_parameters[name])
        for name in list(case.query or {}):
            case.query[name] = self._word(name, case.query[name])
        if isinstance(case.body, dict):
            bean = OPERATION_AT[case.method, case.path].request
            missing = [name for field in msgspec.structs.fields(bean) if (name := field.encode_name) not in case.body and self._is_filled(name)]
            case.body = self._bent({**case.body, **dict.fromkeys(missing)})

    def _is_filled(self, name: str) -> bool:
        return name in TYPE_GUIDS | NAMES | COLLECTIONS | PROPERTIES or name.lower().endswith("guid")

    def _bent(self, value: object, name: str = "", within: str = "") -> object:
        if name in PROPERTIES and within not in PROPERTIES | {"matchProperties", "arrayValues"} and self._chance.random() < 0.75:
            return msgspec.json.decode(msgspec.json.encode(strings(qualifiedName=f"name {self._chance.randrange(5)}")))
        if isinstance(value, dict):
            return {key: self._bent(each, key, name) for key, each in value.items()}
        if isinstance(value, list):
            return [self._bent(each, name) for each in value]
        if value is None and name.endswith(("GUIDs", "Classification")):
            return [self._word(name, "")] if self._chance.random() < 0.5 else None
        return self._word(name, value) if isinstance(value, str) or value is None else value

    def _word(self, name: str, value: object) -> object:
        if self._chance.random() < 0.2:
            return value
        kind = self._chance.choice(self._types)
        if name in TYPE_GUIDS:
            return kind.type_def_guid
        if name in NAMES:
            return kind.type_def_name
        if name in COLLECTIONS:
            return self._chance.choice(["mc-local", "mc-peer"])
        return self._chance.choice(self.instances) if name.lower().endswith(("guid", "guids")) else value


@pytest.mark.timeout(240)
def test_made_up_requests(tmp_path: Path, packs: dict[str, TypeRegistry], seed_of_run: int) -> None:
    chance = random.Random(seed_of_run)
    release = chance.choice(sorted(packs))
    operations = [each.ok() for each in schemathesis.openapi.from_dict(openapi_document("1.0")).get_all_operations()]
    chance.shuffle(operations)
    path = tmp_path / "store.db"
    store = SqliteStore(path)
    remote = RemoteMembers(store, httpx2.AsyncClient(), release=lambda: WireRelease.FROM_6, seconds=1.0)
    for client in serve(store, packs[release], enterprise=Enterprise(remote).handle):
        one, two, three = (client.table(f"g{number}", f"table {number}") for number in (1, 2, 3))
        client.put(one, two, three, client.link("r1", one, two))
        client.join("mc-peer")
        bending, codes, faults = Bending(client, chance), Counter[object](), list[str]()
        end = time.monotonic() + SECONDS
        for turn in range(1_000_000):
            if turn >= len(operations) and time.monotonic() > end:
                break
            fuzz(client, operations[turn % len(operations)], seed_of_run + turn, bending, codes, faults)
        assert not faults, f"{len(faults)} faults at a {release} member, COHORT_SYNC_SEED={seed_of_run}:\n" + "\n\n".join(faults[:5])
        assert codes[200] > sum(codes.values()) / 10, f"much of it has to succeed: {codes}"
        check_store(client)
    assert sqlite3.connect(path).execute("pragma integrity_check").fetchone() == ("ok",)
    print(f"{sum(codes.values())} requests, {turn} turns of {len(operations)} operations; relatedHTTPCode: {dict(codes.most_common())}")


def fuzz(client: Client, operation: schemathesis.APIOperation, number: int, bending: Bending, codes: Counter[object], faults: list[str]) -> None:
    """A few requests of one operation. Faults are collected: a request that changed something cannot be tried again."""

    def one(case: schemathesis.Case) -> None:
        bending.request(case)
        arguments = case.as_transport_kwargs(base_url="http://testserver")
        answer = client.http.request(
            arguments["method"], quote(arguments["url"], safe="%/:"), params=arguments.get("params"), headers=dict(arguments["headers"]), content=body_of(case)
        )
        told = f"{case.method} {case.formatted_path} {case.query}\nbody: {body_of(case)!r}\nanswer {answer.status_code}: {answer.text[:2000]}"
        try:
            case.validate_response(answer, checks=CHECKS)
        except Exception as problem:
            faults.append(f"{problem}\n{told}")
        if answer.status_code != 200:
            codes[f"HTTP {answer.status_code}"] += 1
            return
        body = answer.json()
        codes[body["relatedHTTPCode"]] += 1
        if body.get("exceptionErrorMessageId") == UNEXPECTED and NULL_BODY not in body["exceptionErrorMessageParameters"]:
            faults.append(told)
        for key in ("entity", "relationship"):
            made = body.get(key)
            if made and made["guid"] not in bending.instances and len(bending.instances) < 50:
                bending.instances.append(made["guid"])

    run: Callable[[], None] = seed(number)(
        settings(max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))(
            given(case=operation.as_strategy())(one)
        )
    )
    run()


def body_of(case: schemathesis.Case) -> bytes:
    return b"" if isinstance(case.body, schemathesis.core.NotSet) else msgspec.json.encode(case.body)


def check_store(client: Client) -> None:
    """Everything that is stored can be read, belongs together, and is found; everything that is to be sent is an event."""

    def look(reader: Reader) -> set[str]:
        live = set()
        rows = {row.guid: row for row in reader.scan()}
        for row in rows.values():
            classifications = reader.classifications((row.guid,)).get(row.guid, [])
            bean = {Kind.ENTITY: entity_of, Kind.PROXY: proxy_of}.get(Kind(row.kind), lambda row, _: relationship_of(row))(row, classifications)
            assert isinstance(bean, EntityDetail | EntityProxy | Relationship)
            assert bean.guid == row.guid
            assert row.version >= 0, row
            assert row.home, row
            if row.kind == Kind.ENTITY and row.status != "DELETED":
                live.add(row.guid)
        for home in reader.homes():
            for classification in reader.classifications_homed(home):
                assert classification.entity_guid in rows, classification
        for sent in reader.outbox(1_000_000):
            assert decode_event(sent.value) is not None
        return live

    live = client.read(look)
    assert set(guids(client.post("/instances/entities", {"class": "EntityFindRequest"}), "entities")) == live
    assert client.post("/metadata-collection-id")["metadataCollectionId"] == MEMBER.metadata_collection_id
