"""The two members of the demonstration, each a worker process of its own with a configuration that a reader may copy."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cohort_sync.omrs.errors import TransientFault

PROXY_COLLECTION = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"
RECEIVER_COLLECTION = "8b1f6c52-0d3e-4a7b-9c55-1e2d3c4b5a02"
COHORT = "demo"
SOURCE = "warehouse"
_STOP_SECONDS = 25.0

Condition = Callable[[], Awaitable[bool]]


@dataclass
class Member:
    """One worker process; its store and log lie in its directory."""

    name: str
    collection_id: str
    directory: Path
    config: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def config_path(self) -> Path:
        return self.directory / "cohort-sync.toml"

    @property
    def store_path(self) -> Path:
        return self.directory / "store.db"

    @property
    def log_path(self) -> Path:
        return self.directory / "worker.log"

    def start(self) -> None:
        """Write the configuration and start the worker."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_path.write_text(self.config)
        with self.log_path.open("ab") as log:
            command = [sys.executable, "-m", "cohort_sync.cli.main", "worker", "--config", str(self.config_path)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})  # noqa: S603

    def check(self) -> None:
        """Raise with the end of its log when it has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            tail = self.log_path.read_text(errors="replace")[-2000:]
            raise TransientFault(f"the worker {self.name} ended with exit code {self.process.returncode}; the end of its log {self.log_path}:\n{tail}")

    def stop(self) -> None:
        """End it in good order; SIGKILL when it does not drain in time."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def proxy(directory: Path, bootstrap: str, port: int, topics: list[str]) -> Member:
    """The repository proxy: it reads the source topics and announces what it maps."""
    listed = ", ".join(f'"{topic}"' for topic in topics)
    config = _common("retail-proxy", PROXY_COLLECTION, directory / "store.db", bootstrap, port) + (
        f'\n[[sources]]\nname = "{SOURCE}"\nmapper = "debezium"\ntopics = [{listed}]\n'
    )
    return Member("retail-proxy", PROXY_COLLECTION, directory, config)


def receiver(directory: Path, bootstrap: str, port: int) -> Member:
    """A plain member that only keeps reference copies."""
    return Member("receiver", RECEIVER_COLLECTION, directory, _common("receiver", RECEIVER_COLLECTION, directory / "store.db", bootstrap, port))


def _common(name: str, collection_id: str, store: Path, bootstrap: str, port: int) -> str:
    return f"""\
[member]
name = "{name}"
metadata_collection_id = "{collection_id}"

[cohort]
name = "{COHORT}"

[kafka]
bootstrap_servers = ["{bootstrap}"]

[store]
path = "{store}"

[http]
port = {port}

[log]
format = "json"
"""


async def wait_until(condition: Condition, members: list[Member], seconds: float, what: str) -> None:
    """Ask until `condition` holds, watching that the members live. TransientFault after `seconds`."""
    deadline = time.monotonic() + seconds
    while not await condition():
        for member in members:
            member.check()
        if time.monotonic() > deadline:
            logs = ", ".join(str(member.log_path) for member in members)
            raise TransientFault(f"after {seconds:.0f} s still waiting until {what}; the logs are {logs}")
        await asyncio.sleep(0.05)
