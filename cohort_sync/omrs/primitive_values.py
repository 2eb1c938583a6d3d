"""Typed property values from plain Python values, by the definition of the attribute, and back (spec cohort-events 6.6).

What is written is what a Java member can read: doubles always with a fraction, dates as integers, every value with
the GUID and name of its type, ordinals and symbolic names of enums together. BIGINTEGER and BIGDECIMAL are written
and read exactly; Java itself reads them back only in the shapes that spec cohort-events 6.6 lists, and no open
metadata type has one.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal, DecimalException
from json import loads
from typing import TypeAlias

import msgspec
from msgspec import Raw

from cohort_sync.omrs.enums import CollectionDefCategory, InstancePropertyCategory, PrimitiveDefCategory
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.properties import (
    ArrayPropertyValue,
    EnumPropertyValue,
    InstanceProperties,
    InstancePropertyValue,
    MapPropertyValue,
    PrimitivePropertyValue,
    StructPropertyValue,
)
from cohort_sync.omrs.typedefs import CollectionDef, EnumDef, PrimitiveDef, TypeDefAttribute

PlainValue: TypeAlias = str | bool | int | float | Decimal | Sequence["PlainValue"] | Mapping[str, "PlainValue"]
"""A property in Python's own types. Dates are epoch milliseconds, enum values symbolic names."""

PRIMITIVE_TYPES: Mapping[PrimitiveDefCategory, tuple[str, str]] = {
    PrimitiveDefCategory.UNKNOWN: ("object", "1c4b21f4-0b67-41a7-a6ed-2af185eb9b3b"),
    PrimitiveDefCategory.BOOLEAN: ("boolean", "3863f010-611c-41fe-aaae-5d4d427f863b"),
    PrimitiveDefCategory.BYTE: ("byte", "6b7d410a-2e8a-4d12-981a-a806449f9bdb"),
    PrimitiveDefCategory.CHAR: ("char", "b0abebe5-cf85-4065-86ad-f3c6360ed9c7"),
    PrimitiveDefCategory.SHORT: ("short", "8e95b966-ab60-46d4-a03f-40c5a1ba6c2a"),
    PrimitiveDefCategory.INT: ("int", "7fc49104-fd3a-46c8-b6bf-f16b6074cd35"),
    PrimitiveDefCategory.LONG: ("long", "33a91510-92ee-4825-9f49-facd7a6f9db6"),
    PrimitiveDefCategory.FLOAT: ("float", "52aeb769-37b7-4b30-b949-ddc7dcebcfa2"),
    PrimitiveDefCategory.DOUBLE: ("double", "e13572e8-25c3-4994-acb6-2ea66c95812e"),
    PrimitiveDefCategory.BIGINTEGER: ("biginteger", "8aa56e52-1076-4e0d-9b66-3873a1ed7392"),
    PrimitiveDefCategory.BIGDECIMAL: ("bigdecimal", "d5c8ad9f-8fee-4a64-80b3-63ce1e47f6bb"),
    PrimitiveDefCategory.STRING: ("string", "b34a64b9-554a-42b1-8f8a-7d5c2339f9c4"),
    PrimitiveDefCategory.DATE: ("date", "1bef35ca-d4f9-48db-87c2-afce4649362d"),
}
"""Name and GUID of each primitive type, the same in every release."""

_ARRAYS = {
    PrimitiveDefCategory.STRING: ("array<string>", "0428b5d3-f824-459c-b7f5-f8151de59707"),
    PrimitiveDefCategory.INT: ("array<int>", "0103fe10-98b0-4910-8ee0-21d529f7ff6d"),
}
_MAPS = {
    PrimitiveDefCategory.STRING: ("map<string,string>", "005c7c14-ac84-4136-beed-959401b041f8"),
    PrimitiveDefCategory.BOOLEAN: ("map<string,boolean>", "8fa603dd-c2c5-43fc-8ff4-92141f2414ab"),
    PrimitiveDefCategory.INT: ("map<string,int>", "8fa603dd-c2c5-43fc-8ff4-92141f2414ac"),
    PrimitiveDefCategory.LONG: ("map<string,long>", "8fa603dd-c2c5-43fc-8ff4-92141f2414ae"),
    PrimitiveDefCategory.UNKNOWN: ("map<string,object>", "8fa603dd-c2c5-43fc-8ff4-92141f2414ad"),
}

_INTEGERS = {
    PrimitiveDefCategory.BYTE: 8,
    PrimitiveDefCategory.SHORT: 16,
    PrimitiveDefCategory.INT: 32,
    PrimitiveDefCategory.LONG: 64,
    PrimitiveDefCategory.DATE: 64,
}
"""Bits of the integer types. A date is a Java long of epoch milliseconds."""

_EXPECTED = {
    PrimitiveDefCategory.BOOLEAN: "true or false",
    PrimitiveDefCategory.CHAR: "text of one UTF-16 character",
    PrimitiveDefCategory.FLOAT: "a finite number in the range of a float",
    PrimitiveDefCategory.DOUBLE: "a finite number that a double holds",
    PrimitiveDefCategory.BIGINTEGER: "an integer",
    PrimitiveDefCategory.BIGDECIMAL: "a finite Decimal or an integer",
    PrimitiveDefCategory.STRING: "text",
} | {category: f"an integer of {bits} bits" for category, bits in _INTEGERS.items()}

_FLOAT_MAX = 3.4028234663852886e38
_MAX_DIGITS = 4000
"""Python refuses to read longer integers (it guards against quadratic time); those become a Decimal, which is exact too."""


class BadPropertyValue(PoisonEvent):
    """A plain value that the attribute cannot have: which attribute, what it got, what it expects."""

    def __init__(self, attribute: str, got: object, expected: str) -> None:
        shown = repr(got)
        shown = shown if len(shown) <= 200 else shown[:200] + "…"
        super().__init__(f"{attribute}: got {type(got).__name__} {shown}, expected {expected}", stage="map")


def property_value(attribute: TypeDefAttribute, value: PlainValue, *, of: str = "") -> InstancePropertyValue:
    """The typed value of `attribute` for a plain value. Raises BadPropertyValue, which names `of` as the type.

    Text becomes a string, a char or, for an enum attribute, the element with that symbolic name; an int any integer
    type that it fits, a date, or (exactly) a float; bool only a boolean. A list becomes an array, a dict a map, whose
    elements obey the collection's argument types; where those are `object`, the elements say themselves what they are.
    """
    where = f"{of}.{attribute.attribute_name}" if of else str(attribute.attribute_name)
    match attribute.attribute_type:
        case PrimitiveDef() as primitive:
            category = primitive.primitive_def_category or PrimitiveDefCategory.UNKNOWN
            if category is PrimitiveDefCategory.UNKNOWN:
                return _inferred(where, value)
            return _primitive(where, category, value, primitive.name, primitive.guid)
        case EnumDef() as enum:
            return _enum(where, enum, value)
        case CollectionDef() as collection:
            return _collection(where, collection, value)
        case None:
            raise BadPropertyValue(where, value, "nothing: the attribute has no type")


def plain_value(value: InstancePropertyValue) -> PlainValue | None:
    """The plain Python value of a property; None for a primitive null. Never raises.

    Integers and BIGDECIMALs are exact (int, Decimal); float and double become float; an enum its symbolic name, or its
    ordinal where it has no name. A primitive whose JSON does not fit its category becomes what the JSON says.
    """
    match value:
        case PrimitivePropertyValue():
            return _plain_primitive(value)
        case EnumPropertyValue():
            return value.ordinal if value.symbolic_name is None else value.symbolic_name
        case ArrayPropertyValue():
            elements = plain_values(value.array_values)
            return [plain for index in range(len(elements)) if (plain := elements.get(str(index))) is not None]
        case MapPropertyValue():
            return {name: plain for name, plain in plain_values(value.map_values).items() if plain is not None}
        case StructPropertyValue():
            return {name: plain for name, plain in plain_values(value.attributes).items() if plain is not None}


def plain_values(properties: InstanceProperties | None) -> dict[str, PlainValue | None]:
    """The plain values of all properties by name; none for no properties."""
    found = properties.instance_properties if properties else None
    return {name: plain_value(value) for name, value in found.items()} if found else {}


def _primitive(where: str, category: PrimitiveDefCategory, value: PlainValue, name: str | None = None, guid: str | None = None) -> PrimitivePropertyValue:
    text = _json(category, value)
    if text is None:
        raise BadPropertyValue(where, value, f"{name or PRIMITIVE_TYPES[category][0]} ({_EXPECTED[category]})")
    default_name, default_guid = PRIMITIVE_TYPES[category]
    return PrimitivePropertyValue(
        instance_property_category=InstancePropertyCategory.PRIMITIVE,
        type_guid=guid or default_guid,
        type_name=name or default_name,
        primitive_def_category=category,
        primitive_value=Raw(text),
    )


def _json(category: PrimitiveDefCategory, value: PlainValue) -> bytes | None:
    """The JSON text of a value of this category; None when it does not fit."""
    if isinstance(value, str):
        if category is PrimitiveDefCategory.STRING:
            return _text(value)
        one_char = category is PrimitiveDefCategory.CHAR and len(value) == 1 and ord(value) <= 0xFFFF
        return _text(value) if one_char else None
    if isinstance(value, bool):
        return (b"true" if value else b"false") if category is PrimitiveDefCategory.BOOLEAN else None
    if category in (PrimitiveDefCategory.FLOAT, PrimitiveDefCategory.DOUBLE):
        return _fraction(value, _FLOAT_MAX if category is PrimitiveDefCategory.FLOAT else math.inf)
    if isinstance(value, int):
        if (bits := _INTEGERS.get(category)) is not None:
            return b"%d" % value if -(1 << bits - 1) <= value < 1 << bits - 1 else None
        return _digits(value) if category in _BIG else None
    if isinstance(value, Decimal) and category is PrimitiveDefCategory.BIGDECIMAL and value.is_finite():
        return str(value).encode()
    return None


_BIG = (PrimitiveDefCategory.BIGINTEGER, PrimitiveDefCategory.BIGDECIMAL)


def _text(value: str) -> bytes | None:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8
        return None


def _digits(value: int) -> bytes:
    return b"%d" % value if value.bit_length() < _MAX_DIGITS * 3 else format(Decimal(value), "f").encode()


def _fraction(value: PlainValue, limit: float) -> bytes | None:
    """A number with fraction or exponent: Java refuses the whole event for an integer literal in a double."""
    if not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    if not math.isfinite(number) or abs(number) > limit or (isinstance(value, int) and int(number) != value):
        return None
    return repr(number).encode()


def _enum(where: str, enum: EnumDef, value: PlainValue) -> EnumPropertyValue:
    elements = enum.element_defs or []
    for element in elements:
        if element.value == value:
            return EnumPropertyValue(
                instance_property_category=InstancePropertyCategory.ENUM,
                type_guid=enum.guid,
                type_name=enum.name,
                ordinal=element.ordinal,
                symbolic_name=element.value,
                description=element.description,
            )
    names = ", ".join(str(element.value) for element in elements)
    raise BadPropertyValue(where, value, f"a symbolic name of {enum.name}: {names}")


def _collection(where: str, collection: CollectionDef, value: PlainValue) -> InstancePropertyValue:
    arguments = collection.argument_types or []
    element = arguments[-1] if arguments else PrimitiveDefCategory.UNKNOWN
    kind = collection.collection_def_category
    if kind is CollectionDefCategory.ARRAY:
        if isinstance(value, list | tuple):
            return _array(where, element, value, collection.name, collection.guid)
        raise BadPropertyValue(where, value, f"{collection.name} (a list)")
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadPropertyValue(where, value, f"{collection.name} (a dict with text keys)")
    if kind is CollectionDefCategory.STRUCT:
        return StructPropertyValue(
            instance_property_category=InstancePropertyCategory.STRUCT,
            type_guid=collection.guid,
            type_name=collection.name,
            attributes=_properties({key: _inferred(f"{where}.{key}", one) for key, one in value.items()}),
        )
    return _map(where, element, value, collection.name, collection.guid)


def _array(where: str, element: PrimitiveDefCategory, value: Sequence[PlainValue], name: str | None, guid: str | None) -> ArrayPropertyValue:
    values = {str(index): _element(f"{where}[{index}]", element, one) for index, one in enumerate(value)}
    return ArrayPropertyValue(
        instance_property_category=InstancePropertyCategory.ARRAY,
        type_guid=guid,
        type_name=name,
        array_count=len(values),
        array_values=_properties(values),
    )


def _map(where: str, element: PrimitiveDefCategory, value: Mapping[str, PlainValue], name: str | None, guid: str | None) -> MapPropertyValue:
    values = {key: _element(f"{where}[{key!r}]", element, one) for key, one in value.items()}
    return MapPropertyValue(
        instance_property_category=InstancePropertyCategory.MAP,
        type_guid=guid,
        type_name=name,
        map_values=_properties(values),
        map_element_count=len(values),
    )


def _element(where: str, category: PrimitiveDefCategory, value: PlainValue) -> InstancePropertyValue:
    return _inferred(where, value) if category is PrimitiveDefCategory.UNKNOWN else _primitive(where, category, value)


def _properties(values: Mapping[str, InstancePropertyValue]) -> InstanceProperties | None:
    return InstanceProperties(instance_properties=dict(values)) if values else None


def _inferred(where: str, value: PlainValue) -> InstancePropertyValue:
    """A value of an `object`: it says itself what it is."""
    if isinstance(value, Mapping):
        kinds = {_category(one) for one in value.values()}
        element = kinds.pop() if len(kinds) == 1 else PrimitiveDefCategory.UNKNOWN if kinds else _TEXT
        element = element if element in _MAPS else PrimitiveDefCategory.UNKNOWN
        return _map(where, element, value, *_MAPS[element])
    if isinstance(value, list | tuple):
        kinds = {_category(one) for one in value} or {_TEXT}
        element = kinds.pop()
        if kinds or element not in _ARRAYS:
            raise BadPropertyValue(where, value, "a list of text or a list of integers of 32 bits")
        return _array(where, element, value, *_ARRAYS[element])
    category = _category(value)
    if category is PrimitiveDefCategory.UNKNOWN:
        raise BadPropertyValue(where, value, "text, a number, true or false, a list or a dict")
    return _primitive(where, category, value)


_TEXT = PrimitiveDefCategory.STRING


def _category(value: PlainValue) -> PrimitiveDefCategory:
    """The primitive type that a plain value is by itself; UNKNOWN for a list, a dict and what is no plain value."""
    if isinstance(value, str):
        return _TEXT
    if isinstance(value, bool):
        return PrimitiveDefCategory.BOOLEAN
    if isinstance(value, int):
        bits = value.bit_length()
        return PrimitiveDefCategory.INT if bits < 32 else PrimitiveDefCategory.LONG if bits < 64 else PrimitiveDefCategory.BIGINTEGER
    if isinstance(value, float):
        return PrimitiveDefCategory.DOUBLE
    return PrimitiveDefCategory.BIGDECIMAL if isinstance(value, Decimal) else PrimitiveDefCategory.UNKNOWN


def _plain_primitive(value: PrimitivePropertyValue) -> PlainValue | None:
    raw = bytes(value.primitive_value)
    if not raw or raw == b"null":
        return None
    if raw[:1] == b'"':
        return _string(raw)
    text = raw.decode()
    try:
        return _read(text, value.primitive_def_category)
    except (ValueError, DecimalException, RecursionError):  # an exponent or a nesting beyond all measure
        return text


def _string(raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:  # half of a surrogate pair, which a Java string may hold and UTF-8 may not
        return str(loads(raw)).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read(text: str, category: PrimitiveDefCategory | None) -> PlainValue:
    if text[0] not in "-0123456789":
        plain: PlainValue = loads(text, parse_float=Decimal, parse_int=_integer)
        return plain
    if category in (PrimitiveDefCategory.FLOAT, PrimitiveDefCategory.DOUBLE):
        return float(text)
    if category is not PrimitiveDefCategory.BIGDECIMAL and text.lstrip("-").isdigit():
        return _integer(text)
    return Decimal(text)


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _MAX_DIGITS else Decimal(text)
