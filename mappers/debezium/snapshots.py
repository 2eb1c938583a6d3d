"""Snapshots: what was in one, and what its end takes away (spec mappers 2.3).

The end is the record that Debezium marks as the last one (when no table has rows, that is one of the schema change topic), or the first record of the log after
it. Then tables that were not in it are gone. Only a snapshot that says so covers everything: it describes a database whole when it creates it
(`CREATE DATABASE`), which Debezium's snapshots on demand, of chosen tables, never do.

Marks of data records and of the notification topic are not used: they stand in other topics, so they may be read before the snapshot's own records, and a
sweep that comes too early would take away everything that is still to come.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from cohort_sync.mapping.relational import Place
from cohort_sync.mapping.spi import Position, Remember, Remove, Step, View
from mappers.debezium.events import SchemaChanged, TablePut
from mappers.debezium.memory import Snapshot, forget_table, read_snapshot, remember_snapshot, seen_key
from mappers.debezium.names import place_of
from mappers.debezium.options import Options, Sweep


def snapshot_record(event: SchemaChanged, position: Position, view: View, options: Options) -> Iterator[Step]:
    """A record in a snapshot: remember that one is running, what it had, and which databases it describes whole; end it when this was the last record."""
    before = read_snapshot(view, event.manager)
    tables = [one.ref.key for one in event.tables if isinstance(one, TablePut)]
    whole = [stated.place.database for stated in event.databases if stated.created]
    if not tables and not whole:
        if event.last and before.running:
            yield from _end(event.manager, before, view, options, frozenset())
        return
    snapshot_id = _id(event, position, before)
    known = before.databases if before.running and before.id == snapshot_id else ()
    snapshot = Snapshot(snapshot_id, event.connector, True, tuple(sorted({*known, *whole})))
    verbs = [Remember(seen_key(key), snapshot_id.encode()) for key in tables]
    yield Step(verbs=tuple(verbs) if snapshot == before else (remember_snapshot(event.manager, snapshot), *verbs))
    if event.last:
        yield from _end(event.manager, snapshot, view, options, frozenset(tables))


def _id(event: SchemaChanged, position: Position, before: Snapshot) -> str:
    """All records of a snapshot have its position; without one, what comes while a snapshot is running belongs to it."""
    if position.lineage:
        return f"{position.lineage} {'/'.join(map(str, position.order))}"
    return before.id if before.running else f"offset {event.offset}"


def snapshot_over(manager: Place, view: View, options: Options, spared: frozenset[str]) -> Iterator[Step]:
    """A record of the log: a snapshot that was running is over. Tables of which the record itself speaks are spared: it says what they are."""
    snapshot = read_snapshot(view, manager)
    if snapshot.running:
        yield from _end(manager, snapshot, view, options, spared)


def _end(manager: Place, snapshot: Snapshot, view: View, options: Options, spared: frozenset[str]) -> Iterator[Step]:
    """Each removal has its own guard: a table that changed after the snapshot stays."""
    for prefix in _swept(manager, snapshot, options):
        for key in view.keys(prefix):
            if key not in spared and view.memo(seen_key(key)) != snapshot.id.encode():
                yield Step(verbs=(Remove(key), *forget_table(key, view)), guards=(key,))
    yield Step(verbs=(remember_snapshot(manager, replace(snapshot, running=False)),))


def _swept(manager: Place, snapshot: Snapshot, options: Options) -> tuple[str, ...]:
    match options.sweep:
        case Sweep.OFF:
            return ()
        case Sweep.SERVER:
            return manager.server_tables_prefixes
        case Sweep.DATABASES:
            places = (place_of(snapshot.connector, manager.server, database, None, manager.prefix) for database in snapshot.databases)
            return tuple(place.tables_prefix for place in places)
