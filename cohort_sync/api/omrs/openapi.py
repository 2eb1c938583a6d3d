"""The OpenAPI document of the repository services, made from the one table of operations. Pure."""

import re
from typing import Any

from cohort_sync.api.omrs.operation import ENTERPRISE, NullBody, Operation
from cohort_sync.api.omrs.operations import OPERATIONS
from cohort_sync.api.omrs.schemas import reference, schemas_of

_NUMBERS = {"level"}
_FLAGS = {"startsWith", "endsWith", "ignoreCase"}
_UNREACHED = {
    "400": "The body, or a query parameter, is no request of this operation.",
    "401": "The bearer token is missing or wrong.",
    "403": "A web page of another site calls.",
    "404": "No operation has this path.",
    "405": "This operation has another verb.",
    "413": "The body is larger than this server takes.",
}


def openapi_document(version: str, *, server_url: str = "/", token: bool = False) -> dict[str, Any]:
    """The document, as JSON. `version`: of this program; `server_url`: where the paths begin; `token`: calls need a bearer token."""
    beans: set[type] = {operation.request for operation in OPERATIONS} | {operation.response for operation in OPERATIONS}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "OMRS repository services",
            "version": version,
            "description": "The metadata collection of this member, as the open metadata repository services (OMRS) of Egeria offer one. "
            "Whatever happened to a call, the transport says 200 and the body says what happened: `relatedHTTPCode` and the exception.",
        },
        "servers": [{"url": server_url}],
        "paths": _paths(),
        "components": {"schemas": schemas_of(beans)},
    }
    if token:
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"bearer": []}]
    return document


def _paths() -> dict[str, Any]:
    """Operations at one path have different verbs."""
    items: dict[str, Any] = {}
    for operation in OPERATIONS:
        for path in operation.paths:
            variables = re.findall(r"{(\w+)}", path)
            item = items.setdefault(path, {"parameters": [_variable(name) for name in variables]})
            item.update({verb.lower(): _verb(operation, verb, path) for verb in operation.verbs})
    return items


def _variable(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _verb(operation: Operation, verb: str, path: str) -> dict[str, Any]:
    both = len(operation.verbs) > 1
    form = f"In the form of releases {'from 6.x' if verb == 'POST' else 'up to 5.x'}." if both else ""
    words = [form, "Only in releases up to 5.x." if operation.up_to_5_only else "", _bare(operation) if verb == "POST" else ""]
    enterprise = ENTERPRISE + operation.path in path
    told: dict[str, Any] = {
        "operationId": _name(operation, verb, path, both=both, enterprise=enterprise),
        "summary": operation.method,
        "tags": ["enterprise" if enterprise else operation.path.split("/")[1]],
        "responses": {
            "200": {"description": "What the operation answered.", "content": {"application/json": {"schema": reference(operation.response)}}},
            **{status: {"description": reason} for status, reason in _UNREACHED.items()},
        },
    }
    if verb == "POST" and not operation.plain_errors:
        # A GET may carry a body in releases up to 5.x, but no tool sends one: it is not told.
        told["requestBody"] = {"required": operation.required, "content": {"application/json": {"schema": _body(operation)}}}
    if description := " ".join(word for word in words if word):
        told["description"] = description
    if operation.query:
        told["parameters"] = [_query(parameter) for parameter in operation.query]
    return told


def _name(operation: Operation, verb: str, path: str, *, both: bool, enterprise: bool) -> str:
    """Unique in the document."""
    root = next(root for root in operation.roots if path in (root + operation.path, root + ENTERPRISE + operation.path))
    parts = [operation.name, "OfEnterprise" if enterprise else "", "ByGet" if both and verb == "GET" else "", "" if root is operation.roots[0] else "WithUser"]
    return "".join(parts)


def _body(operation: Operation) -> dict[str, Any]:
    """The request, or `null`; up to 5.x what one of its fields holds."""
    choices = [reference(operation.request), {"type": "null"}]
    if operation.bare:
        choices.append({"$ref": f"{reference(operation.request)['$ref']}/properties/{operation.bare}"})
    return {"anyOf": choices}


def _bare(operation: Operation) -> str:
    told = [f"Up to 5.x the body may be what `{operation.bare}` holds."] if operation.bare else []
    if operation.null_body is not NullBody.EMPTY:
        told.append(f"The body `null`: {operation.null_body.value}.")
    return " ".join(told)


def _query(parameter: str) -> dict[str, Any]:
    name = parameter.rstrip("?")
    kind = "integer" if name in _NUMBERS else "boolean" if name in _FLAGS else "string"
    return {"name": name, "in": "query", "required": not parameter.endswith("?"), "schema": {"type": kind}}
