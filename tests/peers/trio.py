"""One cohort of two Egeria members and ours, started once a session: what most scenarios need.

`one` loads an archive at its start, `two` does not; ours reads a shop's schema changes, so that it has home instances.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .egeria import EgeriaMember, cohort_topic
from .jars import Jars
from .kafka import KafkaBroker
from .make_archive import write_archive
from .member import OurMember
from .omrs_json import JsonObject
from .shop import Shop
from .waiting import eventually

COHORT = "trio"
# Several JVMs share a small machine; these members hold a few thousand instances at most.
_SMALL = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True, slots=True)
class Trio:
    """The members; all are running when a scenario begins, and it may stop and start them."""

    kafka: KafkaBroker
    one: EgeriaMember
    two: EgeriaMember
    ours: OurMember
    shop: Shop
    directory: Path
    archive: Path

    @property
    def ids(self) -> dict[str, str]:
        """The metadata collection id of each member, by its server name."""
        return {member.name: member.collection_id for member in (self.one, self.two, self.ours)}

    def topic(self, kind: str) -> str:
        """A topic of the cohort: registration, types or instances."""
        return cohort_topic(COHORT, kind)

    def events(self, kind: str, *, of: str | None = None) -> list[JsonObject]:
        """All events on a topic of the cohort, in their order; `of`: only those of the member with this metadata collection id."""
        found = [json.loads(record.value) for record in self.kafka.read(self.topic(kind)) if record.value]
        return [event for event in found if of in (None, event["originator"].get("metadataCollectionId"))]

    def newcomer(self, name: str, *, learn: str = "all", archives: tuple[Path, ...] = (), more: str = "") -> OurMember:
        """One more member of ours for the cohort, not started, without sources. The same name again is the same member: its store is kept."""
        return OurMember(
            self.directory / name,
            name=name,
            collection_id=str(uuid.uuid5(uuid.UUID(self.ours.collection_id), name)),
            cohort=COHORT,
            kafka=self.kafka.bootstrap,
            learn=learn,
            archives=archives,
            more=more,
        )

    def run(self) -> None:
        """Starts what is not running: at first everything, later what a scenario that failed has left stopped."""
        if not self.kafka.process.running:
            self.kafka.start()
        stopped = [member for member in (self.one, self.two) if not member.process.running]
        for member in stopped:
            member.begin()
        if not self.ours.process.running:
            self.ours.start()
        for member in stopped:
            member.wait_ready()

    def knows_ours(self, java: EgeriaMember) -> bool:
        """Whether an Egeria member has heard our registration since it was started: for `eventually`.

        Its list does not tell, it comes from a file. What a member in memory is asked for before it has heard the registration of the home, it marks
        DEREGISTERED_REPOSITORY for good.
        """
        return f"registration request has been received for cohort {COHORT} from server {self.ours.name} " in java.process.output()

    def caught_up(self, member: OurMember | None = None) -> bool:
        """Whether a member of ours (the one of the trio, if none is given) has read all there is and sent all it has: for `eventually`.

        Its own lag is that of its last look at the broker; here the broker is asked.
        """
        status = (member or self.ours).command("status")
        assert status["outbox"] == 0, f"the outbox holds {status['outbox']}"
        reached: dict[str, int] = {self.topic(kind): 0 for kind in ("registration", "types", "instances")}
        for at in status["positions"]:
            reached[at["topic"]] = reached.get(at["topic"], 0) + at["nextOffset"]
        behind = {topic: f"{reached[topic]} of {end}" for topic, end in self.kafka.ends(reached).items() if reached[topic] < end}
        assert not behind, f"not read yet: {behind}"
        return True


@contextmanager
def running_trio(directory: Path, egeria: Jars, kafka: KafkaBroker) -> Iterator[Trio]:
    """The cohort, running; stopped in the end, when our member has to leave in good order."""
    directory.mkdir()
    archive = write_archive(directory / "clinical-trials.omarchive")
    shop = Shop(kafka, "trio-shop")
    shop.open()
    java = [
        EgeriaMember(directory / name, egeria, name=name, cohort=COHORT, kafka=kafka.bootstrap, archives=archives, java_options=_SMALL)
        for name, archives in (("trioOne", [archive]), ("trioTwo", []))
    ]
    ours = OurMember(
        directory / "trio-proxy",
        name="trio-proxy",
        collection_id="7c0e6a3d-52a9-4f5e-8a3b-2f1d0c9b8e71",
        cohort=COHORT,
        kafka=kafka.bootstrap,
        sources=[shop.source],
    )
    trio = Trio(kafka, java[0], java[1], ours, shop, directory, archive)
    trio.run()
    eventually(trio.caught_up, timeout=30, what="ours has read what the cohort said at its start")
    for member in java:
        eventually(partial(trio.knows_ours, member), timeout=10, what=f"{member.name} has heard the registration of ours")
    yield trio
    ours.stop()
    code = ours.process.exit_code
    for member in java:
        member.stop()
    assert code == 0, ours.process.describe("did not stop in good order")
