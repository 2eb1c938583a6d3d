"""A member's configuration and store, filled through the store's own protocol, and two ways to run a command."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cohort_sync.cli.main import cli
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import (
    ClassificationRow,
    DeadLetterRow,
    GapRow,
    InstanceRow,
    Kind,
    MemberRow,
    OutboxRow,
    ParkedRow,
    PositionMove,
)
from cohort_sync.store.sqlite import SqliteStore

OURS = "3f0b1c9e-7a51-4f0a-9a53-1de2c4a6b001"
THEIRS = "8d6f0d54-2a0b-4c75-9d2e-0d6d4c5b7a02"
SCRIPT = Path(sys.executable).with_name("cohort-sync")


@dataclass(frozen=True)
class Home:
    """A member: its configuration file, its store, and how commands are run for it."""

    config: Path
    store: Path

    def fill(self, writes: WriteSet) -> None:
        """Write into the store as a worker would."""

        async def run() -> None:
            store = SqliteStore(self.store)
            await store.open()
            try:
                await store.transact(lambda _reader: (writes, None))
            finally:
                await store.close()

        asyncio.run(run())

    def run(self, *arguments: str) -> Result:
        """A command in this process, with the configuration in the environment."""
        return CliRunner().invoke(cli, list(arguments), env={"COHORT_SYNC_CONFIG": str(self.config)}, prog_name="cohort-sync")

    def json(self, *arguments: str) -> object:
        """What a command prints with --json."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The console script in a process of its own, without our variables in its environment but those given."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COHORT_SYNC_")}
        return subprocess.run([str(SCRIPT), *arguments], env=clean | environ, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def empty_home(tmp_path: Path) -> Home:
    """A member whose worker has not run yet."""
    config = tmp_path / "member.toml"
    config.write_text(
        f'[member]\nname = "retail-proxy"\nmetadata_collection_id = "{OURS}"\n[cohort]\nname = "coco"\n[store]\npath = "member.db"\n'
        '[[sources]]\nname = "retail"\nmapper = "debezium"\ntopics = ["retail"]\n[[sources]]\nname = "crm"\nmapper = "debezium"\ntopics = ["crm"]\n'
    )
    return Home(config, tmp_path / "member.db")


@pytest.fixture
def home(empty_home: Home) -> Home:
    """A member in the middle of its life."""
    writes = WriteSet()
    for guid, kind, type_name, owner, ends in (
        ("e1", Kind.ENTITY, "Database", OURS, (None, None)),
        ("e2", Kind.ENTITY, "RelationalTable", OURS, (None, None)),
        ("e3", Kind.ENTITY, "RelationalTable", OURS, (None, None)),
        ("r1", Kind.RELATIONSHIP, "AttributeForSchema", OURS, ("e1", "e2")),
        ("x1", Kind.ENTITY, "GlossaryTerm", THEIRS, (None, None)),
        ("x2", Kind.PROXY, "Asset", THEIRS, (None, None)),
    ):
        document = b'{"class":"RelationshipDetail"}' if kind is Kind.RELATIONSHIP else b'{"class":"EntityDetail"}'
        writes.instances[guid] = InstanceRow(
            guid, kind, type_name, owner, None, "LOCAL_COHORT", 1, 1000, None, "ACTIVE", 1, f"qn:{guid}", ends[0], ends[1], document
        )
    writes.classifications["e2", "Confidentiality"] = ClassificationRow("e2", "Confidentiality", OURS, 1, 1000, b"{}")
    writes.outbox = [OutboxRow(0, "instances", b"{}", 1000), OutboxRow(0, "types", b"{}", 1000)]
    headers = b'[["source","ZGViZXppdW0="]]'
    writes.dead_letters = [
        DeadLetterRow(0, "retail", "decode", "$.source: missing", "retail", 0, 17, 1_700_000_000_000, b"key", b'{"a":\n1}', headers, 1_700_000_001_000, "open"),
        DeadLetterRow(
            0, "cohort", "decode", "not JSON \x1b[31m", "cohort.instances", 0, 4, 1_700_000_000_000, None, b"\xff\x00", b"[]", 1_700_000_002_000, "open"
        ),
        DeadLetterRow(0, "retail", "map", "no rule", "retail", 0, 18, 1_700_000_000_000, None, None, b"[]", 1_700_000_003_000, "discarded"),
        DeadLetterRow(0, "retail", "decode", "again", "retail", 0, 19, 1_700_000_000_000, None, b"", b"[]", 1_700_000_004_000, "open"),
    ]
    writes.parked = [ParkedRow(0, "Unheard", "guid", "i", "cohort.instances", 0, 9, 0, None, b"{}", 1000)]
    connection = b'{"class":"Connection","clearPassword":"hunter2","configurationProperties":{"producer":{"sasl.jaas.config":"hunter3"}},"endpoint":{"networkAddress":"http://peer"}}'
    writes.members = {
        THEIRS: MemberRow(
            THEIRS,
            "cocoMDS1",
            "cocoMDS1",
            "Metadata Server",
            "Coco",
            1_700_000_000_000,
            connection,
            1_700_000_000_000,
            1_700_000_005_000,
            "BAD_REMOTE_CONNECTION",
        ),
        "8d6f-other": MemberRow("8d6f-other", None, "plain", None, None, None, None, 1, 2, None),
    }
    writes.gaps = [GapRow("retail", 0, 10, 15, 40, "resumed", 1000), GapRow("crm", 0, 1, 5, 6, "stopped", 2000)]
    writes.facts = {"halted:crm": "20 records in a row could not be used"}
    writes.positions = [PositionMove("cluster", "retail", 0, "tid", None, 20), PositionMove("cluster", "cohort.instances", 0, "", None, 7)]
    empty_home.fill(writes)
    return empty_home
