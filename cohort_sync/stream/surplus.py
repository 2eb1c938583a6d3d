"""Records that were fetched and are not handed out yet.

The client does not fetch on in a partition while it holds records of it. Taking all that it has at once, and handing it out in batches, lets it fetch the next
records while the present ones are applied; and batches are full instead of ending where a fetch ended. What is held is at most one fetch more than a batch.
"""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

PartitionT = TypeVar("PartitionT")
RecordT = TypeVar("RecordT")


class Surplus(Generic[PartitionT, RecordT]):
    """Keeps the order within each partition; partitions take turns."""

    def __init__(self) -> None:
        self._records: dict[PartitionT, list[RecordT]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))

    def add(self, fetched: Mapping[PartitionT, Sequence[RecordT]]) -> None:
        """Records that come directly after those that are held."""
        for partition, records in fetched.items():
            if records:
                self._records.setdefault(partition, []).extend(records)

    def take(self, most: int) -> dict[PartitionT, list[RecordT]]:
        """The next `most` records. A partition of which some are left is the last one of the next turn."""
        taken: dict[PartitionT, list[RecordT]] = {}
        for partition in list(self._records):
            if most == 0:
                break
            records = self._records.pop(partition)
            taken[partition], rest = records[:most], records[most:]
            most -= len(taken[partition])
            if rest:
                self._records[partition] = rest
        return taken

    def drop(self, partition: PartitionT) -> None:
        """These are fetched again."""
        self._records.pop(partition, None)

    def clear(self) -> None:
        """So are all."""
        self._records.clear()
