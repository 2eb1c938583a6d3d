"""The shape of a table, from a schema change or from the schema part of a data record (spec mappers 2.2, 2.4 and 1.8)."""

import re
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from cohort_sync.mapping.relational import MAX_INT, Column, Table, repeated_name
from mappers.debezium.mysql_words import default_of, text_of, type_of
from mappers.debezium.structs import NOTHING, ColumnState, ConnectField, KeyFrame, TableState

_SIZED = re.compile(r"CHAR|TEXT|CLOB|STRING|BINARY|BLOB|BYTEA|RAW|^(VAR)?BIT$|^BIT VARYING$")
_NUMBER = re.compile(r"^(DEC|DECIMAL|NUMERIC|NUMBER|FIXED|FLOAT|DOUBLE|DOUBLE PRECISION|REAL|MONEY|SMALLMONEY|DECFLOAT|BINARY_FLOAT|BINARY_DOUBLE)$")
_TEMPORAL = re.compile(r"^(DATETIME|TIME|TIMESTAMP)")
_MAX_FRACTION = 12
_DECIMAL = "org.apache.kafka.connect.data.Decimal"
_NATIVE = "__debezium.source.column."
_MYSQL = frozenset({"mysql", "mariadb"})


class BadShape(ValueError):
    """The record does not describe a table. `where` is the path, relative to the description."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(problem)
        self.where = where


# ---------------------------------------------------------------- from a schema change


def table_of_change(name: str, state: TableState, connector: str = "") -> Table:
    """The table after a change. Columns stand by their position where every one has its own, else as listed. Raises BadShape."""
    columns = state.columns
    positions = [column.position for column in columns]
    if None not in positions and len(set(positions)) == len(positions):
        columns = sorted(columns, key=lambda column: column.position or 0)
    if connector in _MYSQL:
        listed = [_mysql_column(column, connector) for column in columns]
        return _table(name, listed, state.primary_key or (), text_of(state.comment or ""))
    return _table(name, [_changed_column(column) for column in columns], state.primary_key or (), state.comment)


def _mysql_column(state: ColumnState, connector: str) -> Column:
    """A column as the database speaks of it, not as the statement did."""
    written = state.type_name or state.type_expression or ""
    made = type_of(written, state.length, state.scale, mariadb=connector == "mariadb")
    default = default_of(state.default_value, made)
    return _changed_column(
        replace(state, type_name=made.name, length=made.length, scale=made.scale, default_value=default, comment=text_of(state.comment or ""))
    )


def _changed_column(state: ColumnState) -> Column:
    data_type = state.type_name or state.type_expression or ""
    flags = {}
    if state.auto_incremented:
        # Debezium calls such a column generated, too, and says nothing of MySQL's generated columns.
        flags["autoIncremented"] = "true"
    elif state.generated:
        flags["generated"] = "true"
    length, precision, details = _sizes(data_type, state.length, state.scale)
    return Column(
        name=state.name,
        data_type=data_type,
        nullable=state.optional,
        length=length,
        precision=precision,
        default=state.default_value,
        comment=state.comment or "",
        type_details=details,
        flags=flags,
    )


# ---------------------------------------------------------------- from a data record

_decode_field = msgspec.json.Decoder(ConnectField).decode
_decode_key = msgspec.json.Decoder(KeyFrame).decode
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def table_of_schema(name: str, schema: msgspec.Raw, key: bytes) -> Table:
    """The table whose rows have this envelope schema; `key` is what `key_shape` answered. Raises BadShape."""
    try:
        envelope = _decode_field(schema)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise BadShape("", str(problem)) from None
    for wanted in ("after", "before"):
        row = next((one for one in envelope.fields or () if one.field == wanted), None)
        if row is not None and row.fields is not None:
            return _table(name, [_row_column(one) for one in row.fields], _key_columns(key), None)
    raise BadShape(".fields", "got no struct 'after' or 'before', expected the envelope of a change event")


def key_shape(key: bytes | None) -> bytes:
    """What tells the key's shape: the schema part of a record's key, or the names in a key without one as a JSON list; empty when there is no such key."""
    if not key:
        return b""
    try:
        frame = _decode_key(key)
        if frame.schema != NOTHING:
            return bytes(frame.schema)
        return msgspec.json.encode(list(_decode_names(key)))
    except (msgspec.DecodeError, RecursionError):
        return b""


def _key_columns(shape: bytes) -> list[str]:
    try:
        if shape.startswith(b"["):
            return msgspec.json.decode(shape, type=list[str])
        return [_name_of(one) for one in _decode_field(shape).fields or ()] if shape else []
    except (msgspec.DecodeError, RecursionError):
        return []


def _name_of(field: ConnectField) -> str:
    """The column's own name: the field's may have been adjusted to what Avro allows."""
    return (field.parameters or {}).get(_NATIVE + "name") or field.field or ""


_SERIALS = {("SMALLSERIAL", "int16"): "INT2", ("SERIAL", "int32"): "INT4", ("BIGSERIAL", "int64"): "INT8"}
"""What a snapshot of PostgreSQL calls a column that a sequence fills, and the stream (and the database) calls an integer."""


def _row_column(field: ConnectField) -> Column:
    parameters = field.parameters or {}
    native = parameters.get(_NATIVE + "type")
    native = _SERIALS.get((native or "", field.type), native)
    if native is not None:
        length, precision, details = _sizes(native, _number(parameters, _NATIVE + "length"), _number(parameters, _NATIVE + "scale"))
    elif field.name == _DECIMAL:
        length, precision, details = _sizes("DECIMAL", _number(parameters, "connect.decimal.precision"), _number(parameters, "scale"))
        details["logicalType"] = field.name
    else:
        length, precision, details = None, None, {"logicalType": field.name} if field.name else {}
    return Column(
        name=_name_of(field),
        data_type=native or field.type,
        nullable=field.optional or False,
        length=length,
        precision=precision,
        default=_default(field),
        # A struct has a text of its own (`Variable scaled decimal`), which is not the column's comment.
        comment=field.doc or "" if field.type != "struct" else "",
        type_details=details,
    )


def _number(parameters: dict[str, str], name: str) -> int | None:
    text = parameters.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


_STAND_INS = frozenset({b"0", b"0.0", b'""', b"false"})


def _default(field: ConnectField) -> str | None:
    """The default of a plain field as text. A semantic type encodes its default (days since 1970, base64): that is not what the database holds.

    Where a column that may not be null has a default that no literal says (nextval), Debezium writes a zero of its type: such a one is not told.
    """
    if field.name is not None or field.default == NOTHING:
        return None
    raw = bytes(field.default)
    if not field.optional and raw in _STAND_INS:
        return None
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str)
    return None if raw == b"null" or raw[:1] in b"[{" else raw.decode()


# ---------------------------------------------------------------- both


def _table(name: str, columns: Sequence[Column], primary_key: Sequence[str], comment: str | None) -> Table:
    if any(not column.name for column in columns):
        raise BadShape(".columns", "got a column without a name")
    twice = repeated_name(column.name for column in columns)
    if twice is not None:
        raise BadShape(".columns", f"got two columns of the name {twice!r}, expected each once")
    return Table(name=name, columns=tuple(columns), primary_key=frozenset(primary_key), comment=comment or "")


def _sizes(data_type: str, length: int | None, scale: int | None) -> tuple[int | None, int | None, dict[str, str]]:
    """Length, precision and type details. A display width (INT(11)) is neither; the digits after a temporal type are fractions of a second."""
    base = data_type.split("(")[0].strip().upper()
    if _TEMPORAL.match(base):
        digits = scale if scale is not None else length
        return None, None, {"fractionalSeconds": str(digits)} if digits is not None and 0 <= digits <= _MAX_FRACTION else {}
    if _NUMBER.match(base.removesuffix(" ZEROFILL").removesuffix(" UNSIGNED").removesuffix(" SIGNED")):
        # PostgreSQL: 0 digits are a NUMERIC without a limit, 2^31-1 a MONEY; then a scale of 0 says nothing, too.
        precision = length if length and length < MAX_INT else None
        return None, precision, {} if scale is None or (scale == 0 and precision is None) else {"scale": str(scale)}
    if _SIZED.search(base):
        return (length if length is not None and length < MAX_INT else None), None, {}
    return None, None, {}
