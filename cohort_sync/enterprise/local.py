"""Our own member: asked without a network."""

from dataclasses import replace

from cohort_sync.api.omrs.call import Call
from cohort_sync.api.omrs.handlers import HANDLERS
from cohort_sync.api.omrs.responses import OMRSResponse
from cohort_sync.enterprise.member import Question
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.errors import CohortSyncError
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException


class LocalMember:
    """Asks the metadata collection that a call came to."""

    is_local = True

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def name(self) -> str:
        return self._call.collection.context.member.server_name

    @property
    def collection_id(self) -> str:
        return self._call.collection.context.collection_id

    async def present(self, _user: str) -> bool:
        return True

    async def ask(self, question: Question) -> OMRSResponse:
        call = replace(
            self._call,
            operation=question.operation,
            path=question.path,
            query=question.query,
            request=question.request,
        )
        try:
            return await HANDLERS[question.operation.name](call)
        except OMRSException:
            raise
        except CohortSyncError as fault:
            method = question.operation.method
            raise OMRSException(Kind.REPOSITORY_ERROR, Code.REPOSITORY_LOGIC_ERROR, self.name, method, str(fault), method=method) from fault
