"""Waiting for the broker before anything starts: a worker must not die because Kafka comes up later than it does."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import structlog
from msgspec import Struct

from cohort_sync.omrs.errors import TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings
from cohort_sync.stream.kafka_client import ClusterAnswer, ask_cluster

T = TypeVar("T")
_log = structlog.stdlib.get_logger(__name__)


class Backoff(Struct, frozen=True):
    """A schedule of pauses, in seconds: doubling from `first` to at most `cap`, each lengthened or shortened by up to `jitter` of itself at random.

    The jitter keeps the members of a cohort from knocking together when their broker comes back.
    """

    first: float = 0.2
    cap: float = 15.0
    factor: float = 2.0
    jitter: float = 0.2

    def pauses(self, rng: random.Random | None = None) -> Iterator[float]:
        """The pauses, without end; never longer than `cap * (1 + jitter)`."""
        draw = rng if rng is not None else random.Random()  # noqa: S311 - spreads load, hides nothing
        pause = self.first
        while True:
            yield pause * (1 + draw.uniform(-self.jitter, self.jitter))
            pause = min(pause * self.factor, self.cap)


async def wait_for_broker(
    settings: KafkaSettings,
    *,
    stop: asyncio.Event,
    backoff: Backoff = Backoff(),  # noqa: B008 - frozen
    give_up_after: float | None = None,
    ask: Callable[[KafkaSettings], Awaitable[ClusterAnswer]] = ask_cluster,
    clock: Callable[[], float] = time.monotonic,
) -> ClusterAnswer | None:
    """Ask the cluster until it answers, with growing pauses, telling each attempt in the log; None when `stop` was set meanwhile.

    It never gives up unless `give_up_after` seconds are named: then the last `TransientFault` is raised. `FatalFault` (credentials, certificate) is raised at
    once, since waiting does not mend it. Setting `stop` ends a pause or an attempt at once.
    """
    began, attempt = clock(), 0
    pauses = backoff.pauses()
    servers = ", ".join(settings.bootstrap_servers)
    while not stop.is_set():
        attempt += 1
        try:
            answer = await _unless(stop, ask(settings))
        except TransientFault as fault:
            waited = clock() - began
            if give_up_after is not None and waited >= give_up_after:
                raise TransientFault(f"no Kafka broker answered at {servers} within {waited:.0f} s ({attempt} attempts); the last reason: {fault}") from fault
            pause = next(pauses)
            _log.warning(
                f"The Kafka broker does not answer yet; trying again in {pause:.1f} s",
                servers=servers,
                attempt=attempt,
                waited_seconds=round(waited, 1),
                reason=str(fault),
            )
            await _unless(stop, asyncio.sleep(pause))
            continue
        if answer is not None:
            _log.info("The Kafka broker answers", servers=servers, attempt=attempt, waited_seconds=round(clock() - began, 1), cluster_id=answer.cluster_id)
            return answer
    return None


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of the work, or None (and the work cancelled) when `stop` is set first."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, stopped):
            each.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)
