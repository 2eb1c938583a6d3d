"""Kafka Connect in one process with Debezium's connectors for MariaDB and PostgreSQL, as released."""

from collections.abc import Mapping
from pathlib import Path

import httpx2

from ..jars import HERE, Jars
from ..processes import ManagedProcess, free_port
from ..waiting import eventually

_HOME = HERE / "debezium"
_JAVA_OPTIONS = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


class Connect:
    """A standalone worker and its connectors; their offsets lie in its directory and outlive its runs.

    `servers`: for each connector the port of its database, by the name of its property file (mariadb, postgres).
    """

    def __init__(self, directory: Path, jars: Jars, *, kafka: str, servers: Mapping[str, int]) -> None:
        self._directory = directory
        self._kafka = kafka
        self._servers = dict(servers)
        self._rest_port = free_port()
        self.url = f"http://127.0.0.1:{self._rest_port}"
        settings = [str(directory / f"{name}.properties") for name in ("worker", *self._servers)]
        command = jars.java(*_JAVA_OPTIONS, "org.apache.kafka.connect.cli.ConnectStandalone", *settings)
        self.process = ManagedProcess("connect", command, directory)

    def start(self, *, timeout: float = 90.0) -> None:
        """Starts it; returns when every connector and its task run (their snapshots may not be over)."""
        self._write_settings()
        self.process.start()
        self.process.wait_until(self._all_run, timeout=timeout, what=f"every connector runs at {self.url}")

    def stop(self) -> None:
        """SIGTERM; the offsets are written down."""
        self.process.stop()

    def connectors(self) -> list[str]:
        """The names of the connectors."""
        return sorted(self._get("/connectors"))

    def stop_and_forget(self, connector: str) -> None:
        """Stops the connector and deletes its offsets: it will not know where it was."""
        self._call("PUT", f"/connectors/{connector}/stop")
        eventually(lambda: self._states(connector) == ["STOPPED"], timeout=30, what=f"the connector {connector} has stopped")
        self._call("DELETE", f"/connectors/{connector}/offsets")

    def resume(self, connector: str) -> None:
        """Starts a stopped connector; one without offsets begins with a new snapshot."""
        self._call("PUT", f"/connectors/{connector}/resume")
        eventually(lambda: self._runs(connector), timeout=60, what=f"the connector {connector} runs again")

    def _write_settings(self) -> None:
        values = {"KAFKA": self._kafka, "DATA": str(self._directory), "REST_PORT": str(self._rest_port)}
        self._directory.mkdir(parents=True, exist_ok=True)
        for name in ("worker", *self._servers):
            text = (_HOME / f"{name}.properties").read_text(encoding="utf-8")
            own = values | {"SERVER_PORT": str(self._servers.get(name, ""))}
            for key, value in own.items():
                text = text.replace(key, value)
            (self._directory / f"{name}.properties").write_text(text, encoding="utf-8")

    def _all_run(self) -> bool:
        try:
            names = self.connectors()
            return len(names) == len(self._servers) and all(map(self._runs, names))
        except httpx2.HTTPError:
            return False

    def _runs(self, connector: str) -> bool:
        return self._states(connector) == ["RUNNING", "RUNNING"]

    def _states(self, connector: str) -> list[str]:
        """The state of the connector and of its tasks; a task that failed is told with its trace."""
        status = self._get(f"/connectors/{connector}/status")
        parts = [status["connector"], *status["tasks"]]
        failed = [part for part in parts if part["state"] == "FAILED"]
        assert not failed, f"the connector {connector} failed: {failed[0]['trace']}"
        return [part["state"] for part in parts]

    def _get(self, path: str) -> dict[str, dict[str, object]]:
        return self._call("GET", path).json()

    def _call(self, verb: str, path: str) -> httpx2.Response:
        answer = httpx2.request(verb, self.url + path, timeout=30.0)
        answer.raise_for_status()
        return answer
