"""The outbox publisher: what the store says has to be sent goes to the cohort topics, in the order of the commits, at least once (guarantee 2).

Rows are deleted after the broker's acknowledgement. A crash between the two sends a contiguous suffix again, which versions make harmless. Of single events the
deletion waits a moment for more of them: it is a commit of its own, and who changes one thing after the other would wait for it each time.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from cohort_sync.cohort.topics import CohortTopics
from cohort_sync.observe.metrics import Metrics
from cohort_sync.omrs.errors import TransientFault
from cohort_sync.store.protocol import Store
from cohort_sync.store.rows import OutboxRow
from cohort_sync.stream.broker_wait import Backoff

_log = structlog.stdlib.get_logger(__name__)
_BATCH = 500
_IDLE_SECONDS = 1.0
_GATHER_SECONDS = 0.02
"""So long the first event after a pause waits for others to go with it: each request to the broker takes this process as much as a call that changes something.
Java members look once a second."""
_FEW = 16
"""So many acknowledged events, and more, are deleted at once."""
_LINGER_SECONDS = 0.05
"""So long fewer of them wait for more."""


class Sender(Protocol):
    """Sends records to partition 0 of a topic, in order; answers how many of them, from the first on, are acknowledged."""

    async def send(self, topic: str, key: bytes, values: Sequence[bytes]) -> int: ...


class OutboxPublisher:
    """Sends the outbox. One runs for a store; `wake` tells it that there is something new."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        topics: CohortTopics,
        key: str,
        *,
        metrics: Metrics,
        broker: Callable[[str | None], None],
        stopping: asyncio.Event,
    ) -> None:
        self._store = store
        self._sender = sender
        self._topics = topics
        self._key = key.encode()
        self._metrics = metrics
        self._broker = broker
        self._stopping = stopping
        self._woken = asyncio.Event()
        self._acknowledged = 0
        """The last row that the broker has; those up to it are not sent again while this publisher lives."""
        self._undeleted = 0
        """How many of them are still in the store."""
        self._held = False
        self.empty = asyncio.Event()
        """Set while nothing is left to send."""

    def wake(self) -> None:
        """There are new rows."""
        self.empty.clear()
        self._woken.set()

    def hold(self) -> None:
        """Send nothing until `release`; what is being sent is sent."""
        self._held = True

    def release(self) -> None:
        """Take back `hold`."""
        self._held = False
        self.wake()

    async def run(self) -> None:
        """Send until told to stop; what is left then stays in the store. Raises FatalFault."""
        pauses = Backoff(first=0.2, cap=5.0).pauses()
        while not self._stopping.is_set():
            self._woken.clear()
            if self._held:
                await self._woken_within(_IDLE_SECONDS)
                continue
            try:
                more = await self._send_some() or self._woken.is_set() or await self._delete_soon()
            except TransientFault as fault:
                pause = next(pauses)
                self._metrics.transient_fault("broker")
                self._broker(str(fault))
                _log.warning(f"Events cannot be sent now; they stay in the outbox and are tried again in {pause:.1f} s", reason=str(fault))
                await self._pause(pause)
                continue
            pauses = Backoff(first=0.2, cap=5.0).pauses()
            self._broker(None)
            if not more:
                self.empty.set()
                if await self._woken_within(_IDLE_SECONDS):  # else it looks by itself, for rows of another process
                    await self._pause(_GATHER_SECONDS)
        await self._delete()

    async def _send_some(self) -> bool:
        """One round; False when there was nothing to send."""
        rows, size = await self._store.read(lambda reader: (reader.outbox(_BATCH), reader.outbox_size()))
        new = [row for row in rows if row.seq > self._acknowledged]
        size -= len(rows) - len(new)
        for channel, group in itertools.groupby(new, key=lambda row: row.channel):
            size -= await self._send_group(channel, list(group))
        self._metrics.outbox(max(0, size))
        return bool(new)

    async def _send_group(self, channel: str, rows: list[OutboxRow]) -> int:
        acknowledged = await self._sender.send(self._topics.channel(channel), self._key, [row.value for row in rows])
        if acknowledged:
            self._acknowledged = rows[acknowledged - 1].seq
            self._undeleted += acknowledged
            self._metrics.sent(channel, acknowledged)
        if acknowledged < len(rows) or self._undeleted >= _FEW:
            await self._delete()
        if acknowledged < len(rows):
            left = Counter(row.channel for row in rows[acknowledged:])
            raise TransientFault(f"the broker acknowledged {acknowledged} of {len(rows)} events of {channel}; {left[channel]} are sent again")
        return acknowledged

    async def _delete_soon(self) -> bool:
        """Delete what the broker has, unless more comes within a moment; True when more has come."""
        if self._undeleted:
            if await self._woken_within(_LINGER_SECONDS):
                await self._pause(_GATHER_SECONDS)
            else:
                await self._delete()
        return self._woken.is_set()

    async def _delete(self) -> None:
        if self._undeleted:
            await self._store.acknowledge(self._acknowledged)
            self._undeleted = 0

    async def _woken_within(self, seconds: float) -> bool:
        """Wait for somebody who wakes it, so long."""
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
