"""InstanceProperties and the property values (spec cohort-events 6.5 and 6.6).

A primitive value is kept as the JSON bytes it came in (`Raw`): BIGINTEGER and BIGDECIMAL stay exact, a double keeps its fraction, and an event that is
sent on is byte for byte what was received. `primitive_values` reads and makes them by category.
"""

from typing import Annotated

from msgspec import Meta, Raw, field

from cohort_sync.omrs.bean import ABSENT, Bean, Long, always
from cohort_sync.omrs.enums import InstancePropertyCategory, PrimitiveDefCategory

EPOCH_MILLIS = {"epoch": "milliseconds"}
EpochMillis = Annotated[Long, Meta(extra=EPOCH_MILLIS)]
"""Milliseconds since 1970-01-01T00:00Z; the mark tells the lenient decoder that a date in text form may be repaired."""


class PropertyValueHeader(Bean, frozen=True, kw_only=True):
    """What every property value carries (InstancePropertyValue)."""

    header_version: int = field(default_factory=always(1))
    instance_property_category: InstancePropertyCategory | None = None
    type_guid: str | None = None
    type_name: str | None = None


class PrimitivePropertyValue(PropertyValueHeader, frozen=True, kw_only=True, tag_field="class", tag="PrimitivePropertyValue"):
    """One primitive; `primitive_value` is its JSON text, ABSENT for null."""

    primitive_def_category: PrimitiveDefCategory | None = None
    primitive_value: Raw = ABSENT


class EnumPropertyValue(PropertyValueHeader, frozen=True, kw_only=True, tag_field="class", tag="EnumPropertyValue"):
    """One value of an EnumDef."""

    ordinal: int = field(default_factory=always(99))
    symbolic_name: str | None = None
    description: str | None = None


class ArrayPropertyValue(PropertyValueHeader, frozen=True, kw_only=True, tag_field="class", tag="ArrayPropertyValue"):
    """An ordered list: the values are keyed "0", "1", ...; a missing count makes the array empty for Java."""

    array_count: int = field(default_factory=always(0))
    array_values: "InstanceProperties | None" = None


class MapPropertyValue(PropertyValueHeader, frozen=True, kw_only=True, tag_field="class", tag="MapPropertyValue"):
    """A map with string keys. The element count is written by Java and ignored when it reads."""

    map_values: "InstanceProperties | None" = None
    map_element_count: int = field(default_factory=always(0))


class StructPropertyValue(PropertyValueHeader, frozen=True, kw_only=True, tag_field="class", tag="StructPropertyValue"):
    """A named group of values. No open metadata type has one; a custom type may."""

    attributes: "InstanceProperties | None" = None


InstancePropertyValue = PrimitivePropertyValue | EnumPropertyValue | ArrayPropertyValue | MapPropertyValue | StructPropertyValue


class InstanceProperties(Bean, frozen=True, kw_only=True, tag_field="class", tag="InstanceProperties"):
    """A set of named values with the time in which it is effective."""

    header_version: int = field(default_factory=always(1))
    effective_from_time: EpochMillis | None = None
    effective_to_time: EpochMillis | None = None
    instance_properties: dict[str, InstancePropertyValue] | None = None

    def get(self, name: str) -> InstancePropertyValue | None:
        """The value of a property, None when it is not set."""
        return self.instance_properties.get(name) if self.instance_properties else None
