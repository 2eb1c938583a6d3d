"""Many Debezium connectors out of one sample file: each with its own names, each in its own order, all of them mixed."""

import random
import re
from collections.abc import Iterator
from importlib import resources

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.samples import read_samples

TOPIC_PATTERN = r"(retail|wh)\d\d\d(\..*)?|__debezium-heartbeat\.retail\d\d\d"
_NAMES = re.compile(rb"\b(retail|wh)\b")
_AT_ONCE = 12
"""So many connectors are under way at a time: fresh records and replays of others come together, from the beginning to the end."""


def sample_lines() -> list[SourceRecord]:
    """The records of the sample file."""
    return list(read_samples((resources.files("mappers.debezium") / "golden" / "debezium-schema-changes.jsonl").read_bytes()))


def renamed(record: SourceRecord, number: int) -> SourceRecord:
    """The record as the connectors with this number would have written it: names of servers, topics and schemas, in key and value."""
    suffix = b"%03d" % number

    def rename(text: bytes) -> bytes:
        return _NAMES.sub(rb"\g<1>" + suffix, text)

    return SourceRecord(
        topic=rename(record.topic.encode()).decode(),
        partition=0,
        offset=record.offset,
        timestamp=record.timestamp,
        key=None if record.key is None else rename(record.key),
        value=None if record.value is None else rename(record.value),
        headers=record.headers,
    )


def mixed(rng: random.Random, servers: int, total: int) -> list[SourceRecord]:
    """`total` records of `servers` renamed copies: each copy runs through the file again and again, so every pass after the first is a replay.

    The order within a copy is that of the file; which copy comes next is chance.
    """
    lines = sample_lines()
    quota, more = divmod(total, servers)
    waiting = [_stream(lines, number, quota + (number < more)) for number in range(servers)]
    running: list[Iterator[SourceRecord]] = []
    records: list[SourceRecord] = []
    while waiting or running:
        while waiting and len(running) < _AT_ONCE:
            running.append(waiting.pop())
        chosen = rng.randrange(len(running))
        record = next(running[chosen], None)
        if record is None:
            running.pop(chosen)
        else:
            records.append(record)
    return records


def _stream(lines: list[SourceRecord], number: int, count: int) -> Iterator[SourceRecord]:
    for turn in range(count):
        yield renamed(lines[turn % len(lines)], number)


def topics_of(records: list[SourceRecord]) -> list[str]:
    """The topics of the records, sorted."""
    return sorted({record.topic for record in records})
