"""Response bodies of the OMRS repository services (spec repository-rest-api 5 and 8).

Whatever happened, the transport says 200 and the body says what happened: `relatedHTTPCode` and, when something is wrong, the exception that the caller's
client has to throw. A null payload is a success without that field; an empty list is never written.
"""

from typing import Protocol

from msgspec import field
from msgspec.structs import replace

from cohort_sync.omrs.bean import Bean, always
from cohort_sync.omrs.exceptions import ExceptionKind, OMRSException, WireRelease
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, EntitySummary, Relationship
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef


class OMRSResponse(Bean, frozen=True, kw_only=True):
    """What every answer carries (OMRSAPIResponse)."""

    request_id: str | None = None
    related_http_code: int = field(default_factory=always(200), name="relatedHTTPCode")
    exception_class_name: str | None = None
    exception_subclass_name: str | None = None
    exception_caused_by: str | None = None
    action_description: str | None = None
    exception_error_message: str | None = None
    exception_error_message_id: str | None = None
    exception_error_message_parameters: list[str] | None = None
    exception_system_action: str | None = None
    exception_user_action: str | None = None
    exception_properties: dict[str, str] | None = None


class PagedResponse(OMRSResponse, frozen=True, kw_only=True):
    """OMRSAPIPagedResponse: offset and page size of the request where there is a list, else both 0."""

    offset: int = field(default_factory=always(0))
    page_size: int = field(default_factory=always(0))


class VoidResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="VoidResponse"):
    """Done."""


class BooleanResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="BooleanResponse"):
    flag: bool = field(default_factory=always(False))


class MetadataCollectionIdResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="MetadataCollectionIdResponse"):
    metadata_collection_id: str | None = None


class TypeDefGalleryResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="TypeDefGalleryResponse"):
    attribute_type_defs: list[AttributeTypeDef] | None = None
    type_defs: list[TypeDef] | None = None


class TypeDefListResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="TypeDefListResponse"):
    type_defs: list[TypeDef] | None = None


class AttributeTypeDefListResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="AttributeTypeDefListResponse"):
    attribute_type_defs: list[AttributeTypeDef] | None = None


class TypeDefResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="TypeDefResponse"):
    type_def: TypeDef | None = None


class AttributeTypeDefResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="AttributeTypeDefResponse"):
    attribute_type_def: AttributeTypeDef | None = None


class EntityDetailResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="EntityDetailResponse"):
    entity: EntityDetail | None = None


class EntitySummaryResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="EntitySummaryResponse"):
    """The whole entity or proxy where Java's stores give that too."""

    entity: EntityDetail | EntityProxy | EntitySummary | None = None


class EntityListResponse(PagedResponse, frozen=True, kw_only=True, tag_field="class", tag="EntityListResponse"):
    entities: list[EntityDetail] | None = None


class RelationshipResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="RelationshipResponse"):
    relationship: Relationship | None = None


class RelationshipListResponse(PagedResponse, frozen=True, kw_only=True, tag_field="class", tag="RelationshipListResponse"):
    relationships: list[Relationship] | None = None


class ClassificationResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="ClassificationResponse"):
    classification: Classification | None = None


class ClassificationListResponse(PagedResponse, frozen=True, kw_only=True, tag_field="class", tag="ClassificationListResponse"):
    classifications: list[Classification] | None = None


class InstanceGraphResponse(OMRSResponse, frozen=True, kw_only=True, tag_field="class", tag="InstanceGraphResponse"):
    """Up to 5.x."""

    entity_element_list: list[EntityDetail] | None = None
    relationship_element_list: list[Relationship] | None = None


_ACTIONS = {
    ExceptionKind.FUNCTION_NOT_SUPPORTED: (
        "This repository does not have the function; nothing was changed.",
        "Use another function, or another member of the cohort.",
    ),
    ExceptionKind.REPOSITORY_ERROR: ("The repository could not carry out the request; nothing was changed.", "Look at the log of the server, then try again."),
    ExceptionKind.PROPERTY_SERVER: ("The server could not carry out the request; nothing was changed.", "Look at the log of the server, then try again."),
    ExceptionKind.USER_NOT_AUTHORIZED: ("The request was refused; nothing was changed.", "Ask the operator of the server for the permission that is missing."),
}
_REFUSED = ("The request was refused; nothing was changed.", "Correct what the message names and send the request again.")


class Failing(Protocol):
    """The operation that failed: the class of its answer, and the form of its errors."""

    @property
    def response(self) -> type[OMRSResponse]: ...

    @property
    def plain_errors(self) -> bool: ...


def failed(operation: Failing, error: OMRSException, release: WireRelease, request_id: str | None) -> OMRSResponse:
    """The answer to a request that failed, as a client of this release reads it."""
    java_class = error.kind.java_class(release)
    system_action, user_action = _ACTIONS.get(error.kind, _REFUSED)
    return replace(
        operation.response(),
        request_id=request_id,
        related_http_code=error.code.http_code,
        exception_class_name=java_class,
        exception_subclass_name=java_class if release is WireRelease.FROM_6 and not operation.plain_errors else None,
        action_description=error.method,
        exception_error_message=str(error),
        exception_error_message_id=error.code.message_id,
        exception_error_message_parameters=list(error.parameters) or None,
        exception_system_action=system_action,
        exception_user_action=user_action,
        exception_properties=error.properties,
    )
