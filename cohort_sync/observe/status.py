"""What a running worker tells about itself on /status, and how others find it: the shapes that the worker writes and the command line reads."""

import msgspec

from cohort_sync.observe.health import Condition

PRESENCE_FACT = "worker"
"""Name of the store's fact in which a worker leaves its Presence."""


NOBODY = 0


class Presence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the worker of a store is. It stays in the store after a crash, so whoever reads it has to ask `http` (or the process) whether it is still true."""

    pid: int
    """0 once a member inside a program has ended: the program may go on."""
    host: str
    """The name of the machine (or container) in which the process runs."""
    http: str
    """URL root of its pages, such as http://127.0.0.1:8765; empty for a member inside a program, which has none."""
    version: str
    started: int
    """Epoch milliseconds."""

    def encode(self) -> str:
        """As the value of the fact."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def decode(fact: str | None) -> "Presence | None":
        """The value of the fact; None when there is none."""
        return None if fact is None else msgspec.json.decode(fact, type=Presence)


class PartitionStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a partition is read. `endOffset` is None while the broker has not told it."""

    flow: str
    topic: str
    partition: int
    next_offset: int
    end_offset: int | None = None

    @property
    def lag(self) -> int | None:
        """Records that are not applied yet."""
        return None if self.end_offset is None else max(0, self.end_offset - self.next_offset)


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A running worker now. What is in the store (counts, dead letters, members, ...) is not repeated here."""

    presence: Presence
    member: str
    metadata_collection_id: str
    type_release: str
    ready: bool
    conditions: tuple[Condition, ...]
    positions: tuple[PartitionStatus, ...] = ()
    worst_loop_lag_seconds: float = 0.0
