"""The kafka section of the configuration as what the clients take."""

from cohort_sync.config.settings import KafkaSettings as KafkaSection
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.stream.broker_settings import KafkaSettings, SaslMechanism, SecurityProtocol


def kafka_settings(section: KafkaSection, client_id: str) -> KafkaSettings:
    """Raises ConfigurationError for a combination that cannot work (SASL without a user, a key without its certificate, ...)."""
    try:
        return KafkaSettings(
            bootstrap_servers=section.bootstrap_servers,
            security_protocol=SecurityProtocol(section.security_protocol),
            sasl_mechanism=SaslMechanism(section.sasl_mechanism or "PLAIN"),
            sasl_username=section.sasl_username or None,
            sasl_password=section.sasl_password or None,
            ssl_cafile=section.ssl_cafile or None,
            ssl_certfile=section.ssl_certfile or None,
            ssl_keyfile=section.ssl_keyfile or None,
            ssl_key_password=section.ssl_key_password or None,
            ssl_check_hostname=section.ssl_check_hostname,
            client_id=client_id,
        )
    except ValueError as problem:
        raise ConfigurationError(f"kafka: {problem}") from None
