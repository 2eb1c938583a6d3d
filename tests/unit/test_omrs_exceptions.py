"""OMRS exceptions as values: what a REST answer says about them, for callers of both generations."""

import pytest

from cohort_sync.omrs.error_codes import OMRSErrorCode
from cohort_sync.omrs.exceptions import ExceptionKind, OMRSException, WireRelease, invalid_parameter, not_supported


def test_message_has_id_and_parameters() -> None:
    error = OMRSException(ExceptionKind.ENTITY_NOT_KNOWN, OMRSErrorCode.ENTITY_NOT_KNOWN, "g1", "getEntityDetail", "retail", method="getEntityDetail")
    assert str(error) == (
        "OMRS-REPOSITORY-404-002 The entity identified with guid g1 passed on the getEntityDetail call is not known to the open metadata repository retail"
    )
    assert error.code.http_code == 404
    assert error.properties == {"parameterName": "guid"}


def test_parameter_that_looks_like_a_place_stays_as_it_is() -> None:
    error = invalid_parameter(OMRSErrorCode.NO_GUID, "{1}", "m", "r", method="m", parameter="guid")
    assert "passed as the {1} parameter on a m request to open metadata repository r" in str(error)


def test_null_parameter_is_written_as_java_writes_it() -> None:
    error = OMRSException(ExceptionKind.TYPE_ERROR, OMRSErrorCode.TYPEDEF_NOT_KNOWN, None, None, "newTypeDef", "reTypeEntity", "r", method="reTypeEntity")
    assert error.parameters == ("null", "null", "newTypeDef", "reTypeEntity", "r")
    assert error.properties == {
        "parameterName": "org.odpi.openmetadata.repositoryservices.connectors.stores.metadatacollectionstore.properties.typedefs.TypeDef"
    }


@pytest.mark.parametrize(
    ("kind", "up_to_5", "from_6"),
    [
        (
            ExceptionKind.INVALID_PARAMETER,
            "org.odpi.openmetadata.repositoryservices.ffdc.exception.InvalidParameterException",
            "org.odpi.openmetadata.frameworks.openmetadata.ffdc.InvalidParameterException",
        ),
        (
            ExceptionKind.USER_NOT_AUTHORIZED,
            "org.odpi.openmetadata.repositoryservices.ffdc.exception.UserNotAuthorizedException",
            "org.odpi.openmetadata.frameworks.openmetadata.ffdc.UserNotAuthorizedException",
        ),
        (
            ExceptionKind.FUNCTION_NOT_SUPPORTED,
            "org.odpi.openmetadata.repositoryservices.ffdc.exception.FunctionNotSupportedException",
            "org.odpi.openmetadata.repositoryservices.ffdc.exception.FunctionNotSupportedException",
        ),
        (
            ExceptionKind.PROPERTY_SERVER,
            "org.odpi.openmetadata.repositoryservices.ffdc.exception.RepositoryErrorException",
            "org.odpi.openmetadata.frameworks.openmetadata.ffdc.PropertyServerException",
        ),
    ],
)
def test_java_class_depends_on_the_release_of_the_caller(kind: ExceptionKind, up_to_5: str, from_6: str) -> None:
    assert kind.java_class(WireRelease.UP_TO_5) == up_to_5
    assert kind.java_class(WireRelease.FROM_6) == from_6


def test_not_supported_is_501() -> None:
    error = not_supported("getLinkingEntities", "retail")
    assert (error.code.http_code, error.kind, error.properties) == (501, ExceptionKind.FUNCTION_NOT_SUPPORTED, None)


def test_every_place_of_a_template_is_numbered_from_zero() -> None:
    for code in OMRSErrorCode:
        places = [f"<{number}>" for number in range(10)]
        filled = code.message(tuple(places))
        assert "{" not in filled, code.name
        assert filled.startswith(code.message_id + " ")
