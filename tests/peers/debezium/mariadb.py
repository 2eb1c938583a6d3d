"""A MariaDB server of our own: one process, one port, one directory, a row-based binary log."""

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

_PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


class MariaDb:
    """Needs the programs of Debian's package mariadb-server: PeersUnavailableError, in one line, where they are missing."""

    def __init__(self, directory: Path) -> None:
        server, self._install, self._client = (_program(name) for name in _PROGRAMS)
        self.port = free_port()
        self._directory = directory
        self._data = directory / "data"
        # The socket's name is relative to the data directory: a long path of a test directory would be too long for one.
        place = [f"--datadir={self._data}", f"--port={self.port}", "--bind-address=127.0.0.1", "--socket=mariadb.sock", "--skip-name-resolve"]
        log = ["--server-id=7", "--log-bin=binlog", "--binlog-format=ROW", "--binlog-row-image=FULL", "--sync-binlog=0"]
        small = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--performance-schema=OFF", "--character-set-server=utf8mb4"]
        self.process = ManagedProcess("mariadb", [server, "--no-defaults", *_user(), *place, *log, *small], directory)

    def start(self, *, timeout: float = 60.0) -> None:
        """Makes its data directory the first time, starts it and returns when it answers; Debezium's user is there then."""
        if not self._data.exists():
            self._make_data()
        self.process.start()
        self.process.wait_until(self._answers, timeout=timeout, what=f"it answers on port {self.port}")
        self.run("CREATE USER IF NOT EXISTS dbz@'%' IDENTIFIED BY 'dbz'; GRANT ALL ON *.* TO dbz@'%'")

    def stop(self) -> None:
        """A clean shutdown."""
        self.process.stop()

    def run(self, script: str) -> None:
        """Runs the statements, as a user with the command line client does; PeerProcessError with its complaint."""
        self._run(script)

    def catalogue(self) -> Catalogue:
        """What information_schema lists of tables, its own and the system's left out."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for line in self._run(_COLUMNS).splitlines():
            row = json.loads(line)
            found.setdefault((row["TABLE_SCHEMA"], row["TABLE_NAME"]), []).append(row)
        return catalogue(
            Table(owner=(database,), name=name, columns=tuple(map(_column, rows)), comment=rows[0]["TABLE_COMMENT"]) for (database, name), rows in found.items()
        )

    def _run(self, script: str) -> str:
        options = ["--no-defaults", "--host=127.0.0.1", f"--port={self.port}", "--user=root", "--default-character-set=utf8mb4"]
        form = ["--batch", "--raw", "--skip-column-names"]
        done = subprocess.run([self._client, *options, *form], input=script, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise PeerProcessError(f"mariadb: {done.stderr.strip()}\nin: {script}")
        return done.stdout

    def _answers(self) -> bool:
        try:
            self._run("SELECT 1")
        except PeerProcessError:
            return False
        return True

    def _make_data(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        command = [self._install, "--no-defaults", f"--datadir={self._data}", *_user(), "--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(command, cwd=self._directory, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise PeerProcessError(f"mariadb-install-db failed (exit code {done.returncode}): {done.stdout[-2000:]}{done.stderr[-2000:]}")


_COLUMNS = """
SELECT JSON_OBJECT(
  'TABLE_SCHEMA', c.TABLE_SCHEMA, 'TABLE_NAME', c.TABLE_NAME, 'TABLE_COMMENT', t.TABLE_COMMENT, 'COLUMN_NAME', c.COLUMN_NAME,
  'COLUMN_DEFAULT', c.COLUMN_DEFAULT, 'IS_NULLABLE', c.IS_NULLABLE, 'DATA_TYPE', c.DATA_TYPE, 'COLUMN_TYPE', c.COLUMN_TYPE,
  'CHARACTER_MAXIMUM_LENGTH', c.CHARACTER_MAXIMUM_LENGTH, 'NUMERIC_PRECISION', c.NUMERIC_PRECISION, 'NUMERIC_SCALE', c.NUMERIC_SCALE,
  'DATETIME_PRECISION', c.DATETIME_PRECISION, 'COLUMN_KEY', c.COLUMN_KEY, 'EXTRA', c.EXTRA, 'COLUMN_COMMENT', c.COLUMN_COMMENT)
FROM information_schema.COLUMNS c JOIN information_schema.TABLES t ON BINARY t.TABLE_SCHEMA = c.TABLE_SCHEMA AND BINARY t.TABLE_NAME = c.TABLE_NAME
WHERE t.TABLE_TYPE = 'BASE TABLE' AND c.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION
"""


def _column(row: dict[str, Any]) -> Column:
    """As far as it is mapped: lengths of text and binary types, precision where the type is a number with decimals."""
    kind, full = row["DATA_TYPE"], row["COLUMN_TYPE"]
    signs = [word.upper() for word in ("unsigned", "zerofill") if re.search(rf" {word}\b", full)]
    exact = kind == "decimal" or (kind in ("float", "double") and "(" in full)
    sized = kind in ("char", "varchar", "binary", "varbinary", "bit")
    return Column(
        name=row["COLUMN_NAME"],
        data_type=" ".join([kind.upper(), *signs]),
        nullable=row["IS_NULLABLE"] == "YES",
        in_key=row["COLUMN_KEY"] == "PRI",
        length=(row["NUMERIC_PRECISION"] if kind == "bit" else row["CHARACTER_MAXIMUM_LENGTH"]) if sized else None,
        precision=row["NUMERIC_PRECISION"] if exact else None,
        scale=row["NUMERIC_SCALE"] if exact else None,
        fraction=row["DATETIME_PRECISION"] or None,
        default=_default(row["COLUMN_DEFAULT"]),
        comment=row["COLUMN_COMMENT"],
        auto_increment="auto_increment" in row["EXTRA"],
    )


def _default(text: str | None) -> str | None:
    """A literal without its quotes; nothing where it is NULL."""
    if text is None or text == "NULL":
        return None
    literal = re.fullmatch(r"b?'(.*)'|(-?\d[\d.]*)", text, re.DOTALL)
    if literal is None:
        return None
    return literal[1].replace("''", "'").replace("\\\\", "\\") if literal[2] is None else literal[2]


def _user() -> list[str]:
    # It refuses to run as root unless it is told so.
    return ["--user=root"] if os.geteuid() == 0 else []


def _program(name: str) -> str:
    # Servers lie in sbin, which is not on every user's PATH.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise PeersUnavailableError(f"the real databases need MariaDB (Debian: tests/peers/debezium/install.sh as root): {name} was not found")
    return found
