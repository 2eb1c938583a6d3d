"""Which properties an instance may have."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

import schemas
from cohort_sync.omrs.enums import InstancePropertyCategory, PrimitiveDefCategory
from cohort_sync.omrs.properties import InstanceProperties, InstancePropertyValue, PrimitivePropertyValue
from cohort_sync.omrs.property_rules import PropertyProblemCode, property_problems
from cohort_sync.omrs.type_registry import TypeRegistry, UnknownType
from cohort_sync.omrs.typedefs import EntityDef

NEW = TypeRegistry.from_pack(schemas.read_pack("6.1"))
P = PropertyProblemCode


def given_values(**values: InstancePropertyValue) -> InstanceProperties:
    return InstanceProperties(instance_properties=values)


def codes(type_name: str, properties: InstanceProperties | None) -> list[tuple[P, str]]:
    return [(one.code, one.property) for one in property_problems(NEW, type_name, properties)]


def primitive(category: PrimitiveDefCategory, json: bytes) -> PrimitivePropertyValue:
    return PrimitivePropertyValue(instance_property_category=InstancePropertyCategory.PRIMITIVE, primitive_def_category=category, primitive_value=Raw(json))


def test_what_is_made_by_the_definitions_is_valid() -> None:
    values: dict[str, Any] = {"qualifiedName": "q", "length": 1, "additionalProperties": {"a": "b"}, "sortOrder": "ASCENDING"}
    assert property_problems(NEW, "RelationalColumn", NEW.properties("RelationalColumn", values)) == []


def test_no_properties_are_wrong_only_where_one_is_unique() -> None:
    for nothing in (None, InstanceProperties(), InstanceProperties(instance_properties={}, effective_from_time=1)):
        assert codes("RelationalColumn", nothing) == [(P.NO_NEW_PROPERTIES, "qualifiedName")]
        assert codes("ForeignKey", nothing) == []
    assert codes("RelationalColumn", NEW.properties("RelationalColumn", {"length": 1})) == []


def test_a_name_that_the_type_has_not() -> None:
    name = NEW.properties("RelationalColumn", {"length": 1})
    assert codes("RelationalDatabase", name) == [(P.BAD_PROPERTY_FOR_TYPE, "length")]
    (problem,) = property_problems(NEW, "RelationalDatabase", name)
    assert problem.message == "RelationalDatabase has no attribute length"


def test_a_type_without_attributes_takes_no_property() -> None:
    bare = TypeRegistry({"Bare": EntityDef(guid="b", name="Bare")}, {})
    (problem,) = property_problems(bare, "Bare", given_values(a=primitive(PrimitiveDefCategory.STRING, b'"x"')))
    assert (problem.code, problem.message) == (P.NO_PROPERTIES_FOR_TYPE, "Bare has no attributes, got a")
    assert property_problems(bare, "Bare", None) == []


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("length", NEW.property_value("RelationalColumn", "qualifiedName", "1")),
        ("length", NEW.property_value("RelationalColumn", "additionalProperties", {})),
        ("qualifiedName", NEW.property_value("RelationalColumn", "sortOrder", "ASCENDING")),
        ("sortOrder", NEW.property_value("RelationalColumn", "qualifiedName", "ASCENDING")),
        ("additionalProperties", NEW.property_value("RelationalColumn", "qualifiedName", "1")),
        ("length", msgspec.structs.replace(primitive(PrimitiveDefCategory.INT, b"1"), instance_property_category=None)),
        ("length", msgspec.structs.replace(primitive(PrimitiveDefCategory.INT, b"1"), primitive_def_category=None)),
    ],
)
def test_a_value_of_another_kind(attribute: str, value: InstancePropertyValue) -> None:
    assert codes("RelationalColumn", given_values(**{attribute: value})) == [(P.BAD_PROPERTY_TYPE, attribute)]


def test_collections_are_not_looked_into() -> None:
    array = NEW.property_value("SecurityTags", "securityLabels", ["a"])
    assert codes("RelationalColumn", given_values(additionalProperties=array)) == []


@pytest.mark.parametrize(
    ("attribute", "category", "good", "bad"),
    [
        ("length", PrimitiveDefCategory.INT, [b"5", b"-5", b"null", b""], [b"5.0", b'"5"', b"true", b"5e1", b"{}"]),
        ("qualifiedName", PrimitiveDefCategory.STRING, [b'"x"', b"null"], [b"5", b"true", b"[]"]),
        ("storeCreateTime", PrimitiveDefCategory.DATE, [b"5", b"1780272000000"], [b'"2026-01-01"', b"1.0"]),
        ("isNullable", PrimitiveDefCategory.BOOLEAN, [b"true", b"false"], [b"1", b'"true"']),
    ],
)
def test_a_primitive_has_the_json_of_its_category(attribute: str, category: PrimitiveDefCategory, good: list[bytes], bad: list[bytes]) -> None:
    type_name = "DataFile" if attribute == "storeCreateTime" else "RelationalColumn"
    assert NEW.attribute(type_name, attribute) is not None, attribute
    for json in good:
        assert codes(type_name, given_values(**{attribute: primitive(category, json)})) == []
    for json in bad:
        assert codes(type_name, given_values(**{attribute: primitive(category, json)})) == [(P.BAD_PROPERTY_VALUE, attribute)]


def test_every_problem_is_told_not_only_the_first() -> None:
    bad = given_values(length=primitive(PrimitiveDefCategory.INT, b"true"), nonsense=primitive(PrimitiveDefCategory.INT, b"1"))
    assert codes("RelationalColumn", bad) == [(P.BAD_PROPERTY_VALUE, "length"), (P.BAD_PROPERTY_FOR_TYPE, "nonsense")]


def test_an_unknown_type_is_a_fault() -> None:
    with pytest.raises(UnknownType):
        property_problems(NEW, "NoSuchType", None)
