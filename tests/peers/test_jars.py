"""What the cache promises: one download for parallel runs, nothing half made, and a plain word when a tool is missing."""

import stat
import threading
from pathlib import Path

import pytest

from . import jars
from .jars import PeersUnavailableError, egeria_jars, java, kafka_jars


def _tool(directory: Path, name: str, script: str) -> None:
    file = directory / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a PATH on which only what a test puts there (and the shell's own tools) is found."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("mkdir", "touch", "echo", "sleep"):
        (directory / name).symlink_to(next(path for path in (Path("/bin") / name, Path("/usr/bin") / name) if path.exists()))
    monkeypatch.setenv("COHORT_SYNC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(directory))
    return directory


_JAVA_17 = "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2"
# Writes a jar where -DoutputDirectory says, after a while, and a line to a log.
_MAVEN = """
for word in "$@"; do case "$word" in -DoutputDirectory=*) place="${word#*=}";; esac; done
echo "$place" >> "%s"
sleep 0.3
mkdir -p "$place"
touch "$place/some.jar"
"""


def test_a_missing_java_is_told_in_one_line(tools: Path) -> None:
    with pytest.raises(PeersUnavailableError) as caught:
        kafka_jars()
    assert str(caught.value) == "the peers need Java 17 (java, javac) and Maven 3.8 (mvn) on the PATH: java was not found"


def test_a_missing_maven_is_told_in_one_line(tools: Path) -> None:
    _tool(tools, "java", _JAVA_17)
    with pytest.raises(PeersUnavailableError, match=r"on the PATH: mvn was not found$"):
        egeria_jars()


def test_an_old_java_is_told(tools: Path) -> None:
    _tool(tools, "java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    with pytest.raises(PeersUnavailableError, match=r'need Java 17 or later, but .* is openjdk version "11\.0\.2"'):
        java()


def test_a_failing_maven_is_told_and_leaves_nothing(tools: Path, tmp_path: Path) -> None:
    _tool(tools, "java", _JAVA_17)
    _tool(tools, "mvn", "echo '[ERROR] no route to the repository'; exit 1")
    with pytest.raises(PeersUnavailableError, match=r"could not resolve .*pom\.xml \(exit code 1\): \[ERROR\] no route"):
        kafka_jars()
    assert [path.name for path in (tmp_path / "cache" / "peers").iterdir()] == ["lock"]


def test_parallel_runs_share_one_resolution(tools: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    _tool(tools, "java", _JAVA_17)
    _tool(tools, "mvn", _MAVEN % calls)
    found: list[str] = []
    runs = [threading.Thread(target=lambda: found.append(kafka_jars().class_path)) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(timeout=20)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(calls.read_text().splitlines()) == 1
    assert [path.name for path in Path(found[0].removesuffix("/*")).iterdir()] == ["some.jar"]


def test_another_pom_is_another_entry(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tool(tools, "java", _JAVA_17)
    _tool(tools, "mvn", _MAVEN % (tmp_path / "calls"))
    first = kafka_jars().class_path
    changed = tmp_path / "kafka"
    changed.mkdir()
    (changed / "pom.xml").write_text("<project/>")
    monkeypatch.setattr(jars, "HERE", tmp_path)
    assert kafka_jars().class_path != first
