"""The values of the consumer engine: what is read, what comes out, and what its owner answers."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

from msgspec import Struct

from cohort_sync.mapping.record import SourceRecord, TopicPartition


class WholeTopics(Struct, frozen=True):
    """Every partition of these topics, read by this reader alone whoever else reads them (the cohort topics: each member reads all of them)."""

    names: tuple[str, ...]


class SharedTopics(Struct, frozen=True):
    """Topics whose partitions are shared out among the workers of one consumer group (the topics of a source).

    Either names, or a regular expression that a topic's whole name has to match; topics that appear later are taken up within `topic_refresh_seconds`.
    """

    names: tuple[str, ...] = ()
    pattern: str = ""


class Gap(Struct, frozen=True):
    """A position that the broker does not have (design, guarantee 7): retention passed it, the topic was made anew, or the broker was restarted empty.

    `expected` is where reading should have gone on, `first` the oldest record that is there, `last` the offset of the next record to be written.
    """

    topic: str
    partition: int
    expected: int
    first: int
    last: int

    @property
    def partition_key(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    def __str__(self) -> str:
        where = f"{self.topic}-{self.partition}"
        if self.expected < self.first:
            return f"{where}: records {self.expected} to {self.first - 1} are gone (retention passed them); the oldest record there is {self.first}"
        if self.expected <= self.last:
            return f"{where}: reading should go on at {self.expected}, but the topic was made anew: it has other records now, {self.first} to {self.last - 1}"
        return (
            f"{where}: reading should go on at {self.expected}, but the partition ends at {self.last}"
            " (the topic was made anew, or the broker was restarted without its data)"
        )


class ResumeAt(Struct, frozen=True):
    """Answer to a gap: go on at this offset, which lies between the gap's `first` and `last`."""

    offset: int


class HaltPartition(Struct, frozen=True):
    """Answer to a gap: leave this partition alone until `BatchReader.reposition` is called for it; the others go on."""


GapAnswer = ResumeAt | HaltPartition


class Batch(Struct, frozen=True):
    """Records of one poll, in the order of their offsets within each partition.

    For every partition in it, `starts` is the position that this batch was read from and `ends` the position after it: the two sides of the compare-and-set
    of the stored position. `starts` is exactly the `ends` of the batch before, also where offsets are missing in between (compacted topics).
    `generation` is that of the assignment under which it was read, for `BatchReader.is_current`.
    """

    by_partition: Mapping[TopicPartition, tuple[SourceRecord, ...]]
    starts: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]
    generation: int

    def __len__(self) -> int:
        return sum(map(len, self.by_partition.values()))

    def __iter__(self) -> Iterator[SourceRecord]:
        for records in self.by_partition.values():
            yield from records


class Reading(Struct, frozen=True):
    """The reader is connected. `partitions` are those it reads, `halted` those that wait for `reposition`, `missing` the topics that do not exist yet."""

    partitions: frozenset[TopicPartition]
    halted: frozenset[TopicPartition]
    missing: frozenset[str]


class Away(Struct, frozen=True):
    """The broker is not reached. `since` is on the monotonic clock, in seconds; `attempts` counts failed attempts to come back."""

    reason: str
    since: float
    attempts: int


ReaderState = Reading | Away

StartingOffsets = Callable[[Collection[TopicPartition]], Awaitable[Mapping[TopicPartition, int | None]]]
"""Called for newly assigned partitions: where to go on, from the store; None (or no entry) means from the oldest record there is."""

OnGap = Callable[[Gap], Awaitable[GapAnswer]]
"""Called for each gap before anything of that partition is read. With `ResumeAt` it has recorded the gap and moved the stored position first."""


class ReaderOptions(Struct, frozen=True, kw_only=True):
    """How a reader behaves; the defaults are for production, tests shorten the waits. Seconds, unless the name says otherwise."""

    max_records: int = 1000
    """At most this many records in a batch."""
    fetch_max_wait_ms: int = 200
    """How long a broker holds a fetch that has nothing to give: what an idle partition costs, and how soon the end of a topic is known."""
    max_partition_fetch_bytes: int = 4 << 20
    fetch_max_bytes: int = 16 << 20
    """Bounds the memory of prefetched records, together with `max_partition_fetch_bytes` for each partition."""
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 3_000
    max_poll_interval_ms: int = 300_000
    instance_id: str | None = None
    """Static membership of the group: a worker that restarts within the session timeout keeps its partitions."""
    patience_seconds: float = 5.0
    """How long one question to the broker may take before it counts as away."""
    idle_check_seconds: float = 3.0
    """After this long without records the broker is asked whether it is still there."""
    topic_refresh_seconds: float = 30.0
    """How often topics are looked for that were missing at first (once a second while one is), and new ones that match a pattern."""
    mirror_seconds: float = 1.0
    """How often positions are committed to Kafka, for lag tools."""
    revoke_grace_seconds: float = 8.0
    """How long a rebalance waits for the batch that is being applied."""
