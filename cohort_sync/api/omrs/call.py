"""One call of an operation, as its handler sees it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from cohort_sync.api.omrs.operation import Operation
from cohort_sync.api.omrs.requests import OMRSRequest, PagedFindRequest
from cohort_sync.api.omrs.responses import OMRSResponse
from cohort_sync.api.omrs.surroundings import Surroundings
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import is_before_6
from cohort_sync.collection.headers import Author
from cohort_sync.omrs.error_codes import OMRSErrorCode
from cohort_sync.omrs.exceptions import ExceptionKind, OMRSException, WireRelease
from cohort_sync.omrs.finds import Paging

RequestT = TypeVar("RequestT", bound=OMRSRequest)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one call may ask for."""

    page_size: int = 10_000
    """Results in one answer. A page size of 0 asks for all: it is answered as long as all are no more than this."""
    body_bytes: int = 16_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Everything that came with a request."""

    operation: Operation
    collection: MetadataCollection
    surroundings: Surroundings
    user: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    request: OMRSRequest
    request_id: str
    release: WireRelease
    limits: Limits

    @property
    def author(self) -> Author:
        """Who changes something. Releases up to 5.x do not know the request by which an instance was changed last."""
        before_6 = is_before_6(self.collection.context.types.registry.release)
        return Author(self.user, None if before_6 else self.request_id)

    def body(self, request: type[RequestT]) -> RequestT:
        """The body, which the table says is of this class."""
        if not isinstance(self.request, request):
            raise TypeError(f"{self.operation.name} has a {type(self.request).__name__}, its handler wants a {request.__name__}")
        return self.request

    def flag(self, name: str) -> bool:
        """A query parameter that is a boolean; a missing one is false."""
        return self.query.get(name, "").lower() == "true"

    def number(self, name: str) -> int:
        """A query parameter that is a whole number."""
        try:
            return int(self.query.get(name, ""))
        except ValueError:
            raise BadQuery(f"the query parameter {name} has to be a whole number") from None

    def paging(self, request: PagedFindRequest) -> Paging:
        """The page that is asked for, inside of the limits. Raises PagingError."""
        return Paging(
            offset=request.offset,
            page_size=self.page_size(request.page_size),
            sequencing_property=request.sequencing_property,
            sequencing_order=request.sequencing_order,
        )

    def page_size(self, asked: int) -> int:
        """The page size to read with: one more than allowed where all are asked for, so that it can be seen whether they are too many."""
        if asked > self.limits.page_size:
            raise self._too_many(f"pageSize is {asked}, at most {self.limits.page_size} results are given at once")
        return asked or self.limits.page_size + 1

    def within_limit(self, results: Sequence[T] | None) -> None:
        """Raise PagingError when all were asked for and they are too many."""
        if results is not None and len(results) > self.limits.page_size:
            raise self._too_many(f"there are more than {self.limits.page_size} results; ask for a page of them")

    def _too_many(self, reason: str) -> OMRSException:
        method = self.operation.method
        return OMRSException(ExceptionKind.PAGING_ERROR, OMRSErrorCode.REQUEST_TOO_LARGE, method, self.collection.context.source, reason, method=method)


class BadQuery(ValueError):
    """A query parameter that is missing or no value of its kind: the transport says 400."""


Handler: TypeAlias = Callable[[Call], Awaitable[OMRSResponse]]
