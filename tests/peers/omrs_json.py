"""OMRS values as plain JSON, in the form that Egeria 4.2 reads and writes.

Written apart from the project's own beans on purpose: here it is the peer's side that speaks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Enumerated:
    """A value of an enum type: `type_guid` and `type_name` name the enum."""

    type_guid: str
    type_name: str
    ordinal: int
    symbol: str


Value: TypeAlias = str | bool | int | float | datetime | Mapping[str, str] | list[str] | Enumerated

_PRIMITIVES = {
    "string": ("b34a64b9-554a-42b1-8f8a-7d5c2339f9c4", "OM_PRIMITIVE_TYPE_STRING"),
    "boolean": ("3863f010-611c-41fe-aaae-5d4d427f863b", "OM_PRIMITIVE_TYPE_BOOLEAN"),
    "int": ("7fc49104-fd3a-46c8-b6bf-f16b6074cd35", "OM_PRIMITIVE_TYPE_INT"),
    "float": ("52aeb769-37b7-4b30-b949-ddc7dcebcfa2", "OM_PRIMITIVE_TYPE_FLOAT"),
    "date": ("1bef35ca-d4f9-48db-87c2-afce4649362d", "OM_PRIMITIVE_TYPE_DATE"),
}


def properties(values: Mapping[str, Value]) -> JsonObject:
    """InstanceProperties: texts, booleans, ints, floats, dates, string maps, string arrays and enum values."""
    return {
        "class": "InstanceProperties",
        "headerVersion": 1,
        "instanceProperties": {name: property_value(value) for name, value in values.items()},
    }


def property_value(value: Value) -> JsonObject:
    """One InstancePropertyValue; dates become epoch milliseconds."""
    match value:
        case Enumerated():
            return {
                "class": "EnumPropertyValue",
                "headerVersion": 1,
                "instancePropertyCategory": "ENUM",
                "typeGUID": value.type_guid,
                "typeName": value.type_name,
                "ordinal": value.ordinal,
                "symbolicName": value.symbol,
            }
        case bool():
            return _primitive("boolean", value)
        case str():
            return _primitive("string", value)
        case int():
            return _primitive("int", value)
        case float():
            return _primitive("float", value)
        case datetime():
            return _primitive("date", round(value.timestamp() * 1_000))
        case list():
            return {
                "class": "ArrayPropertyValue",
                "headerVersion": 1,
                "instancePropertyCategory": "ARRAY",
                "typeGUID": "0428b5d3-f824-459c-b7f5-f8151de59707",
                "typeName": "array<string>",
                "arrayCount": len(value),
                "arrayValues": properties({str(place): item for place, item in enumerate(value)}),
            }
        case _:
            return {
                "class": "MapPropertyValue",
                "headerVersion": 1,
                "instancePropertyCategory": "MAP",
                "typeGUID": "005c7c14-ac84-4136-beed-959401b041f8",
                "typeName": "map<string,string>",
                "mapElementCount": len(value),
                "mapValues": properties(dict(value)),
            }


def plain(instance_properties: JsonObject | None) -> dict[str, Any]:
    """The values of InstanceProperties as plain Python values: what a scenario compares with what it wrote."""
    values = (instance_properties or {}).get("instanceProperties") or {}
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: JsonObject) -> Any:
    match value["class"]:
        case "PrimitivePropertyValue":
            return value.get("primitiveValue")
        case "EnumPropertyValue":
            return value["symbolicName"]
        case "MapPropertyValue":
            return plain(value.get("mapValues"))
        case "ArrayPropertyValue":
            items = plain(value.get("arrayValues"))
            return [items[str(place)] for place in range(len(items))]
        case other:
            raise ValueError(f"no plain form for a property value of class {other!r}")


def _primitive(type_name: str, value: object) -> JsonObject:
    guid, category = _PRIMITIVES[type_name]
    return {
        "class": "PrimitivePropertyValue",
        "headerVersion": 1,
        "instancePropertyCategory": "PRIMITIVE",
        "typeGUID": guid,
        "typeName": type_name,
        "primitiveDefCategory": category,
        "primitiveValue": value,
    }
