"""The loop of a flow: poll, commit, poll again; a fault of the moment pauses it, a lost position sends it back to the store.

What is in a batch and what becomes of it is the subclass's; that a batch is committed once, or read again, is decided here.

A flow may read ahead: while the disk takes one batch, the next one is fetched and decoded, which hides most of the wait (bench: apply). It is committed only
after the one before, and dropped when anything came between, because then its records come again.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import structlog

from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.store.protocol import PositionLost
from cohort_sync.stream.broker_wait import Backoff
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.reading import Batch

_log = structlog.stdlib.get_logger(__name__)
_STORE_BACKOFF = Backoff(first=0.1, cap=5.0)
WorkT = TypeVar("WorkT")


class Flow(ABC, Generic[WorkT]):
    """One consumer and what it feeds; `WorkT` is what is made of a batch beforehand.

    `run` returns when `stopping` is set and the batch in hand is committed or given up.
    """

    def __init__(self, name: str, reader: BatchReader, metrics: Metrics, stopping: asyncio.Event) -> None:
        self.name = name
        self.reader = reader
        self.metrics = metrics
        self.stopping = stopping
        self.progress_at = time.monotonic()
        """When a batch was committed or nothing was there to commit (monotonic seconds), for the watchdog."""
        self._ahead: asyncio.Task[tuple[Batch, WorkT]] | None = None
        self._spare = asyncio.Event()
        """Set when the processor has time for the next batch."""
        self._spare.set()

    @abstractmethod
    async def prepare(self, batch: Batch) -> WorkT:
        """What can be done of a batch without the store, such as decoding. Called once for each, possibly while the one before is being committed."""

    @abstractmethod
    async def commit(self, batch: Batch, work: WorkT) -> None:
        """Plan and commit one batch with its positions. Raises PositionLost or TransientFault with nothing changed."""

    @abstractmethod
    async def between(self) -> None:
        """Called after each poll, with a batch or without: what has to be looked after beside the records."""

    @property
    def may_be_ready(self) -> bool:
        """Whether nothing but the broker keeps this flow from being ready."""
        return True

    async def run(self) -> None:
        """Read and commit until told to stop. Raises FatalFault, and nothing else that is not a bug."""
        pauses = _STORE_BACKOFF.pauses()
        try:
            while not self.stopping.is_set():
                try:
                    await self._round()
                    pauses = _STORE_BACKOFF.pauses()
                except TransientFault as fault:
                    await self._wait_out(fault, next(pauses))
        finally:
            if self._ahead is not None:
                await asyncio.gather(self._ahead, return_exceptions=True)
            await self.reader.stop()

    async def _round(self) -> None:
        batch, work = await self._next()
        if batch and self.reader.is_current(batch):
            await self._commit_when_possible(batch, work)
        self.progress_at = time.monotonic()
        await self.between()

    async def _wait_out(self, fault: TransientFault, pause: float) -> None:
        """Where reading begins could not be found out (the store or the broker did not answer, or somebody moved a position just then): ask again."""
        self.metrics.transient_fault("store")
        _log.warning(f"Reading cannot go on now; it is tried again in {pause:.1f} s", flow=self.name, reason=str(fault))
        self.reader.reposition()
        try:
            await asyncio.wait_for(self.stopping.wait(), pause)
        except TimeoutError:
            return

    @contextmanager
    def reading_ahead(self) -> Iterator[Callable[[], None]]:
        """Fetch the next batch meanwhile; what is handed out is to be called (from any thread) when the batch in hand only waits for the disk, and lets the
        next one be prepared. Earlier the two would only take the interpreter from each other.

        Only where nobody else may get the partitions: to the reader the batch in hand is done with then, and a rebalance would not wait for it.
        """
        loop = asyncio.get_running_loop()

        def committing() -> None:
            loop.call_soon_threadsafe(self._spare.set)

        self._spare.clear()
        if self._ahead is None:
            self._ahead = asyncio.create_task(self._read(), name=f"cohort-sync-ahead-{self.name}")
        try:
            yield committing
        finally:
            self._spare.set()

    async def _next(self) -> tuple[Batch, WorkT]:
        ahead, self._ahead = self._ahead, None
        return await (self._read() if ahead is None else ahead)

    async def _read(self) -> tuple[Batch, WorkT]:
        batch = await self.reader.poll()
        await self._spare.wait()
        return batch, await self.prepare(batch)

    async def _commit_when_possible(self, batch: Batch, work: WorkT) -> None:
        began = time.monotonic()
        pauses = _STORE_BACKOFF.pauses()
        while True:
            try:
                await self.commit(batch, work)
            except PositionLost as lost:
                _log.warning("A position was moved by somebody else; reading goes on where the store says", flow=self.name, reason=str(lost))
                self.reader.reposition()
                return
            except TransientFault as fault:
                pause = next(pauses)
                self.metrics.transient_fault("store")
                _log.warning(f"A batch cannot be committed now; it is tried again in {pause:.1f} s", flow=self.name, reason=str(fault), records=len(batch))
                if self._ahead is not None:
                    await asyncio.wait({self._ahead})  # only one thing at a time may be asked of the reader
                await self.reader.hold(pause)
                if self.stopping.is_set() or not self.reader.is_current(batch):
                    self.reader.reposition()
                    return
            else:
                self.metrics.batch(self.name, time.monotonic() - began, len(batch))
                return


Clock = Callable[[], int]
"""Epoch milliseconds."""
