"""The OpenAPI document of the repository services, made from the one table of operations. Pure."""

import re
from typing import Any

from cohort_sync.api.omrs.operation import NullBody, Operation
from cohort_sync.api.omrs.operations import OPERATIONS
from cohort_sync.api.omrs.schemas import reference, schemas_of

_PREFIX = "/servers/{serverName}/open-metadata/repository-services/users/{userId}"
_PAGING = {"offset", "pageSize"}
_FLAGS = {"startsWith", "endsWith", "ignoreCase"}
_UNREACHED = {
    "400": "The body, or a query parameter, is no request of this operation.",
    "401": "The bearer token is missing or wrong.",
    "404": "No operation has this path.",
    "405": "This operation is a POST.",
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
        "paths": {_PREFIX + operation.path: _path(operation) for operation in OPERATIONS},
        "components": {"schemas": schemas_of(beans)},
    }
    if token:
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"bearer": []}]
    return document


def _path(operation: Operation) -> dict[str, Any]:
    variables = ["serverName", "userId", *re.findall(r"{(\w+)}", operation.path)]
    item: dict[str, Any] = {
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in variables],
        "post": _verb(operation, operation.name, "In the form of releases from 6.x." if operation.get else ""),
    }
    if operation.get:
        item["get"] = _verb(operation, operation.name + "ByGet", "In the form of releases up to 5.x.")
        # A GET may carry a body in releases up to 5.x, but no tool sends one: it is not told.
        del item["get"]["requestBody"]
    return item


def _verb(operation: Operation, name: str, form: str) -> dict[str, Any]:
    words = [form, "Only in releases up to 5.x." if operation.up_to_5_only else "", _bare(operation)]
    verb: dict[str, Any] = {
        "operationId": name,
        "summary": operation.method,
        "tags": [operation.path.split("/")[1]],
        "requestBody": {
            "required": operation.required,
            "content": {"application/json": {"schema": _body(operation)}},
        },
        "responses": {
            "200": {"description": "What the operation answered.", "content": {"application/json": {"schema": reference(operation.response)}}},
            **{status: {"description": reason} for status, reason in _UNREACHED.items()},
        },
    }
    if description := " ".join(word for word in words if word):
        verb["description"] = description
    if operation.query:
        verb["parameters"] = [_query(parameter) for parameter in operation.query]
    return verb


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
    kind = "integer" if name in _PAGING else "boolean" if name in _FLAGS else "string"
    return {"name": name, "in": "query", "required": not parameter.endswith("?"), "schema": {"type": kind}}
