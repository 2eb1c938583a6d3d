"""Finds of a real Egeria member in its enterprise view, answered by us.

Each gives what our own collection answers, and what our home instances say without any query code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from .compare import assert_same, by_guid
from .federation import STATUS, Federation, marked, of_type, value_of
from .omrs_json import JsonObject, Value, property_value
from .rest import EgeriaClient, EgeriaError

_LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Find:
    """A find and, apart from anybody's query code, which of our home instances it has to give."""

    ask: Callable[[EgeriaClient], list[JsonObject]]
    gives: Callable[[JsonObject], bool]
    relationships: bool = False


def _named(*names: str) -> Callable[[JsonObject], bool]:
    return lambda each: value_of(each, "displayName") in names


def _all(*conditions: JsonObject, criteria: str = "ALL") -> JsonObject:
    return {"conditions": list(conditions), "matchCriteria": criteria}


def _condition(name: str, operator: str, value: Value | None = None) -> JsonObject:
    return {"property": name, "operator": operator, **({} if value is None else {"value": property_value(value)})}


def _classified(*conditions: JsonObject, criteria: str = "ALL") -> JsonObject:
    return {"conditions": list(conditions), "matchCriteria": criteria}


_COLUMN = of_type("RelationalColumn")
_TABLE = of_type("RelationalTable")
_MEANING = of_type("SemanticAssignment")

_FINDS = {
    "everything": Find(lambda c: c.find_entities(), lambda _: True),
    "everything as it is now, asked for as history": Find(lambda c: c.find_entities(as_of=datetime.now(UTC)), lambda _: True),
    "everything as it was before it was": Find(lambda c: c.find_entities(as_of=_LONG_AGO), lambda _: False),
    "of a type": Find(lambda c: c.find_entities(type_name="RelationalTable"), _TABLE),
    "of a supertype": Find(lambda c: c.find_entities(type_name="SchemaElement"), lambda e: _TABLE(e) or _COLUMN(e) or of_type("RelationalDBSchemaType")(e)),
    "of some of its subtypes": Find(lambda c: c.find_entities(type_name="SchemaElement", subtypes=["RelationalTable"]), _TABLE),
    "of a type that nobody uses": Find(lambda c: c.find_entities(type_name="Glossary"), lambda _: False),
    "active ones": Find(lambda c: c.find_entities(type_name="RelationalTable", statuses=["ACTIVE"]), _TABLE),
    "drafts": Find(lambda c: c.find_entities(type_name="RelationalTable", statuses=["DRAFT"]), lambda _: False),
    "equal": Find(lambda c: c.find_entities(match=_all(_condition("displayName", "EQ", "orders"))), _named("orders")),
    "not equal": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", match=_all(_condition("displayName", "NEQ", "id"))),
        lambda e: _COLUMN(e) and not _named("id")(e),
    ),
    "like": Find(lambda c: c.find_entities(match=_all(_condition("displayName", "LIKE", "o.*rs?"))), _named("orders", "order")),
    "in": Find(lambda c: c.find_entities(match=_all(_condition("displayName", "IN", ["items", "id", "x"]))), _named("items", "id")),
    "greater": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", match=_all(_condition("position", "GT", 1))),
        lambda e: _COLUMN(e) and value_of(e, "position") == 2,
    ),
    "at most": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", match=_all(_condition("position", "LTE", 1))),
        lambda e: _COLUMN(e) and value_of(e, "position") == 1,
    ),
    "has a value": Find(lambda c: c.find_entities(match=_all(_condition("position", "NOT_NULL"))), _COLUMN),
    "has no value": Find(
        lambda c: c.find_entities(type_name="SchemaElement", match=_all(_condition("position", "IS_NULL"))),
        lambda e: _TABLE(e) or of_type("RelationalDBSchemaType")(e),
    ),
    "any of two": Find(
        lambda c: c.find_entities(match=_all(_condition("displayName", "EQ", "orders"), _condition("position", "EQ", 2), criteria="ANY")),
        lambda e: _named("orders")(e) or value_of(e, "position") == 2,
    ),
    "none of two": Find(
        lambda c: c.find_entities(
            type_name="SchemaElement", match=_all(_condition("displayName", "EQ", "orders"), _condition("displayName", "EQ", "id"), criteria="NONE")
        ),
        lambda e: (_TABLE(e) or _COLUMN(e) or of_type("RelationalDBSchemaType")(e)) and not _named("orders", "id")(e),
    ),
    "nested": Find(
        lambda c: c.find_entities(
            match=_all(
                _condition("displayName", "EQ", "items"),
                {"nestedConditions": _all(_condition("position", "GTE", 2), _condition("qualifiedName", "LIKE", ".*::orders::.*"))},
                criteria="ANY",
            )
        ),
        lambda e: _named("items")(e) or (value_of(e, "position") == 2 and "::orders::" in str(value_of(e, "qualifiedName"))),
    ),
    "classified": Find(lambda c: c.find_entities(classified=_classified({"name": "PrimaryKey"})), marked("PrimaryKey")),
    "classified with a value": Find(
        lambda c: c.find_entities(
            classified=_classified({"name": "TypeEmbeddedAttribute", "matchProperties": _all(_condition("schemaTypeName", "EQ", "RelationalTableType"))})
        ),
        marked("TypeEmbeddedAttribute", schemaTypeName="RelationalTableType"),
    ),
    "not classified": Find(
        lambda c: c.find_entities(type_name="RelationalColumn", classified=_classified({"name": "PrimaryKey"}, criteria="NONE")),
        lambda e: _COLUMN(e) and not marked("PrimaryKey")(e),
    ),
    "by property, all": Find(lambda c: c.find_entities_by_property({"displayName": "id", "position": 1}), lambda e: _named("id")(e)),
    "by property, any": Find(
        lambda c: c.find_entities_by_property({"displayName": "orders", "position": 2}, criteria="ANY"),
        lambda e: _named("orders")(e) or value_of(e, "position") == 2,
    ),
    "by property, none": Find(
        lambda c: c.find_entities_by_property({"displayName": "id", "position": 2}, criteria="NONE", type_name="RelationalColumn"), lambda _: False
    ),
    "by a pattern": Find(
        lambda c: c.find_entities_by_property({"qualifiedName": ".*::items(::.*)?"}), lambda e: "::items" in str(value_of(e, "qualifiedName"))
    ),
    "by a quoted text": Find(
        lambda c: c.find_entities_by_property({"qualifiedName": r"\QMySQL Relational Database::federated-shop::shop\E.*"}),
        lambda e: str(value_of(e, "qualifiedName")).startswith("MySQL Relational Database::federated-shop::shop"),
    ),
    "by a value": Find(lambda c: c.find_entities_by_property_value("orders"), _named("orders")),
    "by a part of a value": Find(
        lambda c: c.find_entities_by_property_value(r".*\Q::orders\E.*", type_name="SchemaElement"), lambda e: "::orders" in str(value_of(e, "qualifiedName"))
    ),
    "by classification": Find(lambda c: c.find_entities_by_classification("PrimaryKey"), marked("PrimaryKey")),
    "by classification and value": Find(
        lambda c: c.find_entities_by_classification("TypeEmbeddedAttribute", {"dataType": "INT"}), marked("TypeEmbeddedAttribute", dataType="INT")
    ),
    "relationships": Find(lambda c: c.find_relationships(), lambda _: True, relationships=True),
    "relationships of a type": Find(lambda c: c.find_relationships(type_name="SemanticAssignment"), _MEANING, relationships=True),
    "relationships with conditions": Find(
        lambda c: c.find_relationships(match=_all(_condition("confidence", "GT", 50), _condition("description", "LIKE", "mean.*"))),
        lambda e: value_of(e, "confidence") == 51,
        relationships=True,
    ),
    "relationships by property": Find(
        lambda c: c.find_relationships_by_property({"confidence": 50, "description": "meaning 0"}),
        lambda e: value_of(e, "confidence") == 50,
        relationships=True,
    ),
    "relationships by an enum value": Find(
        lambda c: c.find_relationships_by_property({"status": STATUS}, type_name="SemanticAssignment"), _MEANING, relationships=True
    ),
    "relationships by a value": Find(
        lambda c: c.find_relationships_by_property_value("meaning [1-9]"), lambda e: value_of(e, "description") == "meaning 1", relationships=True
    ),
}


@pytest.mark.parametrize("name", _FINDS)
def test_a_find_gives_what_our_own_collection_answers(federation: Federation, name: str) -> None:
    find = _FINDS[name]
    before = len(federation.recorder.calls)
    theirs = by_guid(find.ask(federation.enterprise))
    kind = "relationships" if find.relationships else "entities"
    assert [path for verb, path in federation.recorder.since(before) if verb == "POST" and path.startswith(f"/instances/{kind}")]
    assert_same(by_guid(find.ask(federation.mine)), theirs)
    every = federation.relationships() if find.relationships else federation.entities()
    assert_same(by_guid(each for each in every if find.gives(each)), theirs)


def test_a_pattern_that_is_none_is_refused_and_spoils_nothing(federation: Federation) -> None:
    """A Java member takes the answers that it gets; what one of several members refuses is only missing."""
    with pytest.raises(EgeriaError) as refused:
        federation.mine.find_entities_by_property_value("(orders")
    assert (refused.value.code, refused.value.exception) == (400, "RepositoryErrorException")
    assert federation.enterprise.find_entities_by_property_value("(orders") == []
    assert federation.enterprise.find_entities_by_property_value("orders")
