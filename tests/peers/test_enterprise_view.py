"""Our enterprise view over a real Egeria member: what only that member has is read, found and changed at our address.

Ours keeps no copies (`cohort.receive = false`), so that what the Java member has can come to us over its REST API alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .compare import differences
from .egeria import EgeriaMember
from .jars import Jars
from .kafka import KafkaBroker
from .member import OurMember
from .rest import EgeriaClient, EgeriaError
from .waiting import eventually

COHORT = "view"
_OURS = "view-proxy"


@dataclass(frozen=True, slots=True)
class View:
    """`java` is the repository of the Java member, `mine` ours; ours federates."""

    member: EgeriaMember
    java: EgeriaClient
    mine: EgeriaClient

    @property
    def whole(self) -> EgeriaClient:
        """All members together, at our address."""
        return self.mine.enterprise


@pytest.fixture(scope="module")
def view(peers_directory: Path, peer_jars: tuple[Jars, Jars], kafka: KafkaBroker) -> Iterator[View]:
    """Ours knows the Java member, and reads no instances from the topic."""
    member = EgeriaMember(peers_directory / COHORT, peer_jars[1], name="viewJava", cohort=COHORT, kafka=kafka.bootstrap)
    ours = OurMember(
        peers_directory / _OURS,
        name=_OURS,
        collection_id="5d1c7f3a-94e2-4b68-a0d3-8e6b2c49f017",
        cohort=COHORT,
        kafka=kafka.bootstrap,
        more="[enterprise]\nenabled = true\nmember_seconds = 30\n",
    )
    ours.config.write_text(ours.config.read_text(encoding="utf-8").replace("[cohort]\n", "[cohort]\nreceive = false\n"), encoding="utf-8")
    member.start()
    ours.start()
    with member.client() as java, EgeriaClient(ours.url, _OURS, "peterprofile") as mine:
        eventually(lambda: [one["serverName"] for one in mine.remote_members(COHORT)] == ["viewJava"], timeout=20, what="ours lists the Java member")
        yield View(member, java, mine)
    ours.stop()
    member.stop()
    assert ours.process.exit_code == 0, ours.process.describe("did not stop in good order")


def test_an_instance_that_only_the_java_member_has(view: View) -> None:
    term = view.java.add_entity("GlossaryTerm", {"qualifiedName": "view::java", "displayName": "Only there"})
    guid = term["guid"]
    with pytest.raises(EgeriaError, match="EntityNotKnownException"):
        view.mine.entity(guid)
    for read in (view.whole.entity, view.whole.entity_if_known):
        assert differences(read(guid), term) == []
    assert differences(view.whole.entity_summary(guid), term, ignore=("class", "properties")) == []
    assert differences(view.whole.entity(guid, as_of=datetime.now(UTC)), term) == []
    assert [each["version"] for each in view.whole.entity_history(guid)] == [1]
    assert view.mine.entity_if_known(guid) is None


def test_finds_over_both(view: View) -> None:
    here = view.mine.add_entity("GlossaryTerm", {"qualifiedName": "view::find::ours", "displayName": "Find me"})
    there = view.java.add_entity("GlossaryTerm", {"qualifiedName": "view::find::java", "displayName": "Find me"})
    both = {here["guid"], there["guid"]}
    for found in (
        view.whole.find_entities_by_property({"displayName": "Find me"}, type_name="GlossaryTerm"),
        view.whole.find_entities_by_property_value("Find.*", type_name="GlossaryTerm"),
    ):
        assert {each["guid"] for each in found} == both
    guids = {each["guid"] for each in view.whole.find_entities(type_name="GlossaryTerm")}
    assert both <= guids


def test_changes_go_to_the_home(view: View) -> None:
    there = view.java.add_entity("GlossaryTerm", {"qualifiedName": "view::change::java"})
    here = view.mine.add_entity("GlossaryTerm", {"qualifiedName": "view::change::ours"})
    changed = view.whole.update_entity(there["guid"], {"qualifiedName": "view::change::java", "displayName": "Changed"})
    assert (changed["version"], view.java.entity(there["guid"])["version"]) == (2, 2)
    classified = view.whole.classify(there["guid"], "Confidentiality", {"notes": "from ours"})
    assert [each["name"] for each in classified["classifications"]] == ["Confidentiality"]
    assert view.java.entity(there["guid"])["classifications"][0]["metadataCollectionId"] == view.member.collection_id
    link = view.whole.add_relationship("RelatedTerm", here["guid"], there["guid"])
    assert link["metadataCollectionId"] == view.mine.metadata_collection_id()
    assert [each["guid"] for each in view.whole.relationships_of(there["guid"])] == [link["guid"]]
    assert view.mine.entity_summary(there["guid"])["class"] == "EntityProxy"
    assert view.whole.delete_entity(view.java.entity(there["guid"]))["status"] == "DELETED"
    assert view.java.entity_if_active(there["guid"]) is None


def test_types_of_both(view: View) -> None:
    _, types = view.whole.all_types()
    assert len({each["name"] for each in types}) == len(types)
    assert view.whole.type_def("GlossaryTerm")["guid"] == view.java.type_def("GlossaryTerm")["guid"]


def test_a_member_that_is_down_is_left_out(view: View) -> None:
    """Last, as it stops the member."""
    here = view.mine.add_entity("GlossaryTerm", {"qualifiedName": "view::down::ours"})
    there = view.java.add_entity("GlossaryTerm", {"qualifiedName": "view::down::java"})
    assert view.whole.entity(there["guid"])["version"] == 1
    view.member.kill()
    with pytest.raises(EgeriaError):
        view.whole.entity(there["guid"])
    assert view.whole.entity(here["guid"])["version"] == 1
    assert here["guid"] in {each["guid"] for each in view.whole.find_entities(type_name="GlossaryTerm")}
