"""The peers, started when a scenario asks for them and shared by a session; their logs on a failure."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from .egeria import EgeriaMember
from .federation import Federation, running_federation
from .jars import Jars, PeersUnavailableError, egeria_jars, kafka_jars
from .kafka import KafkaBroker
from .processes import running_processes, stop_all
from .rest import EgeriaClient
from .trio import Trio, running_trio

COHORT = "coco"


@pytest.fixture(scope="session")
def peers_directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all peers of this session have their directories. Kept when something failed, or where --basetemp asks for it."""
    directory = tmp_path_factory.mktemp("peers")
    yield directory
    stop_all()
    if not request.session.testsfailed and not request.config.getoption("basetemp"):
        shutil.rmtree(directory)


@pytest.fixture(scope="session", autouse=True)
def _terminated_as_interrupted() -> Iterator[None]:
    # SIGTERM would end the session without its finalizers; as an interrupt it stops every child first.
    def leave(number: int, frame: FrameType | None) -> None:
        pytest.exit("terminated", returncode=128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def peer_jars() -> tuple[Jars, Jars]:
    """(Kafka's, Egeria's) jars. A machine that cannot have them fails every scenario, in one line."""
    try:
        return kafka_jars(), egeria_jars()
    except PeersUnavailableError as error:
        missing = str(error)
    pytest.fail(missing, pytrace=False)


@pytest.fixture(scope="session")
def kafka(peers_directory: Path, peer_jars: tuple[Jars, Jars]) -> Iterator[KafkaBroker]:
    """One Apache Kafka broker for the session; scenarios keep apart by the names of their cohorts and topics."""
    broker = KafkaBroker(peers_directory / "kafka", peer_jars[0])
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def egeria(peers_directory: Path, peer_jars: tuple[Jars, Jars], kafka: KafkaBroker) -> Iterator[EgeriaMember]:
    """One Egeria 4.2 member, cocoMDS1 of the cohort coco."""
    member = EgeriaMember(peers_directory / "cocoMDS1", peer_jars[1], name="cocoMDS1", cohort=COHORT, kafka=kafka.bootstrap)
    member.start()
    yield member
    member.stop()


@pytest.fixture
def java(egeria: EgeriaMember) -> Iterator[EgeriaClient]:
    """The REST API of the shared Egeria member."""
    with egeria.client() as client:
        yield client


@pytest.fixture(scope="session")
def _running_trio(peers_directory: Path, peer_jars: tuple[Jars, Jars], kafka: KafkaBroker) -> Iterator[Trio]:
    with running_trio(peers_directory / "trio", peer_jars[1], kafka) as trio:
        yield trio


@pytest.fixture
def trio(_running_trio: Trio) -> Trio:
    """The session's cohort of two Egeria members and ours, all of them running."""
    _running_trio.run()
    return _running_trio


@pytest.fixture
def one(trio: Trio) -> Iterator[EgeriaClient]:
    """The REST API of the trio's first Egeria member, the one with the archive."""
    with trio.one.client() as client:
        yield client


@pytest.fixture
def two(trio: Trio) -> Iterator[EgeriaClient]:
    """The REST API of its second one."""
    with trio.two.client() as client:
        yield client


@pytest.fixture(scope="session")
def _running_federation(peers_directory: Path, peer_jars: tuple[Jars, Jars], kafka: KafkaBroker) -> Iterator[Federation]:
    with running_federation(peers_directory, peer_jars[1], kafka) as federation:
        yield federation


@pytest.fixture
def federation(_running_federation: Federation) -> Federation:
    """The session's cohort of a Java member without copies and ours, which it may call."""
    return _running_federation


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Adds the tail of every running peer's log, and where it lies, to the report of what failed."""
    report = yield
    if report.failed:
        for process in running_processes():
            state = "was running" if process.running else f"had ended with code {process.exit_code}"
            report.sections.append((f"peer {process.name}", process.describe(state, lines=25)))
    return report
