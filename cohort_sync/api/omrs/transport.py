"""Who may call, and what the transport says when no operation was reached."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Who may call. `token`: a bearer token that every call has to carry; "" lets everybody in."""

    token: str = field(default="", repr=False)

    def admits(self, authorization: str | None) -> bool:
        """Is the Authorization header what it has to be?"""
        return self.is_token((authorization or "").removeprefix("Bearer "))

    def is_token(self, given: str) -> bool:
        """Is it the token? Everything is when none is asked for."""
        return not self.token or hmac.compare_digest(given.encode(errors="replace"), self.token.encode())


def transport_error(status: int, error: str, request: Request, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """No operation was reached: the form that a Spring platform writes."""
    body = {"status": status, "error": error, "message": message, "path": request.url.path}
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=dict(headers or {}))
