"""One call of the enterprise view: the members that take part in it, what they answered, and which of their errors is the answer when nobody has one."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from cohort_sync.api.omrs.call import Call
from cohort_sync.api.omrs.operation import Operation
from cohort_sync.api.omrs.operations import REPOSITORY
from cohort_sync.api.omrs.requests import GetRequest, OMRSRequest
from cohort_sync.api.omrs.responses import OMRSResponse
from cohort_sync.enterprise.member import Member, Question
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.instances import EntityDetail, Relationship

BY_NAME: Mapping[str, Operation] = {operation.name: operation for operation in REPOSITORY}
_AT_ONCE = 8
"""Questions under way at a time in one call."""
ResponseT = TypeVar("ResponseT", bound=OMRSResponse)


@dataclass(slots=True)
class Failures:
    """What members threw during one call."""

    errors: list[OMRSException] = field(default_factory=list)

    def note(self, error: OMRSException) -> None:
        """One more."""
        self.errors.append(error)

    def raise_first(self, order: Sequence[Kind]) -> None:
        """Raise the error that comes first in this order, after that any other; nothing when there was none."""
        for kind in order:
            for error in self.errors:
                if error.kind is kind:
                    raise error
        if self.errors:
            raise self.errors[0]


class Federation:
    """The members of one call, ours first. Those that cannot be asked are not among them."""

    def __init__(self, call: Call, members: Sequence[Member]) -> None:
        self.call = call
        self.members = members
        self.missed: list[EntityDetail | Relationship] = []
        """What is in the answer and was not told by ours."""
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def local(self) -> Member:
        """Our own."""
        return self.members[0]

    @property
    def method(self) -> str:
        """The OMRS method, as errors name it."""
        return self.call.operation.method

    async def ask(
        self,
        member: Member,
        response: type[ResponseT],
        operation: str = "",
        *,
        path: Mapping[str, str] | None = None,
        request: OMRSRequest | None = None,
    ) -> ResponseT:
        """Ask one member: what we were asked, or another operation with another path and an empty request. Raises OMRSException."""
        asked = BY_NAME[operation] if operation else self.call.operation
        empty = GetRequest() if asked.request is GetRequest else asked.request()
        question = Question(
            operation=asked,
            path=self.call.path if path is None else path,
            query=self.call.query if not operation else {},
            request=request or (empty if operation else self.call.request),
            user=self.call.user,
        )
        async with self._turns:
            answer = await member.ask(question)
        if not isinstance(answer, response):
            raise TypeError(f"{asked.name} answers {type(answer).__name__}, wanted is a {response.__name__}")
        return answer

    async def ask_all(
        self,
        response: type[ResponseT],
        operation: str = "",
        *,
        path: Mapping[str, str] | None = None,
        request: OMRSRequest | None = None,
        members: Iterable[Member] | None = None,
    ) -> tuple[list[tuple[Member, ResponseT]], Failures]:
        """Ask several members (all of them) at once; their answers in the order of the members, and what the others threw."""
        asked = list(self.members if members is None else members)
        failures = Failures()

        async def one(member: Member) -> ResponseT | OMRSException:
            try:
                return await self.ask(member, response, operation, path=path, request=request)
            except OMRSException as error:
                return error

        outcomes = await asyncio.gather(*map(one, asked))
        answers = []
        for member, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, OMRSException):
                failures.note(outcome)
            else:
                answers.append((member, outcome))
        return answers, failures
