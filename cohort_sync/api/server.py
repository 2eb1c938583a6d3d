"""uvicorn in the worker's own event loop: the worker keeps its signals, its log and its order of start and stop."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from cohort_sync.omrs.errors import ConfigurationError, FatalFault


class _Server(uvicorn.Server):
    """uvicorn takes SIGINT and SIGTERM for itself while it serves; here they belong to the worker."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves one application on one address."""

    def __init__(self, app: ASGIApp, *, host: str, port: int, drain_seconds: float = 3.0) -> None:
        """`port` 0 takes any free one. Nothing is opened before `start`. `drain_seconds` is what requests under way get when it stops."""
        self._host = host
        self._port = port
        self._drain = drain_seconds
        self._server = _Server(
            uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False, lifespan="off", timeout_graceful_shutdown=max(1, round(drain_seconds)))
        )
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Open the address and serve; answers with the URL root once requests are accepted. ConfigurationError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            family, kind, protocol, _, address = (await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE))[0]
            self._socket = _listening(family, kind, protocol, address)
        except OSError as error:
            raise ConfigurationError(
                f"http.host, http.port: {self._host}:{self._port} cannot be listened on: {error.strerror or error}; "
                "choose another http.port (0 takes any free one) or end the process that has it"
            ) from error
        self._task = loop.create_task(self._server.serve(sockets=[self._socket]), name="http-server")
        while not self._server.started:
            if self._task.done():
                await self.stop()
                raise FatalFault(f"the HTTP server on {self._host}:{self._port} ended while it was starting; its log lines say why")
            await asyncio.sleep(0.005)
        return self.url

    @property
    def url(self) -> str:
        """The URL root with the real port, as a client on this machine would use it."""
        if self._socket is None:
            raise RuntimeError("the HTTP server is not started")
        port = self._socket.getsockname()[1]
        return f"http://{_reachable(self._host)}:{port}"

    async def stop(self) -> None:
        """Accept nothing more, let requests under way end for up to `drain_seconds`, close. Calling it again does nothing."""
        task, self._task = self._task, None
        if task is not None:
            self._server.should_exit = True
            done, _ = await asyncio.wait({task}, timeout=self._drain + 2.0)
            if not done:
                self._server.force_exit = True
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()


def _reachable(host: str) -> str:
    """The host part of a URL for an address that is listened on: loopback where it means every address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return str(address) if address.version == 4 else f"[{address}]"


def _listening(family: int, kind: int, protocol: int, address: tuple[str | bytes | int, ...]) -> socket.socket:
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
