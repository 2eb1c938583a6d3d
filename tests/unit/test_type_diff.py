"""What differs between two releases of types."""

import pytest

from cohort_sync.omrs.enums import RelationshipEndCardinality
from cohort_sync.omrs.type_diff import Change, TypeDifference, diff_releases, find_type
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.type_translation import TypeTranslation
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    ClassificationDef,
    EntityDef,
    EnumDef,
    EnumElementDef,
    PrimitiveDef,
    RelationshipDef,
    RelationshipEndDef,
    TypeDef,
    TypeDefAttribute,
    TypeDefLink,
)
from schemas import RELEASES, read_pack, read_translation


def link(name: str, guid: str = "") -> TypeDefLink:
    return TypeDefLink(guid=guid or f"g-{name}", name=name)


def attributes(**types: str) -> list[TypeDefAttribute]:
    return [TypeDefAttribute(attribute_name=name, attribute_type=PrimitiveDef(guid=f"g-{kind}", name=kind)) for name, kind in types.items()]


def entity(name: str, above: TypeDefLink | None = None, guid: str = "", **own: str) -> EntityDef:
    return EntityDef(guid=guid or f"g-{name}", name=name, version=1, super_type=above, properties_definition=attributes(**own) or None)


def registry(release: str, *types: TypeDef, attribute_types: tuple[AttributeTypeDef, ...] = ()) -> TypeRegistry:
    return TypeRegistry({str(one.name): one for one in types}, {str(one.name): one for one in attribute_types}, release=release)


def difference(before: TypeDef, after: TypeDef) -> TypeDifference:
    (only,) = diff_releases(registry("2", before), registry("1", after)).types
    return only


def test_what_came_and_went_and_what_has_another_name() -> None:
    source = registry("2", entity("Kept"), entity("Gone"), entity("NewName", guid="g-1"))
    target = registry("1", entity("Kept"), entity("OldName", guid="g-1"), entity("Added"))
    found = diff_releases(source, target)
    assert [(one.before, one.after, one.renamed, one.changes) for one in found.types] == [
        ("Kept", "Kept", False, ()),
        ("Gone", None, False, ()),
        ("NewName", "OldName", True, ()),
        (None, "Added", False, ()),
    ]
    assert (found.source, found.target) == ("2", "1")


def test_a_guid_counts_more_than_a_name() -> None:
    """The name of one type is that of another in the other release: both are told by their GUIDs."""
    found = diff_releases(registry("2", entity("A", guid="1"), entity("B", guid="2")), registry("1", entity("B", guid="1"), entity("A", guid="3")))
    assert [(one.before, one.after, one.changes) for one in found.types] == [("A", "B", ()), ("B", None, ()), (None, "A", ())]


def test_the_same_name_under_another_guid_is_a_change() -> None:
    assert difference(entity("A", guid="1"), entity("A", guid="2")).changes == (Change(aspect="guid", before="1", after="2"),)


def test_attributes_added_removed_and_changed() -> None:
    found = difference(entity("T", kept="string", gone="int", other="int"), entity("T", kept="string", other="string", new="date"))
    assert found.changes == (
        Change(aspect="attribute", name="gone", before="int", after=None),
        Change(aspect="attribute", name="other", before="int", after="string"),
        Change(aspect="attribute", name="new", before=None, after="date"),
    )


def test_a_change_of_a_supertype_is_inherited_and_a_move_up_is_none() -> None:
    source = registry("2", entity("Top", gone="int", moved="int"), entity("Low", link("Top"), own="string"))
    target = registry("1", entity("Top"), entity("Low", link("Top"), moved="int"))
    top, low = diff_releases(source, target).types
    assert [(change.name, change.inherited) for change in top.changes] == [("gone", False), ("moved", False)]
    assert {change.name: change.inherited for change in low.changes} == {"own": False, "gone": True}
    assert [change.name for change in low.own_changes] == ["own"]


def test_a_renamed_supertype_is_the_same_and_another_one_is_not() -> None:
    source = registry("2", entity("Top", guid="t"), entity("Else"), entity("A", link("Top", "t")), entity("B", link("Else")))
    target = registry("1", entity("Root", guid="t"), entity("Else"), entity("A", link("Root", "t")), entity("B", link("Root", "t")))
    found = diff_releases(source, target)
    changes = {one.before: one.changes for one in found.types}
    assert changes["A"] == ()
    assert changes["B"] == (Change(aspect="supertype", before="Else", after="Root"),)


def test_types_that_are_their_own_supertypes_do_not_hang() -> None:
    looped = entity("A", link("B")), entity("B", link("A"), extra="int")
    assert [one.changes for one in diff_releases(registry("2", *looped), registry("1", *looped)).types] == [(), ()]


def test_ends_of_relationships() -> None:
    def relationship(one: RelationshipEndDef, two: RelationshipEndDef, multi_link: bool = False) -> RelationshipDef:
        return RelationshipDef(guid="r", name="R", end_def1=one, end_def2=two, multi_link=multi_link)

    many, single = RelationshipEndCardinality.ANY_NUMBER, RelationshipEndCardinality.AT_MOST_ONE
    left = RelationshipEndDef(entity_type=link("A"), attribute_name="lefts", attribute_cardinality=many)
    right = RelationshipEndDef(entity_type=link("B"), attribute_name="rights", attribute_cardinality=many)
    narrow = RelationshipEndDef(entity_type=link("B"), attribute_name="rights", attribute_cardinality=single)
    assert difference(relationship(left, right), relationship(left, right)).changes == ()
    assert difference(relationship(left, right), relationship(left, narrow, True)).changes == (
        Change(aspect="end", name="2", before="B as rights (ANY_NUMBER)", after="B as rights (AT_MOST_ONE)"),
        Change(aspect="multiLink", before="no", after="yes"),
    )


def test_where_a_classification_stands_and_another_category() -> None:
    def classification(*names: str) -> ClassificationDef:
        return ClassificationDef(guid="c", name="C", valid_entity_defs=[link(name) for name in names])

    assert difference(classification("A", "B"), classification("B", "D")).changes == (
        Change(aspect="standsOn", name="A", before="A", after=None),
        Change(aspect="standsOn", name="D", before=None, after="D"),
    )
    assert difference(classification(), entity("C", guid="c")).changes == (Change(aspect="category", before="CLASSIFICATION_DEF", after="ENTITY_DEF"),)


def test_values_of_enums_by_their_ordinals() -> None:
    def enum(name: str, **values: int) -> EnumDef:
        return EnumDef(guid="e", name=name, element_defs=[EnumElementDef(value=value, ordinal=ordinal) for value, ordinal in values.items()])

    ours, theirs = enum("Order", UP=0, DOWN=1, SIDE=3), enum("SortOrder", Up=0, DOWN=1, Other=9)
    (only,) = diff_releases(registry("2", attribute_types=(ours,)), registry("1", attribute_types=(theirs,))).attribute_types
    assert (only.before, only.after, only.renamed) == ("Order", "SortOrder", True)
    assert only.changes == (
        Change(aspect="element", name="0", before="UP", after="Up"),
        Change(aspect="element", name="3", before="SIDE", after=None),
        Change(aspect="element", name="9", before=None, after="Other"),
    )


def test_a_type_is_found_by_either_name_the_first_release_first() -> None:
    found = diff_releases(registry("2", entity("New", guid="1"), entity("Old", guid="2")), registry("1", entity("Old", guid="1")))
    one = find_type(found, "Old")
    assert one is not None
    assert one.guid == "2"
    assert find_type(diff_releases(registry("2", entity("New", guid="1")), registry("1", entity("Old", guid="1"))), "Old") is not None
    assert find_type(found, "Never") is None


# ---------------------------------------------------------------- the real releases


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_does_not_differ_from_itself(release: str) -> None:
    types = TypeRegistry.from_pack(read_pack(release))
    found = diff_releases(types, types)
    assert [one for one in (*found.types, *found.attribute_types) if one.changes or one.before != one.after] == []


def test_what_the_translation_does_is_told() -> None:
    source, target = (TypeRegistry.from_pack(read_pack(release)) for release in ("6.1", "4.2"))
    found = diff_releases(source, target, TypeTranslation(read_translation("6.1", "4.2"), source, target))
    database = find_type(found, "RelationalDatabase")
    assert database is not None
    assert database.after is None
    assert database.translation is not None
    assert database.translation.to == "Database"
    assert database.translation.attributes["displayName"] == ("name",)
    assert database.translation.attributes["identifier"] == ("additionalProperties[identifier] as text",)
    assert database.translation.attributes["legal"][0].startswith("nowhere: ")
    assert "qualifiedName" not in database.translation.attributes
    link_to_column = find_type(found, "AttributeForSchema")
    assert link_to_column is not None
    assert link_to_column.translation is not None
    assert link_to_column.translation.attributes["position"] == ("position of the entity at end 2",)
    column = find_type(found, "RelationalColumn")
    assert column is not None
    assert column.translation is not None
    assert column.translation.attributes["precision"] == ("precision as text",)
    assert "ASCENDING as Ascending" in column.translation.attributes["sortOrder"][0]
    homeless = find_type(found, "DataGrain")
    assert homeless is not None
    assert homeless.translation is not None
    assert homeless.translation.to is None
    assert "has no counterpart among the types of release 4.2" in homeless.translation.reason
    assert [one.translation for one in found.types if one.before is None and one.translation is not None] == []
