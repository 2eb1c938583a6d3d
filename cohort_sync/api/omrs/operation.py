"""What an operation of the repository services is: one row of the table that both dialects, the routing and the OpenAPI document are made from.

From 6.x every operation of the repository is a POST; up to 5.x the reads marked `get` are GETs on the same path. Both are served always, together with the
operations that only releases up to 5.x have (spec repository-rest-api 9, egeria-4.2/rest-endpoints).
"""

from collections.abc import Iterator
from enum import Enum, StrEnum

import msgspec

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res


class NullBody(Enum):
    """What Java does with the body `null` (spec repository-rest-api 9.1)."""

    EMPTY = "as if an empty body had been sent"
    NOTHING = "success, and nothing is done"
    FAILS = "an unexpected exception"


class Root(StrEnum):
    """What the path of an operation begins with."""

    USER = "/servers/{serverName}/open-metadata/repository-services/users/{userId}"
    SERVER = "/servers/{serverName}/open-metadata/repository-services"
    """Who asks is not in the path: the bearer token says it, or the query parameter `delegatingUserId`."""
    PLATFORM = "/open-metadata/platform-services/server-platform"
    SERVER_OPERATIONS = "/open-metadata/server-operations/servers/{serverName}"


ENTERPRISE = "/enterprise"
"""Comes behind the root where all members are asked together."""


class Operation(msgspec.Struct, frozen=True):
    """One operation of the API."""

    name: str
    """Unique; the key of its handler."""
    method: str
    """The OMRS method, as errors name it."""
    path: str
    request: type[req.OMRSRequest]
    response: type[res.OMRSResponse]
    get: bool = False
    """Up to 5.x it is a GET."""
    required: bool = True
    """Without a body the transport says 400."""
    null_body: NullBody = NullBody.EMPTY
    bare: str = ""
    """Up to 5.x the body is the bean itself: the field of the request that it stands for."""
    query: tuple[str, ...] = ()
    """Query parameters; a trailing `?` marks an optional one."""
    enterprise: bool = True
    """Also below `/enterprise`."""
    up_to_5_only: bool = False
    roots: tuple[Root, ...] = (Root.USER,)
    post: bool = True
    delete: bool = False
    local: bool = True
    """Not only below `/enterprise`."""
    plain_errors: bool = False
    """Errors as the services around the repository write them: without the subclass (spec repository-rest-api 13)."""

    @property
    def verbs(self) -> tuple[str, ...]:
        """In the order in which they are told."""
        chosen = (("POST", self.post), ("GET", self.get), ("DELETE", self.delete))
        return tuple(verb for verb, served in chosen if served)

    @property
    def paths(self) -> Iterator[str]:
        """Every whole path under which it is."""
        for root in self.roots:
            if self.local:
                yield root + self.path
            if self.enterprise:
                yield root + ENTERPRISE + self.path


def read(name: str, path: str, response: type[res.OMRSResponse], *, method: str = "", query: str = "", enterprise: bool = True) -> Operation:
    """A read without conditions: a GET up to 5.x."""
    return Operation(name, method or name, path, req.GetRequest, response, get=True, required=False, query=tuple(query.split()), enterprise=enterprise)


def call(
    name: str,
    path: str,
    request: type[req.OMRSRequest],
    response: type[res.OMRSResponse],
    *,
    method: str = "",
    get: bool = False,
    required: bool = True,
    null: NullBody = NullBody.EMPTY,
    bare: str = "",
    query: str = "",
    enterprise: bool = True,
    up_to_5_only: bool = False,
) -> Operation:
    """An operation with a body of its own."""
    return Operation(name, method or name, path, request, response, get, required, null, bare, tuple(query.split()), enterprise, up_to_5_only)


def around(
    name: str,
    path: str,
    response: type[res.OMRSResponse],
    *roots: Root,
    method: str = "",
    verb: str = "GET",
    query: str = "delegatingUserId?",
    up_to_5_only: bool = False,
) -> Operation:
    """An operation of what is around the repository: cohorts, audit log, platform. One verb in all releases, no body that matters."""
    return Operation(
        name,
        method or name,
        path,
        req.GetRequest,
        response,
        get=verb == "GET",
        post=verb == "POST",
        delete=verb == "DELETE",
        required=False,
        query=tuple(query.split()),
        enterprise=False,
        up_to_5_only=up_to_5_only,
        roots=roots,
        plain_errors=True,
    )
