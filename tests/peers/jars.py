"""The jars of the peers, resolved by Maven once into a cache outside the checkout.

The cache is `$COHORT_SYNC_CACHE` or `~/.cache/cohort-sync`; below it, `peers/<name>-<hash of the pom>/lib` holds the jars and
`classes-<hash of the sources>` the compiled launcher. Everything is built aside and renamed into its place under a file lock, so
parallel runs share one download and an interrupted one leaves nothing half made.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
JAVA = 17
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class PeersUnavailableError(RuntimeError):
    """This machine cannot run the peers; the message is one line that says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Jars:
    """Where a peer's classes lie."""

    class_path: str

    def java(self, *options: str) -> list[str]:
        """The start of a command line: java with this class path; JVM options, main class and arguments follow as given."""
        return [java(), "-cp", self.class_path, *options]


def kafka_jars() -> Jars:
    """Apache Kafka, as released (43 MB at the first call on a machine)."""
    return Jars(f"{_resolved('kafka')}/lib/*")


def egeria_jars() -> Jars:
    """Egeria's repository services, as released, and our launcher of one cohort member (47 MB at the first call)."""
    home = _resolved("egeria")
    sources = sorted((HERE / "egeria" / "src").rglob("*.java"))
    classes = home / f"classes-{_digest(sources)}"
    _make(classes, lambda place: _compile(sources, f"{home}/lib/*", place))
    return Jars(f"{classes}:{home}/lib/*")


def debezium_jars() -> Jars:
    """Kafka Connect with Debezium's connectors for MariaDB and PostgreSQL, as released (44 MB at the first call)."""
    return Jars(f"{_resolved('debezium')}/lib/*")


def java() -> str:
    """The java to run; PeersUnavailableError when there is none or it is older than 17."""
    found = _tool("java")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA:
        raise PeersUnavailableError(f"the peers need Java {JAVA} or later, but {found} is {said.splitlines()[0] if said else 'silent about its version'}")
    return found


def _resolved(name: str) -> Path:
    java()
    pom = HERE / name / "pom.xml"
    home = _cache() / f"{name}-{_digest([pom])}"
    _make(home, lambda place: _copy_dependencies(pom, place))
    return home


def _cache() -> Path:
    root = os.environ.get("COHORT_SYNC_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "cohort-sync") / "peers"


def _copy_dependencies(pom: Path, place: Path) -> None:
    shutil.copy(pom, place / "pom.xml")
    goal = [f"-DoutputDirectory={place / 'lib'}", "-DincludeScope=runtime", "dependency:copy-dependencies"]
    _run([_tool("mvn"), "-B", "-q", "-f", str(place / "pom.xml"), *goal], f"Maven could not resolve {pom}")
    if not any((place / "lib").glob("*.jar")):
        raise PeersUnavailableError(f"Maven resolved {pom} to no jar at all")


def _compile(sources: list[Path], class_path: str, place: Path) -> None:
    command = [_tool("javac"), "-parameters", "-nowarn", "-d", str(place), "-cp", class_path, *map(str, sources)]
    _run(command, "javac could not compile the launcher")


def _make(place: Path, build: Callable[[Path], None]) -> None:
    """Calls `build` with an empty directory that becomes `place`, unless `place` is there."""
    if place.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with _lock():
        if place.is_dir():
            return
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f"{place.name}.") as aside:
            built = Path(aside) / "built"
            built.mkdir()
            build(built)
            built.rename(place)


@contextmanager
def _lock() -> Iterator[None]:
    # One lock for all peers: Maven's own local repository is not made for two writers.
    path = _cache() / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise PeersUnavailableError(f"the peers need Java {JAVA} (java, javac) and Maven 3.8 (mvn) on the PATH: {name} was not found")
    return found


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        said = [line for line in _ESCAPES.sub("", done.stdout + done.stderr).splitlines() if line.strip()]
        raise PeersUnavailableError(f"{what} (exit code {done.returncode}): {' | '.join(said[:6]) or 'it said nothing'}")
