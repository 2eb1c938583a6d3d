"""Request bodies as they come: strict first, then as tolerant as Java is and more (spec repository-rest-api 18.2).

A missing `class`, unknown fields, dates as text and nulls are all taken; up to 5.x some bodies are the bean itself, which is told from the request by its
`class` or by the field that it does not have.
"""

from functools import cache

import msgspec

from cohort_sync.api.omrs.operation import NullBody, Operation
from cohort_sync.api.omrs.requests import OMRSRequest
from cohort_sync.omrs.lenient import repaired

MAX_DEPTH = 400
"""How deep arrays and objects may be nested."""


class BadBody(ValueError):
    """A body that is not JSON, or does not fit the operation: the transport says 400."""


class NoBody(BadBody):
    """There is no body, and the operation needs one."""


class DoNothing(Exception):
    """The body is `null` where that means: success, and nothing is done."""


class NullFails(Exception):
    """The body is `null` where Java fails on it."""


def request_of(operation: Operation, data: bytes, *, get: bool = False) -> tuple[OMRSRequest, bool]:
    """The request in a body, and whether it came in the form of releases up to 5.x. Raises BadBody, NoBody, DoNothing or NullFails."""
    text = data.strip()
    if not text:
        if operation.required and not get:
            raise NoBody(f"{operation.name} needs a body of class {operation.request.__name__}")
        return operation.request(), get
    if text == b"null":
        if operation.null_body is NullBody.NOTHING:
            raise DoNothing
        if operation.null_body is NullBody.FAILS:
            raise NullFails
        return operation.request(), get
    if _too_deep(text):
        raise BadBody(f"the body nests more than {MAX_DEPTH} arrays and objects")
    try:
        bare = bool(operation.bare) and _is_bare(operation, text, get=get)
        if bare:
            text = b'{"' + operation.bare.encode() + b'":' + text + b"}"
        return _decoded(operation.request, text), bare or get
    except RecursionError:
        raise BadBody("the body is nested too deeply") from None
    except (msgspec.DecodeError, ValueError) as problem:
        raise BadBody(f"the body is no {operation.request.__name__}: {problem}") from None


def _decoded(request: type[OMRSRequest], text: bytes) -> OMRSRequest:
    decoder = _decoder(request)
    try:
        if b"null" not in text:
            return decoder.decode(text)
    except msgspec.DecodeError:
        pass  # the second look says why it cannot be taken, or repairs it
    return decoder.decode(repaired(text, request))


@cache
def _decoder(request: type[OMRSRequest]) -> msgspec.json.Decoder[OMRSRequest]:
    return msgspec.json.Decoder(request)


_top_level = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)


def _is_bare(operation: Operation, text: bytes, *, get: bool) -> bool:
    """Is the body the bean itself?"""
    if text[:1] != b"{":
        return True
    fields = _top_level.decode(text)
    name = fields.get("class")
    java_class = _text.decode(name) if name is not None and bytes(name)[:1] == b'"' else ""
    if java_class == operation.request.__name__ or not fields:
        return False
    return get or operation.bare not in fields or (java_class != "" and java_class == operation.bare[:1].upper() + operation.bare[1:])


def _too_deep(text: bytes) -> bool:
    """Only a body with that many brackets can be; then it is counted. Brackets in strings count too, which is on the safe side of nothing: they are looked
    through."""
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return False
    depth = deepest = 0
    in_string = escaped = False
    for byte in text:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest > MAX_DEPTH
