"""What the in-memory store holds at one moment. A state is never changed: applying a write set makes the next one, which shares what it leaves alone.

That is all there is to consistency and rollback: a reader keeps the state that it began with, and a transaction that fails drops the one that it was making.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cohort_sync.store.positions import lost as position_lost
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import (
    ClassificationHistoryRow,
    ClassificationRow,
    DeadLetterRow,
    GapRow,
    GuardRow,
    HistoryRow,
    IdentityRow,
    InstanceRow,
    MemberRow,
    MemoRow,
    ObjectRow,
    OutboxRow,
    ParkedRow,
    PositionRow,
    RequestRow,
    Tombstone,
    TypeRow,
)

Key = TypeVar("Key")
Row = TypeVar("Row")

Numbers = dict[str, int]
"""The last number given, by table."""


@dataclass(frozen=True, slots=True)
class MemoryState:
    """Every table by its key. Numbered tables are in the order of their numbers, types in the order in which they were learned."""

    instances: Mapping[str, InstanceRow] = field(default_factory=dict)
    at_end: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """GUIDs of the relationships that have this entity at an end."""
    history: Mapping[int, HistoryRow] = field(default_factory=dict)
    history_of: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    classifications: Mapping[str, Mapping[str, ClassificationRow]] = field(default_factory=dict)
    classification_history: Mapping[str, tuple[ClassificationHistoryRow, ...]] = field(default_factory=dict)
    """By entity, oldest first."""
    tombstones: Mapping[str, Tombstone] = field(default_factory=dict)
    objects: Mapping[tuple[str, str], ObjectRow] = field(default_factory=dict)
    identities: Mapping[str, IdentityRow] = field(default_factory=dict)
    guards: Mapping[tuple[str, str], tuple[GuardRow, int]] = field(default_factory=dict)
    """With the time at which each was written."""
    memos: Mapping[tuple[str, str], MemoRow] = field(default_factory=dict)
    outbox: Mapping[int, OutboxRow] = field(default_factory=dict)
    dead_letters: Mapping[int, DeadLetterRow] = field(default_factory=dict)
    parked: Mapping[int, ParkedRow] = field(default_factory=dict)
    members: Mapping[str, MemberRow] = field(default_factory=dict)
    types: Mapping[str, TypeRow] = field(default_factory=dict)
    gaps: tuple[GapRow, ...] = ()
    requests: Mapping[int, RequestRow] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    positions: Mapping[tuple[str, str, int], PositionRow] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=dict)

    def apply(self, writes: WriteSet, now: int) -> "MemoryState":
        """The state after this write set. `now` (epoch milliseconds) dates the guards. Raises PositionLost."""
        numbers = dict(self.numbers)
        state = self._remove(writes.removed) if writes.removed else self
        state = state._put_instances(writes.instances, numbers) if writes.instances else state
        outbox = {seq: row._replace(seq=seq) for seq, row in _numbered("outbox", writes.outbox, numbers)}
        letters = {**self.dead_letters, **{number: row._replace(id=number) for number, row in _numbered("dead_letter", writes.dead_letters, numbers)}}
        parked = {**self.parked, **{number: row._replace(id=number) for number, row in _numbered("parked", writes.parked, numbers)}}
        requests = {**self.requests, **{number: row._replace(id=number) for number, row in _numbered("request", writes.requests, numbers)}}
        return replace(
            state,
            classifications=_classified(state.classifications, writes.classifications),
            classification_history=_past_classifications(state, writes.classifications, now),
            tombstones=_changed(self.tombstones, writes.tombstones),
            objects=_changed(self.objects, writes.objects),
            identities=_changed(self.identities, writes.identities),
            guards=_changed(self.guards, {key: (row, now) for key, row in writes.guards.items()}),
            memos=_changed(self.memos, writes.memos),
            outbox=_changed(self.outbox, outbox),
            dead_letters=_settled(letters, writes),
            parked=_changed(parked, dict.fromkeys(writes.unparked)),
            members=_changed(self.members, writes.members),
            types=_changed(self.types, writes.types),
            gaps=(*self.gaps, *writes.gaps),
            requests=_changed(requests, {n: requests[n]._replace(state=word, result=text) for n, (word, text) in _known(requests, writes.request_results)}),
            facts=_changed(self.facts, writes.facts),
            positions=_moved(self.positions, writes),
            numbers=numbers,
        )

    def acknowledge(self, up_to_seq: int) -> "MemoryState":
        """Without the outbox rows up to and including this one."""
        return replace(self, outbox={seq: row for seq, row in self.outbox.items() if seq > up_to_seq})

    def prune(self, *, history_before: int, dead_letters_before: int, guards_before: int, chunk: int) -> tuple["MemoryState", int]:
        """As `Store.prune`: the next state, and how many rows it lost."""
        history = sorted((row.valid_to, number) for number, row in self.history.items() if row.valid_to < history_before)[:chunk]
        letters = [number for number, row in self.dead_letters.items() if row.state in ("replayed", "discarded") and row.created < dead_letters_before][:chunk]
        guards = sorted(key for key, (_, written) in self.guards.items() if written < guards_before)[:chunk]
        past = sorted((row.ended, guid, at) for guid, rows in self.classification_history.items() for at, row in enumerate(rows) if row.ended < history_before)
        lost = {(guid, at) for _, guid, at in past[:chunk]}
        classified = {guid: tuple(row for at, row in enumerate(self.classification_history[guid]) if (guid, at) not in lost) or None for guid, _ in lost}
        state = replace(
            self._forget({number for _, number in history}),
            classification_history=_changed(self.classification_history, classified),
            dead_letters=_changed(self.dead_letters, dict.fromkeys(letters)),
            guards=_changed(self.guards, dict.fromkeys(guards)),
        )
        return state, len(history) + len(lost) + len(letters) + len(guards)

    def _remove(self, guids: set[str]) -> "MemoryState":
        at_end = dict(self.at_end)
        for guid in guids:
            if (row := self.instances.get(guid)) is not None:
                _detach(at_end, row)
        state = self._forget({number for guid in guids for number in self.history_of.get(guid, ())})
        return replace(
            state,
            instances=_changed(self.instances, dict.fromkeys(guids)),
            at_end=at_end,
            classifications=_changed(self.classifications, dict.fromkeys(guids)),
            classification_history=_changed(self.classification_history, dict.fromkeys(guids)),
        )

    def _put_instances(self, rows: Mapping[str, InstanceRow], numbers: Numbers) -> "MemoryState":
        at_end, history, history_of = dict(self.at_end), dict(self.history), dict(self.history_of)
        replaced = [(self.instances[guid], row) for guid, row in sorted(rows.items()) if guid in self.instances]
        for number, (old, new) in _numbered("history", replaced, numbers):
            history[number] = superseded(old, new)
            history_of[old.guid] = (*history_of.get(old.guid, ()), number)
            _detach(at_end, old)
        for row in rows.values():
            for end in (row.end1, row.end2):
                if end is not None:
                    at_end[end] = at_end.get(end, frozenset()) | {row.guid}
        return replace(self, instances={**self.instances, **rows}, at_end=at_end, history=history, history_of=history_of)

    def _forget(self, numbers: set[int]) -> "MemoryState":
        """Without these rows of the history."""
        if not numbers:
            return self
        history_of = dict(self.history_of)
        for guid in {self.history[number].guid for number in numbers}:
            history_of[guid] = tuple(number for number in history_of[guid] if number not in numbers)
        return replace(self, history={number: row for number, row in self.history.items() if number not in numbers}, history_of=history_of)


def superseded(old: InstanceRow, new: InstanceRow) -> HistoryRow:
    """The row of the history that `old` becomes when `new` replaces it (spec metadata-collection-semantics 18)."""
    valid_from = old.create_time if old.update_time is None else old.update_time
    valid_to = new.create_time if new.update_time is None else new.update_time
    return HistoryRow(old.guid, old.version, valid_from, valid_to, old.kind, old.status, old.document)


def _changed(table: Mapping[Key, Row], changes: Mapping[Key, Row | None]) -> Mapping[Key, Row]:
    """A copy with these rows set, or taken out where they are None; the table itself when there is nothing to change."""
    if not changes:
        return table
    result = dict(table)
    for key, row in changes.items():
        if row is None:
            result.pop(key, None)
        else:
            result[key] = row
    return result


def _classified(
    table: Mapping[str, Mapping[str, ClassificationRow]], changes: Mapping[tuple[str, str], ClassificationRow | None]
) -> Mapping[str, Mapping[str, ClassificationRow]]:
    by_entity: dict[str, dict[str, ClassificationRow | None]] = {}
    for (guid, name), row in changes.items():
        by_entity.setdefault(guid, {})[name] = row
    return _changed(table, {guid: _changed(table.get(guid, {}), rows) or None for guid, rows in by_entity.items()})


def _past_classifications(
    state: MemoryState, changes: Mapping[tuple[str, str], ClassificationRow | None], now: int
) -> Mapping[str, tuple[ClassificationHistoryRow, ...]]:
    """What is replaced or taken off joins the history."""
    result = dict(state.classification_history)
    for (guid, name), row in changes.items():
        old = state.classifications.get(guid, {}).get(name)
        if old is not None:
            past = ClassificationHistoryRow(guid, name, old.version, old.create_time, now, int(row is None), old.document)
            result[guid] = (*result.get(guid, ()), past)
    return result


def _moved(table: Mapping[tuple[str, str, int], PositionRow], writes: WriteSet) -> Mapping[tuple[str, str, int], PositionRow]:
    """The compare-and-set of guarantee 8."""
    result = dict(table)
    for move in writes.positions:
        key = (move.cluster_id, move.topic, move.partition)
        found = result[key].next_offset if key in result else None
        if found != move.expected:
            raise position_lost(move, found)
        result[key] = PositionRow(*key, move.topic_id, move.next_offset)
    return result


def _numbered(table: str, rows: Iterable[Row], numbers: Numbers) -> Iterable[tuple[int, Row]]:
    """Rows with the numbers that come next; a number is never given twice."""
    for row in rows:
        numbers[table] = numbers.get(table, 0) + 1
        yield numbers[table], row


def _settled(letters: Mapping[int, DeadLetterRow], writes: WriteSet) -> Mapping[int, DeadLetterRow]:
    """Dead letters with their new states and reasons."""
    states = _changed(letters, {number: letters[number]._replace(state=word) for number, word in _known(letters, writes.dead_letter_states)})
    reasons = {number: states[number]._replace(stage=stage, reason=reason) for number, (stage, reason) in _known(states, writes.dead_letter_reasons)}
    return _changed(states, reasons)


def _known(table: Mapping[int, Row], changes: Mapping[int, Key]) -> Iterable[tuple[int, Key]]:
    return ((number, change) for number, change in changes.items() if number in table)


def _detach(at_end: dict[str, frozenset[str]], row: InstanceRow) -> None:
    for end in {row.end1, row.end2} - {None}:
        if end is not None and end in at_end:
            at_end[end] = at_end[end] - {row.guid}
