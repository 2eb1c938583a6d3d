"""Plain values to typed property values and back."""

import json
import math
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

import schemas
from cohort_sync.omrs.enums import CollectionDefCategory, PrimitiveDefCategory
from cohort_sync.omrs.primitive_values import (
    PRIMITIVE_TYPES,
    BadPropertyValue,
    PlainValue,
    plain_value,
    property_value,
)
from cohort_sync.omrs.properties import InstancePropertyValue, MapPropertyValue, PrimitivePropertyValue
from cohort_sync.omrs.type_pack import decode_pack
from cohort_sync.omrs.typedefs import AttributeTypeDef, CollectionDef, EnumDef, PrimitiveDef, TypeDefAttribute

TYPES = {one.name: one for one in decode_pack(schemas.read_pack("6.1")).attribute_type_defs}
C = PrimitiveDefCategory
ALL_KINDS = Path(__file__).parent.parent / "golden/events/instance_new_entity_all_property_kinds.json"


def attribute(type_name: str) -> TypeDefAttribute:
    return TypeDefAttribute(attribute_name="a", attribute_type=TYPES[type_name])


def struct_attribute() -> TypeDefAttribute:
    struct: AttributeTypeDef = CollectionDef(name="DemoStruct", guid="s", collection_def_category=CollectionDefCategory.STRUCT)
    return TypeDefAttribute(attribute_name="a", attribute_type=struct)


def over_the_wire(value: InstancePropertyValue) -> InstancePropertyValue:
    return msgspec.json.decode(msgspec.json.encode(value), type=InstancePropertyValue)


def written(type_name: str, value: PlainValue) -> str:
    found = property_value(attribute(type_name), value)
    assert isinstance(found, PrimitivePropertyValue)
    return bytes(found.primitive_value).decode()


def same(one: PlainValue | None, other: PlainValue | None) -> bool:
    """Equal and of the same Python types all the way down."""
    return one == other and repr(one) == repr(other)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGERS = {"byte": 8, "short": 16, "int": 32, "long": 64, "date": 64}
VALUES: dict[str, st.SearchStrategy[PlainValue]] = {
    "string": text,
    "char": st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "biginteger": st.integers(-(10**60), 10**60),
    "bigdecimal": st.decimals(allow_nan=False, allow_infinity=False),
    "array<string>": st.lists(text, max_size=4),
    "array<int>": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
    "map<string,string>": st.dictionaries(text, text, max_size=4),
    "map<string,boolean>": st.dictionaries(text, st.booleans(), max_size=4),
    "map<string,date>": st.dictionaries(text, st.integers(-(2**63), 2**63 - 1), max_size=4),
    "map<string,double>": st.dictionaries(text, st.floats(allow_nan=False, allow_infinity=False), max_size=4),
    "object": st.one_of(text, st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    "map<string,object>": st.dictionaries(text, st.one_of(text, st.integers(), st.lists(text, max_size=3), st.dictionaries(text, st.integers(), max_size=2))),
    "StarRating": st.sampled_from(["NOT_RECOMMENDED", "ONE_STAR", "FIVE_STARS"]),
} | {name: st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in INTEGERS.items()}


@given(st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])))
def test_a_plain_value_comes_back_from_the_wire_as_it_was(case: tuple[str, PlainValue]) -> None:
    type_name, value = case
    found = over_the_wire(property_value(attribute(type_name), value))
    assert same(plain_value(found), value)
    assert found.type_name == type_name or type_name == "object"


@given(st.integers(-(2**53), 2**53))
def test_a_whole_number_is_a_double_with_a_fraction(value: int) -> None:
    shown = written("double", value)
    assert "." in shown or "e" in shown
    assert json.loads(shown) == value


@pytest.mark.parametrize(
    ("type_name", "value", "shown"),
    [
        ("double", 1, "1.0"),
        ("float", 1.5, "1.5"),
        ("double", Decimal("0.1"), "0.1"),
        ("date", 1780272000000, "1780272000000"),
        ("bigdecimal", Decimal("5.250"), "5.250"),
        ("bigdecimal", 12345, "12345"),
        ("biginteger", 123456789012345678901234567890, "123456789012345678901234567890"),
        ("string", 'text with "quotes", é and 中', '"text with \\"quotes\\", é and 中"'),
    ],
)
def test_the_form_on_the_wire(type_name: str, value: PlainValue, shown: str) -> None:
    assert written(type_name, value) == shown


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("string", 5, "got int 5, expected string (text)"),
        ("string", "\ud800", "expected string (text)"),
        ("int", "5", "got str '5', expected int (an integer of 32 bits)"),
        ("int", True, "got bool True, expected int"),
        ("int", 5.0, "got float 5.0, expected int"),
        ("int", 2**31, "expected int (an integer of 32 bits)"),
        ("byte", -129, "expected byte (an integer of 8 bits)"),
        ("long", 2**63, "expected long (an integer of 64 bits)"),
        ("date", "2026-01-01", "expected date (an integer of 64 bits)"),
        ("boolean", 1, "got int 1, expected boolean (true or false)"),
        ("double", math.nan, "expected double (a finite number"),
        ("double", 2**53 + 1, "expected double"),
        ("double", 10**400, "expected double"),
        ("float", 1e39, "expected float"),
        ("char", "ab", "expected char"),
        ("char", "😀", "expected char"),
        ("bigdecimal", Decimal("Infinity"), "expected bigdecimal"),
        ("biginteger", 1.0, "expected biginteger"),
        ("array<string>", "abc", "expected array<string> (a list)"),
        ("array<string>", ["a", 1], "T.a[1]: got int 1, expected string"),
        ("map<string,string>", ["a"], "expected map<string,string> (a dict with text keys)"),
        ("map<string,string>", {1: "a"}, "a dict with text keys"),
        ("map<string,int>", {"k": "v"}, "T.a['k']: got str 'v', expected int"),
        ("map<string,object>", {"k": [1, "v"]}, "T.a['k']: got list [1, 'v'], expected a list of text or"),
        ("map<string,object>", {"k": b"x"}, "expected text, a number"),
        ("StarRating", "TEN_STARS", "got str 'TEN_STARS', expected a symbolic name of StarRating: NOT_RECOMMENDED, ONE_"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_was_expected(type_name: str, value: PlainValue, expected: str) -> None:
    with pytest.raises(BadPropertyValue) as refused:
        property_value(attribute(type_name), value, of="T")
    assert str(refused.value).startswith("T.a")
    assert expected in str(refused.value)
    assert refused.value.stage == "map"


def test_an_enum_value_has_ordinal_name_and_type() -> None:
    found = property_value(attribute("ActivityStatus"), "COMPLETED")
    shown = json.loads(msgspec.json.encode(found))
    assert shown.pop("description")
    assert shown == {
        "class": "EnumPropertyValue",
        "headerVersion": 1,
        "instancePropertyCategory": "ENUM",
        "typeGUID": "a6e698b0-a4f7-4a39-8c80-db0bb0f972e",
        "typeName": "ActivityStatus",
        "ordinal": 10,
        "symbolicName": "COMPLETED",
    }


def test_the_envelope_of_collections_is_the_one_that_java_writes() -> None:
    event = json.loads(ALL_KINDS.read_text())
    properties = event["instanceEventSection"]["entity"]["properties"]["instanceProperties"]
    cases: list[tuple[str, str, PlainValue]] = [
        ("arrayProperty", "array<string>", ["first", "second"]),
        ("emptyArrayProperty", "array<string>", []),
        ("mapProperty", "map<string,string>", {"key1": "value1", "key2": "value2"}),
        ("intProperty", "int", 123456),
        ("doubleProperty", "double", 2.718281828459045),
        ("longProperty", "long", 9007199254740993),
        ("charProperty", "char", "x"),
        ("bigintegerProperty", "biginteger", 123456789012345678901234567890),
        ("stringProperty", "string", 'text with "quotes", é and 中'),
    ]
    for name, type_name, value in cases:
        assert json.loads(msgspec.json.encode(property_value(attribute(type_name), value))) == properties[name]
        golden = msgspec.json.decode(json.dumps(properties[name]), type=InstancePropertyValue)
        assert same(plain_value(golden), value)


def test_a_struct_says_itself_what_its_fields_are() -> None:
    found = over_the_wire(property_value(struct_attribute(), {"field1": "f1", "field2": 7, "more": {"x": 1.5}}))
    assert plain_value(found) == {"field1": "f1", "field2": 7, "more": {"x": 1.5}}


def test_nulls_are_none_and_what_does_not_fit_its_category_is_what_the_json_says() -> None:
    def read(category: PrimitiveDefCategory, raw: bytes) -> PlainValue | None:
        return plain_value(PrimitivePropertyValue(primitive_def_category=category, primitive_value=Raw(raw)))

    assert read(C.STRING, b"") is None
    assert read(C.STRING, b"null") is None
    assert read(C.DATE, b'"2026-01-01"') == "2026-01-01"
    assert read(C.INT, b"5.0") == Decimal("5.0")
    assert read(C.UNKNOWN, b'{"a":[1.10,true]}') == {"a": [Decimal("1.10"), True]}
    assert read(C.BIGINTEGER, b"9" * 5000) == Decimal("9" * 5000)
    assert read(C.BIGDECIMAL, b"1e99999999999999999999999") == "1e99999999999999999999999"
    assert read(C.STRING, b'"half \\ud800 pair"') == "half � pair"
    assert plain_value(MapPropertyValue()) == {}


@pytest.mark.parametrize("release", schemas.RELEASES)
def test_names_and_guids_of_primitives_and_inferred_collections_are_those_of_every_release(release: str) -> None:
    types = {one.name: one for one in decode_pack(schemas.read_pack(release)).attribute_type_defs}
    for category, (name, guid) in PRIMITIVE_TYPES.items():
        found = types[name]
        assert isinstance(found, PrimitiveDef)
        assert (found.primitive_def_category, found.guid) == (category, guid)
    values: list[PlainValue] = [["a"], [1], {"k": "v"}, {"k": True}, {"k": 1}, {"k": 2**40}, {"k": 1.5}, {"k": {}}, {}]
    for value in values:
        found_value = property_value(attribute("object"), value)
        assert types[found_value.type_name].guid == found_value.type_guid


def test_an_attribute_without_a_type_takes_nothing() -> None:
    with pytest.raises(BadPropertyValue, match="the attribute has no type"):
        property_value(TypeDefAttribute(attribute_name="a"), "x")


def test_an_enum_without_a_name_reads_as_its_ordinal() -> None:
    value = msgspec.json.decode(b'{"class":"EnumPropertyValue","ordinal":7}', type=InstancePropertyValue)
    assert plain_value(value) == 7
    assert isinstance(TYPES["StarRating"], EnumDef)
