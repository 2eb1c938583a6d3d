"""Response bodies of what is around the repository: cohorts, audit log, platform (spec repository-rest-api 8, 13 to 15)."""

from enum import StrEnum

from msgspec import field

from cohort_sync.api.omrs.responses import OMRSResponse, PagedResponse
from cohort_sync.cohort.registry_store import MemberRegistration
from cohort_sync.omrs.bean import Bean, always
from cohort_sync.omrs.connections import AnyConnection
from cohort_sync.omrs.properties import EpochMillis

# ------------------------------------------------------------ cohorts


class CohortConnectionStatus(StrEnum):
    """How this server is connected to a cohort."""

    NOT_INITIALIZED = "NOT_INITIALIZED"
    INITIALIZING = "INITIALIZING"
    NEW = "NEW"
    CONFIGURATION_ERROR = "CONFIGURATION_ERROR"
    CONNECTED = "CONNECTED"
    DISCONNECTING = "DISCONNECTING"
    DISCONNECTED = "DISCONNECTED"


class CohortDescription(Bean, frozen=True, kw_only=True, tag_field="class", tag="CohortDescription"):
    """A cohort that this server belongs to."""

    cohort_name: str | None = None
    connection_status: CohortConnectionStatus | None = None
    registration_topic_connection: AnyConnection | None = None
    types_topic_connection: AnyConnection | None = None
    instances_topic_connection: AnyConnection | None = None


class CohortListResponse(PagedResponse, frozen=True, kw_only=True, tag_field="class", tag="CohortListResponse"):
    cohorts: list[CohortDescription] | None = None


class CohortMembershipResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="CohortMembershipResponse"):
    cohort_member: MemberRegistration | None = None


class CohortMembershipListResponse(PagedResponse, frozen=True, kw_only=True, tag_field="class", tag="CohortMembershipListResponse"):
    cohort_members: list[MemberRegistration] | None = None


class ConnectionResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="ConnectionResponse"):
    connection: AnyConnection | None = None


# ------------------------------------------------------------ audit log


class AuditLogSeverity(Bean, frozen=True, kw_only=True):
    """OMRSAuditLogReportSeverity."""

    ordinal: int = field(default_factory=always(0))
    name: str | None = None
    description: str | None = None


class AuditLogComponent(Bean, frozen=True, kw_only=True):
    """AuditLogReportingComponent: who reports."""

    component_id: int = field(default_factory=always(0))
    component_development_status: str | None = None
    component_name: str | None = None
    component_description: str | None = None
    component_wiki_url: str | None = field(default=None, name="componentWikiURL")


class LogStoreReport(Bean, frozen=True, kw_only=True):
    """One destination of the log."""

    destination_name: str | None = None
    supported_severities: list[str] | None = None
    implementation_class: str | None = None


class DestinationsReport(Bean, frozen=True, kw_only=True):
    """Where the log goes."""

    log_store_reports: list[LogStoreReport] | None = None


class AuditLogReport(Bean, frozen=True, kw_only=True):
    """OMRSAuditLogReport: what was logged since the start."""

    reporting_component: AuditLogComponent | None = None
    originator_properties: dict[str, str] | None = None
    severity_identification: dict[str, list[str]] | None = None
    severity_count: dict[str, int] | None = None
    destinations_report: DestinationsReport | None = None


class AuditLogSeveritiesResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="AuditLogSeveritiesResponse"):
    severities: list[AuditLogSeverity] | None = None


class AuditLogReportResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="AuditLogReportResponse"):
    report: AuditLogReport | None = None


# ------------------------------------------------------------ platform


class DateResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="DateResponse"):
    date_value: EpochMillis | None = None


class ServerListResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="ServerListResponse"):
    server_list: list[str] | None = None


class ServerServicesListResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="ServerServicesListResponse"):
    server_name: str | None = None
    server_services_list: list[str] | None = None


class RegisteredService(Bean, frozen=True, kw_only=True):
    """RegisteredOMAGService: a service that a platform can run. This one can run none but itself."""

    service_name: str | None = None


class RegisteredServicesResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="RegisteredOMAGServicesResponse"):
    services: list[RegisteredService] | None = None


class ServerInstance(Bean, frozen=True, kw_only=True):
    """OMAGServerInstanceHistory: from a start of the server to its end."""

    start_time: EpochMillis | None = None
    end_time: EpochMillis | None = None


class ServerStatusResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="ServerStatusResponse"):
    server_name: str | None = None
    server_type: str | None = None
    active: bool = field(default_factory=always(False))
    server_start_time: EpochMillis | None = None
    server_end_time: EpochMillis | None = None
    server_history: list[ServerInstance] | None = None


class ActiveStatus(StrEnum):
    """ServerActiveStatus."""

    UNKNOWN = "UNKNOWN"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    INACTIVE = "INACTIVE"


class ServiceStatus(Bean, frozen=True, kw_only=True):
    """OMAGServerServiceStatus."""

    service_name: str | None = None
    service_status: ActiveStatus | None = None


class InstanceStatusReport(Bean, frozen=True, kw_only=True):
    """OMAGServerStatus."""

    server_name: str | None = None
    server_type: str | None = None
    server_active_status: ActiveStatus | None = None
    services: list[ServiceStatus] | None = None


class InstanceStatusResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="OMAGServerStatusResponse"):
    server_status: InstanceStatusReport | None = None
