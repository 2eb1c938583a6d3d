"""The few pages of a platform that are plain text or ask for no token: who is there, and how a token is got (spec repository-rest-api 15.1 and 15.3).

There are no users here: the password is the one token, whoever gives it, and a token does not end.
"""

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cohort_sync import __version__
from cohort_sync.api.omrs.operation import Root
from cohort_sync.api.omrs.transport import Access, transport_error

_ABOUT = {"app": {"name": "cohort-sync", "version": __version__, "description": "A member of open metadata repository cohorts."}}
_MOST_BYTES = 10_000
_ANY = "anybody"
"""The token where none is asked for: clients want one all the same."""


class _Credentials(msgspec.Struct, rename="camel"):
    user_id: str = ""
    password: str = ""


def platform_routes(access: Access) -> list[Route]:
    """These pages. The log in answers 401 to a wrong password."""

    async def token(request: Request) -> Response:
        try:
            body = await _short_body(request)
            given = msgspec.json.decode(body, type=_Credentials)
        except (msgspec.DecodeError, ValueError, ClientDisconnect):
            return transport_error(400, "Bad Request", request, 'the body has to be {"userId": ..., "password": ...}')
        if not access.is_token(given.password):
            return transport_error(401, "Unauthorized", request, "the password is not http.token")
        return PlainTextResponse(access.token or _ANY, headers={"cache-control": "no-store"})

    return [
        Route(f"{Root.PLATFORM}/origin", _origin, methods=["GET"]),
        Route("/api/about", _about, methods=["GET"]),
        Route("/api/public/app/info", _about, methods=["GET"]),
        Route("/api/token", token, methods=["POST"]),
        Route("/api/token/logout", _logout, methods=["GET"]),
        Route("/servers/{server_name}/api/token", token, methods=["POST"]),
        Route("/servers/{server_name}/api/token/logout", _logout, methods=["GET"]),
    ]


async def _origin(_request: Request) -> Response:
    return PlainTextResponse(f"cohort-sync {__version__}\n")


async def _about(_request: Request) -> Response:
    return Response(msgspec.json.encode(_ABOUT), media_type="application/json")


async def _logout(_request: Request) -> Response:
    """Nothing is kept about who has logged in."""
    return Response(status_code=204)


async def _short_body(request: Request) -> bytes:
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _MOST_BYTES:
            raise msgspec.DecodeError("too long")
    return data
