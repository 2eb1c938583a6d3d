"""Dead letters tried again, through the same decoding and planning as a record that has just been read.

A letter becomes `replayed` in the transaction of its effect, or stays open with the reason of this attempt. It is refused where something newer is stored:
what a source said about the same name since, or a later version of the instance. The positions of the flow do not move, and no source is halted by it.
"""

import base64
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.decoding import decode_records
from cohort_sync.cohort.inbound.planner import plan_inbound
from cohort_sync.cohort.inbound.report import EventResult, InboundReport
from cohort_sync.cohort.outbound import SourceContext, plan_source_batch
from cohort_sync.cohort.outbound.planner import BAD_RUN, NOT_NEWER
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Mapper, Meaning, Outcome
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import DeadLetterRow

EventT = TypeVar("EventT")
Place = tuple[str, int, int]
REPLAYED = "replayed"
_NEWER = "something newer is stored: "
_ADVICE = "; what it says has been overtaken, discard it"


class Replayed(NamedTuple):
    """What became of one letter: `word` is the outcome of the mapper or the verdict of the cohort; `problem` says why it stays open, empty when it does not."""

    letter: DeadLetterRow
    word: str
    problem: str = ""


def record_of(letter: DeadLetterRow) -> SourceRecord:
    """The record as it was read."""
    headers = msgspec.json.decode(letter.headers, type=list[tuple[str, str]]) if letter.headers else []
    decoded = tuple((name, base64.b64decode(value)) for name, value in headers)
    return SourceRecord(letter.topic, letter.partition, letter.offset, letter.timestamp, letter.key, letter.value, decoded)


def plan_source_replay(
    reader: Reader,
    letters: Sequence[DeadLetterRow],
    decode: Callable[[SourceRecord], "EventT | Meaning"],
    mapper: Mapper[EventT],
    context: SourceContext,
    now: int,
) -> tuple[WriteSet, list[Replayed]]:
    """Letters of one source, in their order. `decode` is that of the flow, with its checks before the mapper's."""
    batch = [(record, decode(record)) for record in map(record_of, letters)]
    writes, report = plan_source_batch(reader, batch, mapper, replace(context, max_bad_run=len(letters) + 1_000_000_000), {}, now)
    writes.facts.pop(BAD_RUN + context.source, None)
    failures = {(letter.topic, letter.partition, letter.offset): letter for letter in writes.dead_letters}
    writes.dead_letters = []
    told = [_source_result(letter, outcome) for letter, outcome in zip(letters, report.outcomes, strict=True)]
    _note(writes, told, failures)
    return writes, told


def plan_cohort_replay(reader: Reader, letters: Sequence[DeadLetterRow], context: InboundContext) -> tuple[WriteSet, InboundReport, list[Replayed]]:
    """Letters of the cohort topics. The caller takes over the types that were learned, as after a batch."""
    batch = decode_records(map(record_of, letters), context.own_key.value, context.max_event_bytes)
    writes, report = plan_inbound(reader, batch, context)
    replayed = {_place(letter) for letter in letters}
    failures = {_place(letter): letter for letter in writes.dead_letters if _place(letter) in replayed}
    writes.dead_letters = [letter for letter in writes.dead_letters if _place(letter) not in replayed]
    results: dict[Place, list[EventResult]] = {place: [] for place in replayed}
    for result in report.results:
        place = (result.record.topic, result.record.partition, result.record.offset)
        if place in results:
            results[place].append(result)
    told = [_cohort_result(letter, results[_place(letter)]) for letter in letters]
    _note(writes, told, failures)
    return writes, report, told


def _source_result(letter: DeadLetterRow, outcome: Outcome) -> Replayed:
    if outcome.word == "malformed":
        return Replayed(letter, outcome.word, outcome.reason)
    if outcome.word == "noop" and outcome.reason.startswith(NOT_NEWER):
        return Replayed(letter, outcome.word, f"{_NEWER}it is {outcome.reason}{_ADVICE}")
    return Replayed(letter, outcome.word)


def _cohort_result(letter: DeadLetterRow, results: list[EventResult]) -> Replayed:
    """A batch event has a result for each of its elements: it is through when none was refused and not all are overtaken."""
    refused = [result.reason for result in results if result.verdict is Verdict.REFUSED]
    if refused:
        return Replayed(letter, Verdict.REFUSED.value, "; ".join(refused))
    if results and all(result.verdict is Verdict.STALE for result in results):
        return Replayed(letter, Verdict.STALE.value, f"{_NEWER}{results[0].reason}{_ADVICE}")
    words = sorted({result.verdict.value for result in results})
    return Replayed(letter, " and ".join(words) or Verdict.IGNORED.value)


def _note(writes: WriteSet, told: Sequence[Replayed], failures: dict[Place, DeadLetterRow]) -> None:
    """New states, or the new reasons with the stage at which the attempt failed."""
    for letter, _, problem in told:
        if not problem:
            writes.dead_letter_states[letter.id] = REPLAYED
            continue
        failed = failures.get(_place(letter))
        stage, reason = (failed.stage, failed.reason) if failed is not None else (letter.stage, problem)
        writes.dead_letter_reasons[letter.id] = (stage, reason)


def _place(letter: DeadLetterRow) -> Place:
    return letter.topic, letter.partition, letter.offset
