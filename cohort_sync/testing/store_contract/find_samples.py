"""Random instances, predicates and finds: small alphabets, so that things are found."""

from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from cohort_sync.omrs.conditions import equality
from cohort_sync.omrs.enums import InstancePropertyCategory, InstanceProvenanceType, InstanceStatus, PrimitiveDefCategory, TypeDefCategory
from cohort_sync.omrs.finds import SequencingOrder
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, InstanceType, Relationship
from cohort_sync.omrs.predicates import ALWAYS, AllOf, AnyOf, AnyText, Classified, EndIn, HasHeader, HasProperty, Inverse, Not, NumberIs, Present, TextIs
from cohort_sync.omrs.properties import (
    ArrayPropertyValue,
    EnumPropertyValue,
    InstanceProperties,
    InstancePropertyValue,
    MapPropertyValue,
    PrimitivePropertyValue,
)
from cohort_sync.omrs.search_text import Anchor, Literal, java_pattern
from cohort_sync.store.finds import FindQuery
from cohort_sync.store.rows import Kind

LONG = "x" * 130
TEXTS = ["", "a", "retail.orders", "Retail.Orders", "orders of straße", "STRASSE", "retail\norders", 'say "retail"', LONG + "1", LONG + "2", "\x00nul"]
NAMES = ["qualifiedName", "position", "ratio", "kind", "tags", "more"]
GUIDS = [f"g{number}" for number in range(8)]
LINKS = [f"r{number}" for number in range(4)]
CLASSES = ["Confidentiality", "Memento"]
ENTITY_TYPES = ["Asset", "Table", "Column"]

texts, times = st.sampled_from(TEXTS), st.integers(0, 6)
numbers = st.sampled_from([0, 1, 2, -7, 2**60, 2**60 + 1])


def string(text: str) -> PrimitivePropertyValue:
    return primitive(PrimitiveDefCategory.STRING, Raw(msgspec.json.encode(text)))


def primitive(category: PrimitiveDefCategory, value: Raw) -> PrimitivePropertyValue:
    return PrimitivePropertyValue(instance_property_category=InstancePropertyCategory.PRIMITIVE, primitive_def_category=category, primitive_value=value)


def number(category: PrimitiveDefCategory, value: int | float) -> PrimitivePropertyValue:
    return primitive(category, Raw(str(value).encode()))


strings = texts.map(string)
longs = numbers.map(lambda value: number(PrimitiveDefCategory.LONG, value))
bigs = st.sampled_from([2**70, 2**70 + 1, 5]).map(lambda value: number(PrimitiveDefCategory.BIGINTEGER, value))
doubles = st.sampled_from([0.5, 1.0, -2.25, 1e300]).map(lambda value: number(PrimitiveDefCategory.DOUBLE, value))
booleans = st.sampled_from([b"true", b"false"]).map(lambda text: primitive(PrimitiveDefCategory.BOOLEAN, Raw(text)))
enums = st.sampled_from(["Ascending", "Descending"]).map(lambda name: EnumPropertyValue(ordinal=1, symbolic_name=name))
nulls = st.just(primitive(PrimitiveDefCategory.STRING, Raw(b"null")))
arrays = st.lists(strings, max_size=2).map(
    lambda found: ArrayPropertyValue(array_count=len(found), array_values=InstanceProperties(instance_properties={str(i): v for i, v in enumerate(found)}))
)
maps = st.dictionaries(st.sampled_from(["k", "l"]), strings, max_size=2).map(
    lambda found: MapPropertyValue(map_values=InstanceProperties(instance_properties=dict(found)))
)
values = st.one_of(strings, longs, bigs, doubles, booleans, enums, nulls, arrays, maps)


def properties(**named: st.SearchStrategy[InstancePropertyValue]) -> st.SearchStrategy[InstanceProperties | None]:
    free = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
    return st.builds(lambda fixed, rest: InstanceProperties(instance_properties={**rest, **fixed}), st.fixed_dictionaries(named), free)


some_properties = properties(qualifiedName=strings, position=longs, ratio=doubles, kind=enums) | st.none()
classification = st.builds(
    lambda name, found, created: Classification(name=name, metadata_collection_id="mc", create_time=created, version=1, properties=found),
    st.sampled_from(CLASSES),
    some_properties,
    times,
)


def _header(type_name: str, category: TypeDefCategory, **fields: Any) -> dict[str, Any]:
    return {
        "type": InstanceType(type_def_category=category, type_def_guid=f"type of {type_name}", type_def_name=type_name),
        "metadata_collection_id": "mc",
        "instance_provenance_type": InstanceProvenanceType.LOCAL_COHORT,
        "version": 1,
        **fields,
    }


statuses = st.sampled_from([InstanceStatus.ACTIVE, InstanceStatus.ACTIVE, InstanceStatus.DELETED, InstanceStatus.DRAFT])
entities = st.builds(
    lambda guid, type_name, status, created, updated, found, classified: EntityDetail(
        **_header(type_name, TypeDefCategory.ENTITY_DEF, guid=guid, status=status, create_time=created, update_time=updated),
        properties=found,
        classifications=list({one.name: one for one in classified}.values()) or None,
    ),
    st.sampled_from(GUIDS),
    st.sampled_from(ENTITY_TYPES),
    statuses,
    times,
    st.none() | times,
    some_properties,
    st.lists(classification, max_size=2),
)
relationships = st.builds(
    lambda guid, status, created, one, two, found: Relationship(
        **_header("DataFlow", TypeDefCategory.RELATIONSHIP_DEF, guid=guid, status=status, create_time=created),
        properties=found,
        entity_one_proxy=EntityProxy(guid=one),
        entity_two_proxy=EntityProxy(guid=two),
    ),
    st.sampled_from(LINKS),
    statuses,
    times,
    st.sampled_from(GUIDS),
    st.sampled_from(GUIDS),
    some_properties,
)

InstanceT = TypeVar("InstanceT", EntityDetail, Relationship)


def _under(guid: str, made: st.SearchStrategy[InstanceT]) -> st.SearchStrategy[InstanceT]:
    return made.map(lambda one: replace(one, guid=guid))


population = st.tuples(
    st.tuples(*(_under(guid, entities) for guid in GUIDS)),
    st.tuples(*(_under(guid, relationships) for guid in LINKS)),
).map(lambda both: [*both[0], *both[1]])
"""An instance under every GUID."""

# ------------------------------------------------------------ predicates and finds

literals = st.builds(Literal, texts | st.sampled_from(["ret", "tail.o", "STR", "ss", "x" * 121]), st.sampled_from(Anchor), st.booleans())
expressions = st.sampled_from(["retail.*", ".*orders.*", "r[e]tail.orders", "(?i)RETAIL.*s", "x+1", "a|b", ".*"]).map(java_pattern)
patterns = literals | expressions
tests = st.recursive(
    st.one_of(
        values.map(equality),
        st.builds(NumberIs, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from([Decimal(1), Decimal(2**60), Decimal("0.5"), Decimal(2**70)])),
        st.builds(TextIs, patterns, st.booleans()),
        st.just(Present()),
    ),
    lambda inner: st.builds(Inverse, inner),
    max_leaves=2,
)
headers = st.one_of(
    st.builds(HasHeader, st.just("typeName"), st.builds(TextIs, st.sampled_from(ENTITY_TYPES).map(Literal))),
    st.builds(HasHeader, st.just("guid"), st.builds(TextIs, st.sampled_from(GUIDS).map(Literal))),
    st.builds(HasHeader, st.just("createTime"), st.builds(NumberIs, st.sampled_from(["<", ">="]), st.just(Decimal(3)))),
)
plain = st.one_of(
    st.builds(HasProperty, st.sampled_from([*NAMES, None, "noSuch"]), tests),
    st.builds(HasProperty, st.just("qualifiedName"), strings.map(equality) | st.builds(TextIs, patterns, st.booleans())),
    st.builds(HasProperty, st.just("position"), longs.map(equality)),
    headers,
    st.builds(AnyText, patterns),
    st.builds(EndIn, st.sampled_from([1, 2]), st.frozensets(st.sampled_from(GUIDS), max_size=2)),
)
leaves = plain | st.builds(Classified, st.frozensets(st.sampled_from([*CLASSES, "NoSuch"]), max_size=2), plain | st.just(AllOf(())))
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)
queries = st.builds(
    FindQuery,
    kind=st.sampled_from([Kind.ENTITY, Kind.ENTITY, Kind.RELATIONSHIP]),
    type_names=st.sampled_from([None, None, frozenset(ENTITY_TYPES), frozenset(["Asset", "DataFlow"]), frozenset(["Table", "Column"]), frozenset()]),
    statuses=st.sampled_from([None, None, None, frozenset(["ACTIVE"]), frozenset(["DELETED", "DRAFT"])]),
    predicate=st.one_of(st.just(ALWAYS), leaves, leaves.map(Not), predicates),
    as_of=st.sampled_from([None, None, None, 2, 4, 6]),
    order=st.sampled_from(SequencingOrder),
    order_property=st.sampled_from([*NAMES, "noSuch"]),
    offset=st.sampled_from([0, 0, 1, 3]),
    page_size=st.sampled_from([0, 0, 1, 2, 5]),
)
