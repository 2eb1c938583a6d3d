"""Parked events: those whose type has become known, and those that have waited too long."""

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.planner import InboundPlanner
from cohort_sync.cohort.inbound.report import InboundReport
from cohort_sync.omrs.type_registry import named
from cohort_sync.store.protocol import Reader, WriteSet

AT_ONCE = 1000


def plan_waiting(reader: Reader, context: InboundContext) -> tuple[WriteSet, InboundReport]:
    """Apply what waits for a type that is known now, and give up what is older than `context.parked_seconds`; at most 1,000 events of each.

    Call it at the start and from time to time: a type may also come with an archive that was added to the configuration, and more events may wait than are
    applied in the batch that brings their type.
    """
    planner = InboundPlanner(reader, context)
    if reader.parked_size():
        known = [named(one) for one in context.registry.types()]
        planner.retry(reader.parked(type_names=known, limit=AT_ONCE))
        late = reader.parked(before=context.now - int(context.parked_seconds * 1000), limit=AT_ONCE)
        planner.give_up(row for row in late if not planner.is_settled(row))
    return planner.finish()
