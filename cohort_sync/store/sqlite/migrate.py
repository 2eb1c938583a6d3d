"""The schema of the SQLite store: numbered scripts, each applied once, in a transaction of its own.

The number of the last one is the database's `user_version`; `application_id` tells a store of ours from any other database.
"""

import sqlite3
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from cohort_sync.omrs.errors import ConfigurationError

APPLICATION_ID: Final = 0x434F5359  # "COSY"


class Migration(NamedTuple):
    """One script; the numbers run from 1 without a gap."""

    number: int
    name: str
    script: str


@cache
def migrations() -> tuple[Migration, ...]:
    """The scripts that this release carries, in order."""
    scripts = sorted((entry for entry in files(__package__).joinpath("migrations").iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(Migration(int(entry.name.split("_")[0]), entry.name, entry.read_text(encoding="utf-8")) for entry in scripts)


def migrate(connection: sqlite3.Connection, path: Path, steps: tuple[Migration, ...]) -> None:
    """Bring the database up to the newest step. ConfigurationError when it is no store of ours, or of a newer release. May be repeated."""
    for step in steps[check(connection, path, steps) :]:
        script = f"BEGIN IMMEDIATE;\n{step.script}\nPRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {step.number};\nCOMMIT;"
        try:
            connection.executescript(script)
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def check(connection: sqlite3.Connection, path: Path, steps: tuple[Migration, ...]) -> int:
    """The number of the last step that was applied, 0 for an empty database. Raises as `migrate` does."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise ConfigurationError(f"store.path {path}: this is a SQLite database, but not a store of cohort-sync. Name another file")
    newest = steps[-1].number
    if version > newest:
        raise ConfigurationError(
            f"store.path {path}: the store was made by a newer release (its schema is number {version}, this release knows up to {newest}). "
            "Run that release, or restore the backup from before the upgrade"
        )
    return int(version)
