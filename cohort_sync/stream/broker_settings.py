"""How to reach and to be let in by a Kafka cluster, said once and translated for the three clients that we use.

The settings are those of spec configuration-and-security 6.8 in Python terms. They go to aiokafka (consumer, producer), to kafka-python (administration) and
to the Faust app, so that no client is left without the credentials of the others.
"""

import ssl
from enum import StrEnum
from typing import TypedDict

import faust
from msgspec import Struct
from yarl import URL

from cohort_sync.omrs.errors import ConfigurationError

DEFAULT_PORT = 9092
MASKED = "********"


class SecurityProtocol(StrEnum):
    """Kafka's `security.protocol`."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def uses_tls(self) -> bool:
        return self in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)

    @property
    def uses_sasl(self) -> bool:
        return self in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)


class SaslMechanism(StrEnum):
    """Kafka's `sasl.mechanism`, as far as a user name and a password make it work."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class KafkaSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the brokers are and how this process authenticates.

    A combination that cannot work (SASL without a user, a client key without its certificate, TLS files without TLS) raises `ValueError` when it is made, which
    msgspec reports with the path of the setting. Files are read when a client is made, not before. The password is masked wherever the settings are printed.
    """

    bootstrap_servers: tuple[str, ...] = ("localhost:9092",)
    security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    sasl_mechanism: SaslMechanism = SaslMechanism.PLAIN
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_key_password: str | None = None
    ssl_check_hostname: bool = True
    client_id: str = "cohort-sync"

    def __post_init__(self) -> None:
        if not self.bootstrap_servers:
            raise ValueError("bootstrap_servers is empty; expected at least one host:port")
        for server in self.bootstrap_servers:
            _host_and_port(server)
        if self.security_protocol.uses_sasl and (not self.sasl_username or self.sasl_password is None):
            raise ValueError(f"security_protocol {self.security_protocol} needs both sasl_username and sasl_password")
        if not self.security_protocol.uses_sasl and (self.sasl_username or self.sasl_password):
            raise ValueError(f"sasl_username is set, but security_protocol {self.security_protocol} does not use it; expected SASL_PLAINTEXT or SASL_SSL")
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("ssl_keyfile is set without ssl_certfile; a client key needs its certificate")
        if not self.security_protocol.uses_tls and (self.ssl_cafile or self.ssl_certfile):
            raise ValueError(f"ssl_cafile or ssl_certfile is set, but security_protocol {self.security_protocol} does not use TLS; expected SSL or SASL_SSL")

    def __repr__(self) -> str:
        return f"KafkaSettings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        values: list[tuple[str, object]] = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [(name, MASKED if name in _SECRETS and value is not None else value) for name, value in values]

    @property
    def servers(self) -> list[tuple[str, int]]:
        """The bootstrap servers as host and port, the port defaulting to Kafka's 9092."""
        return [_host_and_port(server) for server in self.bootstrap_servers]

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context of all clients; None without TLS. Raises `ConfigurationError` naming the file that cannot be used."""
        if not self.security_protocol.uses_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"kafka.ssl_cafile: {self.ssl_cafile!r} cannot be used as CA certificates in PEM form: {error}") from error
        context.check_hostname = self.ssl_check_hostname
        if self.ssl_certfile is not None:
            try:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, self.ssl_key_password)
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationError(
                    f"kafka.ssl_certfile, ssl_keyfile: {self.ssl_certfile!r} and {self.ssl_keyfile!r} cannot be used as certificate and key in PEM form"
                    f" (is ssl_key_password right?): {error}"
                ) from error
        return context


_SECRETS = frozenset({"sasl_password", "ssl_key_password"})


class AiokafkaOptions(TypedDict):
    """What aiokafka's consumer, producer and client take alike."""

    bootstrap_servers: list[str]
    client_id: str
    security_protocol: str
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None


class AdminOptions(TypedDict):
    """What kafka-python's administration client takes."""

    bootstrap_servers: list[str]
    client_id: str
    security_protocol: str
    ssl_context: ssl.SSLContext | None
    ssl_check_hostname: bool
    sasl_mechanism: str | None
    sasl_plain_username: str | None
    sasl_plain_password: str | None


class FaustOptions(TypedDict):
    """What the Faust app takes: broker URLs and credentials."""

    broker: list[URL]
    broker_client_id: str
    broker_credentials: faust.SASLCredentials | faust.SSLCredentials | None


def aiokafka_options(settings: KafkaSettings, *, role: str = "") -> AiokafkaOptions:
    """Keyword arguments for `AIOKafkaConsumer`, `AIOKafkaProducer` and `AIOKafkaClient`; `role` is added to the client id, for the broker's log."""
    return {
        "bootstrap_servers": _addresses(settings),
        "client_id": _client_id(settings, role),
        "security_protocol": settings.security_protocol.value,
        "ssl_context": settings.ssl_context(),
        "sasl_mechanism": settings.sasl_mechanism.value,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": settings.sasl_password,
    }


def admin_options(settings: KafkaSettings) -> AdminOptions:
    """Keyword arguments for kafka-python's `KafkaAdminClient`."""
    sasl = settings.security_protocol.uses_sasl
    return {
        "bootstrap_servers": _addresses(settings),
        "client_id": _client_id(settings, "admin"),
        "security_protocol": settings.security_protocol.value,
        "ssl_context": settings.ssl_context(),
        "ssl_check_hostname": settings.ssl_check_hostname,
        "sasl_mechanism": settings.sasl_mechanism.value if sasl else None,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": settings.sasl_password,
    }


def faust_options(settings: KafkaSettings) -> FaustOptions:
    """Keyword arguments for `faust.App`. The shell never lets Faust talk to the broker, but an agent with a topic of its own finds the same credentials."""
    context = settings.ssl_context()
    credentials: faust.SASLCredentials | faust.SSLCredentials | None = None
    if settings.security_protocol.uses_sasl:
        credentials = faust.SASLCredentials(
            mechanism=settings.sasl_mechanism.value, username=settings.sasl_username, password=settings.sasl_password, ssl_context=context
        )
    elif context is not None:
        credentials = faust.SSLCredentials(context)
    return {
        "broker": [URL.build(scheme="kafka", host=host, port=port) for host, port in settings.servers],
        "broker_client_id": _client_id(settings, "faust"),
        "broker_credentials": credentials,
    }


def _client_id(settings: KafkaSettings, role: str) -> str:
    return f"{settings.client_id}-{role}" if role else settings.client_id


def _addresses(settings: KafkaSettings) -> list[str]:
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in settings.servers]


def _host_and_port(server: str) -> tuple[str, int]:
    """`host`, `host:port`, `[v6]:port`. Raises `ValueError` for anything else."""
    try:
        url = URL(f"kafka://{server}")
        host, port = url.host, url.explicit_port
    except ValueError as error:
        raise ValueError(f"bootstrap server {server!r} is not host:port ({error})") from error
    if not host or url.path not in ("", "/") or url.user is not None:
        raise ValueError(f"bootstrap server {server!r} is not host:port")
    return host, DEFAULT_PORT if port is None else port
