"""The rows of the table that are around the repository: the same operations without a user in the path, cohorts, audit log, platform.

Releases up to 5.x have the user in the paths of cohorts and audit log, from 6.x the token says who it is; both are served (spec repository-rest-api 13 to 15,
egeria-4.2/rest-endpoints).
"""

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs import responses as res
from cohort_sync.api.omrs import responses_around as around_res
from cohort_sync.api.omrs.operation import Operation, Root, around

_BOTH = (Root.SERVER, Root.USER)
_KINDS = ("access", "engine", "view", "governance", "common")

WITHOUT_USER = tuple(
    Operation(
        f"{name}WithoutUser",
        name,
        path,
        req.GetRequest,
        response,
        get=True,
        post=False,
        required=False,
        enterprise=False,
        up_to_5_only=True,
        roots=(Root.SERVER,),
    )
    for name, path, response in (
        ("getMetadataCollectionId", "/metadata-collection-id", res.MetadataCollectionIdResponse),
        ("getEntityDetail", "/instances/entity/{guid}", res.EntityDetailResponse),
        ("getRelationship", "/instances/relationship/{guid}", res.RelationshipResponse),
    )
)

ENTERPRISE_TOPIC = (
    Operation(
        "getEnterpriseTopicConnection",
        "getEnterpriseOMRSTopicConnection",
        "/remote-topic-connection",
        req.GetRequest,
        around_res.ConnectionResponse,
        get=True,
        post=False,
        required=False,
        local=False,
    ),
)

HIGHWAY = (
    around("getCohorts", "/metadata-highway/cohort-descriptions", around_res.CohortListResponse, *_BOTH),
    around("getLocalRegistration", "/metadata-highway/local-registration", around_res.CohortMembershipResponse, *_BOTH),
    around(
        "getLocalRegistrationOfCohort",
        "/metadata-highway/cohorts/{cohortName}/local-registration",
        around_res.CohortMembershipResponse,
        *_BOTH,
        method="getLocalRegistration",
    ),
    around("getRemoteRegistrations", "/metadata-highway/cohorts/{cohortName}/remote-members", around_res.CohortMembershipListResponse, *_BOTH),
    around("connectToCohort", "/metadata-highway/cohorts/{cohortName}/connect", res.BooleanResponse, *_BOTH),
    around("disconnectFromCohort", "/metadata-highway/cohorts/{cohortName}/disconnect", res.BooleanResponse, *_BOTH),
    around("unregisterFromCohort", "/metadata-highway/cohorts/{cohortName}/unregister", res.BooleanResponse, *_BOTH),
)

AUDIT_LOG = (
    around("getSeverityList", "/audit-log/severity-definitions", around_res.AuditLogSeveritiesResponse, *_BOTH),
    around("getAuditLogReport", "/audit-log/report", around_res.AuditLogReportResponse, *_BOTH),
)

PLATFORM = (
    around("getPlatformStartTime", "/start-time", around_res.DateResponse, Root.PLATFORM),
    around("getKnownServers", "/servers", around_res.ServerListResponse, Root.PLATFORM),
    around("getActiveServers", "/servers/active", around_res.ServerListResponse, Root.PLATFORM),
    around("isServerKnown", "/servers/{serverName}/is-known", res.BooleanResponse, Root.PLATFORM),
    around("getServerStatus", "/servers/{serverName}/status", around_res.ServerStatusResponse, Root.PLATFORM),
    around("getActiveServices", "/servers/{serverName}/services", around_res.ServerServicesListResponse, Root.PLATFORM),
    around("getRegisteredServices", "/registered-services", around_res.RegisteredServicesResponse, Root.PLATFORM),
    *(
        around(f"getRegistered{kind.capitalize()}Services", f"/registered-services/{kind}-services", around_res.RegisteredServicesResponse, Root.PLATFORM)
        for kind in _KINDS
    ),
    around("getInstanceStatus", "/servers/{serverName}/instance/status", around_res.InstanceStatusResponse, Root.PLATFORM),
    around("getInstanceStatusOfServer", "/instance/status", around_res.InstanceStatusResponse, Root.SERVER_OPERATIONS, method="getInstanceStatus"),
    around("getServicesOfServer", "/services", around_res.ServerServicesListResponse, Root.SERVER_OPERATIONS, method="getActiveServices"),
)

NOT_OURS = (
    around("getConnectorType", "/connector-types/{connectorProviderClassName}", res.VoidResponse, Root.PLATFORM),
    around("getActiveConfiguration", "/servers/{serverName}/instance/configuration", res.VoidResponse, Root.PLATFORM),
    around("activateWithSuppliedConfig", "/servers/{serverName}/instance/configuration", res.VoidResponse, Root.PLATFORM, verb="POST"),
    around("activateWithStoredConfig", "/servers/{serverName}/instance", res.VoidResponse, Root.PLATFORM, verb="POST"),
    around("shutdownServer", "/servers/{serverName}/instance", res.VoidResponse, Root.PLATFORM, verb="DELETE"),
    around("shutdownAndUnregisterServer", "/servers/{serverName}", res.VoidResponse, Root.PLATFORM, verb="DELETE"),
    around("shutdownAndUnregisterAllServers", "/servers", res.VoidResponse, Root.PLATFORM, verb="DELETE"),
    around("shutdownAllServers", "/servers/instance", res.VoidResponse, Root.PLATFORM, verb="DELETE"),
    around("shutdownPlatform", "/instance", res.VoidResponse, Root.PLATFORM, verb="DELETE"),
    around("addArchiveFile", "/servers/{serverName}/instance/open-metadata-archives/file", res.VoidResponse, Root.PLATFORM, verb="POST"),
    around("addArchiveConnection", "/servers/{serverName}/instance/open-metadata-archives/connection", res.VoidResponse, Root.PLATFORM, verb="POST"),
    around("getConfigurationOfServer", "/instance/configuration", res.VoidResponse, Root.SERVER_OPERATIONS, method="getActiveConfiguration"),
    around("addArchiveFileToServer", "/instance/open-metadata-archives/file", res.VoidResponse, Root.SERVER_OPERATIONS, method="addArchiveFile", verb="POST"),
    around(
        "addArchiveConnectionToServer",
        "/instance/open-metadata-archives/connection",
        res.VoidResponse,
        Root.SERVER_OPERATIONS,
        method="addArchiveConnection",
        verb="POST",
    ),
    around("addArchiveContentToServer", "/instance/open-metadata-archives/archive-content", res.VoidResponse, Root.SERVER_OPERATIONS, verb="POST"),
)
"""What this server cannot do: it has a configuration file of its own, is started and stopped by its supervisor, and loads archives at the start."""
