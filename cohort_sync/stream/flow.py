"""The loop of a flow: poll, commit, poll again; a fault of the moment pauses it, a lost position sends it back to the store.

What is in a batch and what becomes of it is the subclass's; that a batch is committed once, or read again, is decided here.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import structlog

from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.store.protocol import PositionLost
from cohort_sync.stream.broker_wait import Backoff
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.reading import Batch

_log = structlog.stdlib.get_logger(__name__)
_STORE_BACKOFF = Backoff(first=0.1, cap=5.0)


class Flow(ABC):
    """One consumer and what it feeds. `run` returns when `stopping` is set and the batch in hand is committed or given up."""

    def __init__(self, name: str, reader: BatchReader, metrics: Metrics, stopping: asyncio.Event) -> None:
        self.name = name
        self.reader = reader
        self.metrics = metrics
        self.stopping = stopping
        self.progress_at = time.monotonic()
        """When a batch was committed or nothing was there to commit (monotonic seconds), for the watchdog."""

    @abstractmethod
    async def commit(self, batch: Batch) -> None:
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
        try:
            while not self.stopping.is_set():
                batch = await self.reader.poll()
                if batch:
                    await self._commit_when_possible(batch)
                self.progress_at = time.monotonic()
                await self.between()
        finally:
            await self.reader.stop()

    async def _commit_when_possible(self, batch: Batch) -> None:
        began = time.monotonic()
        pauses = _STORE_BACKOFF.pauses()
        while True:
            try:
                await self.commit(batch)
            except PositionLost as lost:
                _log.warning("A position was moved by somebody else; reading goes on where the store says", flow=self.name, reason=str(lost))
                self.reader.reposition()
                return
            except TransientFault as fault:
                pause = next(pauses)
                self.metrics.transient_fault("store")
                _log.warning(f"A batch cannot be committed now; it is tried again in {pause:.1f} s", flow=self.name, reason=str(fault), records=len(batch))
                await self.reader.hold(pause)
                if self.stopping.is_set() or not self.reader.is_current(batch):
                    self.reader.reposition()
                    return
            else:
                self.metrics.batch(self.name, time.monotonic() - began, len(batch))
                return


Clock = Callable[[], int]
"""Epoch milliseconds."""
