"""What the command line asks of the worker: it writes a request into the store, the worker acts on it (one writer of state per store)."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from cohort_sync.cohort.outbound.planner import BAD_RUN, HALTED
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.store.rows import RequestRow

_log = structlog.stdlib.get_logger(__name__)
_LOOK_SECONDS = 1.0
RESUME = "resume"

Answer = tuple[WriteSet, str]
Handler = Callable[[Reader, dict[str, str]], Answer]


class RequestRefused(Exception):
    """The request cannot be done; the message is for the person who made it."""


def resume_source(reader: Reader, arguments: dict[str, str]) -> Answer:
    """Lift the halt of a source; it goes on with the record after the last dead letter."""
    source = arguments.get("source", "")
    if reader.fact(HALTED + source) is None:
        raise RequestRefused(f"source {source!r} is not halted")
    return WriteSet(facts={HALTED + source: None, BAD_RUN + source: "0"}), f"source {source} goes on"


class RequestDesk:
    """Looks once a second for requests and does them in order, each in one transaction with its result."""

    def __init__(self, store: Store, handlers: dict[str, Handler], *, done: Callable[[], None], stopping: asyncio.Event) -> None:
        self._store = store
        self._handlers = handlers
        self._done = done
        self._stopping = stopping

    async def run(self) -> None:
        """Until told to stop."""
        while not self._stopping.is_set():
            for request in await self._store.read(lambda reader: reader.requests("pending")):
                await self._do(request)
            try:
                await asyncio.wait_for(self._stopping.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue

    async def _do(self, request: RequestRow) -> None:
        def plan(reader: Reader) -> tuple[WriteSet, tuple[str, str]]:
            result = self._answer(reader, request)
            writes, state, text = result
            writes.request_results[request.id] = (state, text)
            return writes, (state, text)

        state, text = await self._store.transact(plan)
        _log.info("A request of the command line", verb=request.verb, state=state, result=text)
        self._done()

    def _answer(self, reader: Reader, request: RequestRow) -> tuple[WriteSet, str, str]:
        handler = self._handlers.get(request.verb)
        if handler is None:
            return WriteSet(), "failed", f"this worker does not know the request {request.verb!r}; it knows {', '.join(sorted(self._handlers))}"
        try:
            writes, text = handler(reader, msgspec.json.decode(request.arguments, type=dict[str, str]))
        except RequestRefused as refusal:
            return WriteSet(), "failed", str(refusal)
        return writes, "done", text
