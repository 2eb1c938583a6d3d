"""The judge of finds: does an instance satisfy a predicate? Pure, and the same for every store: an index only narrows what is put before it.

A predicate is compiled once into functions. Building one raises UnsupportedExpression; using it raises nothing.
"""

from collections.abc import Callable
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import TypeAlias

from cohort_sync.omrs.conditions import canonical, text_of
from cohort_sync.omrs.enums import InstanceProvenanceType, PrimitiveDefCategory
from cohort_sync.omrs.instances import Classification, EntityDetail, Relationship
from cohort_sync.omrs.predicates import (
    AllOf,
    AnyOf,
    AnyText,
    ArrayHas,
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
from cohort_sync.store.find_regex import text_matcher

Subject: TypeAlias = EntityDetail | Relationship | Classification
Matcher: TypeAlias = Callable[[Subject], bool]
_ValueMatcher: TypeAlias = Callable[[InstancePropertyValue], bool]

_RELATIONS: dict[str, Callable[[Decimal, Decimal], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_PROVENANCE = {
    InstanceProvenanceType.UNKNOWN: "Unknown",
    InstanceProvenanceType.LOCAL_COHORT: "Local to cohort",
    InstanceProvenanceType.EXPORT_ARCHIVE: "Export Archive",
    InstanceProvenanceType.CONTENT_PACK: "Content Pack",
    InstanceProvenanceType.DEREGISTERED_REPOSITORY: "Deregistered Repository",
    InstanceProvenanceType.CONFIGURATION: "Configuration",
    InstanceProvenanceType.EXTERNAL_SOURCE: "External Source",
}
"""The names that Java's search compares, beside the constants."""


def matcher(predicate: Predicate) -> Matcher:
    """The function that judges instances by this predicate. Raises UnsupportedExpression."""
    match predicate:
        case AllOf(parts):
            every = [matcher(part) for part in parts]
            return lambda subject: all(judge(subject) for judge in every)
        case AnyOf(parts):
            some = [matcher(part) for part in parts]
            return lambda subject: any(judge(subject) for judge in some)
        case Not(part):
            inner = matcher(part)
            return lambda subject: not inner(subject)
        case HasProperty(name, test):
            return _property_matcher(name, test)
        case HasHeader(name, test):
            return _header_matcher(name, test)
        case Classified(names, test):
            judge = matcher(test)
            return lambda subject: any(judge(one) for one in classifications_of(subject) if one.name in names)
        case AnyText(pattern):
            matches = text_matcher(pattern)
            return lambda subject: any(matches(text) for text in texts_of(subject.properties))
        case EndIn(end, guids):
            return lambda subject: isinstance(subject, Relationship) and _end(subject, end) in guids


def texts_of(properties: InstanceProperties | None) -> list[str]:
    """Every string and every enum's symbolic name among the properties, also inside of collections, in the order in which they stand."""
    found: list[str] = []
    for value in _values(properties).values():
        match value:
            case PrimitivePropertyValue():
                if value.primitive_def_category is PrimitiveDefCategory.STRING and isinstance(text := plain_value(value), str):
                    found.append(text)
            case EnumPropertyValue():
                if value.symbolic_name is not None:
                    found.append(value.symbolic_name)
            case ArrayPropertyValue():
                found += texts_of(value.array_values)
            case MapPropertyValue():
                found += texts_of(value.map_values)
            case StructPropertyValue():
                found += texts_of(value.attributes)
    return found


def classifications_of(subject: Subject) -> list[Classification]:
    """The classifications of an entity; none for anything else."""
    return (subject.classifications or []) if isinstance(subject, EntityDetail) else []


def _values(properties: InstanceProperties | None) -> dict[str, InstancePropertyValue]:
    return (properties.instance_properties if properties is not None else None) or {}


def _end(relationship: Relationship, end: int) -> str | None:
    proxy = relationship.entity_one_proxy if end == 1 else relationship.entity_two_proxy
    return proxy.guid if proxy is not None else None


# ------------------------------------------------------------ properties


def _property_matcher(name: str | None, test: ValueTest) -> Matcher:
    passes = _value_matcher(test)
    if name is None:
        return lambda subject: any(passes(value) for value in _values(subject.properties).values())

    def judge(subject: Subject) -> bool:
        value = _values(subject.properties).get(name)
        return value is not None and not _is_null(value) and passes(value)

    return judge


def _is_null(value: InstancePropertyValue) -> bool:
    return isinstance(value, PrimitivePropertyValue) and plain_value(value) is None


def _value_matcher(test: ValueTest) -> _ValueMatcher:
    match test:
        case Present():
            return lambda _value: True
        case Inverse(inner):
            passes = _value_matcher(inner)
            return lambda value: not passes(value)
        case Equals(category, wanted):
            return lambda value: canonical(value) == (category, wanted)
        case NumberIs(relation, number):
            compare = _RELATIONS[relation]
            return lambda value: (found := number_of(value)) is not None and compare(found, number)
        case TextIs(pattern, strings_only):
            return _text_test(text_matcher(pattern), strings_only=strings_only)
        case MapHas(entries, every):
            tests = [(name, _value_matcher(inner)) for name, inner in entries]
            return lambda value: _map_has(value, tests, every=every)
        case ArrayHas(elements, every):
            element_tests = [_value_matcher(inner) for inner in elements]
            return lambda value: _array_has(value, element_tests, every=every)


def _text_test(matches: Callable[[str], bool], *, strings_only: bool) -> _ValueMatcher:
    def judge(value: InstancePropertyValue) -> bool:
        if strings_only and not (isinstance(value, PrimitivePropertyValue) and value.primitive_def_category is PrimitiveDefCategory.STRING):
            return False
        text = text_of(value)
        return text is not None and matches(text)

    return judge


def _map_has(value: InstancePropertyValue, tests: list[tuple[str, _ValueMatcher]], *, every: bool) -> bool:
    if isinstance(value, MapPropertyValue):
        entries = _values(value.map_values)
    elif isinstance(value, StructPropertyValue):
        entries = _values(value.attributes)
    else:
        return False
    passed = [(found := entries.get(name)) is not None and passes(found) for name, passes in tests]
    return all(passed) if every else any(passed)


def _array_has(value: InstancePropertyValue, tests: list[_ValueMatcher], *, every: bool) -> bool:
    if not isinstance(value, ArrayPropertyValue):
        return False
    if not tests:
        return True
    elements = list(_values(value.array_values).values())
    passed = [any(passes(element) for element in elements) for passes in tests]
    if every:
        return all(passed) and len(elements) == len(tests)
    return any(passed)


def number_of(value: InstancePropertyValue) -> Decimal | None:
    """The exact number of a numeric primitive or a date; None for everything else."""
    if not isinstance(value, PrimitivePropertyValue):
        return None
    plain = plain_value(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float | Decimal):
        return None
    return plain if isinstance(plain, Decimal) else Decimal(str(plain)) if isinstance(plain, float) else Decimal(plain)


# ------------------------------------------------------------ headers


def _header_matcher(name: str, test: ValueTest) -> Matcher:
    passes = _header_test(test)

    def judge(subject: Subject) -> bool:
        return any(passes(value) for value in header_values(subject, name))

    return judge


def header_values(subject: Subject, name: str) -> list[str | int]:
    """What stands in a header field; the provenance has two names. Empty when the field is absent."""
    guid = None if isinstance(subject, Classification) else subject.guid
    kind, properties = subject.type, subject.properties
    provenance = subject.instance_provenance_type
    values: dict[str, tuple[str | int | None, ...]] = {
        "guid": (guid,),
        "metadataCollectionId": (subject.metadata_collection_id,),
        "metadataCollectionName": (subject.metadata_collection_name,),
        "lastRequestId": (subject.last_request_id,),
        "instanceProvenanceType": () if provenance is None else (_PROVENANCE[provenance], provenance.value),
        "status": (subject.status,),
        "typeName": (kind.type_def_name if kind else None,),
        "typeGUID": (kind.type_def_guid if kind else None,),
        "createdBy": (subject.created_by,),
        "createTime": (subject.create_time,),
        "updatedBy": (subject.updated_by,),
        "updateTime": (subject.update_time,),
        "effectiveFromTime": (properties.effective_from_time if properties else None,),
        "effectiveToTime": (properties.effective_to_time if properties else None,),
        "version": (subject.version,),
    }
    return [value for value in values.get(name, ()) if value is not None]


def _header_test(test: ValueTest) -> Callable[[str | int], bool]:
    match test:
        case Present():
            return lambda _value: True
        case Inverse(inner):
            passes = _header_test(inner)
            return lambda value: not passes(value)
        case Equals(_, wanted):
            return lambda value: value == wanted
        case NumberIs(relation, number):
            compare = _RELATIONS[relation]
            return lambda value: isinstance(value, int) and compare(Decimal(value), number)
        case TextIs(pattern, _):
            matches = text_matcher(pattern)
            return lambda value: matches(str(value))
        case MapHas() | ArrayHas():
            return lambda _value: False
