"""The connector broker: which connector a connection document asks for (spec configuration-and-security 1.1 to 1.3). Pure: nobody is called here.

Java's broker loads the class that the connection names. Here there is one connector to other repositories, over REST, and a connection either asks for it or
for something that this program does not have.
"""

from urllib.parse import urlsplit

from msgspec import Struct

from cohort_sync.ocf.connections_out import REST_PROVIDER
from cohort_sync.omrs.connections import AnyConnection


class RestRepository(Struct, frozen=True):
    """A repository that is reached by REST. `root` is the URL of its server (".../servers/<name>") without a slash at the end."""

    root: str
    user: str = ""
    password: str = ""
    """Sent as HTTP Basic authorization where the connection has them."""


class NoConnector(Struct, frozen=True):
    """The connection cannot be used; why, in words for an operator."""

    reason: str


def repository_connector(connection: AnyConnection | None) -> RestRepository | NoConnector:
    """The connector to the repository of a member, from the connection in its registration. A VirtualConnection is taken for what it is itself."""
    if connection is None:
        return NoConnector("it registered without a connection: it cannot be asked")
    provider = connection.connector_type.connector_provider_class_name if connection.connector_type is not None else None
    if provider != REST_PROVIDER:
        return NoConnector(f"its connection asks for the connector {provider}, expected {REST_PROVIDER}")
    address = (connection.endpoint.reachable_at if connection.endpoint is not None else None) or ""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return NoConnector(f"its connection has the address {address!r}, expected a URL such as https://host:9443/servers/name")
    return RestRepository(address.rstrip("/"), connection.user_id or "", connection.clear_password or "")
