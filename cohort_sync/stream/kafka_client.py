"""What consumer, producer and broker wait have in common below them: one question to a broker, and no topics made by accident.

aiokafka asks for metadata with `allow_auto_topic_creation`, and many brokers then make what is missing with their own defaults. A cohort topic must have
exactly one partition, and a topic that was deleted must be seen to be gone, so this module switches that off for the process when it is imported (aiokafka
has no setting for it; Java's is `allow.auto.create.topics`). Topics are made by `cohort_sync.stream.admin`, on purpose.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial

import aiokafka.client
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest
from msgspec import Struct

from cohort_sync.omrs.errors import CohortSyncError, FatalFault, TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings, aiokafka_options
from cohort_sync.stream.faults import FOREIGN_ERRORS, as_fault

aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)


class ClusterAnswer(Struct, frozen=True):
    """What a broker said when it was asked: its cluster's id (None where it does not tell) and the addresses it advertises."""

    cluster_id: str | None
    brokers: tuple[str, ...]


async def ask_cluster(settings: KafkaSettings, *, patience: float = 5.0) -> ClusterAnswer:
    """Connect, authenticate and ask for metadata, trying each bootstrap server in turn.

    The true reason comes out, unlike with the clients' own bootstrap, which reports every refusal as a lost connection. Raises `FatalFault` when a broker
    answered and refused (credentials, certificate), `TransientFault` naming every server when none answered within `patience` seconds each.
    """
    reasons: list[str] = []
    for host, port in settings.servers:
        doing = f"connecting to the Kafka broker {host}:{port}"
        try:
            async with asyncio.timeout(patience):
                return await _ask_one(settings, host, port, patience)
        except FOREIGN_ERRORS as error:
            fault: CohortSyncError = as_fault(error, doing)
            if isinstance(fault, FatalFault):
                raise fault from error
            reasons.append(f"{fault}{_hint(error)}")
    raise TransientFault("; ".join(reasons))


def _hint(error: BaseException) -> str:
    """What else than a broker that is away may be behind it."""
    if str(error).endswith(" closed"):
        return " (it accepted the connection and closed it: does kafka.security_protocol fit this port?)"
    if isinstance(error, TimeoutError):
        return " (is there a Kafka broker at this address, and does kafka.security_protocol fit this port?)"
    return ""


async def _ask_one(settings: KafkaSettings, host: str, port: int, patience: float) -> ClusterAnswer:
    options = aiokafka_options(settings, role="probe")
    connection = await create_conn(
        host,
        port,
        client_id=options["client_id"],
        request_timeout_ms=int(patience * 1000),
        security_protocol=options["security_protocol"],
        ssl_context=options["ssl_context"],
        sasl_mechanism=options["sasl_mechanism"],
        sasl_plain_username=options["sasl_plain_username"],
        sasl_plain_password=options["sasl_plain_password"],
    )
    try:
        answer = await connection.send(MetadataRequest([], allow_auto_topic_creation=False))
    finally:
        connection.close()
    return ClusterAnswer(getattr(answer, "cluster_id", None), tuple(f"{broker[1]}:{broker[2]}" for broker in answer.brokers))


async def partitions_of_all_topics(consumer: AIOKafkaConsumer) -> dict[str, set[int]]:
    """Every topic that this user may see, with the numbers of its partitions, asked from a broker now. Makes no topic."""
    cluster = await consumer._client.fetch_all_metadata()
    return {name: set(cluster.partitions_for_topic(name) or ()) for name in cluster.topics()}


async def close_consumer(consumer: AIOKafkaConsumer, *, patience: float) -> None:
    """Close a consumer within `patience` seconds, whatever state it and its broker are in. Raises nothing.

    aiokafka's own `stop` waits without end for some answers, and lets a cancellation of its inner tasks out half way (both seen with a broker that had died),
    which would end our task and leave sockets open. So it runs in a task of its own, and what it left open is closed after it.
    """
    if not await _bounded(consumer.stop(), patience):
        await _bounded(consumer._client.close(), patience)


async def close_producer(producer: AIOKafkaProducer, *, patience: float) -> None:
    """Close a producer within about `patience` seconds without sending what it still holds. Raises nothing.

    aiokafka's own `stop` first flushes, which never ends without a broker; so its sender is ended first, and what it held is dropped.
    """
    sender = producer._sender.sender_task
    for _ in range(2):  # the first cancellation lets it wait for the request under way, the second one does not
        if sender is not None and not sender.done():
            sender.cancel()
            await asyncio.wait({sender}, timeout=patience / 2)
    producer._message_accumulator._batches.clear()
    producer._message_accumulator._pending_batches.clear()
    await _bounded(producer.stop(), patience)
    await _bounded(producer.client.close(), patience)


async def _bounded(closing: Coroutine[None, None, object], patience: float) -> bool:
    """Run it in a task of its own for at most `patience` seconds, whatever it raises; whether it came to its end."""
    task = asyncio.create_task(closing, name="cohort-sync-close")
    await asyncio.wait({task}, timeout=patience)
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    return not isinstance(outcome, BaseException)
