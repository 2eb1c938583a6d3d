"""Mappers under the watchdog: the record that one hung on becomes a dead letter after the restart, and is not mapped again.

The watch is the process's, not the member's: it ends the process. A member that is embedded in another program has none.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from cohort_sync.cohort.requests import FAILED, UNFINISHED, Replay
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Malformed, Mapper, Meaning, OptionSpec, View
from cohort_sync.observe.watchdog import Cell, Suspect, Watchdog
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.worker.requests.desk import CURSOR

_log = structlog.stdlib.get_logger(__name__)
SUSPECTS = "mapper-suspects"
"""Fact: the records that hung a mapper and are not dealt with yet, as JSON."""
_TOLD = 4_000
Place = tuple[str, int, int]
"""Topic, partition, offset."""


class _Held(NamedTuple):
    """What a mapper decoded, with where it came from."""

    record: SourceRecord
    event: object


class WatchedMapper:
    """A mapper each of whose records is watched; the suspects of an earlier process are refused unseen."""

    def __init__(self, mapper: Mapper[object], cell: Cell, suspects: Mapping[Place, str]) -> None:
        self.name = mapper.name
        self.options: Iterable[OptionSpec] = mapper.options
        self.emits = mapper.emits
        self._mapper = mapper
        self._cell = cell
        self._suspects = suspects

    def decode(self, record: SourceRecord) -> object | Meaning:
        """As `Mapper.decode`."""
        reason = self._suspects.get((record.topic, record.partition, record.offset))
        if reason is not None:
            return Malformed(reason)
        self._cell.begin(record.topic, record.partition, record.offset)
        try:
            decoded = self._mapper.decode(record)
        finally:
            self._cell.end()
        return decoded if isinstance(decoded, Meaning) else _Held(record, decoded)

    def interpret(self, event: object, view: View) -> Meaning:
        """As `Mapper.interpret`, of what `decode` gave."""
        if not isinstance(event, _Held):
            raise TypeError(f"expected what decode gave, got {type(event).__name__}")
        record = event.record
        self._cell.begin(record.topic, record.partition, record.offset)
        try:
            return self._mapper.interpret(event.event, view)
        finally:
            self._cell.end()


class MapperWatch:
    """The watch of one worker process. `seconds` is worker.mapper_seconds; the marks lie beside the store."""

    def __init__(self, store_path: Path, seconds: float) -> None:
        self._watchdog = Watchdog(store_path.with_name(store_path.name + ".watch"), seconds)
        self._seconds = seconds
        self._suspects: dict[Place, str] = {}
        self._started = False

    async def take_up(self, store: Store, alarm: Callable[[], None]) -> None:
        """Note in the store what the process before hung on, then watch. Called once, when the store is open: its lock keeps others from these files."""
        suspect = self._watchdog.suspect()
        self._suspects = await store.transact(lambda reader: note_suspect(reader, suspect, self._seconds))
        self._watchdog.start()
        self._started = True
        if suspect is not None:
            alarm()
            _log.error(
                "A mapper hung, and the worker was cut; the record becomes a dead letter without being mapped again",
                at=f"{suspect.topic}-{suspect.partition}@{suspect.offset}",
                while_replaying=suspect.repeated,
                mapper_seconds=self._seconds,
                trace=suspect.trace[:_TOLD],
            )

    def over(self, mapper: Mapper[object]) -> Mapper[object]:
        """The mapper of a flow, watched."""
        return WatchedMapper(mapper, self._watchdog.cell(), self._suspects)

    def over_replay(self, mapper: Mapper[object]) -> Mapper[object]:
        """The same for dead letters that are tried again: nothing is refused unseen, because that is what was asked for."""
        return WatchedMapper(mapper, self._watchdog.cell(repeated=True), {})

    def batch(self) -> AbstractContextManager[None]:
        """Around the mapping of many records."""
        return self._watchdog.batch()

    def close(self) -> None:
        """Stop watching. Idempotent."""
        if self._started:
            self._started = False
            self._watchdog.close()


def note_suspect(reader: Reader, suspect: Suspect | None, seconds: float) -> tuple[WriteSet, dict[Place, str]]:
    """The records that are not to be mapped, and why; those that were dealt with since are forgotten.

    One that hung while it was tried again stays the dead letter that it is, and what asked for it has failed: it would be tried at each start for ever.
    """
    writes = WriteSet()
    kept = msgspec.json.decode(reader.fact(SUSPECTS) or "[]", type=list[tuple[str, int, int, str]])
    applied: dict[tuple[str, int], int] = {}
    for row in reader.positions():
        applied[row.topic, row.partition] = max(row.next_offset, applied.get((row.topic, row.partition), 0))
    suspects = {(topic, partition, offset): reason for topic, partition, offset, reason in kept if offset >= applied.get((topic, partition), 0)}
    if suspect is not None and suspect.repeated:
        for request in reader.requests(*UNFINISHED):
            if request.verb == Replay.__struct_config__.tag:
                text = f"the mapper hung on {suspect.topic}-{suspect.partition}@{suspect.offset}, and the worker was cut (worker.mapper_seconds = {seconds:g})"
                writes.request_results[request.id] = (FAILED, text)
                writes.facts[f"{CURSOR}{request.id}"] = None
    elif suspect is not None:
        suspects[suspect.topic, suspect.partition, suspect.offset] = (
            f"its mapper was not done with it after {seconds:g} s (worker.mapper_seconds), and the worker was cut; it was not mapped again. "
            "The log has where the mapper stood. Mend it, then replay this dead letter"
        )
    if suspects or kept:
        writes.facts[SUSPECTS] = msgspec.json.encode([(*place, reason) for place, reason in suspects.items()]).decode() if suspects else None
    return writes, suspects
