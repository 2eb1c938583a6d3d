"""Errors of both Kafka clients become the right fault, once, and say what to do."""

import asyncio
import ssl
from pathlib import Path

import aiokafka.errors
import kafka.errors
import pytest

from cohort_sync.omrs.errors import CohortSyncError, FatalFault, PoisonEvent, TransientFault
from cohort_sync.stream.broker_settings import KafkaSettings, SecurityProtocol
from cohort_sync.stream.faults import as_fault, translated
from cohort_sync.stream.kafka_client import ask_cluster

TLS = Path(__file__).parent / "tls"


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (aiokafka.errors.KafkaConnectionError("refused"), TransientFault, "reading failed: KafkaConnectionError: refused"),
        (aiokafka.errors.NodeNotReadyError(), TransientFault, "NodeNotReadyError"),
        (aiokafka.errors.UnknownTopicOrPartitionError(), TransientFault, "UnknownTopicOrPartitionError"),
        (kafka.errors.KafkaTimeoutError("slow"), TransientFault, "slow"),
        (ConnectionRefusedError(111, "Connection refused"), TransientFault, "Connection refused"),
        (TimeoutError(), TransientFault, "reading failed: no answer in time"),
        (aiokafka.errors.AuthenticationFailedError("bad"), FatalFault, "did not accept the credentials"),
        (aiokafka.errors.SaslAuthenticationFailed("bad"), FatalFault, "kafka.sasl_mechanism, user name and password"),
        (kafka.errors.SaslAuthenticationFailedError(), FatalFault, "did not accept the credentials"),
        (aiokafka.errors.TopicAuthorizationFailedError("t"), FatalFault, "READ, WRITE and DESCRIBE on the cohort topics"),
        (kafka.errors.GroupAuthorizationFailedError(), FatalFault, "READ on the consumer group"),
        (kafka.errors.ClusterAuthorizationFailedError(), FatalFault, "CREATE when topics are to be made"),
        (kafka.errors.InvalidReplicationFactorError("1 broker"), FatalFault, "refused it for good"),
        (aiokafka.errors.UnsupportedCodecError("lz4"), FatalFault, "install cramjam"),
    ],
)
def test_each_error_becomes_its_fault(error: Exception, kind: type[CohortSyncError], told: str) -> None:
    fault = as_fault(error, "reading")
    assert type(fault) is kind
    assert told in str(fault)


def test_a_fault_of_ours_stays_what_it_is() -> None:
    poison = PoisonEvent("bad bytes", stage="decode")
    assert as_fault(poison, "reading") is poison


def test_the_cause_is_kept_and_bugs_are_not_hidden() -> None:
    cause = aiokafka.errors.KafkaConnectionError("gone")
    with pytest.raises(TransientFault, match="sending failed") as caught, translated("sending"):
        raise cause
    assert caught.value.__cause__ is cause
    with pytest.raises(KeyError), translated("sending"):
        raise KeyError("bug")


def test_a_certificate_that_nobody_vouches_for_is_fatal_and_says_so() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem", "k3y")

    async def scenario() -> None:
        async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(ignore, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        try:
            settings = KafkaSettings(bootstrap_servers=(f"localhost:{port}",), security_protocol=SecurityProtocol.SSL)
            with pytest.raises(FatalFault, match=r"certificate was not accepted \(self-signed certificate\); check kafka\.ssl_cafile"):
                await ask_cluster(settings)
        finally:
            server.close()

    asyncio.run(scenario())


def test_a_port_that_closes_the_connection_hints_at_the_security_protocol() -> None:
    async def scenario() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            with pytest.raises(TransientFault, match=r"does kafka\.security_protocol fit this port"):
                await ask_cluster(KafkaSettings(bootstrap_servers=(f"127.0.0.1:{port}",)))
        finally:
            server.close()

    asyncio.run(scenario())
