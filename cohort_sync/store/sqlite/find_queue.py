"""The queue of what waits for the find index, and the places of what is in it."""

from collections.abc import Iterable
from typing import Final

GONE: Final = 1
CAME: Final = 2
"""What a change may be; 0005_find_pages.sql has the others."""

CHUNK: Final = "SELECT seq, guid, gone FROM find_queue ORDER BY seq LIMIT ?1"
SIZE: Final = "SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM find_queue"
"""About how many: a GUID may wait more than once."""
TAKEN: Final = "DELETE FROM find_queue WHERE seq <= ?1"
MOVES: Final = "SELECT guid, gone + move FROM find_queue WHERE gone + move > 0 ORDER BY seq"


def in_place(queue: Iterable[tuple[str, int]]) -> list[str]:
    """The GUIDs of a queue, each once, in the order of their places. One that was removed meanwhile goes to the end: what comes under it then is another
    instance."""
    places: dict[str, None] = {}
    for guid, change in queue:
        if change == GONE:
            places.pop(guid, None)
        places[guid] = None
    return list(places)


def removed(queue: Iterable[tuple[str, int]]) -> set[str]:
    """The GUIDs that were removed meanwhile: the place that they have in the index is none of theirs."""
    return {guid for guid, change in queue if change == GONE}
