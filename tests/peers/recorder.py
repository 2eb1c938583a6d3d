"""What a caller really sends: a stand-in for our address that passes every call on and remembers it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

from .processes import free_port


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call: `path` without what is the same for all (server and user), with its query; `status` and `answer` as we gave them."""

    verb: str
    path: str
    body: bytes
    headers: dict[str, str]
    status: int
    answer: bytes


class Recorder:
    """Listens on loopback at `url`; every call goes to the same path below `target`, which may be set later."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.target = ""
        self._calls: list[Recorded] = []
        self._lock = threading.Lock()
        self.client = httpx2.Client(timeout=30.0)

    @property
    def calls(self) -> list[Recorded]:
        """All calls until now, in the order in which they were answered."""
        with self._lock:
            return list(self._calls)

    def since(self, number: int) -> list[tuple[str, str]]:
        """(verb, path) of the calls after the first `number`."""
        return [(call.verb, call.path) for call in self.calls[number:]]

    def pass_on(self, verb: str, path: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        """Calls the target and remembers the call and its answer."""
        kept = {name: value for name, value in headers.items() if name.lower() in ("content-type", "authorization", "accept")}
        answer = self.client.request(verb, f"{self.target}{path}", content=body, headers=kept)
        operation = path.partition("/users/")[2].partition("/")[2]
        with self._lock:
            self._calls.append(Recorded(verb, f"/{operation}", body, headers, answer.status_code, answer.content))
        return answer


@contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder that listens; it is closed in the end."""
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            answer = recorder.pass_on(self.command, self.path, body, dict(self.headers.items()))
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Writes nothing: the calls are kept."""

    server = ThreadingHTTPServer(("127.0.0.1", int(recorder.url.rpartition(":")[2])), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        recorder.client.close()
        thread.join(10)
