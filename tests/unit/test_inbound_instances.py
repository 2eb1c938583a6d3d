"""What instance events do to reference copies beyond the observed table: proxies, cascades, purges and new lives, re-identification, re-homing."""

import pytest
from msgspec.structs import replace

from cohort_sync.omrs.enums import InstanceEventType, InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.testing.cohort import BORN, Peer, Receiver, property_text, proxy

Event = InstanceEventType
V = Verdict
PEER = Peer()
A, B, C = PEER.entity("a"), PEER.entity("b"), PEER.entity("c")
LINK = PEER.relationship("r", A, B)


def status(receiver: Receiver, guid: str) -> InstanceStatus | None:
    row = receiver.state.instances.get(guid)
    return None if row is None else InstanceStatus(row.status)


def ends(relationship: Relationship | None) -> tuple[str | None, str | None]:
    assert relationship is not None
    assert relationship.entity_one_proxy is not None
    assert relationship.entity_two_proxy is not None
    return relationship.entity_one_proxy.guid, relationship.entity_two_proxy.guid


# ---------------------------------------------------------------- proxies


def test_the_entity_replaces_its_proxy_even_at_a_lower_version() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(PEER.relationship("r", PEER.entity("a", 7), B)))
    assert receiver.verdict(PEER.updated(PEER.entity("a", 6))) is V.STORED
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.version == 6


def test_a_proxy_never_replaces_an_entity_and_a_newer_proxy_replaces_an_older_one() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(PEER.relationship("r", PEER.entity("a", 9), B)), PEER.new(PEER.relationship("s", A, PEER.entity("b", 3))))
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.version == 1
    assert receiver.state.instances["b"].version == 3
    receiver.hear(PEER.new(PEER.relationship("t", A, PEER.entity("b", 2))))
    assert receiver.state.instances["b"].version == 3


def test_a_proxy_of_an_entity_that_claims_to_be_ours_is_not_made_up() -> None:
    receiver = Receiver()
    assert receiver.verdict(PEER.new(PEER.relationship("r", A, PEER.entity("b", home="ours")))) is V.STORED
    assert "b" not in receiver.state.instances


def test_an_incomplete_end_does_not_keep_the_relationship_out() -> None:
    receiver = Receiver()
    bare = replace(LINK, entity_two_proxy=replace(proxy(B), type=None))
    assert receiver.verdict(PEER.new(bare)) is V.STORED
    assert receiver.is_proxy("a")
    assert "b" not in receiver.state.instances


def test_a_relationship_without_an_end_is_refused() -> None:
    receiver = Receiver()
    assert receiver.verdict(PEER.new(replace(LINK, entity_two_proxy=None))) is V.REFUSED
    (letter,) = receiver.reader.dead_letters()
    assert "entityTwoProxy" in letter.reason


# ---------------------------------------------------------------- deletes and restores


def test_a_delete_takes_the_relationships_of_its_home_along_and_a_restore_does_not_bring_them_back() -> None:
    other = Peer("peer-2")
    receiver = Receiver()
    foreign = other.relationship("foreign", A, C)
    own = Peer("ours").relationship("own", A, B)
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK), other.new(foreign))
    receiver.holds(own)
    receiver.hear(PEER.deleted(PEER.entity("a", 2)))
    gone = receiver.relationship("r")
    assert gone is not None
    assert (gone.version, gone.status, gone.status_on_delete) == (2, InstanceStatus.DELETED, InstanceStatus.ACTIVE)
    assert status(receiver, "foreign") is InstanceStatus.ACTIVE
    assert receiver.relationship("own") == own
    receiver.hear(PEER.says(Event.RESTORED_ENTITY_EVENT, PEER.entity("a", 3)))
    assert status(receiver, "a") is InstanceStatus.ACTIVE
    assert status(receiver, "r") is InstanceStatus.DELETED
    assert receiver.verdict(PEER.says(Event.RESTORED_RELATIONSHIP_EVENT, PEER.relationship("r", A, B, 3))) is V.STORED
    assert status(receiver, "r") is InstanceStatus.ACTIVE


def test_a_relationship_that_is_told_after_the_delete_of_its_end_is_deleted_too() -> None:
    in_order, late = Receiver(), Receiver()
    deleted = PEER.deleted(replace(PEER.entity("a", 2), updated_by="erin"))
    late.hear(PEER.new(A), PEER.new(B), deleted, PEER.new(LINK))
    in_order.hear(PEER.new(A), PEER.new(B), PEER.new(LINK), deleted)
    assert status(late, "r") is InstanceStatus.DELETED
    assert late.relationship("r") == in_order.relationship("r")


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, ["peer", "erin"]), (["tom"], ["tom", "erin"]), (["erin", "tom"], ["erin", "tom"])],
)
def test_who_deletes_the_entity_has_maintained_its_relationships(before: list[str] | None, after: list[str]) -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(replace(LINK, maintained_by=before)))
    receiver.hear(PEER.deleted(replace(PEER.entity("a", 2), updated_by="erin")))
    gone = receiver.relationship("r")
    assert gone is not None
    assert (gone.updated_by, gone.maintained_by) == ("erin", after)


def test_a_delete_counts_at_the_version_that_a_forgotten_re_type_has_used() -> None:
    """4.2 in memory announces a re-type, forgets it, and gives its version to the next change (seen on a running server)."""
    receiver = Receiver()
    retyped = PEER.entity("a", 2, type_name="Referenceable")
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK), PEER.says(Event.RETYPED_ENTITY_EVENT, retyped))
    deleted = PEER.deleted(PEER.entity("a", 2))
    assert receiver.verdict(deleted) is V.STORED
    assert (status(receiver, "a"), status(receiver, "r")) == (InstanceStatus.DELETED, InstanceStatus.DELETED)
    assert receiver.verdict(PEER.says(Event.RETYPED_ENTITY_EVENT, retyped)) is V.DUPLICATE
    assert receiver.verdict(deleted) is V.DUPLICATE
    assert receiver.verdict(PEER.says(Event.RESTORED_ENTITY_EVENT, PEER.entity("a", 3))) is V.STORED


def test_a_home_that_deletes_each_relationship_itself_is_no_trouble() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK), PEER.deleted(replace(LINK, version=2)), PEER.deleted(PEER.entity("a", 2)))
    gone = receiver.relationship("r")
    assert gone is not None
    assert (gone.version, gone.status) == (2, InstanceStatus.DELETED)


def test_a_deleted_event_deletes_whatever_status_it_carries() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.says(Event.DELETED_ENTITY_EVENT, PEER.entity("a", 2)))
    assert status(receiver, "a") is InstanceStatus.DELETED
    receiver.hear(PEER.new(B), PEER.new(PEER.relationship("r", B, B)), PEER.says(Event.DELETED_RELATIONSHIP_EVENT, PEER.relationship("r", B, B, 2)))
    assert status(receiver, "r") is InstanceStatus.DELETED


# ---------------------------------------------------------------- purges and new lives


def test_a_purge_takes_the_relationships_of_its_home_along_and_leaves_tombstones() -> None:
    other = Peer("peer-2")
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK), other.new(other.relationship("foreign", A, B)))
    receiver.hear(PEER.deleted(PEER.entity("a", 2)), PEER.purged(A))
    assert "a" not in receiver.state.instances
    assert "r" not in receiver.state.instances
    assert "foreign" in receiver.state.instances
    assert receiver.state.tombstones["a"].version == 2
    assert receiver.verdicts(PEER.new(A), PEER.deleted(PEER.entity("a", 2)), PEER.new(LINK)) == [V.STALE, V.STALE, V.STALE]
    assert "r" not in receiver.state.instances


def test_a_purge_that_was_sent_twice_does_not_take_the_next_life() -> None:
    """A member of ours gives an object that comes back its old GUID, its old createTime and the next version; its outbox may repeat a suffix."""
    receiver = Receiver()
    story = [PEER.new(A), PEER.deleted(PEER.entity("a", 2)), PEER.purged(A), PEER.new(PEER.entity("a", 3))]
    for event in (*story, *story, *story[1:], *story[2:]):
        receiver.hear(event)
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.version == 3
    receiver.hear(PEER.deleted(PEER.entity("a", 4)), PEER.purged(A))
    assert "a" not in receiver.state.instances
    for event in story:
        receiver.hear(event)
    assert "a" not in receiver.state.instances


def test_a_new_create_time_is_a_new_life_and_the_old_one_stays_away() -> None:
    receiver = Receiver()
    again = PEER.entity("a", created=BORN + 50)
    receiver.hear(PEER.new(A), PEER.deleted(PEER.entity("a", 2)), PEER.purged(PEER.entity("a", 2), by_ids=False), PEER.new(again))
    assert receiver.entity("a") == again
    assert receiver.verdicts(PEER.updated(PEER.entity("a", 2)), PEER.purged(PEER.entity("a", 2), by_ids=False)) == [V.STALE, V.STALE]
    assert receiver.entity("a") == again


def test_a_purge_before_its_delete_and_of_something_never_seen_is_remembered() -> None:
    receiver = Receiver()
    assert receiver.verdict(PEER.purged(PEER.entity("a", 2), by_ids=False)) is V.DUPLICATE
    assert receiver.verdicts(PEER.deleted(PEER.entity("a", 2)), PEER.new(A)) == [V.STALE, V.STALE]
    receiver.hear(PEER.new(B), PEER.purged(B))
    assert receiver.verdict(PEER.deleted(PEER.entity("b", 2))) is V.STALE
    assert receiver.verdict(PEER.updated(PEER.entity("b", 2))) is V.STALE


def test_a_purge_in_the_batch_of_its_new_event_leaves_nothing_but_the_tombstone() -> None:
    receiver = Receiver()
    assert receiver.verdicts(PEER.new(A), PEER.purged(A), PEER.new(PEER.entity("a", 2))) == [V.STORED, V.REMOVED, V.STORED]
    entity = receiver.entity("a")
    assert entity is not None
    assert entity.version == 2
    receiver.hear(PEER.new(B), PEER.purged(B))
    assert "b" not in receiver.state.instances
    assert "b" in receiver.state.tombstones


def test_purging_a_relationship_and_purges_of_the_wrong_kind() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK))
    assert receiver.verdict(PEER.purged(replace(A, guid="r"))) is V.CONFLICT
    assert receiver.verdict(PEER.purged(replace(LINK, guid="a"))) is V.CONFLICT
    assert receiver.verdict(PEER.purged(LINK)) is V.REMOVED
    assert receiver.verdict(PEER.new(LINK)) is V.STALE
    assert receiver.verdict(PEER.says(Event.DELETE_PURGED_RELATIONSHIP_EVENT, PEER.relationship("s", A, B, 4))) is V.DUPLICATE
    assert receiver.verdict(PEER.new(PEER.relationship("s", A, B))) is V.STALE


# ---------------------------------------------------------------- re-identified, re-typed, re-homed


def test_re_identify_moves_relationships_and_foreign_classifications_and_what_comes_late() -> None:
    other, own = Peer("peer-2"), Peer("ours")
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK), other.classified(A, other.classification()))
    receiver.holds(own.relationship("own", A, B))
    new = PEER.entity("a2", 2)
    assert receiver.verdict(PEER.says(Event.RE_IDENTIFIED_ENTITY_EVENT, new, old_guid="a")) is V.STORED
    assert "a" not in receiver.state.instances
    assert ends(receiver.relationship("r")) == ("a2", "b")
    assert ends(receiver.relationship("own")) == ("a", "b")
    assert receiver.classifications("a2") == {"Confidentiality": 1}
    assert receiver.verdict(PEER.new(A)) is V.STALE
    assert receiver.verdict(PEER.new(PEER.relationship("late", B, A))) is V.STORED
    assert ends(receiver.relationship("late")) == ("b", "a2")


def test_re_identify_that_comes_before_what_it_ends_and_twice() -> None:
    receiver = Receiver()
    event = PEER.says(Event.RE_IDENTIFIED_ENTITY_EVENT, PEER.entity("a2", 4), old_guid="a")
    assert receiver.verdicts(event, PEER.new(A), event) == [V.STORED, V.STALE, V.DUPLICATE]
    assert set(receiver.state.instances) == {"a2"}


def test_re_identify_that_is_older_than_the_new_copy_still_removes_the_old_one() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.updated(PEER.entity("a2", 5)))
    assert receiver.verdict(PEER.says(Event.RE_IDENTIFIED_ENTITY_EVENT, PEER.entity("a2", 4), old_guid="a")) is V.STORED
    assert set(receiver.state.instances) == {"a2"}


def test_re_identify_does_not_remove_what_the_sender_does_not_own() -> None:
    other = Peer("peer-2")
    receiver = Receiver()
    receiver.holds(Peer("ours").entity("mine"))
    receiver.hear(PEER.new(A), other.says(Event.RE_IDENTIFIED_ENTITY_EVENT, other.entity("x", 9), old_guid="a"))
    receiver.hear(other.says(Event.RE_IDENTIFIED_ENTITY_EVENT, other.entity("y", 9), old_guid="mine"))
    assert {"a", "mine", "x", "y"} <= set(receiver.state.instances)


def test_re_identify_a_relationship() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK))
    assert receiver.verdict(PEER.says(Event.RE_IDENTIFIED_RELATIONSHIP_EVENT, PEER.relationship("r2", A, B, 2), old_guid="r")) is V.STORED
    assert receiver.relationship("r") is None
    assert receiver.relationship("r2") is not None
    assert receiver.verdict(PEER.new(LINK)) is V.STALE


def test_a_re_typed_entity_may_have_a_lower_type_version() -> None:
    receiver = Receiver()
    term = replace(A, type=replace(PEER.registry.instance_type("GlossaryTerm"), type_def_version=3))
    asset = PEER.entity("a", 2, type_name="Asset")
    receiver.hear(PEER.new(term))
    assert receiver.verdict(PEER.says(Event.RETYPED_ENTITY_EVENT, asset)) is V.STORED
    assert receiver.entity("a") == asset
    older = replace(PEER.entity("a", 3, type_name="Asset"), type=replace(PEER.registry.instance_type("Asset"), type_def_version=0))
    assert receiver.verdict(PEER.updated(older)) is V.CONFLICT


def test_re_home_comes_from_the_new_home() -> None:
    new_home = Peer("peer-2")
    receiver = Receiver()
    receiver.hear(PEER.new(A))
    moved = new_home.entity("a", 2)
    assert receiver.verdict(new_home.updated(moved)) is V.NOT_HOME
    assert receiver.verdict(new_home.says(Event.RE_HOMED_ENTITY_EVENT, moved, old_home="peer-2")) is V.STORED
    assert receiver.entity("a") == moved
    assert receiver.verdict(PEER.updated(PEER.entity("a", 3))) is V.NOT_HOME
    assert receiver.verdict(new_home.updated(new_home.entity("a", 3))) is V.STORED


# ---------------------------------------------------------------- who speaks


def test_a_content_pack_and_an_external_source_speak_through_those_who_replicate_them() -> None:
    receiver = Receiver()
    pack = Peer("content-pack")
    in_pack = pack.entity("p", replicated_by="loader", provenance=InstanceProvenanceType.CONTENT_PACK)
    assert receiver.verdict(pack.new(in_pack)) is V.STORED
    loader = Peer("loader")
    assert receiver.verdict(loader.updated(replace(in_pack, version=2))) is V.STORED
    assert receiver.verdict(Peer("peer-2").updated(replace(in_pack, version=3, replicated_by="peer-2"))) is V.NOT_HOME
    external = loader.entity("x", home="external", replicated_by="loader", provenance=InstanceProvenanceType.EXTERNAL_SOURCE)
    assert receiver.verdict(loader.new(external)) is V.STORED
    assert receiver.verdict(PEER.purged(external)) is V.NOT_HOME
    assert receiver.verdict(loader.purged(external)) is V.REMOVED


def test_nobody_speaks_for_another_home() -> None:
    receiver = Receiver()
    assert receiver.verdict(Peer("peer-2").new(A)) is V.NOT_HOME
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK))
    for event in (Event.UPDATED_ENTITY_EVENT, Event.DELETED_ENTITY_EVENT, Event.RE_IDENTIFIED_ENTITY_EVENT, Event.DELETE_PURGED_ENTITY_EVENT):
        assert receiver.verdict(Peer("peer-2").says(event, PEER.entity("a", 9))) is V.NOT_HOME
    assert receiver.verdict(Peer("peer-2").deleted(replace(LINK, version=9))) is V.NOT_HOME
    assert receiver.entity("a") == A


def test_a_guid_of_another_kind_is_a_conflict() -> None:
    receiver = Receiver()
    receiver.hear(PEER.new(A), PEER.new(B), PEER.new(LINK))
    assert receiver.verdict(PEER.new(PEER.relationship("a", B, B, 9))) is V.CONFLICT
    assert receiver.verdict(PEER.new(PEER.entity("r", 9))) is V.CONFLICT
    assert receiver.verdict(PEER.classified(PEER.entity("r", 9), PEER.classification())) is V.CONFLICT


def test_every_header_field_survives() -> None:
    receiver = Receiver()
    entity: EntityDetail = replace(
        PEER.entity("a", 4, displayName="Größe", classifications=[PEER.classification()]),
        metadata_collection_name="name",
        instance_license="licence",
        maintained_by=["one", "two"],
        last_request_id="request",
        re_identified_from_guid="before",
    )
    receiver.hear(PEER.updated(entity))
    assert receiver.entity("a") == entity
    assert property_text(entity, "displayName") == "Größe"
    relationship = replace(PEER.relationship("r", entity, B, 3), maintained_by=["one"])
    receiver.hear(PEER.new(relationship))
    assert receiver.relationship("r") == relationship
