"""Which rows of find_owner a find is about at all: those of its kind, types and statuses."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from cohort_sync.store.finds import FindQuery, IndexValue
from cohort_sync.store.sqlite.find_sql import Condition, Parameter

_TYPES: Final = """
WITH RECURSIVE present(name) AS (
    SELECT min(type_name) FROM find_owner WHERE kind = ?1
    UNION ALL SELECT (SELECT min(o.type_name) FROM find_owner o WHERE o.kind = ?1 AND o.type_name > present.name) FROM present WHERE name IS NOT NULL)
SELECT name FROM present WHERE name IS NOT NULL
"""

Row = tuple[IndexValue, str]


class Scope:
    """The rows of one find, before its predicate."""

    def __init__(self, connection: sqlite3.Connection, query: FindQuery) -> None:
        self.execute = connection.execute
        self._kind = query.kind.value
        self._statuses = query.statuses
        self.present: list[str] = [name for (name,) in self.execute(_TYPES, (self._kind,))]
        """All types that the index has of this kind."""
        self.types = self.present if query.type_names is None else [name for name in self.present if name in query.type_names]

    def of_type(self, index: str, columns: str, name: str, order: str) -> Iterable[Row]:
        """One type in the order of one index."""
        status, parameters = self._status()
        statement = f"SELECT {columns}, o.guid FROM find_owner o INDEXED BY {index} WHERE o.kind = ? AND o.type_name = ? AND {status} ORDER BY {order}"  # noqa: S608
        return self.execute(statement, (self._kind, name, *parameters))

    def rows(self, begin: str, parameters: tuple[Parameter, ...], conditions: list[Condition], end: str) -> Iterable[Row]:
        """What `begin` selects from, among others, find_owner as o.

        A unary plus keeps SQLite from driving by kind or type where something better is at hand.
        """
        plus = "+" if conditions or "CROSS JOIN" in begin else ""
        status, statuses = self._status()
        where = [Condition(f"{plus}o.kind = ?", (self._kind,)), Condition(status, statuses), *conditions]
        if len(self.types) < len(self.present):
            where.append(Condition(f"{plus}o.type_name IN ({places(self.types)})", tuple(self.types)))
        condition = " AND ".join(f"({one.sql})" for one in where)
        return self.execute(f"{begin} WHERE {condition} {end}", (*parameters, *(value for one in where for value in one.parameters)))

    def _status(self) -> tuple[str, tuple[Parameter, ...]]:
        if self._statuses is None:
            return "o.status <> 'DELETED'", ()
        return f"o.status IN ({places(self._statuses)})", tuple(sorted(self._statuses))


def places(values: Iterable[str]) -> str:
    """A question mark for each."""
    return ", ".join("?" for _ in values)
