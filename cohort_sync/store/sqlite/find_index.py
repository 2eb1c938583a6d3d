"""Keeping the find index of the SQLite store up to date, a chunk at a time (0002_finds.sql and 0005_find_pages.sql say what its tables are).

What is queued is looked at by every find, so how far the index lags changes the cost of a find and never its answer.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.store.find_matcher import texts_of
from cohort_sync.store.finds import SCOPE, index_value, indexed_text
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind
from cohort_sync.store.sqlite import find_queue
from cohort_sync.store.sqlite.find_scope import BLOCK_BITS
from cohort_sync.store.sqlite.reader import SqliteReader, lookup_chunks, placeholders
from cohort_sync.store.stored import entity_of, relationship_of

Value = int | float | str
IndexKey = tuple[int, Value]
Scope = tuple[int, str, str]
"""Kind, type name and status: the lists that an owner is in."""

OWNERS: Final = """
SELECT o.guid, o.id, o.kind, o.type_name, o.status, o.create_time, o.update_time, c.keys, c.classifications, c.text
FROM find_owner o LEFT JOIN find_content c ON c.owner = o.id WHERE o.guid IN ({keys})
"""
LAST_OWNER: Final = "SELECT coalesce(max(id), 0) FROM find_owner"
ADD_OWNER: Final = "INSERT INTO find_owner (id, guid, kind, type_name, status, create_time, update_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
SET_OWNER: Final = "UPDATE find_owner SET kind = ?2, type_name = ?3, status = ?4, create_time = ?5, update_time = ?6 WHERE id = ?1"
SET_UPDATED: Final = "UPDATE find_owner SET update_time = ?2 WHERE id = ?1"
DELETE_OWNER: Final = "DELETE FROM find_owner WHERE id = ?1"
PUT_CONTENT: Final = "INSERT OR REPLACE INTO find_content (owner, keys, classifications, text) VALUES (?1, ?2, ?3, ?4)"
DELETE_CONTENT: Final = "DELETE FROM find_content WHERE owner = ?1"
NAME: Final = "SELECT id FROM find_name WHERE name = ?1"
ADD_NAME: Final = "INSERT INTO find_name (name) VALUES (?1) RETURNING id"
ADD_VALUE: Final = "INSERT OR IGNORE INTO find_value (name, value, owner) VALUES (?1, ?2, ?3)"
DELETE_VALUE: Final = "DELETE FROM find_value WHERE name = ?1 AND value = ?2 AND owner = ?3"
ADD_CLASSIFIED: Final = "INSERT OR IGNORE INTO find_classified (name, owner) VALUES (?1, ?2)"
DELETE_CLASSIFIED: Final = "DELETE FROM find_classified WHERE name = ?1 AND owner = ?2"
ADD_TEXT: Final = "INSERT INTO find_text (rowid, text) VALUES (?1, ?2)"
DELETE_TEXT: Final = "INSERT INTO find_text (find_text, rowid, text) VALUES ('delete', ?1, ?2)"
COUNT_BLOCK: Final = """
INSERT INTO find_block (kind, type_name, status, block, owners) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (kind, type_name, status, block) DO UPDATE SET owners = owners + ?5
"""
EMPTY_BLOCK: Final = "DELETE FROM find_block WHERE kind = ?1 AND type_name = ?2 AND status = ?3 AND block = ?4 AND owners <= 0"
COUNT_HOLDERS: Final = """
INSERT INTO find_holders (name, kind, type_name, status, owners) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name, kind, type_name, status) DO UPDATE SET owners = owners + ?5
"""
NO_HOLDERS: Final = "DELETE FROM find_holders WHERE name = ?1 AND kind = ?2 AND type_name = ?3 AND status = ?4 AND owners <= 0"

_decode_keys = msgspec.json.Decoder(list[tuple[int, Value]]).decode
_decode_names = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


class Entry(NamedTuple):
    """What the index holds of one instance."""

    values: dict[str, Value]
    classifications: list[str]
    text: str


class _Content(NamedTuple):
    """The same with the numbers of the names, as it is written."""

    keys: bytes
    classifications: bytes
    text: str


class _Owner(NamedTuple):
    """A row of find_owner, with its content."""

    id: int
    scope: Scope
    create_time: int | None
    update_time: int | None
    content: _Content


_NOTHING = _Content(b"[]", b"[]", "")
"""Has no row in find_content."""


def index_chunk(connection: sqlite3.Connection, limit: int) -> int:
    """Take up to `limit` changes from the queue into the index, inside the transaction that is open; answers about how many wait."""
    taken = connection.execute(find_queue.CHUNK, (limit,)).fetchall()
    if taken:
        _index(connection, taken)
    (waiting,) = connection.execute(find_queue.SIZE).fetchone()
    return int(waiting)


def _index(connection: sqlite3.Connection, taken: list[tuple[int, str, int]]) -> None:
    gone = find_queue.removed((guid, change) for _, guid, change in taken)
    guids = find_queue.in_place((guid, change) for _, guid, change in taken)
    reader = SqliteReader(connection)
    rows = reader.instances(guids)
    classifications = reader.classifications(guids)
    changes = _Changes(connection, guids)
    for guid in guids:
        row = rows.get(guid)
        entry = None if row is None or row.kind == Kind.PROXY else _entry(row, classifications.get(guid, []))
        if row is None or entry is None or guid in gone:
            changes.remove(guid)
        if row is not None and entry is not None:
            changes.put(row, entry)
    changes.write()
    connection.execute(find_queue.TAKEN, (taken[-1][0],))


def _entry(row: InstanceRow, classifications: list[ClassificationRow]) -> Entry | None:
    """None when the document cannot be read, which only a damaged store can have: the index must not stand still because of it."""
    try:
        return entry_of(relationship_of(row) if row.kind == Kind.RELATIONSHIP else entity_of(row, classifications))
    except msgspec.DecodeError:
        return None


def entry_of(instance: EntityDetail | Relationship) -> Entry:
    """What of an instance can be found by the index."""
    values = dict(_values(instance.properties))
    names = []
    if isinstance(instance, EntityDetail):
        for classification in instance.classifications or ():
            name = classification.name or ""
            names.append(name)
            values.update((f"{name}{SCOPE}{key}", value) for key, value in _values(classification.properties))
    return Entry(values, names, indexed_text("\n".join(texts_of(instance.properties))))


def _values(properties: InstanceProperties | None) -> Iterable[tuple[str, Value]]:
    for name, value in ((properties.instance_properties if properties is not None else None) or {}).items():
        if (indexed := index_value(value)) is not None:
            yield name, indexed


class _Changes:
    """The statements of one chunk, gathered so that each table is written in one go."""

    def __init__(self, connection: sqlite3.Connection, guids: list[str]) -> None:
        self._connection = connection
        self._owners = {guid: owner for size, keys in lookup_chunks(guids) for guid, owner in map(_owner, connection.execute(placeholders(OWNERS, size), keys))}
        (self._last,) = connection.execute(LAST_OWNER).fetchone()
        self._names: dict[str, int] = {}
        self._blocks: Counter[tuple[int, str, str, int]] = Counter()
        self._holders: Counter[tuple[int, int, str, str]] = Counter()
        self._rows: dict[str, list[tuple[Value | bytes | None, ...]]] = {statement: [] for statement in _IN_TURN}

    def put(self, row: InstanceRow, entry: Entry) -> None:
        """The instance is there and looks like this."""
        scope = (int(row.kind), row.type_name, row.status)
        keys = sorted((self._name(name), value) for name, value in entry.values.items())
        content = _Content(_encode(keys), _encode(sorted(entry.classifications)), entry.text)
        owner = self._owners.get(row.guid)
        if owner is None:
            self._last += 1
            self._rows[ADD_OWNER].append((self._last, row.guid, *scope, row.create_time, row.update_time))
            owner = _Owner(self._last, scope, row.create_time, row.update_time, _NOTHING)
            self._blocks[(*scope, owner.id >> BLOCK_BITS)] += 1
        elif (owner.scope, owner.create_time) != (scope, row.create_time):
            self._rows[SET_OWNER].append((owner.id, *scope, row.create_time, row.update_time))
            if owner.scope != scope:
                self._move(owner, scope)
        elif owner.update_time != row.update_time:
            self._rows[SET_UPDATED].append((owner.id, row.update_time))
        if content != owner.content:
            self._rows[PUT_CONTENT].append((owner.id, *content))
            self._differ(owner, content, scope)
        self._owners[row.guid] = _Owner(owner.id, scope, row.create_time, row.update_time, content)

    def remove(self, guid: str) -> None:
        """There is nothing to find under this GUID."""
        owner = self._owners.pop(guid, None)
        if owner is None:
            return
        self._differ(owner, _NOTHING, owner.scope)
        self._blocks[(*owner.scope, owner.id >> BLOCK_BITS)] -= 1
        self._rows[DELETE_CONTENT].append((owner.id,))
        self._rows[DELETE_OWNER].append((owner.id,))

    def write(self) -> None:
        self._rows[ADD_VALUE].sort(key=_in_key_order)
        self._rows[COUNT_BLOCK] = [(*key, number) for key, number in self._blocks.items() if number]
        self._rows[EMPTY_BLOCK] = [key for key, number in self._blocks.items() if number < 0]
        self._rows[COUNT_HOLDERS] = [(*key, number) for key, number in self._holders.items() if number]
        self._rows[NO_HOLDERS] = [key for key, number in self._holders.items() if number < 0]
        for statement, rows in self._rows.items():
            if rows:
                self._connection.executemany(statement, rows)

    def _move(self, owner: _Owner, scope: Scope) -> None:
        """An owner, with what it holds, is counted in another scope."""
        for one, number in ((owner.scope, -1), (scope, 1)):
            self._blocks[(*one, owner.id >> BLOCK_BITS)] += number
            for name, _ in _decode_keys(owner.content.keys):
                self._holders[(name, *one)] += number

    def _differ(self, owner: _Owner, wanted: _Content, scope: Scope) -> None:
        """What the tables of content hold of an owner; `scope` is where it is counted now."""
        held = owner.content
        if held.keys != wanted.keys:
            old, new = set(_decode_keys(held.keys)), set(_decode_keys(wanted.keys))
            self._rows[DELETE_VALUE] += [(*key, owner.id) for key in old - new]
            self._rows[ADD_VALUE] += [(*key, owner.id) for key in new - old]
            for name, number in ((name, number) for keys, number in ((old - new, -1), (new - old, 1)) for name, _ in keys):
                self._holders[(name, *scope)] += number
        if held.classifications != wanted.classifications:
            before, after = set(_decode_names(held.classifications)), set(_decode_names(wanted.classifications))
            self._rows[DELETE_CLASSIFIED] += [(name, owner.id) for name in before - after]
            self._rows[ADD_CLASSIFIED] += [(name, owner.id) for name in after - before]
        if held.text != wanted.text:
            if held.text:
                self._rows[DELETE_TEXT].append((owner.id, held.text))
            if wanted.text:
                self._rows[ADD_TEXT].append((owner.id, wanted.text))

    def _name(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            found = self._connection.execute(NAME, (name,)).fetchone() or self._connection.execute(ADD_NAME, (name,)).fetchone()
            number = self._names[name] = int(found[0])
        return number


_IN_TURN: Final = (
    DELETE_OWNER,
    ADD_OWNER,
    SET_OWNER,
    SET_UPDATED,
    DELETE_VALUE,
    ADD_VALUE,
    DELETE_CLASSIFIED,
    ADD_CLASSIFIED,
    DELETE_TEXT,
    ADD_TEXT,
    DELETE_CONTENT,
    PUT_CONTENT,
    COUNT_BLOCK,
    EMPTY_BLOCK,
    COUNT_HOLDERS,
    NO_HOLDERS,
)
"""What is taken away goes first: a GUID that was removed may be there again."""


def _owner(row: tuple[str, int, int, str, str, int | None, int | None, bytes | None, bytes | None, str | None]) -> tuple[str, _Owner]:
    guid, number, kind, type_name, status, create_time, update_time, keys, classifications, text = row
    content = _NOTHING if keys is None or classifications is None else _Content(keys, classifications, text or "")
    return guid, _Owner(number, (kind, type_name, status), create_time, update_time, content)


def _in_key_order(row: tuple[Value | bytes | None, ...]) -> tuple[Value | bytes | None, int, str]:
    """Neighbours in the table are written together; numbers among themselves stay as they come."""
    name, value, _owner = row
    return (name, 1, value) if isinstance(value, str) else (name, 0, "")
