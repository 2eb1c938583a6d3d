"""A worker in a process of its own: configured, started, looked into, stopped and killed. For tests of faults, for measurements, for a mapper author's own.

with EmbeddedBroker() as broker, WorkerProcess(tmp_path / "proxy", member_config("proxy", cohort="c", bootstrap=broker.bootstrap)) as worker:
    worker.start()
    worker.wait_until(lambda: worker.ready, 30, "it is ready")
"""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cohort_sync.observe.status import PRESENCE_FACT, Presence
from cohort_sync.omrs.errors import ConfigurationError, TransientFault
from cohort_sync.store.protocol import Reader
from cohort_sync.store.sqlite import connection as connections
from cohort_sync.store.sqlite.reader import SqliteReader

T = TypeVar("T")
_POLL_SECONDS = 0.01
_LOG_TAIL_BYTES = 3000
_STATUS_SECONDS = 3.0


def member_config(
    name: str,
    *,
    cohort: str,
    bootstrap: str,
    collection_id: str = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01",
    sources: Collection[Mapping[str, object]] = (),
    **sections: Mapping[str, object],
) -> str:
    """A configuration for `WorkerProcess` as TOML; `sections` add to or replace keys (`worker={"batch_size": 100}`). The store lies beside the file."""
    tables: dict[str, dict[str, object]] = {
        "member": {"name": name, "metadata_collection_id": collection_id},
        "cohort": {"name": cohort},
        "kafka": {"bootstrap_servers": [bootstrap]},
        "store": {"path": "store.db"},
        "http": {"port": 0},
        "log": {"format": "json"},
    }
    for section, keys in sections.items():
        tables.setdefault(section, {}).update(keys)
    lines = [line for section, keys in tables.items() for line in (f"[{section}]", *_assignments(keys))]
    lines += [line for source in sources for line in ("[[sources]]", *_assignments(source))]
    return "\n".join(lines) + "\n"


def _assignments(keys: Mapping[str, object]) -> list[str]:
    """JSON's texts, numbers, truth values and lists are TOML too."""
    return [f"{key} = {json.dumps(value)}" for key, value in keys.items()]


class WorkerProcess:
    """One `cohort-sync worker`; its configuration, store and log lie in its directory. May be started again after it ended; a context ends it by SIGKILL."""

    def __init__(self, directory: Path, config: str) -> None:
        self.directory = directory
        self.config_path = directory / "cohort-sync.toml"
        self.store_path = directory / "store.db"
        self.log_path = directory / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: sqlite3.Connection | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.config_path.write_text(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        self._stop_looking()

    # ------------------------------------------------------------ the process

    def start(self, **environ: str) -> Self:
        """Start it, with these variables added to the environment. Does not wait for anything."""
        if self.running:
            raise ValueError(f"the worker in {self.directory} runs already")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COHORT_SYNC_")}
        command = [sys.executable, "-m", "cohort_sync.cli.main", "worker", "--config", str(self.config_path)]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean | environ)  # noqa: S603 - our own program
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id; ValueError before the first start."""
        if self._process is None:
            raise ValueError(f"the worker in {self.directory} was not started")
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal. Does not wait."""
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended; TransientFault when it has not within `seconds`."""
        if self._process is None:
            raise ValueError(f"the worker in {self.directory} was not started")
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TransientFault(f"the worker in {self.directory} has not ended within {seconds:g} s; the end of its log:\n{self.log_tail()}") from None

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, and its exit code."""
        if self.running:
            self.signal()
        return self.wait(seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Ask until it is so. TransientFault after `seconds`, or when the worker ends before."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.running:
                code = self._process.returncode if self._process is not None else None
                raise TransientFault(f"the worker ended with exit code {code}, waiting until {what}; the end of its log:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise TransientFault(f"after {seconds:g} s still waiting until {what}; the end of its log {self.log_path}:\n{self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    # ------------------------------------------------------------ what it says

    def log(self) -> list[dict[str, object]]:
        """What it has logged, in order, of all its lives. Lines that are no JSON object (a fault that Python printed) come as {"event": line}."""
        if not self.log_path.exists():
            return []
        return [_log_line(line) for line in self.log_path.read_text(errors="replace").splitlines() if line.strip()]

    def logged(self, part: str) -> list[dict[str, object]]:
        """The log records whose text, keys or values contain `part`."""
        return [line for line in self.log() if part in json.dumps(line, ensure_ascii=False)]

    def log_tail(self) -> str:
        """The end of its log, for messages."""
        return self.log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace") if self.log_path.exists() else "(no log)"

    @property
    def url(self) -> str | None:
        """The root of its pages; None while they are not up."""
        fact = self.look(lambda reader: reader.fact(PRESENCE_FACT), None)
        presence = Presence.decode(fact) if fact else None
        return presence.http if presence is not None and self._process is not None and presence.pid == self._process.pid else None

    def page(self, path: str) -> tuple[int, str]:
        """Status code and text of one of its pages; (0, reason) when it does not answer."""
        root = self.url
        if root is None:
            return 0, "the pages are not up"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{root}{path}", timeout=_STATUS_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except (urllib.error.URLError, http.client.HTTPException, OSError) as problem:
            return 0, str(problem)

    @property
    def ready(self) -> bool:
        """Whether /readyz says so."""
        return self.page("/readyz")[0] == 200

    @property
    def peak_memory(self) -> int:
        """The most memory that was resident since its start, in bytes (VmHWM); 0 when it has ended. Linux only."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    # ------------------------------------------------------------ what it has

    def look(self, query: Callable[[Reader], T], default: T) -> T:
        """Ask its store, whether it runs or not; `default` while there is no store, or none that is finished.

        Each question of the query sees what was committed by then.
        """
        try:
            if self._connection is None:
                self._connection = connections.for_reading(self.store_path)
            return query(SqliteReader(self._connection))
        except (sqlite3.OperationalError, ConfigurationError):
            self._stop_looking()
            return default

    def _stop_looking(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def outbox(self) -> int:
        """How many events wait to be sent."""
        return self.look(lambda reader: reader.outbox_size(), 0)

    @property
    def outbox_is_empty(self) -> bool:
        """Whether everything that is committed was acknowledged by the broker. Quicker than `outbox`."""
        return self.look(lambda reader: not reader.outbox(1), True)

    def records_read(self, topics: Collection[str] | Callable[[str], bool]) -> int:
        """How many records of these topics it has dealt with, where each topic begins at offset 0."""
        wanted = topics if callable(topics) else topics.__contains__
        return self.look(lambda reader: sum(row.next_offset for row in reader.positions() if wanted(row.topic)), 0)


def _log_line(line: str) -> dict[str, object]:
    try:
        read = json.loads(line)
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"event": line}
