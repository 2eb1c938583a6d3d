"""MySQL and MariaDB: what the database makes of the words of a statement. Debezium passes them as they were written; a snapshot speaks as the database does.

Without this a column would change with the next snapshot, from what a person wrote (INTEGER, BOOL DEFAULT TRUE) to what the database made of it (INT, 1).
Told by `information_schema` of MariaDB 10.11 beside the records of Debezium 3.5.
"""

import re

import msgspec

_ALIASES = {
    "INT1": "TINYINT", "BOOL": "TINYINT", "BOOLEAN": "TINYINT", "INT2": "SMALLINT", "INT3": "MEDIUMINT", "MIDDLEINT": "MEDIUMINT", "INT4": "INT",
    "INTEGER": "INT", "INT8": "BIGINT", "DEC": "DECIMAL", "NUMERIC": "DECIMAL", "FIXED": "DECIMAL", "FLOAT4": "FLOAT", "FLOAT8": "DOUBLE", "REAL": "DOUBLE",
    "DOUBLE PRECISION": "DOUBLE", "CHARACTER": "CHAR", "NCHAR": "CHAR", "NATIONAL CHAR": "CHAR", "NATIONAL CHARACTER": "CHAR", "CHAR VARYING": "VARCHAR",
    "CHARACTER VARYING": "VARCHAR", "NVARCHAR": "VARCHAR", "NATIONAL VARCHAR": "VARCHAR", "NCHAR VARCHAR": "VARCHAR", "NCHAR VARYING": "VARCHAR",
    "NATIONAL CHAR VARYING": "VARCHAR", "NATIONAL CHARACTER VARYING": "VARCHAR", "LONG": "MEDIUMTEXT", "LONG VARCHAR": "MEDIUMTEXT",
    "LONG CHAR VARYING": "MEDIUMTEXT", "LONG VARBINARY": "MEDIUMBLOB",
}  # fmt: skip
_TYPE = re.compile(r"(?P<base>.*?)(?P<unsigned> UNSIGNED)?( SIGNED)?(?P<zerofill> ZEROFILL)?( BINARY)?", re.DOTALL)
_ONE_LONG = frozenset({"CHAR", "BINARY", "BIT"})
_WHOLE = frozenset({"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"})
_SINGLE_PRECISION_BITS = 24
_ESCAPE = re.compile(r"''|\\(.)", re.DOTALL)
_ESCAPED = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_EPOCH = "1970-01-01 00:00:00"


class ColumnType(msgspec.Struct, frozen=True):
    """A type as the database calls it, with its sizes."""

    name: str
    length: int | None
    scale: int | None

    @property
    def base(self) -> str:
        """The name without UNSIGNED and ZEROFILL."""
        return self.name.split(" ")[0]


def type_of(name: str, length: int | None, scale: int | None, *, mariadb: bool) -> ColumnType:
    """The type that the database makes of what was written: no aliases, no SIGNED, a length where it is one that need not be written."""
    found = _TYPE.fullmatch(name.upper())
    if found is None:
        return ColumnType(name, length, scale)
    base = _ALIASES.get(found["base"], found["base"])
    if base == "JSON" and mariadb:
        base = "LONGTEXT"
    if base == "FLOAT" and length is not None and scale is None:
        # FLOAT(30) counts bits.
        base, length = ("FLOAT" if length <= _SINGLE_PRECISION_BITS else "DOUBLE"), None
    if base in _ONE_LONG and length is None:
        length = 1
    return ColumnType(base + (found["unsigned"] or "") + (found["zerofill"] or ""), length, scale)


def text_of(body: str) -> str:
    """The text that a literal stands for; `body` is what is between its quotes: Debezium takes comments and defaults as they were written."""
    return _ESCAPE.sub(lambda found: "'" if found[1] is None else _ESCAPED.get(found[1], found[1]), body)


def default_of(body: str | None, column_type: ColumnType) -> str | None:
    """The default, None when there is none that can be told: Debezium writes the epoch for CURRENT_TIMESTAMP."""
    if body is None or (body == _EPOCH and column_type.base in ("TIMESTAMP", "DATETIME")):
        return None
    if column_type.base in _WHOLE and body.upper() in ("TRUE", "FALSE"):
        return "1" if body.upper() == "TRUE" else "0"
    return text_of(body)
