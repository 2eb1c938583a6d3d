"""What has to be looked after once in a while: retention, parked events that nobody's type redeems, gauges."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from cohort_sync.config.settings import StoreSettings
from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.store.protocol import Reader, Store
from cohort_sync.stream.flow import Clock

_log = structlog.stdlib.get_logger(__name__)
_EVERY_SECONDS = 0.25
_MEASURE_EVERY = 20
_PRUNE_EVERY = 1200
"""Rounds between two prunings."""
_DAY = 86_400_000
_CHUNK = 500


class Housekeeping:
    """Many small rounds, until told to stop. `look` lets readiness follow the readers; `expire` turns parked events that are too old into dead letters."""

    def __init__(
        self,
        store: Store,
        settings: StoreSettings,
        *,
        expire: Callable[[], Awaitable[None]],
        look: Callable[[], None],
        ends: Callable[[], dict[tuple[str, int], int]],
        metrics: Metrics,
        clock: Clock,
        stopping: asyncio.Event,
    ) -> None:
        self._store = store
        self._settings = settings
        self._expire = expire
        self._look = look
        self._ends = ends
        self._metrics = metrics
        self._clock = clock
        self._stopping = stopping

    async def run(self) -> None:
        """Until told to stop."""
        number = 0
        while not self._stopping.is_set():
            self._look()
            try:
                await self._round(number)
            except TransientFault as fault:
                _log.warning("The store cannot be looked after now; it is tried again later", reason=str(fault))
            number += 1
            try:
                await asyncio.wait_for(self._stopping.wait(), _EVERY_SECONDS)
            except TimeoutError:
                continue

    async def _round(self, number: int) -> None:
        if number % _MEASURE_EVERY == 0:
            await self._expire()
            await self._measure()
        if number % _PRUNE_EVERY == 0:
            await self._prune()

    async def _prune(self) -> None:
        """In small chunks, so that the writer is never held for long."""
        now = self._clock()
        guards = now - self._settings.guard_days * _DAY if self._settings.guard_days else 0
        while not self._stopping.is_set():
            gone = await self._store.prune(
                history_before=now - self._settings.history_days * _DAY,
                dead_letters_before=now - self._settings.dead_letter_days * _DAY,
                guards_before=guards,
                chunk=_CHUNK,
            )
            if gone == 0:
                return
            _log.debug("Pruned", rows=gone)
            await asyncio.sleep(0.05)

    async def _measure(self) -> None:
        def ask(reader: Reader) -> tuple[int, int, int, list[tuple[str, int, int]]]:
            positions = [(row.topic, row.partition, row.next_offset) for row in reader.positions()]
            return reader.outbox_size(), reader.parked_size(), len(reader.members()), positions

        outbox, parked, members, positions = await self._store.read(ask)
        self._metrics.outbox(outbox)
        self._metrics.parked(parked)
        self._metrics.members(members)
        ends = self._ends()
        for topic, partition, next_offset in positions:
            self._metrics.position(topic, partition, next_offset, ends.get((topic, partition)))
