"""The table of operations against the counts of both releases, and the forms in which a body comes."""

import msgspec
import pytest

from cohort_sync.api.omrs import requests as req
from cohort_sync.api.omrs.bodies import BadBody, DoNothing, NoBody, NullFails, request_of
from cohort_sync.api.omrs.handlers import HANDLERS
from cohort_sync.api.omrs.operations import OPERATIONS, REPOSITORY, Operation
from cohort_sync.omrs.enums import InstanceStatus, TypeDefCategory

BY_NAME = {one.name: one for one in OPERATIONS}


def operation(name: str) -> Operation:
    return BY_NAME[name]


def test_counts_of_the_releases() -> None:
    """92 local and 63 enterprise operations in 6.x; 99 paths up to 5.x, which has no classification history (spec repository-rest-api 9)."""
    assert len(OPERATIONS) == len(BY_NAME)
    assert len({one.path for one in REPOSITORY}) == len(REPOSITORY)
    from_6 = [one for one in REPOSITORY if not one.up_to_5_only]
    assert (len(from_6), sum(one.enterprise for one in from_6)) == (92, 63)
    assert len([one for one in REPOSITORY if one.name != "getClassificationHistory"]) == 99
    assert sum(one.get for one in REPOSITORY) == 20


def test_every_operation_has_a_handler_and_no_handler_is_left_over() -> None:
    assert set(HANDLERS) == set(BY_NAME)


def test_a_get_has_no_body_of_its_own() -> None:
    for one in OPERATIONS:
        assert not (one.get and one.required) or one.name == "findTypeDefsByProperty", one.name


@pytest.mark.parametrize("body", [b"", b" ", b"null", b"{}", b'{"class":"GetRequest"}', b'{"unknown":[1]}'])
def test_a_read_takes_any_body_or_none(body: bytes) -> None:
    assert request_of(operation("getEntityDetail"), body) == (req.GetRequest(), False)
    assert request_of(operation("getEntityDetail"), b"", get=True) == (req.GetRequest(), True)


def test_a_needed_body_that_is_not_there() -> None:
    with pytest.raises(NoBody, match="findEntities needs a body of class EntityFindRequest"):
        request_of(operation("findEntities"), b"")
    with pytest.raises(DoNothing):
        request_of(operation("addEntity"), b"null")
    with pytest.raises(NullFails):
        request_of(operation("updateEntityProperties"), b"null")
    assert request_of(operation("findEntities"), b"null") == (req.EntityFindRequest(), False)


@pytest.mark.parametrize(
    ("name", "bare", "wrapped"),
    [
        ("findTypeDefsByCategory", '"ENTITY_DEF"', '{"class":"TypeDefCategoryRequest","category":"ENTITY_DEF"}'),
        ("updateEntityStatus", '"DRAFT"', '{"class":"InstanceStatusRequest","instanceStatus":"DRAFT"}'),
        ("addTypeDef", '{"class":"EntityDef","name":"A"}', '{"class":"TypeDefRequest","typeDef":{"class":"EntityDef","name":"A"}}'),
        ("updateTypeDef", '{"class":"TypeDefPatch","typeDefName":"A"}', '{"class":"TypeDefPatchRequest","typeDefPatch":{"typeDefName":"A"}}'),
        ("addEntityProxy", '{"class":"EntityProxy","guid":"g"}', '{"class":"EntityProxyRequest","entity":{"class":"EntityProxy","guid":"g"}}'),
        ("saveEntityReferenceCopy", '{"class":"EntityDetail","guid":"g"}', '{"entity":{"class":"EntityDetail","guid":"g"}}'),
        ("saveRelationshipReferenceCopy", '{"class":"Relationship","guid":"g"}', '{"relationship":{"class":"Relationship","guid":"g"}}'),
        (
            "findTypeDefsByProperty",
            '{"class":"TypeDefProperties","typeDefProperties":{"a":1}}',
            '{"class":"TypeDefPropertiesRequest","typeDefProperties":{"typeDefProperties":{"a":1}}}',
        ),
    ],
)
def test_bare_beans_of_releases_up_to_5(name: str, bare: str, wrapped: str) -> None:
    from_bare, up_to_5 = request_of(operation(name), bare.encode())
    from_wrapped, from_6 = request_of(operation(name), wrapped.encode())
    assert from_bare == from_wrapped != operation(name).request()
    assert (up_to_5, from_6) == (True, False)


def test_what_java_takes_is_taken() -> None:
    body = b'{"asOfTime":"2026-06-01T10:00:00.000+00:00","offset":"3","limitResultsByStatus":["ACTIVE","NEVER_HEARD_OF"],"sequencingOrder":null}'
    request, _ = request_of(operation("getRelationshipsForEntityAsOf"), body)
    assert isinstance(request, req.TypeLimitedHistoricalFindRequest)
    assert (request.as_of_time, request.offset, request.sequencing_order) == (1780308000000, 3, None)
    assert request.limit_results_by_status == [InstanceStatus.ACTIVE, InstanceStatus.UNKNOWN]
    category, _ = request_of(operation("findAttributeTypeDefsByCategory"), b'"COLLECTION"')
    assert category == req.AttributeTypeDefCategoryRequest(category=TypeDefCategory.COLLECTION)


@pytest.mark.parametrize(
    "body", [b"[", b'"text"', b"17", b'{"offset":{}}', b'{"matchProperties":[]}', b'{"x":' * 5000 + b"1" + b"}" * 5000, b"\xff", b'{"offset":NaN}']
)
def test_what_is_no_request_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(BadBody) as refused:
        request_of(operation("findEntities"), body)
    assert str(refused.value)


def test_field_names_are_java_s() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(req.RelationshipHistoricalFindRequest)}
    assert {"typeGUID", "subtypeGUIDs", "end1EntityGUIDs", "end2EntityGUIDs", "endMatchCriteria", "matchProperties", "asOfTime"} <= names
