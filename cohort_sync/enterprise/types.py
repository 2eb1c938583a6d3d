"""The types of all members (spec metadata-collection-semantics 13.1): whoever is asked first decides where two know a type differently."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from cohort_sync.api.omrs import responses as res
from cohort_sync.enterprise.federation import Failures, Federation
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef

One = TypeVar("One", TypeDef, AttributeTypeDef)
ResponseT = TypeVar("ResponseT", bound=res.OMRSResponse)
_ORDER = (Kind.REPOSITORY_ERROR, Kind.USER_NOT_AUTHORIZED, Kind.INVALID_PARAMETER, Kind.TYPEDEF_NOT_KNOWN)


def _each_once(several: Iterable[list[One] | None]) -> list[One] | None:
    """By GUID and version name, the first."""
    found: dict[tuple[str | None, str | None], One] = {}
    for types in several:
        for one in types or ():
            found.setdefault((one.guid, one.version_name), one)
    return list(found.values()) or None


async def _all(federation: Federation, response: type[ResponseT]) -> list[ResponseT]:
    answers, failures = await federation.ask_all(response)
    if not answers:
        failures.raise_first(_ORDER)
    return [answer for _, answer in answers]


async def find_gallery(federation: Federation) -> res.OMRSResponse:
    answers = await _all(federation, res.TypeDefGalleryResponse)
    return res.TypeDefGalleryResponse(
        attribute_type_defs=_each_once(answer.attribute_type_defs for answer in answers), type_defs=_each_once(answer.type_defs for answer in answers)
    )


async def find_type_defs(federation: Federation) -> res.OMRSResponse:
    return res.TypeDefListResponse(type_defs=_each_once(answer.type_defs for answer in await _all(federation, res.TypeDefListResponse)))


async def find_attribute_type_defs(federation: Federation) -> res.OMRSResponse:
    answers = await _all(federation, res.AttributeTypeDefListResponse)
    return res.AttributeTypeDefListResponse(attribute_type_defs=_each_once(answer.attribute_type_defs for answer in answers))


def _first(response: type[ResponseT], has: Callable[[ResponseT], object]) -> Callable[[Federation], Awaitable[res.OMRSResponse]]:
    """The answer of the first member that has one. Raises TypeDefNotKnown."""

    async def asked(federation: Federation) -> res.OMRSResponse:
        failures = Failures()
        for member in federation.members:
            try:
                answer = await federation.ask(member, response)
            except OMRSException as error:
                failures.note(error)
                continue
            if has(answer) is not None:
                return answer
        failures.raise_first((Kind.TYPEDEF_NOT_KNOWN, *_ORDER))
        return response()

    return asked


get_type_def = _first(res.TypeDefResponse, lambda answer: answer.type_def)
get_attribute_type_def = _first(res.AttributeTypeDefResponse, lambda answer: answer.attribute_type_def)


async def verify(federation: Federation) -> res.OMRSResponse:
    """Does somebody have this type? A conflict with anybody's is a conflict."""
    answers, failures = await federation.ask_all(res.BooleanResponse)
    conflict = next((error for error in failures.errors if error.kind is Kind.TYPEDEF_CONFLICT), None)
    if conflict is not None:
        raise conflict
    if not answers:
        failures.raise_first(_ORDER)
    return res.BooleanResponse(flag=any(answer.flag for _, answer in answers))
