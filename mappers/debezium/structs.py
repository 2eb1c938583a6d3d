"""What Debezium writes, as far as metadata needs it (spec mappers 2.2 and 2.4). Unknown fields are skipped, missing ones tolerated: the format is incubating.

Two levels: a `Frame` is decoded for every record, in one pass that skips schemas and rows; the rest only for a schema change or a shape that is new.
Names follow the wire.
"""

import msgspec
from msgspec import Raw, field

NOTHING = Raw(b"")
"""A `Raw` field that is not there."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """The `source` block: who says it, about what, and where that stands in the log of the database."""

    connector: str
    name: str
    db: str | None = None
    schema: str | None = None
    keyspace: str | None = None
    """Vitess: what others call the database."""
    table: str | None = None
    snapshot: str | bool | None = None
    ts_ms: int | None = None
    server_id: int | None = None
    file: str | None = None
    pos: int | None = None
    row: int | None = None
    lsn: int | None = None
    commit_lsn: str | None = None
    change_lsn: str | None = None
    event_serial_no: int | None = None
    scn: int | str | None = None

    @property
    def in_snapshot(self) -> bool:
        """Any marker but `false` (spec mappers 2.3)."""
        return str(self.snapshot or "false").lower() != "false"

    @property
    def ends_snapshot(self) -> bool:
        """The marker of the very last record."""
        return self.snapshot == "last"


class Body(msgspec.Struct, gc=False):
    """The payload of any record, or a record without an envelope: enough to tell what it is. Everything is optional here."""

    source: Source | None = None
    op: str | None = None
    ts_ms: int | None = None
    ddl: Raw = NOTHING
    table_changes: Raw = field(default=NOTHING, name="tableChanges")
    database_name: Raw = field(default=NOTHING, name="databaseName")
    status: Raw = NOTHING
    aggregate_type: Raw = NOTHING

    @property
    def is_schema_change(self) -> bool:
        """A record of the schema change topic has at least one of these."""
        return bool(self.table_changes or self.ddl or self.database_name)


class Frame(Body, gc=False):
    """A whole value: `{schema, payload}` where the converter writes schemas, else the body itself."""

    schema: Raw = NOTHING
    payload: Body | None = None

    @property
    def body(self) -> Body:
        """The payload, wherever it stands."""
        return self.payload if self.payload is not None and self.has_schema else self

    @property
    def has_schema(self) -> bool:
        """Is there a schema part?"""
        return bool(self.schema) and bytes(self.schema) != b"null"


# ---------------------------------------------------------------- schema changes


class ColumnState(msgspec.Struct, frozen=True):
    """A column after the change."""

    name: str
    type_name: str | None = field(default=None, name="typeName")
    type_expression: str | None = field(default=None, name="typeExpression")
    length: int | None = None
    scale: int | None = None
    position: int | None = None
    optional: bool | None = None
    auto_incremented: bool | None = field(default=None, name="autoIncremented")
    generated: bool | None = None
    comment: str | None = None
    default_value: str | None = field(default=None, name="defaultValueExpression")


class TableState(msgspec.Struct, frozen=True):
    """A table after the change, complete."""

    columns: list[ColumnState]
    primary_key: list[str] | None = field(default=None, name="primaryKeyColumnNames")
    comment: str | None = None


class TableChange(msgspec.Struct, frozen=True):
    """One table of a change; `table` is null for a DROP."""

    type: str
    id: str
    table: TableState | None = None
    previous_id: str | None = field(default=None, name="previousId")


class SchemaChange(msgspec.Struct, frozen=True):
    """The value of a record of the schema change topic."""

    source: Source
    ts_ms: int | None = None
    database_name: str | None = field(default=None, name="databaseName")
    schema_name: str | None = field(default=None, name="schemaName")
    ddl: str | None = None
    table_changes: list[TableChange] | None = field(default=None, name="tableChanges")


class WrappedSchemaChange(msgspec.Struct, frozen=True):
    """The same with its Connect schema beside it."""

    payload: SchemaChange


# ---------------------------------------------------------------- Connect schemas


class ConnectField(msgspec.Struct, frozen=True):
    """A field of a Connect schema as the JSON converter writes it; a struct has `fields` of its own."""

    type: str
    field: str | None = None
    name: str | None = None
    """The semantic type, or the name of the struct."""
    optional: bool | None = None
    doc: str | None = None
    default: Raw = NOTHING
    parameters: dict[str, str] | None = None
    fields: "list[ConnectField] | None" = None


class SchemaName(msgspec.Struct, frozen=True):
    """Only what a Connect schema is called."""

    name: str | None = None


class KeyFrame(msgspec.Struct, gc=False):
    """The key of a record, with the schema part where the converter writes one."""

    schema: Raw = NOTHING
    payload: Raw = NOTHING
