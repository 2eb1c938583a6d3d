"""The commands that look into the store: status, members, dlq."""

import asyncio
import base64
import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import Result

from cohort_sync.api.app import create_app
from cohort_sync.api.server import HttpServer
from cohort_sync.observe.health import Health
from cohort_sync.observe.metrics import Metrics
from cohort_sync.observe.status import PRESENCE_FACT, PartitionStatus, Presence, WorkerStatus
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import GapRow, OutboxRow
from cohort_sync.store.sqlite import SqliteStore

OURS = "3f0b1c9e-7a51-4f0a-9a53-1de2c4a6b001"
THEIRS = "8d6f0d54-2a0b-4c75-9d2e-0d6d4c5b7a02"

Script = Callable[..., subprocess.CompletedProcess[str]]


class Home(Protocol):
    """The fixture of conftest.py."""

    @property
    def config(self) -> os.PathLike[str]: ...
    @property
    def store(self) -> Path: ...
    def fill(self, writes: WriteSet) -> None: ...
    def run(self, *arguments: str) -> Result: ...
    def json(self, *arguments: str) -> object: ...


def leave_presence(home: Home, presence: Presence) -> None:
    writes = WriteSet()
    writes.facts = {PRESENCE_FACT: presence.encode()}
    home.fill(writes)


# ---------------------------------------------------------------- status


def test_status_of_a_store_without_a_worker(home: Home, script: Script) -> None:
    answer = script("status", "--config", str(home.config), "--json")
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert {key: report[key] for key in ("member", "metadataCollectionId", "cohort", "typeRelease", "outbox", "parked", "deadLetters", "members")} == {
        "member": "retail-proxy",
        "metadataCollectionId": OURS,
        "cohort": "coco",
        "typeRelease": "6.1",
        "outbox": 2,
        "parked": 1,
        "deadLetters": 3,
        "members": 2,
    }
    ours, theirs = report["homes"]
    assert ours == {
        "metadataCollectionId": OURS,
        "name": "retail-proxy",
        "ours": True,
        "entities": 3,
        "proxies": 0,
        "relationships": 1,
        "classifications": 1,
        "types": {
            "entities": {"Database": 1, "RelationalTable": 2},
            "proxies": {},
            "relationships": {"AttributeForSchema": 1},
            "classifications": {"Confidentiality": 1},
        },
    }
    assert (theirs["name"], theirs["ours"], theirs["entities"], theirs["proxies"]) == ("cocoMDS1", False, 1, 1)
    assert report["positions"] == [
        {"topic": "cohort.instances", "partition": 0, "nextOffset": 7, "endOffset": None, "lag": None, "topicId": "", "clusterId": "cluster"},
        {"topic": "retail", "partition": 0, "nextOffset": 20, "endOffset": None, "lag": None, "topicId": "tid", "clusterId": "cluster"},
    ]
    assert report["deadLetterCounts"] == [{"flow": "cohort", "stage": "decode", "count": 1}, {"flow": "retail", "stage": "decode", "count": 2}]
    assert report["halted"] == [{"source": "crm", "reason": "20 records in a row could not be used"}]
    assert [gap["answer"] for gap in report["gaps"]] == ["stopped", "resumed"]
    assert report["worker"]["state"] == "never"
    assert report["attention"] == [
        "no worker has used this store yet",
        "source crm is halted: 20 records in a row could not be used",
        "crm[0]: records 1 to 4 were gone; reading stopped there (worker.on_gap)",
        "retail[0]: records 10 to 14 were gone; reading went on after them",
        "member cocoMDS1 says about us: BAD_REMOTE_CONNECTION",
    ]


def test_gaps_of_topics_that_were_made_anew(empty_home: Home) -> None:
    empty_home.fill(WriteSet(gaps=[GapRow("retail", 0, 10, 0, 40, "stopped", 1), GapRow("retail", 1, 10, 0, 4, "resumed", 2)]))
    report = empty_home.json("status")
    assert isinstance(report, dict)
    assert report["attention"][1:] == [
        "retail[1]: record 10 was due, but the topic was made anew or has lost its records; reading went on at 0",
        "retail[0]: record 10 was due, but the topic was made anew or has lost its records; reading stopped (worker.on_gap)",
    ]


def test_status_for_people(home: Home) -> None:
    result = home.run("status")
    assert result.exit_code == 0, result.output
    assert f"member        retail-proxy ({OURS})" in result.stdout
    assert "! source crm is halted: 20 records in a row could not be used" in result.stdout
    assert any(line.split() == [THEIRS, "cocoMDS1", "1", "1", "0", "0"] for line in result.stdout.splitlines())
    assert any(line.split() == ["retail", "0", "20", "-", "-"] for line in result.stdout.splitlines())


def running_worker(home: Home, use: Callable[[], object]) -> tuple[object, Presence]:
    """Call `use` in a thread while a worker's pages are served and its presence is in the store."""

    async def scenario() -> tuple[object, Presence]:
        health = Health({"broker": "127.0.0.1:9092 does not answer"}, clock=lambda: 5)
        metrics = Metrics(version="1", member="m", metadata_collection_id=OURS, type_release="6.1")

        async def status() -> WorkerStatus:
            return WorkerStatus(
                presence=presence,
                member="retail-proxy",
                metadata_collection_id=OURS,
                type_release="6.1",
                ready=health.ready,
                conditions=health.conditions,
                positions=(PartitionStatus(flow="retail", topic="retail", partition=0, next_offset=20, end_offset=23),),
                worst_loop_lag_seconds=0.25,
            )

        server = HttpServer(create_app(health, metrics, status), host="127.0.0.1", port=0)
        url = await server.start()
        presence = Presence(pid=os.getpid(), host=socket.gethostname(), http=url, version="1", started=77)
        await asyncio.to_thread(leave_presence, home, presence)
        try:
            return await asyncio.to_thread(use), presence
        finally:
            await server.stop()

    return asyncio.run(scenario())


def test_status_beside_a_running_worker(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # a proxy of the environment must not stand between
    report, presence = running_worker(home, lambda: home.json("status"))
    assert isinstance(report, dict)
    worker = report["worker"]
    assert (worker["state"], worker["pid"], worker["http"], worker["ready"]) == ("running", os.getpid(), presence.http, False)
    assert worker["worstLoopLagSeconds"] == 0.25
    lags = {(at["topic"], at["partition"]): (at["endOffset"], at["lag"]) for at in report["positions"]}
    assert lags == {("retail", 0): (23, 3), ("cohort.instances", 0): (None, None)}
    assert report["attention"][0] == "not ready: broker: 127.0.0.1:9092 does not answer"
    text, _ = running_worker(home, lambda: home.run("status").stdout)
    assert isinstance(text, str)
    assert "worker        running, not ready (process " in text


def test_another_worker_on_the_same_port_is_not_taken_for_ours(home: Home) -> None:
    def replaced() -> object:
        report = home.json("status")
        assert isinstance(report, dict)
        http = report["worker"]["http"]
        leave_presence(home, Presence(pid=os.getpid(), host=socket.gethostname(), http=http, version="1", started=78))
        return home.json("status")

    report, _ = running_worker(home, replaced)
    assert isinstance(report, dict)
    assert report["worker"]["state"] == "silent"
    assert report["positions"][1]["lag"] is None


def test_a_worker_that_is_gone_or_silent(home: Home) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    here = socket.gethostname()
    for pid, host, state, sentence in (
        (ended.pid, here, "stopped", "the worker is not running; 2 events wait to be sent"),
        (os.getpid(), here, "silent", f"the worker (process {os.getpid()}) does not answer at {url}"),
        (os.getpid(), "another-host", "stopped", "the worker is not running; 2 events wait to be sent"),
    ):
        leave_presence(home, Presence(pid=pid, host=host, http=url, version="1", started=77))
        report = home.json("status")
        assert isinstance(report, dict)
        assert (report["worker"]["state"], report["attention"][0]) == (state, sentence)


def test_the_commands_need_no_lock_and_see_what_was_committed(home: Home, script: Script) -> None:
    """A worker has the store open and is in the middle of a transaction while they look."""

    async def scenario() -> None:
        store = SqliteStore(home.store)
        await store.open()
        try:
            writes = WriteSet()
            writes.outbox = [OutboxRow(0, "types", b"{}", 1)]

            def plan(_reader: Reader) -> tuple[WriteSet, list[subprocess.CompletedProcess[str]]]:
                commands = (["status"], ["members", "list"], ["dlq", "list"], ["fingerprint"])
                return writes, [script(*command, "--json", "--config", str(home.config)) for command in commands]

            answers = await store.transact(plan)
            assert [answer.returncode for answer in answers] == [0, 0, 0, 0], [answer.stderr for answer in answers]
            assert json.loads(answers[0].stdout)["outbox"] == 2
            assert json.loads(script("status", "--json", "--config", str(home.config)).stdout)["outbox"] == 3
        finally:
            await store.close()

    asyncio.run(scenario())


# ---------------------------------------------------------------- fingerprints


def test_fingerprints_of_every_home_that_is_held(home: Home, script: Script) -> None:
    answer = script("fingerprint", "--config", str(home.config), "--json")
    assert answer.returncode == 0, answer.stderr
    prints = json.loads(answer.stdout)
    assert list(prints) == [OURS, THEIRS]
    assert {key: prints[OURS][key] for key in ("entities", "relationships")} == {"entities": 3, "relationships": 1}
    assert {key: prints[THEIRS][key] for key in ("entities", "relationships")} == {"entities": 1, "relationships": 0}
    assert len({one["fingerprint"] for one in prints.values()}) == 2
    assert all(len(bytes.fromhex(one["fingerprint"])) == 32 for one in prints.values())
    assert home.json("fingerprint") == prints
    exact = home.json("fingerprint", "--exact")
    assert isinstance(exact, dict)
    assert exact[OURS]["fingerprint"] != prints[OURS]["fingerprint"]
    assert prints[OURS]["fingerprint"] in home.run("fingerprint").stdout


def test_a_fingerprint_follows_the_content(home: Home) -> None:
    before = home.json("fingerprint")
    writes = WriteSet()
    writes.removed = {"e3"}
    home.fill(writes)
    after = home.json("fingerprint")
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after[OURS]["fingerprint"] != before[OURS]["fingerprint"]
    assert after[THEIRS] == before[THEIRS]


def test_an_empty_store_has_the_fingerprint_of_nothing(empty_home: Home) -> None:
    empty_home.fill(WriteSet())
    assert empty_home.json("fingerprint") == {OURS: {"entities": 0, "relationships": 0, "fingerprint": hashlib.sha256().hexdigest()}}


# ---------------------------------------------------------------- members


def test_members(home: Home, script: Script) -> None:
    listed = json.loads(script("members", "list", "--config", str(home.config), "--json").stdout)
    assert [(row["metadataCollectionId"], row["serverName"]) for row in listed] == [("8d6f-other", "plain"), (THEIRS, "cocoMDS1")]
    assert listed[1] == {
        "metadataCollectionId": THEIRS,
        "metadataCollectionName": "cocoMDS1",
        "serverName": "cocoMDS1",
        "serverType": "Metadata Server",
        "organizationName": "Coco",
        "registrationTime": 1_700_000_000_000,
        "firstSeen": 1_700_000_000_000,
        "lastSeen": 1_700_000_005_000,
        "problem": "BAD_REMOTE_CONNECTION",
    }
    table = home.run("members", "list").stdout
    assert "2023-11-14 22:13:25Z" in table
    assert THEIRS in table


def test_a_member_is_shown_by_name_id_or_beginning_and_its_secrets_are_masked(home: Home) -> None:
    for name in ("cocoMDS1", THEIRS, "8d6f0"):
        shown = home.json("members", "show", name)
        assert isinstance(shown, dict)
        assert shown["connection"] == {
            "class": "Connection",
            "clearPassword": "********",
            "configurationProperties": {"producer": {"sasl.jaas.config": "********"}},
            "endpoint": {"networkAddress": "http://peer"},
        }
    assert "hunter" not in home.run("members", "show", "cocoMDS1").stdout
    assert "none: it cannot be queried" in home.run("members", "show", "plain").stdout


def test_members_that_cannot_be_told(home: Home) -> None:
    unclear = home.run("members", "show", "8d6f")
    assert unclear.exit_code == 1
    assert "'8d6f' is the name or the beginning of the id of 2 members" in unclear.stderr
    assert "there is no member 'x'; the members are: plain, cocoMDS1" in home.run("members", "show", "x").stderr


# ---------------------------------------------------------------- dead letters


def test_dead_letters_are_listed(home: Home, script: Script) -> None:
    listed = json.loads(script("dlq", "list", "--config", str(home.config), "--json").stdout)
    assert [(row["id"], row["flow"], row["stage"], row["offset"], row["size"]) for row in listed] == [
        (1, "retail", "decode", 17, 8),
        (2, "cohort", "decode", 4, 2),
        (4, "retail", "decode", 19, 0),
    ]

    def ids(*options: str) -> list[int]:
        rows = home.json("dlq", "list", *options)
        assert isinstance(rows, list)
        return [row["id"] for row in rows]

    assert ids("--flow", "retail") == [1, 4]
    assert ids("--state", "discarded") == [3]
    assert ids("--state", "all") == [1, 2, 3, 4]
    assert ids("--state", "all", "--after", "2") == [3, 4]
    assert ids("--limit", "1", "--flow", "cohort") == [2]
    assert ids("--flow", "nobody") == []


def test_a_list_that_was_cut_says_how_to_go_on(home: Home) -> None:
    assert "Dead letters (open): 2, the first 2; more with --after 2" in home.run("dlq", "list", "--limit", "2").stdout
    assert "more with" not in home.run("dlq", "list").stdout


def test_nothing_of_a_record_reaches_the_terminal_as_a_command(home: Home) -> None:
    for command in (["dlq", "list"], ["dlq", "show", "2"]):
        output = home.run(*command).stdout
        assert "\x1b" not in output
        assert r"not JSON \x1b[31m" in output


def test_a_dead_letter_is_shown_whole(home: Home, script: Script) -> None:
    shown = json.loads(script("dlq", "show", "1", "--config", str(home.config), "--json").stdout)
    assert shown["reason"] == "$.source: missing"
    assert base64.b64decode(shown["value"]) == b'{"a":\n1}'
    assert shown["valueText"] == '{"a":\n1}'
    assert base64.b64decode(shown["key"]) == b"key"
    assert shown["headers"] == [["source", "ZGViZXppdW0="]]
    text = home.run("dlq", "show", "1").stdout
    assert "header source  debezium" in text
    assert text.endswith('{"a":\n1}\n')
    binary = home.json("dlq", "show", "2")
    assert isinstance(binary, dict)
    assert (binary["valueText"], base64.b64decode(binary["value"])) == (None, b"\xff\x00")
    assert "base64:/wA=" in home.run("dlq", "show", "2").stdout
    assert "none (a tombstone)" in home.run("dlq", "show", "3").stdout


def test_the_bytes_alone(home: Home) -> None:
    assert home.run("dlq", "show", "2", "--raw").stdout_bytes == b"\xff\x00"
    assert home.run("dlq", "show", "3", "--raw").stdout_bytes == b""


def test_a_dead_letter_that_is_not_there(home: Home) -> None:
    result = home.run("dlq", "show", "99")
    assert (result.exit_code, result.stderr) == (1, "cohort-sync: there is no dead letter 99; `cohort-sync dlq list --state all` lists them\n")
