"""The mapper SPI: a pure function from one source record to what it means.

    decode(record) -> event | Undecoded      stateless: parse and check, runs off the event loop for a whole batch
    interpret(event, view) -> Meaning        reads the mapper's own committed state through `view`, changes nothing

A mapper is written against these types and `desired` alone. It never sees GUIDs, versions, OMRS events, Kafka or the store. `interpret` is called in the
order of the records of a partition, inside the transaction that will hold its effects; it must not block and must not keep state of its own (a memo in the
store is what survives).

The steps of a `Changes` are applied in order. Each step has its own position guard: it is skipped when the record's position is not newer than the last one
applied to one of the names it guards (replay, out of order). Guards outlive a drop or a rename.
"""

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from cohort_sync.mapping.desired import DesiredObject
from cohort_sync.mapping.record import SourceRecord

# ---------------------------------------------------------------- positions


class Position(msgspec.Struct, frozen=True):
    """Where a record stands in the source's own order.

    Two positions compare by `order` when they are of one `lineage` (a binlog family, a database's WAL) and their `server` agrees or is unknown ("");
    otherwise (failover, reset) the Kafka offsets of the two records decide. `lineage` "" always compares by Kafka offset.
    """

    lineage: str = ""
    order: tuple[int, ...] = ()
    server: str = ""


# ---------------------------------------------------------------- what a record can mean: the verbs


class Put(msgspec.Struct, frozen=True, tag=True):
    """The full state of an object: create it, or change it to this (differences only; what is missing is removed)."""

    object: DesiredObject


class Remove(msgspec.Struct, frozen=True, tag=True):
    """The object is gone: its relationships, then its entities (last announced first). Nothing happens when it is not there."""

    key: str


class Rename(msgspec.Struct, frozen=True, tag=True):
    """The object `old` is now called `new`, and the qualified names of its entities begin with `new_name` instead of `old_name`.

    The entities keep their GUIDs (spec mappers 1.2, effect A); the vacated identities are remembered, so that a new object under an old name gets a GUID
    of its own. Usually followed by a Put of the new key. Nothing happens when `old` is not there.
    """

    old: str
    new: str
    old_name: str
    new_name: str


class Remember(msgspec.Struct, frozen=True, tag=True):
    """Keep a value of the mapper's own under a key, in the same transaction; an empty value forgets it."""

    key: str
    value: bytes


Verb = Put | Remove | Rename | Remember


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Verbs that are applied together or not at all.

    `guards`: names whose last applied position the record must be newer than; they get this record's position when the step is applied.
    `touches`: names that the record must not be older than, and that get its position too. For the parts of one statement that the source reports as several
    records of one position (RENAME TABLE a TO x, b TO a, x TO b): the part is a guard, the tables are touched.
    `after`: names that the record must not be older than and that stay where they are (the database of a table: a table from before its database was dropped
    stays away).
    """

    verbs: tuple[Verb, ...]
    guards: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The record changes metadata. `author` and `time` (epoch ms, the source's event time) become createdBy/updatedBy and createTime/updateTime.

    `note` is for the operator, where the mapper had to take something for another thing; it becomes the reason of the outcome.
    """

    position: Position
    steps: tuple[Step, ...]
    time: int
    author: str = ""
    note: str = ""


class Noop(msgspec.Struct, frozen=True, tag=True):
    """Understood, and nothing to change."""

    reason: str


class Ignored(msgspec.Struct, frozen=True, tag=True):
    """A known kind of record that is deliberately dropped."""

    reason: str


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """Well-formed, but no rule for it: counted."""

    reason: str


class Malformed(msgspec.Struct, frozen=True, tag=True):
    """A dead letter: `where` is a path in the value, `reason` says what was found and what was expected."""

    reason: str
    where: str = "$"


class Pending(msgspec.Struct, frozen=True, tag=True):
    """Understood, but it waits for another record; the steps are what it remembers until then (Remember verbs)."""

    reason: str
    steps: tuple[Step, ...] = ()
    position: Position = Position()


class Buffered(msgspec.Struct, frozen=True, tag=True):
    """A part of a split message; the steps are what it remembers until the last part is there."""

    reason: str
    steps: tuple[Step, ...] = ()
    position: Position = Position()


Meaning = Changes | Noop | Ignored | Unknown | Malformed | Pending | Buffered


class Outcome(msgspec.Struct, frozen=True):
    """What became of a source record (spec mappers 1.7); `word` is applied, noop, ignored, unknown, pending, buffered or malformed."""

    word: str
    reason: str = ""


# ---------------------------------------------------------------- what a mapper sees and is


class View(Protocol):
    """The committed state of this mapper, including the records before this one in the same batch."""

    def has(self, key: str) -> bool:
        """Is there an object under this key now?"""
        ...

    def keys(self, prefix: str) -> Sequence[str]:
        """The keys of the objects that begin with `prefix`, sorted."""
        ...

    def memo(self, key: str) -> bytes:
        """What was remembered under a key; empty when nothing was."""
        ...

    def memos(self, prefix: str) -> Sequence[str]:
        """The keys that begin with `prefix` and have a memo, sorted."""
        ...


class MapperSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says about one mapper: `source` is its name in the store, `options` its own settings as text."""

    source: str
    options: dict[str, str] = {}


class OptionSpec(msgspec.Struct, frozen=True):
    """One setting of a mapper, for the configuration check and the reference."""

    name: str
    default: str
    description: str


EventT = TypeVar("EventT")


class Mapper(Protocol, Generic[EventT]):
    """One kind of third-party source. Created from its settings; raises ValueError with a readable message for a wrong option."""

    name: str
    options: Iterable[OptionSpec]
    emits: frozenset[str]
    """Every entity, relationship and classification type it may use, checked against `types.release` at start."""

    def __init__(self, settings: MapperSettings) -> None: ...

    def decode(self, record: SourceRecord) -> EventT | Meaning:
        """Parse and check one record. A Meaning (usually Ignored or Malformed) ends it here. Pure; no exception for bad input."""
        ...

    def interpret(self, event: EventT, view: View) -> Meaning:
        """What the event means, given what is known. Pure; no exception for bad input."""
        ...
