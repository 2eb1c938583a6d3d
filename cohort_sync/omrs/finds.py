"""What a find asks for, as it travels (spec metadata-collection-semantics 5, repository-rest-api 7): conditions, match criteria, sequencing.

These beans carry no `class` on the wire. Every field may be missing; what a method needs is checked by the metadata collection, with OMRS's own errors.
"""

from enum import StrEnum

from cohort_sync.omrs.bean import Bean
from cohort_sync.omrs.properties import InstancePropertyValue


class MatchCriteria(StrEnum):
    """How many of several properties or conditions have to hold: all, at least one, or none."""

    ALL = "ALL"
    ANY = "ANY"
    NONE = "NONE"


class EndMatchCriteria(StrEnum):
    """How the two lists of end GUIDs of findRelationships go together."""

    BOTH = "BOTH"
    ANY = "ANY"
    NONE = "NONE"


class SequencingOrder(StrEnum):
    """In which order a page of results is cut out. ANY: the order in which the instances became known here."""

    ANY = "ANY"
    GUID = "GUID"
    CREATION_DATE_RECENT = "CREATION_DATE_RECENT"
    CREATION_DATE_OLDEST = "CREATION_DATE_OLDEST"
    LAST_UPDATE_RECENT = "LAST_UPDATE_RECENT"
    LAST_UPDATE_OLDEST = "LAST_UPDATE_OLDEST"
    PROPERTY_ASCENDING = "PROPERTY_ASCENDING"
    PROPERTY_DESCENDING = "PROPERTY_DESCENDING"


class HistorySequencingOrder(StrEnum):
    """Versions of an instance: newest first (BACKWARDS, the default) or oldest first."""

    FORWARDS = "FORWARDS"
    BACKWARDS = "BACKWARDS"


class PropertyComparisonOperator(StrEnum):
    """PropertyComparisonOperator of all releases: IN is of those up to 5.x, the negated, prefixed and case-insensitive forms are of 6.x."""

    EQ = "EQ"
    NEQ = "NEQ"
    LT = "LT"
    LTE = "LTE"
    GT = "GT"
    GTE = "GTE"
    IN = "IN"
    IS_NULL = "IS_NULL"
    NOT_NULL = "NOT_NULL"
    LIKE = "LIKE"
    NOT_LIKE = "NOT_LIKE"
    CASE_INSENSITIVE_LIKE = "CASE_INSENSITIVE_LIKE"
    CASE_INSENSITIVE_NOT_LIKE = "CASE_INSENSITIVE_NOT_LIKE"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    CASE_INSENSITIVE_STARTS_WITH = "CASE_INSENSITIVE_STARTS_WITH"
    CASE_INSENSITIVE_ENDS_WITH = "CASE_INSENSITIVE_ENDS_WITH"
    CASE_INSENSITIVE_EQ = "CASE_INSENSITIVE_EQ"


class PropertyCondition(Bean, frozen=True, kw_only=True):
    """One property compared with a value, or a group of nested conditions; never both."""

    property: str | None = None
    operator: PropertyComparisonOperator | None = None
    value: InstancePropertyValue | None = None
    nested_conditions: "SearchProperties | None" = None


class SearchProperties(Bean, frozen=True, kw_only=True):
    """Conditions on the properties of an instance."""

    conditions: list[PropertyCondition] | None = None
    match_criteria: MatchCriteria | None = None


class ClassificationCondition(Bean, frozen=True, kw_only=True):
    """A classification that an entity has, with conditions on the properties of the classification."""

    name: str | None = None
    match_properties: SearchProperties | None = None


class SearchClassifications(Bean, frozen=True, kw_only=True):
    """Conditions on the classifications of an entity."""

    conditions: list[ClassificationCondition] | None = None
    match_criteria: MatchCriteria | None = None


class Paging(Bean, frozen=True, kw_only=True):
    """Which page of the results, in which order. A page size of 0 is no limit."""

    offset: int = 0
    page_size: int = 0
    sequencing_property: str | None = None
    sequencing_order: SequencingOrder | None = None
