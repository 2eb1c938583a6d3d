"""The Reader over a SQLite connection that is inside a transaction."""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from itertools import takewhile
from typing import Final, NoReturn

import msgspec

from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.store.finds import FindQuery
from cohort_sync.store.rows import (
    ClassificationHead,
    ClassificationHistoryRow,
    ClassificationRow,
    DeadLetterRow,
    GapRow,
    GuardRow,
    HistoryRow,
    IdentityRow,
    InstanceHead,
    InstanceRow,
    MemberRow,
    ObjectRow,
    OutboxRow,
    ParkedRow,
    PositionRow,
    RequestRow,
    Tombstone,
    TypeRow,
)
from cohort_sync.store.sqlite import statements as sql
from cohort_sync.store.sqlite.finds import find
from cohort_sync.store.stored import head_of

_LOOKUP_SIZES: Final = (1, 8, 64, 500)
"""How many keys a lookup has placeholders for. A shorter list is filled up with its last key, so that there are few statements and all stay prepared."""

_SCAN_ROWS: Final = 500

_END_OF_TIME: Final = (1 << 63) - 1

Parameter = str | int | bytes | None

_encode = msgspec.json.Encoder().encode
_instance_heads = msgspec.json.Decoder(list[InstanceHead]).decode
_classification_heads = msgspec.json.Decoder(list[ClassificationHead]).decode
_instance_row = partial(tuple.__new__, InstanceRow)
_classification_row = partial(tuple.__new__, ClassificationRow)
"""What `_make` does, without a call of Python for each row."""


class SqliteReader:
    """See `Reader`. Valid until its transaction ends: after that every method, and an iterator that is not finished, raises RuntimeError."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute: Callable[[str, tuple[Parameter, ...]], sqlite3.Cursor] = connection.execute
        self._connection: sqlite3.Connection | None = connection
        self.asked_to_find = False
        """Was the find index needed?"""

    def end(self) -> None:
        """The transaction has ended."""
        self._execute = _refuse
        self._connection = None

    def instances(self, guids: Collection[str]) -> dict[str, InstanceRow]:
        return {row.guid: row for row in map(_instance_row, self._lookup(sql.INSTANCES, guids))}

    def classifications(self, guids: Collection[str]) -> dict[str, list[ClassificationRow]]:
        found: dict[str, list[ClassificationRow]] = {}
        for row in map(_classification_row, self._lookup(sql.CLASSIFICATIONS, guids)):
            found.setdefault(row.entity_guid, []).append(row)
        return found

    def instance_heads(self, guids: Collection[str]) -> dict[str, InstanceHead]:
        wanted, odd = _apart(guids)
        found = {head.guid: head for head in _instance_heads(self._text(sql.INSTANCE_HEADS, wanted))}
        return found | {guid: head_of(row) for guid, row in self.instances(odd).items()} if odd else found

    def classification_heads(self, guids: Collection[str]) -> dict[str, list[ClassificationHead]]:
        wanted, odd = _apart(guids)
        found: dict[str, list[ClassificationHead]] = {}
        for head in _classification_heads(self._text(sql.CLASSIFICATION_HEADS, wanted)):
            found.setdefault(head.entity_guid, []).append(head)
        return found | {guid: [ClassificationHead(*row[:5]) for row in rows] for guid, rows in self.classifications(odd).items()} if odd else found

    def relationships_of(self, guids: Collection[str]) -> list[InstanceRow]:
        found = {row.guid: row for row in map(InstanceRow._make, self._lookup(sql.RELATIONSHIPS_AT_END1, guids))}
        found.update((row.guid, row) for row in map(InstanceRow._make, self._lookup(sql.RELATIONSHIPS_AT_END2, guids)))
        return [found[guid] for guid in sorted(found)]

    def tombstones(self, guids: Collection[str]) -> dict[str, Tombstone]:
        return {row.guid: row for row in map(Tombstone._make, self._lookup(sql.TOMBSTONES, guids))}

    def history(self, guid: str) -> list[HistoryRow]:
        return list(map(HistoryRow._make, self._execute(sql.HISTORY, (guid,))))

    def scan(self, home: str | None = None, kind: int | None = None, after: str = "") -> Iterator[InstanceRow]:
        while True:
            rows = self._scan_chunk(after, home, kind).fetchall()
            yield from map(InstanceRow._make, rows)
            if len(rows) < _SCAN_ROWS:
                return
            after = rows[-1][0]

    def _scan_chunk(self, after: str, home: str | None, kind: int | None) -> sqlite3.Cursor:
        if home is None and kind is None:
            return self._execute(sql.SCAN, (after, _SCAN_ROWS))
        if home is None:
            return self._execute(sql.SCAN_OF_KIND, (after, _SCAN_ROWS, kind))
        if kind is None:
            return self._execute(sql.SCAN_OF_HOME, (after, _SCAN_ROWS, home))
        return self._execute(sql.SCAN_OF_HOME_AND_KIND, (after, _SCAN_ROWS, home, kind))

    def homes(self) -> list[str]:
        return [home for (home,) in self._execute(sql.HOMES, ())]

    def classifications_homed(self, home: str, after: tuple[str, str] = ("", "")) -> Iterator[ClassificationRow]:
        entity_guid, name = after
        while True:
            rows = self._execute(sql.CLASSIFICATIONS_HOMED, (home, entity_guid, name, _SCAN_ROWS)).fetchall()
            yield from map(ClassificationRow._make, rows)
            if len(rows) < _SCAN_ROWS:
                return
            entity_guid, name = rows[-1][:2]

    def counts(self) -> list[tuple[str, int, str, int]]:
        return self._execute(sql.COUNTS, ()).fetchall()

    def classification_counts(self) -> list[tuple[str, str, int]]:
        return self._execute(sql.CLASSIFICATION_COUNTS, ()).fetchall()

    def objects(self, source: str, keys: Collection[str]) -> dict[str, ObjectRow]:
        return {row.key: row for row in map(ObjectRow._make, self._lookup(sql.OBJECTS, keys, source))}

    def object_keys(self, source: str, prefix: str) -> list[str]:
        return self._keys(sql.OBJECT_KEYS, source, prefix)

    def source_objects(self, source: str, after: str = "", limit: int = 500) -> list[ObjectRow]:
        return list(map(ObjectRow._make, self._execute(sql.OBJECTS_AFTER, (source, after, limit))))

    def identities(self, identities: Collection[str]) -> dict[str, IdentityRow]:
        return {row.identity: row for row in map(IdentityRow._make, self._lookup(sql.IDENTITIES, identities))}

    def guards(self, source: str, names: Collection[str]) -> dict[str, GuardRow]:
        return {row.name: row for row in map(GuardRow._make, self._lookup(sql.GUARDS, names, source))}

    def memo(self, source: str, key: str) -> bytes:
        for (value,) in self._execute(sql.MEMO, (source, key)):
            return bytes(value)
        return b""

    def memo_keys(self, source: str, prefix: str) -> list[str]:
        return self._keys(sql.MEMO_KEYS, source, prefix)

    def outbox(self, limit: int) -> list[OutboxRow]:
        return list(map(OutboxRow._make, self._execute(sql.OUTBOX, (limit,))))

    def outbox_size(self) -> int:
        return self._number(sql.OUTBOX_SIZE)

    def dead_letters(self, state: str | None = "open", limit: int = 1000, after: int = 0) -> list[DeadLetterRow]:
        if state is None:
            return list(map(DeadLetterRow._make, self._execute(sql.DEAD_LETTERS, (after, limit))))
        return list(map(DeadLetterRow._make, self._execute(sql.DEAD_LETTERS_IN_STATE, (after, limit, state))))

    def dead_letter(self, dead_letter_id: int) -> DeadLetterRow | None:
        row = self._execute(sql.DEAD_LETTER, (dead_letter_id,)).fetchone()
        return DeadLetterRow._make(row) if row else None

    def dead_letter_counts(self) -> list[tuple[str, str, int]]:
        return self._execute(sql.DEAD_LETTER_COUNTS, ()).fetchall()

    def parked(self, type_names: Collection[str] | None = None, before: int | None = None, limit: int = 1000) -> list[ParkedRow]:
        if type_names is not None:
            until = _END_OF_TIME if before is None else before
            return sorted(map(ParkedRow._make, self._lookup(sql.PARKED_OF_TYPES, type_names, until, last=limit)))[:limit]
        if before is None:
            return list(map(ParkedRow._make, self._execute(sql.PARKED, (limit,))))
        return list(map(ParkedRow._make, self._execute(sql.PARKED_BEFORE, (limit, before))))

    def parked_size(self) -> int:
        return self._number(sql.PARKED_SIZE)

    def members(self) -> list[MemberRow]:
        return list(map(MemberRow._make, self._execute(sql.MEMBERS, ())))

    def types(self) -> list[TypeRow]:
        return list(map(TypeRow._make, self._execute(sql.TYPES, ())))

    def positions(self) -> list[PositionRow]:
        return list(map(PositionRow._make, self._execute(sql.POSITIONS, ())))

    def gaps(self) -> list[GapRow]:
        return list(map(GapRow._make, self._execute(sql.GAPS, ())))

    def requests(self, *states: str) -> list[RequestRow]:
        statement = placeholders(sql.REQUESTS_IN_STATE, len(states)) if states else sql.REQUESTS
        return list(map(RequestRow._make, self._execute(statement, states)))

    def request(self, request_id: int) -> RequestRow | None:
        row = self._execute(sql.REQUEST, (request_id,)).fetchone()
        return RequestRow._make(row) if row else None

    def fact(self, name: str) -> str | None:
        for (value,) in self._execute(sql.FACT, (name,)):
            return str(value)
        return None

    def classification_history(self, guid: str) -> list[ClassificationHistoryRow]:
        return list(map(ClassificationHistoryRow._make, self._execute(sql.CLASSIFICATION_HISTORY, (guid,))))

    def find_entities(self, query: FindQuery) -> list[EntityDetail]:
        return [one for one in self._find(query) if isinstance(one, EntityDetail)]

    def find_relationships(self, query: FindQuery) -> list[Relationship]:
        return [one for one in self._find(query) if isinstance(one, Relationship)]

    def _find(self, query: FindQuery) -> list[EntityDetail | Relationship]:
        self.asked_to_find = True
        return find(self._connection or _refuse("", ()), self, query)

    def _lookup(self, statement: str, keys: Collection[str], *first: Parameter, last: Parameter = None) -> Iterator[tuple[Parameter, ...]]:
        """The rows of many keys."""
        for size, chunk in lookup_chunks(keys):
            yield from self._execute(placeholders(statement, size), (*first, *chunk) if last is None else (*first, *chunk, last))

    def _text(self, statement: str, keys: list[str]) -> str:
        """The rows of many keys as one JSON list: one statement, in which the interpreter is free for others, and msgspec reads the list in less time than
        the module of SQLite needs to hand out the rows."""
        (text,) = self._execute(statement, (_encode(keys).decode(),)).fetchone()
        return str(text)

    def _keys(self, statement: str, source: str, prefix: str) -> list[str]:
        """The statement gives the keys from the prefix on, in order: those that have it come first and together."""
        return list(takewhile(lambda key: key.startswith(prefix), (key for (key,) in self._execute(statement, (source, prefix)))))

    def _number(self, statement: str) -> int:
        (number,) = self._execute(statement, ()).fetchone()
        return int(number)


def _apart(keys: Collection[str]) -> tuple[list[str], list[str]]:
    """Sorted, without those that hold a NUL, where SQLite's JSON ends a text; and these."""
    wanted = sorted(set(keys))
    odd = [key for key in wanted if "\0" in key]
    return [key for key in wanted if "\0" not in key] if odd else wanted, odd


def lookup_chunks(keys: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    """The keys sorted, so that the pages of the index are visited in their order, in chunks of what a statement may take; with the number of placeholders."""
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), _LOOKUP_SIZES[-1]):
        chunk = wanted[start : start + _LOOKUP_SIZES[-1]]
        size = next(size for size in _LOOKUP_SIZES if size >= len(chunk))
        yield size, chunk + [chunk[-1]] * (size - len(chunk))


@cache
def placeholders(statement: str, size: int) -> str:
    """The statement with its `{keys}` filled in."""
    return statement.format(keys=", ".join(["?"] * size))


def _refuse(_statement: str, _parameters: tuple[Parameter, ...]) -> NoReturn:
    raise RuntimeError("the transaction of this Reader has ended; whatever it gives has to be used up inside the planner or the query")
