"""A part of a release: closed or refused with what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from cohort_sync.omrs.enums import TypeDefEventType
from cohort_sync.omrs.events import TypeDefSection
from cohort_sync.omrs.type_changes import Learn, TypeVerdict, apply_type_event
from cohort_sync.omrs.type_check import type_problems
from cohort_sync.omrs.type_part import BadPart, closed_part, needed_by
from cohort_sync.omrs.type_registry import TypeRegistry

RELEASES = {release: TypeRegistry.from_pack(schemas.read_pack(release)) for release in schemas.RELEASES}
OLD = RELEASES["4.2"]
ENTITIES = ["OpenMetadataRoot", "Referenceable", "Asset", "SchemaElement", "SchemaType"]


def names(registry: TypeRegistry) -> list[str]:
    return [str(one.name) for one in registry.types()]


def test_the_types_of_the_list_in_the_order_of_the_release_as_they_were() -> None:
    part = closed_part(OLD, [*reversed(ENTITIES), "AssetSchemaType", "Anchors"])
    assert names(part) == [name for name in names(OLD) if name in {*ENTITIES, "AssetSchemaType", "Anchors"}]
    assert all(one == OLD.type_def(one.name) for one in part.types())
    assert list(part.attribute_types()) == list(OLD.attribute_types())
    assert part.release == "4.2"
    assert type_problems(part) == []


def test_names_that_the_release_does_not_have() -> None:
    with pytest.raises(BadPart) as refusal:
        closed_part(OLD, [*ENTITIES, "Databse", "Xyzzy"])
    assert str(refusal.value) == "no type of release 4.2: 'Databse' (did you mean Database?), 'Xyzzy'"


def test_everything_that_is_missing_is_told_at_once_with_what_needs_it() -> None:
    with pytest.raises(BadPart) as refusal:
        closed_part(OLD, ["Asset", "AssetSchemaType", "PrimaryKey"])
    told = str(refusal.value)
    assert "SchemaType (end 2 of AssetSchemaType)" in told
    assert "Referenceable (supertype of Asset" in told
    assert "RelationalColumn (what PrimaryKey stands on)" in told
    assert "TabularColumn (supertype of RelationalColumn)" in told
    assert told.startswith("not closed, add ")
    assert told.endswith("; or leave out the types that need them")


@pytest.mark.parametrize("release", schemas.RELEASES)
@given(st.data())
def test_with_what_they_need_any_types_are_a_part(release: str, data: st.DataObject) -> None:
    whole = RELEASES[release]
    chosen = data.draw(st.sets(st.sampled_from(names(whole)), min_size=1, max_size=6))
    needed = set(chosen).union(*(needed_by(whole, name) for name in chosen))
    part = closed_part(whole, needed)
    assert set(names(part)) == needed
    for one in part.types():
        assert part.missing_supertype(str(one.name)) is None
    for name in sorted(needed - chosen):
        # Nothing was added that is not needed by something else, but where a classification may stand on several types.
        try:
            closed_part(whole, needed - {name})
        except BadPart as refusal:
            assert name in str(refusal)  # noqa: PT017
        else:
            assert any(whole.type_def(each) is not None and name in whole.valid_entity_types(each) for each in chosen if _is_classification(whole, each))


def _is_classification(registry: TypeRegistry, name: str) -> bool:
    return type(registry.type_def(name)).__name__ == "ClassificationDef"


def test_a_type_that_was_left_out_is_no_custom_type() -> None:
    part = closed_part(OLD, ENTITIES)
    database = TypeDefSection(type_def_event_type=TypeDefEventType.NEW_TYPEDEF_EVENT, type_def=OLD.type_def("DataStore"))
    same, change = apply_type_event(part, database, Learn.CUSTOM)
    assert change.verdict is TypeVerdict.NOT_LEARNED
    assert same is part
    more, change = apply_type_event(part, database, Learn.ALL)
    assert change.verdict is TypeVerdict.ADDED
    assert more.is_a("DataStore", "Asset")
