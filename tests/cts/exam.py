"""The suite at work: a broker, a member, and the suite in a cohort with it, each a process of ours on loopback."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from peers.egeria import EgeriaMember
from peers.jars import egeria_jars, java, kafka_jars
from peers.kafka import KafkaBroker
from peers.member import OurMember
from peers.processes import ManagedProcess, PeerProcessError, free_port

from bench.machine import machine
from cohort_sync import __version__

NAME = "cohort-sync"
COLLECTION = "5d2d7a0c-5a34-4f0b-9c1c-3a5b8f5f6c11"
FUNCTIONAL = "repository-workbench"
PERFORMANCE = "performance-workbench"
OURS, EGERIA = "ours", "egeria"
_SUITE = "cts"


@dataclass(frozen=True, slots=True)
class Exam:
    """The suite, running against a member."""

    url: str
    process: ManagedProcess
    workbench: str
    examined: ManagedProcess

    def ask(self, what: str) -> Any:
        """The answer of one of the suite's pages."""
        answer = httpx2.get(f"{self.url}/cts/{_SUITE}/{what}", timeout=300.0)
        answer.raise_for_status()
        return answer.json()

    def complete(self) -> bool:
        """Whether it has examined everything. PeerProcessError when it or the member has died, which it does not say itself."""
        if not self.process.running or 'Exception in thread "' in self.process.output():
            raise PeerProcessError(self.process.describe("(the suite) has died"))
        if not self.examined.running:
            raise PeerProcessError(self.examined.describe("(the member under examination) has ended"))
        return bool(self.ask(f"status/{self.workbench}")["workbenchStatus"]["workbenchComplete"])

    def wait(self, *, timeout: float, tell: Callable[[float], None] = lambda _seconds: None) -> None:
        """Until it is complete; PeerProcessError after `timeout` seconds. `tell` hears now and then how long it has been."""
        began = time.monotonic()
        while not self.complete():
            passed = time.monotonic() - began
            if passed > timeout:
                raise PeerProcessError(self.process.describe(f"(the suite) was not complete after {timeout:g} s"))
            tell(passed)
            time.sleep(2)

    def log(self) -> str:
        """The suite's audit log."""
        return self.process.output()


@contextmanager
def running_broker(directory: Path) -> Iterator[KafkaBroker]:
    """A broker for one exam or several. PeersUnavailableError where Java or Maven is missing."""
    broker = KafkaBroker(directory / "kafka", kafka_jars())
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def running_exam(directory: Path, broker: KafkaBroker, types: Sequence[str], *, member: str = OURS, instances: int = 0, cohort: str = "exam") -> Iterator[Exam]:
    """The suite at work on a member that knows these types; both are stopped in the end. Each exam needs a cohort of its own.

    `instances`: the performance workbench with so many instances a type, else the functional one. An Egeria member knows all its types; with a filter
    before its REST API the suite hears of these only.
    """
    options = {"name": _SUITE, "port": str(free_port()), "cohort": cohort, "kafka": broker.bootstrap, "tut": NAME}
    options |= {"perf": str(instances), "max": "2"} if instances else {"max": "5"}
    command = egeria_jars().java("-Xmx3g", "peers.PeerServer", *(f"{key}={value}" for key, value in options.items()))
    suite = ManagedProcess(_SUITE, command, directory / _SUITE)
    examined = _ours(directory, broker, types, cohort) if member == OURS else _egeria(directory, broker, types, cohort)
    try:
        suite.start()
        suite.wait_for_line(f"PEER READY {_SUITE} ", timeout=180)
        yield Exam(f"http://127.0.0.1:{options['port']}", suite, PERFORMANCE if instances else FUNCTIONAL, examined.process)
    finally:
        suite.stop()
        examined.stop()


def _ours(directory: Path, broker: KafkaBroker, types: Sequence[str], cohort: str) -> OurMember:
    ours = OurMember(directory / NAME, name=NAME, collection_id=COLLECTION, cohort=cohort, kafka=broker.bootstrap, learn="none", only=types, reachable=True)
    ours.start(timeout=60)
    return ours


def _egeria(directory: Path, broker: KafkaBroker, types: Sequence[str], cohort: str) -> EgeriaMember:
    theirs = EgeriaMember(directory / NAME, egeria_jars(), name=NAME, cohort=cohort, kafka=broker.bootstrap, java_options=("-Xmx3g",), only=types)
    theirs.start()
    return theirs


def circumstances() -> dict[str, object]:
    """On what an exam ran: machine, its load, versions of everything that took part."""
    said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False).stderr.splitlines()
    jars = {path.name for each in (kafka_jars(), egeria_jars()) for entry in each.class_path.split(":") for path in Path(entry).parent.glob("*.jar")}
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "load": Path("/proc/loadavg").read_text(encoding="ascii").split()[:3],
        "versions": {
            "cohort-sync": __version__,
            "commit": _commit(),
            "kafka": _version_of("kafka_2.13", jars),
            "egeria": _version_of("open-metadata-conformance-suite-server", jars),
            "java": said[0] if said else "unknown",
        },
    }


def _version_of(name: str, jars: set[str]) -> str:
    return next((jar.removeprefix(f"{name}-").removesuffix(".jar") for jar in sorted(jars) if jar.startswith(f"{name}-")), "unknown")


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"


def write_json(path: Path, document: object) -> None:
    """A file that was not there or is replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)
