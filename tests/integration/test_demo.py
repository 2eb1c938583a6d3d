"""`cohort-sync demo`: the whole path in processes of its own, the same counts each time, nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXPECTED = json.loads((Path(__file__).parents[1] / "golden" / "samples" / "expected.json").read_text())["files"]["debezium-schema-changes.jsonl"]
PROGRAM = str(Path(sys.executable).parent / "cohort-sync")
MARK = "COHORT_SYNC_TEST_DEMO"


def marked_processes(mark: str) -> list[str]:
    """The command lines of the processes that carry our mark in their environment (they inherited it from the demo)."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            try:
                if f"{MARK}={mark}".encode() in (directory / "environ").read_bytes().split(b"\0"):
                    found.append((directory / "cmdline").read_text())
            except OSError:
                continue  # it has ended meanwhile, or is not ours to look at
    return found


@pytest.mark.timeout(200)
def test_demo_shows_the_whole_path_and_leaves_nothing_running(tmp_path: Path) -> None:
    mark = str(tmp_path)
    run = subprocess.run(
        [PROGRAM, "demo", "--json", "--keep", str(tmp_path / "demo")], capture_output=True, text=True, check=False, env={**os.environ, MARK: mark}, timeout=180
    )
    assert run.returncode == 0, run.stderr
    summary = json.loads(run.stdout)
    assert summary["equal"] is True
    assert summary["differences"] == []
    for side in ("proxy", "receiver"):
        assert {kind: summary[side][kind] for kind in ("entities", "relationships", "classifications")} == {
            kind: EXPECTED[kind] for kind in ("entities", "relationships", "classifications")
        }
    assert summary["proxy"]["fingerprint"] == summary["receiver"]["fingerprint"]
    assert len(summary["dead_letters"]) == EXPECTED["outcomes"]["malformed"]
    assert (summary["lag"], summary["outbox"], summary["records"]) == (0, 0, EXPECTED["lines"])
    assert summary["members"] == {"retail-proxy": ["receiver"], "receiver": ["retail-proxy"]}
    assert summary["example"].startswith("PostgreSQL Relational Database Schema::")
    assert marked_processes(mark) == []
    again = subprocess.run(
        [PROGRAM, "fingerprint", "--config", str(tmp_path / "demo" / "receiver" / "cohort-sync.toml"), "--json"], capture_output=True, check=True
    )
    assert json.loads(again.stdout)["3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"]["entities"] == sum(EXPECTED["entities"].values())


def test_what_is_in_a_directory_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("of somebody")
    run = subprocess.run([PROGRAM, "demo", "--keep", str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr == f"cohort-sync: --keep: the directory {tmp_path} is not empty; name a new one, nothing is overwritten\n"
    assert (tmp_path / "precious").read_text() == "of somebody"
    run = subprocess.run([PROGRAM, "demo", "--keep", str(tmp_path / "precious" / "demo")], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "cannot be made: Not a directory" in run.stderr
