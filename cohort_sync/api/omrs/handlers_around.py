"""What the operations around the repository do: cohorts, audit log, platform."""

from cohort_sync.api.omrs import responses as res
from cohort_sync.api.omrs import responses_around as around
from cohort_sync.api.omrs.call import Call, Handler
from cohort_sync.api.omrs.operations_around import NOT_OURS, PLATFORM
from cohort_sync.api.omrs.surroundings import Highway
from cohort_sync.omrs.error_codes import OMRSErrorCode as Code
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException, invalid_parameter, not_supported

SERVICE = "Open Metadata Repository Services (OMRS)"
SEVERITIES = (
    (0, "Unknown", "Nobody said how severe it is."),
    (1, "Information", "The server is running normally."),
    (2, "Event", "An event was sent or received."),
    (3, "Decision", "The server has decided something."),
    (4, "Action", "Somebody has to do something."),
    (5, "Error", "Something did not work, because of what was asked or of where it runs."),
    (6, "Exception", "Something did not work that should have."),
    (7, "Security", "Somebody was refused."),
    (8, "Startup", "A part starts."),
    (9, "Shutdown", "A part stops."),
    (10, "Asset", "An asset was used."),
    (11, "Types", "Types have changed."),
    (12, "Cohort", "The membership of a cohort has changed."),
    (13, "Trace", "For those who look for a fault."),
    (14, "PerfMon", "How long something took."),
    (15, "Activity", "What a user has done."),
)
"""Ordinal, name and description (spec configuration-and-security 7.1)."""

# ------------------------------------------------------------ cohorts


def _highway(call: Call) -> Highway:
    if call.surroundings.highway is None:
        raise OMRSException(Kind.REPOSITORY_ERROR, Code.NO_METADATA_HIGHWAY, call.operation.method, method=call.operation.method)
    return call.surroundings.highway


async def get_cohorts(call: Call) -> res.OMRSResponse:
    return around.CohortListResponse(cohorts=await _highway(call).cohorts() or None)


async def get_local_registration(call: Call) -> res.OMRSResponse:
    return around.CohortMembershipResponse(cohort_member=await _highway(call).local_registration(call.path.get("cohortName")))


async def get_remote_registrations(call: Call) -> res.OMRSResponse:
    return around.CohortMembershipListResponse(cohort_members=await _highway(call).remote_members(call.path["cohortName"]) or None)


async def connect_to_cohort(call: Call) -> res.OMRSResponse:
    return res.BooleanResponse(flag=await _highway(call).connect(call.path["cohortName"]))


async def disconnect_from_cohort(call: Call) -> res.OMRSResponse:
    return res.BooleanResponse(flag=await _highway(call).disconnect(call.path["cohortName"]))


async def unregister_from_cohort(call: Call) -> res.OMRSResponse:
    return res.BooleanResponse(flag=await _highway(call).unregister(call.path["cohortName"]))


async def get_enterprise_topic_connection(_call: Call) -> res.OMRSResponse:
    """There is no remote enterprise topic: a success without a connection."""
    return around.ConnectionResponse()


# ------------------------------------------------------------ audit log


async def get_severity_list(_call: Call) -> res.OMRSResponse:
    severities = [around.AuditLogSeverity(ordinal=ordinal, name=name, description=text) for ordinal, name, text in SEVERITIES]
    return around.AuditLogSeveritiesResponse(severities=severities)


async def get_audit_log_report(call: Call) -> res.OMRSResponse:
    log, member = call.surroundings.audit_log, call.collection.context.member
    originator = {
        "serverName": member.server_name,
        "serverType": member.server_type or "",
        "organizationName": member.organization_name or "",
        "metadataCollectionId": member.metadata_collection_id,
    }
    counts = log.counts()
    destination = around.LogStoreReport(
        destination_name="standard error",
        supported_severities=[name for ordinal, name, _ in SEVERITIES if ordinal in counts] or None,
        implementation_class="cohort_sync.observe.logging",
    )
    report = around.AuditLogReport(
        reporting_component=around.AuditLogComponent(component_id=1, component_name=SERVICE, component_description="cohort-sync"),
        originator_properties={name: value for name, value in originator.items() if value},
        severity_identification={str(ordinal): names for ordinal, names in sorted(log.components().items())} or None,
        severity_count={str(ordinal): count for ordinal, count in sorted(counts.items())} or None,
        destinations_report=around.DestinationsReport(log_store_reports=[destination]),
    )
    return around.AuditLogReportResponse(report=report)


# ------------------------------------------------------------ platform


def _check_server(call: Call) -> None:
    """The server that is asked about is this one. Raises InvalidParameter."""
    name = call.path.get("serverName", call.collection.context.member.server_name)
    if name != call.collection.context.member.server_name:
        raise invalid_parameter(Code.SERVER_NOT_AVAILABLE, name, call.user, method=call.operation.method, parameter="serverName")


async def get_start_time(call: Call) -> res.OMRSResponse:
    return around.DateResponse(date_value=call.surroundings.started_at)


async def get_servers(call: Call) -> res.OMRSResponse:
    return around.ServerListResponse(server_list=[call.collection.context.member.server_name])


async def is_server_known(call: Call) -> res.OMRSResponse:
    return res.BooleanResponse(flag=call.path["serverName"] == call.collection.context.member.server_name)


async def get_server_status(call: Call) -> res.OMRSResponse:
    _check_server(call)
    member, started = call.collection.context.member, call.surroundings.started_at
    return around.ServerStatusResponse(
        server_name=member.server_name,
        server_type=member.server_type,
        active=True,
        server_start_time=started,
        server_history=[around.ServerInstance(start_time=started)],
    )


async def get_services(call: Call) -> res.OMRSResponse:
    _check_server(call)
    return around.ServerServicesListResponse(server_name=call.collection.context.member.server_name, server_services_list=[SERVICE])


async def get_registered_services(_call: Call) -> res.OMRSResponse:
    """This platform has no services that a server could be made of."""
    return around.RegisteredServicesResponse()


async def get_instance_status(call: Call) -> res.OMRSResponse:
    _check_server(call)
    member = call.collection.context.member
    running = around.ActiveStatus.RUNNING
    report = around.InstanceStatusReport(
        server_name=member.server_name,
        server_type=member.server_type,
        server_active_status=running,
        services=[around.ServiceStatus(service_name=SERVICE, service_status=running)],
    )
    return around.InstanceStatusResponse(server_status=report)


async def not_ours(call: Call) -> res.OMRSResponse:
    """This server cannot do it, today or tomorrow."""
    _check_server(call)
    raise not_supported(call.operation.method, call.collection.context.member.server_name)


AROUND_HANDLERS: dict[str, Handler] = {
    "getCohorts": get_cohorts,
    "getLocalRegistration": get_local_registration,
    "getLocalRegistrationOfCohort": get_local_registration,
    "getRemoteRegistrations": get_remote_registrations,
    "connectToCohort": connect_to_cohort,
    "disconnectFromCohort": disconnect_from_cohort,
    "unregisterFromCohort": unregister_from_cohort,
    "getEnterpriseTopicConnection": get_enterprise_topic_connection,
    "getSeverityList": get_severity_list,
    "getAuditLogReport": get_audit_log_report,
    "getPlatformStartTime": get_start_time,
    "getKnownServers": get_servers,
    "getActiveServers": get_servers,
    "isServerKnown": is_server_known,
    "getServerStatus": get_server_status,
    "getActiveServices": get_services,
    "getServicesOfServer": get_services,
    "getInstanceStatus": get_instance_status,
    "getInstanceStatusOfServer": get_instance_status,
    **{operation.name: get_registered_services for operation in PLATFORM if operation.name.startswith("getRegistered")},
    **{operation.name: not_ours for operation in NOT_OURS},
}
