"""Schema changes one by one: renames, drops, snapshots, filters, connectors with schemas."""

import msgspec
import pytest
from debezium_records import Server, record, table_state

from cohort_sync.cohort.dry_run import DryRunResult
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import MapperSettings
from cohort_sync.omrs.instances import EntityDetail
from cohort_sync.testing.mappers import try_mapper
from mappers.debezium.mapper import DebeziumMapper

SHOP = "MySQL Relational Database::retail::shop"


def tried(records: list[SourceRecord], **options: str) -> DryRunResult:
    return try_mapper(DebeziumMapper(MapperSettings(source="retail", options=options)), records)


def words(result: DryRunResult) -> list[str]:
    return [outcome.word for outcome in result.outcomes]


def shop(*tables: str) -> Server:
    server = Server()
    for table in tables:
        server.create("shop", table, ["id", table + "_col"])
    server.snapshot()
    return server


def tables(result: DryRunResult) -> set[str]:
    return {name.removeprefix(SHOP + "::") for name in result.guids if name.startswith(SHOP + "::") and name.count("::") == 3}


# ---------------------------------------------------------------- renames


def test_a_new_table_under_a_vacated_name_is_another_table() -> None:
    server = shop("a")
    first = tried(server.records).guids[f"{SHOP}::a"]
    server.rename("shop", ("a", "b"))
    server.create("shop", "a", ["id"])
    result = tried(server.records)
    assert result.guids[f"{SHOP}::b"] == first
    assert result.guids[f"{SHOP}::a"] != first


def test_drop_and_create_under_the_same_name_is_the_same_table_with_a_higher_version() -> None:
    server = shop("a")
    before = {one.guid: one.version for one in tried(server.records).instances}
    server.drop("shop", "a")
    server.create("shop", "a", ["id"])
    result = tried(server.records)
    guid = result.guids[f"{SHOP}::a"]
    assert next(one.version for one in result.instances if one.guid == guid) > before[guid]


def test_an_id_that_joins_old_and_new_name_is_a_rename() -> None:
    server = shop("coupons")
    guid = tried(server.records).guids[f"{SHOP}::coupons"]
    server._advance()
    change = {"type": "ALTER", "id": '"shop"."coupons","shop"."promotions"', "table": table_state(["id"])}
    server._write("shop", "", change)
    result = tried(server.records)
    assert result.guids[f"{SHOP}::promotions"] == guid
    assert tables(result) == {"promotions"}


def test_a_rename_of_a_table_that_is_not_known_is_a_creation_and_says_so() -> None:
    server = shop("a")
    server.tables["shop", "hidden"] = ["id"]
    server.rename("shop", ("hidden", "b"))
    result = tried(server.records)
    assert tables(result) == {"a", "b"}
    assert "shop.hidden was renamed to b but was not known" in result.outcomes[-1].reason


def test_an_alter_of_a_table_that_is_not_known_is_a_creation_and_says_so() -> None:
    server = shop("a")
    server._advance()
    server._write("shop", "ALTER TABLE something odd", {"type": "ALTER", "id": '"shop"."b"', "table": table_state(["id"])})
    result = tried(server.records)
    assert tables(result) == {"a", "b"}
    assert "b was altered but was not known" in result.outcomes[-1].reason


def test_a_rename_over_a_name_that_should_be_free_replaces_what_was_there() -> None:
    server = shop("a", "b")
    guid = tried(server.records).guids[f"{SHOP}::a"]
    shadow = server.unseen()
    shadow.drop("shop", "b")
    server.seen_again(shadow)
    server.rename("shop", ("a", "b"))
    result = tried(server.records)
    assert tables(result) == {"b"}
    assert result.guids[f"{SHOP}::b"] == guid
    assert f"{SHOP}::b::b_col" not in result.guids


def test_a_rename_into_another_database_takes_the_table_along() -> None:
    server = shop("a")
    guid = tried(server.records).guids[f"{SHOP}::a"]
    server._advance()
    change = {"type": "ALTER", "id": '"archive"."a"', "table": table_state(["id", "a_col"])}
    server._write("archive", "RENAME TABLE shop.a TO archive.a", change)
    result = tried(server.records)
    assert result.guids["MySQL Relational Database::retail::archive::a"] == guid
    moved = next(one for one in result.instances if one.guid == guid)
    assert isinstance(moved, EntityDetail)
    anchors = next(c for c in moved.classifications or () if c.name == "Anchors")
    assert result.guids["MySQL Relational Database::retail::archive"].encode() in msgspec.json.encode(anchors)
    assert tables(result) == set()


def test_a_column_rename_is_one_column_gone_and_one_new() -> None:
    server = shop("a")
    before = tried(server.records)
    server.alter("shop", "a", ["id", "renamed"])
    after = tried(server.records)
    assert after.guids.keys() - before.guids.keys() == {f"{SHOP}::a::renamed"}
    assert before.guids.keys() - after.guids.keys() == {f"{SHOP}::a::a_col"}
    assert after.guids[f"{SHOP}::a::id"] == before.guids[f"{SHOP}::a::id"]


# ---------------------------------------------------------------- databases


def test_a_dropped_database_takes_its_tables_along_and_their_old_records_stay_away() -> None:
    server = shop("a")
    old = list(server.records)
    server.drop_database("shop")
    result = tried([*server.records, *old])
    assert result.entities == {"DatabaseManager": 1}
    assert result.relationships == {}
    late = record("retail", {"databaseName": "shop"}, old_statement("shop", "never_seen", server), 999)
    assert tried([*server.records, late]).entities == {"DatabaseManager": 1}


def old_statement(database: str, table: str, server: Server) -> dict[str, object]:
    source = {"connector": "mysql", "name": "retail", "ts_ms": 5, "snapshot": "false", "server_id": server.server_id, "file": "mysql-bin.000001", "pos": 101}
    change = {"type": "CREATE", "id": f'"{database}"."{table}"', "table": table_state(["id"])}
    return {"source": source, "databaseName": database, "ddl": "create table x", "tableChanges": [change]}


def test_a_database_that_comes_back_has_its_new_tables() -> None:
    server = shop("a", "b")
    server.drop_database("shop")
    server.create_database("shop")
    server.create("shop", "b", ["id"])
    assert tables(tried(server.records)) == {"b"}


# ---------------------------------------------------------------- snapshots


def test_drops_in_a_snapshot_take_nothing_away() -> None:
    server = shop("a", "b")
    before = tried(server.records)
    server.snapshot()
    after = tried(server.records)
    assert after.instances == before.instances
    assert set(words(after)[len(before.outcomes) :]) == {"ignored", "noop"}


def missed_drop(**how: bool) -> Server:
    """A table is dropped while no connector runs, then there is a new snapshot."""
    server = shop("a", "b")
    server.other("shop", "CREATE VIEW v AS SELECT 1")
    shadow = server.unseen()
    shadow.drop("shop", "b")
    server.seen_again(shadow)
    server.snapshot(**how)
    return server


def test_the_first_record_after_a_snapshot_takes_away_what_was_not_in_it() -> None:
    server = missed_drop()
    assert tables(tried(server.records)) == {"a", "b"}
    server.other("shop", "TRUNCATE TABLE a")
    result = tried(server.records)
    assert tables(result) == {"a"}
    assert words(result)[-1] == "applied"


def test_the_mark_of_the_last_record_ends_a_snapshot_at_once() -> None:
    assert tables(tried(missed_drop(last=True).records)) == {"a"}


def test_a_snapshot_on_demand_of_one_table_takes_nothing_away() -> None:
    server = shop("a", "b", "c")
    server.other("shop", "CREATE VIEW v AS SELECT 1")
    server.snapshot(whole=False, tables=[("shop", "a")], last=True)
    server.other("shop", "TRUNCATE TABLE a")
    assert tables(tried(server.records)) == {"a", "b", "c"}


@pytest.mark.parametrize(("sweep", "left"), [("off", {"a", "b"}), ("databases", {"a"}), ("server", {"a"})])
def test_what_a_snapshot_may_take_away_can_be_set(sweep: str, left: set[str]) -> None:
    assert tables(tried(missed_drop(last=True).records, snapshot_sweep=sweep)) == left


@pytest.mark.parametrize(("sweep", "left"), [("databases", 2), ("server", 1)])
def test_tables_of_a_database_that_the_snapshot_does_not_mention(sweep: str, left: int) -> None:
    server = shop("a")
    server.create("stock", "s", ["id"])
    shadow = server.unseen()
    shadow.drop("stock", "s")
    server.seen_again(shadow)
    server.snapshot(last=True)
    assert tried(server.records, snapshot_sweep=sweep).entities["RelationalTable"] == left


def test_a_table_that_is_created_again_by_the_record_that_ends_a_snapshot_is_there() -> None:
    server = missed_drop()
    server.create("shop", "b", ["other"])
    result = tried(server.records)
    assert tables(result) == {"a", "b"}
    assert f"{SHOP}::b::other" in result.guids
    assert f"{SHOP}::b::id" not in result.guids


# ---------------------------------------------------------------- filters and names


def test_tables_that_are_left_out_are_ignored_and_a_rename_over_the_border_is_seen() -> None:
    server = shop("a", "tmp_a")
    server.rename("shop", ("tmp_a", "b"))
    server.rename("shop", ("a", "tmp_b"))
    result = tried(server.records, table_exclude=r"shop\.tmp_.*")
    assert tables(result) == {"b"}
    assert tables(tried(server.records, table_include=r"shop\.b, shop\.zzz")) == {"b"}
    assert tried(server.records, table_include="other\\..*").entities == {}


def test_the_server_can_be_called_otherwise_and_names_can_have_a_prefix() -> None:
    result = tried(shop("a").records, server="prod:db::1", qualified_name_prefix="mine::")
    assert "mine::MySQL Relational Database::prod%3Adb%3A%3A1::shop::a" in result.guids
    assert "mine::DatabaseManager::MySQL::prod%3Adb%3A%3A1" in result.guids


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rowz": "1"}, "no option 'rowz'; did you mean 'rows'"),
        ({"zzz": "1"}, "known are server,"),
        ({"rows": "maybe"}, "option 'rows': got 'maybe', expected one of auto, always, never"),
        ({"snapshot_sweep": "all"}, "expected one of databases, server, off"),
        ({"table_include": "shop\\.a,("}, "option 'table_include': '(' is no regular expression"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match="retail") as problem:
        DebeziumMapper(MapperSettings(source="retail", options=options))
    assert told in str(problem.value)


# ---------------------------------------------------------------- databases with schemas


def with_schema(connector: str, kind: str, table: str, ddl: str | None, offset: int, columns: list[str] | None = None, **place: object) -> SourceRecord:
    source = {"connector": connector, "name": "erp", "ts_ms": 1000 + offset, "snapshot": "false", "db": "ERP", "schema": "HR", **place}
    change = {"type": kind, "id": f'"ERP"."HR"."{table}"', "table": None if columns is None else table_state(columns, columns[:1])}
    value = {"source": source, "databaseName": "ERP", "schemaName": "HR", "ddl": ddl, "tableChanges": [change]}
    return record("erp", {"databaseName": "ERP"}, value, offset)


def test_oracle_renames_with_names_in_small_letters() -> None:
    records = [
        with_schema("oracle", "CREATE", "EMP", None, 1, ["ID", "NAME"], scn="100"),
        with_schema("oracle", "ALTER", "STAFF", "alter table hr.emp rename to staff", 2, ["ID", "NAME"], scn="200"),
    ]
    schema = "Oracle Relational Database Schema::erp::ERP.HR"
    before, after = tried(records[:1]), tried(records)
    assert after.guids[f"{schema}::STAFF"] == before.guids[f"{schema}::EMP"]
    assert after.relationships == {
        "AttributeForSchema": 1, "CapabilityAssetUse": 1, "DataSetContent": 1, "NestedSchemaAttribute": 2, "Schema": 1,
    }  # fmt: skip


def test_sql_server_replays_by_its_lsn() -> None:
    records = [
        with_schema("sqlserver", "CREATE", "t", None, 1, ["a"], commit_lsn="00000027:00000ac0:0002"),
        with_schema("sqlserver", "ALTER", "t", None, 2, ["a", "b"], commit_lsn="00000027:00000ad0:0002"),
        with_schema("sqlserver", "ALTER", "t", None, 3, ["a"], commit_lsn="00000027:00000ac0:0002", ts_ms=1001),
        with_schema("sqlserver", "DROP", "t", None, 4, None, commit_lsn="00000028:00000001:0001"),
    ]
    result = tried(records)
    assert words(result) == ["applied", "applied", "noop", "applied"]
    assert "RelationalTable" not in result.entities


def test_a_connector_without_positions_goes_by_the_kafka_offset() -> None:
    records = [with_schema("vitess", "CREATE", "t", None, 1, ["a"]), with_schema("vitess", "ALTER", "t", None, 2, ["a", "b"])]
    result = tried([*records, records[0]])
    assert words(result) == ["applied", "applied", "noop"]
    assert "Vitess Relational Database Schema::erp::ERP.HR::t::b" in result.guids
