"""Exchange rules: which types events and instances may have to be sent, processed or saved.

Values and meaning are those of OpenMetadataExchangeRule (spec cohort-events 5.4, configuration-and-security 2.4). Two deliberate differences from Egeria:
a type may be selected by name as well as by GUID, and GOVERNANCE_ZONES works for single events too (there, every single event falls through to an empty list
of types): an include list wins, else the exclude list; an entity without zones passes unless there is an include list; a relationship follows its ends.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from cohort_sync.omrs.instances import Classification
from cohort_sync.omrs.properties import ArrayPropertyValue, PrimitivePropertyValue

ZONE_MEMBERSHIP = "ZoneMembership"
ZONES_PROPERTY = "zoneMembership"


class ExchangeRule(StrEnum):
    """OpenMetadataExchangeRule."""

    REGISTRATION_ONLY = "REGISTRATION_ONLY"
    JUST_TYPEDEFS = "JUST_TYPEDEFS"
    SELECTED_TYPES = "SELECTED_TYPES"
    LEARNED_TYPES = "LEARNED_TYPES"
    DESELECTED_TYPES = "DESELECTED_TYPES"
    GOVERNANCE_ZONES = "GOVERNANCE_ZONES"
    ALL = "ALL"


class ExchangeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """One rule with its lists. Registration events are never subject to it."""

    rule: ExchangeRule = ExchangeRule.ALL
    types: frozenset[str] = frozenset()
    """GUIDs or names of types, exactly these: subtypes are not implied."""
    included_zones: frozenset[str] | None = None
    excluded_zones: frozenset[str] = frozenset()
    zones_always: bool = False
    """Apply the zone lists under the other rules too (Egeria ignores them there)."""

    @property
    def types_pass(self) -> bool:
        """Do type events pass?"""
        return self.rule is not ExchangeRule.REGISTRATION_ONLY

    @property
    def everything_passes(self) -> bool:
        """Is there nothing to ask for each event?"""
        return self.rule is ExchangeRule.ALL and not self.zones_always

    @property
    def zones_matter(self) -> bool:
        """Do the zones of an instance have to be known?"""
        return self.zones_always or self.rule is ExchangeRule.GOVERNANCE_ZONES

    def type_passes(self, guid: str | None, name: str | None) -> bool:
        """May instances of this type pass? One without GUID or name never does.

        LEARNED_TYPES passes every type: a type is learned when an instance of it arrives, so that in the end all of them are (spec 5.4).
        """
        if guid is None or name is None:
            return False
        match self.rule:
            case ExchangeRule.ALL | ExchangeRule.LEARNED_TYPES | ExchangeRule.GOVERNANCE_ZONES:
                return True
            case ExchangeRule.SELECTED_TYPES:
                return guid in self.types or name in self.types
            case ExchangeRule.DESELECTED_TYPES:
                return guid not in self.types and name not in self.types
            case ExchangeRule.REGISTRATION_ONLY | ExchangeRule.JUST_TYPEDEFS:
                return False

    def zones_pass(self, zones: frozenset[str] | None) -> bool:
        """May an entity in these zones pass? None: it has no zone membership."""
        if not self.zones_matter:
            return True
        if self.included_zones is not None:
            return zones is not None and not zones.isdisjoint(self.included_zones)
        return zones is None or zones.isdisjoint(self.excluded_zones)


def zones_of(classifications: Iterable[Classification] | None) -> frozenset[str] | None:
    """The zones in the ZoneMembership classification; None when there is none, or none is listed in it."""
    for classification in classifications or ():
        if classification.name == ZONE_MEMBERSHIP and classification.properties is not None:
            value = classification.properties.get(ZONES_PROPERTY)
            if isinstance(value, ArrayPropertyValue) and value.array_values is not None:
                elements = (value.array_values.instance_properties or {}).values()
                return frozenset(_text(element) for element in elements if isinstance(element, PrimitivePropertyValue)) or None
    return None


def _text(element: PrimitivePropertyValue) -> str:
    text = bytes(element.primitive_value)
    return msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode("utf-8", "replace")
