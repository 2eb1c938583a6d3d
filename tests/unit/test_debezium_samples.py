"""The sample file of the Debezium mapper, and what real connectors sent, through the real planner."""

import json
from pathlib import Path
from typing import Any

import pytest
from debezium_records import moved

from cohort_sync.cohort.dry_run import DryRunResult
from cohort_sync.mapping.harness import read_expectations
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.samples import read_samples
from cohort_sync.mapping.spi import MapperSettings
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.omrs.primitive_values import plain_value
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.testing.mappers import golden_differences, try_mapper
from mappers.debezium.mapper import DebeziumMapper

GOLDEN = Path(__file__).parent.parent / "golden"
SAMPLES = "debezium-schema-changes.jsonl"


def records_of(path: str) -> list[SourceRecord]:
    return list(read_samples((GOLDEN / path).read_bytes()))


def tried(records: list[SourceRecord], *, release: str = "6.1", batch_size: int = 500, **options: str) -> DryRunResult:
    return try_mapper(DebeziumMapper(MapperSettings(source="retail", options=options)), records, release=release, batch_size=batch_size)


def contents(result: DryRunResult) -> list[object]:
    """Everything but versions and who changed it when."""
    return [(one.guid, one.type, content(one)) for one in result.instances]


def content(one: EntityDetail | Relationship) -> object:
    if isinstance(one, Relationship):
        return one.properties, *(end.guid if end else None for end in (one.entity_one_proxy, one.entity_two_proxy))
    return one.properties, [(c.name, c.properties) for c in one.classifications or ()]


def test_every_line_of_the_samples_has_its_outcome_and_its_result() -> None:
    expectations = read_expectations((GOLDEN / "samples/expected.json").read_bytes())
    result = tried(records_of(f"samples/{SAMPLES}"))
    assert golden_differences(result, expectations.files[SAMPLES]) == []
    assert len(result.outcomes) == 48


def test_relationship_guids_are_the_test_vectors() -> None:
    vectors = json.loads((GOLDEN / "samples/expected.json").read_bytes())["relationshipGUIDExamples"]
    links = {one.guid: one for one in tried(records_of(f"samples/{SAMPLES}")).instances if isinstance(one, Relationship)}
    for vector in vectors:
        link = links[vector["guid"]]
        assert (link.type and link.type.type_def_name) == vector["type"]
        assert [end and end.guid for end in (link.entity_one_proxy, link.entity_two_proxy)] == [vector["end1"], vector["end2"]]


@pytest.mark.parametrize("again", ["same offsets", "new offsets"])
def test_the_samples_once_more_change_nothing(again: str) -> None:
    records = records_of(f"samples/{SAMPLES}")
    once = tried(records)
    twice = tried(records + (records if again == "same offsets" else moved(records, 1000)))
    assert twice.instances == once.instances
    assert "applied" not in {outcome.word for outcome in twice.outcomes[48:]}


@pytest.mark.parametrize("batch_size", [1, 7, 48])
def test_the_cut_of_the_batches_does_not_matter(batch_size: int) -> None:
    records = records_of(f"samples/{SAMPLES}")
    assert tried(records, batch_size=batch_size) == tried(records)


def test_the_samples_in_the_types_of_an_older_release() -> None:
    result = tried(records_of(f"samples/{SAMPLES}"), release="4.2")
    assert result.entities == {
        "Database": 2, "DatabaseManager": 2, "DeployedDatabaseSchema": 1, "RelationalColumn": 61, "RelationalDBSchemaType": 2, "RelationalTable": 12,
    }  # fmt: skip
    assert result.guids["MySQL Relational Database::retail::shop::stock"] == "88a98de4-8369-59a6-bcde-2122068e82be"


def test_what_a_mariadb_connector_sent_gives_the_catalogue_of_that_database() -> None:
    """Odd names, generated columns, a swap in one statement, renames across databases, drop and re-create, a new snapshot after changes that nobody saw."""
    result = tried(records_of("debezium/mariadb.jsonl"))
    columns = {
        "Kunden & Co": "id first_name email born created_at score active lvl",
        "orders": "id line total qty price gen gen2 status tags bits bin txt j",
        'Order  lines"x': 'Artikel Nr.|größe|say "hi"|back`tick',
        "a%3A%3Ab": "x%3A%3Ay|%3Az",
        'wéird "q"': "id",
        "t3": "id zz yy",
        "newone": "id",
        "ooo_in": "id",
    }
    shop = "MariaDB Relational Database::retail::shop"
    other = "MariaDB Relational Database::retail::other"
    expected = {"DatabaseManager::MariaDB::retail", shop, f"{shop}_rootSchemaType", other, f"{other}_rootSchemaType"}
    expected |= {f"{other}::doomed2", f"{other}::doomed2::k"}
    for table, names in columns.items():
        expected |= {f"{shop}::{table}", *(f"{shop}::{table}::{one}" for one in (names.split("|") if "|" in names else names.split(" ")))}
    assert set(result.guids) == expected
    assert {outcome.word for outcome in result.outcomes} == {"applied", "ignored", "noop"}
    keys = {one.guid for one in result.instances if isinstance(one, EntityDetail) for c in one.classifications or () if c.name == "PrimaryKey"}
    assert result.guids[f"{shop}::orders::id"] in keys
    assert result.guids[f"{shop}::orders::line"] not in keys


def test_a_swap_of_two_names_keeps_what_belongs_together() -> None:
    """RENAME TABLE swap_a TO tmp, swap_b TO swap_a, tmp TO swap_b: three records at one position, the first without a table."""
    records = records_of("debezium/mariadb.jsonl")
    at = next(n for n, one in enumerate(records) if b"rename table swap_a to tmp_swap" in (one.value or b""))
    before, after = tried(records[:at]), tried(records[: at + 3])
    shop = "MariaDB Relational Database::retail::shop"
    for old, new in (("swap_a", "swap_b"), ("swap_b", "swap_a"), ("swap_a::a", "swap_b::a"), ("swap_b::b", "swap_a::b")):
        assert after.guids[f"{shop}::{new}"] == before.guids[f"{shop}::{old}"]
    assert f"{shop}::tmp_swap" not in after.guids
    assert [outcome.word for outcome in after.outcomes[-3:]] == ["applied"] * 3
    assert tried([*records[: at + 3], *moved(records[at : at + 3], 500)]).instances == after.instances


def test_what_a_postgresql_connector_sent_gives_the_shapes_of_its_tables() -> None:
    result = tried(records_of("debezium/postgresql.jsonl"))
    public = "PostgreSQL Relational Database Schema::wh::warehouse.public"
    assert {name.removeprefix(public) for name in result.guids if name.startswith(f"{public}::Order Lines")} == {"::Order Lines", "::Order Lines::a"}
    assert "PostgreSQL Relational Database Schema::wh::warehouse.my%2Eschema::t.x::id" in result.guids
    assert f"{public}::swap_a::b" in result.guids
    assert f"{public}::swap_b::a" in result.guids
    assert {outcome.word for outcome in result.outcomes} == {"applied", "ignored", "noop"}
    keys = {one.guid for one in result.instances if isinstance(one, EntityDetail) for c in one.classifications or () if c.name == "PrimaryKey"}
    assert {result.guids[f"{public}::carriers::{name}"] for name in ("id", "name")} <= keys


def columns_of(result: DryRunResult, table: str) -> dict[str, tuple[str, int | None, str | None]]:
    """Type, precision and default by the name of the column."""
    told = {}
    for one in result.instances:
        name = result_name(one)
        if isinstance(one, EntityDetail) and name.startswith(f"{table}::"):
            embedded = next(values(c.properties) for c in one.classifications or () if c.name == "TypeEmbeddedAttribute")
            told[name.removeprefix(f"{table}::")] = (embedded["dataType"], values(one.properties).get("precision"), embedded.get("defaultValue"))
    return told


def values(properties: InstanceProperties | None) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in ((properties and properties.instance_properties) or {}).items()}


def result_name(one: EntityDetail | Relationship) -> str:
    return str(values(one.properties).get("qualifiedName", ""))


def test_a_snapshot_says_nothing_new_of_what_was_written_in_other_words() -> None:
    """INT1, FIXED(4,1), BOOL DEFAULT TRUE: the statement as it was written, and a later snapshot of the same table."""
    records = records_of("debezium/mariadb-words.jsonl")
    first = next(n for n, one in enumerate(records) if b"CREATE TABLE spelled" in (one.value or b""))
    written, again = tried(records[: first + 4]), tried(records)
    spelled = "MariaDB Relational Database::till::shop::spelled"
    columns = columns_of(written, spelled)
    assert columns == columns_of(again, spelled)
    assert len(columns) == 47
    assert (columns["c"], columns["g"], columns["l"]) == (("MEDIUMINT UNSIGNED", None, None), ("DECIMAL", 5, None), ("DOUBLE", None, None))
    assert (columns["p"], columns["aq"], columns["ao"]) == (("TINYINT", None, "1"), ("VARCHAR", None, "it's"), ("DATETIME", None, None))
    assert {one.version for one in again.instances if result_name(one).startswith(spelled)} == {1}


def test_quotation_marks_at_both_ends_of_a_name_are_part_of_it() -> None:
    shop = "MariaDB Relational Database::till::shop"
    names = tried(records_of("debezium/mariadb-words.jsonl")).guids.keys()
    assert {f'{shop}::"both ends"', f'{shop}::""'} <= names
    assert not {f"{shop}::both ends", f'{shop}::"'} & names


def test_what_a_postgresql_snapshot_calls_serial_is_an_integer_in_the_stream() -> None:
    records = records_of("debezium/postgresql-words.jsonl")
    public = "PostgreSQL Relational Database Schema::depot::depot.public"
    streamed, snapshot = (columns_of(tried(part), f"{public}::defaults") for part in (records[:2], records[:1]))
    assert streamed.pop("s") == ("INT4", None, None)
    assert streamed == snapshot
    assert (streamed["id"], streamed["word"], streamed["nought"]) == (("INT8", None, None), ("TEXT", None, "word"), ("INT8", None, "0"))
    everything = columns_of(tried(records), f"{public}::everything")
    assert (everything["a_real"], everything["a_numeric"], everything["a_numeric82"]) == (("FLOAT4", None, None), ("NUMERIC", None, None), ("NUMERIC", 8, None))


@pytest.mark.parametrize("path", [f"samples/{SAMPLES}", "debezium/mariadb.jsonl", "debezium/postgresql.jsonl", "debezium/mariadb-words.jsonl"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_part_that_is_sent_again_changes_nothing(path: str, share: float) -> None:
    records = records_of(path)
    once = tried(records)
    part = records[: int(len(records) * share)]
    assert contents(tried([*records, *part])) == contents(once)
    assert contents(tried([*records, *moved(part, 100_000)])) == contents(once)
