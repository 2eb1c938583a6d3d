"""The ceiling of the apply path: stdlib sqlite3 writing the same current, history and position rows in the same batches, and nothing else.

The file, its tables, indexes, pragmas and statements are those of the store, so what is compared is everything around them: Kafka, verdicts, planning,
threads, and the notes for the find index.
"""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from cohort_sync.omrs.codec import decode_event
from cohort_sync.store.rows import ClassificationRow, InstanceRow
from cohort_sync.store.sqlite import connection as connections
from cohort_sync.store.sqlite import migrate
from cohort_sync.store.sqlite import statements as sql
from cohort_sync.store.stored import entity_rows

Rows = tuple[InstanceRow, list[ClassificationRow]]
_TOPIC = ("bench", "instances", 0, "")


def rows_of(event: bytes) -> Rows:
    """The rows of an event: decoded, and its entity encoded again without its classifications."""
    section = decode_event(event).instance_event_section
    if section is None or section.entity is None:
        raise ValueError("an event without an entity")
    return entity_rows(section.entity)


def bare_rate_with_decode(path: Path, batches: Sequence[Sequence[bytes]]) -> float:
    """Events a second over all batches, each one transaction, from bytes to rows to the disk."""
    return _rate(path, ([rows_of(event) for event in batch] for batch in batches))


def bare_rate(path: Path, batches: Sequence[Sequence[Rows]]) -> float:
    """The same from rows to the disk."""
    return _rate(path, batches)


def decode_rate(batches: Sequence[Sequence[bytes]]) -> float:
    """Events a second from bytes to events, and nothing else."""
    began = time.perf_counter()
    done = sum(len([decode_event(event) for event in batch]) for batch in batches)
    return done / (time.perf_counter() - began)


def _rate(path: Path, batches: Iterable[Sequence[Rows]]) -> float:
    connection = connections.for_writing(path)
    try:
        migrate.migrate(connection, path, migrate.migrations())
        connection.execute(sql.START_POSITION, (*_TOPIC, 0))
        began = time.perf_counter()
        done = 0
        for rows in batches:
            _write(connection, rows, done)
            done += len(rows)
        return done / (time.perf_counter() - began)
    finally:
        connection.close()


def _write(connection: sqlite3.Connection, rows: Sequence[Rows], position: int) -> None:
    instances = sorted(row for row, _ in rows)
    many = connection.executemany
    connection.execute("BEGIN IMMEDIATE")
    superseded = many(sql.SUPERSEDE, [(row.guid, row.update_time) for row in instances]).rowcount
    if superseded:
        many(sql.REPLACE_SAME_PLACE, instances)
    if superseded < len(instances):
        many(sql.INSERT_INSTANCE, instances)
        many(sql.PUT_CLASSIFICATION, [each for _, classifications in rows for each in classifications])
    connection.execute(sql.MOVE_POSITION, (*_TOPIC, position, position + len(rows)))
    connection.execute("COMMIT")
