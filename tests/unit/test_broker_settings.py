"""Security settings reach all three Kafka clients, wrong ones are told at once, and secrets are never printed."""

import asyncio
import ssl
from pathlib import Path

import faust
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from kafka import KafkaAdminClient
from rich.pretty import pretty_repr
from yarl import URL

from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.stream.broker_settings import KafkaSettings, SaslMechanism, SecurityProtocol, admin_options, aiokafka_options, faust_options

# A self-signed certificate for localhost and its key, encrypted with "k3y". Made for these tests; nothing trusts it.
TLS = Path(__file__).parent / "tls"


@pytest.fixture
def certificate() -> tuple[Path, Path]:
    return TLS / "cert.pem", TLS / "key.pem"


SASL = KafkaSettings(
    bootstrap_servers=("one.example:9093", "two.example"),
    security_protocol=SecurityProtocol.SASL_SSL,
    sasl_mechanism=SaslMechanism.SCRAM_SHA_512,
    sasl_username="cohort",
    sasl_password="s3cret-s3cret",
)


def test_plain_settings_ask_for_no_credentials_of_any_client() -> None:
    plain = KafkaSettings()
    assert aiokafka_options(plain)["bootstrap_servers"] == ["localhost:9092"]
    assert aiokafka_options(plain)["security_protocol"] == "PLAINTEXT"
    assert aiokafka_options(plain)["ssl_context"] is None
    assert admin_options(plain)["sasl_mechanism"] is None
    assert faust_options(plain)["broker_credentials"] is None


def test_sasl_over_tls_reaches_aiokafka() -> None:
    options = aiokafka_options(SASL, role="reader")
    context = options["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert {name: value for name, value in options.items() if name != "ssl_context"} == {
        "bootstrap_servers": ["one.example:9093", "two.example:9092"],
        "client_id": "cohort-sync-reader",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "cohort",
        "sasl_plain_password": "s3cret-s3cret",
    }


def test_sasl_over_tls_reaches_kafka_python() -> None:
    options = admin_options(SASL)
    assert isinstance(options["ssl_context"], ssl.SSLContext)
    assert set(options) <= set(KafkaAdminClient.DEFAULT_CONFIG)
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("cohort", "s3cret-s3cret")


def test_sasl_over_tls_reaches_faust() -> None:
    options = faust_options(SASL)
    app = faust.App("settings-test", **options)
    assert app.conf.broker == [URL("kafka://one.example:9093"), URL("kafka://two.example:9092")]
    credentials = app.conf.broker_credentials
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.mechanism.value, credentials.username, credentials.password) == ("SCRAM-SHA-512", "cohort", "s3cret-s3cret")
    assert isinstance(credentials.ssl_context, ssl.SSLContext)
    assert credentials.protocol.value == "SASL_SSL"


def test_sasl_without_tls_reaches_all_three() -> None:
    settings = msgspec.structs.replace(SASL, security_protocol=SecurityProtocol.SASL_PLAINTEXT, sasl_mechanism=SaslMechanism.PLAIN)
    assert (aiokafka_options(settings)["security_protocol"], aiokafka_options(settings)["sasl_mechanism"]) == ("SASL_PLAINTEXT", "PLAIN")
    assert (admin_options(settings)["security_protocol"], admin_options(settings)["sasl_mechanism"]) == ("SASL_PLAINTEXT", "PLAIN")
    credentials = faust_options(settings)["broker_credentials"]
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.protocol.value, credentials.mechanism.value, credentials.ssl_context) == ("SASL_PLAINTEXT", "PLAIN", None)


def test_a_client_certificate_reaches_all_three(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    settings = KafkaSettings(
        security_protocol=SecurityProtocol.SSL,
        ssl_cafile=str(cert),
        ssl_certfile=str(cert),
        ssl_keyfile=str(key),
        ssl_key_password="k3y",
        ssl_check_hostname=False,
    )
    faust_credentials = faust_options(settings)["broker_credentials"]
    assert isinstance(faust_credentials, faust.SSLCredentials)
    for context in (aiokafka_options(settings)["ssl_context"], admin_options(settings)["ssl_context"], faust_credentials.context):
        assert isinstance(context, ssl.SSLContext)
        assert not context.check_hostname
        subjects = [ca["subject"] for ca in context.get_ca_certs()]
        assert subjects == [((("commonName", "localhost"),),)]
    assert admin_options(settings)["ssl_check_hostname"] is False


def test_the_options_are_ones_that_the_aiokafka_client_accepts() -> None:
    async def make() -> None:
        consumer = AIOKafkaConsumer(**aiokafka_options(SASL))
        await consumer.stop()

    asyncio.run(make())


def test_unusable_tls_files_are_named(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = certificate
    tls = SecurityProtocol.SSL
    with pytest.raises(ConfigurationError, match=r"ssl_cafile.*missing\.pem"):
        KafkaSettings(security_protocol=tls, ssl_cafile=str(tmp_path / "missing.pem")).ssl_context()
    wrong = KafkaSettings(security_protocol=tls, ssl_cafile=str(cert), ssl_certfile=str(cert), ssl_keyfile=str(key), ssl_key_password="wrong")
    with pytest.raises(ConfigurationError, match=r"ssl_certfile.*cert\.pem.*key\.pem.*ssl_key_password") as caught:
        wrong.ssl_context()
    assert "wrong'" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"bootstrap_servers": []}, "bootstrap_servers is empty"),
        ({"bootstrap_servers": ["host:port"]}, "not host:port"),
        ({"bootstrap_servers": ["host:9092/path"]}, "not host:port"),
        ({"security_protocol": "SASL_SSL", "sasl_username": "me"}, "needs both sasl_username and sasl_password"),
        ({"sasl_username": "me", "sasl_password": "x"}, "PLAINTEXT does not use it"),
        ({"security_protocol": "SSL", "ssl_keyfile": "k.pem"}, "without ssl_certfile"),
        ({"ssl_cafile": "ca.pem"}, "does not use TLS"),
        ({"security_protocol": "TLS"}, "Invalid enum value 'TLS'"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "GSSAPI"}, "Invalid enum value 'GSSAPI'"),
        ({"password": "x"}, "unknown field `password`"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(settings, KafkaSettings)
    assert told in str(caught.value)


def test_no_secret_is_printed() -> None:
    settings = KafkaSettings(
        security_protocol=SecurityProtocol.SASL_SSL,
        sasl_username="cohort",
        sasl_password="s3cret",
        ssl_certfile="c.pem",
        ssl_keyfile="k.pem",
        ssl_key_password="k3y-pass",
    )
    for printed in (repr(settings), str(settings), f"{settings}", pretty_repr(settings), f"{[settings]}"):
        assert "s3cret" not in printed
        assert "k3y-pass" not in printed
        assert "cohort" in printed


@pytest.mark.parametrize(
    ("server", "address"),
    [("h", ("h", 9092)), ("h:1", ("h", 1)), ("10.0.0.1:9", ("10.0.0.1", 9)), ("[::1]:9", ("::1", 9)), ("[::1]", ("::1", 9092))],
)
def test_addresses(server: str, address: tuple[str, int]) -> None:
    settings = KafkaSettings(bootstrap_servers=(server,))
    assert settings.servers == [address]
    host, port = address
    assert aiokafka_options(settings)["bootstrap_servers"] == [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
