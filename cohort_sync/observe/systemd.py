"""What systemd is told by a service of Type=notify (sd_notify(3)): ready, stopping, still alive. Elsewhere nothing is sent."""

import asyncio
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends to the socket that systemd names in the environment; without one every call does nothing."""

    def __init__(self, environ: Mapping[str, str] | None = None, *, pid: int | None = None) -> None:
        environ = os.environ if environ is None else environ
        address = environ.get("NOTIFY_SOCKET", "")
        # "@name" is a socket in the abstract namespace, whose address begins with a zero byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog = _watchdog_seconds(environ, os.getpid() if pid is None else pid)

    @property
    def watchdog_seconds(self) -> float | None:
        """After so many seconds without a sign of life systemd ends the service; None when it does not watch."""
        return self._watchdog

    def ready(self, status: str = "") -> None:
        """The service has started; `status` is the line in `systemctl status`."""
        self._send("READY=1", status)

    def status(self, status: str) -> None:
        """A new line for `systemctl status`."""
        self._send("", status)

    def stopping(self, status: str = "") -> None:
        """The service has begun to stop."""
        self._send("STOPPING=1", status)

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    async def keep_alive(self) -> None:
        """Give signs of life from the event loop until cancelled, two in each period; returns at once when systemd does not watch."""
        if self._watchdog is None:
            return
        while True:
            self.alive()
            await asyncio.sleep(self._watchdog / 2)

    def _send(self, state: str, status: str = "") -> None:
        if not self._address:
            return
        # A status is one line: a newline would begin another assignment.
        lines = [state, "STATUS=" + " ".join(status.split()) if status else ""]
        message = "\n".join(line for line in lines if line).encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.connect(self._address)
            channel.sendall(message)


def _watchdog_seconds(environ: Mapping[str, str], pid: int) -> float | None:
    text = environ.get("WATCHDOG_USEC", "")
    meant_for = environ.get("WATCHDOG_PID", str(pid))
    if not text.isdecimal() or int(text) == 0 or meant_for != str(pid):
        return None
    return int(text) / 1_000_000
