"""The exceptions of the OMRS metadata collection as one Python exception with what a REST answer needs (spec repository-rest-api 6.1 to 6.3).

Two families: what is wrong with the request (InvalidParameter) and what is wrong with the server or the state of things (PropertyServer). The Java class that
is named on the wire depends on the release of the caller: up to 5.x all classes are OMRS's own, from 6.x the two general ones come from a framework.
"""

from enum import Enum

from cohort_sync.omrs.error_codes import OMRSErrorCode
from cohort_sync.omrs.errors import CohortSyncError

OMRS_PACKAGE = "org.odpi.openmetadata.repositoryservices.ffdc.exception."
FRAMEWORK_PACKAGE = "org.odpi.openmetadata.frameworks.openmetadata.ffdc."
_METADATA = "org.odpi.openmetadata.repositoryservices.connectors.stores.metadatacollectionstore.properties."


class WireRelease(Enum):
    """Which generation of members an answer is for."""

    UP_TO_5 = "4"
    FROM_6 = "6"


class ExceptionKind(Enum):
    """A Java exception: its simple class name, and the parameter that it always blames ("" when the thrower names one)."""

    INVALID_PARAMETER = ("InvalidParameterException", "")
    ENTITY_NOT_KNOWN = ("EntityNotKnownException", "guid")
    ENTITY_PROXY_ONLY = ("EntityProxyOnlyException", "guid")
    RELATIONSHIP_NOT_KNOWN = ("RelationshipNotKnownException", "guid")
    CLASSIFICATION_ERROR = ("ClassificationErrorException", _METADATA + "instances.Classification")
    PROPERTY_ERROR = ("PropertyErrorException", _METADATA + "instances.InstanceProperties")
    PAGING_ERROR = ("PagingErrorException", "paging")
    STATUS_NOT_SUPPORTED = ("StatusNotSupportedException", _METADATA + "instances.InstanceStatus")
    TYPE_ERROR = ("TypeErrorException", _METADATA + "typedefs.TypeDef")
    TYPEDEF_NOT_KNOWN = ("TypeDefNotKnownException", _METADATA + "typedefs.TypeDef")
    INVALID_TYPEDEF = ("InvalidTypeDefException", _METADATA + "typedefs.TypeDef")
    PATCH_ERROR = ("PatchErrorException", _METADATA + "typedefs.TypeDefPatch")
    USER_NOT_AUTHORIZED = ("UserNotAuthorizedException", "")
    REPOSITORY_ERROR = ("RepositoryErrorException", "")
    FUNCTION_NOT_SUPPORTED = ("FunctionNotSupportedException", "")
    ENTITY_NOT_DELETED = ("EntityNotDeletedException", "")
    RELATIONSHIP_NOT_DELETED = ("RelationshipNotDeletedException", "")
    HOME_ENTITY = ("HomeEntityException", "")
    HOME_RELATIONSHIP = ("HomeRelationshipException", "")
    ENTITY_CONFLICT = ("EntityConflictException", "")
    RELATIONSHIP_CONFLICT = ("RelationshipConflictException", "")
    INVALID_ENTITY = ("InvalidEntityException", "")
    INVALID_RELATIONSHIP = ("InvalidRelationshipException", "")
    TYPEDEF_CONFLICT = ("TypeDefConflictException", "")
    TYPEDEF_IN_USE = ("TypeDefInUseException", "")
    TYPEDEF_KNOWN = ("TypeDefKnownException", "")
    TYPEDEF_NOT_SUPPORTED = ("TypeDefNotSupportedException", "")
    PROPERTY_SERVER = ("PropertyServerException", "")

    def __init__(self, simple_name: str, blamed: str) -> None:
        self.simple_name = simple_name
        self.blamed = blamed

    def java_class(self, release: WireRelease) -> str:
        """The class name that a client of this release compares, always the precise one (spec repository-rest-api 6.3: what lets a caller tell
        FunctionNotSupported from a broken repository)."""
        if self is ExceptionKind.PROPERTY_SERVER:
            return FRAMEWORK_PACKAGE + self.simple_name if release is WireRelease.FROM_6 else OMRS_PACKAGE + "RepositoryErrorException"
        framework = release is WireRelease.FROM_6 and self in _FRAMEWORK
        return (FRAMEWORK_PACKAGE if framework else OMRS_PACKAGE) + self.simple_name


_FRAMEWORK = frozenset({ExceptionKind.INVALID_PARAMETER, ExceptionKind.USER_NOT_AUTHORIZED})


class OMRSException(CohortSyncError):
    """A request that the metadata collection does not carry out; the store is unchanged.

    `method` is the OMRS method that was called, `parameter` the parameter that is at fault (with the InvalidParameter family), `user` who may not (with
    UserNotAuthorized).
    """

    def __init__(
        self,
        kind: ExceptionKind,
        code: OMRSErrorCode,
        *parameters: str | None,
        method: str,
        parameter: str = "",
        user: str = "",
    ) -> None:
        self.kind = kind
        self.code = code
        self.parameters = tuple("null" if one is None else one for one in parameters)
        self.method = method
        self.parameter = kind.blamed or parameter
        self.user = user
        super().__init__(code.message(self.parameters))

    @property
    def properties(self) -> dict[str, str] | None:
        """exceptionProperties of the answer: what the client needs to make the exception anew."""
        if self.user:
            return {"userId": self.user}
        return {"parameterName": self.parameter} if self.parameter else None


def invalid_parameter(code: OMRSErrorCode, *parameters: str | None, method: str, parameter: str) -> OMRSException:
    """InvalidParameterException: this parameter of the call is wrong."""
    return OMRSException(ExceptionKind.INVALID_PARAMETER, code, *parameters, method=method, parameter=parameter)


def not_supported(method: str, server: str) -> OMRSException:
    """FunctionNotSupportedException. Java clients never call a method again that answered it: only for what will not be there tomorrow either."""
    return OMRSException(ExceptionKind.FUNCTION_NOT_SUPPORTED, OMRSErrorCode.METHOD_NOT_IMPLEMENTED, method, server, "cohort-sync", method=method)
