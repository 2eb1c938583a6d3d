"""What a record turned out to be, checked and with names resolved: the events between `decode` and `interpret`."""

import msgspec

from cohort_sync.mapping.relational import Place, Table
from mappers.debezium.names import Ref
from mappers.debezium.positions import Mark
from mappers.debezium.structs import Source


class TablePut(msgspec.Struct, frozen=True, tag=True):
    """A table is now this. `previous` is its name before, where the record itself says so; `created`: the source calls it new."""

    ref: Ref
    table: Table
    previous: Ref | None
    created: bool


class TableDropped(msgspec.Struct, frozen=True, tag=True):
    """A table is gone."""

    ref: Ref


class TableRenamed(msgspec.Struct, frozen=True, tag=True):
    """A statement says that a table has another name."""

    old: Ref
    new: Ref


class DatabaseStated(msgspec.Struct, frozen=True, tag=True):
    """A database was created (or dropped)."""

    place: Place
    created: bool


class SchemaChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the schema change topic. Tables that the filters leave out are not in it, but may stand in `renames`."""

    manager: Place
    """Only label, server and prefix of it count: whose log this is."""
    connector: str
    mark: Mark
    time: int
    offset: int
    snapshot: bool
    last: bool
    """The last record of a snapshot."""
    tables: tuple[TablePut | TableDropped, ...]
    renames: tuple[TableRenamed, ...]
    databases: tuple[DatabaseStated, ...]
    opening: str
    filtered: bool
    """A table was left out."""


class RowSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A data record with a schema part. Nothing of it is parsed yet but what tells whether its shape is known."""

    ref: Ref
    memo_key: str
    source: Source
    time: int
    digest: bytes
    schema: msgspec.Raw
    key: bytes


Event = SchemaChanged | RowSeen
