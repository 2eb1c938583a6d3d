"""Columns: what becomes of types, sizes, defaults, keys and comments (spec mappers 1.8 and 2.5)."""

import msgspec
import pytest
from debezium_records import column, postgres_row, record, table_state
from test_debezium_changes import tried

from cohort_sync.cohort.dry_run import DryRunResult
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.relational import Column, Table
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.omrs.primitive_values import plain_value
from mappers.debezium.shapes import BadShape, key_shape, table_of_change, table_of_schema
from mappers.debezium.structs import TableState

NATIVE = "__debezium.source.column."


def of_change(*columns: dict[str, object]) -> tuple[Column, ...]:
    return table_of_change("t", msgspec.convert(table_state(columns), TableState)).columns


def of_rows(*fields: dict[str, object], key: bytes = b"") -> Table:
    schema = {"type": "struct", "fields": [{"type": "struct", "field": "after", "fields": list(fields)}]}
    return table_of_schema("t", msgspec.Raw(msgspec.json.encode(schema)), key)


@pytest.mark.parametrize(
    ("type_name", "length", "scale", "expected"),
    [
        ("VARCHAR", 80, None, (80, None, {})),
        ("CHAR", 3, None, (3, None, {})),
        ("VARBINARY", 16, None, (16, None, {})),
        ("CHARACTER VARYING", 9, None, (9, None, {})),
        ("BIT", 5, None, (5, None, {})),
        ("LONGTEXT", None, None, (None, None, {})),
        ("TEXT", 2147483647, None, (None, None, {})),
        ("DECIMAL", 12, 2, (None, 12, {"scale": "2"})),
        ("DECIMAL UNSIGNED", 10, 2, (None, 10, {"scale": "2"})),
        ("decimal unsigned zerofill", 10, 0, (None, 10, {"scale": "0"})),
        ("NUMBER", 38, None, (None, 38, {})),
        ("DOUBLE", None, None, (None, None, {})),
        ("INT", 11, None, (None, None, {})),
        ("BIGINT UNSIGNED", 20, None, (None, None, {})),
        ("TINYINT", 1, None, (None, None, {})),
        ("INT4", 10, 0, (None, None, {})),
        ("DATETIME", 6, None, (None, None, {"fractionalSeconds": "6"})),
        ("TIMESTAMPTZ", 35, 6, (None, None, {"fractionalSeconds": "6"})),
        ("TIMESTAMP", 35, None, (None, None, {})),
        ("DATE", None, None, (None, None, {})),
        ("ENUM", 1, None, (None, None, {})),
        ("JSON", None, None, (None, None, {})),
    ],
)
def test_sizes(type_name: str, length: int | None, scale: int | None, expected: tuple[int | None, int | None, dict[str, str]]) -> None:
    (one,) = of_change(column("c", 1, typeName=type_name, length=length, scale=scale))
    assert (one.length, one.precision, one.type_details) == expected
    assert one.data_type == type_name


def test_flags_defaults_comments_and_order() -> None:
    first, second = of_change(
        column("b", 2, defaultValueExpression="'x'", comment="why", optional=False, generated=True),
        column("a", 1, autoIncremented=True, generated=True, typeName=None, typeExpression="SERIAL"),
    )
    assert (first.name, first.flags, first.data_type, first.nullable) == ("a", {"autoIncremented": "true"}, "SERIAL", True)
    assert (second.name, second.default, second.comment, second.nullable, second.flags) == ("b", "'x'", "why", False, {"generated": "true"})


def test_columns_without_sound_positions_stand_as_listed() -> None:
    assert [one.name for one in of_change(column("b", 1), column("a", 1))] == ["b", "a"]
    assert [one.name for one in of_change({**column("b", 9), "position": None}, column("a", 1))] == ["b", "a"]


def test_a_field_of_a_row() -> None:
    table = of_rows(
        {"type": "int32", "field": "id", "default": 0},
        {"type": "string", "field": "f_name", "optional": True, "doc": "what", "default": "x",
         "parameters": {NATIVE + "type": "VARCHAR", NATIVE + "name": "the name", NATIVE + "length": "80"}},
        {"type": "bytes", "field": "fee", "name": "org.apache.kafka.connect.data.Decimal", "default": "AJY=",
         "parameters": {"scale": "2", "connect.decimal.precision": "10"}},
        {"type": "int64", "field": "at", "name": "io.debezium.time.Timestamp", "default": 0},
        {"type": "array", "field": "tags", "default": []},
        {"type": "boolean", "field": "flag", "default": True},
        {"type": "string", "field": "odd", "parameters": {NATIVE + "type": "NUMERIC", NATIVE + "length": "many", NATIVE + "scale": "-1"}},
    )  # fmt: skip
    told = [(one.name, one.data_type, one.nullable, one.length, one.precision, one.default, one.comment, one.type_details) for one in table.columns]
    assert told == [
        ("id", "int32", False, None, None, None, "", {}),
        ("the name", "VARCHAR", True, 80, None, "x", "what", {}),
        ("fee", "bytes", False, None, 10, None, "", {"scale": "2", "logicalType": "org.apache.kafka.connect.data.Decimal"}),
        ("at", "int64", False, None, None, None, "", {"logicalType": "io.debezium.time.Timestamp"}),
        ("tags", "array", False, None, None, None, "", {}),
        ("flag", "boolean", False, None, None, "true", "", {}),
        ("odd", "NUMERIC", False, None, None, None, "", {}),
    ]


def test_what_postgresql_says_of_its_types_is_not_taken_for_more() -> None:
    """As sent by Debezium 3.5: sizes that are none, a type that is a habit, texts that are no comments, zeros that stand for nextval."""

    def native(name: str, length: int, scale: int | None = 0) -> dict[str, object]:
        sizes = {NATIVE + "length": str(length)} | ({} if scale is None else {NATIVE + "scale": str(scale)})
        return {NATIVE + "type": name, **sizes}

    table = of_rows(
        {"type": "int32", "field": "id", "default": 0, "parameters": native("SERIAL", 10)},
        {"type": "int64", "field": "big", "optional": True, "default": 0, "parameters": native("BIGSERIAL", 19)},
        {"type": "float", "field": "real", "parameters": native("FLOAT4", 8, 8)},
        {"type": "double", "field": "double", "parameters": native("FLOAT8", 17, 17)},
        {"type": "struct", "field": "any", "name": "io.debezium.data.VariableScaleDecimal", "doc": "Variable scaled decimal",
         "parameters": native("NUMERIC", 0, None)},
        {"type": "bytes", "field": "money", "name": "org.apache.kafka.connect.data.Decimal", "parameters": native("MONEY", 2**31 - 1)},
        {"type": "bytes", "field": "fee", "name": "org.apache.kafka.connect.data.Decimal", "parameters": native("NUMERIC", 8)},
    )  # fmt: skip
    assert [(one.name, one.data_type, one.precision, one.default, one.comment, one.type_details) for one in table.columns] == [
        ("id", "INT4", None, None, "", {}),
        ("big", "INT8", None, "0", "", {}),
        ("real", "FLOAT4", None, None, "", {}),
        ("double", "FLOAT8", None, None, "", {}),
        ("any", "NUMERIC", None, None, "", {}),
        ("money", "MONEY", None, None, "", {}),
        ("fee", "NUMERIC", 8, None, "", {"scale": "0"}),
    ]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, set()),
        (b"", set()),
        (b'{"schema":{"type":"struct","fields":[{"type":"int32","field":"a"},{"type":"int32","field":"b"}]},"payload":{}}', {"a", "b"}),
        (b'{"schema":{"type":"struct","fields":[{"type":"int32","field":"x_","parameters":{"__debezium.source.column.name":"b"}}]}}', {"b"}),
        (b'{"a":1}', {"a"}),
        (b'{"schema":7}', set()),
        (b"7", set()),
        (b"\0\1", set()),
    ],
)
def test_the_key_columns_are_those_of_the_record_key(key: bytes | None, expected: set[str]) -> None:
    assert of_rows({"type": "int32", "field": "a"}, key=key_shape(key)).primary_key == expected


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        (b"7", ""),
        (b'{"type":"struct"}', ".fields"),
        (b'{"type":"struct","fields":[{"type":"string","field":"after"}]}', ".fields"),
        (b'{"type":"struct","fields":[{"type":"struct","field":"after","fields":[{"type":"int32"}]}]}', ".columns"),
        (b'{"type":"struct","fields":[' * 5000, ""),
    ],
)
def test_a_schema_that_describes_no_table(schema: bytes, where: str) -> None:
    with pytest.raises(BadShape) as problem:
        table_of_schema("t", msgspec.Raw(schema), b"")
    assert problem.value.where == where


# ---------------------------------------------------------------- as instances


def instance(result: DryRunResult, name: str) -> EntityDetail:
    found = next(one for one in result.instances if one.guid == result.guids[name])
    assert isinstance(found, EntityDetail)
    return found


def values(one: EntityDetail, classification: str = "") -> dict[str, object]:
    properties = one.properties if not classification else next(c for c in one.classifications or () if c.name == classification).properties
    return {name: plain_value(value) for name, value in (properties.instance_properties if properties else {} or {}).items()}


def changed(*columns: dict[str, object], key: tuple[str, ...] = (), comment: str | None = None) -> SourceRecord:
    source = {"connector": "mysql", "name": "retail", "ts_ms": 1_767_000_000_000, "snapshot": "false", "file": "b.000001", "pos": 4, "server_id": 7}
    state = table_state(columns, key, comment)
    value = {"source": source, "databaseName": "shop", "ddl": "x", "tableChanges": [{"type": "CREATE", "id": '"shop"."t"', "table": state}]}
    return record("retail", {"databaseName": "shop"}, value)


def test_a_table_with_its_columns_as_open_metadata() -> None:
    result = tried(
        [
            changed(
                column("id", 1, typeName="BIGINT", optional=False, autoIncremented=True),
                column("price", 2, typeName="DECIMAL", length=10, scale=2, comment="net", defaultValueExpression="0.00"),
                key=("id",),
                comment="all of them",
            )
        ]
    )
    shop = "MySQL Relational Database::retail::shop"
    anchors = {"anchorGUID": result.guids[shop], "anchorTypeName": "RelationalDatabase", "anchorDomainName": "Asset"}
    table = instance(result, f"{shop}::t")
    assert values(table) == {"qualifiedName": f"{shop}::t", "displayName": "t", "description": "all of them"}
    assert values(table, "Anchors") == anchors
    assert values(table, "TypeEmbeddedAttribute") == {"schemaTypeName": "RelationalTableType"}
    key = instance(result, f"{shop}::t::id")
    assert values(key) == {
        "qualifiedName": f"{shop}::t::id", "displayName": "id", "isNullable": False, "additionalProperties": {"autoIncremented": "true"},
    }  # fmt: skip
    assert values(key, "PrimaryKey") == {"keyPattern": "LOCAL_KEY"}
    price = instance(result, f"{shop}::t::price")
    assert values(price) == {"qualifiedName": f"{shop}::t::price", "displayName": "price", "description": "net", "isNullable": True, "precision": 10}
    assert values(price, "TypeEmbeddedAttribute") == {
        "schemaTypeName": "PrimitiveSchemaType", "dataType": "DECIMAL", "defaultValue": "0.00", "additionalProperties": {"scale": "2"},
    }  # fmt: skip
    assert [c.name for c in price.classifications or ()] == ["Anchors", "TypeEmbeddedAttribute"]
    assert values(instance(result, shop)) == {
        "qualifiedName": shop, "displayName": "shop", "resourceName": "shop", "deployedImplementationType": "MySQL Relational Database",
    }  # fmt: skip
    assert {one.create_time for one in result.instances} == {1_767_000_000_000}
    assert {one.created_by for one in result.instances} == {"trial"}


def test_the_order_of_columns_is_in_the_links() -> None:
    result = tried([changed(column("b", 2), column("a", 1))])
    table = result.guids["MySQL Relational Database::retail::shop::t"]
    links = [one for one in result.instances if isinstance(one, Relationship) and one.entity_one_proxy and one.entity_one_proxy.guid == table]
    positions = {(one.entity_two_proxy and one.entity_two_proxy.guid): one.properties for one in links}
    told = {
        guid: plain_value(properties.instance_properties["position"]) for guid, properties in positions.items() if properties and properties.instance_properties
    }
    assert told == {result.guids["MySQL Relational Database::retail::shop::t::a"]: 1, result.guids["MySQL Relational Database::retail::shop::t::b"]: 2}


def test_a_key_that_changes_reclassifies_its_columns() -> None:
    fields = [{"type": "int32", "field": "id"}, {"type": "int32", "field": "line"}]
    schema = "PostgreSQL Relational Database Schema::wh::warehouse.public::t"
    records = [postgres_row("t", fields, lsn=1, offset=1), postgres_row("t", fields, lsn=2, offset=2, key=["id", "line"])]
    for count, expected in ((1, {f"{schema}::id"}), (2, {f"{schema}::id", f"{schema}::line"})):
        result = tried(records[:count])
        keyed = {name for name in (f"{schema}::id", f"{schema}::line") if any(c.name == "PrimaryKey" for c in instance(result, name).classifications or ())}
        assert keyed == expected
