"""From the conditions of a find to a predicate, in the dialect of the caller's release (spec metadata-collection-semantics 5.2 to 5.5).

Up to 5.x a string to match is a regular expression, from 6.x it is compared as it stands; otherwise the two agree. What is decided here where Java's stores
differ (docs/adr/0010-metadata-collection.md): values are compared by category and value, NONE means that nothing matches, a negated operator holds for an
absent property.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum

from cohort_sync.omrs.enums import PrimitiveDefCategory
from cohort_sync.omrs.finds import EndMatchCriteria, MatchCriteria, PropertyCondition, SearchClassifications, SearchProperties
from cohort_sync.omrs.finds import PropertyComparisonOperator as Operator
from cohort_sync.omrs.predicates import (
    ALWAYS,
    NEVER,
    AllOf,
    AnyOf,
    AnyText,
    ArrayHas,
    Canonical,
    Classified,
    EndIn,
    Equals,
    HasHeader,
    HasProperty,
    Inverse,
    MapHas,
    Not,
    NumberIs,
    Predicate,
    Present,
    TextIs,
    ValueTest,
)
from cohort_sync.omrs.primitive_values import plain_value
from cohort_sync.omrs.properties import (
    ArrayPropertyValue,
    EnumPropertyValue,
    InstanceProperties,
    InstancePropertyValue,
    MapPropertyValue,
    PrimitivePropertyValue,
    StructPropertyValue,
)
from cohort_sync.omrs.search_text import Anchor, Literal, TextPattern, UnsupportedExpression, java_pattern, looks_like_expression


class SearchDialect(Enum):
    """How strings to match are meant."""

    EXPRESSION = "up to 5.x"
    LITERAL = "from 6.x"


Subtypes = Callable[[str], Iterable[str]]
"""The names of the classification types below one; none when it is not known."""

_MATCH_HEADERS = {
    "metadataCollectionId": "metadataCollectionId",
    "metadataCollectionName": "metadataCollectionName",
    "typeName": "typeName",
    "typeGUID": "typeGUID",
    "createdBy": "createdBy",
    "updatedBy": "updatedBy",
    "createTime": "createTime",
    "updateTime": "updateTime",
    "effectiveFrom": "effectiveFromTime",
    "effectiveTo": "effectiveToTime",
}
"""Header fields among match properties, by the names that callers use."""

_CONDITION_HEADERS = frozenset(
    {
        "guid",
        "metadataCollectionId",
        "metadataCollectionName",
        "lastRequestId",
        "instanceProvenanceType",
        "createdBy",
        "createTime",
        "updatedBy",
        "updateTime",
        "effectiveFromTime",
        "effectiveToTime",
        "version",
    }
)
"""Header fields among search conditions (6.x); a name wins over a property of the type that is called the same."""

_RELATIONS = {Operator.LT: "<", Operator.LTE: "<=", Operator.GT: ">", Operator.GTE: ">="}
_ANCHORS = {
    Operator.LIKE: (Anchor.CONTAINS, False),
    Operator.NOT_LIKE: (Anchor.CONTAINS, False),
    Operator.CASE_INSENSITIVE_LIKE: (Anchor.CONTAINS, True),
    Operator.CASE_INSENSITIVE_NOT_LIKE: (Anchor.CONTAINS, True),
    Operator.STARTS_WITH: (Anchor.PREFIX, False),
    Operator.CASE_INSENSITIVE_STARTS_WITH: (Anchor.PREFIX, True),
    Operator.ENDS_WITH: (Anchor.SUFFIX, False),
    Operator.CASE_INSENSITIVE_ENDS_WITH: (Anchor.SUFFIX, True),
    Operator.CASE_INSENSITIVE_EQ: (Anchor.EXACT, True),
}
_NEGATED = frozenset({Operator.NEQ, Operator.NOT_LIKE, Operator.CASE_INSENSITIVE_NOT_LIKE})

# ------------------------------------------------------------ match properties


def match_predicate(properties: InstanceProperties | None, criteria: MatchCriteria | None, dialect: SearchDialect) -> Predicate:
    """findBy...Property and findEntitiesByClassification. Raises UnsupportedExpression."""
    values = properties.instance_properties if properties is not None else None
    if not values:
        return ALWAYS
    parts = [_match(name, value, criteria, dialect) for name, value in values.items()]
    return _combined(parts, criteria)


def _match(name: str, value: InstancePropertyValue, criteria: MatchCriteria | None, dialect: SearchDialect) -> Predicate:
    test = _match_test(value, criteria, dialect)
    own = Not(HasProperty(name, Present())) if test is None else HasProperty(name, test)
    header = _MATCH_HEADERS.get(name)
    wanted = plain_value(value) if isinstance(value, PrimitivePropertyValue) else None
    if header is None or wanted is None:
        return own
    if not isinstance(wanted, str):
        return AnyOf((own, HasHeader(header, equality(value))))
    try:
        return AnyOf((own, HasHeader(header, TextIs(java_pattern(wanted)))))
    except UnsupportedExpression:
        return own


def _match_test(value: InstancePropertyValue, criteria: MatchCriteria | None, dialect: SearchDialect) -> ValueTest | None:
    """The test that a matching value passes; None when a null is to be matched."""
    every = criteria is not MatchCriteria.ANY
    match value:
        case MapPropertyValue():
            return _nested(value.map_values, criteria, dialect, every=every)
        case StructPropertyValue():
            return _nested(value.attributes, criteria, dialect, every=every)
        case ArrayPropertyValue():
            elements = value.array_values.instance_properties if value.array_values is not None else None
            tests = [_match_test(one, criteria, dialect) or _NOTHING for one in (elements or {}).values()]
            return ArrayHas(tuple(tests), every)
        case _:
            wanted = plain_value(value)
            if wanted is None:
                return None
            if isinstance(wanted, str) and _is_string(value):
                pattern = java_pattern(wanted) if dialect is SearchDialect.EXPRESSION else _quoted_form(wanted)
                return equality(value) if pattern is None else TextIs(pattern, strings_only=True)
            return equality(value)


def _nested(properties: InstanceProperties | None, criteria: MatchCriteria | None, dialect: SearchDialect, *, every: bool) -> ValueTest:
    values = properties.instance_properties if properties is not None else None
    if criteria is MatchCriteria.NONE:
        return _NOTHING
    return MapHas(tuple((name, _match_test(one, criteria, dialect) or _NOTHING) for name, one in (values or {}).items()), every)


def equality(value: InstancePropertyValue) -> Equals:
    """The test that equal values pass: category and value, type names and GUIDs left aside."""
    return Equals(*canonical(value))


def canonical(value: InstancePropertyValue) -> tuple[str, Canonical]:
    """Category and value in a form in which equal values are equal."""
    match value:
        case PrimitivePropertyValue():
            plain = plain_value(value)
            category = (value.primitive_def_category or PrimitiveDefCategory.UNKNOWN).value
            return category, plain if isinstance(plain, str | int | float | Decimal | bool) else None
        case EnumPropertyValue():
            return "ENUM", value.ordinal if value.symbolic_name is None else value.symbolic_name
        case ArrayPropertyValue():
            return "ARRAY", _entries(value.array_values)
        case MapPropertyValue():
            return "MAP", _entries(value.map_values)
        case StructPropertyValue():
            return "STRUCT", _entries(value.attributes)


def _entries(properties: InstanceProperties | None) -> tuple[tuple[str, str, Canonical], ...]:
    values = properties.instance_properties if properties is not None else None
    return tuple((name, *canonical(values[name])) for name in sorted(values)) if values else ()


def _is_string(value: InstancePropertyValue) -> bool:
    return isinstance(value, PrimitivePropertyValue) and value.primitive_def_category is PrimitiveDefCategory.STRING


def _combined(parts: list[Predicate], criteria: MatchCriteria | None) -> Predicate:
    match criteria:
        case MatchCriteria.ANY:
            return AnyOf(tuple(parts))
        case MatchCriteria.NONE:
            return Not(AnyOf(tuple(parts)))
        case _:
            return AllOf(tuple(parts))


# ------------------------------------------------------------ search conditions


def search_predicate(search: SearchProperties | None, dialect: SearchDialect) -> Predicate:
    """findEntities and findRelationships. Raises UnsupportedExpression."""
    if search is None or search.conditions is None:
        return ALWAYS
    return _combined([_condition(one, dialect) for one in search.conditions], search.match_criteria)


def _condition(condition: PropertyCondition, dialect: SearchDialect) -> Predicate:
    if condition.nested_conditions is not None:
        return search_predicate(condition.nested_conditions, dialect)
    operator, name = condition.operator, condition.property
    if operator is None:
        return ALWAYS
    if operator is Operator.IS_NULL and name is None:
        return NEVER
    if operator is Operator.IN:
        values = condition.value.array_values if isinstance(condition.value, ArrayPropertyValue) else None
        elements = values.instance_properties if values is not None else None
        return AnyOf(tuple(_has(name, equality(element), dialect) for element in (elements or {}).values()))
    if operator is Operator.IS_NULL:
        return Not(_has(name, Present(), dialect))
    if operator is Operator.NOT_NULL:
        return _has(name, Present(), dialect)
    test = _operator_test(operator, condition.value, dialect)
    if operator not in _NEGATED:
        return _has(name, test, dialect)
    return _has(None, Inverse(test), dialect) if name is None else Not(_has(name, test, dialect))


def _has(name: str | None, test: ValueTest, dialect: SearchDialect) -> Predicate:
    if dialect is SearchDialect.LITERAL and name is not None and name in _CONDITION_HEADERS:
        return HasHeader(name, test)
    return HasProperty(name, test)


def _operator_test(operator: Operator, value: InstancePropertyValue | None, dialect: SearchDialect) -> ValueTest:
    """The test of an operator; of a negated one the test that is negated. What cannot be compared passes for nothing."""
    if value is None:
        return _NOTHING
    if operator in (Operator.EQ, Operator.NEQ):
        return equality(value)
    if operator in _RELATIONS:
        number = plain_value(value)
        comparable = isinstance(number, int | float | Decimal) and not isinstance(number, bool)
        return NumberIs(_RELATIONS[operator], Decimal(str(number))) if comparable else _NOTHING
    text = text_of(value)
    if text is None:
        return _NOTHING
    if dialect is SearchDialect.EXPRESSION and operator is Operator.LIKE:
        return TextIs(java_pattern(text))
    anchor, ignore_case = _ANCHORS[operator]
    return TextIs(_quoted_form(text) or Literal(text, anchor, ignore_case))


_NOTHING = Inverse(Present())
"""What no value passes."""


def _quoted_form(text: str) -> Literal | None:
    r"""The literal in one of the forms that the helpers of older releases make (`.*\Q..\E.*` and its like); None when it is none of them."""
    if "\\Q" not in text:
        return None
    try:
        pattern = java_pattern(text)
    except UnsupportedExpression:
        return None
    return pattern if isinstance(pattern, Literal) else None


def text_of(value: InstancePropertyValue) -> str | None:
    """The text of a value as Java writes it: of a primitive its `toString`, of an enum its symbolic name; None for a null and for collections."""
    plain = plain_value(value)
    match plain:
        case None:
            return None
        case bool():
            return "true" if plain else "false"
        case str() | int() | float() | Decimal():
            return str(plain)
        case _:
            return None


# ------------------------------------------------------------ classifications, any value, ends


def classifications_predicate(search: SearchClassifications | None, dialect: SearchDialect, subtypes: Subtypes) -> Predicate:
    """The classification conditions of findEntities. A name that is not known is on no entity. Raises UnsupportedExpression."""
    if search is None or search.conditions is None:
        return ALWAYS
    parts: list[Predicate] = []
    for condition in search.conditions:
        name = condition.name or ""
        parts.append(Classified(frozenset((name, *subtypes(name))), search_predicate(condition.match_properties, dialect)))
    return _combined(parts, search.match_criteria)


def classified_predicate(names: Iterable[str], subtypes: Subtypes) -> Predicate:
    """limitResultsByClassification: at least one of these names, or one below, among all classifications of the entity."""
    wanted = frozenset(one for name in names for one in (name, *subtypes(name)))
    return Classified(wanted, ALWAYS)


def value_predicate(search: str, dialect: SearchDialect, *, starts_with: bool = False, ends_with: bool = False, ignore_case: bool = False) -> Predicate:
    """findBy...PropertyValue: some string or enum value matches. Raises UnsupportedExpression.

    Up to 5.x an expression that matches the whole value. From 6.x a text by the flags; a text with operators matches as an expression too, because callers of
    the in-memory repository of Egeria send expressions.
    """
    if dialect is SearchDialect.EXPRESSION:
        return AnyText(java_pattern(search))
    quoted = _quoted_form(search)
    if quoted is not None:
        return AnyText(quoted._replace(ignore_case=quoted.ignore_case or ignore_case))
    anchor = (Anchor.EXACT if ends_with else Anchor.PREFIX) if starts_with else Anchor.SUFFIX if ends_with else Anchor.CONTAINS
    literal: TextPattern = Literal(search, anchor, ignore_case)
    if not looks_like_expression(search):
        return AnyText(literal)
    try:
        return AnyOf((AnyText(literal), AnyText(java_pattern(search))))
    except UnsupportedExpression:
        return AnyText(literal)


def ends_predicate(end1: Iterable[str] | None, end2: Iterable[str] | None, criteria: EndMatchCriteria | None) -> Predicate:
    """The end filter of findRelationships; ends are ordered, an absent list says nothing, absent criteria are no filter."""
    parts = [EndIn(number, frozenset(guids)) for number, guids in ((1, end1), (2, end2)) if guids is not None]
    match criteria:
        case None:
            return ALWAYS
        case EndMatchCriteria.BOTH:
            return AllOf(tuple(parts))
        case EndMatchCriteria.ANY:
            return AnyOf(tuple(parts))
        case EndMatchCriteria.NONE:
            return Not(AnyOf(tuple(parts)))
