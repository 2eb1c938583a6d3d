"""Which request is whose."""

from dataclasses import dataclass

from cohort_sync.cohort.requests import Ask, Discard, Publish, Refresh, Replay, Resume, Unregister
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import RequestRow
from cohort_sync.worker.requests.announcing import Announcing
from cohort_sync.worker.requests.answers import Answer, Leaving
from cohort_sync.worker.requests.dead_letters import DeadLetters
from cohort_sync.worker.requests.sources import resume


@dataclass(frozen=True, slots=True)
class RequestPlanner:
    """The next step of any request. Pure but for the contexts that its parts are given."""

    announcing: Announcing
    dead_letters: DeadLetters

    def plan(self, reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer:
        """`cursor` is where the step before left off, None for the first one."""
        match ask:
            case Resume():
                return resume(reader, ask)
            case Publish():
                return self.announcing.publish(reader, ask, cursor)
            case Refresh():
                return self.announcing.refresh(reader, ask, cursor)
            case Replay():
                return self.dead_letters.replay(reader, ask, row.created, cursor)
            case Discard():
                return self.dead_letters.discard(reader, ask, row.created, cursor)
            case Unregister():
                return Leaving()
