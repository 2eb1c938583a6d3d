"""Property values in the one form that equal values share.

Equal are: numbers that are the same number however they are written (1.0, 1.00, 1e0; a double is compared as the double that it is), texts however they are
escaped, maps in any order, and an empty array, map or null with nothing at all. The category of a primitive counts; names, GUIDs and descriptions of value
types do not. An empty text is a text.
"""

from math import inf, isfinite
from typing import TypeAlias

import msgspec
from msgspec import Raw

from cohort_sync.omrs.enums import PrimitiveDefCategory
from cohort_sync.omrs.properties import (
    ArrayPropertyValue,
    EnumPropertyValue,
    InstanceProperties,
    InstancePropertyValue,
    MapPropertyValue,
    PrimitivePropertyValue,
    StructPropertyValue,
)

Canonical: TypeAlias = "Raw | str | int | list[Canonical] | dict[str, Canonical] | None"
"""JSON, to be encoded with sorted keys. None is a value that counts as absent."""

_FLOATING = (PrimitiveDefCategory.FLOAT, PrimitiveDefCategory.DOUBLE)

_decode_text = msgspec.json.Decoder(str).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode


def canonical_properties(properties: InstanceProperties | None) -> Canonical:
    """The properties with their effective dates; None when there is nothing in them."""
    if properties is None:
        return None
    result: dict[str, Canonical] = {}
    if values := _values(properties):
        result["values"] = values
    if properties.effective_from_time is not None:
        result["from"] = properties.effective_from_time
    if properties.effective_to_time is not None:
        result["to"] = properties.effective_to_time
    return result or None


def canonical_value(value: InstancePropertyValue) -> Canonical:
    """One value; None when it is null or an empty collection."""
    match value:
        case PrimitivePropertyValue():
            category = value.primitive_def_category or PrimitiveDefCategory.UNKNOWN
            content = _canonical_json(bytes(value.primitive_value), floating=category in _FLOATING)
            return None if content is None else [category.value, content]
        case EnumPropertyValue():
            return ["ENUM", value.ordinal, value.symbolic_name]
        case ArrayPropertyValue():
            elements = value.array_values.instance_properties if value.array_values else None
            return ["ARRAY", [canonical_value(element) for _, element in sorted(elements.items(), key=_index)]] if elements else None
        case MapPropertyValue():
            entries = _values(value.map_values)
            return ["MAP", entries] if entries else None
        case StructPropertyValue():
            attributes = _values(value.attributes)
            return ["STRUCT", attributes] if attributes else None


def canonical_number(text: str) -> str:
    """A JSON number as its significant digits and exponent, exact whatever its size. ValueError when its exponent is beyond all measure."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    power = int(exponent or 0) - len(fraction) + len(digits) - len(significant)
    return f"{'-' if mantissa.startswith('-') else ''}{significant}{f'e{power}' if power else ''}"


def _values(properties: InstanceProperties | None) -> dict[str, Canonical]:
    """The values that are not absent."""
    found = properties.instance_properties if properties else None
    return {name: canonical for name, value in found.items() if (canonical := canonical_value(value)) is not None} if found else {}


def _index(entry: tuple[str, InstancePropertyValue]) -> tuple[int, int, str]:
    """Elements of an array by their number; what is not a number comes last."""
    key = entry[0]
    return (0, int(key), "") if key.isascii() and key.isdigit() and len(key) < 10 else (1, 0, key)


def _canonical_json(text: bytes, *, floating: bool) -> Canonical:
    """Any JSON. What cannot be read (half of a surrogate pair, a nesting or an exponent beyond all measure) stands for itself, byte by byte."""
    start = text[:1]
    if start == b'"' and b"\\" not in text:
        return Raw(text)
    try:
        match start:
            case b"" | b"n":
                return None
            case b"t" | b"f":
                return Raw(text)
            case b'"':
                return _decode_text(text)
            case b"[":
                return [_canonical_json(bytes(element), floating=floating) for element in _decode_list(text)]
            case b"{":
                return {key: _canonical_json(bytes(element), floating=floating) for key, element in _decode_object(text).items()}
            case _:
                number = text.decode()
                double = float(number) if floating else inf
                return Raw(canonical_number(repr(double) if isfinite(double) else number).encode())
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Raw(text)
