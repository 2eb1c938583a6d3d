"""The commands that ask the worker for something, beside a worker that does not run: what they file, say and wait for."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import Result

from cohort_sync.cli.asking import NOT_FINISHED
from cohort_sync.cohort.requests import Discard, Publish, Refresh, Replay, Resume, Unregister, ask_of
from cohort_sync.observe.status import PRESENCE_FACT, Presence
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import RequestRow

THEIRS = "8d6f0d54-2a0b-4c75-9d2e-0d6d4c5b7a02"
NO_WORKER = "no worker runs on this store now; the request waits until one is started"
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


def filed(home: Home) -> list[RequestRow]:
    """The requests in the store, as its worker reads them."""
    return [
        RequestRow(row["id"], row["verb"], json.dumps(row["arguments"]).encode(), row["created"], row["state"], row["result"])
        for row in reversed(json.loads(home.run("requests", "list", "--json").stdout))
    ]


@pytest.mark.parametrize(
    ("command", "ask"),
    [
        (["resume", "crm"], Resume(source="crm")),
        (["publish", "--all"], Publish()),
        (["publish", "--all", "--type", "Asset", "--source", "retail"], Publish(type_name="Asset", source="retail")),
        (["publish", "--type", "Asset"], Publish(type_name="Asset")),
        (["refresh"], Refresh()),
        (["refresh", "--instances"], Refresh(instances=True)),
        (["refresh", "--instances", "--member", "cocoMDS1"], Refresh(instances=True, member=THEIRS)),
        (["refresh", "--instances", "--member", "8d6f0d54"], Refresh(instances=True, member=THEIRS)),
        (["unregister"], Unregister()),
        (["dlq", "replay", "4", "1"], Replay(ids=(4, 1))),
        (["dlq", "replay", "--all"], Replay()),
        (["dlq", "replay", "--all", "--flow", "cohort"], Replay(flow="cohort")),
        (["dlq", "discard", "2"], Discard(ids=(2,))),
        (["dlq", "discard", "--all", "--flow", "retail"], Discard(flow="retail")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_what_is_asked_is_in_the_store(home: Home, command: list[str], ask: object) -> None:
    before = time.time_ns() // 1_000_000
    result = home.run(*command)
    assert result.exit_code == 0, result.output
    (row,) = filed(home)
    assert ask_of(row) == ask
    assert (row.id, row.state, row.result) == (1, "pending", "")
    assert before <= row.created <= time.time_ns() // 1_000_000
    first, second = result.stdout.splitlines()
    assert first.startswith(f"request 1: {row.verb}")
    assert second == NO_WORKER


def test_without_a_worker_it_waits_in_vain_and_says_so(home: Home) -> None:
    result = home.run("publish", "--all", "--wait", "0.3")
    assert result.exit_code == NOT_FINISHED
    assert result.stdout.splitlines() == [
        "request 1: publish",
        NO_WORKER,
        "not begun within 0.3 s; `cohort-sync requests show 1` shows what becomes of it",
    ]


def test_as_json(home: Home, script: Script) -> None:
    answer = script("publish", "--type", "Asset", "--config", str(home.config), "--json")
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    created = told.pop("created")
    assert told == {"id": 1, "verb": "publish", "arguments": {"type_name": "Asset"}, "state": "pending", "result": "", "worker": "never"}
    assert home.json("requests", "show", "1") == {**{key: value for key, value in told.items() if key != "worker"}, "created": created}


def settle(home: Home, state: str, result: str, *, after: float) -> threading.Thread:
    """A worker that acts on request 1 while somebody waits."""

    def act() -> None:
        deadline = time.monotonic() + 20
        while not filed(home) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(after)
        home.fill(WriteSet(request_results={1: (state, result)}))

    thread = threading.Thread(target=act)
    thread.start()
    return thread


@pytest.mark.parametrize(("state", "exit_code"), [("done", 0), ("failed", 1)])
def test_the_result_decides_the_exit_code(home: Home, script: Script, state: str, exit_code: int) -> None:
    acting = settle(home, state, "2 replayed \x1b[31m", after=0.2)
    answer = script("dlq", "replay", "1", "4", "--config", str(home.config), "--wait", "20")
    acting.join()
    assert answer.returncode == exit_code, answer.stderr
    assert answer.stdout.splitlines()[-1] == f"{state}: 2 replayed \\x1b[31m"


def test_how_far_a_long_one_is_when_the_wait_ends(home: Home, script: Script) -> None:
    acting = settle(home, "running", "announced 500 entities so far", after=0)
    answer = script("publish", "--all", "--config", str(home.config), "--wait", "1.5", "--json")
    acting.join()
    assert answer.returncode == NOT_FINISHED
    told = json.loads(answer.stdout)
    assert (told["state"], told["result"]) == ("running", "announced 500 entities so far")


def test_a_worker_that_is_there_but_does_not_answer(home: Home) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        presence = Presence(pid=os.getpid(), host=socket.gethostname(), http=f"http://127.0.0.1:{port}", version="1", started=1)
        home.fill(WriteSet(facts={PRESENCE_FACT: presence.encode()}))
        result = home.run("unregister")
    assert (
        result.stdout.splitlines()[1]
        == "the worker of this store is there but does not answer; the request waits until it acts, or until another one is started"
    )
    assert json.loads(home.run("unregister", "--json").stdout)["worker"] == "silent"


@pytest.mark.parametrize(
    ("command", "exit_code", "told"),
    [
        (["resume", "sales"], 2, "there is no source 'sales' in the configuration; there are: retail, crm"),
        (["publish"], 2, "say what to announce: --all, --type TYPE or --source NAME"),
        (["publish", "--source", "sales"], 2, "there is no source 'sales' in the configuration"),
        (["refresh", "--member", "cocoMDS1"], 2, "--member goes with --instances"),
        (["refresh", "--instances", "--member", "nobody"], 1, "there is no member 'nobody'; the members are: "),
        (["dlq", "replay"], 2, "name the ids of dead letters, or say --all"),
        (["dlq", "replay", "1", "--all"], 2, "name the ids of dead letters, or say --all"),
        (["dlq", "replay", "1", "--flow", "retail"], 2, "--flow goes with --all"),
        (["dlq", "discard", "0"], 2, "0 is not in the range"),
        (["dlq", "discard", str(2**63)], 2, "is not in the range"),
        (["dlq", "replay", "one"], 2, "'one' is not a valid integer range"),
        (["requests", "show", "7"], 1, "there is no request 7; `cohort-sync requests list` lists them"),
        (["publish", "--all", "--wait", "-1"], 2, "-1"),
    ],
)
def test_what_cannot_be_asked_files_nothing(home: Home, script: Script, command: list[str], exit_code: int, told: str) -> None:
    answer = script(*command, COHORT_SYNC_CONFIG=str(home.config))
    assert answer.returncode == exit_code
    assert told in answer.stderr
    assert filed(home) == []


def test_a_store_that_is_not_made_yet(empty_home: Home) -> None:
    result = empty_home.run("publish", "--all")
    assert result.exit_code == 2
    assert "there is no store yet" in result.stderr
    assert not empty_home.store.exists()


# ---------------------------------------------------------------- requests list, show


@pytest.fixture
def busy(home: Home) -> Home:
    """A member that was asked for a few things."""
    rows = [
        RequestRow(0, "resume", b'{"source":"crm"}', 1_700_000_000_000, "done", "source crm goes on"),
        RequestRow(0, "publish", b"{}", 1_700_000_001_000, "running", "announced 500 entities so far"),
        RequestRow(0, "dance", b"not json", 1_700_000_002_000, "failed", "this worker does not know \x1b[31m it"),
        RequestRow(0, "replay", b'{"ids":[3,4]}', 1_700_000_003_000, "pending", ""),
    ]
    home.fill(WriteSet(requests=rows))
    return home


def test_list_newest_first(busy: Home) -> None:
    told = busy.json("requests", "list")
    assert isinstance(told, list)
    assert [(row["id"], row["verb"], row["state"]) for row in told] == [
        (4, "replay", "pending"),
        (3, "dance", "failed"),
        (2, "publish", "running"),
        (1, "resume", "done"),
    ]
    assert told[0]["arguments"] == {"ids": [3, 4]}
    assert told[1]["arguments"] == {"arguments": "not json"}
    limited = busy.json("requests", "list", "--limit", "2")
    assert isinstance(limited, list)
    assert [row["id"] for row in limited] == [4, 3]
    running = busy.json("requests", "list", "--state", "running")
    assert isinstance(running, list)
    assert [row["id"] for row in running] == [2]


def test_list_for_people(busy: Home) -> None:
    told = busy.run("requests", "list").stdout
    assert told.startswith("Requests: 4")
    assert "\x1b" not in told
    lines = [line.split() for line in told.splitlines()]
    assert ["1", "resume", '{"source":"crm"}', "2023-11-14", "22:13:20Z", "done", "source", "crm", "goes", "on"] in lines
    assert ["2", "publish", "2023-11-14", "22:13:21Z", "running", "announced", "500", "entities", "so", "far"] in lines


def test_show_one(busy: Home) -> None:
    told = busy.run("requests", "show", "4").stdout.splitlines()
    assert [line.split() for line in told] == [
        ["id", "4"],
        ["request", "replay"],
        ["ids", "[3,", "4]"],
        ["filed", "2023-11-14", "22:13:23Z"],
        ["state", "pending"],
        ["result", "-"],
    ]
    assert busy.json("requests", "show", "1") == {
        "id": 1,
        "verb": "resume",
        "arguments": {"source": "crm"},
        "created": 1_700_000_000_000,
        "state": "done",
        "result": "source crm goes on",
    }
