"""What a schema change means: the steps of tables and databases (spec mappers 2.3).

A record in a snapshot creates and never drops; a record of the log also drops, renames, and ends a snapshot that was running.
"""

from collections.abc import Iterator

from cohort_sync.mapping.relational import put_database, put_owner, table_object
from cohort_sync.mapping.spi import Changes, Ignored, Meaning, Put, Remove, Rename, Step, Verb, View
from mappers.debezium.events import DatabaseStated, SchemaChanged, TableDropped, TablePut, TableRenamed
from mappers.debezium.memory import forget_table, read_server_clock, remember_clock
from mappers.debezium.names import Ref
from mappers.debezium.options import Options
from mappers.debezium.positions import place
from mappers.debezium.snapshots import snapshot_over, snapshot_record


def interpret_change(event: SchemaChanged, view: View, options: Options) -> Meaning:
    """The steps of a schema change, in order: the end of a snapshot, the change itself, what has to be remembered."""
    before = read_server_clock(view, event.manager)
    position, clock = place(before, event.mark, event.time)
    note = ""
    if event.snapshot:
        steps = [*_snapshot_steps(event, options), *snapshot_record(event, position, view, options)]
    else:
        steps = [*snapshot_over(event.manager, view, options, _touched(event))]
        changes = _Changes(event, view, options)
        steps += changes.steps()
        note = changes.note
    if not steps:
        return Ignored(_reason(event))
    if clock != before:
        steps.append(Step(verbs=(remember_clock(event.manager, clock),)))
    return Changes(position=position, steps=tuple(steps), time=event.time, note=note)


def _reason(event: SchemaChanged) -> str:
    if event.filtered:
        return "left out by table_include or table_exclude"
    if event.snapshot:
        return f"{event.opening} in a snapshot is no change"
    return f"{event.opening} changes no table"


def _touched(event: SchemaChanged) -> frozenset[str]:
    """The keys of the tables that the record itself speaks of."""
    own = {one.ref.key for one in event.tables}
    return frozenset(own | {ref.key for one in event.renames for ref in (one.old, one.new)})


# ---------------------------------------------------------------- in a snapshot


def _snapshot_steps(event: SchemaChanged, options: Options) -> Iterator[Step]:
    for one in event.tables:
        if isinstance(one, TablePut):
            yield _put(one)
    for stated in event.databases:
        if stated.created and not options.include:
            yield _create_database(stated)


def _put(one: TablePut) -> Step:
    return Step(verbs=_put_verbs(one), guards=(one.ref.key,), after=(one.ref.place.database_key,))


def _put_verbs(one: TablePut) -> tuple[Put, ...]:
    return (*put_owner(one.ref.place), Put(table_object(one.ref.place, one.table)))


def _create_database(stated: DatabaseStated) -> Step:
    """Only without a filter: a database of which no table may be wanted comes with its first table."""
    return Step(verbs=put_database(stated.place), guards=(stated.place.database_key,))


# ---------------------------------------------------------------- in the log


class _Changes:
    """The steps of one record of the log. Renames of one record build on each other, so it keeps what they moved."""

    def __init__(self, event: SchemaChanged, view: View, options: Options) -> None:
        self._event = event
        self._view = view
        self._options = options
        self._there: dict[str, bool] = {}
        self.note = ""

    def steps(self) -> Iterator[Step]:
        """In the order of the record."""
        event = self._event
        renamed = {one.new.key: one.old for one in event.renames}
        for one in event.tables:
            if isinstance(one, TableDropped):
                yield self._drop(one.ref)
                continue
            old = one.previous or renamed.get(one.ref.key)
            if old is not None and old.key != one.ref.key:
                yield self._rename(TableRenamed(old, one.ref), one)
                continue
            if not one.created and not self._has(one.ref.key):
                self.note = f"{one.ref.name} was altered but was not known: taken as new; if it was renamed, its old entry stays until the next snapshot"
            yield _put(one)
        if not event.tables:
            for pair in event.renames:
                yield from self._rename_unseen(pair)
        for stated in event.databases:
            if stated.created and not self._options.include:
                yield _create_database(stated)
            elif not stated.created:
                yield self._drop_database(stated)

    def _has(self, key: str) -> bool:
        return self._there.get(key, False) if key in self._there else self._view.has(key)

    def _drop(self, ref: Ref) -> Step:
        return Step(verbs=(Remove(ref.key), *forget_table(ref.key, self._view)), guards=(ref.key,), after=(ref.place.database_key,))

    def _rename(self, pair: TableRenamed, after: TablePut) -> Step:
        """A rename with the state after it. An old table that is not known makes it a creation."""
        old, new = pair.old, pair.new
        verbs: list[Verb] = list(put_owner(new.place))
        if self._has(old.key):
            verbs += [Rename(old.key, new.key, old.qualified_name, new.qualified_name), *forget_table(old.key, self._view)]
        else:
            self.note = f"{'.'.join(old.dotted[:1])} was renamed to {new.name} but was not known: {new.name} is taken as new"
        verbs.append(Put(table_object(new.place, after.table)))
        return self._rename_step(pair, tuple(verbs))

    def _rename_unseen(self, pair: TableRenamed) -> Iterator[Step]:
        """A rename without the state after it: the middle of a swap (RENAME TABLE a TO x, b TO a, x TO b), or away from what is captured."""
        old, new = pair.old, pair.new
        if not self._has(old.key):
            return
        if not self._options.captures(new):
            yield self._drop(old)
        elif not self._has(new.key):
            rename = Rename(old.key, new.key, old.qualified_name, new.qualified_name)
            yield self._rename_step(pair, (*put_owner(new.place), rename, *forget_table(old.key, self._view)))

    def _rename_step(self, pair: TableRenamed, verbs: tuple[Verb, ...]) -> Step:
        """The records of one statement share one position: the pair is what must be new, its two tables must not be newer."""
        old, new = pair.old.key, pair.new.key
        self._there.update({old: False, new: True})
        part = f"rename:{old}>{new}"
        return Step(verbs=verbs, guards=(part,), touches=(old, new), after=(pair.new.place.database_key,))

    def _drop_database(self, stated: DatabaseStated) -> Step:
        tables = self._view.keys(stated.place.tables_prefix)
        verbs: list[Verb] = []
        for key in tables:
            verbs += [Remove(key), *forget_table(key, self._view)]
        verbs.append(Remove(stated.place.database_key))
        return Step(verbs=tuple(verbs), guards=(stated.place.database_key,), touches=tuple(tables))
