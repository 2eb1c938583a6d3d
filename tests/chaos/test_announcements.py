"""The proof that the chaos test relies on, tried on made topics."""

import pytest
from announcements import Announcements

A, B, C, D, E = b"A", b"B", b"C", b"D", b"E"


@pytest.mark.parametrize(
    ("topic", "announced", "repeats", "repeated"),
    [
        ([], [], 0, 0),
        ([A, B, C], [A, B, C], 0, 0),
        ([A, B, C, B, C, D], [A, B, C, D], 1, 2),
        ([A, B, C, A, B, C], [A, B, C], 1, 3),
        ([A, B, C, D, B, C, C, D, E], [A, B, C, D, E], 2, 4),
        ([A, B, B, C], [A, B, C], 1, 1),
    ],
)
def test_what_was_announced_and_what_was_sent_again(topic: list[bytes], announced: list[bytes], repeats: int, repeated: int) -> None:
    found = Announcements(topic)
    assert (found.announced, found.repeats, found.repeated) == (announced, repeats, repeated)


@pytest.mark.parametrize(
    "topic",
    [
        [A, B, C, A, C, D],  # B is missing in what was sent again
        [A, B, C, D, B, E],  # so are C and D
        [A, B, C, B],  # and C here
        [A, B, C, D, A, D],
    ],
)
def test_what_may_not_be(topic: list[bytes]) -> None:
    with pytest.raises(AssertionError):
        Announcements(topic)


def test_the_outbox_of_a_sender_that_was_killed() -> None:
    found = Announcements([A, B, C, B, C, D, E])
    assert found.holds([])
    assert found.holds([B, C])
    assert found.holds([C, D, E])
    assert not found.holds([B, D])
    assert not found.holds([E, b"F"])
    assert not found.holds([b"F"])
