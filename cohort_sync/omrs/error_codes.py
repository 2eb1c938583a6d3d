"""The error codes of the OMRS repository services: HTTP code, message id and message template of each (spec repository-rest-api 6.4, OMRSErrorCode).

Java callers and the conformance suite compare the ids; the templates are those that a Java server formats, so that a log of a peer reads the same whoever
answered. Parameters are numbered as in Java's message format. The codes at the end are ours: for what a Java server leaves to its container.
"""

import re
from enum import Enum

_PLACE = re.compile(r"\{(\d)\}")


class OMRSErrorCode(Enum):
    """One way in which a request can fail."""

    TYPEDEF_IN_USE = (
        400,
        "OMRS-REPOSITORY-400-001",
        "Unable to delete the TypeDef {0} (guid = {1}) since it is still in use in the open metadata repository {2}",
    )
    ATTRIBUTE_TYPEDEF_IN_USE = (
        400,
        "OMRS-REPOSITORY-400-002",
        "Unable to delete the AttributeTypeDef {0} (guid = {1}) since it is still in use in the open metadata repository {2}",
    )
    TYPEDEF_ALREADY_DEFINED = (
        400,
        "OMRS-REPOSITORY-400-003",
        "Unable to add the TypeDef {0} (guid = {1}) since it is already defined in the open metadata repository {2}",
    )
    ATTRIBUTE_TYPEDEF_ALREADY_DEFINED = (
        400,
        "OMRS-REPOSITORY-400-004",
        "Unable to add the AttributeTypeDef {0} (guid = {1}) since it is already defined in the open metadata repository {2}",
    )
    UNKNOWN_CLASSIFICATION = (400, "OMRS-REPOSITORY-400-005", "Classification {0} is not a recognized classification type by open metadata repository {1}")
    INVALID_CLASSIFICATION_FOR_ENTITY = (
        400,
        "OMRS-REPOSITORY-400-006",
        "Open metadata repository {0} is unable to assign a classification of type {1} to an entity of type {2} as the classification type "
        "is not valid for this type of entity",
    )
    NO_TYPEDEF_NAME = (
        400,
        "OMRS-REPOSITORY-400-007",
        "A null TypeDef name has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NO_ATTRIBUTE_TYPEDEF_NAME = (
        400,
        "OMRS-REPOSITORY-400-008",
        "A null AttributeTypeDef name has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NO_TYPEDEF_CATEGORY = (
        400,
        "OMRS-REPOSITORY-400-009",
        "A null TypeDef category has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NO_ATTRIBUTE_TYPEDEF_CATEGORY = (
        400,
        "OMRS-REPOSITORY-400-010",
        "A null AttributeTypeDef category has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NO_MATCH_CRITERIA = (
        400,
        "OMRS-REPOSITORY-400-011",
        "A null list of match criteria properties has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NO_EXTERNAL_ID = (
        400,
        "OMRS-REPOSITORY-400-012",
        "Null values for all the parameters describing an external id for a standard has been passed on a {0} request to open metadata repository {1}",
    )
    NO_SEARCH_CRITERIA = (
        400,
        "OMRS-REPOSITORY-400-013",
        "A null search criteria has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NO_GUID = (
        400,
        "OMRS-REPOSITORY-400-014",
        "A null unique identifier (guid) has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NULL_TYPEDEF = (
        400,
        "OMRS-REPOSITORY-400-019",
        "A null TypeDef has been passed as the {0} parameter on a {1} request to the open metadata repository {2}",
    )
    NULL_ATTRIBUTE_TYPEDEF = (
        400,
        "OMRS-REPOSITORY-400-020",
        "A null AttributeTypeDef has been passed as the {0} parameter on a {1} request to the open metadata repository {2}",
    )
    NULL_TYPEDEF_GALLERY = (
        400,
        "OMRS-REPOSITORY-400-021",
        "A null TypeDefGalleryResponse object has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NULL_TYPEDEF_IDENTIFIER = (
        400,
        "OMRS-REPOSITORY-400-022",
        "A null unique identifier (guid) for a TypeDef object has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NULL_TYPEDEF_NAME = (
        400,
        "OMRS-REPOSITORY-400-023",
        "A null unique name for a TypeDef object has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NULL_ATTRIBUTE_TYPEDEF_IDENTIFIER = (
        400,
        "OMRS-REPOSITORY-400-024",
        "A null unique identifier (guid) for a AttributeTypeDef object has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NULL_CLASSIFICATION_NAME = (
        400,
        "OMRS-REPOSITORY-400-026",
        "A null classification name has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NULL_USER_ID = (400, "OMRS-REPOSITORY-400-027", "A null user name has been passed as the {0} parameter on a {1} request to open metadata repository {2}")
    BAD_PROPERTY_FOR_TYPE = (
        400,
        "OMRS-REPOSITORY-400-028",
        "A property called {0} has been proposed for a new metadata instance of category {1} and type {2}; it is not supported for this "
        "type in open metadata repository {3}",
    )
    NO_PROPERTIES_FOR_TYPE = (
        400,
        "OMRS-REPOSITORY-400-029",
        "Properties have been proposed for a new metadata instance of category {0} and type {1}; properties not supported for this type in "
        "open metadata repository {2}",
    )
    BAD_PROPERTY_TYPE = (
        400,
        "OMRS-REPOSITORY-400-030",
        "A property called {0} of type {1} has been proposed for a new metadata instance of category {2} and type {3}; this property should"
        " be of type {4} in open metadata repository {5}",
    )
    NULL_PROPERTY_VALUE_FOR_INSTANCE = (
        400,
        "OMRS-REPOSITORY-400-032",
        "A null property value has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NULL_PROPERTY_TYPE_FOR_INSTANCE = (
        400,
        "OMRS-REPOSITORY-400-033",
        "A null property type has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    BAD_TYPEDEF_ID_FOR_INSTANCE = (
        400,
        "OMRS-REPOSITORY-400-034",
        "A invalid TypeDef unique identifier (guid) has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    BAD_INSTANCE_STATUS = (
        400,
        "OMRS-REPOSITORY-400-035",
        "An instance status of {0} has been passed as the {1} parameter on a {2} request to open metadata repository {3} but this status is"
        " not valid for an instance of type {4}",
    )
    NULL_INSTANCE_STATUS = (
        400,
        "OMRS-REPOSITORY-400-036",
        "A null instance status has been passed as the {0} parameter on a {1} request to open metadata repository {2}",
    )
    NO_NEW_PROPERTIES = (
        400,
        "OMRS-REPOSITORY-400-037",
        "No properties have been passed on the {0} parameter on a {1} request to open metadata repository {2}",
    )
    REPOSITORY_NOT_CRYSTAL_BALL = (
        400,
        "OMRS-REPOSITORY-400-038",
        "A future time of {0} has been passed on the {0} parameter of a {1} request to open metadata repository {2}",
    )
    BAD_TYPEDEF_IDS_FOR_DELETE = (
        400,
        "OMRS-REPOSITORY-400-039",
        "Incompatible TypeDef unique identifiers (name={0}, guid{1}) have been passed on a {2} request for instance {3} to open metadata repository {4}",
    )
    BAD_PROPERTY_FOR_INSTANCE = (
        400,
        "OMRS-REPOSITORY-400-040",
        "Unexpected exception {0} occurred when comparing properties against a search string of {1} during the {2} operation from {3}. Error message was {4}",
    )
    NULL_REFERENCE_INSTANCE = (
        400,
        "OMRS-REPOSITORY-400-041",
        "A null reference instance has been passed to repository {0} during the {1} in the {2} parameter",
    )
    NULL_ENTITY_PROXY = (400, "OMRS-REPOSITORY-400-043", "A null entity proxy has been passed to repository {0} as the {1} parameter of the {2} operation")
    LOCAL_ENTITY_PROXY = (
        400,
        "OMRS-REPOSITORY-400-044",
        "An entity proxy has been passed to repository {0} as the {1} parameter of the {2} operation which has the local repository as its home",
    )
    INSTANCE_ALREADY_DELETED = (400, "OMRS-REPOSITORY-400-045", "A {0} request has been made to repository {1} for an instance {2} that is already deleted")
    INSTANCE_NOT_DELETED = (400, "OMRS-REPOSITORY-400-046", "A {0} request has been made to repository {1} for an instance {2} that is not deleted")
    INVALID_RELATIONSHIP_ENDS = (
        400,
        "OMRS-REPOSITORY-400-047",
        "A {0} request has been made to repository {1} for a relationship that has one or more ends of the wrong or invalid type.  "
        "Relationship type is {2}; entity proxy {3} for end 1 is of type {4} rather than {5} and entity proxy {6} for end 2 is of type {7} "
        "rather than {8}",
    )
    ENTITY_NOT_CLASSIFIED = (
        400,
        "OMRS-REPOSITORY-400-048",
        "A {0} request has been made to repository {1} to remove a non-existent classification {2} from entity {3}",
    )
    NULL_TYPEDEF_PATCH = (400, "OMRS-REPOSITORY-400-049", "A null TypeDef patch has been passed on the {0} operation of repository {1}")
    NEGATIVE_PAGE_SIZE = (
        400,
        "OMRS-REPOSITORY-400-050",
        "A negative pageSize of {0} has been passed on the {0} parameter of a {1} request to open metadata repository {2}",
    )
    ENTITY_PROXY_ONLY = (
        400,
        "OMRS-REPOSITORY-400-051",
        "A request for entity {0} has been passed to repository {1} as the {2} parameter of the {3} operation but only an entity proxy has been found",
    )
    NULL_AS_OF_TIME = (400, "OMRS-REPOSITORY-400-057", "The OMRS repository connector operation {0} does not allow a null value for {1} from {2}")
    BAD_DELETE_INSTANCE_STATUS = (
        400,
        "OMRS-REPOSITORY-400-058",
        "An instance status of {0} has been passed as the {1} parameter on a {2} request to open metadata repository {3} however this "
        "status is not valid for an instance of type {4}",
    )
    VERIFY_CONFLICT_DETECTED = (
        400,
        "OMRS-REPOSITORY-400-059",
        "Type definition with guid {0} and name {1} conflicts with an existing type definition in open metadata repository {2}",
    )
    HOME_REFRESH = (
        400,
        "OMRS-REPOSITORY-400-063",
        "Method {0} is unable to request a refresh of instance {1} as it is a local member of metadata collection {2} in repository {3}",
    )
    UNSUPPORTED_TYPE_HEADER_VERSION = (
        400,
        "OMRS-REPOSITORY-400-065",
        "Method {0} is unable to accept the new type definition {1} from {2} because it has a header version of {3} which is greater than "
        "this repository can support ({4})",
    )
    UNSUPPORTED_INSTANCE_HEADER_VERSION = (
        400,
        "OMRS-REPOSITORY-400-066",
        "Method {0} is unable to accept the new {1} instance from {2} with guid {3} and type {4} because it has a header version of {5} "
        "which is greater than this repository can support ({6})",
    )
    INVALID_PATCH_VERSION = (
        400,
        "OMRS-REPOSITORY-400-067",
        "Method {0} has detected invalid version values in TypeDef patch from {1}. The updateToVersion {2} is less than the applyToVersion "
        "{3}.  This is the contents of the patch {4}",
    )
    INCOMPATIBLE_PATCH_VERSION = (
        400,
        "OMRS-REPOSITORY-400-068",
        "Method {0} has detected that a TypeDef patch from {1} is for a future level from the active TypeDef.  The applyToVersion is {2} "
        "and the active TypeDef's version is {3}. This is the contents of the patch {4}",
    )
    NULL_MANDATORY_PATCH_FIELD = (
        400,
        "OMRS-REPOSITORY-400-069",
        "Method {0} has detected that a TypeDef patch from {1} has the mandatory field {2} set to null which is invalid. This is the contents of the patch {3}",
    )
    INCOMPATIBLE_PROPERTY_PATCH = (
        400,
        "OMRS-REPOSITORY-400-070",
        "Method {0} has detected that a TypeDef patch from {1} attempts to change the type of property {2} from {3} to {4}. This is the "
        "contents of the patch {5}",
    )
    INVALID_PROPERTY_SEARCH = (
        400,
        "OMRS-REPOSITORY-400-074",
        "An invalid list of property-based search conditions was provided: nestedConditions is mutually exclusive with property, operator, value",
    )
    INVALID_CLASSIFICATION_SEARCH = (
        400,
        "OMRS-REPOSITORY-400-075",
        "An invalid list of classification-based search conditions was provided: name of the classification is mandatory",
    )
    INVALID_LIST_CONDITION = (400, "OMRS-REPOSITORY-400-076", "An invalid list was provided for the value of an IN operator")
    INVALID_LIKE_CONDITION = (400, "OMRS-REPOSITORY-400-077", "An invalid string was provided for the value of a LIKE operator")
    INVALID_NUMERIC_CONDITION = (400, "OMRS-REPOSITORY-400-078", "An invalid string was provided for the value of the {0} operator")
    TYPEDEF_NOT_SUBTYPE = (400, "OMRS-REPOSITORY-400-079", "The provided subtype {0} is not a subtype of typedef {1}")
    UNSUPPORTED_CLASSIFICATION = (400, "OMRS-REPOSITORY-400-080", "Classification {0} is not a supported classification type in open metadata repository {1}")
    ENTITY_ALREADY_CLASSIFIED = (
        400,
        "OMRS-REPOSITORY-400-081",
        "A {0} request has been made to repository {1} to add a classification {2} to entity {3} when this entity is already classified",
    )
    INVALID_TIME_RANGE = (400, "OMRS-REPOSITORY-400-083", "The OMRS repository connector operation {0} does not allow a time range from {1} to {2}")
    INVALID_SEARCH_CRITERIA = (
        400,
        "OMRS-PROPERTIES-400-006",
        "A {0} exception was returned when matching {2} against {1} in method {4}.  The exception message was: {3}",
    )
    REPOSITORY_NOT_AVAILABLE = (
        404,
        "OMRS-REPOSITORY-404-001",
        "The open metadata repository connector for server {0} is not active and is unable to service the {1} request",
    )
    ENTITY_NOT_KNOWN = (
        404,
        "OMRS-REPOSITORY-404-002",
        "The entity identified with guid {0} passed on the {1} call is not known to the open metadata repository {2}",
    )
    RELATIONSHIP_NOT_KNOWN = (
        404,
        "OMRS-REPOSITORY-404-003",
        "The relationship identified with guid {0} passed on the {1} call is not known to the open metadata repository {2}",
    )
    TYPEDEF_NOT_KNOWN = (
        404,
        "OMRS-REPOSITORY-404-004",
        "The TypeDef {0} (guid = {1}) passed on the {2} parameter of the {3} operation is not known to the open metadata repository {4}",
    )
    TYPEDEF_ID_NOT_KNOWN = (
        404,
        "OMRS-REPOSITORY-404-007",
        "The TypeDef unique identifier {0} passed as parameter {1} on a {2} request to open metadata repository {3} is not known to this repository",
    )
    TYPEDEF_NAME_NOT_KNOWN = (
        404,
        "OMRS-REPOSITORY-404-009",
        "The TypeDef unique name {0} passed on a {1} request to open metadata repository {2} is not known to this repository",
    )
    RELATIONSHIP_NOT_FOUND = (
        404,
        "OMRS-REPOSITORY-404-011",
        "The relationship identified with guid {0} passed on the {1} call is not found to the open metadata repository {2}",
    )
    RELATIONSHIP_SOFT_DELETED = (
        404,
        "OMRS-REPOSITORY-404-012",
        "The {0} relationship identified with guid {1} passed on the {2} call is soft-deleted in the open metadata repository {3}",
    )
    ENTITY_SOFT_DELETED = (
        404,
        "OMRS-REPOSITORY-404-013",
        "The {0} entity identified with guid {1} passed on the {2} call is soft-deleted in the open metadata repository {3}",
    )
    ENTERPRISE_NOT_SUPPORTED = (
        405,
        "OMRS-ENTERPRISE-REPOSITORY-CONNECTOR-405-001",
        "The requested method {0} is not supported by the EnterpriseOMRSRepositoryConnector",
    )
    NULL_HOME_METADATA_COLLECTION_ID = (
        500,
        "OMRS-METADATA-COLLECTION-500-004",
        "Null home metadata collection identifier found by method {1} in property {0} from open metadata repository {3}",
    )
    REPOSITORY_LOGIC_ERROR = (
        500,
        "OMRS-METADATA-COLLECTION-500-012",
        "Open metadata repository {0} has encountered an unexpected exception during the {1} operation.  The full message was {2}",
    )
    NULL_INSTANCE_TYPE = (
        500,
        "OMRS-METADATA-COLLECTION-500-013",
        "During the {0} operation, open metadata repository {1} retrieved an instance from its metadata store that has a null type",
    )
    INACTIVE_INSTANCE_TYPE = (
        500,
        "OMRS-METADATA-COLLECTION-500-014",
        "During the {0} operation, open metadata repository {1} retrieved an instance (guid={2}) from its metadata store that has an "
        "inactive type called {3} (type guid = {4})",
    )
    INSTANCE_HOME_NOT_LOCAL = (
        500,
        "OMRS-METADATA-COLLECTION-500-016",
        "The home metadata collection identifier {0} found by method {1} for instance with GUID {2} is not the metadata collection "
        "identifier {3} for the local metadata repository {4}",
    )
    INSTANCE_HOME_IS_LOCAL = (
        500,
        "OMRS-METADATA-COLLECTION-500-017",
        "The home metadata collection identifier {0} found by method {1} for instance with GUID {2} is the metadata collection identifier "
        "{3} for the local metadata repository {4}",
    )
    METHOD_NOT_IMPLEMENTED = (
        501,
        "OMRS-METADATA-COLLECTION-501-001",
        "OMRSMetadataInstanceStore method {0} for OMRS Connector {1} to repository type {2} is not implemented",
    )
    TYPE_NOT_IMPLEMENTED = (501, "OMRS-METADATA-COLLECTION-501-002", "Repository {0} is not able to support the {1} type")
    NOT_FOR_LOCAL_COLLECTION = (
        400,
        "OMRS-LOCAL-REPOSITORY-400-002",
        "The local repository is not able to re-home the instance {0} of type {1} ({2}) because it is not managing the repository with the "
        "requested home metadata collection of {3}.  This local repository is managing the {4} metadata collection",
    )
    ENTITY_PROXY_IN_HOME = (
        503,
        "OMRS-LOCAL-REPOSITORY-503-007",
        "The local OMRS repository connector {0} hosts the home metadata collection for entity {1} but only has an entity proxy stored.  It"
        " is not able to complete the {2} request",
    )
    ENTITY_CAN_NOT_BE_UPDATED = (
        503,
        "OMRS-LOCAL-REPOSITORY-503-009",
        "The local OMRS repository connector {0} has been asked to update entity {1} but it is not the owner.It is not able to complete the {2} request",
    )
    RELATIONSHIP_CAN_NOT_BE_UPDATED = (
        503,
        "OMRS-LOCAL-REPOSITORY-503-010",
        "The local OMRS repository connector {0} has been asked to update relationship {1} but it is not the owner.It is not able to complete the {2} request",
    )
    NO_LOCAL_REPOSITORY = (503, "OMRS-REST-API-503-001", "There is no local repository to support REST API call {0}")
    NO_ENTERPRISE_REPOSITORY = (503, "OMRS-REST-API-503-002", "There is no enterprise repository to support REST API call {0}")
    NO_METADATA_HIGHWAY = (503, "OMRS-REST-API-503-003", "There is no metadata highway to support REST API call {0}")
    NO_HOME_FOR_INSTANCE = (
        400,
        "OMRS-REPOSITORY-400-056",
        "Method {0} cannot reach the home of the instance {1}, metadata collection {2}: no member of the cohort that can be asked has it",
    )
    NO_RELATIONSHIP_ENDS = (
        400,
        "OMRS-REPOSITORY-400-042",
        "No entity GUIDs have been passed for either end although endMatchCriteria is given on the {0} request to open metadata repository {1}",
    )
    WRONG_TYPEDEF_CATEGORY = (
        400,
        "OMRS-REPOSITORY-400-034",
        "The type {0} passed as the {1} parameter on a {2} request to open metadata repository {3} is of category {4}; {5} is needed",
    )
    GUID_IN_USE = (
        400,
        "OMRS-REPOSITORY-400-901",
        "The unique identifier {0} passed as the {1} parameter on a {2} request to open metadata repository {3} is in use already",
    )
    HOME_IS_ACTIVE = (
        400,
        "OMRS-REPOSITORY-400-902",
        "The instance {0} is homed in metadata collection {1}, whose member is in the cohort; the {2} request to repository {3} cannot take it over",
    )
    UNEXPECTED_EXCEPTION = (400, "OMAG-COMMON-400-016", "An unexpected {0} exception was caught by {1}; error message was {2}")
    SERVER_NOT_AVAILABLE = (404, "OMAG-MULTI-TENANT-404-001", "The OMAG Server {0} is not available to service a request from user {1}")
    SERVICE_NOT_AVAILABLE = (404, "OMAG-MULTI-TENANT-404-002", "The {0} service is not available on OMAG Server {1} to handle a request from user {2}")
    USER_NOT_AUTHORIZED = (403, "OMRS-REST-API-403-001", "User {0} may not use the {1} operation of server {2}")
    QUERY_TIMEOUT = (
        408,
        "OMRS-REPOSITORY-408-001",
        "The {0} request to open metadata repository {1} took longer than its deadline of {2} milliseconds and was cancelled",
    )
    REQUEST_TOO_LARGE = (400, "OMRS-REST-API-400-413", "The {0} request to server {1} exceeds a limit: {2}")

    def __init__(self, http_code: int, message_id: str, template: str) -> None:
        self.http_code = http_code
        self.message_id = message_id
        self.template = template

    def message(self, parameters: tuple[str, ...]) -> str:
        """The message with its id in front, as Java writes it into exceptionErrorMessage. A parameter that is not given stays as its number."""

        def given(place: re.Match[str]) -> str:
            number = int(place[1])
            return parameters[number] if number < len(parameters) else place[0]

        return f"{self.message_id} {_PLACE.sub(given, self.template)}"
