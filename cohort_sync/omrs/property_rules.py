"""Are the properties of an instance valid for its type? (spec metadata-collection-semantics 2.3, cohort-events 6.7; validatePropertiesForType)."""

import re
from enum import StrEnum

import msgspec

from cohort_sync.omrs.enums import PrimitiveDefCategory
from cohort_sync.omrs.properties import EnumPropertyValue, InstanceProperties, InstancePropertyValue, PrimitivePropertyValue
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import CollectionDef, EnumDef, PrimitiveDef, TypeDefAttribute


class PropertyProblemCode(StrEnum):
    """What is wrong, in the words of OMRSErrorCode where it has one."""

    NO_PROPERTIES_FOR_TYPE = "NO_PROPERTIES_FOR_TYPE"
    NO_NEW_PROPERTIES = "NO_NEW_PROPERTIES"
    BAD_PROPERTY_FOR_TYPE = "BAD_PROPERTY_FOR_TYPE"
    BAD_PROPERTY_TYPE = "BAD_PROPERTY_TYPE"
    BAD_PROPERTY_VALUE = "BAD_PROPERTY_VALUE"
    """A primitive whose JSON is none of its category: Java's parser refuses such an event before it gets here."""


class PropertyProblem(msgspec.Struct, frozen=True):
    """One reason why an instance cannot be saved: what is wrong with which property."""

    code: PropertyProblemCode
    property: str
    message: str


def property_problems(registry: TypeRegistry, type_name: str, properties: InstanceProperties | None) -> list[PropertyProblem]:
    """What keeps an instance of this type from having these properties; empty when nothing does. Raises UnknownType.

    Only what Java checks: names, kinds and primitive categories. No properties at all are wrong only for a type with a unique attribute; where there is one
    property, missing unique or mandatory ones are not noticed. Elements of collections, enum names and effectivity dates are not looked at.
    """
    attributes = registry.attributes(type_name)
    values = properties.instance_properties if properties else None
    if not values:
        unique = registry.unique_attributes(type_name)
        if not unique:
            return []
        wanted = ", ".join(unique)
        return [PropertyProblem(PropertyProblemCode.NO_NEW_PROPERTIES, unique[0], f"{type_name} needs properties: at least {wanted}")]
    if not attributes:
        names = ", ".join(values)
        return [PropertyProblem(PropertyProblemCode.NO_PROPERTIES_FOR_TYPE, names, f"{type_name} has no attributes, got {names}")]
    found = []
    for name, value in values.items():
        attribute = attributes.get(name)
        if attribute is None:
            message = f"{type_name} has no attribute {name}"
            found.append(PropertyProblem(PropertyProblemCode.BAD_PROPERTY_FOR_TYPE, name, message))
        elif (problem := _problem(attribute, value)) is not None:
            code, message = problem
            found.append(PropertyProblem(code, name, f"{type_name}.{name} {message}"))
    return found


def _problem(attribute: TypeDefAttribute, value: InstancePropertyValue) -> tuple[PropertyProblemCode, str] | None:
    expected = attribute.attribute_type
    if expected is None or value.instance_property_category is None:
        return PropertyProblemCode.BAD_PROPERTY_TYPE, "has no type" if expected is None else "has a value without instancePropertyCategory"
    if isinstance(value, PrimitivePropertyValue):
        fits = isinstance(expected, PrimitiveDef) and expected.primitive_def_category is value.primitive_def_category
        if fits and not _FORMS[value.primitive_def_category].match(value.primitive_value):
            shown = bytes(value.primitive_value)[:100].decode("utf-8", "replace")
            return PropertyProblemCode.BAD_PROPERTY_VALUE, f"is {expected.name}, got {shown}"
    elif isinstance(value, EnumPropertyValue):
        fits = isinstance(expected, EnumDef)
    else:
        fits = isinstance(expected, CollectionDef)
    if fits:
        return None
    got = value.primitive_def_category if isinstance(value, PrimitivePropertyValue) else type(value).__name__
    return PropertyProblemCode.BAD_PROPERTY_TYPE, f"is {expected.name}, got {got}"


_ANYTHING = re.compile(rb"")
_INTEGER = re.compile(rb"(-?[0-9]+|null)?\Z")
_NUMBER = re.compile(rb"(-?[0-9][0-9.eE+-]*|null)?\Z")
_STRING = re.compile(rb"\"|(null)?\Z")
_BOOLEAN = re.compile(rb"(true|false|null)?\Z")
_FORMS: dict[PrimitiveDefCategory | None, re.Pattern[bytes]] = {
    None: _ANYTHING,
    PrimitiveDefCategory.UNKNOWN: _ANYTHING,
    PrimitiveDefCategory.BOOLEAN: _BOOLEAN,
    PrimitiveDefCategory.BYTE: _INTEGER,
    PrimitiveDefCategory.CHAR: _STRING,
    PrimitiveDefCategory.SHORT: _INTEGER,
    PrimitiveDefCategory.INT: _INTEGER,
    PrimitiveDefCategory.LONG: _INTEGER,
    PrimitiveDefCategory.FLOAT: _NUMBER,
    PrimitiveDefCategory.DOUBLE: _NUMBER,
    PrimitiveDefCategory.BIGINTEGER: _INTEGER,
    PrimitiveDefCategory.BIGDECIMAL: _NUMBER,
    PrimitiveDefCategory.STRING: _STRING,
    PrimitiveDefCategory.DATE: _INTEGER,
}
"""The JSON of each category, more tolerant than Java (which wants a fraction in a double); a null is a value that is not set."""
