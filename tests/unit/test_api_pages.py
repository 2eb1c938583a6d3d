"""The worker's pages over real HTTP, and how their server starts and stops inside the worker's loop."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cohort_sync.api.app import create_app
from cohort_sync.api.server import HttpServer
from cohort_sync.observe.health import Health
from cohort_sync.observe.metrics import Metrics
from cohort_sync.observe.status import PartitionStatus, Presence, WorkerStatus
from cohort_sync.omrs.errors import ConfigurationError


class Worker:
    """A worker's pages on a free port, without a worker."""

    def __init__(self) -> None:
        self.health = Health({"broker": "not connected yet", "store": "not open yet"}, clock=lambda: 17)
        self.metrics = Metrics(version="1.0", member="m", metadata_collection_id="id", type_release="6.1")
        self.server = HttpServer(create_app(self.health, self.metrics, self.status), host="127.0.0.1", port=0)

    async def status(self) -> WorkerStatus:
        return WorkerStatus(
            presence=Presence(pid=os.getpid(), host="h", http=self.server.url, version="1.0", started=17),
            member="m",
            metadata_collection_id="id",
            type_release="6.1",
            ready=self.health.ready,
            conditions=self.health.conditions,
            positions=(PartitionStatus(flow="cohort", topic="t", partition=0, next_offset=7, end_offset=9),),
        )


def with_pages(use: Callable[[Worker, httpx2.AsyncClient], Awaitable[None]]) -> None:
    async def scenario() -> None:
        worker = Worker()
        url = await worker.server.start()
        try:
            async with httpx2.AsyncClient(base_url=url, timeout=10) as client:
                await use(worker, client)
        finally:
            await worker.server.stop()
            await worker.server.stop()

    asyncio.run(scenario())


def test_alive_while_not_ready_and_ready_with_reasons() -> None:
    async def use(worker: Worker, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/livez")).json() == {"alive": True}
        worker.health.holds("store")
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {
            "ready": False,
            "reasons": ["broker: not connected yet"],
            "conditions": [
                {"name": "broker", "holds": False, "reason": "not connected yet", "since": 17},
                {"name": "store", "holds": True, "reason": "", "since": 17},
            ],
        }
        worker.health.holds("broker")
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"], answer.json()["reasons"]) == (200, True, [])
        worker.health.fails("broker", "away")
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200

    with_pages(use)


def test_metrics_and_status() -> None:
    async def use(worker: Worker, client: httpx2.AsyncClient) -> None:
        worker.metrics.sent("types", 5)
        answer = await client.get("/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'cohort_sync_events_sent_total{channel="types"} 5.0' in answer.text
        status = (await client.get("/status")).json()
        assert status["presence"] == {"pid": os.getpid(), "host": "h", "http": worker.server.url, "version": "1.0", "started": 17}
        assert status["positions"] == [{"flow": "cohort", "topic": "t", "partition": 0, "nextOffset": 7, "endOffset": 9}]
        assert status["metadataCollectionId"] == "id"

    with_pages(use)


def test_the_pages_change_nothing() -> None:
    async def use(_worker: Worker, client: httpx2.AsyncClient) -> None:
        for page in ("/livez", "/readyz", "/metrics", "/status"):
            assert (await client.post(page)).status_code == 405
        assert (await client.get("/nothing")).status_code == 404

    with_pages(use)


def test_a_taken_port_is_told_with_its_key() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = HttpServer(Starlette(), host="127.0.0.1", port=port)
        with pytest.raises(ConfigurationError, match=rf"http.host, http.port: 127.0.0.1:{port} cannot be listened on: Address already in use"):
            asyncio.run(server.start())
    with pytest.raises(ConfigurationError, match=r"http.host, http.port: no.such.host.invalid:1 cannot be listened on"):
        asyncio.run(HttpServer(Starlette(), host="no.such.host.invalid", port=1).start())


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")])
def test_the_told_address_can_be_used_on_this_machine(host: str, shown: str) -> None:
    async def scenario() -> None:
        server = HttpServer(create_app(Worker().health, Worker().metrics, Worker().status), host=host, port=0)
        url = await server.start()
        try:
            assert url.startswith(f"http://{shown}:")
            async with httpx2.AsyncClient() as client:
                assert (await client.get(f"{url}/livez")).status_code == 200
        finally:
            await server.stop()

    asyncio.run(scenario())


def test_signals_stay_with_the_worker() -> None:
    async def scenario() -> None:
        worker = Worker()
        got = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, got.set)
        try:
            url = await worker.server.start()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(got.wait(), 10)
            async with httpx2.AsyncClient() as client:
                assert (await client.get(f"{url}/livez")).status_code == 200
            await worker.server.stop()
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    asyncio.run(scenario())


def test_a_stop_lets_a_request_end_and_then_gives_the_port_back() -> None:
    async def scenario() -> None:
        begun = asyncio.Event()

        async def slow(_request: Request) -> Response:
            begun.set()
            await asyncio.sleep(0.5)
            return Response("whole")

        server = HttpServer(Starlette(routes=[Route("/slow", slow)]), host="127.0.0.1", port=0, drain_seconds=5)
        url = await server.start()
        async with httpx2.AsyncClient() as client:
            request = asyncio.create_task(client.get(f"{url}/slow", timeout=10))
            await begun.wait()
            await server.stop()
            assert (await request).text == "whole"
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"{url}/slow")

    asyncio.run(scenario())


def test_a_stop_does_not_wait_for_ever() -> None:
    async def scenario() -> float:
        begun = asyncio.Event()

        async def hanging(_request: Request) -> Response:
            begun.set()
            await asyncio.sleep(3600)
            return Response("never")

        server = HttpServer(Starlette(routes=[Route("/hanging", hanging)]), host="127.0.0.1", port=0, drain_seconds=1)
        url = await server.start()
        async with httpx2.AsyncClient() as client:
            request = asyncio.create_task(client.get(f"{url}/hanging", timeout=60))
            await begun.wait()
            begin = asyncio.get_running_loop().time()
            await server.stop()
            took = asyncio.get_running_loop().time() - begin
            await asyncio.gather(request, return_exceptions=True)
            return took

    assert asyncio.run(scenario()) < 10
