"""OCF connections as they travel in registration events (spec cohort-events 3.2, configuration-and-security 1.1).

Read leniently, write strictly: `address` (members up to 5.x) and `networkAddress` (6.x) are both carried; `Endpoint.reachable_at` is what a reader uses.
The framework beans have headerVersion 0 where the OMRS beans have 1.
"""

from msgspec import Raw, field

from cohort_sync.omrs.bean import Bean, always


class ElementType(Bean, frozen=True, kw_only=True):
    """`type` of a framework bean as members up to 5.x write it."""

    type_id: str | None = None
    type_name: str | None = None
    super_type_names: list[str] | None = None
    type_version: int = field(default_factory=always(0))
    type_description: str | None = None


class FrameworkBean(Bean, frozen=True, kw_only=True):
    """PropertyBase, ElementBase and Referenceable of the connector framework."""

    header_version: int = field(default_factory=always(0))
    type: ElementType | None = None
    guid: str | None = None
    extended_properties: dict[str, Raw] | None = None
    qualified_name: str | None = None
    display_name: str | None = None
    description: str | None = None
    version_identifier: str | None = None
    url: str | None = None
    additional_properties: dict[str, str] | None = None


class ConnectorType(FrameworkBean, frozen=True, kw_only=True, tag_field="class", tag="ConnectorType"):
    """Which connector a connection asks for."""

    supported_asset_type_name: str | None = None
    supported_deployed_implementation_type: str | None = None
    expected_data_format: str | None = None
    connector_provider_class_name: str | None = None
    connector_framework_name: str | None = None
    connector_interface_language: str | None = None
    connector_interfaces: list[str] | None = None
    target_technology_source: str | None = None
    target_technology_name: str | None = None
    target_technology_interfaces: list[str] | None = None
    target_technology_versions: list[str] | None = None
    recognized_additional_properties: list[str] | None = None
    recognized_configuration_properties: list[str] | None = None
    recognized_secured_properties: list[str] | None = None


class Endpoint(FrameworkBean, frozen=True, kw_only=True, tag_field="class", tag="Endpoint"):
    """Where it is."""

    network_address: str | None = None
    address: str | None = None
    protocol: str | None = None
    encryption_method: str | None = None

    @property
    def reachable_at(self) -> str | None:
        """The address, whichever generation wrote it."""
        return self.network_address or self.address


class ConnectionFields(FrameworkBean, frozen=True, kw_only=True):
    """What a Connection and a VirtualConnection share. Never put a secret here: registrations are broadcast and logged by every member."""

    connector_type: ConnectorType | None = None
    endpoint: Endpoint | None = None
    user_id: str | None = None
    encrypted_password: str | None = None
    clear_password: str | None = None
    configuration_properties: dict[str, Raw] | None = None
    secured_properties: dict[str, str] | None = None


class EmbeddedConnection(Bean, frozen=True, kw_only=True, tag_field="class", tag="EmbeddedConnection"):
    """One connection inside a VirtualConnection."""

    header_version: int = field(default_factory=always(0))
    position: int = field(default_factory=always(0))
    display_name: str | None = None
    arguments: dict[str, Raw] | None = None
    embedded_connection: "Connection | VirtualConnection | None" = None


class Connection(ConnectionFields, frozen=True, kw_only=True, tag_field="class", tag="Connection"):
    """How to create a connector."""


class VirtualConnection(ConnectionFields, frozen=True, kw_only=True, tag_field="class", tag="VirtualConnection"):
    """A connection with others inside."""

    embedded_connections: list[EmbeddedConnection] | None = None


AnyConnection = Connection | VirtualConnection
