"""Sending in order, at least once: the producer under the outbox.

One produce request is under way at a time, and the next is built only when it was acknowledged. So what is acknowledged is always a contiguous prefix, a retry
inside the client cannot overtake anything, and after a failure the caller sends the rest again in the same order. Large requests (hundreds of records) make up
for the round trips.
"""

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from msgspec import Struct

from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings, aiokafka_options
from cohort_sync.stream.faults import FOREIGN_ERRORS, as_fault, describe
from cohort_sync.stream.kafka_client import ask_cluster, close_producer

_log = structlog.stdlib.get_logger(__name__)
MAX_RECORD_BYTES = 1_000_000
"""The broker's default limit for a record batch is 1,048,588 bytes; key, headers and framing have to fit beside the value."""
_REQUEST_BYTES = 900_000
_BATCH_BYTES = 1_000_000  # with room for the framing: the client's builder must never be the one to say that a request is full
_RECORD_OVERHEAD = 40  # more than a record's lengths, deltas and attributes take
_HEADER_OVERHEAD = 8
_TOO_LARGE: tuple[type[Exception], ...] = (MessageSizeTooLargeError, RecordListTooLargeError)
_SEND_ERRORS: tuple[type[Exception], ...] = (*FOREIGN_ERRORS, TransientFault)


class Outgoing(Struct, frozen=True):
    """One record to be sent to one partition of a topic (a cohort topic has only partition 0)."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = 0

    @property
    def size(self) -> int:
        """Bytes of key, value and headers: what the limit is about."""
        return len(self.key or b"") + len(self.value or b"") + sum(len(name.encode()) + len(value) + _HEADER_OVERHEAD for name, value in self.headers)


class Delivered(Struct, frozen=True):
    """All records are acknowledged by all in-sync replicas."""

    acknowledged: int


class Interrupted(Struct, frozen=True):
    """The first `acknowledged` records are acknowledged, the next ones may or may not have been written, nothing after those was sent. Send the rest again."""

    acknowledged: int
    fault: TransientFault


class Refused(Struct, frozen=True):
    """The first `acknowledged` records are acknowledged; the one after them can never be sent as it is. The caller has to take it out of the way."""

    acknowledged: int
    reason: str


Delivery = Delivered | Interrupted | Refused


class OrderedSender:
    """Sends records in order; `acks=all`, idempotent where the broker can do that. Connects when it is first used and again after a failure.

    One `deliver` at a time. `close` ends it. Raises `FatalFault` (credentials, rights); everything else is a value.
    """

    def __init__(self, settings: KafkaSettings, *, max_record_bytes: int = MAX_RECORD_BYTES, patience: float = 30.0) -> None:
        self._settings = settings
        self._max_record_bytes = max_record_bytes
        self._request_bytes = min(_REQUEST_BYTES, max_record_bytes)
        self._patience = patience
        self._producer: AIOKafkaProducer | None = None
        self._idempotent = True
        self._busy = asyncio.Lock()

    async def deliver(self, records: Sequence[Outgoing]) -> Delivery:
        """Send the records in order. Within `patience` seconds a request is acknowledged or given up; how far it got is in the answer."""
        async with self._busy:
            done = alone_until = 0
            while done < len(records):
                record = records[done]
                if record.size > self._max_record_bytes:
                    return Refused(done, _too_large(record, f"the limit is {self._max_record_bytes} (kafka.max_event_bytes)"))
                request = self._request(records, done, 1 if done < alone_until else len(records))
                try:
                    done += await self._send(await self._connected(), request)
                except _TOO_LARGE as error:
                    if len(request) == 1:
                        return Refused(done, _too_large(record, f"the broker takes no more (its message.max.bytes, or the topic's): {describe(error)}"))
                    alone_until = done + len(request)  # the broker's limit is about the request: find out which record it is
                except _SEND_ERRORS as error:
                    await self._discard()
                    fault = as_fault(error, f"sending to {record.topic}-{record.partition}")
                    if not isinstance(fault, TransientFault):
                        raise fault from error
                    return Interrupted(done, fault)
            return Delivered(done)

    async def send(self, topic: str, key: bytes, values: Sequence[bytes]) -> int:
        """Send values under one key to partition 0 of a topic; how many of them, from the first on, are acknowledged.

        Raises `TransientFault` with the reason when none is, and `FatalFault` for a value that no limit lets through: the caller made it too large.
        """
        match await self.deliver([Outgoing(topic, value, key) for value in values]):
            case Delivered(acknowledged=acknowledged):
                return acknowledged
            case Interrupted(acknowledged=acknowledged, fault=fault):
                if acknowledged == 0:
                    raise fault
                return acknowledged
            case Refused(acknowledged=acknowledged, reason=reason):
                if acknowledged == 0:
                    raise FatalFault(reason)
                return acknowledged

    async def close(self) -> None:
        """Close the connections. Idempotent; bounded by a few seconds."""
        async with self._busy:
            await self._discard()

    def _request(self, records: Sequence[Outgoing], begin: int, most: int) -> Sequence[Outgoing]:
        """The records from `begin` on that go to one place and fit into one request; at least one."""
        first, size, end = records[begin], 0, begin
        while end < min(len(records), begin + most):
            record = records[end]
            size += record.size + _RECORD_OVERHEAD
            if end > begin and (record.topic != first.topic or record.partition != first.partition or size > self._request_bytes):
                break
            end += 1
        return records[begin:end]

    async def _send(self, producer: AIOKafkaProducer, request: Sequence[Outgoing]) -> int:
        """Send one request; how many records were acknowledged, which is all of them."""
        topic, partition = request[0].topic, request[0].partition
        try:
            async with asyncio.timeout(self._patience):
                known = await producer.partitions_for(topic)
        except TimeoutError as error:
            raise TransientFault(f"the topic {topic} does not exist, or no broker tells of it within {self._patience:g} s") from error
        if partition not in known:
            raise TransientFault(f"the topic {topic} has no partition {partition}")
        batch = producer.create_batch()
        for record in request:
            if batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers)) is None:
                raise AssertionError("a request was planned larger than the batch that it goes into")
        batch.close()
        acknowledged = await producer.send_batch(batch, topic, partition=partition)
        async with asyncio.timeout(self._patience):
            await acknowledged
        return len(request)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            await ask_cluster(self._settings, patience=min(5.0, self._patience))  # tells the true reason where it is refused
            self._producer = await self._start_producer()
        return self._producer

    async def _start_producer(self) -> AIOKafkaProducer:
        producer = self._new_producer()
        try:
            async with asyncio.timeout(self._patience):
                await producer.start()
        except KafkaError as error:
            await close_producer(producer, patience=2.0)
            if not self._idempotent or error.retriable:
                raise
            self._idempotent = False
            _log.warning(
                "This broker does not do idempotent producing; sending goes on without it: after a fault events may arrive twice, in order",
                reason=describe(error),
            )
            return await self._start_producer()
        except BaseException:
            await close_producer(producer, patience=2.0)
            raise
        return producer

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **aiokafka_options(self._settings, role="sender"),
            acks="all",
            enable_idempotence=self._idempotent,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=int(self._patience * 1000),
        )

    async def _discard(self) -> None:
        """Leave the producer with what it still holds: a request that was given up must not be sent later, behind what the caller sends next."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer, patience=2.0)


def _too_large(record: Outgoing, limit: str) -> str:
    return f"a record of {record.size} bytes for {record.topic}-{record.partition} is too large to be sent; {limit}"
