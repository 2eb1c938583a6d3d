"""Requests about dead letters: replay and discard, a few letters at a time, each letter with an outcome of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

import msgspec
from msgspec.structs import replace

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.letters import COHORT
from cohort_sync.cohort.inbound.report import InboundReport
from cohort_sync.cohort.outbound import SourceContext
from cohort_sync.cohort.replay import Replayed, plan_cohort_replay, plan_source_replay
from cohort_sync.cohort.requests import Discard, Replay
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Mapper, Meaning
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import DeadLetterRow
from cohort_sync.worker.requests.answers import Answer, Done, Going, Refused

AT_ONCE = 20
"""Letters of one transaction: each may be as large as an event may be."""
_TOLD = 10
"""So many problems are told one by one; `dlq list` has the reasons of all."""
_OPEN = "open"
_DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """What a source's records go through: `decode` with the checks before the mapper's, and the planning."""

    decode: Callable[[SourceRecord], "object | Meaning"]
    mapper: Mapper[object]
    context: Callable[[], SourceContext]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The cursor: the id that was dealt with last, and what became of the letters up to it."""

    after: int = 0
    words: dict[str, int] = {}
    failed: int = 0
    problems: tuple[str, ...] = ()

    @property
    def settled(self) -> int:
        """How many are not open any more."""
        return sum(self.words.values())

    def failing(self, problem: str) -> "Progress":
        """One more that stays as it is."""
        return replace(self, failed=self.failed + 1, problems=(*self.problems, problem)[:_TOLD])

    def settling(self, word: str) -> "Progress":
        """One more that is settled."""
        return replace(self, words={**self.words, word: self.words.get(word, 0) + 1})

    def text(self, done: str) -> str:
        """For the person who asked; `done` says what the settled ones are."""
        words = ", ".join(f"{count} {word}" for word, count in sorted(self.words.items()) if word != done)
        text = f"{self.settled} {done}" + (f" ({words})" if words else "")
        if self.failed:
            more = ", ..." if self.failed > len(self.problems) else ""
            text += f", {self.failed} not: " + ", ".join(self.problems) + more
        return text


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """`inbound` answers with the context of the cohort flow, `learned` takes over the types that a replay taught."""

    sources: Mapping[str, ReplaySource]
    inbound: Callable[[], InboundContext]
    learned: Callable[[InboundReport], None]
    clock: Callable[[], int]

    def replay(self, reader: Reader, ask: Replay, asked_at: int, cursor: str | None) -> Answer:
        """Try letters again. Refused when one stays open."""
        progress = _progress(cursor)
        letters, progress = _next(reader, ask.ids, ask.flow, asked_at, progress)
        if not letters:
            return _end(progress, "replayed")
        flow = letters[0].flow
        letters = list(takewhile(lambda letter: letter.flow == flow, letters))
        after: Callable[[], None] | None = None
        if flow == COHORT:
            writes, report, told = plan_cohort_replay(reader, letters, self.inbound())
            after = partial(self.learned, report)
        elif flow in self.sources:
            source = self.sources[flow]
            writes, told = plan_source_replay(reader, letters, source.decode, source.mapper, source.context(), self.clock())
        else:
            problem = f"source {flow!r} is not in the configuration of this worker"
            writes, told = WriteSet(), [Replayed(letter, "", problem) for letter in letters]
        for letter, word, problem in told:
            progress = progress.failing(f"{letter.id} ({problem})") if problem else progress.settling(word)
        progress = replace(progress, after=letters[-1].id)
        return Going(writes=writes, cursor=_encoded(progress), text=progress.text("replayed"), after=after)

    def discard(self, reader: Reader, ask: Discard, asked_at: int, cursor: str | None) -> Answer:
        """Give letters up."""
        letters, progress = _next(reader, ask.ids, ask.flow, asked_at, _progress(cursor))
        if not letters:
            return _end(progress, _DISCARDED)
        for _ in letters:
            progress = progress.settling(_DISCARDED)
        progress = replace(progress, after=letters[-1].id)
        writes = WriteSet(dead_letter_states={letter.id: _DISCARDED for letter in letters})
        return Going(writes=writes, cursor=_encoded(progress), text=progress.text(_DISCARDED))


def _next(reader: Reader, ids: tuple[int, ...], flow: str, asked_at: int, progress: Progress) -> tuple[list[DeadLetterRow], Progress]:
    """The next open letters, in the order of their ids. Of those that are named, the others are noted; where all are meant, those that came later are not."""
    if not ids:
        while page := reader.dead_letters(_OPEN, AT_ONCE, progress.after):
            wanted = [letter for letter in page if letter.created <= asked_at and flow in ("", letter.flow)]
            if wanted:
                return wanted, progress
            progress = replace(progress, after=page[-1].id)
        return [], progress
    found: list[DeadLetterRow] = []
    for each in sorted(number for number in set(ids) if number > progress.after):
        letter = reader.dead_letter(each)
        if letter is not None and letter.state == _OPEN:
            found.append(letter)
        elif not found:
            problem = "there is no such dead letter" if letter is None else f"it is {letter.state} already"
            progress = replace(progress.failing(f"{each} ({problem})"), after=each)
        if found and (len(found) == AT_ONCE or found[-1] is not letter):
            break
    return found, progress


def _end(progress: Progress, done: str) -> Answer:
    text = progress.text(done)
    return Refused(text=text) if progress.failed else Done(text=text)


def _progress(cursor: str | None) -> Progress:
    return Progress() if cursor is None else msgspec.json.decode(cursor, type=Progress)


def _encoded(progress: Progress) -> str:
    return msgspec.json.encode(progress).decode()
