"""What kind of record it is, and what is wrong with a bad one."""

import pytest
from debezium_records import postgres_row, quoted, record, row_schema, table_state
from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.relational import Place
from cohort_sync.mapping.spi import Ignored, Malformed, MapperSettings
from mappers.debezium.events import RowSeen, SchemaChanged
from mappers.debezium.mapper import DebeziumMapper
from mappers.debezium.names import BadIdentifier, Ref, identifiers, place_of

SOURCE = {"connector": "mysql", "name": "retail", "ts_ms": 5, "snapshot": "false", "db": "shop", "file": "b.1", "pos": 4, "server_id": 1}
PG = {"connector": "postgresql", "name": "wh", "ts_ms": 5, "db": "warehouse", "schema": "public", "table": "t", "lsn": 1}
KEY = {"databaseName": "shop"}
ENVELOPE = row_schema("wh.public.t", [{"type": "int32", "field": "id"}])


def decoded(topic: str, key: object, value: object, **options: str) -> object:
    return DebeziumMapper(MapperSettings(source="retail", options=options)).decode(record(topic, key, value))


def change(*changes: object, **more: object) -> dict[str, object]:
    return {"source": SOURCE, "databaseName": "shop", "ddl": "x", "tableChanges": list(changes), **more}


def altered(**more: object) -> dict[str, object]:
    return {"type": "ALTER", "id": '"shop"."t"', "table": table_state(["id"]), **more}


@pytest.mark.parametrize(
    ("topic", "key", "value", "reason"),
    [
        ("__debezium-heartbeat.retail", {"serverName": "retail"}, {"ts_ms": 1}, "heartbeat"),
        ("retail.transaction", {"id": "x"}, {"status": "BEGIN", "id": "x", "ts_ms": 1}, "transaction"),
        ("retail.transaction", None, {"schema": {"type": "struct"}, "payload": {"status": "END", "id": "x"}}, "transaction"),
        ("wh.public.t", {"id": 1}, None, "tombstone"),
        ("wh.public.t", {"id": 1}, b"", "tombstone"),
        ("wh.public.t", None, {"schema": None, "payload": None}, "no schema part"),
        ("wh.public.t", None, {"schema": ENVELOPE, "payload": None}, "tombstone"),
        ("wh.public.t", None, {"id": 1, "name": "flattened"}, "no schema part"),
        ("wh.public.t", None, {"id": 1, "source": "web", "op": 3}, "flattened"),
        ("wh.public.t", None, {"schema": {"type": "struct", "name": "wh.public.t.Value"}, "payload": {"id": 1}}, "flattened"),
        ("wh.public.t", None, {"schema": {"type": "struct", "name": "wh.public.t.Value"}, "payload": {"source": "web"}}, "flattened"),
        ("wh.public.t", None, {"source": PG, "op": "c", "after": {}}, "schemas.enable=true"),
        ("wh.public.t", None, {"schema": ENVELOPE, "payload": {"source": PG, "op": "t"}}, "truncate"),
        ("wh.message", None, {"schema": ENVELOPE, "payload": {"source": {**PG, "table": ""}, "op": "m"}}, "message"),
        ("wh.public.t", None, {"schema": ENVELOPE, "payload": {"source": {**PG, "table": None}, "op": "c"}}, "names no table"),
        ("retail.shop.t", None, {"schema": ENVELOPE, "payload": {"source": {**SOURCE, "table": "t"}, "op": "c"}}, "schema change topic retail"),
        ("notes", None, {"id": "1", "aggregate_type": "Initial Snapshot", "type": "COMPLETED", "additional_data": {}}, "notification"),
    ],
)
def test_known_kinds_that_mean_nothing(topic: str, key: object, value: object, reason: str) -> None:
    meaning = decoded(topic, key, value)
    assert isinstance(meaning, Ignored)
    assert reason in meaning.reason


@pytest.mark.parametrize(
    ("key", "value", "where", "reason"),
    [
        (KEY, b'{"source":{"ver', "$", "no JSON"),
        (KEY, b"\x00\x00\x00\x00\x07abc", "$", "Avro"),
        (KEY, b"[]", "$", "Expected `object`"),
        (KEY, b'"text"', "$", "Expected `object`"),
        (KEY, b"[" * 10_000, "$", ""),
        (KEY, {}, "$", "no source block"),
        (None, {"ddl": "x"}, "$", "missing required field `source`"),
        (None, {"databaseName": "x", "source": None}, "$.source", "got `null`"),
        (None, change(altered(table={**table_state([]), "columns": "oops"})), "$.tableChanges[0].table.columns", "Expected `array`, got `str`"),
        (None, change(altered(), altered(id="shop.t")), "$.tableChanges[1].id", "got 'shop.t', expected double-quoted parts"),
        (None, change(altered(id="")), "$.tableChanges[0].id", "expected double-quoted parts"),
        (None, change(altered(table=None)), "$.tableChanges[0].table", "got null"),
        (None, change(altered(type="MELT")), "$.tableChanges[0].type", "got 'MELT', expected CREATE, ALTER or DROP"),
        (None, change(altered(table=table_state(["a", "a"]))), "$.tableChanges[0].table.columns", "two columns of the name 'a'"),
        (None, change(altered(table=table_state(["a", ""]))), "$.tableChanges[0].table.columns", "without a name"),
        (None, change(tableChanges=7), "$.tableChanges", "got `int`"),
        (None, change(source={**SOURCE, "name": ""}), "$.source", "empty connector or name"),
        (None, change(source={**SOURCE, "pos": "far"}), "$.source.pos", "got `str`"),
        (None, {"schema": {}, "payload": change(altered(id="t"))}, "$.payload.tableChanges[0].id", "got 't'"),
        (None, {"schema": ENVELOPE, "payload": {"op": "c"}}, "$.payload", "no source block"),
        (None, {"schema": ENVELOPE, "payload": {"op": "c", "source": 4}}, "$.payload.source", "got `int`"),
        (None, {"schema": ENVELOPE, "payload": {"op": "c", "source": {**PG, "db": ""}}}, "$.payload.source", "no database"),
    ],
)
def test_bad_records_say_where_and_what(key: object, value: object, where: str, reason: str) -> None:
    meaning = decoded("retail", key, value)
    assert isinstance(meaning, Malformed)
    assert meaning.where == where
    assert reason in meaning.reason


def test_bare_and_wrapped_schema_changes_are_the_same() -> None:
    bare = decoded("retail", KEY, change(altered()))
    wrapped = decoded("retail", {"schema": {}, "payload": KEY}, {"schema": {"type": "struct", "fields": []}, "payload": change(altered())})
    assert isinstance(bare, SchemaChanged)
    assert wrapped == bare


def test_missing_and_unknown_fields_are_tolerated() -> None:
    event = decoded("retail", None, {"source": SOURCE, "tableChanges": [{"type": "CREATE", "id": '"a"."b"', "table": {"columns": [{"name": "x"}]}, "new": 1}]})
    assert isinstance(event, SchemaChanged)
    assert [one.ref.name for one in event.tables] == ["b"]


def test_rows_can_be_read_or_left_alone() -> None:
    row = {"schema": ENVELOPE, "payload": {"source": {**SOURCE, "table": "t"}, "op": "c"}}
    assert isinstance(decoded("retail.shop.t", None, row, rows="always"), RowSeen)
    never = DebeziumMapper(MapperSettings(source="x", options={"rows": "never"})).decode(postgres_row("t", [], lsn=1))
    assert isinstance(never, Ignored)


def test_the_shape_of_a_row_is_told_by_value_and_key_schema() -> None:
    def digest(one: SourceRecord) -> bytes:
        event = DebeziumMapper(MapperSettings(source="x")).decode(one)
        assert isinstance(event, RowSeen)
        return event.digest

    fields = [{"type": "int32", "field": "id"}]
    same = digest(postgres_row("t", fields, lsn=1))
    assert digest(postgres_row("t", fields, lsn=2, op="d")) == same
    assert digest(postgres_row("t", fields, lsn=2, key=["id", "x"])) != same
    assert digest(postgres_row("t", fields, lsn=2, key=[])) != same
    assert digest(postgres_row("t", [{"type": "int64", "field": "id"}], lsn=2)) != same


# ---------------------------------------------------------------- identifiers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"shop"."orders"', [("shop", "orders")]),
        ('"db"."schema"."table"', [("db", "schema", "table")]),
        ('"a.b"."c""d"', [("a.b", 'c"d')]),
        ('"shop"."a","shop"."b"', [("shop", "a"), ("shop", "b")]),
        ('"shop".wéird "q"', [("shop", 'wéird "q"')]),
        ('"shop"."q" first', [("shop", '"q" first')]),
        ('"shop"."q', [("shop", '"q')]),
    ],
)
def test_identifiers(text: str, expected: list[tuple[str, ...]]) -> None:
    assert identifiers(text, "shop") == expected


@pytest.mark.parametrize(
    ("text", "tables", "expected"),
    [
        ('"shop"."both ends"', '"both ends"', '"both ends"'),
        ('"shop"."both ends"', "both ends", "both ends"),
        ('"shop".""', 'a,""', '""'),
        ('"shop"."', '"', '"'),
        ('"shop".it\'s "new"', 'a,it\'s "new"', 'it\'s "new"'),
        ('"shop"."c""d"', 'c"d', 'c"d'),
        ('"shop"."orders"', None, "orders"),
    ],
)
def test_the_names_of_the_statements_tables_tell_whose_quotes_these_are(text: str, tables: str | None, expected: str) -> None:
    assert identifiers(text, "shop", tables) == [("shop", expected)]


@pytest.mark.parametrize("text", ["", "orders", '"shop"', '"shop".', '"shop".a', '"a"."b"."c"."d"', '"shop".""', '"other".x"'])
def test_what_is_no_identifier(text: str) -> None:
    with pytest.raises(BadIdentifier, match="expected double-quoted parts"):
        identifiers(text, "shop")


names = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(lambda name: name[0] != '"' and name[-1] != '"')


@given(names, names)
def test_every_identifier_that_debezium_writes_is_read(database: str, table: str) -> None:
    assert identifiers(f"{quoted(database)}.{quoted(table)}", database) == [(database, table)]


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_two_tables_share_a_name(a: str, b: str, c: str, d: str, e: str, f: str) -> None:
    one, two = (Ref(place_of("postgresql", "s", *each[:2], ""), each[2]) for each in ((a, b, c), (d, e, f)))
    assert (one.qualified_name == two.qualified_name) == ((a, b, c) == (d, e, f))


@given(st.lists(st.sampled_from([":", "::", "%3A", "%25", "%", ".", "%2E", "a"]), min_size=6, max_size=6), st.randoms())
def test_names_made_of_separators_stay_apart(parts: list[str], random: object) -> None:
    made = {
        Ref(Place(label="L", server="s", database=a, schema=b), c).qualified_name: (a, b, c)
        for a in parts
        for b in parts
        for c in ("".join(parts[:2]), "".join(parts[2:]))
    }
    assert len(made) == len(set(made.values())) == len({(a, b, c) for a in parts for b in parts for c in ("".join(parts[:2]), "".join(parts[2:]))})
