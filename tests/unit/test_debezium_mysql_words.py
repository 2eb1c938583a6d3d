"""The words of statements and what MySQL and MariaDB make of them."""

import pytest
from debezium_records import column, table_state
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from mappers.debezium.mysql_words import ColumnType, default_of, text_of, type_of
from mappers.debezium.shapes import table_of_change
from mappers.debezium.structs import TableState


@pytest.mark.parametrize(
    ("written", "length", "scale", "made"),
    [
        ("INTEGER", 7, None, ("INT", 7, None)),
        ("INT3 UNSIGNED", None, None, ("MEDIUMINT UNSIGNED", None, None)),
        ("int8 signed", None, None, ("BIGINT", None, None)),
        ("INT UNSIGNED ZEROFILL", 5, None, ("INT UNSIGNED ZEROFILL", 5, None)),
        ("BOOLEAN", None, None, ("TINYINT", None, None)),
        ("DOUBLE PRECISION UNSIGNED", 15, 2, ("DOUBLE UNSIGNED", 15, 2)),
        ("REAL", None, None, ("DOUBLE", None, None)),
        ("FLOAT", 24, None, ("FLOAT", None, None)),
        ("FLOAT", 25, None, ("DOUBLE", None, None)),
        ("FLOAT", 7, 3, ("FLOAT", 7, 3)),
        ("FIXED UNSIGNED", 4, 1, ("DECIMAL UNSIGNED", 4, 1)),
        ("NATIONAL CHARACTER VARYING", 9, None, ("VARCHAR", 9, None)),
        ("VARCHAR BINARY", 9, None, ("VARCHAR", 9, None)),
        ("CHAR", None, None, ("CHAR", 1, None)),
        ("BIT", None, None, ("BIT", 1, None)),
        ("BINARY", 16, None, ("BINARY", 16, None)),
        ("LONG", None, None, ("MEDIUMTEXT", None, None)),
        ("ENUM", 1, None, ("ENUM", 1, None)),
        ("", None, None, ("", None, None)),
    ],
)
def test_types(written: str, length: int | None, scale: int | None, made: tuple[str, int | None, int | None]) -> None:
    assert type_of(written, length, scale, mariadb=True) == ColumnType(*made)
    assert type_of(*made, mariadb=True) == ColumnType(*made), "what the database says of itself stays"


def test_json_is_a_type_of_mysql_only() -> None:
    assert type_of("JSON", None, None, mariadb=True).name == "LONGTEXT"
    assert type_of("JSON", None, None, mariadb=False).name == "JSON"


@pytest.mark.parametrize(
    ("body", "text"),
    [("it''s", "it's"), (r"a\\b", r"a\b"), (r"l\n2", "l\n2"), (r"\'q\'", "'q'"), (r"50\%", r"50\%"), ("", ""), ("\\", "\\"), ('"x"', '"x"')],
)
def test_texts(body: str, text: str) -> None:
    assert text_of(body) == text


@given(st.text())
def test_a_text_comes_back_from_its_literal(text: str) -> None:
    assert text_of(text.replace("\\", "\\\\").replace("'", "''")) == text


@pytest.mark.parametrize(
    ("kind", "body", "default"),
    [
        ("INT", "0", "0"),
        ("TINYINT", "TRUE", "1"),
        ("TINYINT UNSIGNED", "false", "0"),
        ("VARCHAR", "TRUE", "TRUE"),
        ("VARCHAR", "it''s", "it's"),
        ("VARCHAR", "", ""),
        ("DATETIME", "1970-01-01 00:00:00", None),
        ("DATETIME", "2026-01-01 00:00:00", "2026-01-01 00:00:00"),
        ("VARCHAR", "1970-01-01 00:00:00", "1970-01-01 00:00:00"),
        ("INT", None, None),
    ],
)
def test_defaults(kind: str, body: str | None, default: str | None) -> None:
    assert default_of(body, ColumnType(kind, None, None)) == default


def test_only_mysql_and_mariadb_are_read_so() -> None:
    state = convert(table_state([column("c", 1, typeName="NUMBER", defaultValueExpression="it''s", comment="it''s")], comment="it''s"), TableState)
    for connector, text in (("oracle", "it''s"), ("mysql", "it's")):
        table = table_of_change("t", state, connector)
        assert (table.comment, table.columns[0].comment, table.columns[0].default, table.columns[0].data_type) == (text, text, text, "NUMBER")
