"""Classifications of copies, and those that others put on what is ours."""

from msgspec.structs import replace

from cohort_sync.omrs.enums import InstanceEventType, InstanceStatus
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.testing.cohort import BORN, Peer, Receiver, property_text, proxy

Event = InstanceEventType
V = Verdict
PEER, OTHER, OURS = Peer(), Peer("peer-2"), Peer("ours")
A = PEER.entity("a")
C1, C2, C3 = (PEER.classification(version=version, notes=f"v{version}") for version in (1, 2, 3))


def test_the_life_of_a_classification() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A))
    assert receiver.verdict(PEER.classified(replace(A, classifications=[C1]), C1)) is V.STORED
    assert receiver.verdict(PEER.classified(replace(A, classifications=[C2]), C2, C1)) is V.STORED
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.classifications == [C2]
    assert receiver.verdict(PEER.classified(A, None, C2)) is V.REMOVED
    assert receiver.verdict(PEER.classified(A, None, C2)) is V.DUPLICATE
    assert receiver.verdict(PEER.classified(A, C1)) is V.STALE
    again = PEER.classification(created=BORN + 9, notes="again")
    assert receiver.verdict(PEER.classified(replace(A, classifications=[again]), again)) is V.STORED
    assert receiver.classifications("a") == {"Confidentiality": 1}


def test_the_version_of_the_entity_does_not_matter_to_a_classification() -> None:
    receiver = Receiver()
    receiver.hear(PEER.updated(PEER.entity("a", 5)))
    assert receiver.verdict(PEER.classified(A, C1)) is V.STORED
    assert receiver.verdict(PEER.classified(A, C1)) is V.DUPLICATE
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.version == 5


def test_events_out_of_order_end_the_same() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A))
    assert receiver.verdicts(PEER.classified(A, None, C2), PEER.classified(A, C2, C1), PEER.classified(A, C1)) == [V.DUPLICATE, V.STALE, V.STALE]
    assert receiver.classifications("a") == {}


def test_a_classification_event_brings_the_newer_entity_along() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A))
    newer = PEER.entity("a", 2, displayName="two", classifications=[C1])
    assert receiver.verdict(PEER.classified(newer, C1)) is V.STORED
    assert receiver.entity("a") == newer
    assert receiver.verdict(PEER.updated(PEER.entity("a", 2, displayName="two"))) is V.DUPLICATE
    assert receiver.classifications("a") == {"Confidentiality": 1}
    unknown = PEER.entity("b", classifications=[C1])
    assert receiver.verdict(PEER.classified(unknown, C1)) is V.STORED
    assert receiver.entity("b") == unknown


def test_a_newer_entity_of_its_home_says_which_classifications_of_that_home_there_are() -> None:
    receiver = Receiver()
    theirs = OTHER.classification("Confidence")
    receiver.hear(PEER.new(replace(A, classifications=[C2])), OTHER.classified(A, theirs))
    assert receiver.classifications("a") == {"Confidence": 1, "Confidentiality": 2}
    receiver.hear(PEER.updated(PEER.entity("a", 2)))
    assert receiver.classifications("a") == {"Confidence": 1}
    assert receiver.verdict(PEER.classified(A, C1)) is V.STALE
    receiver.hear(PEER.says(Event.UNDONE_ENTITY_EVENT, PEER.entity("a", 3, classifications=[C2])))
    assert receiver.classifications("a") == {"Confidence": 1, "Confidentiality": 2}


def test_an_undo_brings_a_removed_classification_back_and_replays_do_not_disturb_it() -> None:
    """As a 4.2 member did it: DECLASSIFIED of v3 with entity v2, then UNDONE v3 with the classification at v3 again."""
    receiver = Receiver()
    story = [
        PEER.new(A),
        PEER.classified(replace(A, classifications=[C1]), C1),
        PEER.classified(replace(A, classifications=[C3]), C3, C1),
        PEER.classified(A, None, C3),
        PEER.says(Event.UNDONE_ENTITY_EVENT, PEER.entity("a", 2, classifications=[C3])),
    ]
    for event in (*story, *story, *story[3:], *story[2:]):
        receiver.hear(event)
    assert receiver.classifications("a") == {"Confidentiality": 3}
    gone = PEER.classified(PEER.entity("a", 2), None, C3)
    assert receiver.verdict(gone) is V.REMOVED
    for event in (*story, gone):
        receiver.hear(event)
    assert receiver.classifications("a") == {}


def test_a_refresh_at_the_same_version_repairs_classifications_and_removes_none() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(replace(A, classifications=[C1])))
    assert receiver.verdict(PEER.says(Event.REFRESHED_ENTITY_EVENT, replace(A, classifications=[C2]))) is V.STORED
    assert receiver.classifications("a") == {"Confidentiality": 2}
    assert receiver.verdict(PEER.says(Event.REFRESHED_ENTITY_EVENT, replace(A, classifications=[C2]))) is V.DUPLICATE
    assert receiver.verdict(PEER.says(Event.REFRESHED_ENTITY_EVENT, A)) is V.DUPLICATE
    assert receiver.classifications("a") == {"Confidentiality": 2}


def test_a_deleted_classification_inside_an_entity_is_a_removal() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(replace(A, classifications=[C1])))
    dead = replace(C2, status=InstanceStatus.DELETED)
    receiver.hear(PEER.says(Event.DELETED_ENTITY_EVENT, PEER.entity("a", 2, status=InstanceStatus.DELETED, classifications=[dead])))
    assert receiver.classifications("a") == {}
    assert receiver.verdict(PEER.classified(A, C2)) is V.STALE
    receiver.hear(PEER.new(PEER.entity("b", classifications=[dead])))
    assert receiver.classifications("b") == {}


def test_another_member_classifies_an_entity_of_ours() -> None:
    receiver = Receiver()
    mine = OURS.entity("mine", displayName="mine")
    receiver.holds(mine)
    theirs = OTHER.classification()
    theirs_to_say = replace(mine, version=9, properties=A.properties, classifications=[theirs])
    assert receiver.verdict(OTHER.classified(theirs_to_say, theirs)) is V.STORED
    stored = receiver.entity("mine")
    assert stored == replace(mine, classifications=[theirs])
    assert property_text(stored, "displayName") == "mine"
    assert receiver.verdict(OTHER.classified(proxy(mine), None, theirs)) is V.REMOVED
    assert receiver.entity("mine") == mine
    assert receiver.verdict(OTHER.classified(OURS.entity("unknown"), theirs)) is V.NOT_HOME
    assert "unknown" not in receiver.state.instances


def test_a_classification_of_ours_is_changed_by_nobody() -> None:
    receiver = Receiver()
    ours = OURS.classification(notes="ours")
    mine = OURS.entity("mine", classifications=[ours])
    receiver.holds(mine)
    receiver.hear(PEER.new(A))
    receiver.holds(replace(A, classifications=[ours]))
    forged = replace(ours, version=7, metadata_collection_id="peer-1")
    for event in (
        PEER.classified(mine, replace(ours, version=7)),
        PEER.classified(mine, forged),
        PEER.classified(mine, None, ours),
        PEER.classified(A, forged),
        PEER.classified(A, None, forged),
    ):
        assert receiver.verdict(event) is V.NOT_HOME
    receiver.hear(PEER.updated(PEER.entity("a", 2)), PEER.updated(PEER.entity("a", 3, classifications=[forged])))
    assert receiver.entity("mine") == mine
    entity = receiver.entity("a")
    assert entity is not None
    assert (entity.version, entity.classifications) == (3, [ours])


def test_only_its_home_changes_a_classification() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), OTHER.classified(A, OTHER.classification()))
    assert receiver.verdict(PEER.classified(A, None, OTHER.classification())) is V.NOT_HOME
    assert receiver.verdict(PEER.classified(A, OTHER.classification(version=2))) is V.NOT_HOME
    assert receiver.verdict(PEER.classified(A, PEER.classification(version=2))) is V.CONFLICT
    later = PEER.classification(created=BORN + 5)
    assert receiver.verdict(PEER.classified(A, later)) is V.STORED
    assert receiver.verdict(OTHER.classified(A, None, OTHER.classification())) is V.STALE


def test_a_classifier_teaches_an_unknown_entity_as_a_proxy_until_its_home_speaks() -> None:
    receiver = Receiver()
    theirs = OTHER.classification()
    assert receiver.verdict(OTHER.classified(replace(A, classifications=[theirs]), theirs)) is V.STORED
    assert receiver.is_proxy("a")
    assert receiver.classifications("a") == {"Confidentiality": 1}
    receiver.hear(PEER.new(A))
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.classifications == [theirs]
    assert receiver.verdict(OTHER.classified(proxy(PEER.entity("b")), theirs)) is V.STORED
    assert receiver.is_proxy("b")


def test_a_soft_deleted_entity_keeps_being_classified_and_shows_it_when_restored() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.deleted(PEER.entity("a", 2)), OTHER.classified(A, OTHER.classification()))
    receiver.hear(PEER.says(Event.RESTORED_ENTITY_EVENT, PEER.entity("a", 3)))
    assert receiver.classifications("a") == {"Confidentiality": 1}


def test_a_purged_entity_cannot_be_classified() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.purged(A))
    assert receiver.verdict(PEER.classified(A, C1)) is V.STALE
    assert receiver.verdict(OTHER.classified(proxy(A), OTHER.classification())) is V.STALE
    assert receiver.classifications("a") == {}


def test_what_is_refused() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A))
    table_only = PEER.classification("PrimaryKey")
    nameless = replace(C1, name="Confidence")
    bad = [
        PEER.classified(A, table_only),
        PEER.classified(A, nameless),
        PEER.classified(A, replace(C1, name="Nonsense", type=None)),
        PEER.classified(A, replace(C1, metadata_collection_id=None)),
        PEER.classified(A, None, replace(C1, name=None)),
        PEER.new(PEER.entity("b", classifications=[table_only])),
    ]
    assert receiver.verdicts(*bad) == [V.REFUSED] * len(bad)
    assert receiver.classifications("a") == {}
    assert "b" not in receiver.state.instances


def test_a_classification_may_come_with_no_more_than_its_name_and_home() -> None:
    """A member of 4.2 in memory announces what the caller of addEntity has given it (seen on a running server)."""
    bare = replace(C1, type=None, create_time=None, created_by=None, status=None, version=0, properties=None)
    whole = replace(bare, type=C1.type, create_time=A.create_time)
    receiver = Receiver()
    assert receiver.verdict(PEER.new(replace(A, classifications=[bare]))) is V.STORED
    assert receiver.entity("a") == replace(A, classifications=[whole])
    changed = replace(bare, version=2, properties=C2.properties)
    assert receiver.verdict(PEER.classified(replace(A, classifications=[changed]), changed, bare)) is V.STORED
    assert receiver.classifications("a") == {"Confidentiality": 2}
    assert receiver.verdict(PEER.classified(A, None, changed)) is V.REMOVED
    assert receiver.classifications("a") == {}


def test_a_declassification_needs_no_more_than_the_name() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(replace(A, classifications=[C1])))
    bare = replace(C1, metadata_collection_id=None, create_time=None, version=0, type=None)
    assert receiver.verdict(PEER.classified(A, None, bare)) is V.REMOVED
    assert receiver.verdict(PEER.classified(A, None, bare)) is V.DUPLICATE
