"""Keeping the find index of the SQLite store up to date, a chunk at a time (0002_finds.sql says what its tables are).

What is queued is looked at by every find, so how far the index lags changes the cost of a find and never its answer.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.store.find_matcher import texts_of
from cohort_sync.store.finds import SCOPE, index_value, indexed_text
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind
from cohort_sync.store.sqlite import find_queue
from cohort_sync.store.sqlite.reader import SqliteReader
from cohort_sync.store.stored import entity_of, relationship_of

IndexKey = tuple[int, int | float | str]

OWNER: Final = "SELECT id FROM find_owner WHERE guid = ?1"
ADD_OWNER: Final = "INSERT INTO find_owner (guid, kind, type_name, status, create_time, update_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id"
SET_OWNER: Final = "UPDATE find_owner SET kind = ?2, type_name = ?3, status = ?4, create_time = ?5, update_time = ?6 WHERE guid = ?1"
DELETE_OWNER: Final = "DELETE FROM find_owner WHERE id = ?1"
CONTENT: Final = "SELECT keys, classifications, text FROM find_content WHERE owner = ?1"
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

_decode_keys = msgspec.json.Decoder(list[tuple[int, int | float | str]]).decode
_decode_names = msgspec.json.Decoder(list[str]).decode


class Entry(NamedTuple):
    """What the index holds of one instance."""

    values: dict[str, int | float | str]
    classifications: list[str]
    text: str


class _Held(NamedTuple):
    """The same with the numbers of the names, as it was written."""

    keys: set[IndexKey]
    classifications: set[str]
    text: str


_NOTHING = _Held(set(), set(), "")


def index_chunk(connection: sqlite3.Connection, limit: int) -> int:
    """Take up to `limit` changes from the queue into the index, inside the transaction that is open; answers about how many wait."""
    taken = connection.execute(find_queue.CHUNK, (limit,)).fetchall()
    if taken:
        _index(connection, taken)
    (waiting,) = connection.execute(find_queue.SIZE).fetchone()
    return int(waiting)


def _index(connection: sqlite3.Connection, taken: list[tuple[int, str, int]]) -> None:
    gone = find_queue.removed((guid, removed) for _, guid, removed in taken)
    guids = find_queue.in_place((guid, removed) for _, guid, removed in taken)
    reader = SqliteReader(connection)
    rows = reader.instances(guids)
    classifications = reader.classifications(guids)
    changes = _Changes(connection)
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


def _values(properties: InstanceProperties | None) -> Iterable[tuple[str, int | float | str]]:
    for name, value in ((properties.instance_properties if properties is not None else None) or {}).items():
        if (indexed := index_value(value)) is not None:
            yield name, indexed


class _Changes:
    """The statements of one chunk, gathered so that each table is written in one go."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._names: dict[str, int] = {}
        self._deleted_values: list[tuple[int, int | float | str, int]] = []
        self._added_values: list[tuple[int, int | float | str, int]] = []
        self._deleted_classified: list[tuple[str, int]] = []
        self._added_classified: list[tuple[str, int]] = []
        self._deleted_texts: list[tuple[int, str]] = []
        self._added_texts: list[tuple[int, str]] = []
        self._contents: list[tuple[int, bytes, bytes, str]] = []

    def put(self, row: InstanceRow, entry: Entry) -> None:
        """The instance is there and looks like this."""
        columns = (row.guid, row.kind, row.type_name, row.status, row.create_time, row.update_time)
        owner = self._owner(row.guid)
        held = _NOTHING
        if owner is None:
            (owner,) = self._connection.execute(ADD_OWNER, columns).fetchone()
        else:
            self._connection.execute(SET_OWNER, columns)
            held = self._held(owner)
        keys = {(self._name(name), value) for name, value in entry.values.items()}
        self._differ(owner, held, _Held(keys, set(entry.classifications), entry.text))

    def remove(self, guid: str) -> None:
        """There is nothing to find under this GUID."""
        owner = self._owner(guid)
        if owner is None:
            return
        self._differ(owner, self._held(owner), _NOTHING)
        self._contents.pop()
        self._connection.execute(DELETE_CONTENT, (owner,))
        self._connection.execute(DELETE_OWNER, (owner,))

    def write(self) -> None:
        many = self._connection.executemany
        many(DELETE_VALUE, self._deleted_values)
        self._added_values.sort(key=_in_key_order)
        many(ADD_VALUE, self._added_values)
        many(DELETE_CLASSIFIED, self._deleted_classified)
        many(ADD_CLASSIFIED, self._added_classified)
        many(DELETE_TEXT, self._deleted_texts)
        many(ADD_TEXT, self._added_texts)
        many(PUT_CONTENT, self._contents)

    def _differ(self, owner: int, held: _Held, wanted: _Held) -> None:
        self._deleted_values += [(name, value, owner) for name, value in held.keys - wanted.keys]
        self._added_values += [(name, value, owner) for name, value in wanted.keys - held.keys]
        self._deleted_classified += [(name, owner) for name in held.classifications - wanted.classifications]
        self._added_classified += [(name, owner) for name in wanted.classifications - held.classifications]
        if held.text != wanted.text:
            if held.text:
                self._deleted_texts.append((owner, held.text))
            if wanted.text:
                self._added_texts.append((owner, wanted.text))
        encode = msgspec.json.encode
        self._contents.append((owner, encode(list(wanted.keys)), encode(sorted(wanted.classifications)), wanted.text))

    def _owner(self, guid: str) -> int | None:
        found = self._connection.execute(OWNER, (guid,)).fetchone()
        return found[0] if found else None

    def _held(self, owner: int) -> _Held:
        found = self._connection.execute(CONTENT, (owner,)).fetchone()
        return _Held(set(_decode_keys(found[0])), set(_decode_names(found[1])), found[2]) if found else _NOTHING

    def _name(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            found = self._connection.execute(NAME, (name,)).fetchone() or self._connection.execute(ADD_NAME, (name,)).fetchone()
            number = self._names[name] = int(found[0])
        return number


def _in_key_order(row: tuple[int, int | float | str, int]) -> tuple[int, int, str]:
    """Neighbours in the table are written together; numbers among themselves stay as they come."""
    name, value, _owner = row
    return (name, 1, value) if isinstance(value, str) else (name, 0, "")
