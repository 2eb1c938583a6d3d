"""The OMRS repository services over HTTP, in both dialects (spec repository-rest-api 2, 6 and 18).

A call that reaches an operation is answered with transport status 200, whatever happens: what is wrong stands in the body, where the client of the caller looks
for it. Other statuses mean that no operation was reached: 400 (body or query that is no request), 401, 403, 404 (no such path), 405, 413.
"""

import logging
from collections.abc import Awaitable, Callable
from uuid import uuid4

import msgspec
from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cohort_sync import __version__
from cohort_sync.api.omrs.bodies import BadBody, DoNothing, NullFails, request_of
from cohort_sync.api.omrs.call import BadQuery, Call, Handler, Limits
from cohort_sync.api.omrs.handlers import HANDLERS
from cohort_sync.api.omrs.openapi import openapi_document
from cohort_sync.api.omrs.operation import Operation, Root
from cohort_sync.api.omrs.operations import OPERATIONS
from cohort_sync.api.omrs.platform import platform_routes
from cohort_sync.api.omrs.responses import OMRSResponse, failed
from cohort_sync.api.omrs.routing import Router, path_values
from cohort_sync.api.omrs.surroundings import Surroundings
from cohort_sync.api.omrs.transport import Access, transport_error
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import is_before_6
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.errors import CohortSyncError
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, WireRelease, invalid_parameter

_LOG = logging.getLogger(__name__)
ANONYMOUS = "anonymous"
"""Who asks when neither the path nor `delegatingUserId` says it."""
_VERBS = ["GET", "POST", "DELETE"]
_FETCH_SITE = "sec-fetch-site"
"""How a browser tells on whose behalf it calls: a page of somebody else must not change something here, which even a GET can."""
_encode = msgspec.json.Encoder().encode


def omrs_routes(
    collection: MetadataCollection,
    *,
    access: Access | None = None,
    limits: Limits | None = None,
    surroundings: Surroundings | None = None,
    enterprise: Handler | None = None,
) -> list[Route]:
    """The routes of the repository services of this member and of what is around them. `enterprise` answers the calls of the federated view; without it there
    is none.

    The server name of a path has to be that of the member; another one is answered as a Java platform answers for a server that it does not run.
    """
    allowed = access or Access()
    service = _Service(collection, allowed, limits or Limits(), surroundings or Surroundings(), enterprise or _no_enterprise)
    return [
        Route("/v3/api-docs", service.document, methods=["GET"]),
        *platform_routes(allowed),
        *(Route(f"{_starlette(root)}{below}/{{operation:path}}", service.endpoint(root, enterprise=bool(below)), methods=_VERBS) for root, below in _PLACES),
    ]


_PLACES = ((Root.USER, "/enterprise"), (Root.USER, ""), (Root.SERVER, ""), (Root.PLATFORM, ""), (Root.SERVER_OPERATIONS, ""))
"""In the order in which they are looked at."""


def _starlette(root: Root) -> str:
    return root.replace("{serverName}", "{server_name}").replace("{userId}", "{user_id}")


class _Service:
    def __init__(self, collection: MetadataCollection, access: Access, limits: Limits, surroundings: Surroundings, enterprise: Handler) -> None:
        self._collection = collection
        self._access = access
        self._limits = limits
        self._surroundings = surroundings
        self._enterprise = enterprise
        self._openapi: bytes | None = None

    async def document(self, _request: Request) -> Response:
        """The OpenAPI document, where the platforms of Java members have theirs."""
        if self._openapi is None:
            self._openapi = msgspec.json.encode(openapi_document(__version__, token=bool(self._access.token)))
        return Response(self._openapi, media_type="application/json")

    def endpoint(self, root: Root, *, enterprise: bool) -> Callable[[Request], Awaitable[Response]]:
        """What serves the operations below this root; below `/enterprise` there is the federated view."""
        router = Router(each for each in OPERATIONS if root in each.roots and (each.enterprise if enterprise else each.local))
        handle = self._enterprise if enterprise else self._handled

        async def serve(request: Request) -> Response:
            return await self._serve(request, router, handle)

        return serve

    async def _serve(self, request: Request, router: Router, handle: Handler) -> Response:
        if not self._access.admits(request.headers.get("authorization")):
            return transport_error(401, "Unauthorized", request, "a bearer token is needed", {"www-authenticate": "Bearer"})
        if request.headers.get(_FETCH_SITE, "none") not in ("none", "same-origin"):
            return transport_error(403, "Forbidden", request, "calls from web pages of others are refused")
        found = router.find(request.path_params["operation"])
        if not found:
            return transport_error(404, "Not Found", request, "no operation has this path")
        operation = next((each for each in found if request.method in each.verbs), None)
        if operation is None:
            allowed = ", ".join(verb for each in found for verb in each.verbs)
            return transport_error(405, "Method Not Allowed", request, f"operations at this path are {allowed}", {"allow": allowed})
        get = request.method == "GET"
        try:
            body = await self._body(request)
            given, up_to_5 = (operation.request(), False) if operation.plain_errors else request_of(operation, body, get=get)
        except _TooLarge as problem:
            return transport_error(413, "Payload Too Large", request, str(problem))
        except BadBody as problem:
            return transport_error(400, "Bad Request", request, str(problem))
        except DoNothing:
            return _json(operation.response())
        except NullFails:
            return _json(self._unexpected(operation, "java.lang.NullPointerException", "the body is null", self._release(up_to_5=get), None))
        missing = [name for name in operation.query if not name.endswith("?") and name not in request.query_params]
        if missing:
            return transport_error(400, "Bad Request", request, f"the query parameter {missing[0]} is missing")
        release = self._release(up_to_5=up_to_5 or operation.up_to_5_only or "searchCriteria" in request.query_params)
        call = Call(
            operation=operation,
            collection=self._collection,
            surroundings=self._surroundings,
            user=request.path_params.get("user_id") or request.query_params.get("delegatingUserId") or ANONYMOUS,
            path=path_values(operation, request.path_params["operation"]),
            query=request.query_params,
            request=given,
            request_id=given.request_id or str(uuid4()),
            release=release,
            limits=self._limits,
        )
        return await self._answered(call, request, handle)

    async def _answered(self, call: Call, request: Request, handle: Handler) -> Response:
        try:
            if "server_name" in request.path_params:
                self._check_server(call, request.path_params["server_name"])
            return _json(replace(await handle(call), request_id=call.request_id))
        except BadQuery as problem:
            return transport_error(400, "Bad Request", request, str(problem))
        except OMRSException as error:
            return _json(failed(call.operation, error, call.release, call.request_id))
        except CohortSyncError as fault:
            _LOG.warning("%s could not be carried out: %s", call.operation.method, fault)
            method = call.operation.method
            unavailable = OMRSException(Kind.REPOSITORY_ERROR, Code.REPOSITORY_NOT_AVAILABLE, call.collection.context.source, method, method=method)
            return _json(failed(call.operation, unavailable, call.release, call.request_id))
        except Exception as problem:
            _LOG.exception("%s failed unexpectedly", call.operation.method)
            return _json(self._unexpected(call.operation, type(problem).__name__, "see the log of the server", call.release, call.request_id))

    async def _handled(self, call: Call) -> OMRSResponse:
        return await HANDLERS[call.operation.name](call)

    def _check_server(self, call: Call, server_name: str) -> None:
        if server_name != call.collection.context.member.server_name:
            raise invalid_parameter(Code.SERVER_NOT_AVAILABLE, server_name, call.user, method=call.operation.method, parameter="serverName")

    def _release(self, *, up_to_5: bool) -> WireRelease:
        """What the call itself shows, else what the members of this cohort are."""
        before_6 = up_to_5 or is_before_6(self._collection.context.types.registry.release)
        return WireRelease.UP_TO_5 if before_6 else WireRelease.FROM_6

    def _unexpected(self, operation: Operation, what: str, message: str, release: WireRelease, request_id: str | None) -> OMRSResponse:
        error = OMRSException(Kind.PROPERTY_SERVER, Code.UNEXPECTED_EXCEPTION, what, operation.method, message, method=operation.method)
        return failed(operation, error, release, request_id)

    async def _body(self, request: Request) -> bytes:
        """The body, no longer than it may be. Raises _TooLarge."""
        limit = self._limits.body_bytes
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            raise _TooLarge(limit)
        parts: list[bytes] = []
        size = 0
        try:
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise _TooLarge(limit)
                parts.append(part)
        except ClientDisconnect:
            raise BadBody("the caller went away before the body was complete") from None
        return b"".join(parts)


class _TooLarge(Exception):
    def __init__(self, limit: int) -> None:
        super().__init__(f"a body may have {limit} bytes")


async def _no_enterprise(call: Call) -> OMRSResponse:
    """What Java answers without enterprise services."""
    raise OMRSException(Kind.REPOSITORY_ERROR, Code.NO_ENTERPRISE_REPOSITORY, call.operation.method, method=call.operation.method)


def _json(body: OMRSResponse) -> Response:
    return Response(_encode(body), media_type="application/json", headers={"cache-control": "no-store"})
