"""What a lost position says, in the same words for every store."""

from cohort_sync.store.protocol import PositionLost
from cohort_sync.store.rows import PositionMove


def lost(move: PositionMove, found: int | None) -> PositionLost:
    """The fault of a move that did not find its expected value (guarantee 8)."""
    expected = "no position yet" if move.expected is None else f"next offset {move.expected}"
    actual = "there is none" if found is None else f"it is {found}"
    return PositionLost(
        f"position of {move.topic}/{move.partition} (cluster {move.cluster_id}): expected {expected}, {actual}. "
        "Another worker has moved it; nothing of this transaction was written. Read the position again and go on from there"
    )
