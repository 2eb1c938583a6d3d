"""Real databases in a real cohort: DDL on MariaDB and PostgreSQL, Debezium's connectors, our worker, and what an Egeria 4.2 member shows in the end.

After every script the member's REST API shows exactly the tables and columns that the databases' own information_schema lists: names, order, types, sizes,
nullability, keys, literal defaults, MariaDB's comments. PostgreSQL sends no schema changes: each of its scripts writes a row after a change, and a table that
was dropped or renamed there stays to be seen. Two things more that no record says, and that are not asked for: which columns of MariaDB are generated, and what
a default is that is no literal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from .compare import assert_same, differences
from .debezium.catalogue import Catalogue, shown_in
from .debezium.databases import STEPS, Databases
from .egeria import EgeriaMember
from .homes import homed_at, with_ends_of_today
from .jars import Jars, PeersUnavailableError, debezium_jars
from .kafka import KafkaBroker
from .member import OurMember
from .omrs_json import JsonObject
from .rest import EgeriaClient
from .waiting import eventually

_COHORT = "databases"
_SMALL = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_UNSEEN = "09-unseen"
_SOURCES = r"""
[[sources]]
name = "till"
mapper = "debezium"
topics = ["till"]

[[sources]]
name = "depot"
mapper = "debezium"
topic_pattern = 'depot\..+'
"""
_RENAMED = {
    "04-rename": {
        ("shop", "customers"): ("shop", "Kunden & Co"),
        ("shop", "no_key"): ("shop", "keyed_again"),
        ("shop", "plain"): ("Über shop", "plain"),
    },
    "05-swap": {
        ("shop", "blue"): ("shop", "green"),
        ("shop", "green"): ("shop", "blue"),
        ("shop", "one"): ("shop", "three"),
        ("shop", "two"): ("shop", "one"),
        ("shop", "three"): ("shop", "two"),
    },
}
"""By script, tables that have another name after it and are the same tables."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The databases, our member that reads of them, and the Java member that hears of it."""

    databases: Databases
    ours: OurMember
    egeria: EgeriaMember
    java: EgeriaClient

    def shown(self) -> Catalogue:
        """The tables that the Java member shows."""
        return shown_in(homed_at(self.ours.collection_id, self.java))

    def shows_it_all(self) -> Catalogue:
        """The tables that the Java member shows, once they are what information_schema lists."""

        def as_listed() -> Catalogue:
            shown = self.shown()
            self.databases.assert_shown(shown)
            return shown

        return eventually(as_listed, timeout=120, interval=0.5, what="the Java member shows what information_schema lists")


@pytest.fixture(scope="module")
def scene(peers_directory: Path, peer_jars: tuple[Jars, Jars], kafka: KafkaBroker) -> Iterator[Scene]:
    """All of it, running, in a cohort of its own; the first script is in the connectors' snapshots."""
    directory = peers_directory / _COHORT
    try:
        databases = Databases(directory, debezium_jars(), kafka=kafka.bootstrap)
    except PeersUnavailableError as error:
        missing = str(error)
    else:
        missing = ""
    if missing:
        pytest.fail(missing, pytrace=False)
    egeria = EgeriaMember(directory / "cocoDB", peer_jars[1], name="cocoDB", cohort=_COHORT, kafka=kafka.bootstrap, java_options=_SMALL)
    ours = OurMember(
        directory / "catalogue",
        name="catalogue",
        collection_id="c9a7b3f2-5d0e-4c7b-9a35-6f1f0a4c2e11",
        cohort=_COHORT,
        kafka=kafka.bootstrap,
        more=_SOURCES,
    )
    ours.process.environment["COHORT_SYNC_KAFKA__TOPIC_REFRESH_SECONDS"] = "1"
    try:
        egeria.begin()
        databases.start()
        ours.start()
        egeria.wait_ready()
        with egeria.client() as java:
            yield Scene(databases, ours, egeria, java)
    finally:
        ours.stop()
        databases.stop()
        egeria.stop()


def test_the_java_member_shows_the_first_snapshot(scene: Scene) -> None:
    scene.databases.reach(STEPS[0])
    shown = scene.shows_it_all()
    assert {owner for owner, *_ in shown} == {"shop", "Über shop", "marks", "depot"}
    assert len(shown) > 15


@pytest.mark.parametrize("step", [step for step in STEPS[1:] if step < _UNSEEN])
def test_the_java_member_follows_every_script(scene: Scene, step: str) -> None:
    before = scene.shown()
    scene.databases.reach(step)
    scene.databases.mark(step)
    after = scene.shows_it_all()
    for old, new in _RENAMED.get(step, {}).items():
        assert after[new].guid == before[old].guid, f"{old} is now {new}, and is another entity"


def test_the_java_member_follows_a_new_snapshot(scene: Scene) -> None:
    """The connectors were stopped and have lost their offsets; meanwhile a script ran. What it did not touch is not announced again."""
    scene.databases.reach(STEPS[STEPS.index(_UNSEEN) - 1])
    scene.shows_it_all()
    before = scene.ours.homed()
    scene.databases.reach_unseen(_UNSEEN)
    scene.databases.mark(_UNSEEN)
    scene.shows_it_all()
    after = scene.ours.homed()
    assert _changed_without_a_change(before, after) == []


def test_every_home_instance_is_the_same_at_the_java_member(scene: Scene) -> None:
    ours = scene.ours.homed()
    assert len(ours) > 500

    def same() -> bool:
        assert_same(with_ends_of_today(ours), homed_at(scene.ours.collection_id, scene.java))
        return True

    eventually(same, timeout=60, interval=0.5, what="the Java member has copies that equal ours")


def test_nothing_was_refused(scene: Scene) -> None:
    assert scene.ours.command("dlq", "list") == []
    assert scene.egeria.complaints() == []
    status = scene.ours.command("status")
    assert {at["topic"]: at["lag"] for at in status["positions"] if at["lag"]} == {}


def _changed_without_a_change(before: Mapping[str, JsonObject], after: Mapping[str, JsonObject]) -> list[str]:
    """The GUIDs of what has a new version although nothing else is new."""
    both = before.keys() & after.keys()
    same = [guid for guid in both if not differences(before[guid], after[guid], ignore=["version", "updateTime", "updatedBy"])]
    return sorted(guid for guid in same if before[guid]["version"] != after[guid]["version"])
