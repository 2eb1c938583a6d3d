"""A polled batch of source records as one write set (design, "Two flows, one store").

Each record has an outcome of its own; a bad one becomes a dead letter and takes nothing with it. Too many bad ones in a row halt the source in the same
transaction: what follows them is not consumed.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from cohort_sync.cohort.outbound.context import PartitionPosition, SourceContext
from cohort_sync.cohort.outbound.guards import age, guard_row, stale_name
from cohort_sync.cohort.outbound.home import HomeWriter
from cohort_sync.cohort.outbound.objects import ObjectPlanner
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import (
    Buffered,
    Changes,
    Ignored,
    Malformed,
    Mapper,
    Meaning,
    Noop,
    Outcome,
    Pending,
    Position,
    Step,
    Unknown,
)
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import DeadLetterRow, PositionMove

EventT = TypeVar("EventT")
HALTED = "halted:"
BAD_RUN = "bad-run:"
NOT_NEWER = "not newer than what was applied to "
"""How the reason of a no-op begins whose record was overtaken."""
_MEANINGS = (Changes, Noop, Ignored, Unknown, Malformed, Pending, Buffered)


class SourceReport(msgspec.Struct, frozen=True):
    """What became of a batch. `consumed` records were dealt with; the rest were not, because the source is halted or the write set is full."""

    outcomes: list[Outcome]
    consumed: int
    announced: int
    halted: str | None


def plan_source_batch(
    reader: Reader,
    batch: Sequence[tuple[SourceRecord, "EventT | Meaning"]],
    mapper: Mapper[EventT],
    context: SourceContext,
    positions: Mapping[tuple[str, int], PartitionPosition],
    now: int,
) -> tuple[WriteSet, SourceReport]:
    """Plan decoded records in their order. Pure: everything it reads comes from `reader`, everything it does is in the write set."""
    overlay = Overlay(reader, context.source)
    planner = ObjectPlanner(overlay, context)
    outcomes: list[Outcome] = []
    dead_letters: list[DeadLetterRow] = []
    bad_run_fact = BAD_RUN + context.source
    bad_run_before = int(reader.fact(bad_run_fact) or 0)
    bad_run = bad_run_before
    halted: str | None = None
    for record, decoded in batch:
        try:
            meaning = decoded if isinstance(decoded, _MEANINGS) else mapper.interpret(decoded, overlay)
            outcome = _apply(meaning, record, overlay, planner, context, now)
            overlay.keep()
        except PoisonEvent as problem:
            overlay.drop()
            outcome = Outcome("malformed", str(problem))
            dead_letters.append(_dead_letter(record, context.source, problem.stage, str(problem), now))
        else:
            if isinstance(meaning, Malformed):
                dead_letters.append(_dead_letter(record, context.source, "decode", f"{meaning.where}: {meaning.reason}", now))
        outcomes.append(outcome)
        bad_run = bad_run + 1 if outcome.word == "malformed" else 0
        if bad_run >= context.max_bad_run:
            halted = (
                f"{bad_run} records in a row could not be used, the last one at {record.topic}[{record.partition}] offset {record.offset}: {outcome.reason}. "
                f"Look at 'cohort-sync dlq list', mend the source or the mapper, then 'cohort-sync resume {context.source}'."
            )
            break
        if overlay.announced >= context.max_announced:
            break
    writes = overlay.write_set()
    writes.dead_letters = dead_letters
    if bad_run != bad_run_before:
        writes.facts[bad_run_fact] = str(bad_run)
    if halted is not None:
        writes.facts[HALTED + context.source] = halted
    writes.positions = _moves([record for record, _ in batch[: len(outcomes)]], positions)
    return writes, SourceReport(outcomes, len(outcomes), len(writes.outbox), halted)


def _apply(meaning: Meaning, record: SourceRecord, overlay: Overlay, planner: ObjectPlanner, context: SourceContext, now: int) -> Outcome:
    match meaning:
        case Changes():
            writer = HomeWriter(overlay, context, now=now, time=meaning.time, author=meaning.author)
            stale = [name for step in meaning.steps if (name := _apply_step(step, meaning.position, record, overlay, planner, writer))]
            if overlay.has_changed:
                return Outcome("applied", meaning.note)
            return Outcome("noop", f"{NOT_NEWER}{stale[0]}" if stale else "nothing changed")
        case Pending(reason, steps, position):
            _remember(steps, position, record, overlay, planner, context, now)
            return Outcome("pending", reason)
        case Buffered(reason, steps, position):
            _remember(steps, position, record, overlay, planner, context, now)
            return Outcome("buffered", reason)
        case Noop(reason):
            return Outcome("noop", reason)
        case Ignored(reason):
            return Outcome("ignored", reason)
        case Unknown(reason):
            return Outcome("unknown", reason)
        case Malformed(reason, where):
            return Outcome("malformed", f"{where}: {reason}")


def _apply_step(step: Step, position: Position, record: SourceRecord, overlay: Overlay, planner: ObjectPlanner, writer: HomeWriter) -> str | None:
    """Apply a step; the name that forbids it, None when it was applied."""
    names = (*step.guards, *step.touches, *step.after)
    overlay.guards.fetch(names)
    stale = stale_name(step, {name: age(position, record, overlay.guards.get(name)) for name in names})
    if stale is not None:
        return stale
    planner.apply(step.verbs, writer)
    for name in (*step.guards, *step.touches):
        overlay.guards.put(name, guard_row(overlay.source, name, position, record))
    return None


def _remember(
    steps: tuple[Step, ...], position: Position, record: SourceRecord, overlay: Overlay, planner: ObjectPlanner, context: SourceContext, now: int
) -> None:
    writer = HomeWriter(overlay, context, now=now, time=record.timestamp, author="")
    for step in steps:
        _apply_step(step, position, record, overlay, planner, writer)


def _dead_letter(record: SourceRecord, flow: str, stage: str, reason: str, now: int) -> DeadLetterRow:
    headers = msgspec.json.encode([[name, base64.b64encode(value).decode()] for name, value in record.headers])
    return DeadLetterRow(
        0, flow, stage, reason, record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers, now, "open"
    )


def _moves(records: Sequence[SourceRecord], positions: Mapping[tuple[str, int], PartitionPosition]) -> list[PositionMove]:
    """One move for each partition that the records come from. A partition without a position (a dry run) is not moved."""
    last = {(record.topic, record.partition): record.offset for record in records}
    return [
        PositionMove(at.cluster_id, topic, partition, at.topic_id, at.expected, offset + 1)
        for (topic, partition), offset in last.items()
        if (at := positions.get((topic, partition))) is not None
    ]
