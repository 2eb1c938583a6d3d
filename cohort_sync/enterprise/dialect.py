"""How a question is written for a member of each generation, and how its answer is read. Pure.

From 6.x every call is a POST with a request of its class; up to 5.x reads are GETs, and some bodies are the bean itself (spec repository-rest-api 1 and 7,
egeria-4.2/rest-endpoints).
"""

import re
from functools import cache
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from cohort_sync.api.omrs.operation import Root
from cohort_sync.api.omrs.responses import OMRSResponse
from cohort_sync.enterprise.member import Question
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, WireRelease
from cohort_sync.omrs.lenient import repaired

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw])
_KINDS = {kind.simple_name: kind for kind in Kind}
_CODES = {code.message_id: code for code in Code}
_SEARCHES = ("searchString", "startsWith", "endsWith", "ignoreCase", "searchCriteria")
_BELOW_SERVER = Root.USER.removeprefix("/servers/{serverName}")


class Written(Struct, frozen=True):
    """A call as HTTP has it; `path` is below the root of the server."""

    verb: str
    path: str
    query: dict[str, str]
    body: bytes


class BadAnswer(ValueError):
    """An answer that is no answer to the question."""


def written(question: Question, release: WireRelease) -> Written:
    """The call for a member of this generation."""
    operation = question.operation
    path = _BELOW_SERVER.replace("{userId}", quote(question.user, safe=""))
    path += re.sub(r"{(\w+)}", lambda place: quote(question.path[place[1]], safe=""), operation.path)
    query = {name: question.query[name] for parameter in operation.query if (name := parameter.rstrip("?")) in question.query and name not in _SEARCHES}
    query |= _search(question, release)
    if release is WireRelease.FROM_6:
        return Written("POST", path, query, _with_class(question))
    if operation.get and not operation.bare:
        return Written("GET", path, query, b"")
    body = _with_class(question)
    if operation.bare:
        body = bytes(_fields.decode(body).get(operation.bare, Raw(b"null")))
    return Written("GET" if operation.get else "POST", path, query, body)


def _with_class(question: Question) -> bytes:
    """The request with its class in front, which Java's own services do not need but other readers do."""
    data = _encode(question.request)
    head = b'{"class":"' + type(question.request).__name__.encode() + b'"'
    return head + (b"}" if data == b"{}" else b"," + data[1:])


def _search(question: Question, release: WireRelease) -> dict[str, str]:
    """What is searched for: up to 5.x `searchCriteria`, an expression that the whole value has to match; from 6.x a text with three flags."""
    if not any(parameter.rstrip("?") in _SEARCHES[:4] for parameter in question.operation.query):
        return {name: question.query[name] for name in _SEARCHES[4:] if name in question.query}
    given = {name: question.query[name] for name in _SEARCHES if name in question.query}
    if release is WireRelease.FROM_6:
        if "searchCriteria" in given:
            return {"searchString": given["searchCriteria"]}
        return given
    if "searchCriteria" in given or "searchString" not in given:
        return {name: text for name, text in given.items() if name == "searchCriteria"}
    text = "\\Q" + given["searchString"].replace("\\E", "\\E\\\\E\\Q") + "\\E"
    starts, ends, ignore = (given.get(flag, "").lower() == "true" for flag in _SEARCHES[1:4])
    return {"searchCriteria": ("(?i)" if ignore else "") + ("" if starts else ".*") + text + ("" if ends else ".*")}


# ------------------------------------------------------------ answers


@cache
def _decoder(response: type[OMRSResponse]) -> msgspec.json.Decoder[OMRSResponse]:
    return msgspec.json.Decoder(response)


def answer_of(question: Question, data: bytes) -> OMRSResponse:
    """The answer of a member. Raises OMRSException when it says that there was one, and BadAnswer."""
    response = question.operation.response
    try:
        answer = _decoded(response, data)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise BadAnswer(f"its answer is no {response.__name__}: {problem}") from None
    if answer.exception_class_name is not None or answer.related_http_code >= 400:
        raise _exception(question, answer)
    return answer


def _decoded(response: type[OMRSResponse], data: bytes) -> OMRSResponse:
    try:
        return _decoder(response).decode(data)
    except msgspec.DecodeError:
        return _decoder(response).decode(repaired(data, response))


def _exception(question: Question, answer: OMRSResponse) -> OMRSException:
    """What the member threw: the subclass where it is told, as Java's servers report one family by its base class."""
    method = answer.action_description or question.operation.method
    names = [(name or "").rpartition(".")[2] for name in (answer.exception_subclass_name, answer.exception_class_name)]
    kind = next((_KINDS[name] for name in names if name in _KINDS), Kind.REPOSITORY_ERROR)
    code = _CODES.get(answer.exception_error_message_id or "")
    properties = answer.exception_properties or {}
    blamed, user = properties.get("parameterName", ""), properties.get("userId", "")
    if code is None:
        text = answer.exception_error_message or f"relatedHTTPCode {answer.related_http_code}"
        return OMRSException(kind, Code.REPOSITORY_LOGIC_ERROR, "remote", method, text, method=method, parameter=blamed, user=user)
    return OMRSException(kind, code, *(answer.exception_error_message_parameters or ()), method=method, parameter=blamed, user=user)
