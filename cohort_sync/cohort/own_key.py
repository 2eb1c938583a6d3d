"""The record key that marks what we send (spec cohort-events 1.3 and 1.6).

Java ignores a record whose key is its own `local.server.id`; we do the same, before anything is decoded. The key is made once for a store and kept in it, not
derived from the metadata collection id: a second daemon with our id would have the same key, and neither would ever notice the other.
"""

from typing import NamedTuple

from cohort_sync.store.protocol import Reader, WriteSet

RECORD_KEY = "cohort.record-key"
RECORD_KEY_SINCE = "cohort.record-key-since"


class OwnKey(NamedTuple):
    """Our record key and the time (epoch ms) since which we use it: what was sent with our collection id before is of an earlier store of ours."""

    value: bytes
    since: int


def own_key(reader: Reader, fresh: str, now: int) -> tuple[WriteSet, OwnKey]:
    """The key of this store; `fresh` (a new UUID) becomes it when there is none yet. All topics share it."""
    stored, since = reader.fact(RECORD_KEY), reader.fact(RECORD_KEY_SINCE)
    if stored is not None and since is not None:
        return WriteSet(), OwnKey(stored.encode(), int(since))
    return WriteSet(facts={RECORD_KEY: fresh, RECORD_KEY_SINCE: str(now)}), OwnKey(fresh.encode(), now)
