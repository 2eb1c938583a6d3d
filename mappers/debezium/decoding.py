"""From bytes to events: what kind of record it is, whether it is whole, and what it names. Pure, and never raises for what stands in a record."""

import hashlib
from functools import lru_cache

import msgspec
from msgspec import Raw

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.relational import Place
from cohort_sync.mapping.spi import Ignored, Malformed, Meaning
from mappers.debezium import ddl
from mappers.debezium.events import DatabaseStated, Event, RowSeen, SchemaChanged, TableDropped, TablePut, TableRenamed
from mappers.debezium.memory import shape_key
from mappers.debezium.names import FOLDS_TO_CAPITALS, WITHOUT_SCHEMAS, BadIdentifier, Ref, identifiers, named_in, place_of
from mappers.debezium.options import Options
from mappers.debezium.positions import mark_of
from mappers.debezium.shapes import BadShape, key_shape, table_of_change
from mappers.debezium.structs import (
    NOTHING,
    Body,
    Frame,
    SchemaChange,
    SchemaName,
    Source,
    TableChange,
    WrappedSchemaChange,
)

_decode_frame = msgspec.json.Decoder(Frame).decode
_decode_change = msgspec.json.Decoder(SchemaChange).decode
_decode_wrapped_change = msgspec.json.Decoder(WrappedSchemaChange).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_schema_name = msgspec.json.Decoder(SchemaName).decode

_TOMBSTONE = Ignored("a tombstone concerns a row")
_NO_ROW = {"t": Ignored("a truncate changes data, not metadata"), "m": Ignored("a logical decoding message is no row")}
DIGEST_SIZE = 16


def decode(record: SourceRecord, options: Options) -> Event | Meaning:
    """The event of a record, or what ends it here."""
    if options.heartbeat_prefix and record.topic.startswith(options.heartbeat_prefix + "."):
        return Ignored("a heartbeat")
    value = record.value
    if not value:
        return _TOMBSTONE
    try:
        frame = _decode_frame(value)
    except msgspec.ValidationError as problem:
        return _unfit(record, value, str(problem))
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        return Malformed(f"got no JSON ({problem}){_avro_hint(value)}")
    except RecursionError:
        return Malformed("got JSON that is nested too deeply")
    body = frame.body
    if body.is_schema_change:
        return _schema_change(record, value, frame.has_schema, options)
    if body.aggregate_type != NOTHING:
        return Ignored("a notification")
    if body.source is None:
        return _without_source(record, frame, body)
    if not frame.has_schema:
        return Ignored(f"records of {record.topic} have no schema part: set schemas.enable=true in the connector's value converter")
    if frame.payload is None:
        return _TOMBSTONE
    return _row(record, frame, body, body.source, options)


# ---------------------------------------------------------------- data records


def _row(record: SourceRecord, frame: Frame, body: Body, source: Source, options: Options) -> Event | Meaning:
    ended = _NO_ROW.get(body.op or "")
    if ended is not None:
        return ended
    if not options.reads_rows_of(source.connector):
        return Ignored(f"the shape of {source.connector} tables comes from the schema change topic {source.name}")
    database = source.db or source.keyspace
    if not source.table:
        return Ignored(f"a record of the {source.connector} connector names no table")
    if not database:
        return Malformed("got no database, expected source.db", "$.payload.source")
    ref, memo_key = _table(options, source.connector, source.name, database, source.schema, source.table)
    if not memo_key:
        return Ignored("left out by table_include or table_exclude")
    key = key_shape(record.key)
    digest = hashlib.blake2b(frame.schema, digest_size=DIGEST_SIZE)
    digest.update(key)
    time = _time(source, body.ts_ms, record)
    return RowSeen(ref=ref, memo_key=memo_key, source=source, time=time, digest=digest.digest(), schema=frame.schema, key=key)


@lru_cache(maxsize=8192)
def _table(options: Options, connector: str, name: str, database: str, schema: str | None, table: str) -> tuple[Ref, str]:
    """A table and where its shape is remembered; "" when it is left out. Asked for each row, so the answers are kept."""
    ref = Ref(place_of(connector, options.server or name, database, schema, options.prefix), table)
    return ref, shape_key(ref.key) if options.captures(ref) else ""


def _without_source(record: SourceRecord, frame: Frame, body: Body) -> Meaning:
    if body.status != NOTHING:
        return Ignored("transaction metadata")
    if frame.has_schema and frame.payload is None:
        return _TOMBSTONE
    if _of_schema_topic(record) or (frame.has_schema and _is_envelope(frame.schema)):
        return Malformed("got no source block, expected Debezium's `source`", "$.payload" if frame.has_schema else "$")
    kind = "are no change events (flattened by a transform?)" if frame.has_schema else "have no schema part"
    return Ignored(f"records of {record.topic} {kind}: the shape of their table cannot be told")


def _unfit(record: SourceRecord, value: bytes, problem: str) -> Meaning:
    """JSON that is not of the expected form: a broken change event, or a flattened row whose columns look like our fields."""
    reason, where = _told(problem)
    try:
        top = _decode_object(value)
        inner = _decode_object(top["payload"]) if {"schema", "payload"} <= top.keys() else top
    except (msgspec.DecodeError, RecursionError):
        return Malformed(reason, where)
    ours = {"ddl", "tableChanges", "databaseName"} & inner.keys()
    if ours or _of_schema_topic(record) or (inner is not top and _is_envelope(top["schema"])):
        return Malformed(reason, where)
    return Ignored(f"records of {record.topic} are no change events (flattened by a transform?): the shape of their table cannot be told")


def _of_schema_topic(record: SourceRecord) -> bool:
    """Only the schema change topic has the database as its key."""
    return record.key is not None and b'"databaseName"' in record.key


def _is_envelope(schema: Raw) -> bool:
    try:
        return (_decode_schema_name(schema).name or "").endswith("Envelope")
    except (msgspec.DecodeError, RecursionError):
        return False


# ---------------------------------------------------------------- schema changes


def _schema_change(record: SourceRecord, value: bytes, wrapped: bool, options: Options) -> Event | Meaning:
    try:
        change = _decode_wrapped_change(value).payload if wrapped else _decode_change(value)
    except msgspec.ValidationError as problem:
        return Malformed(*_told(str(problem)))
    root = "$.payload" if wrapped else "$"
    if not change.source.name or not change.source.connector:
        return Malformed("got an empty connector or name, expected who wrote the record", root + ".source")
    try:
        return _Changes(record, change, options, root).event()
    except _Bad as bad:
        return Malformed(str(bad), bad.where)


class _Bad(ValueError):
    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


class _Changes:
    """Resolves the names of one schema change."""

    def __init__(self, record: SourceRecord, change: SchemaChange, options: Options, root: str) -> None:
        self._record = record
        self._change = change
        self._options = options
        self._root = root
        self._filtered = False

    def event(self) -> SchemaChanged:
        change, source = self._change, self._change.source
        tables = tuple(table for number, one in enumerate(change.table_changes or ()) if (table := self._table(number, one)) is not None)
        stated = [] if source.in_snapshot and tables else ddl.facts(change.ddl)
        return SchemaChanged(
            manager=self._place("", None),
            connector=source.connector,
            mark=mark_of(source),
            time=_time(source, change.ts_ms, self._record),
            offset=self._record.offset,
            snapshot=source.in_snapshot,
            last=source.ends_snapshot,
            tables=tables,
            renames=tuple(self._renamed(fact) for fact in stated if isinstance(fact, ddl.Renamed)),
            databases=tuple(made for fact in stated if (made := self._database(fact)) is not None),
            opening=ddl.opening(change.ddl),
            filtered=self._filtered,
        )

    def _place(self, database: str, schema: str | None) -> Place:
        source = self._change.source
        return place_of(source.connector, self._options.server or source.name, database, schema, self._options.prefix)

    def _table(self, number: int, one: TableChange) -> TablePut | TableDropped | None:
        where = f"{self._root}.tableChanges[{number}]"
        try:
            *previous, ref = [self._ref(parts) for parts in identifiers(one.id, self._change.database_name, self._change.source.table)]
            if one.previous_id and not previous:
                previous = [self._ref(parts) for parts in identifiers(one.previous_id, self._change.database_name)]
        except BadIdentifier as bad:
            raise _Bad(where + ".id", str(bad)) from None
        if not self._options.captures(ref):
            self._filtered = True
            return None
        match one.type:
            case "DROP":
                return TableDropped(ref)
            case "CREATE" | "ALTER":
                if one.table is None:
                    raise _Bad(where + ".table", f"got null, expected the table after a change of type {one.type}")
                try:
                    return TablePut(
                        ref, table_of_change(ref.name, one.table, self._change.source.connector), previous[0] if previous else None, one.type == "CREATE"
                    )
                except BadShape as bad:
                    raise _Bad(f"{where}.table{bad.where}", str(bad)) from None
            case other:
                raise _Bad(where + ".type", f"got {other!r}, expected CREATE, ALTER or DROP")

    def _ref(self, parts: tuple[str, ...]) -> Ref:
        if len(parts) == 3:
            return Ref(self._place(parts[0], parts[1]), parts[2])
        return Ref(self._place(parts[0], None), parts[1])

    def _renamed(self, fact: ddl.Renamed) -> TableRenamed:
        database = self._change.database_name or self._change.source.db or ""
        schema = self._change.schema_name or self._change.source.schema
        fold = self._change.source.connector in FOLDS_TO_CAPITALS
        old, new = (named_in(name.spoken(fold=fold), database, schema) for name in (fact.old, fact.new))
        return TableRenamed(Ref(self._place(old[0], old[1]), old[2]), Ref(self._place(new[0], new[1]), new[2]))

    def _database(self, fact: ddl.Fact) -> DatabaseStated | None:
        if isinstance(fact, ddl.Renamed) or self._change.source.connector not in WITHOUT_SCHEMAS:
            return None
        return DatabaseStated(self._place(fact.name, None), isinstance(fact, ddl.DatabaseCreated))


# ---------------------------------------------------------------- helpers


def _told(problem: str) -> tuple[str, str]:
    """msgspec's message as reason and path: 'Expected `array`, got `str` - at `$.a`'."""
    reason, _, path = problem.partition(" - at ")
    return reason, path.strip("`") or "$"


def _time(source: Source, written: int | None, record: SourceRecord) -> int:
    """The event time of the source, epoch ms; else when Debezium wrote it, else when Kafka got it."""
    return next((time for time in (source.ts_ms, written, record.timestamp) if time is not None and 0 < time < 2**62), 0)


def _avro_hint(value: bytes) -> str:
    if value[:1] != b"\0":
        return ""
    return ": it looks like Avro or Protobuf of a schema registry; use the JSON converter with schemas.enable=true, or the schema_registry mapper"
