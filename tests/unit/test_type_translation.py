"""A mapper's 6.1 terms in the types of 4.2."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from cohort_sync.mapping.desired import (
    DesiredClassification,
    DesiredEntity,
    DesiredObject,
    DesiredRelationship,
    GuidOf,
    PlainValue,
    Symbol,
    identity_of,
)
from cohort_sync.mapping.relational import EMITS
from cohort_sync.mapping.translation import Dropped, Translator
from cohort_sync.omrs.enums import TypeDefCategory
from cohort_sync.omrs.property_rules import property_problems
from cohort_sync.omrs.type_registry import TypeRegistry, UnknownType, category_of
from cohort_sync.omrs.type_translation import BadTranslationTable, NoHome, Nowhere, ToAttribute, TypeTranslation
from cohort_sync.omrs.typedefs import EntityDef, EnumDef

NEW = TypeRegistry.from_pack(schemas.read_pack("6.1"))
OLD = TypeRegistry.from_pack(schemas.read_pack("4.2"))
TABLE = json.loads(schemas.read_translation("6.1", "4.2"))
TYPES = TypeTranslation(schemas.read_translation("6.1", "4.2"), NEW, OLD)
TRANSLATOR = Translator(TYPES)

USED = sorted(TABLE["types"])
"""Every type that a mapper of ours uses: the table was made from them."""


def of_category(category: TypeDefCategory) -> list[str]:
    found = {name: NEW.type_def(name) for name in USED}
    return [name for name, type_def in found.items() if type_def is not None and category_of(type_def) is category]


ENTITIES = of_category(TypeDefCategory.ENTITY_DEF)
RELATIONSHIPS = of_category(TypeDefCategory.RELATIONSHIP_DEF)
CLASSIFICATIONS = of_category(TypeDefCategory.CLASSIFICATION_DEF)


def entity(type_name: str, name: str = "q", classifications: tuple[DesiredClassification, ...] = (), **properties: PlainValue) -> DesiredEntity:
    return DesiredEntity(type_name=type_name, properties={"qualifiedName": name, **properties}, classifications=classifications)


def link(type_name: str, end1: str = "a", end2: str = "b", **properties: PlainValue) -> DesiredRelationship:
    return DesiredRelationship(type_name=type_name, end1=identity_of(end1), end2=identity_of(end2), properties=properties)


def translated(*entities: DesiredEntity, links: tuple[DesiredRelationship, ...] = ()) -> tuple[DesiredObject, list[Dropped]]:
    result = TRANSLATOR.translate(DesiredObject(key="k", entities=entities, relationships=links))
    return result.object, list(result.dropped)


def one(desired: DesiredEntity) -> tuple[DesiredEntity, list[tuple[str, str]]]:
    result, dropped = translated(desired)
    (found,) = result.entities
    return found, [(each.type_name, each.attribute) for each in dropped]


# ---------------------------------------------------------------- the rules of the table, one by one


def test_a_type_and_its_attributes_get_their_older_names() -> None:
    found, dropped = one(
        entity("RelationalDatabase", displayName="shop", resourceName="r", databaseInstance="i", deployedImplementationType="MySQL", description="d")
    )
    assert found.type_name == "Database"
    assert found.properties == {"qualifiedName": "q", "name": "shop", "instance": "i", "deployedImplementationType": "MySQL", "description": "d"}
    assert dropped == [("RelationalDatabase", "resourceName")]


def test_an_attribute_without_a_place_of_its_own_goes_as_text_into_additional_properties() -> None:
    found, dropped = one(entity("DeployedDatabaseSchema", url="u", deployedImplementationType="t", additionalProperties={"url": "mine", "x": "y"}))
    assert found.properties["additionalProperties"] == {"url": "mine", "x": "y", "deployedImplementationType": "t"}
    assert dropped == [("DeployedDatabaseSchema", "url")]


def test_an_attribute_may_go_to_several_places() -> None:
    found, dropped = one(entity("DeployedSoftwareComponent", displayName="job"))
    assert found.properties == {"qualifiedName": "q", "displayName": "job", "name": "job"}
    assert dropped == []


def test_a_number_becomes_text_where_it_was_text() -> None:
    found, _ = one(entity("RelationalColumn", precision=10, length=5))
    assert found.properties == {"qualifiedName": "q", "precision": "10", "length": 5}


def test_what_has_no_home_anywhere_is_dropped_and_told_with_the_reason() -> None:
    result, dropped = translated(entity("RelationalTable", legal="l", authors=["a"], displayName="t"), entity("Topic", "t", source="s"))
    assert [found.properties for found in result.entities] == [{"qualifiedName": "q", "displayName": "t"}, {"qualifiedName": "t"}]
    assert dropped == [
        Dropped("RelationalTable", "legal", "release 4.2 has it nowhere"),
        Dropped("RelationalTable", "authors", "release 4.2 has it nowhere"),
        Dropped("Topic", "source", "release 4.2 has it nowhere"),
    ]


def test_position_and_cardinality_move_to_the_child_and_reach_only_it() -> None:
    result, dropped = translated(
        entity("RelationalTable", "a"),
        entity("RelationalColumn", "b"),
        links=(link("NestedSchemaAttribute", position=3, minCardinality=1, maxCardinality=1, coverageCategory=Symbol("UNKNOWN")),),
    )
    assert result.entities[0].properties == {"qualifiedName": "a"}
    assert result.entities[1].properties == {"qualifiedName": "b", "position": 3, "minCardinality": 1, "maxCardinality": 1}
    assert result.relationships[0].properties == {}
    assert [each.attribute for each in dropped] == ["coverageCategory"]


def test_what_moves_to_a_child_of_another_object_is_told() -> None:
    _, dropped = translated(entity("RelationalTable", "a"), links=(link("NestedSchemaAttribute", position=3),))
    assert dropped == [Dropped("NestedSchemaAttribute", "position", "it belongs to the entity at end 2, entity:b, which is of another object")]


def test_enum_values_are_named_as_they_were() -> None:
    result, dropped = translated(links=(link("CapabilityAssetUse", useType=Symbol("OWNS")), link("ProcessHierarchy", containmentType=Symbol("OWNED"))))
    assert [(found.type_name, found.properties) for found in result.relationships] == [
        ("ServerAssetUse", {"useType": Symbol("Owns")}),
        ("ProcessHierarchy", {"containmentType": Symbol("OWNED")}),
    ]
    assert dropped == []


def test_an_enum_that_a_release_reworded_keeps_its_ordinal() -> None:
    column = entity("RelationalColumn", classifications=(DesiredClassification("PrimaryKey", {"keyPattern": Symbol("LOCAL_KEY")}),))
    found, dropped = one(column)
    assert found.classifications == (DesiredClassification("PrimaryKey", {"keyPattern": Symbol("LocalKey")}),)
    assert dropped == []


def test_an_enum_value_that_the_release_has_not_is_dropped() -> None:
    _, dropped = translated(links=(link("CapabilityAssetUse", useType=Symbol("INVENTED")),))
    assert dropped == [Dropped("CapabilityAssetUse", "useType", "useType has no value for INVENTED in release 4.2")]


@pytest.mark.parametrize(("bearer", "name"), [("RelationalColumn", "RelationalColumnType"), ("EventSchemaAttribute", "PrimitiveSchemaType")])
def test_the_name_of_a_primitive_column_type_depends_on_what_bears_it(bearer: str, name: str) -> None:
    embedded = DesiredClassification("TypeEmbeddedAttribute", {"schemaTypeName": "PrimitiveSchemaType", "dataType": "INT"})
    found, dropped = one(entity(bearer, classifications=(embedded,)))
    assert found.classifications == (DesiredClassification("TypeEmbeddedAttribute", {"schemaTypeName": name, "dataType": "INT"}),)
    assert dropped == []


def test_values_that_the_table_does_not_name_stay() -> None:
    embedded = DesiredClassification("TypeEmbeddedAttribute", {"schemaTypeName": "RelationalTableType"})
    found, _ = one(entity("RelationalTable", classifications=(embedded,)))
    assert found.classifications == (embedded,)


def test_ends_are_swapped_where_they_stand_the_other_way_round() -> None:
    result, _ = translated(links=(link("DataSetContent"), link("Schema")))
    assert [(found.type_name, found.end1, found.end2) for found in result.relationships] == [
        ("DataContentForDataSet", "entity:b", "entity:a"),
        ("AssetSchemaType", "entity:a", "entity:b"),
    ]


def test_identities_stay_even_where_the_qualified_name_has_no_home() -> None:
    result, dropped = translated(
        entity("InformalTag", "tag", displayName="n", description="d", classifications=()),
        DesiredEntity(type_name="Topic", properties={"qualifiedName": "t"}, seed="atlas:7"),
    )
    assert [found.identity for found in result.entities] == ["entity:tag", "atlas:7"]
    assert result.entities[0].properties == {"tagName": "n", "tagDescription": "d"}
    assert [each.attribute for each in dropped] == ["qualifiedName"]


def test_references_to_entities_are_carried() -> None:
    anchors = DesiredClassification("Anchors", {"anchorGUID": GuidOf("entity:a"), "anchorTypeName": "RelationalDatabase"})
    found, dropped = one(entity("RelationalTable", classifications=(anchors,)))
    assert found.classifications == (DesiredClassification("Anchors", {"anchorGUID": GuidOf("entity:a")}),)
    assert dropped == [("Anchors", "anchorTypeName")]


def test_a_reference_has_no_form_as_text() -> None:
    _, dropped = translated(entity("Topic", url=GuidOf("entity:a")))
    assert dropped == [Dropped("Topic", "url", "it has no form as text for additionalProperties")]


# ---------------------------------------------------------------- beyond the table


def test_a_type_that_the_table_does_not_name_keeps_its_guid_under_its_older_name() -> None:
    assert "MobileResource" not in TABLE["types"]
    assert TYPES.target_name("MobileResource") == "MobileAsset"


def test_a_type_without_a_home_is_refused_before_any_record_comes() -> None:
    assert TYPES.problems([*USED, *EMITS, "MobileResource"]) == []
    (unknown,) = TYPES.problems(["Nonsense", "Topic"])
    assert unknown.startswith("no type 'Nonsense' among the known types")
    with pytest.raises(UnknownType, match="no type 'Nonsense'"):
        TYPES.target_name("Nonsense")
    homeless = next(str(one.name) for one in NEW.types() if one.name not in TABLE["types"] and OLD.type_def_by_guid(one.guid) is None)
    (problem,) = TYPES.problems([homeless])
    assert (
        problem == f"{homeless} ({NEW.instance_type(homeless).type_def_guid}) has no counterpart among the types of release 4.2, and the translation names none"
    )
    with pytest.raises(NoHome, match=r"no counterpart among the types of release 4\.2"):
        translated(entity(homeless))


def test_an_attribute_that_the_type_has_not_is_the_mappers_mistake() -> None:
    with pytest.raises(UnknownType, match=r"type RelationalTable has no attribute 'dispalyName'; did you mean displayName"):
        translated(entity("RelationalTable", dispalyName="x"))


def test_a_classification_that_cannot_stand_there_is_dropped_whole() -> None:
    _, dropped = translated(entity("Topic", classifications=(DesiredClassification("PrimaryKey"),)))
    assert dropped == [Dropped("PrimaryKey", "", "PrimaryKey cannot stand on Topic in release 4.2")]


@pytest.mark.parametrize(
    ("type_name", "end1", "end2"),
    [
        ("CapabilityAssetUse", "DatabaseManager", "RelationalDatabase"),
        ("CapabilityAssetUse", "EventBroker", "Topic"),
        ("DataSetContent", "DeployedDatabaseSchema", "RelationalDatabase"),
        ("Schema", "DeployedDatabaseSchema", "RelationalDBSchemaType"),
        ("Schema", "RelationalDatabase", "RelationalDBSchemaType"),
        ("Schema", "Topic", "EventTypeList"),
        ("Schema", "TabularDataSet", "TabularSchemaType"),
        ("AttributeForSchema", "RelationalDBSchemaType", "RelationalTable"),
        ("AttributeForSchema", "TabularSchemaType", "TabularColumn"),
        ("AttributeForSchema", "EventType", "EventSchemaAttribute"),
        ("NestedSchemaAttribute", "RelationalTable", "RelationalColumn"),
        ("NestedSchemaAttribute", "EventSchemaAttribute", "EventSchemaAttribute"),
        ("SchemaTypeOption", "EventTypeList", "EventType"),
        ("LinkedExternalSchemaType", "EventSchemaAttribute", "EventType"),
        ("DataFlow", "RelationalTable", "Topic"),
        ("DataFlow", "TabularDataSet", "DeployedSoftwareComponent"),
        ("DataMapping", "TabularColumn", "TabularColumn"),
        ("ProcessHierarchy", "DeployedSoftwareComponent", "DeployedSoftwareComponent"),
        ("ForeignKey", "RelationalColumn", "RelationalColumn"),
        ("SemanticAssignment", "RelationalColumn", "GlossaryTerm"),
        ("AttachedTag", "RelationalTable", "InformalTag"),
    ],
)
def test_the_shapes_that_mappers_make_are_valid_in_both_releases(type_name: str, end1: str, end2: str) -> None:
    assert NEW.end_accepts(type_name, 1, end1)
    assert NEW.end_accepts(type_name, 2, end2)
    ends = [TYPES.target_name(end2), TYPES.target_name(end1)] if TYPES.swaps_ends(type_name) else [TYPES.target_name(end1), TYPES.target_name(end2)]
    for number, end in enumerate(ends, 1):
        assert OLD.end_accepts(TYPES.target_name(type_name), number, end)


# ---------------------------------------------------------------- for everything that a mapper may say

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SAMPLES: dict[str, st.SearchStrategy[Any]] = {
    "string": text,
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "date": st.integers(0, 2**42),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "array<string>": st.lists(text, max_size=3),
    "map<string,string>": st.dictionaries(text, text, max_size=3),
}


def values_of(type_name: str) -> st.SearchStrategy[dict[str, PlainValue]]:
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, attribute in NEW.attributes(type_name).items():
        definition = attribute.attribute_type
        assert definition is not None
        if isinstance(definition, EnumDef):
            optional[name] = st.sampled_from([Symbol(str(element.value)) for element in definition.element_defs or []])
        else:
            optional[name] = SAMPLES[str(definition.name)]
    optional.pop("qualifiedName", None)
    return st.fixed_dictionaries({}, optional=optional)


@st.composite
def desired_objects(draw: st.DrawFn) -> DesiredObject:
    """Two entities with some classifications, and links between them, of any types and values that the 6.1 types allow."""
    entities = []
    for name in ("a", "b"):
        kind = draw(st.sampled_from(ENTITIES))
        allowed = [each for each in CLASSIFICATIONS if NEW.can_classify(each, kind)]
        chosen = draw(st.lists(st.sampled_from(allowed), unique=True, max_size=2)) if allowed else []
        classifications = tuple(DesiredClassification(each, draw(values_of(each))) for each in chosen)
        entities.append(entity(kind, name, classifications, **draw(values_of(kind))))
    links = tuple(link(kind, **draw(values_of(kind))) for kind in draw(st.lists(st.sampled_from(RELATIONSHIPS), max_size=2, unique=True)))
    return DesiredObject(key="k", entities=tuple(entities), relationships=links)


def properties_of(desired: DesiredObject) -> list[tuple[str, dict[str, PlainValue]]]:
    """Type and properties of every instance, classifications included."""
    found = [(each.type_name, dict(each.properties)) for each in (*desired.entities, *desired.relationships)]
    return found + [(each.name, dict(each.properties)) for owner in desired.entities for each in owner.classifications]


@given(desired_objects())
def test_what_comes_out_is_valid_in_the_older_release_and_nothing_is_lost_silently(desired: DesiredObject) -> None:
    result = TRANSLATOR.translate(desired)
    assert [each.identity for each in result.object.entities] == [each.identity for each in desired.entities]
    assert len(result.object.relationships) == len(desired.relationships)
    assert result.object.key == desired.key
    for type_name, properties in properties_of(result.object):
        plain: dict[str, Any] = {name: value.name if isinstance(value, Symbol) else value for name, value in properties.items()}
        typed = OLD.properties(type_name, plain)
        assert typed is None or property_problems(OLD, type_name, typed) == []
    said = [(name, attribute) for name, properties in properties_of(desired) for attribute in properties]
    told = {(each.type_name, each.attribute) for each in result.dropped}
    for name, attribute in said:
        places = TYPES.destinations(name, attribute)
        if all(isinstance(place, Nowhere) for place in places):
            assert {(name, attribute), (name, "")} & told, "an attribute, or the classification that it was of"
    whole = {name for name, attribute in told if not attribute}
    homes = [place for name, attribute in said if name not in whole for place in TYPES.destinations(name, attribute) if isinstance(place, ToAttribute)]
    kept = sum(len(properties) for _, properties in properties_of(result.object))
    assert kept + len(result.dropped) >= len(homes)
    assert TRANSLATOR.translate(desired) == result


@pytest.mark.parametrize("name", USED)
def test_every_type_that_mappers_use_and_all_its_attributes_have_an_answer(name: str) -> None:
    assert OLD.type_def(TYPES.target_name(name)) is not None
    for attribute in NEW.attributes(name):
        assert TYPES.destinations(name, attribute)


# ---------------------------------------------------------------- tables that cannot be used


def table(**changes: Any) -> bytes:
    return msgspec.json.encode({"from": "6.1", "to": "4.2", "types": {}, **changes})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "not a translation of types"),
        (table(to="5.0"), "a translation from 6.1 to 5.0 cannot go from 6.1 to 4.2"),
        (table(types={"Topic": {"to": "Topic", "attributes": {"url": {"to": "x", "unknown": 1}}}}), "not a translation of types: .*unknown"),
        (table(droppedEverywhere=["source (somewhere)"]), r"droppedEverywhere holds 'source \(somewhere\)', expected 'name' or"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadTranslationTable, match=message):
        TypeTranslation(data, NEW, OLD)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"to": "Subject"}, "the translation makes Topic a Subject, which is not among the types of release 4.2"),
        ({"to": "ForeignKey"}, "Topic is a ENTITY_DEF, its translation ForeignKey a RELATIONSHIP_DEF"),
        ({"to": "Topic", "attributes": {"url": "uri"}}, "the translation moves Topic.url to Topic.uri, which there is not"),
        ({"to": "Topic", "attributes": {"url": "more.uri"}}, "the translation moves Topic.url to Topic.more, which there is not"),
        (
            {"to": "Topic", "attributes": {"description": {"to": "description", "values": {}, "when": "sometimes"}}},
            "the translation to Topic.description says when 'sometimes', expected 'on TYPE'",
        ),
    ],
)
def test_a_table_that_contradicts_the_types_is_found_by_the_check(rule: dict[str, Any], problem: str) -> None:
    assert TypeTranslation(table(types={"Topic": rule}), NEW, OLD).problems(["Topic"]) == [problem]


def test_dropped_values_are_told_to_whoever_counts() -> None:
    told: list[Dropped] = []
    desired = DesiredObject(key="k", entities=(entity("Topic", resourceName="r"),))
    assert TRANSLATOR.counting(told.append)(desired) == TRANSLATOR.translate(desired).object
    assert [each.attribute for each in told] == ["resourceName"]


def test_an_entity_type_of_the_same_guid_needs_no_rule() -> None:
    source = TypeRegistry({"New": EntityDef(guid="g", name="New")}, {}, release="6.1")
    target = TypeRegistry({"Old": EntityDef(guid="g", name="Old")}, {}, release="4.2")
    assert TypeTranslation(table(), source, target).target_name("New") == "Old"
