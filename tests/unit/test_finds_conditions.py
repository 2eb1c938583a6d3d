"""From conditions to found instances, on the pure matcher: the semantics of spec metadata-collection-semantics 5.2 to 5.5 in both dialects."""

import pytest
from msgspec import Raw

from cohort_sync.omrs.conditions import (
    SearchDialect,
    classifications_predicate,
    classified_predicate,
    ends_predicate,
    match_predicate,
    search_predicate,
    value_predicate,
)
from cohort_sync.omrs.enums import InstancePropertyCategory, InstanceProvenanceType, InstanceStatus, PrimitiveDefCategory
from cohort_sync.omrs.finds import (
    ClassificationCondition,
    EndMatchCriteria,
    MatchCriteria,
    PropertyComparisonOperator,
    PropertyCondition,
    SearchClassifications,
    SearchProperties,
)
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, InstanceType, Relationship
from cohort_sync.omrs.predicates import Predicate
from cohort_sync.omrs.properties import (
    ArrayPropertyValue,
    EnumPropertyValue,
    InstanceProperties,
    InstancePropertyValue,
    MapPropertyValue,
    PrimitivePropertyValue,
)
from cohort_sync.omrs.search_text import UnsupportedExpression
from cohort_sync.store.find_matcher import matcher

Op = PropertyComparisonOperator
LITERAL, EXPRESSION = SearchDialect.LITERAL, SearchDialect.EXPRESSION


def text(value: str) -> PrimitivePropertyValue:
    return primitive(PrimitiveDefCategory.STRING, f'"{value}"')


def primitive(category: PrimitiveDefCategory, json: str) -> PrimitivePropertyValue:
    return PrimitivePropertyValue(
        instance_property_category=InstancePropertyCategory.PRIMITIVE, primitive_def_category=category, primitive_value=Raw(json.encode())
    )


def number(value: int) -> PrimitivePropertyValue:
    return primitive(PrimitiveDefCategory.INT, str(value))


def date(value: int) -> PrimitivePropertyValue:
    return primitive(PrimitiveDefCategory.DATE, str(value))


def props(**values: InstancePropertyValue) -> InstanceProperties:
    return InstanceProperties(instance_properties=values)


ORDERS = EntityDetail(
    guid="g-orders",
    type=InstanceType(type_def_name="RelationalTable", type_def_guid="t-1"),
    metadata_collection_id="mc-1",
    metadata_collection_name="retail",
    instance_provenance_type=InstanceProvenanceType.LOCAL_COHORT,
    created_by="debezium",
    create_time=1000,
    update_time=2000,
    version=3,
    status=InstanceStatus.ACTIVE,
    properties=props(
        qualifiedName=text("retail.shop.orders"),
        displayName=text("orders"),
        position=number(42),
        ratio=primitive(PrimitiveDefCategory.DOUBLE, "0.5"),
        deprecated=primitive(PrimitiveDefCategory.BOOLEAN, "false"),
        sortOrder=EnumPropertyValue(ordinal=1, symbolic_name="Ascending"),
        aliases=ArrayPropertyValue(array_count=2, array_values=props(**{"0": text("bestellungen"), "1": text("ordini")})),
        additionalProperties=MapPropertyValue(map_values=props(owner=text("sales"), steward=text("peter"))),
    ),
    classifications=[
        Classification(name="Confidentiality", metadata_collection_id="mc-2", properties=props(level=number(3))),
        Classification(name="Memento"),
    ],
)


def holds(predicate: Predicate) -> bool:
    return matcher(predicate)(ORDERS)


def condition(name: str | None, operator: Op, value: InstancePropertyValue | None, dialect: SearchDialect = LITERAL) -> bool:
    search = SearchProperties(conditions=[PropertyCondition(property=name, operator=operator, value=value)], match_criteria=MatchCriteria.ALL)
    return holds(search_predicate(search, dialect))


# ------------------------------------------------------------ match properties


@pytest.mark.parametrize(
    ("criteria", "both", "one", "neither"),
    [(MatchCriteria.ALL, True, False, False), (MatchCriteria.ANY, True, True, False), (MatchCriteria.NONE, False, False, True)],
)
def test_match_criteria(criteria: MatchCriteria, both: bool, one: bool, neither: bool) -> None:
    def found(**values: InstancePropertyValue) -> bool:
        return holds(match_predicate(props(**values), criteria, LITERAL))

    assert found(displayName=text("orders"), position=number(42)) is both
    assert found(displayName=text("orders"), position=number(7)) is one
    assert found(displayName=text("x"), noSuch=text("y")) is neither


@pytest.mark.parametrize("criteria", [*MatchCriteria, None])
def test_nothing_to_match_finds_everything(criteria: MatchCriteria | None) -> None:
    assert holds(match_predicate(None, criteria, LITERAL))
    assert holds(match_predicate(InstanceProperties(), criteria, EXPRESSION))


def test_strings_are_expressions_up_to_5_and_literal_from_6() -> None:
    def found(value: str, dialect: SearchDialect) -> bool:
        return holds(match_predicate(props(qualifiedName=text(value)), MatchCriteria.ALL, dialect))

    assert found("retail.shop.orders", LITERAL)
    assert found("retail.*orders", EXPRESSION)
    assert not found("retail.*orders", LITERAL)
    assert not found("shop", EXPRESSION)
    assert found(r"\\Qretail.shop.orders\\E", EXPRESSION)
    assert found(r"\\Qretail.shop.orders\\E", LITERAL)
    assert found(r".*\\Qshop\\E.*", LITERAL)


@pytest.mark.parametrize("dialect", SearchDialect)
def test_other_values_are_compared_by_category_and_value(dialect: SearchDialect) -> None:
    def found(**values: InstancePropertyValue) -> bool:
        return holds(match_predicate(props(**values), MatchCriteria.ALL, dialect))

    assert found(position=PrimitivePropertyValue(type_name="other", primitive_def_category=PrimitiveDefCategory.INT, primitive_value=Raw(b"42")))
    assert not found(position=primitive(PrimitiveDefCategory.LONG, "42"))
    assert found(ratio=primitive(PrimitiveDefCategory.DOUBLE, "0.50"))
    assert found(sortOrder=EnumPropertyValue(symbolic_name="Ascending"))
    assert not found(sortOrder=EnumPropertyValue(symbolic_name="Descending"))
    assert found(additionalProperties=MapPropertyValue(map_values=props(owner=text("sales"))))
    assert not found(additionalProperties=MapPropertyValue(map_values=props(owner=text("sales"), steward=text("anna"))))
    assert found(aliases=ArrayPropertyValue(array_values=props(**{"0": text("ordini"), "1": text("bestellungen")})))
    assert not found(aliases=ArrayPropertyValue(array_values=props(**{"0": text("ordini")})))
    assert found(aliases=ArrayPropertyValue())


def test_header_fields_among_match_properties() -> None:
    def found(**values: InstancePropertyValue) -> bool:
        return holds(match_predicate(props(**values), MatchCriteria.ALL, LITERAL))

    assert found(typeName=text("RelationalTable"), createTime=date(1000), metadataCollectionId=text("mc-.*"))
    assert not found(createdBy=text("someone"))
    assert not found(updateTime=date(1999))
    assert not found(createdBy=text("(?=x)"))


def test_expression_that_is_not_taken_is_an_error() -> None:
    with pytest.raises(UnsupportedExpression):
        match_predicate(props(qualifiedName=text("(?=x)")), MatchCriteria.ALL, EXPRESSION)


# ------------------------------------------------------------ search conditions


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("displayName", Op.EQ, text("orders"), True),
        ("displayName", Op.EQ, text("Orders"), False),
        ("displayName", Op.NEQ, text("orders"), False),
        ("noSuch", Op.NEQ, text("orders"), True),
        ("position", Op.LT, number(43), True),
        ("position", Op.LT, number(42), False),
        ("position", Op.LTE, number(42), True),
        ("position", Op.GT, number(41), True),
        ("position", Op.GTE, number(42), True),
        ("position", Op.GT, primitive(PrimitiveDefCategory.DOUBLE, "41.5"), True),
        ("ratio", Op.LT, primitive(PrimitiveDefCategory.BIGDECIMAL, "0.50000000000000000001"), True),
        ("displayName", Op.LT, number(1), False),
        ("noSuch", Op.LT, number(1), False),
        ("noSuch", Op.IS_NULL, None, True),
        ("displayName", Op.IS_NULL, None, False),
        ("displayName", Op.NOT_NULL, None, True),
        ("displayName", Op.LIKE, text("rder"), True),
        ("displayName", Op.LIKE, text("RDER"), False),
        ("displayName", Op.NOT_LIKE, text("rder"), False),
        ("noSuch", Op.NOT_LIKE, text("rder"), True),
        ("displayName", Op.CASE_INSENSITIVE_LIKE, text("RDER"), True),
        ("displayName", Op.CASE_INSENSITIVE_NOT_LIKE, text("RDER"), False),
        ("displayName", Op.STARTS_WITH, text("ord"), True),
        ("displayName", Op.STARTS_WITH, text("rd"), False),
        ("displayName", Op.ENDS_WITH, text("ers"), True),
        ("displayName", Op.CASE_INSENSITIVE_STARTS_WITH, text("ORD"), True),
        ("displayName", Op.CASE_INSENSITIVE_ENDS_WITH, text("ERS"), True),
        ("displayName", Op.CASE_INSENSITIVE_EQ, text("ORDERS"), True),
        ("sortOrder", Op.LIKE, text("scend"), True),
        ("position", Op.LIKE, text("4"), True),
        ("deprecated", Op.EQ, primitive(PrimitiveDefCategory.BOOLEAN, "false"), True),
        ("displayName", Op.LIKE, text(r".*\\Qrder\\E.*"), True),
        (None, Op.EQ, text("orders"), True),
        (None, Op.EQ, text("x"), False),
        (None, Op.NEQ, text("orders"), True),
        (None, Op.NOT_NULL, None, True),
        (None, Op.IS_NULL, None, False),
        ("version", Op.EQ, primitive(PrimitiveDefCategory.LONG, "3"), True),
        ("createTime", Op.GTE, date(1000), True),
        ("updateTime", Op.LT, date(2000), False),
        ("guid", Op.STARTS_WITH, text("g-"), True),
        ("instanceProvenanceType", Op.EQ, text("Local to cohort"), True),
        ("lastRequestId", Op.IS_NULL, None, True),
    ],
)
def test_operators(name: str | None, operator: Op, value: InstancePropertyValue | None, expected: bool) -> None:
    assert condition(name, operator, value) is expected


def test_like_is_an_expression_up_to_5_and_header_names_are_properties() -> None:
    assert condition("displayName", Op.LIKE, text("o.*s"), EXPRESSION)
    assert not condition("displayName", Op.LIKE, text("rder"), EXPRESSION)
    assert condition("version", Op.IS_NULL, None, EXPRESSION)


def test_in_a_list() -> None:
    values = ArrayPropertyValue(array_values=props(**{"0": number(1), "1": number(42)}))
    assert condition("position", Op.IN, values)
    assert not condition("displayName", Op.IN, values)
    assert not condition("position", Op.IN, number(42))


def test_nested_conditions() -> None:
    same = PropertyCondition(property="displayName", operator=Op.EQ, value=text("orders"))
    other = PropertyCondition(property="displayName", operator=Op.EQ, value=text("x"))
    either = PropertyCondition(nested_conditions=SearchProperties(conditions=[same, other], match_criteria=MatchCriteria.ANY))
    none = PropertyCondition(nested_conditions=SearchProperties(conditions=[same, other], match_criteria=MatchCriteria.NONE))
    assert holds(search_predicate(SearchProperties(conditions=[same, either], match_criteria=MatchCriteria.ALL), LITERAL))
    assert not holds(search_predicate(SearchProperties(conditions=[same, none], match_criteria=MatchCriteria.ALL), LITERAL))


@pytest.mark.parametrize(("criteria", "expected"), [(MatchCriteria.ALL, True), (MatchCriteria.ANY, False), (MatchCriteria.NONE, True)])
def test_no_conditions_at_all(criteria: MatchCriteria, expected: bool) -> None:
    assert holds(search_predicate(SearchProperties(conditions=[], match_criteria=criteria), LITERAL)) is expected
    assert holds(search_predicate(SearchProperties(match_criteria=criteria), LITERAL))
    assert holds(search_predicate(None, LITERAL))


# ------------------------------------------------------------ classifications, values, ends


def test_classification_conditions() -> None:
    def found(name: str, level: int | None = None, criteria: MatchCriteria = MatchCriteria.ALL) -> bool:
        properties = None
        if level is not None:
            properties = SearchProperties(
                conditions=[PropertyCondition(property="level", operator=Op.EQ, value=number(level))], match_criteria=MatchCriteria.ALL
            )
        search = SearchClassifications(conditions=[ClassificationCondition(name=name, match_properties=properties)], match_criteria=criteria)
        return holds(classifications_predicate(search, LITERAL, lambda name: ["Confidentiality"] if name == "Governed" else []))

    assert found("Confidentiality")
    assert found("Confidentiality", 3)
    assert not found("Confidentiality", 4)
    assert found("Governed", 3)
    assert not found("NoSuch")
    assert found("NoSuch", criteria=MatchCriteria.NONE)


def test_limit_by_classification_is_any_of_all_classifications() -> None:
    assert holds(classified_predicate(["NoSuch", "Memento"], lambda _name: []))
    assert not holds(classified_predicate(["NoSuch"], lambda _name: []))


@pytest.mark.parametrize(
    ("search", "flags", "expected"),
    [
        ("shop", (False, False, False), True),
        ("SHOP", (False, False, False), False),
        ("SHOP", (False, False, True), True),
        ("retail.shop", (True, False, False), True),
        ("shop", (True, False, False), False),
        (".orders", (False, True, False), True),
        ("orders", (True, True, False), True),
        ("order", (True, True, False), False),
        ("Ascending", (True, True, False), True),
        ("ordini", (True, True, False), True),
        ("peter", (True, True, False), True),
        ("42", (False, False, False), False),
        (r"\Qsales\E", (False, False, False), True),
        ("retail.*", (False, False, False), True),
        ("(?=x", (False, False, False), False),
    ],
)
def test_any_value_from_6(search: str, flags: tuple[bool, bool, bool], expected: bool) -> None:
    starts, ends, ignore = flags
    assert holds(value_predicate(search, LITERAL, starts_with=starts, ends_with=ends, ignore_case=ignore)) is expected


def test_any_value_up_to_5_is_a_whole_match() -> None:
    assert holds(value_predicate(".*shop.*", EXPRESSION))
    assert not holds(value_predicate("shop", EXPRESSION))
    assert holds(value_predicate(r".*\Qshop\E.*", EXPRESSION))


@pytest.mark.parametrize(
    ("end1", "end2", "criteria", "expected"),
    [
        (["a"], ["b"], EndMatchCriteria.BOTH, True),
        (["a"], ["x"], EndMatchCriteria.BOTH, False),
        (["a"], None, EndMatchCriteria.BOTH, True),
        (["a"], ["x"], EndMatchCriteria.ANY, True),
        (None, ["x"], EndMatchCriteria.ANY, False),
        (["b"], ["a"], EndMatchCriteria.ANY, False),
        (["x"], ["y"], EndMatchCriteria.NONE, True),
        (["a"], ["y"], EndMatchCriteria.NONE, False),
        (["x"], ["y"], None, True),
    ],
)
def test_ends_are_ordered(end1: list[str] | None, end2: list[str] | None, criteria: EndMatchCriteria | None, expected: bool) -> None:
    relationship = Relationship(entity_one_proxy=EntityProxy(guid="a"), entity_two_proxy=EntityProxy(guid="b"))
    assert matcher(ends_predicate(end1, end2, criteria))(relationship) is expected


def test_big_numbers_are_compared_exactly() -> None:
    big = EntityDetail(properties=props(n=primitive(PrimitiveDefCategory.BIGINTEGER, "900719925474099300000001")))
    search = SearchProperties(
        conditions=[PropertyCondition(property="n", operator=Op.GT, value=primitive(PrimitiveDefCategory.BIGINTEGER, "900719925474099300000000"))],
        match_criteria=MatchCriteria.ALL,
    )
    assert matcher(search_predicate(search, LITERAL))(big)
