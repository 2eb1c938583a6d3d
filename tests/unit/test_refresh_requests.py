"""Requests to refresh: what is asked, of whom, and that every copy is asked for once."""

import msgspec
import pytest

from cohort_sync.cohort import refresh_requests
from cohort_sync.cohort.refresh_requests import AskedCursor, ask_for_registrations, plan_refresh
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.enums import RegistryEventType
from cohort_sync.omrs.events import InstanceSection, RegistrySection
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.testing.cohort import Peer, Receiver, proxy

NOW = 1_780_000_000_500
THEM, OTHERS = Peer("theirs"), Peer("others")


def asked(receiver: Receiver, *homes: str) -> list[InstanceSection]:
    """All requests, the cursor written down between two chunks."""
    cursor, found = AskedCursor(homes=homes), []
    for _ in range(1000):
        chunk = plan_refresh(receiver.reader, cursor, receiver.context.member, NOW)
        found += [decode_event(row.value).instance_event_section or InstanceSection() for row in chunk.outbox]
        assert {row.channel for row in chunk.outbox} <= {"instances"}
        cursor = msgspec.json.decode(msgspec.json.encode(chunk.cursor), type=AskedCursor)
        if chunk.last:
            assert cursor.asked == len(found)
            return found
    raise AssertionError("it does not end")


def test_everybody_is_asked_to_register() -> None:
    row = ask_for_registrations(Receiver("ours").context.member, NOW)
    event = decode_event(row.value)
    assert row.channel == "registration"
    assert (event.registry_event_section or RegistrySection()).registry_event_type is RegistryEventType.REFRESH_REGISTRATION_REQUEST
    assert event.originator is not None
    assert event.originator.metadata_collection_id is None


def test_copies_proxies_and_relationships_of_a_member_are_asked_for() -> None:
    receiver = Receiver("ours")
    a, b, ours = THEM.entity("a"), THEM.entity("b"), Peer("ours").entity("o")
    receiver.holds(a, ours, OTHERS.entity("x"))
    receiver.hear(THEM.new(THEM.relationship("ab", a, proxy(b))))
    assert receiver.is_proxy("b")
    found = asked(receiver, "theirs")
    assert [(section.event_type, section.instance_guid, section.home_metadata_collection_id, section.type_def_name) for section in found] == [
        (Event.REFRESH_ENTITY_REQUEST, "a", "theirs", "GlossaryTerm"),
        (Event.REFRESH_RELATIONSHIP_REQUEST, "ab", "theirs", "Synonym"),
        (Event.REFRESH_ENTITY_REQUEST, "b", "theirs", "GlossaryTerm"),
    ]
    assert all(section.type_def_guid for section in found)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 100])
def test_every_member_and_every_copy_once_in_bounded_chunks(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(refresh_requests, "CHUNK", chunk)
    receiver = Receiver("ours")
    receiver.holds(*(THEM.entity(f"t{number}") for number in range(5)), *(OTHERS.entity(f"x{number}") for number in range(3)))
    found = asked(receiver, "theirs", "nobody", "others")
    assert [section.instance_guid for section in found] == [f"t{number}" for number in range(5)] + [f"x{number}" for number in range(3)]


def test_nothing_is_held_and_nobody_is_there() -> None:
    assert asked(Receiver("ours"), "theirs") == []
    assert asked(Receiver("ours")) == []


def test_the_home_answers_and_what_was_missed_is_there() -> None:
    """The member has changed an entity while we could not hear it, and we know another one only by a relationship."""
    home, receiver = Receiver("theirs"), Receiver("ours")
    a, b = THEM.entity("a", 4, description="new"), THEM.entity("b")
    home.holds(a, b, THEM.relationship("ab", a, b))
    receiver.hear(THEM.new(THEM.entity("a")), THEM.new(THEM.relationship("ab", a, b)))
    cursor = AskedCursor(homes=("theirs",))
    requests = [row.value for row in plan_refresh(receiver.reader, cursor, receiver.context.member, NOW).outbox]
    assert set(home.verdicts(*requests)) == {Verdict.ANSWERED}
    receiver.hear(*home.sent())
    assert receiver.entity("a") == a
    assert receiver.entity("b") == b
