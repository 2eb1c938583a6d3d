"""A WriteSet as statements. Every table is one or a few `executemany`: the rows go to SQLite as they are.

The history is one statement for all rows of a batch: it is the longest, and inside a statement the interpreter is free for others.
"""

import sqlite3
from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import TypeVar

import msgspec

from cohort_sync.store.positions import lost
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import InstanceRow, PositionMove
from cohort_sync.store.sqlite import statements as sql

Key = TypeVar("Key", str, tuple[str, str])
Row = TypeVar("Row", bound=tuple[object, ...])

_encode = msgspec.json.Encoder().encode


def write(connection: sqlite3.Connection, writes: WriteSet, now: int) -> None:
    """Apply the write set inside the transaction that is open. Raises PositionLost or what SQLite raises; the caller rolls back."""
    many = connection.executemany
    if writes.removed:
        _remove(connection, sorted(writes.removed))
    if writes.instances:
        _put_instances(connection, writes.instances.values())
    if writes.classifications:
        many(sql.SUPERSEDE_CLASSIFICATION, [(*key, now, int(row is None)) for key, row in writes.classifications.items()])
    _put_or_delete(connection, writes.classifications, sql.PUT_CLASSIFICATION, sql.DELETE_CLASSIFICATION)
    if changed := writes.instances.keys() | {guid for guid, _ in writes.classifications}:
        _note(connection, sorted(changed))
    _put_or_delete(connection, writes.tombstones, sql.PUT_TOMBSTONE, sql.DELETE_TOMBSTONE)
    _put_or_delete(connection, writes.objects, sql.PUT_OBJECT, sql.DELETE_OBJECT)
    _put(connection, sql.PUT_IDENTITY, writes.identities.values())
    _put(connection, sql.PUT_GUARD, [(*row, now) for row in writes.guards.values()])
    _put_or_delete(connection, writes.memos, sql.PUT_MEMO, sql.DELETE_MEMO)
    _put(connection, sql.ADD_OUTBOX, [row[1:] for row in writes.outbox])
    _put(connection, sql.ADD_DEAD_LETTER, [row[1:] for row in writes.dead_letters])
    _put(connection, sql.SET_DEAD_LETTER_STATE, writes.dead_letter_states.items())
    _put(connection, sql.SET_DEAD_LETTER_REASON, [(letter_id, *failure) for letter_id, failure in writes.dead_letter_reasons.items()])
    _put(connection, sql.ADD_PARKED, [row[1:] for row in writes.parked])
    _put(connection, sql.DELETE_PARKED, [(parked_id,) for parked_id in writes.unparked])
    _put_or_delete(connection, writes.members, sql.PUT_MEMBER, sql.DELETE_MEMBER)
    _put_or_delete(connection, writes.types, sql.PUT_TYPE, sql.DELETE_TYPE)
    _put(connection, sql.ADD_GAP, writes.gaps)
    _put(connection, sql.ADD_REQUEST, [row[1:] for row in writes.requests])
    _put(connection, sql.SET_REQUEST_RESULT, [(request_id, *answer) for request_id, answer in writes.request_results.items()])
    if writes.facts:
        many(sql.DELETE_FACT, [(name,) for name, value in writes.facts.items() if value is None])
        many(sql.PUT_FACT, [(name, value) for name, value in writes.facts.items() if value is not None])
    for move in writes.positions:
        _move(connection, move)


def _remove(connection: sqlite3.Connection, guids: list[str]) -> None:
    keys = [(guid,) for guid in guids]
    connection.executemany(sql.DELETE_INSTANCE, keys)
    connection.executemany(sql.DELETE_CLASSIFICATIONS, keys)
    connection.executemany(sql.DELETE_HISTORY, keys)
    connection.executemany(sql.DELETE_CLASSIFICATION_HISTORY, keys)


def _put_instances(connection: sqlite3.Connection, rows: Collection[InstanceRow]) -> None:
    """Each statement takes the whole batch and finds its own rows; a statement that has nothing left to do is not run.

    Sorted by GUID: neighbours in the index are written together.
    """
    batch = sorted(rows, key=itemgetter(0))
    many = connection.executemany
    superseded = _supersede(connection, {row.guid: row.create_time if row.update_time is None else row.update_time for row in batch})
    if superseded and many(sql.REPLACE_SAME_PLACE, batch).rowcount < superseded:
        many(sql.REPLACE_ANY_PLACE, batch)
    if superseded < len(batch):
        many(sql.INSERT_INSTANCE, batch)


def _supersede(connection: sqlite3.Connection, until: dict[str, int]) -> int:
    """Move what stands under these GUIDs into the history, valid until then; answers how many rows there were."""
    text = _encode(until).decode()
    if "\\u0000" in text:  # SQLite's JSON ends a text there
        return connection.executemany(sql.SUPERSEDE, until.items()).rowcount
    return connection.execute(sql.SUPERSEDE_ALL, (text,)).rowcount


def _note(connection: sqlite3.Connection, guids: list[str]) -> None:
    """Let the find index know that these have changed. Removals note themselves (a trigger), and did so before."""
    text = _encode(guids).decode()
    if "\\u0000" in text:
        connection.executemany(sql.NOTE, [(guid,) for guid in guids])
    else:
        connection.execute(sql.NOTE_ALL, (text,))


def _put(connection: sqlite3.Connection, statement: str, rows: Collection[tuple[object, ...]]) -> None:
    if rows:
        connection.executemany(statement, rows)


def _put_or_delete(connection: sqlite3.Connection, rows: Mapping[Key, Row | None], put: str, delete: str) -> None:
    """None deletes the row of its key; the others are written."""
    if not rows:
        return
    gone = [key if isinstance(key, tuple) else (key,) for key, row in rows.items() if row is None]
    if gone:
        connection.executemany(delete, gone)
    if len(gone) < len(rows):
        connection.executemany(put, [row for row in rows.values() if row is not None])


def _move(connection: sqlite3.Connection, move: PositionMove) -> None:
    """The compare-and-set of guarantee 8."""
    if move.expected is None:
        start = (move.cluster_id, move.topic, move.partition, move.topic_id, move.next_offset)
        moved = connection.execute(sql.START_POSITION, start).rowcount
    else:
        moved = connection.execute(sql.MOVE_POSITION, move).rowcount
    if not moved:
        found = connection.execute(sql.POSITION, (move.cluster_id, move.topic, move.partition)).fetchone()
        raise lost(move, found[0] if found else None)
