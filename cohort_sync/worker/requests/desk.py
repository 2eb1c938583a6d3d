"""The desk: looks for requests, and does them one step after the other, each step in one transaction with the state of its request.

A long request (publish) takes many steps. Between two of them every other request has its turn, and no step is made while the outbox is long: what is announced
again must not push out what is new, and the store must not swell. The cursor of a request lies in the store, so the next process goes on with it.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from cohort_sync.cohort.requests import DONE, FAILED, RUNNING, UNFINISHED, Ask, UnknownRequest, ask_of
from cohort_sync.omrs.errors import CohortSyncError, TransientFault
from cohort_sync.store.protocol import Planner, Reader, Store, WriteSet
from cohort_sync.store.rows import RequestRow
from cohort_sync.worker.requests.answers import Answer, Done, Going, Leaving, Refused

_log = structlog.stdlib.get_logger(__name__)
_LOOK_SECONDS = 0.5
_NEXT_SECONDS = 0.02
_ROOM_SECONDS = 0.1
OUTBOX_ROOM = 2_000
"""With so many events to send a long request waits."""
CURSOR = "request:"
"""Fact: where the next step of a request begins; its id follows."""


class StepPlanner(Protocol):
    """The next step of a request; `cursor` is None for the first one. Runs in the writer's thread, inside the transaction of the step."""

    def __call__(self, reader: Reader, ask: Ask, row: RequestRow, cursor: str | None) -> Answer: ...


class RequestDesk:
    """One for a worker. `turn` is held during a step: whoever plans for the cohort flow holds it too, because a replay may teach types.

    `committed` is told after each step (there may be something to send), `leave` the id of a request to leave the cohort, which ends the desk.
    """

    def __init__(
        self, store: Store, plan: StepPlanner, *, turn: asyncio.Lock, committed: Callable[[], None], leave: Callable[[int], None], stopping: asyncio.Event
    ) -> None:
        self._store = store
        self._plan = plan
        self._turn = turn
        self._committed = committed
        self._leave = leave
        self._stopping = stopping

    async def run(self) -> None:
        """Until told to stop, or a request tells the worker to leave. Raises FatalFault."""
        while not self._stopping.is_set():
            pause = _LOOK_SECONDS
            try:
                for row in await self._store.read(lambda reader: reader.requests(*UNFINISHED)):
                    match await self._step(row):
                        case Leaving():
                            self._leave(row.id)
                            return
                        case Going():
                            pause = _NEXT_SECONDS
                        case None:
                            pause = min(pause, _ROOM_SECONDS)
                        case Done() | Refused():
                            continue
            except TransientFault as fault:
                _log.warning("A request cannot be done now; it is tried again", reason=str(fault))
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                continue

    async def _step(self, row: RequestRow) -> Answer | None:
        """One step; None when it was not the time for it."""
        if row.state == RUNNING and await self._store.read(lambda reader: reader.outbox_size()) >= OUTBOX_ROOM:
            return None
        async with self._turn:
            try:
                answer = await self._store.transact(self._planner(row))
            except CohortSyncError:
                raise
            except Exception as bug:  # a request that breaks the worker would break it again at each start
                _log.error("A request failed unexpectedly, this is a bug", verb=row.verb, request=row.id, exc_info=bug)
                answer = Refused(text=f"it failed unexpectedly, this is a bug: {type(bug).__name__}: {bug}")
                writes = _settled(row, answer)
                await self._store.transact(lambda _reader: (writes, None))
            if not isinstance(answer, Leaving) and answer.after is not None:
                answer.after()
        self._tell(row, answer)
        return answer

    def _planner(self, row: RequestRow) -> Planner[Answer]:
        def plan(reader: Reader) -> tuple[WriteSet, Answer]:
            try:
                answer = self._plan(reader, ask_of(row), row, reader.fact(f"{CURSOR}{row.id}"))
            except UnknownRequest as problem:
                answer = Refused(text=str(problem))
            return _settled(row, answer), answer

        return plan

    def _tell(self, row: RequestRow, answer: Answer) -> None:
        match answer:
            case Going():
                _log.debug("A request goes on", verb=row.verb, request=row.id, so_far=answer.text)
            case Done():
                _log.info("A request is done", verb=row.verb, request=row.id, result=answer.text)
            case Refused():
                _log.warning("A request was not done", verb=row.verb, request=row.id, reason=answer.text)
            case Leaving():
                _log.info("Told to leave the cohort", request=row.id)
        self._committed()


def _settled(row: RequestRow, answer: Answer) -> WriteSet:
    """What a step writes, with the state of its request."""
    cursor = f"{CURSOR}{row.id}"
    match answer:
        case Going():
            answer.writes.request_results[row.id] = (RUNNING, answer.text)
            answer.writes.facts[cursor] = answer.cursor
            return answer.writes
        case Done():
            answer.writes.request_results[row.id] = (DONE, answer.text)
            answer.writes.facts[cursor] = None
            return answer.writes
        case Refused():
            answer.writes.request_results[row.id] = (FAILED, answer.text)
            answer.writes.facts[cursor] = None
            return answer.writes
        case Leaving():
            return WriteSet()
