"""The worker's own pages: /livez, /readyz, /metrics, /status. They change nothing and show no secrets."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cohort_sync.observe.health import Health
from cohort_sync.observe.metrics import CONTENT_TYPE, Metrics
from cohort_sync.observe.status import WorkerStatus

StatusOf = Callable[[], Awaitable[WorkerStatus]]


def create_app(health: Health, metrics: Metrics, status: StatusOf, services: Sequence[Route] = ()) -> Starlette:
    """The pages over a worker's health, metrics and status, and the services that are mounted beside them.

    /livez is 200 as long as the event loop answers. /readyz is 200 when every condition holds, else 503; both times the body names all conditions with their
    reasons. /metrics is the Prometheus text format. /status is a WorkerStatus.
    """

    async def livez(_request: Request) -> Response:
        return _json({"alive": True})

    async def readyz(_request: Request) -> Response:
        ready = health.ready
        return _json({"ready": ready, "reasons": health.reasons, "conditions": health.conditions}, status_code=200 if ready else 503)

    async def metrics_page(_request: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    async def status_page(_request: Request) -> Response:
        return _json(await status())

    return Starlette(
        routes=[
            Route("/livez", livez, methods=["GET"]),
            Route("/readyz", readyz, methods=["GET"]),
            Route("/metrics", metrics_page, methods=["GET"]),
            Route("/status", status_page, methods=["GET"]),
            *services,
        ]
    )


def _json(body: object, *, status_code: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status_code=status_code, media_type="application/json", headers={"cache-control": "no-store"})
