"""A member of the cohort as the enterprise view asks it: the same questions to ours and to the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cohort_sync.api.omrs.operation import Operation
from cohort_sync.api.omrs.requests import OMRSRequest
from cohort_sync.api.omrs.responses import OMRSResponse


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One call of a member: an operation with everything that it needs."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, str]
    request: OMRSRequest
    user: str


class Member(Protocol):
    """One member."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def collection_id(self) -> str:
        """Its metadata collection id."""
        ...

    @property
    def is_local(self) -> bool:
        """Is it this one?"""
        ...

    async def ask(self, question: Question) -> OMRSResponse:
        """Its answer, of the class that the operation has. Raises OMRSException: what the member threw, or RepositoryError when it cannot be had."""
        ...

    async def present(self, user: str) -> bool:
        """Can it be asked, and is it the member that is registered? One that is not is left out of the request."""
        ...
