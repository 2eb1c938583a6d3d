"""A record of a source, as a mapper sees it: what stood on a topic, and exactly where.

Pure: no Kafka client is imported here. The consumer engine makes these, planners and mappers read them.
"""

from typing import NamedTuple

from msgspec import Struct


class TopicPartition(NamedTuple):
    """One partition of one topic. Sorts by topic, then by number."""

    topic: str
    partition: int


class SourceRecord(Struct, frozen=True, gc=False):
    """One record, byte for byte as it was read.

    `offset` is its position in the partition (the position after it is `offset + 1`, or later in a compacted topic), `timestamp` is milliseconds since
    the epoch (-1 where the producer gave none). A `value` of None is a tombstone; a `key` of None is an unkeyed record. Headers keep their order and may
    repeat a name; a header without a value is handed out as empty bytes.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def source(self) -> TopicPartition:
        """Where the record was read."""
        return TopicPartition(self.topic, self.partition)

    @property
    def place(self) -> str:
        """`topic-partition@offset`, the form in which people are told of it."""
        return f"{self.topic}-{self.partition}@{self.offset}"
