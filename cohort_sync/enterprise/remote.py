"""Another member, asked over REST: the one place that calls other servers.

Which generation it is of shows when it refuses a verb. It has a deadline for each answer; one that was not reached is left alone for a moment, so that it
costs a caller one deadline and not one for each question. What it says it cannot do is not asked again (spec repository-rest-api 6.3).
"""

import asyncio
import time

import httpx2

from cohort_sync.api.omrs.operations import REPOSITORY
from cohort_sync.api.omrs.requests import GetRequest
from cohort_sync.api.omrs.responses import MetadataCollectionIdResponse, OMRSResponse
from cohort_sync.enterprise.dialect import BadAnswer, Written, answer_of, written
from cohort_sync.enterprise.member import Question
from cohort_sync.ocf.broker import RestRepository
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, WireRelease

_REST_SECONDS = 5.0
"""How long a member that was not reached is left alone."""
_IDENTITY = next(operation for operation in REPOSITORY if operation.name == "getMetadataCollectionId")
_OTHER = {WireRelease.FROM_6: WireRelease.UP_TO_5, WireRelease.UP_TO_5: WireRelease.FROM_6}


class RemoteMember:
    """One member that is registered with a connection. `release` is the generation that is tried first."""

    is_local = False

    def __init__(
        self,
        collection_id: str,
        name: str,
        repository: RestRepository,
        client: httpx2.AsyncClient,
        *,
        release: WireRelease,
        seconds: float,
        max_bytes: int,
    ) -> None:
        """`seconds`: what it has for each answer; `max_bytes`: the longest answer that is read."""
        self.collection_id = collection_id
        self.name = name
        self.problem: str | None = None
        """Why it was left out of the last request, None when it was not."""
        self._repository = repository
        self._client = client
        self._release = release
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._identified = False
        self._rests_until = 0.0
        self._refused: dict[str, OMRSException] = {}
        self._auth = httpx2.BasicAuth(repository.user, repository.password) if repository.user and repository.password else None

    async def present(self, user: str) -> bool:
        if time.monotonic() < self._rests_until:
            return False
        if self._identified:
            return True
        try:
            answer = await self.ask(Question(operation=_IDENTITY, path={}, query={}, request=GetRequest(), user=user))
        except OMRSException as error:
            self._rest(str(error))
            return False
        found = answer.metadata_collection_id if isinstance(answer, MetadataCollectionIdResponse) else None
        if found != self.collection_id:
            self._rest(f"it says that its metadata collection id is {found}, registered is {self.collection_id}")
            return False
        self._identified, self.problem = True, None
        return True

    async def ask(self, question: Question) -> OMRSResponse:
        refused = self._refused.get(question.operation.name)
        if refused is not None:
            raise refused
        try:
            async with asyncio.timeout(self._seconds):
                return await self._asked(question)
        except OMRSException as error:
            if error.kind is Kind.FUNCTION_NOT_SUPPORTED and self._identified:
                self._refused[question.operation.name] = error
            raise
        except TimeoutError:
            raise self._away(question, f"it did not answer within {self._seconds:g} s") from None
        except httpx2.TransportError as problem:
            raise self._away(question, str(problem) or type(problem).__name__) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, BadAnswer) as problem:
            raise self._error(question, str(problem)) from None

    async def _asked(self, question: Question) -> OMRSResponse:
        status, data = await self._send(written(question, self._release))
        if status == httpx2.codes.METHOD_NOT_ALLOWED:
            status, data = await self._send(written(question, _OTHER[self._release]))
            if status == httpx2.codes.OK:
                self._release = _OTHER[self._release]
        match status:
            case httpx2.codes.OK:
                return answer_of(question, data)
            case httpx2.codes.NOT_FOUND | httpx2.codes.METHOD_NOT_ALLOWED:
                method = question.operation.method
                raise OMRSException(Kind.FUNCTION_NOT_SUPPORTED, Code.METHOD_NOT_IMPLEMENTED, method, self.name, "of another release", method=method)
            case httpx2.codes.UNAUTHORIZED | httpx2.codes.FORBIDDEN:
                method, user = question.operation.method, question.user
                raise OMRSException(Kind.USER_NOT_AUTHORIZED, Code.USER_NOT_AUTHORIZED, user, method, self.name, method=method, user=user)
            case _:
                raise self._error(question, f"it answered with HTTP status {status}")

    async def _send(self, call: Written) -> tuple[int, bytes]:
        url = self._repository.root + call.path
        headers = {"content-type": "application/json"} if call.body else {}
        async with self._client.stream(
            call.verb, url, params=call.query, content=call.body, headers=headers, auth=self._auth or httpx2.USE_CLIENT_DEFAULT
        ) as answer:
            parts: list[bytes] = []
            size = 0
            async for part in answer.aiter_bytes():
                size += len(part)
                if size > self._max_bytes:
                    raise BadAnswer(f"its answer is longer than {self._max_bytes} bytes; ask for pages")
                parts.append(part)
        return answer.status_code, b"".join(parts)

    def _away(self, question: Question, reason: str) -> OMRSException:
        self._rest(reason)
        return self._error(question, reason)

    def _rest(self, reason: str) -> None:
        self.problem = reason
        self._identified = False
        self._rests_until = time.monotonic() + _REST_SECONDS

    def _error(self, question: Question, reason: str) -> OMRSException:
        method = question.operation.method
        return OMRSException(Kind.REPOSITORY_ERROR, Code.REPOSITORY_LOGIC_ERROR, self.name, method, reason, method=method)
