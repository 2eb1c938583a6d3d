"""Bad input to every method of the metadata collection: the exception, its code and the parameter that it blames, and that nothing has changed by it
(spec metadata-collection-semantics 1, 3 to 12)."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace
from omrs_client import Client, string, strings

from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.collection import collection
from cohort_sync.collection.headers import Author
from cohort_sync.omrs.conditions import SearchDialect
from cohort_sync.omrs.enums import InstanceStatus, PrimitiveDefCategory
from cohort_sync.omrs.exceptions import ExceptionKind as Kind
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.finds import (
    ClassificationCondition,
    EndMatchCriteria,
    MatchCriteria,
    Paging,
    PropertyComparisonOperator,
    PropertyCondition,
    SearchClassifications,
    SearchProperties,
)
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.typedefs import TypeDefSummary

PARTS = ("types", "type_maintenance", "reads", "finds", "graph", "entities", "classifications", "relationships", "control", "copies")
FAR = 1 << 50
"""A time that has not come yet, in milliseconds."""


class Made:
    """An argument that needs the types: made by the method of `Things` that has this name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class Row(NamedTuple):
    """A call and what becomes of it. Arguments that are not named are None."""

    method: str
    arguments: Mapping[str, object]
    kind: str
    code: str
    parameter: str | None = None
    """What it blames; None where the kind says it."""


TABLE, FLOW = Made("table_type"), Made("flow_type")
RT = {"type_guid": TABLE, "type_name": "RelationalTable"}
DF = {"type_guid": FLOW, "type_name": "DataFlow"}
INVALID = "INVALID_PARAMETER"


def nulls(*rows: tuple[str, str, str]) -> list[Row]:
    return [Row(method, {}, INVALID, code, parameter) for method, code, parameter in rows]


NULL_ARGUMENTS = nulls(
    ("types.find_types_by_name", "NO_TYPEDEF_NAME", "name"),
    ("types.search_for_type_defs", "NO_SEARCH_CRITERIA", "searchCriteria"),
    ("types.find_type_defs_by_category", "NO_TYPEDEF_CATEGORY", "category"),
    ("types.find_attribute_type_defs_by_category", "NO_ATTRIBUTE_TYPEDEF_CATEGORY", "category"),
    ("types.find_type_defs_by_property", "NO_MATCH_CRITERIA", "matchCriteria"),
    ("types.find_types_by_external_id", "NO_EXTERNAL_ID", "externalId"),
    ("types.get_type_def_by_guid", "NULL_TYPEDEF_IDENTIFIER", "guid"),
    ("types.get_type_def_by_name", "NO_TYPEDEF_NAME", "name"),
    ("types.get_attribute_type_def_by_guid", "NULL_TYPEDEF_IDENTIFIER", "guid"),
    ("types.get_attribute_type_def_by_name", "NO_TYPEDEF_NAME", "name"),
    ("types.verify_type_def", "NULL_TYPEDEF", "typeDef"),
    ("types.verify_attribute_type_def", "NULL_ATTRIBUTE_TYPEDEF", "attributeTypeDef"),
    ("type_maintenance.add_type_def_gallery", "NULL_TYPEDEF_GALLERY", "newTypes"),
    ("type_maintenance.add_type_def", "NULL_TYPEDEF", "newTypeDef"),
    ("type_maintenance.add_attribute_type_def", "NULL_ATTRIBUTE_TYPEDEF", "newAttributeTypeDef"),
    ("type_maintenance.update_type_def", "NULL_TYPEDEF_PATCH", "typeDefPatch"),
    ("type_maintenance.delete_type_def", "NULL_TYPEDEF_IDENTIFIER", "obsoleteTypeDefGUID"),
    ("type_maintenance.delete_attribute_type_def", "NULL_ATTRIBUTE_TYPEDEF_IDENTIFIER", "obsoleteTypeDefGUID"),
    ("type_maintenance.re_identify_type_def", "NULL_TYPEDEF_IDENTIFIER", "originalTypeDefGUID"),
    ("type_maintenance.re_identify_attribute_type_def", "NULL_TYPEDEF_IDENTIFIER", "originalTypeDefGUID"),
    ("reads.is_entity_known", "NO_GUID", "guid"),
    ("reads.get_entity_summary", "NO_GUID", "guid"),
    ("reads.get_entity_detail", "NO_GUID", "guid"),
    ("reads.get_entity_detail_as_of", "NO_GUID", "guid"),
    ("reads.get_entity_detail_history", "NO_GUID", "guid"),
    ("reads.get_classification_history", "NO_GUID", "guid"),
    ("reads.get_home_classifications", "NO_GUID", "entityGUID"),
    ("reads.get_relationships_for_entity", "NO_GUID", "entityGUID"),
    ("reads.is_relationship_known", "NO_GUID", "guid"),
    ("reads.get_relationship", "NO_GUID", "guid"),
    ("reads.get_relationship_as_of", "NO_GUID", "guid"),
    ("reads.get_relationship_history", "NO_GUID", "guid"),
    ("finds.find_entities_by_property_value", "NO_SEARCH_CRITERIA", "searchString"),
    ("finds.find_relationships_by_property_value", "NO_SEARCH_CRITERIA", "searchString"),
    ("graph.get_entity_neighborhood", "NO_GUID", "entityGUID"),
    ("graph.get_linking_entities", "NO_GUID", "startEntityGUID"),
    ("graph.get_related_entities", "NO_GUID", "startEntityGUID"),
    ("entities.add_entity", "NULL_TYPEDEF_IDENTIFIER", "entityTypeGUID"),
    ("entities.add_external_entity", "NO_GUID", "entityTypeGUID"),
    ("entities.add_entity_proxy", "NULL_ENTITY_PROXY", "entityProxy"),
    ("entities.update_entity_status", "NO_GUID", "entityGUID"),
    ("entities.update_entity_properties", "NO_GUID", "instanceGUID"),
    ("entities.undo_entity_update", "NO_GUID", "entityGUID"),
    ("entities.delete_entity", "NULL_TYPEDEF_IDENTIFIER", "typeDefGUID"),
    ("entities.purge_entity", "NULL_TYPEDEF_IDENTIFIER", "typeDefGUID"),
    ("entities.restore_entity", "NO_GUID", "deletedEntityGUID"),
    ("classifications.classify_entity", "NO_GUID", "entityGUID"),
    ("classifications.classify_proxy", "NULL_ENTITY_PROXY", "entityProxy"),
    ("classifications.update_entity_classification", "NO_GUID", "entityGUID"),
    ("classifications.update_proxy_classification", "NULL_ENTITY_PROXY", "entityProxy"),
    ("classifications.declassify_entity", "NO_GUID", "entityGUID"),
    ("classifications.declassify_proxy", "NULL_ENTITY_PROXY", "entityProxy"),
    ("relationships.add_relationship", "NULL_TYPEDEF_IDENTIFIER", "relationshipTypeGUID"),
    ("relationships.add_external_relationship", "NO_GUID", "externalSourceGUID"),
    ("relationships.update_relationship_status", "NO_GUID", "relationshipGUID"),
    ("relationships.update_relationship_properties", "NO_GUID", "instanceGUID"),
    ("relationships.undo_relationship_update", "NO_GUID", "relationshipGUID"),
    ("relationships.delete_relationship", "NULL_TYPEDEF_IDENTIFIER", "typeDefGUID"),
    ("relationships.purge_relationship", "NULL_TYPEDEF_IDENTIFIER", "typeDefGUID"),
    ("relationships.restore_relationship", "NO_GUID", "deletedRelationshipGUID"),
    ("control.re_identify_entity", "NO_GUID", "entityGUID"),
    ("control.re_type_entity", "NO_GUID", "entityGUID"),
    ("control.re_home_entity", "NO_GUID", "entityGUID"),
    ("control.re_identify_relationship", "NO_GUID", "relationshipGUID"),
    ("control.re_type_relationship", "NO_GUID", "relationshipGUID"),
    ("control.re_home_relationship", "NO_GUID", "relationshipGUID"),
    ("copies.save_entity", "NULL_REFERENCE_INSTANCE", "entity"),
    ("copies.delete_entity", "NULL_REFERENCE_INSTANCE", "entity"),
    ("copies.purge_entity", "NULL_REFERENCE_INSTANCE", "entity"),
    ("copies.purge_entity_by_guid", "NO_GUID", "entityGUID"),
    ("copies.refresh_entity", "NO_GUID", "entityGUID"),
    ("copies.save_relationship", "NULL_REFERENCE_INSTANCE", "relationship"),
    ("copies.delete_relationship", "NULL_REFERENCE_INSTANCE", "relationship"),
    ("copies.purge_relationship", "NULL_REFERENCE_INSTANCE", "relationship"),
    ("copies.purge_relationship_by_guid", "NO_GUID", "relationshipGUID"),
    ("copies.refresh_relationship", "NO_GUID", "relationshipGUID"),
    ("copies.save_classification", "NULL_REFERENCE_INSTANCE", "entity"),
    ("copies.purge_classification", "NULL_REFERENCE_INSTANCE", "entity"),
)
TAKES_NOTHING = {
    "types.get_all_types",
    "finds.find_entities",
    "finds.find_entities_by_property",
    "finds.find_entities_by_classification",
    "finds.find_relationships",
    "finds.find_relationships_by_property",
    "copies.save_instances",
}
"""What asks for no argument."""

FINDS = (
    "find_entities",
    "find_entities_by_property",
    "find_entities_by_classification",
    "find_entities_by_property_value",
    "find_relationships",
    "find_relationships_by_property",
    "find_relationships_by_property_value",
)


def _needs(find: str) -> dict[str, object]:
    return {"search": "x"} if find.endswith("value") else {}


def _deep(levels: int) -> SearchProperties:
    search = SearchProperties(conditions=[PropertyCondition(property="qualifiedName", operator=PropertyComparisonOperator.IS_NULL)])
    for _ in range(levels):
        search = SearchProperties(conditions=[PropertyCondition(nested_conditions=search)])
    return search


BAD_FINDS = [
    *(Row(f"finds.{one}", {**_needs(one), "type_guid": "no"}, "TYPE_ERROR", "TYPEDEF_ID_NOT_KNOWN") for one in FINDS),
    *(Row(f"finds.{one}", {**_needs(one), "as_of": FAR}, INVALID, "REPOSITORY_NOT_CRYSTAL_BALL", "asOfTime") for one in FINDS),
    *(Row(f"finds.{one}", {**_needs(one), "paging": Paging(page_size=-1)}, "PAGING_ERROR", "NEGATIVE_PAGE_SIZE") for one in FINDS),
    *(
        Row(f"finds.{one}", arguments, INVALID, "NO_MATCH_CRITERIA", parameter)
        for one in ("find_entities_by_property", "find_entities_by_classification", "find_relationships_by_property")
        for arguments, parameter in (({"match": strings(a="x")}, "matchCriteria"), ({"criteria": MatchCriteria.ALL}, "matchProperties"))
    ),
    *(
        Row(f"finds.{one}", {"match": search}, INVALID, "INVALID_PROPERTY_SEARCH", "matchProperties")
        for one in ("find_entities", "find_relationships")
        for search in (SearchProperties(), SearchProperties(conditions=[PropertyCondition(property="a")]), _deep(1_000))
    ),
    *(
        Row(f"finds.{one}", {"search": "(?=x)x", "dialect": SearchDialect.EXPRESSION}, "REPOSITORY_ERROR", "BAD_PROPERTY_FOR_INSTANCE", "")
        for one in ("find_entities_by_property_value", "find_relationships_by_property_value")
    ),
    Row("finds.find_entities", {"type_guid": TABLE, "subtype_guids": [Made("glossary_type")]}, "TYPE_ERROR", "TYPEDEF_NOT_SUBTYPE"),
    Row(
        "finds.find_entities",
        {"classifications": SearchClassifications(conditions=[ClassificationCondition(name=" ")])},
        INVALID,
        "INVALID_CLASSIFICATION_SEARCH",
        "matchClassifications",
    ),
    Row("finds.find_entities_by_classification", {"type_guid": TABLE, "classification": "NoSuch"}, INVALID, "UNKNOWN_CLASSIFICATION", "classificationName"),
    Row(
        "finds.find_entities_by_classification",
        {"type_guid": TABLE, "classification": "SubjectArea"},
        "CLASSIFICATION_ERROR",
        "INVALID_CLASSIFICATION_FOR_ENTITY",
    ),
    Row("finds.find_relationships", {"end_criteria": EndMatchCriteria.BOTH}, INVALID, "NO_RELATIONSHIP_ENDS", "endMatchCriteria"),
]

NOT_KNOWN = [
    *(
        Row(method, {"guid": "no", **more}, "ENTITY_NOT_KNOWN", "ENTITY_NOT_KNOWN")
        for method, more in (
            ("reads.get_entity_summary", {}),
            ("reads.get_entity_detail", {}),
            ("reads.get_entity_detail_as_of", {"as_of": 5_000}),
            ("reads.get_entity_detail_history", {}),
            ("reads.get_relationships_for_entity", {}),
            ("graph.get_entity_neighborhood", {}),
            ("entities.update_entity_properties", {"properties": strings(qualifiedName="x")}),
            ("entities.undo_entity_update", {}),
            ("entities.delete_entity", RT),
            ("entities.purge_entity", RT),
            ("entities.restore_entity", {}),
            ("classifications.classify_entity", {"name": "Confidentiality"}),
            ("classifications.update_entity_classification", {"name": "Confidentiality"}),
            ("classifications.declassify_entity", {"name": "Confidentiality"}),
            ("control.re_identify_entity", {**RT, "new_guid": "new"}),
            ("control.re_type_entity", {"current": Made("table_summary"), "new": Made("table_summary")}),
            ("control.re_home_entity", {**RT, "home": "mc-peer", "new_home": "mc-local"}),
            ("copies.purge_entity_by_guid", {**RT, "home": "mc-peer"}),
        )
    ),
    *(
        Row(method, {"guid": "no", **more}, "RELATIONSHIP_NOT_KNOWN", "RELATIONSHIP_NOT_FOUND")
        for method, more in (
            ("reads.get_relationship", {}),
            ("reads.get_relationship_as_of", {"as_of": 5_000}),
            ("relationships.update_relationship_properties", {}),
            ("relationships.undo_relationship_update", {}),
            ("relationships.delete_relationship", DF),
            ("relationships.purge_relationship", DF),
            ("relationships.restore_relationship", {}),
            ("control.re_identify_relationship", {**DF, "new_guid": "new"}),
            ("control.re_type_relationship", {"current": Made("flow_summary"), "new": Made("flow_summary")}),
            ("control.re_home_relationship", {**DF, "home": "mc-peer", "new_home": "mc-local"}),
        )
    ),
]

REFUSED = [
    # Unknown type, wrong property, wrong type of a value, missing value, unknown status.
    Row("reads.get_relationship_history", {"guid": "no"}, "RELATIONSHIP_NOT_KNOWN", "RELATIONSHIP_NOT_KNOWN"),
    Row("entities.add_entity", {"type_guid": "no"}, "TYPE_ERROR", "TYPEDEF_ID_NOT_KNOWN"),
    Row("entities.add_entity", {"type_guid": TABLE}, "PROPERTY_ERROR", "NO_NEW_PROPERTIES"),
    Row("entities.add_entity", {"type_guid": TABLE, "properties": strings(noSuch="x")}, "PROPERTY_ERROR", "BAD_PROPERTY_FOR_TYPE"),
    Row("entities.add_entity", {"type_guid": TABLE, "properties": Made("number_as_name")}, "PROPERTY_ERROR", "BAD_PROPERTY_TYPE"),
    Row(
        "entities.add_entity",
        {"type_guid": TABLE, "properties": strings(qualifiedName="x"), "status": InstanceStatus.DELETED},
        "STATUS_NOT_SUPPORTED",
        "BAD_DELETE_INSTANCE_STATUS",
    ),
    Row(
        "entities.add_entity",
        {"type_guid": TABLE, "properties": strings(qualifiedName="x"), "status": InstanceStatus.OTHER},
        "STATUS_NOT_SUPPORTED",
        "BAD_INSTANCE_STATUS",
    ),
    Row("entities.add_entity", {"type_guid": FLOW, "properties": strings(qualifiedName="x")}, "TYPE_ERROR", "WRONG_TYPEDEF_CATEGORY"),
    Row("entities.update_entity_properties", {"guid": "g1"}, "PROPERTY_ERROR", "NO_NEW_PROPERTIES"),
    Row("entities.update_entity_properties", {"guid": "g1", "properties": strings(noSuch="x")}, "PROPERTY_ERROR", "BAD_PROPERTY_FOR_TYPE"),
    Row("entities.update_entity_properties", {"guid": "g1", "properties": Made("number_as_name")}, "PROPERTY_ERROR", "BAD_PROPERTY_TYPE"),
    # Foreign homes and proxies.
    *(
        Row(method, {"guid": guid, **more}, INVALID, code, parameter)
        for guid, code, parameter in (("copy", "ENTITY_CAN_NOT_BE_UPDATED", None), ("proxy", "ENTITY_PROXY_IN_HOME", None))
        for method, more in (
            ("entities.update_entity_properties", {"properties": strings(qualifiedName="x")}),
            ("entities.undo_entity_update", {}),
            ("entities.delete_entity", RT),
            ("control.re_identify_entity", {**RT, "new_guid": "new"}),
            ("control.re_type_entity", {"current": Made("table_summary"), "new": Made("table_summary")}),
        )
    ),
    Row("reads.get_entity_detail", {"guid": "proxy"}, "ENTITY_PROXY_ONLY", "ENTITY_PROXY_ONLY"),
    Row("entities.add_entity_proxy", {"proxy": Made("own_proxy")}, INVALID, "LOCAL_ENTITY_PROXY", "entityProxy"),
    Row("control.re_home_entity", {"guid": "copy", **RT, "home": "mc-peer", "new_home": "mc-other"}, INVALID, "NOT_FOR_LOCAL_COLLECTION", None),
    Row("control.re_home_entity", {"guid": "g1", **RT, "home": "mc-local", "new_home": "mc-local"}, INVALID, "INSTANCE_HOME_NOT_LOCAL", None),
    Row("copies.refresh_entity", {"guid": "g1", **RT, "home": "mc-peer"}, "HOME_ENTITY", "HOME_REFRESH", None),
    # Of the wrong type, or in the wrong state.
    Row("entities.delete_entity", {"guid": "g1", **DF}, INVALID, "BAD_TYPEDEF_IDS_FOR_DELETE", None),
    Row("entities.purge_entity", {"guid": "g1", **RT}, "ENTITY_NOT_DELETED", "INSTANCE_NOT_DELETED", ""),
    Row("entities.restore_entity", {"guid": "g1"}, "ENTITY_NOT_DELETED", "INSTANCE_NOT_DELETED", ""),
    Row("entities.update_entity_properties", {"guid": "dead", "properties": strings(qualifiedName="x")}, "ENTITY_NOT_KNOWN", "ENTITY_SOFT_DELETED"),
    Row("reads.get_entity_detail", {"guid": "dead"}, "ENTITY_NOT_KNOWN", "ENTITY_SOFT_DELETED"),
    Row("relationships.purge_relationship", {"guid": "r1", **DF}, "RELATIONSHIP_NOT_DELETED", "INSTANCE_NOT_DELETED", ""),
    # Classifications.
    Row("classifications.classify_entity", {"guid": "g1", "name": "NoSuch"}, INVALID, "UNKNOWN_CLASSIFICATION", "classificationName"),
    Row(
        "classifications.classify_entity",
        {"guid": "g1", "name": "SubjectArea", "properties": strings(qualifiedName="x")},
        "CLASSIFICATION_ERROR",
        "INVALID_CLASSIFICATION_FOR_ENTITY",
    ),
    Row(
        "classifications.classify_entity",
        {"guid": "g1", "name": "Confidentiality", "properties": strings(noSuch="x")},
        "PROPERTY_ERROR",
        "BAD_PROPERTY_FOR_TYPE",
    ),
    Row("classifications.update_entity_classification", {"guid": "g1", "name": "Confidentiality"}, "CLASSIFICATION_ERROR", "ENTITY_NOT_CLASSIFIED"),
    Row("classifications.declassify_entity", {"guid": "g1", "name": "Confidentiality"}, "CLASSIFICATION_ERROR", "ENTITY_NOT_CLASSIFIED"),
    # Ends.
    Row("relationships.add_relationship", {"type_guid": FLOW, "one": "g1", "two": "no"}, "ENTITY_NOT_KNOWN", "ENTITY_NOT_KNOWN"),
    Row("relationships.add_relationship", {"type_guid": Made("home_type"), "one": "g1", "two": "g1"}, INVALID, "INVALID_RELATIONSHIP_ENDS", None),
    Row(
        "relationships.add_relationship",
        {"type_guid": FLOW, "one": "g1", "two": "g1", "properties": strings(noSuch="x")},
        "PROPERTY_ERROR",
        "BAD_PROPERTY_FOR_TYPE",
    ),
    # Times.
    Row("reads.get_entity_detail_as_of", {"guid": "g1", "as_of": FAR}, INVALID, "REPOSITORY_NOT_CRYSTAL_BALL", "asOfTime"),
    Row("reads.get_entity_detail_history", {"guid": "g1", "from_time": 5, "to_time": 1}, INVALID, "INVALID_TIME_RANGE", "fromTime"),
    Row("reads.get_relationships_for_entity", {"guid": "g1", "type_guid": "no"}, "TYPE_ERROR", "TYPEDEF_ID_NOT_KNOWN"),
    Row("reads.get_relationships_for_entity", {"guid": "g1", "paging": Paging(page_size=-1)}, "PAGING_ERROR", "NEGATIVE_PAGE_SIZE"),
]


class Things:
    """What the rows need of the types."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._type = client.registry.instance_type

    def made(self, argument: object) -> object:
        if isinstance(argument, Made):
            return getattr(self, argument.name)()
        return [self.made(one) for one in argument] if isinstance(argument, list) else argument

    def table_type(self) -> object:
        return self._type("RelationalTable").type_def_guid

    def flow_type(self) -> object:
        return self._type("DataFlow").type_def_guid

    def home_type(self) -> object:
        return self._type("SemanticAssignment").type_def_guid

    def glossary_type(self) -> object:
        return self._type("Glossary").type_def_guid

    def table_summary(self) -> TypeDefSummary:
        return self._summary("RelationalTable")

    def flow_summary(self) -> TypeDefSummary:
        return self._summary("DataFlow")

    def _summary(self, name: str) -> TypeDefSummary:
        kind = self._type(name)
        return TypeDefSummary(guid=kind.type_def_guid, name=name)

    def number_as_name(self) -> InstanceProperties:
        return InstanceProperties(instance_properties={"qualifiedName": replace(string("x"), primitive_def_category=PrimitiveDefCategory.INT)})

    def own_proxy(self) -> object:
        return proxy_of_entity(self._client.registry, self._client.table("new", "x"))


@pytest.fixture
def peopled(client: Client) -> Client:
    """A member with an entity of its own, one that is deleted, a copy, a proxy and a relationship."""
    one, two = client.table("g1", "a"), client.table("g2", "b")
    dead = replace(client.table("dead", "c"), status=InstanceStatus.DELETED, status_on_delete=InstanceStatus.ACTIVE)
    client.join("mc-peer")
    client.put(one, two, dead, client.table("copy", "d", home="mc-peer"), client.link("r1", one, two))
    client.put(proxy_of_entity(client.registry, client.table("proxy", "e", home="mc-peer")))
    return client


def state(client: Client) -> object:
    return client.read(lambda reader: (list(reader.scan()), reader.outbox(10), reader.types(), list(reader.classifications_homed("mc-local"))))


def call(client: Client, method: str, arguments: Mapping[str, object], user: str | None = "peter") -> object:
    part, _, name = method.partition(".")
    function = getattr(getattr(client.collection, part), name)
    things = Things(client)
    given = {"user": user, "author": Author(user)}
    parameters = inspect.signature(function).parameters.values()
    bound = {one.name: things.made(arguments[one.name]) for one in parameters if one.name in arguments}
    bound |= {one.name: given.get(one.name) for one in parameters if one.default is inspect.Parameter.empty and one.name not in bound}
    assert arguments.keys() <= bound.keys(), (method, arguments)

    async def called() -> object:
        answer = function(**bound)
        return await answer if inspect.isawaitable(answer) else answer

    assert client.http.portal is not None
    return client.http.portal.call(called)


def methods() -> set[str]:
    """Every public method of the metadata collection."""
    return {f"{part}.{name}" for part in PARTS for name, _ in inspect.getmembers(_class_of(part), inspect.isfunction) if not name.startswith("_")}


def _class_of(part: str) -> type:
    names = {
        "types": "TypeQueries",
        "type_maintenance": "TypeMaintenance",
        "graph": "GraphQueries",
        "copies": "ReferenceCopies",
    }
    found = getattr(collection, names.get(part, part.capitalize()))
    assert isinstance(found, type)
    return found


def test_every_method_is_in_the_table() -> None:
    assert {row.method for row in NULL_ARGUMENTS} | TAKES_NOTHING == methods()


def test_the_page_names_every_method_and_tests_that_are_there() -> None:
    page = (Path(__file__).parents[2] / "docs/METADATA-COLLECTION.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| `collection\.([\w.]+)` \| [^|]*\| (\w+\.py): (\w+) \|$", page, re.MULTILINE)
    assert {method for method, _, _ in rows} == methods()
    assert len(rows) == len(methods())
    for _, file, test in rows:
        assert f"\ndef {test}(" in (Path(__file__).parent / file).read_text(), (file, test)


def test_nobody_asks(client: Client) -> None:
    for method in sorted(methods()):
        for user in ("", None):
            with pytest.raises(OMRSException) as caught:
                call(client, method, {}, user)
            assert (caught.value.kind, caught.value.code.name, caught.value.parameter) == (Kind.INVALID_PARAMETER, "NULL_USER_ID", "userId"), method


@pytest.mark.parametrize("row", [*NULL_ARGUMENTS, *BAD_FINDS, *NOT_KNOWN, *REFUSED], ids=lambda row: f"{row.method.partition('.')[2]}-{row.code}")
def test_what_is_wrong_is_refused_and_changes_nothing(peopled: Client, row: Row) -> None:
    before = state(peopled)
    with pytest.raises(OMRSException) as caught:
        call(peopled, row.method, row.arguments)
    assert (caught.value.kind.name, caught.value.code.name) == (row.kind, row.code)
    if row.parameter is not None:
        assert caught.value.parameter == row.parameter
    assert state(peopled) == before
    assert peopled.post("/instances/entity/g1")["entity"]["guid"] == "g1"
