"""What holds for every history: the catalogue is the database's, however the records are cut, repeated or broken."""

import json
from collections.abc import Callable, Sequence

import pytest
from debezium_records import Server, moved, postgres_row, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_debezium_samples import SAMPLES, records_of

from cohort_sync.cohort.dry_run import DryRunResult
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import (
    Buffered,
    Changes,
    Ignored,
    Malformed,
    MapperSettings,
    Noop,
    Pending,
    Remember,
    Unknown,
)
from cohort_sync.testing.mappers import dry_context, try_mapper
from mappers.debezium.mapper import DebeziumMapper

MEANINGS = (Changes, Noop, Ignored, Unknown, Malformed, Pending, Buffered)
DATABASES = st.sampled_from(["shop", "stock"])
TABLES = st.sampled_from(["a", "b", "c", "d e", 'say "x"'])
COLUMNS = st.lists(st.sampled_from(["id", "name", "größe", "qty", "`"]), min_size=1, max_size=4, unique=True)
SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def mapper(**options: str) -> DebeziumMapper:
    return DebeziumMapper(MapperSettings(source="retail", options=options))


def tried(records: Sequence[SourceRecord], batch_size: int = 500, **options: str) -> DryRunResult:
    return try_mapper(mapper(**options), records, batch_size=batch_size)


def tables_of(result: DryRunResult) -> set[str]:
    """The names of tables and columns."""
    return {name for name in result.guids if name.startswith("MySQL Relational Database::retail::") and name.count("::") > 2}


@st.composite
def histories(draw: st.DrawFn, *, blind: bool = False, resets: bool = False) -> Server:
    """Statements and snapshots in any order; with `blind`, some while no connector was running, always followed by a new snapshot and a statement."""
    server = Server()
    server.snapshot()
    for _ in range(draw(st.integers(1, 14))):
        step(draw, server)
        if blind and draw(st.integers(0, 4)) == 0:
            shadow = server.unseen()
            for _ in range(draw(st.integers(1, 5))):
                step(draw, shadow)
            if resets and draw(st.booleans()):
                shadow.reset_binlog()
            # A snapshot tells nothing of a database without tables: every database keeps one.
            for database in sorted({key[0] for key in server.tables} | {key[0] for key in shadow.tables}):
                shadow.create(database, "kept", ["id"])
            server.seen_again(shadow)
            server.snapshot(last=draw(st.booleans()))
    server.other("shop", "CREATE VIEW v AS SELECT 1")
    return server


def step(draw: st.DrawFn, server: Server) -> None:
    """One statement that the server can run."""
    database, table = draw(DATABASES), draw(TABLES)
    there = sorted(server.tables)
    free = [name for name in ("a", "b", "c", "d e", 'say "x"', "tmp") if (database, name) not in server.tables]
    here = [name for where, name in there if where == database]
    match draw(st.integers(0, 8)):
        case 0 | 1 | 2 if (database, table) not in server.tables:
            server.create(database, table, draw(COLUMNS))
        case 3 if there:
            server.alter(*draw(st.sampled_from(there)), draw(COLUMNS))
        case 4 if here and free:
            rename = draw(st.sampled_from([server.alter_rename, lambda where, old, new: server.rename(where, (old, new))]))
            rename(database, draw(st.sampled_from(here)), draw(st.sampled_from(free)))
        case 5 if len(here) > 1 and "tmp" in free:
            one, two = draw(st.permutations(here))[:2]
            server.rename(database, (one, "tmp"), (two, one), ("tmp", two))
        case 6 if here:
            server.drop(database, *draw(st.lists(st.sampled_from(here), min_size=1, unique=True)))
        case 7 if draw(st.booleans()):
            server.drop_database(database)
        case _:
            server.other(database, draw(st.sampled_from(["TRUNCATE TABLE a", "CREATE USER x", "CREATE INDEX i ON a (b)", "SET x = 'DROP DATABASE shop'"])))


@SLOW
@given(histories())
def test_the_catalogue_is_what_the_statements_made(server: Server) -> None:
    assert tables_of(tried(server.records)) == server.names()


@SLOW
@given(histories(blind=True))
def test_a_new_snapshot_makes_up_for_what_was_missed(server: Server) -> None:
    assert tables_of(tried(server.records)) == server.names()


@SLOW
@given(histories(blind=True, resets=True))
def test_a_log_that_began_again_does_not_hold_the_catalogue_back(server: Server) -> None:
    assert tables_of(tried(server.records)) == server.names()


@SLOW
@given(histories(blind=True, resets=True), st.floats(0, 1), st.booleans())
def test_what_is_sent_again_changes_nothing(server: Server, share: float, same_offsets: bool) -> None:
    part = server.records[: int(len(server.records) * share)]
    again = part if same_offsets else moved(part, 10_000)
    assert tried([*server.records, *again]).instances == tried(server.records).instances


@SLOW
@given(histories(blind=True, resets=True), st.integers(1, 10))
def test_the_cut_of_the_batches_does_not_matter(server: Server, batch_size: int) -> None:
    assert tried(server.records, batch_size) == tried(server.records)


@SLOW
@given(st.lists(st.tuples(st.sampled_from(["t1", "t2"]), COLUMNS), min_size=1, max_size=12), st.data())
def test_the_shape_of_a_table_is_that_of_its_newest_row(rows: list[tuple[str, list[str]]], data: st.DataObject) -> None:
    records = [
        postgres_row(table, [{"type": "int32", "field": name} for name in names], lsn=100 + number, offset=number) for number, (table, names) in enumerate(rows)
    ]
    expected = dict(rows)
    schema = "PostgreSQL Relational Database Schema::wh::warehouse.public"
    names = {f"{schema}::{table}" for table in expected} | {f"{schema}::{table}::{name}" for table, columns in expected.items() for name in columns}
    late = data.draw(st.lists(st.sampled_from(records)))
    result = tried([*records, *moved(late, 1000)])
    assert {name for name in result.guids if name.startswith(schema) and "_root" not in name} - {schema} == names


# ---------------------------------------------------------------- bad input


class Empty:
    """A view in which nothing is known."""

    def has(self, key: str) -> bool:
        return False

    def keys(self, prefix: str) -> Sequence[str]:
        return ()

    def memo(self, key: str) -> bytes:
        return b""

    def memos(self, prefix: str) -> Sequence[str]:
        return ()


def understood(one: SourceRecord) -> object:
    mapping = mapper(rows="always")
    event = mapping.decode(one)
    meaning = event if isinstance(event, MEANINGS) else mapping.interpret(event, Empty())
    assert isinstance(meaning, MEANINGS)
    return meaning


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=12,
)
SAMPLE_RECORDS = [*records_of(f"samples/{SAMPLES}"), *records_of("debezium/mariadb.jsonl"), *records_of("debezium/postgresql.jsonl")]


@given(st.binary(max_size=200), st.none() | st.binary(max_size=50), st.sampled_from(["retail", "wh.public.x", "__debezium-heartbeat.x", ""]))
def test_any_bytes_have_a_meaning(value: bytes, key: bytes | None, topic: str) -> None:
    understood(record(topic, key, value))


@given(JSON, JSON, st.sampled_from(["retail", "wh.public.x"]))
def test_any_json_has_a_meaning(value: object, key: object, topic: str) -> None:
    understood(record(topic, key, value))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_broken_record_has_a_meaning(data: st.DataObject) -> None:
    """Any part of a sound record is replaced by any JSON, or taken away; what then counts as sound also goes through planning."""
    one = data.draw(st.sampled_from([each for each in SAMPLE_RECORDS if each.value and each.value[:1] == b"{" and each.value[-1:] == b"}"]))
    document = json.loads(one.value or b"")
    breakage(data, document)
    broken = SourceRecord(one.topic, 0, 1, 0, one.key, json.dumps(document).encode())
    meaning = understood(broken)
    if isinstance(meaning, Changes):
        assert all(isinstance(verb.value, bytes) for each in meaning.steps for verb in each.verbs if isinstance(verb, Remember))
        outcome = tried([broken], rows="always").outcomes[0]
        assert outcome.word in {"applied", "noop", "malformed"}


def breakage(data: st.DataObject, document: object) -> None:
    """Change one part of a document in place."""
    parts: list[tuple[Callable[[object], None], Callable[[], None]]] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for key in list(node):
                parts.append((lambda new, node=node, key=key: node.__setitem__(key, new), lambda node=node, key=key: node.pop(key)))
                walk(node[key])
        elif isinstance(node, list):
            for index, child in enumerate(node):
                parts.append((lambda new, node=node, index=index: node.__setitem__(index, new), lambda node=node, index=index: node.pop(index)))
                walk(child)

    walk(document)
    replace, remove = parts[data.draw(st.integers(0, len(parts) - 1))]
    if data.draw(st.booleans()):
        remove()
    else:
        replace(data.draw(JSON))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_record_that_is_cut_short_is_a_dead_letter(share: float) -> None:
    for one in SAMPLE_RECORDS:
        if one.value and one.value[:1] == b"{" and one.topic[:2] != "__":
            cut = SourceRecord(one.topic, 0, 1, 0, one.key, one.value[: int(len(one.value) * share)])
            assert isinstance(understood(cut), Malformed)


def test_everything_that_the_mapper_may_use_is_in_the_types() -> None:
    assert dry_context(mapper()).registry.release == "6.1"
