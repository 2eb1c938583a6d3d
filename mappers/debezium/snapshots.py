"""Snapshots: what was in one, and what its end takes away (spec mappers 2.3).

A snapshot has no end in the schema change topic; the first record of the log after it, or Debezium's notification, is the end. Then tables that were not in
it are gone. Only a snapshot that says so covers everything: it describes a database whole when it creates it (`CREATE DATABASE`), which Debezium's snapshots
on demand, of chosen tables, never do.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from cohort_sync.mapping.relational import Place
from cohort_sync.mapping.spi import Changes, Ignored, Meaning, Position, Remember, Remove, Step, View
from mappers.debezium.events import SchemaChanged, SnapshotCompleted, TablePut
from mappers.debezium.memory import Snapshot, forget_table, read_snapshot, read_snapshots, remember_snapshot, seen_key
from mappers.debezium.names import place_of
from mappers.debezium.options import Options, Sweep


def snapshot_seen(event: SchemaChanged, position: Position, view: View) -> Iterator[Step]:
    """Remember that a snapshot is running, what it had, and which databases it describes whole. Nothing when the record says none of that."""
    tables = [one for one in event.tables if isinstance(one, TablePut)]
    whole = [stated.place.database for stated in event.databases if stated.created]
    if not tables and not whole:
        return
    before = read_snapshot(view, event.manager)
    snapshot_id = _id(event, position, before)
    databases: tuple[str, ...] = tuple(sorted(whole))
    time = event.time
    if before.running and before.id == snapshot_id:
        databases = tuple(sorted({*before.databases, *whole}))
        time = before.time
    snapshot = Snapshot(snapshot_id, event.connector, event.manager.server, position, time, True, databases)
    verbs: list[Remember] = [] if snapshot == before else [remember_snapshot(event.manager, snapshot)]
    verbs += [Remember(seen_key(one.ref.key), snapshot_id.encode()) for one in tables]
    yield Step(verbs=tuple(verbs))


def _id(event: SchemaChanged, position: Position, before: Snapshot) -> str:
    """All records of a snapshot have its position; without one, what comes while a snapshot is running belongs to it."""
    if position.lineage:
        return f"{position.lineage} {'/'.join(map(str, position.order))}"
    return before.id if before.running else f"offset {event.offset}"


def sweep(manager: Place, view: View, options: Options, spared: frozenset[str] = frozenset()) -> Iterator[Step]:
    """The end of a snapshot that was running. Each removal has its own guard: a table that changed after the snapshot stays."""
    snapshot = read_snapshot(view, manager)
    if not snapshot.running:
        return
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


def interpret_completion(event: SnapshotCompleted, view: View, options: Options) -> Meaning:
    """A notification ends the snapshots of its server that are running, each at the snapshot's own position."""
    server = options.server or event.server
    running = [one for one in read_snapshots(view) if one.running and one.server == server]
    if not running:
        return Ignored("the end of a snapshot that is not running")
    snapshot = running[0]
    manager = place_of(snapshot.connector, server, "", None, options.prefix)
    return Changes(position=snapshot.position, steps=tuple(sweep(manager, view, options)), time=snapshot.time)
