"""A small MySQL with a Debezium connector: runs statements on a model, and writes the records that Debezium 3.5 writes for them (as recorded in
tests/golden/debezium). Not a test; the tests of the Debezium mapper build their histories with it."""

import json
from collections.abc import Iterable, Sequence

from cohort_sync.mapping.record import SourceRecord

Tables = dict[tuple[str, str], list[str]]
"""Columns by database and table."""


def backticked(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def quoted(name: str) -> str:
    """As Debezium's TableId does it, its slip included."""
    if not name:
        return '""'
    if name[0] == '"' or name[-1] == '"':
        return name
    return '"' + name.replace('"', '""') + '"'


def column(name: str, position: int, **more: object) -> dict[str, object]:
    base: dict[str, object] = {
        "name": name, "jdbcType": 4, "nativeType": None, "typeName": "INT", "typeExpression": "INT", "charsetName": None, "length": None, "scale": None,
        "position": position, "optional": True, "autoIncremented": False, "generated": False, "comment": None, "defaultValueExpression": None,
        "enumValues": None,
    }  # fmt: skip
    return {**base, **more}


def table_state(columns: Sequence[str | dict[str, object]], key: Sequence[str] = (), comment: str | None = None) -> dict[str, object]:
    listed = [one if isinstance(one, dict) else column(one, position) for position, one in enumerate(columns, 1)]
    return {"defaultCharsetName": "utf8mb4", "primaryKeyColumnNames": list(key), "columns": listed, "comment": comment}


class Server:
    """One server and one connector. Every statement advances the binlog; `now` is the time of the next one, in ms."""

    def __init__(self, name: str = "retail", connector: str = "mysql") -> None:
        self.name = name
        self.connector = connector
        self.server_id = 7
        self.file, self.pos, self.resets = 1, 100, 0
        self.now = 1_767_000_000_000
        self.tables: Tables = {}
        self.databases: set[str] = set()
        self.records: list[SourceRecord] = []

    # ------------------------------------------------------------ statements

    def create_database(self, name: str) -> None:
        self._advance()
        self.databases.add(name)
        self._write(name, f"CREATE DATABASE {backticked(name)}")

    def drop_database(self, name: str) -> None:
        self._advance()
        self.databases.discard(name)
        self.tables = {key: columns for key, columns in self.tables.items() if key[0] != name}
        self._write(name, f"drop database {backticked(name)}")

    def create(self, database: str, table: str, columns: Sequence[str]) -> None:
        self._advance()
        self.databases.add(database)
        self.tables[database, table] = list(columns)
        self._write(database, f"create table {backticked(table)} (...)", self._state("CREATE", database, table))

    def alter(self, database: str, table: str, columns: Sequence[str]) -> None:
        self._advance()
        self.tables[database, table] = list(columns)
        self._write(database, f"alter table {backticked(table)} ...", self._state("ALTER", database, table))

    def drop(self, database: str, *tables: str) -> None:
        self._advance()
        for table in tables:
            del self.tables[database, table]
        for table in tables:
            change = {"type": "DROP", "id": f"{quoted(database)}.{quoted(table)}", "table": None}
            self._write(database, f"DROP TABLE {backticked(database)}.{backticked(table)}", change)

    def rename(self, database: str, *pairs: tuple[str, str]) -> None:
        """RENAME TABLE a TO b, ...: one record a pair, all at one position, each with the state after the whole statement."""
        self._advance()
        for old, new in pairs:
            self.tables[database, new] = self.tables.pop((database, old))
        for old, new in pairs:
            changes = [self._state("ALTER", database, new)] if (database, new) in self.tables else []
            self._write(database, f"rename table {backticked(old)} to {backticked(new)}", *changes)

    def alter_rename(self, database: str, old: str, new: str) -> None:
        self._advance()
        self.tables[database, new] = self.tables.pop((database, old))
        self._write(database, f"alter table {backticked(old)} rename to {backticked(new)}", self._state("ALTER", database, new))

    def other(self, database: str, ddl: str) -> None:
        """A statement that changes no table."""
        self._advance()
        self._write(database, ddl)

    # ------------------------------------------------------------ snapshots and trouble

    def snapshot(self, *, whole: bool = True, tables: Iterable[tuple[str, str]] | None = None, last: bool = False) -> None:
        """A snapshot of the captured tables; not `whole`: one on demand, of chosen tables."""
        self._advance()
        chosen = sorted(self.tables if tables is None else tables)
        first = len(self.records)
        if whole:
            self._write("", "SET character_set_server=utf8mb4", snapshot="true")
        for database, table in chosen:
            change = {"type": "DROP", "id": f"{quoted(database)}.{quoted(table)}", "table": None}
            self._write(database, f"DROP TABLE IF EXISTS {backticked(database)}.{backticked(table)}", change, snapshot="true")
        for database in sorted({key[0] for key in chosen}):
            if whole:
                self._write(database, f"DROP DATABASE IF EXISTS {backticked(database)}", snapshot="true")
                self._write(database, f"CREATE DATABASE {backticked(database)} CHARSET utf8mb4", snapshot="true")
                self._write(database, f"USE {backticked(database)}", snapshot="true")
            for key in chosen:
                if key[0] == database:
                    is_last = last and key == chosen[-1]
                    self._write(database, f"CREATE TABLE {backticked(key[1])} (...)", self._state("CREATE", *key), snapshot="last" if is_last else "true")
        assert len(self.records) > first or not chosen

    def unseen(self) -> "Server":
        """What happens while no connector is running: statements on the answered server write no records here."""
        shadow = Server(self.name, self.connector)
        shadow.__dict__.update(self.__dict__)
        shadow.tables = dict(self.tables)
        shadow.databases = set(self.databases)
        shadow.records = []
        return shadow

    def seen_again(self, shadow: "Server") -> None:
        """The connector is back, on the state that the shadow left."""
        records = self.records
        self.__dict__.update(shadow.__dict__)
        self.records = records

    def reset_binlog(self) -> None:
        """RESET MASTER, or another server in place of the old one. No two logs stand at the same position here: that could not be told from a replay."""
        self.resets += 1
        self.file, self.pos = 1, 4 + self.resets

    # ------------------------------------------------------------ helpers

    def names(self, label: str = "MySQL") -> set[str]:
        """The qualified names of all tables and columns, for names that need no escape."""
        found = set()
        for (database, table), columns in self.tables.items():
            name = f"{label} Relational Database::{self.name}::{database}::{table}"
            found |= {name, *(f"{name}::{one}" for one in columns)}
        return found

    def _advance(self) -> None:
        self.pos += 200
        self.now += 1000

    def _state(self, kind: str, database: str, table: str) -> dict[str, object]:
        columns = self.tables[database, table]
        return {"type": kind, "id": f"{quoted(database)}.{quoted(table)}", "table": table_state(columns, columns[:1])}

    def _write(self, database: str, ddl: str, *changes: dict[str, object], snapshot: str = "false") -> None:
        source = {
            "version": "3.5.0.Final", "connector": self.connector, "name": self.name, "ts_ms": self.now, "snapshot": snapshot, "db": database, "table": None,
            "server_id": self.server_id if snapshot == "false" else 0, "gtid": None, "file": f"mysql-bin.{self.file:06}", "pos": self.pos, "row": 0,
        }  # fmt: skip
        value = {"source": source, "ts_ms": self.now + 7, "databaseName": database, "schemaName": None, "ddl": ddl, "tableChanges": list(changes)}
        self.records.append(record(self.name, {"databaseName": database}, value, len(self.records)))


def record(topic: str, key: object, value: object, offset: int = 0) -> SourceRecord:
    """A record with JSON key and value; bytes and None stand for themselves."""
    return SourceRecord(topic=topic, partition=0, offset=offset, timestamp=0, key=_bytes(key), value=_bytes(value))


def moved(records: Iterable[SourceRecord], by: int) -> list[SourceRecord]:
    """The same records once more, as a connector sends them that repeats itself: at higher offsets."""
    return [SourceRecord(one.topic, one.partition, one.offset + by, one.timestamp, one.key, one.value, one.headers) for one in records]


def row_schema(topic: str, fields: Sequence[dict[str, object]]) -> dict[str, object]:
    """The schema part of a data record."""
    row = {"type": "struct", "fields": list(fields), "optional": True, "name": f"{topic}.Value"}
    return {
        "type": "struct",
        "fields": [{**row, "field": "before"}, {**row, "field": "after"}, {"type": "string", "field": "op"}],
        "name": f"{topic}.Envelope",
    }


def postgres_row(
    table: str, fields: Sequence[dict[str, object]], *, lsn: int, key: Sequence[str] = ("id",), op: str = "c", time: int = 0, offset: int = 0
) -> SourceRecord:
    """A data record of PostgreSQL connector wh, database warehouse, schema public."""
    topic = f"wh.public.{table}"
    source = {
        "connector": "postgresql", "name": "wh", "ts_ms": time or 1_767_000_000_000 + lsn, "snapshot": "false", "db": "warehouse", "schema": "public",
        "table": table, "lsn": lsn,
    }  # fmt: skip
    value = {"schema": row_schema(topic, fields), "payload": {"before": None, "after": {}, "source": source, "op": op}}
    keys = {"schema": {"type": "struct", "fields": [{"type": "int32", "field": one} for one in key], "name": f"{topic}.Key"}, "payload": {}}
    return record(topic, keys if key else None, value, offset)


def _bytes(part: object) -> bytes | None:
    return part if part is None or isinstance(part, bytes) else json.dumps(part, ensure_ascii=False).encode()
