"""The replay guard: is a record newer than the last one that was applied to a name? (spec mappers 1.3)

Positions of one lineage compare by the source's own order. After a failover or a reset the lineage or the server changes, and the Kafka offsets decide;
so does a lineage that is empty. A record of another topic than the guard's is newer then: nothing can be said against it.
"""

from enum import Enum

import msgspec

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Position, Step
from cohort_sync.store.rows import GuardRow

_decode_order = msgspec.json.Decoder(tuple[int, ...]).decode


class Age(Enum):
    """A record's position beside a guard's."""

    NEWER = 1
    EQUAL = 0
    OLDER = -1


def age(position: Position, record: SourceRecord, guard: GuardRow | None) -> Age:
    """How the record compares with what was applied last."""
    if guard is None:
        return Age.NEWER
    if position.lineage and position.lineage == guard.lineage and (position.server == guard.server or not position.server or not guard.server):
        last = _decode_order(guard.position)
        return Age.NEWER if position.order > last else Age.EQUAL if position.order == last else Age.OLDER
    if (record.topic, record.partition) != (guard.topic, guard.partition):
        return Age.NEWER
    return Age.NEWER if record.offset > guard.offset else Age.EQUAL if record.offset == guard.offset else Age.OLDER


def stale_name(step: Step, ages: dict[str, Age]) -> str | None:
    """The name because of which the step must not be applied, None when it may."""
    for name in step.guards:
        if ages[name] is not Age.NEWER:
            return name
    for name in (*step.touches, *step.after):
        if ages[name] is Age.OLDER:
            return name
    return None


def guard_row(source: str, name: str, position: Position, record: SourceRecord) -> GuardRow:
    """The guard after the record was applied."""
    order = msgspec.json.encode(position.order).decode()
    return GuardRow(source, name, position.lineage, order, position.server, record.topic, record.partition, record.offset)
