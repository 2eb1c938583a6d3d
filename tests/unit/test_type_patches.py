"""What a patch does to a type, and when it does nothing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.omrs.enums import InstanceStatus, PrimitiveDefCategory, TypeDefStatus
from cohort_sync.omrs.type_patches import PatchAhead, Patched, PatchRefused, PatchStale, apply_patch
from cohort_sync.omrs.typedefs import (
    ClassificationDef,
    EntityDef,
    PrimitiveDef,
    RelationshipDef,
    RelationshipEndDef,
    TypeDef,
    TypeDefAttribute,
    TypeDefLink,
    TypeDefPatch,
)

STRING = PrimitiveDef(name="string", guid="s", primitive_def_category=PrimitiveDefCategory.STRING)
INT = PrimitiveDef(name="int", guid="i", primitive_def_category=PrimitiveDefCategory.INT)


def attribute(name: str, attribute_type: PrimitiveDef = STRING, description: str | None = None) -> TypeDefAttribute:
    return TypeDefAttribute(attribute_name=name, attribute_type=attribute_type, attribute_description=description)


def patch(version: int = 1, **fields: object) -> TypeDefPatch:
    base = TypeDefPatch(
        type_def_guid="g",
        type_def_name="T",
        apply_to_version=version,
        update_to_version=version + 1,
        new_version_name="next",
        updated_by="me",
        update_time=5,
    )
    return msgspec.structs.replace(base, **fields)


def entity(**fields: object) -> EntityDef:
    return msgspec.structs.replace(EntityDef(guid="g", name="T", version=1, version_name="first"), **fields)


def patched(type_def: TypeDef, change: TypeDefPatch) -> TypeDef:
    result = apply_patch(type_def, change)
    assert isinstance(result, Patched), result
    return result.type_def


def test_a_patch_moves_version_and_author_and_leaves_what_it_does_not_name() -> None:
    before = entity(description="d", options={"a": "b"}, initial_status=InstanceStatus.ACTIVE)
    assert patched(before, patch()) == msgspec.structs.replace(before, version=2, version_name="next", updated_by="me", update_time=5)


def test_named_fields_replace_and_attributes_are_merged_by_name() -> None:
    before = entity(options={"a": "b"}, properties_definition=[attribute("x"), attribute("y", INT)])
    after = patched(
        before,
        patch(
            type_def_options={"c": "d"},
            type_def_status=TypeDefStatus.DEPRECATED_TYPEDEF,
            super_type=TypeDefLink(name="S"),
            property_definitions=[attribute("x", description="new"), attribute("z")],
        ),
    )
    assert after.options == {"c": "d"}
    assert after.status is TypeDefStatus.DEPRECATED_TYPEDEF
    assert after.super_type == TypeDefLink(name="S")
    assert after.properties_definition == [attribute("x", description="new"), attribute("y", INT), attribute("z")]


def test_an_attribute_cannot_change_its_type() -> None:
    result = apply_patch(entity(properties_definition=[attribute("x")]), patch(property_definitions=[attribute("x", INT)]))
    assert result == PatchRefused("type T (g): attribute x is PrimitiveDef string s, the patch makes it PrimitiveDef int i; its type cannot change")


@pytest.mark.parametrize(("update", "after"), [(False, False), (True, True)])
def test_multi_link_changes_only_when_the_patch_says_that_it_speaks_of_it(update: bool, after: bool) -> None:
    before = RelationshipDef(guid="g", name="T", version=1)
    end = RelationshipEndDef(attribute_name="e")
    found = patched(before, patch(end_def2=end, update_multi_link=update, multi_link=True))
    assert isinstance(found, RelationshipDef)
    assert (found.end_def1, found.end_def2, found.multi_link) == (None, end, after)


def test_a_classification_gets_its_valid_entities() -> None:
    found = patched(ClassificationDef(guid="g", name="T", version=1), patch(valid_entity_defs=[TypeDefLink(name="A")]))
    assert isinstance(found, ClassificationDef)
    assert found.valid_entity_defs == [TypeDefLink(name="A")]


def test_a_patch_of_another_type_or_backwards_is_refused() -> None:
    assert isinstance(apply_patch(entity(), patch(type_def_guid="other")), PatchRefused)
    assert isinstance(apply_patch(entity(), patch(update_to_version=1)), PatchRefused)


@given(at=st.integers(0, 9), applies_to=st.integers(0, 9), step=st.integers(1, 3))
def test_only_the_patch_for_the_current_version_applies_and_only_once(at: int, applies_to: int, step: int) -> None:
    change = patch(applies_to, update_to_version=applies_to + step)
    result = apply_patch(entity(version=at), change)
    expected = Patched if applies_to == at else PatchStale if applies_to < at else PatchAhead
    assert isinstance(result, expected)
    if isinstance(result, Patched):
        assert isinstance(apply_patch(result.type_def, change), PatchStale)


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=4), max_size=5))
def test_a_row_of_patches_gives_the_union_of_their_attributes_each_with_its_last_form(rows: list[list[str]]) -> None:
    """The order of names is that of their first appearance, and the same patches split or merged give the same type."""
    stepwise: TypeDef = entity()
    for number, names in enumerate(rows, 1):
        changes = [attribute(name, description=str(number)) for name in names]
        stepwise = patched(stepwise, patch(number, property_definitions=changes))
    last = {name: str(number) for number, names in enumerate(rows, 1) for name in names}
    at_once = [attribute(name, description=number) for name, number in last.items()]
    assert (stepwise.properties_definition or []) == at_once
