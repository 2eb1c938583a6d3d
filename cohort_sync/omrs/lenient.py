"""The second look at an event that the strict decoder refused, or that holds nulls: repair what Java's parser would accept, and more.

What is tolerated, and how (spec cohort-events 2.5, "at least as tolerant and more so"):
    null anywhere                         as if the field were not there
    number as text, whole float           the number (`"3"`, `3.0`)
    date as ISO-8601 text                 epoch milliseconds
    unknown enumeration name              the enumeration's UNKNOWN member
    missing `class`                       the class that the slot (or the category beside it) demands
    unknown class of a property value     a primitive of unknown category that holds the raw JSON
    text after the JSON object            dropped
What is not: a `class` of another kind, something that is not a JSON object, NaN and Infinity.

The repair walks the JSON and the struct types together, so it needs no list of fields. Numbers inside free JSON keep their digits (Decimal).
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.properties import EPOCH_MILLIS

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | Decimal | bool | None"

_PROPERTY_CLASSES = {
    "PRIMITIVE": "PrimitivePropertyValue",
    "ENUM": "EnumPropertyValue",
    "ARRAY": "ArrayPropertyValue",
    "MAP": "MapPropertyValue",
    "STRUCT": "StructPropertyValue",
}
_TYPE_CLASSES = {
    "ENTITY_DEF": "EntityDef",
    "RELATIONSHIP_DEF": "RelationshipDef",
    "CLASSIFICATION_DEF": "ClassificationDef",
    "PRIMITIVE": "PrimitiveDef",
    "COLLECTION": "CollectionDef",
    "ENUM_DEF": "EnumDef",
}
_encoder = msgspec.json.Encoder(decimal_format="number")


def repaired(data: bytes, bean: type[msgspec.Struct] = OMRSEvent) -> bytes:
    """An event, or another bean, as strict JSON. Raises ValueError when the bytes are not one JSON object at all."""
    text = data.decode("utf-8")
    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)
    value, _ = decoder.raw_decode(text, len(text) - len(text.lstrip()))
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return _encoder.encode(_repair(value, _type_of(bean)))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@cache
def _type_of(bean: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(bean)


def _repair(value: Json, expected: inspect.Type) -> Json:
    """`value` as the decoder wants it; None means: leave the field out."""
    match expected:
        case inspect.Metadata():
            return _date(value) if expected.extra == EPOCH_MILLIS else _repair(value, expected.type)
        case inspect.UnionType():
            return _repair_union(value, [t for t in expected.types if not isinstance(t, inspect.NoneType)])
        case inspect.StructType():
            return _repair_struct(value, expected)
        case inspect.DictType():
            return _repair_items(value, lambda item: _repair(item, expected.value_type))
        case inspect.ListType():
            items = [_repair(item, expected.item_type) for item in value] if isinstance(value, list) else value
            return [item for item in items if item is not None] if isinstance(items, list) else items
        case inspect.EnumType():
            return _name(value, expected.cls)
        case inspect.IntType():
            return _whole(value)
        case _:
            return value


def _repair_items(value: Json, repair: Callable[[Json], Json]) -> Json:
    if not isinstance(value, dict):
        return value
    items = {key: repair(item) for key, item in value.items() if item is not None}
    return {key: item for key, item in items.items() if item is not None}


def _repair_union(value: Json, members: list[inspect.Type]) -> Json:
    """A nullable field, or one of several beans told apart by `class`."""
    if value is None:
        return None
    if len(members) == 1:
        return _repair(value, members[0])
    if not isinstance(value, dict):
        return value
    by_class = {member.tag: member for member in members if isinstance(member, inspect.StructType)}
    name = value.get("class") or _class_from_category(value, by_class)
    if isinstance(name, str) and name in by_class:
        return _repair_struct({**value, "class": name}, by_class[name])
    if "PrimitivePropertyValue" in by_class:
        return {"class": "PrimitivePropertyValue", "primitiveDefCategory": "OM_PRIMITIVE_TYPE_UNKNOWN", "primitiveValue": value}
    return value


def _class_from_category(value: dict[str, Json], by_class: dict[Any, inspect.StructType]) -> Json:
    """The `class` that a bean without one must have: from its category, else the plain kind of the slot."""
    by_property = _PROPERTY_CLASSES.get(str(value.get("instancePropertyCategory")))
    by_type = _TYPE_CLASSES.get(str(value.get("category")))
    plain = "VirtualConnection" if value.get("embeddedConnections") else "Connection"
    return next((name for name in (by_property, by_type, plain) if name in by_class), None)


def _repair_struct(value: Json, expected: inspect.StructType) -> Json:
    if not isinstance(value, dict):
        return value
    fields = {field.encode_name: field.type for field in expected.fields}
    result: dict[str, Json] = {}
    if expected.tag_field is not None:
        result[expected.tag_field] = value.get(expected.tag_field) or expected.tag
    for name, item in value.items():
        if name in fields and item is not None:
            repaired_item = _repair(item, fields[name])
            if repaired_item is not None:
                result[name] = repaired_item
    return result


def _name(value: Json, cls: Any) -> Json:
    names = [member.value for member in cls]
    return value if value in names else next(name for name in names if "UNKNOWN" in name)


def _whole(value: Json) -> Json:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def _date(value: Json) -> Json:
    """Epoch milliseconds of a date in any of the forms that Jackson reads."""
    if not isinstance(value, str):
        return _whole(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return _whole(value)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)
