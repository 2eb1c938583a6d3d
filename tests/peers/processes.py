"""Child processes of the peer scenarios: started in a process group of their own, logged to one file, never left behind.

Four nets hold a child: the fixture that stops it, `atexit` (an interrupted session), the death signal of the kernel where
`setpriv` is there (this process killed outright), and the group kill that takes grandchildren with it. Start children
from the main thread only: the death signal is sent when the *thread* that started the child ends.
"""

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# Below the range from which systems take the ports of outgoing connections: a port that we gave up for a moment (a broker
# that restarts) cannot be taken by a client that is trying to reconnect to it.
_PORTS = range(15_000, 32_000)
_handed_out: set[int] = set()
_running: list["ManagedProcess"] = []


class PeerProcessError(RuntimeError):
    """A child did not do what it should; the message has its name, its command's end, its log file and the log's tail."""


def free_port() -> int:
    """A TCP port that is free on loopback now and that this process has not handed out before."""
    for _ in range(1_000):
        port = random.choice(_PORTS)
        if port in _handed_out:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _handed_out.add(port)
        return port
    raise PeerProcessError(f"no free port on 127.0.0.1 in {_PORTS.start}..{_PORTS.stop - 1}")


def port_answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


class ManagedProcess:
    """One child process; it can be started again after it was stopped, on the same directory and log.

    `directory` is its working directory and holds `<name>.log` (standard output and error of all its runs).
    """

    def __init__(self, name: str, command: Sequence[str], directory: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.command = list(command)
        self.directory = directory
        self.environment = dict(environment or {})
        self.log = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """The id of the run that is on, or of the last one; PeerProcessError when it was never started."""
        if self._process is None:
            raise PeerProcessError(f"{self.name} was never started")
        return self._process.pid

    def start(self) -> None:
        """Starts it and returns at once; PeerProcessError when it is running or the command cannot be executed."""
        if self.running:
            raise PeerProcessError(f"{self.name} is running already (process {self.process_id})")
        if shutil.which(self.command[0]) is None:
            raise PeerProcessError(f"{self.name}: {self.command[0]} cannot be started: no such command")
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [*_death_signal(), *self.command],
                cwd=self.directory,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _running.append(self)

    def wait_until(self, ready: Callable[[], bool], *, timeout: float, what: str) -> None:
        """Returns when `ready()` is true; PeerProcessError with the log's tail when the child ends first or `timeout` s pass."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise PeerProcessError(self.describe(f"ended with code {self.exit_code} before it was ready ({what})"))
            if time.monotonic() > deadline:
                raise PeerProcessError(self.describe(f"was not ready within {timeout:g} s ({what})"))
            time.sleep(0.05)

    def wait_for_line(self, text: str, *, timeout: float) -> None:
        """Returns when this run has written `text`; otherwise as `wait_until`."""
        self.wait_until(lambda: text in self.output(), timeout=timeout, what=f"its log says {text!r}")

    def wait_for_end(self, *, timeout: float) -> int:
        """The exit code once it has ended by itself; PeerProcessError when it is still running after `timeout` s."""
        deadline = time.monotonic() + timeout
        while self.running:
            if time.monotonic() > deadline:
                raise PeerProcessError(self.describe(f"was still running after {timeout:g} s"))
            time.sleep(0.05)
        self._end_group()
        return self.exit_code

    @property
    def exit_code(self) -> int:
        """The exit code of the run that has ended (negative = killed by that signal)."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            raise PeerProcessError(f"{self.name} has not ended")
        return code

    def stop(self, *, grace: float = 15.0) -> None:
        """SIGTERM, `grace` seconds, then SIGKILL, to the whole group. No effect when it has ended already."""
        if self._process is not None and self.running:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, and waits for the end: what a crash of the machine would do to it."""
        self._end_group()
        if self._process is not None:
            self._process.wait(10)

    def output(self) -> str:
        """What the run that is on (or the last one) has written."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def describe(self, what: str, *, lines: int = 40) -> str:
        """A message for people: name, what happened, log file, its last lines."""
        tail = "\n".join(f"    {line}" for line in self.output().splitlines()[-lines:])
        return f"{self.name} {what}\n  its log: {self.log}\n{tail or '    (empty)'}"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _end_group(self) -> None:
        self._signal(signal.SIGKILL)
        if self in _running:
            _running.remove(self)


def running_processes() -> tuple[ManagedProcess, ...]:
    """Every child that was started and not stopped, oldest first (it may have ended by itself)."""
    return tuple(_running)


def stop_all() -> None:
    """Stops what is left, newest first; also called at the end of the interpreter."""
    for process in reversed(running_processes()):
        process.stop(grace=2.0)


def _death_signal() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


atexit.register(stop_all)
