"""Both databases with their connectors, the scripts that run on them, and what a member has to show of them."""

from pathlib import Path

from ..jars import HERE, Jars
from .catalogue import Catalogue, differences
from .connect import Connect
from .mariadb import MariaDb
from .postgres import PostgreSql

_SCRIPTS = HERE / "debezium" / "scripts"
STEPS = sorted({path.name.split(".")[0] for path in _SCRIPTS.glob("*.sql")})
"""The scripts by name, in their order; each has a part for either database."""


class Databases:
    """A MariaDB server and a PostgreSQL database under Debezium. The scripts run in their order, each once."""

    def __init__(self, directory: Path, jars: Jars, *, kafka: str) -> None:
        self.mariadb = MariaDb(directory / "mariadb")
        self.postgres = PostgreSql(directory / "postgresql", "depot")
        servers = {"mariadb": self.mariadb.port, "postgres": self.postgres.port}
        self.connect = Connect(directory / "connect", jars, kafka=kafka, servers=servers)
        self._done: list[str] = []
        self._once_listed: set[tuple[str, ...]] = set()

    def start(self) -> None:
        """Starts both servers, runs the first script, then the connectors: what it makes is in their first snapshot."""
        self.mariadb.start()
        self.postgres.start()
        self.mariadb.run("CREATE DATABASE marks; CREATE TABLE marks.mark (id INT PRIMARY KEY)")
        self.postgres.run("CREATE TABLE mark (id SERIAL PRIMARY KEY); INSERT INTO mark DEFAULT VALUES")
        self.reach(STEPS[0])
        self.connect.start()

    def stop(self) -> None:
        """Stops all of it."""
        for process in (self.connect, self.postgres, self.mariadb):
            process.stop()

    def reach(self, step: str) -> None:
        """Runs every script up to this one that was not run yet."""
        for name in STEPS[: STEPS.index(step) + 1]:
            if name not in self._done:
                self._run(name)

    def reach_unseen(self, step: str) -> None:
        """Runs this script while the connectors are stopped; they forget where they were, so that they begin with a new snapshot."""
        connectors = self.connect.connectors()
        for connector in connectors:
            self.connect.stop_and_forget(connector)
        self._run(step)
        for connector in connectors:
            self.connect.resume(connector)

    def mark(self, text: str) -> None:
        """The last change so far: where it is shown, everything before it was read. It also ends a snapshot of tables with rows."""
        self.mariadb.run(f"ALTER TABLE marks.mark COMMENT = '{text}'")
        self.postgres.run(f'ALTER TABLE mark ADD COLUMN "{text}" INT; INSERT INTO mark DEFAULT VALUES')

    def assert_shown(self, shown: Catalogue) -> None:
        """AssertionError that lists every difference from what the databases' information_schema lists.

        What PostgreSQL has dropped or renamed since stays to be seen: no record says that it is gone. Of such a table only that it is shown is asked.
        """
        listed = self.postgres.catalogue()
        gone = self._once_listed - listed.keys()
        found = differences({key: table for key, table in shown.items() if key not in gone}, self.mariadb.catalogue() | listed)
        found += [f"{key} is not shown, but PostgreSQL's records cannot say that it is gone" for key in sorted(gone - shown.keys())]
        assert not found, "\n".join([f"{len(found)} differences:", *found])

    def _run(self, step: str) -> None:
        self._done.append(step)
        self.mariadb.run((_SCRIPTS / f"{step}.mariadb.sql").read_text(encoding="utf-8"))
        self.postgres.run((_SCRIPTS / f"{step}.postgresql.sql").read_text(encoding="utf-8"))
        self._once_listed |= self.postgres.catalogue().keys()
