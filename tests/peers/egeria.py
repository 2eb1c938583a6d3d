"""An Egeria member as released: the repository services of one server, in a process of its own, in one cohort."""

import re
import uuid
from collections.abc import Sequence
from pathlib import Path

from .jars import Jars
from .processes import ManagedProcess, free_port
from .rest import EgeriaClient

# Half the time to the registration, and several members stay calm on two cores; a benchmark takes other options.
QUICK_START = ("-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
TOPIC_URL_ROOT = "egeria.omag"


def cohort_topic(cohort: str, kind: str) -> str:
    """The name of a cohort's topic; kind: registration, types or instances."""
    return f"{TOPIC_URL_ROOT}.openmetadata.repositoryservices.cohort.{cohort}.OMRSTopic.{kind}"


class EgeriaMember:
    """A cohort member with an in-memory repository: a stop forgets its instances; id, port and registration are kept.

    The metadata collection id is the one given, else a new one; `java_options` replaces the options that make it start soon. One that keeps no copies
    hears what the others announce and stores nothing of it: what it answers in its enterprise view it has asked them for. `from_earliest`: at its first start
    it reads what is on the topics already, which an Egeria server does not do unless it is told so.
    `only`: whoever asks it for its types hears of these only; it knows them all.
    """

    def __init__(
        self,
        directory: Path,
        jars: Jars,
        *,
        name: str,
        cohort: str,
        kafka: str,
        collection_id: str | None = None,
        archives: Sequence[Path] = (),
        max_poll_records: int | None = None,
        keeps_copies: bool = True,
        from_earliest: bool = False,
        only: Sequence[str] = (),
        java_options: Sequence[str] = QUICK_START,
    ) -> None:
        self.name = name
        self.collection_id = collection_id or str(uuid.uuid4())
        self.cohort = cohort
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = {
            "name": name,
            "port": str(self.port),
            "url": self.url,
            "cohort": cohort,
            "kafka": kafka,
            "collection": self.collection_id,
        }
        if archives:
            options["archives"] = ",".join(map(str, archives))
        if only:
            options["only"] = ",".join(only)
        if max_poll_records:
            options["poll"] = str(max_poll_records)
        if from_earliest:
            options["reset"] = "earliest"
        if not keeps_copies:
            options["save"] = "JUST_TYPEDEFS"
        command = jars.java(*java_options, "peers.PeerServer")
        self.process = ManagedProcess(name, [*command, *(f"{key}={value}" for key, value in options.items())], directory)

    def start(self, *, timeout: float = 120.0) -> None:
        """Starts it; returns when it is in the cohort (registered, its types announced) and its REST API answers."""
        self.begin()
        self.wait_ready(timeout=timeout)

    def begin(self) -> None:
        """Starts it and returns at once: for several members that come up at the same time."""
        self.process.start()

    def wait_ready(self, *, timeout: float = 120.0) -> None:
        """Returns when it has said that it is in the cohort; PeerProcessError with its log's tail otherwise."""
        self.process.wait_for_line(f"PEER READY {self.name} ", timeout=timeout)

    def stop(self) -> None:
        """A clean shutdown: it leaves the topics but does not unregister, as an Egeria server does."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def complaints(self) -> list[str]:
        """What its audit log and its libraries have reported as an error since it was started."""
        bad = re.compile(rf" {re.escape(self.name)} (Error|Exception|Security) |^\S+ +ERROR")
        return [line for line in self.process.output().splitlines() if bad.search(line)]

    def client(self, user: str = "peterprofile") -> EgeriaClient:
        """Its REST API, as this user. Close it, or use it in a `with`."""
        return EgeriaClient(self.url, self.name, user)
