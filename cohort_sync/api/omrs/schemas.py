"""JSON schemas of the wire beans, for the OpenAPI document. Pure.

msgspec can write schemas too, but not of beans that keep a field's bytes as they came (`Raw`), and it does not know that a time may be text.
"""

from collections.abc import Iterator
from typing import Final

import msgspec.inspect as info

Schema = dict[str, object]

_PREFIX: Final = "#/components/schemas/"
_ANYTHING: Final[Schema] = {}
_TIME: Final[Schema] = {
    "description": "Milliseconds since 1970-01-01T00:00Z; a date as text is taken too.",
    "anyOf": [{"type": "integer", "format": "int64"}, {"type": "string", "format": "date-time"}],
}
_PLAIN: Final[dict[type[info.Type], Schema]] = {
    info.BoolType: {"type": "boolean"},
    info.IntType: {"type": "integer", "format": "int64", "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
    info.StrType: {"type": "string"},
    info.NoneType: {"type": "null"},
}


def reference(bean: type) -> Schema:
    """Where the schema of a bean is found."""
    return {"$ref": _PREFIX + bean.__name__}


def schemas_of(beans: set[type]) -> dict[str, Schema]:
    """The schemas of these beans and of all that they consist of, by name."""
    waiting = list(info.multi_type_info(beans))
    found: dict[str, Schema] = {}
    while waiting:
        shape = waiting.pop()
        if isinstance(shape, info.StructType):
            if shape.cls.__name__ not in found:
                found[shape.cls.__name__] = _bean(shape)
                waiting.extend(field.type for field in shape.fields)
        elif isinstance(shape, info.EnumType):
            found[shape.cls.__name__] = {"type": "string", "enum": [member.value for member in shape.cls]}
        else:
            waiting.extend(_parts(shape))
    return dict(sorted(found.items()))


def _bean(shape: info.StructType) -> Schema:
    properties: dict[str, object] = {}
    if shape.tag_field is not None:
        properties[shape.tag_field] = {"const": shape.tag}
    properties |= {field.encode_name: _schema(field.type) for field in shape.fields}
    schema: Schema = {"type": "object", "properties": properties}
    doc = (shape.cls.__doc__ or "").strip()
    if doc and not doc.startswith(shape.cls.__name__ + "("):
        schema["description"] = " ".join(doc.split())
    return schema


def _schema(shape: info.Type) -> Schema:
    if isinstance(shape, info.Metadata):
        return dict(_TIME)
    if isinstance(shape, info.StructType | info.EnumType):
        return reference(shape.cls)
    if isinstance(shape, info.ListType):
        return {"type": "array", "items": _schema(shape.item_type)}
    if isinstance(shape, info.DictType):
        return {"type": "object", "additionalProperties": _schema(shape.value_type)}
    if isinstance(shape, info.UnionType):
        return _union(shape)
    return dict(_PLAIN.get(type(shape), _ANYTHING))


def _union(shape: info.UnionType) -> Schema:
    """Null is the same as absent, so a nullable field has a null beside its schema; beans of one family are told by their `class`."""
    choices = [_schema(each) for each in shape.types]
    if len(choices) == 1:
        return choices[0]
    schema: Schema = {"anyOf": choices}
    beans = [each for each in shape.types if isinstance(each, info.StructType) and each.tag_field is not None]
    if len(beans) > 1:
        mapping = {str(bean.tag): _PREFIX + bean.cls.__name__ for bean in beans}
        schema["discriminator"] = {"propertyName": beans[0].tag_field, "mapping": mapping}
        schema["required"] = [beans[0].tag_field]
    return schema


def _parts(shape: info.Type) -> Iterator[info.Type]:
    if isinstance(shape, info.ListType):
        yield shape.item_type
    elif isinstance(shape, info.DictType):
        yield shape.value_type
    elif isinstance(shape, info.UnionType):
        yield from shape.types
