"""The kafka section of the configuration as what the clients take."""

import pytest

from cohort_sync.config.settings import KafkaSettings as KafkaSection
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.stream.broker_settings import SaslMechanism, SecurityProtocol
from cohort_sync.worker.kafka_of import kafka_settings


def test_the_defaults() -> None:
    made = kafka_settings(KafkaSection(), "cohort-sync-retail")
    assert (made.bootstrap_servers, made.security_protocol, made.client_id) == (("127.0.0.1:9092",), SecurityProtocol.PLAINTEXT, "cohort-sync-retail")
    assert (made.sasl_username, made.sasl_password, made.ssl_cafile, made.ssl_key_password) == (None, None, None, None)


def test_every_key_of_the_section_arrives() -> None:
    section = KafkaSection(
        bootstrap_servers=("a:1", "b:2"),
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="user",
        sasl_password="secret",
        ssl_cafile="ca.pem",
        ssl_certfile="cert.pem",
        ssl_keyfile="key.pem",
        ssl_key_password="key secret",
        ssl_check_hostname=False,
    )
    made = kafka_settings(section, "me")
    for name in ("bootstrap_servers", "sasl_username", "sasl_password", "ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_key_password", "ssl_check_hostname"):
        assert getattr(made, name) == getattr(section, name)
    assert (made.security_protocol, made.sasl_mechanism) == (SecurityProtocol.SASL_SSL, SaslMechanism.SCRAM_SHA_512)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (KafkaSection(security_protocol="SASL_SSL", sasl_mechanism="PLAIN"), "needs both sasl_username and sasl_password"),
        (KafkaSection(sasl_username="user", sasl_password="p"), "does not use it; expected SASL_PLAINTEXT or SASL_SSL"),
        (KafkaSection(security_protocol="SSL", ssl_keyfile="key.pem"), "ssl_keyfile is set without ssl_certfile"),
        (KafkaSection(ssl_cafile="ca.pem"), "does not use TLS; expected SSL or SASL_SSL"),
    ],
)
def test_what_cannot_work_is_a_wrong_configuration(section: KafkaSection, told: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        kafka_settings(section, "me")
    assert str(refusal.value).startswith("kafka: ")
    assert told in str(refusal.value)
