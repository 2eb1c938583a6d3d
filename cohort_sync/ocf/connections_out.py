"""The connection in our registration: how other members may call us (spec cohort-events 3.2 and 3.5, egeria-6.1-observed "Registration").

Which form a peer can use depends on its release and its settings, so it is a setting:
    plain     members up to 5.x, and 6.x members without a secrets store
    virtual   6.x members; with one inert embedded connection, because an empty list is refused
    none      nobody calls us; every member accepts it, lists us and applies our events
    auto      plain for a type release up to 5.x, virtual for 6.x
Both `address` (up to 5.x) and `networkAddress` (6.x) are written; each generation ignores the other's. Registrations are broadcast and logged by every member:
there is never a secret in them.
"""

from enum import StrEnum

from cohort_sync.omrs.connections import AnyConnection, Connection, ConnectorType, EmbeddedConnection, Endpoint, VirtualConnection
from cohort_sync.omrs.errors import ConfigurationError

REST_PROVIDER = "org.odpi.openmetadata.adapters.repositoryservices.rest.repositoryconnector.OMRSRESTRepositoryConnectorProvider"
TOPIC_PROVIDER = "org.odpi.openmetadata.adapters.eventbus.topic.kafka.KafkaOpenMetadataTopicProvider"
INERT_PROVIDER = "org.odpi.openmetadata.adapters.eventbus.topic.inmemory.InMemoryOpenMetadataTopicProvider"
INERT_TOPIC = "inert.topic"

_REST_CONNECTOR = ConnectorType(
    guid="75ea56d1-656c-43fb-bc0c-9d35c5553b9e",
    qualified_name="Egeria:OMRSRepositoryConnector:CohortMemberClient:REST",
    display_name="REST Cohort Member Client Connector",
    description="Cohort member client connector that provides access to open metadata located in a remote repository via REST calls.",
    connector_provider_class_name=REST_PROVIDER,
)
_DISPLAY_NAME = "Local Repository Remote Connection"
_INERT = EmbeddedConnection(
    display_name="inert",
    embedded_connection=Connection(
        display_name="inert",
        connector_type=ConnectorType(connector_provider_class_name=INERT_PROVIDER),
        endpoint=Endpoint(network_address=INERT_TOPIC, address=INERT_TOPIC),
    ),
)


class ConnectionMode(StrEnum):
    """`registration.connection`."""

    AUTO = "auto"
    PLAIN = "plain"
    VIRTUAL = "virtual"
    NONE = "none"


def resolved(mode: ConnectionMode, release: str) -> ConnectionMode:
    """The mode that `auto` means for a type release ("4.2", "6.1")."""
    if mode is not ConnectionMode.AUTO:
        return mode
    major = release.partition(".")[0]
    return ConnectionMode.PLAIN if major.isdigit() and int(major) <= 5 else ConnectionMode.VIRTUAL


def registration_connection(mode: ConnectionMode, *, release: str, address: str) -> AnyConnection | None:
    """The connection to register, None for `none`. `address` is the URL root under which our repository services are (".../servers/<name>").

    Raises ConfigurationError when an address is needed and there is none.
    """
    match resolved(mode, release):
        case ConnectionMode.NONE:
            return None
        case kind:
            if not address:
                raise ConfigurationError(
                    f"registration.address: empty, but registration.connection is {mode.value!r}. Expected the URL root at which other members reach this one, "
                    "for example https://host:8765/servers/name; or set registration.connection to 'none'."
                )
            endpoint = Endpoint(network_address=address, address=address)
            if kind is ConnectionMode.PLAIN:
                return Connection(display_name=_DISPLAY_NAME, connector_type=_REST_CONNECTOR, endpoint=endpoint)
            return VirtualConnection(display_name=_DISPLAY_NAME, connector_type=_REST_CONNECTOR, endpoint=endpoint, embedded_connections=[_INERT])


def topic_connection(topic: str) -> Connection:
    """A topic of a cohort, for whoever wants to know its name: no broker, no secrets."""
    return Connection(
        display_name=topic,
        connector_type=ConnectorType(connector_provider_class_name=TOPIC_PROVIDER),
        endpoint=Endpoint(network_address=topic, address=topic),
    )


def advice(mode: ConnectionMode, peer_protocol: str | None) -> str:
    """What to set when a member reports that it cannot use our connection. `peer_protocol` is the protocolVersionId of its events."""
    if peer_protocol == "OMRS V1.0":
        wanted, why = ConnectionMode.PLAIN, "it is a member of a release up to 5.x, which can use a plain connection only"
    else:
        wanted, why = ConnectionMode.VIRTUAL, "it is a 6.x member, which can use a virtual connection unless its secrets store settings stand against it"
    if mode is not wanted:
        return f"Set registration.connection = '{wanted.value}' ({why}), or 'none' if no member needs to call this one."
    return (
        f"registration.connection is '{mode.value}' already ({why}): look at the secrets store settings of that member, or set 'none' if no member needs "
        "to call this one. Until then it lists this member and applies its events, and only its federated queries leave us out."
    )
