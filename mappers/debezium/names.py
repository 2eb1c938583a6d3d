"""Which table a record speaks of: labels of connectors, places, and the identifiers of schema changes."""

import re
from functools import lru_cache

import msgspec

from cohort_sync.mapping.desired import name_part
from cohort_sync.mapping.relational import Place

LABELS = {
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "postgresql": "PostgreSQL",
    "sqlserver": "SQL Server",
    "oracle": "Oracle",
    "db2": "Db2",
    "vitess": "Vitess",
    "informix": "Informix",
    "cockroachdb": "CockroachDB",
    "yugabytedb": "YugabyteDB",
    "spanner": "Spanner",
}
"""How a connector's databases are called in qualified names; another connector is called what it calls itself."""

WITH_SCHEMA_TOPIC = frozenset({"mysql", "mariadb", "sqlserver", "oracle", "db2"})
"""Connectors that write a schema change topic: the shape comes from there, with native types, and drops are seen (spec mappers 2.1)."""

WITHOUT_SCHEMAS = frozenset({"mysql", "mariadb"})
"""Connectors whose databases are what CREATE SCHEMA and DROP SCHEMA mean."""

FOLDS_TO_CAPITALS = frozenset({"oracle", "db2"})
"""Connectors of databases that make capitals of names without quotes."""

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


class Ref(msgspec.Struct, frozen=True):
    """A table, known or not."""

    place: Place
    name: str

    @property
    def key(self) -> str:
        """Its object key, also the name of its position guard."""
        return self.place.table_key(self.name)

    @property
    def qualified_name(self) -> str:
        """Its qualified name."""
        return self.place.table_name(self.name)

    @property
    def dotted(self) -> tuple[str, ...]:
        """The forms that a table filter may match, the longest first."""
        if self.place.schema is None:
            return (f"{self.place.database}.{self.name}",)
        return (f"{self.place.database}.{self.place.schema}.{self.name}", f"{self.place.schema}.{self.name}")


@lru_cache(maxsize=8192)
def place_of(connector: str, server: str, database: str, schema: str | None, prefix: str) -> Place:
    """The place of a connector's tables."""
    return Place(label=LABELS.get(connector) or name_part(connector), server=server, database=database, schema=schema, prefix=prefix)


class BadIdentifier(ValueError):
    """An identifier that is not made of double-quoted parts; the message says what was found and what was expected."""


def identifiers(text: str, database: str | None, tables: str | None = None) -> list[tuple[str, ...]]:
    """The identifiers in the `id` of a table change, parts unquoted: one, or the old and the new one of a rename, joined by a comma (spec mappers 2.3).

    Debezium leaves a name as it is when it begins or ends with a quote itself; such a name is told by the database before it, and by `tables`, the record's
    `source.table`: the names of the statement's tables as they are, joined by commas.
    """
    before = f'"{(database or "").replace(chr(34), chr(34) * 2)}".'
    bare = text[len(before) :] if database and text.startswith(before) else ""
    if bare and '"' in (bare[0], bare[-1]) and tables and (bare == tables or bare in tables.split(",")):
        return [(database or "", bare)]
    found: list[tuple[str, ...]] = []
    at = 0
    while True:
        parts: list[str] = []
        while (part := _QUOTED.match(text, at)) is not None:
            parts.append(part[1].replace('""', '"'))
            at = part.end()
            if text[at : at + 1] != ".":
                break
            at += 1
        found.append(tuple(parts))
        if text[at : at + 1] != ",":
            break
        at += 1
    if at == len(text) and all(2 <= len(parts) <= 3 and all(parts[1:]) for parts in found):
        return found
    if bare and bare != '""' and '"' in (bare[0], bare[-1]):
        return [(database or "", bare)]
    raise BadIdentifier(f'got {text!r}, expected double-quoted parts like "database"."table" or "database"."schema"."table"')


def named_in(parts: tuple[str, ...], database: str, schema: str | None) -> tuple[str, str | None, str]:
    """Database, schema and table of a name in a statement, completed from where the statement was made."""
    *outer, table = parts
    if schema is None:
        return (outer[-1] if outer else database), None, table
    return (outer[-2] if len(outer) > 1 else database), (outer[-1] if outer else schema), table
