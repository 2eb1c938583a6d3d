"""A database without a database server: the records that Debezium writes for its schema changes.

For the scenarios that need home instances of ours and do not care where they come from.
"""

import json
import time
from collections.abc import Sequence

from .kafka import KafkaBroker
from .omrs_json import JsonObject
from .records import Record


class Shop:
    """One MySQL server behind one connector; its schema change topic has its name. Every statement has a later position than the one before."""

    def __init__(self, kafka: KafkaBroker, name: str) -> None:
        self.name = name
        self._kafka = kafka
        self._position = 100

    @property
    def source(self) -> tuple[str, str, Sequence[str]]:
        """The source for `OurMember`: (name, mapper, topics). The topic is made by the first statement, or by `open`."""
        return (self.name, "debezium", [self.name])

    def open(self) -> None:
        """Makes the topic."""
        self._kafka.create_topic(self.name)

    def create(self, *tables: str, columns: Sequence[str] = ("id", "name")) -> None:
        """CREATE TABLE, one record each; the first column is the primary key."""
        self._write([self._change("CREATE", table, columns) for table in tables])

    def alter(self, *tables: str, columns: Sequence[str]) -> None:
        """ALTER TABLE: these are its columns now."""
        self._write([self._change("ALTER", table, columns) for table in tables])

    def drop(self, *tables: str) -> None:
        """DROP TABLE."""
        self._write([self._change("DROP", table, None) for table in tables])

    def _write(self, changes: list[JsonObject]) -> None:
        key = json.dumps({"databaseName": "shop"}).encode()
        self._kafka.produce([Record(self.name, key, json.dumps(change).encode()) for change in changes])

    def _change(self, kind: str, table: str, columns: Sequence[str] | None) -> JsonObject:
        self._position += 100
        now = time.time_ns() // 1_000_000
        source = {
            "version": "3.5.0.Final",
            "connector": "mysql",
            "name": self.name,
            "ts_ms": now,
            "snapshot": "false",
            "db": "shop",
            "table": table,
            "server_id": 7,
            "file": "mysql-bin.000001",
            "pos": self._position,
            "row": 0,
        }
        change = {"type": kind, "id": f'"shop"."{table}"', "table": None if columns is None else _table(columns)}
        return {"source": source, "ts_ms": now, "databaseName": "shop", "schemaName": None, "ddl": f"{kind} TABLE `{table}`", "tableChanges": [change]}


def _table(columns: Sequence[str]) -> JsonObject:
    listed = [
        {"name": name, "jdbcType": 4, "typeName": "INT", "typeExpression": "INT", "position": position, "optional": True, "autoIncremented": False}
        for position, name in enumerate(columns, 1)
    ]
    return {"defaultCharsetName": "utf8mb4", "primaryKeyColumnNames": list(columns[:1]), "columns": listed}
