"""The OMRS repository services over HTTP, in both dialects (spec repository-rest-api 2, 6 and 18).

A call that reaches an operation is answered with transport status 200, whatever happens: what is wrong stands in the body, where the client of the caller looks
for it. Other statuses mean that no operation was reached: 400 (body or query that is no request), 401, 404 (no such path), 405, 413.
"""

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from cohort_sync.api.omrs.operation import Operation
from cohort_sync.api.omrs.operations import OPERATIONS
from cohort_sync.api.omrs.responses import OMRSResponse, failed
from cohort_sync.api.omrs.routing import Router
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import is_before_6
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.errors import CohortSyncError, ConfigurationError
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, WireRelease, invalid_parameter

_LOG = logging.getLogger(__name__)
_PREFIX = "/servers/{server_name}/open-metadata/repository-services/users/{user_id}"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Who may call. `token`: a bearer token that every call has to carry; "" lets everybody in."""

    token: str = field(default="", repr=False)

    def admits(self, authorization: str | None) -> bool:
        """Is the Authorization header what it has to be?"""
        if not self.token:
            return True
        given = (authorization or "").removeprefix("Bearer ").encode()
        return hmac.compare_digest(given, self.token.encode())


def check_exposure(host: str, *, token: str, insecure: bool) -> None:
    """ConfigurationError when the services would listen beyond this machine with neither a token nor the word that this is meant."""
    if host in ("127.0.0.1", "::1", "localhost") or token or insecure:
        return
    raise ConfigurationError(
        f"http.host is {host}: the repository services would be open to everybody who reaches it. "
        "Set http.token to a secret that callers send as bearer token, or http.insecure = true where the network itself keeps others out"
    )


def omrs_routes(collection: MetadataCollection, *, access: Access | None = None, limits: Limits | None = None) -> list[Route]:
    """The routes of the repository services of this member.

    The server name of a path has to be that of the member; another one is answered as a Java platform answers for a server that it does not run.
    """
    service = _Service(collection, access or Access(), limits or Limits())
    return [
        Route("/v3/api-docs", service.document, methods=["GET"]),
        Route(f"{_PREFIX}/enterprise/{{operation:path}}", service.enterprise, methods=["GET", "POST"]),
        Route(f"{_PREFIX}/{{operation:path}}", service.local, methods=["GET", "POST"]),
    ]


class _Service:
    def __init__(self, collection: MetadataCollection, access: Access, limits: Limits) -> None:
        self._collection = collection
        self._access = access
        self._limits = limits
        self._router = Router(OPERATIONS)
        self._openapi: bytes | None = None

    async def document(self, _request: Request) -> Response:
        """The OpenAPI document, where the platforms of Java members have theirs."""
        if self._openapi is None:
            self._openapi = msgspec.json.encode(openapi_document(__version__, token=bool(self._access.token)))
        return Response(self._openapi, media_type="application/json")

    async def local(self, request: Request) -> Response:
        """A call of the local repository."""
        return await self._serve(request, self._handled)

    async def enterprise(self, request: Request) -> Response:
        """A call of the federated view, which this member does not have: what Java answers without enterprise services."""
        return await self._serve(request, _no_enterprise, enterprise=True)

    async def _serve(self, request: Request, handle: Handler, *, enterprise: bool = False) -> Response:
        if not self._access.admits(request.headers.get("authorization")):
            return _transport(401, "Unauthorized", request, "a bearer token is needed", {"www-authenticate": "Bearer"})
        found = self._router.find(request.path_params["operation"])
        if found is None or (enterprise and not found[0].enterprise):
            return _transport(404, "Not Found", request, "no operation has this path")
        operation, path = found
        get = request.method == "GET"
        if get and not operation.get:
            return _transport(405, "Method Not Allowed", request, "this operation is a POST", {"allow": "POST"})
        try:
            body = await self._body(request)
            given, up_to_5 = request_of(operation, body, get=get)
        except _TooLarge as problem:
            return _transport(413, "Payload Too Large", request, str(problem))
        except BadBody as problem:
            return _transport(400, "Bad Request", request, str(problem))
        except DoNothing:
            return _json(operation.response())
        except NullFails:
            return _json(self._unexpected(operation, "java.lang.NullPointerException", "the body is null", self._release(up_to_5=get), None))
        missing = [name for name in operation.query if not name.endswith("?") and name not in request.query_params]
        if missing:
            return _transport(400, "Bad Request", request, f"the query parameter {missing[0]} is missing")
        release = self._release(up_to_5=up_to_5 or operation.up_to_5_only or "searchCriteria" in request.query_params)
        call = Call(
            operation=operation,
            collection=self._collection,
            user=request.path_params["user_id"],
            path=path,
            query=request.query_params,
            request=given,
            request_id=given.request_id or str(uuid4()),
            release=release,
            limits=self._limits,
        )
        return await self._answered(call, request, handle)

    async def _answered(self, call: Call, request: Request, handle: Handler) -> Response:
        try:
            self._check_server(call, request.path_params["server_name"])
            return _json(replace(await handle(call), request_id=call.request_id))
        except BadQuery as problem:
            return _transport(400, "Bad Request", request, str(problem))
        except OMRSException as error:
            return _json(failed(call.operation.response, error, call.release, call.request_id))
        except CohortSyncError as fault:
            _LOG.warning("%s could not be carried out: %s", call.operation.method, fault)
            method = call.operation.method
            unavailable = OMRSException(Kind.REPOSITORY_ERROR, Code.REPOSITORY_NOT_AVAILABLE, call.collection.context.source, method, method=method)
            return _json(failed(call.operation.response, unavailable, call.release, call.request_id))
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
        return failed(operation.response, error, release, request_id)

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
    raise OMRSException(Kind.REPOSITORY_ERROR, Code.NO_ENTERPRISE_REPOSITORY, call.operation.method, method=call.operation.method)


def _json(body: OMRSResponse) -> Response:
    return Response(_encode(body), media_type="application/json")


def _transport(status: int, error: str, request: Request, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """No operation was reached: the form that a Spring platform writes."""
    body = {"status": status, "error": error, "message": message, "path": request.url.path}
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=dict(headers or {}))
