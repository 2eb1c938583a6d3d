"""What other members can teach about types."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.enums import TypeDefEventType
from cohort_sync.omrs.events import TypeDefSection
from cohort_sync.omrs.type_changes import (
    OPEN_METADATA_TYPES,
    Learn,
    TypeChange,
    TypeVerdict,
    add_attribute_type,
    add_type,
    apply_type_event,
    delete_type,
)
from cohort_sync.omrs.type_pack import decode_pack
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import (
    ClassificationDef,
    CollectionDef,
    EntityDef,
    EnumDef,
    EnumElementDef,
    PrimitiveDef,
    RelationshipDef,
    RelationshipEndDef,
    TypeDef,
    TypeDefLink,
    TypeDefPatch,
)

GOLDEN = Path(__file__).parent.parent / "golden"
NEW = TypeRegistry.from_pack(schemas.read_pack("6.1"))
OLD_PACK = decode_pack(schemas.read_pack("4.2"))
V = TypeVerdict


def section(file: str) -> TypeDefSection:
    found = decode_event((GOLDEN / file).read_bytes()).type_def_event_section
    assert found is not None
    return found


def event(kind: TypeDefEventType, **fields: object) -> TypeDefSection:
    return msgspec.structs.replace(TypeDefSection(type_def_event_type=kind), **fields)


def verdict(registry: TypeRegistry, file: str) -> tuple[TypeRegistry, TypeVerdict]:
    registry, change = apply_type_event(registry, section(file))
    return registry, change.verdict


def test_a_member_teaches_a_type_patches_it_and_withdraws_it() -> None:
    registry, found = verdict(NEW, "events/typedef_new_entity_def.json")
    assert found is V.ADDED
    assert registry.is_known("5f2c1f8e-3f0d-4b75-b7b8-6d1a2f3e4d5c", "DemoReferenceable")
    assert verdict(registry, "events/typedef_new_entity_def.json") == (registry, V.KNOWN)
    patched, found = verdict(registry, "events/typedef_updated.json")
    assert found is V.PATCHED
    assert patched.attribute("DemoReferenceable", "priority") is not None
    assert patched.instance_type("DemoReferenceable").type_def_version == 2
    assert verdict(patched, "events/typedef_updated.json") == (patched, V.PATCH_IGNORED)
    deleted, found = verdict(patched, "events/typedef_deleted.json")
    assert found is V.DELETED
    assert deleted.type_def("DemoReferenceable") is None


def test_an_enum_is_taught_known_and_in_conflict_by_its_meaning() -> None:
    registry, found = verdict(NEW, "events/typedef_new_attribute_enum.json")
    assert found is V.ADDED
    assert verdict(registry, "events/typedef_new_attribute_enum.json") == (registry, V.KNOWN)
    known = registry.attribute_type("DemoStatus")
    assert isinstance(known, EnumDef)
    longer = msgspec.structs.replace(known, element_defs=[*(known.element_defs or []), EnumElementDef(ordinal=7, value="X")])
    same, change = add_attribute_type(registry, longer)
    assert (same, change.verdict, change.known) == (registry, V.CONFLICT, known)
    assert "defined otherwise here" in change.reason
    renamed, change = add_attribute_type(registry, msgspec.structs.replace(known, version_name="7", description="other words"))
    assert (renamed, change.verdict) == (registry, V.KNOWN)
    assert verdict(registry, "events/typedef_deleted_attribute.json")[1] is V.DELETED


def test_a_known_name_with_another_guid_is_a_conflict_and_changes_nothing() -> None:
    registry, change = add_type(NEW, EntityDef(guid="other", name="Asset"))
    assert registry is NEW
    assert (change.verdict, change.known) == (V.CONFLICT, NEW.type_def("Asset"))
    assert change.reason == "EntityDef Asset (other) is not the known one: its GUID here is 896d14c2-7522-4f6c-8519-757711943fe6"


@pytest.mark.parametrize("name", ["primitive", "collection"])
def test_the_primitives_and_collections_of_other_releases_are_known(name: str) -> None:
    assert verdict(NEW, f"events/typedef_new_attribute_{name}.json") == (NEW, V.KNOWN)


def test_primitives_and_collections_are_compared_by_kind_and_arguments() -> None:
    string, array = NEW.attribute_type("string"), NEW.attribute_type("array<string>")
    assert isinstance(string, PrimitiveDef)
    assert isinstance(array, CollectionDef)
    for changed in (
        msgspec.structs.replace(string, primitive_def_category=None),
        msgspec.structs.replace(array, argument_types=None),
        CollectionDef(name="string", guid=string.guid),
    ):
        assert add_attribute_type(NEW, changed)[1].verdict is V.CONFLICT


def test_the_whole_start_of_an_older_member_is_taken_without_a_fault() -> None:
    registry, verdicts = NEW, []
    for one in OLD_PACK.type_defs:
        registry, change = add_type(registry, one)
        verdicts.append(change.verdict)
    assert verdicts.count(V.CONFLICT) == 9
    assert set(verdicts) == {V.ADDED, V.KNOWN, V.CONFLICT}
    taught = [one for one in OLD_PACK.type_defs if NEW.type_def(one.name) is None]
    assert all(registry.is_known(one.guid, one.name) for one in taught)
    assert all(registry.is_known(one.guid, one.name) for one in NEW.types())


def test_the_order_in_which_types_arrive_does_not_matter_in_the_end() -> None:
    backwards: TypeRegistry = TypeRegistry({}, {})
    for one in reversed(OLD_PACK.type_defs):
        backwards, change = add_type(backwards, one)
        assert change.verdict is V.ADDED
    assert all(backwards.is_known(one.guid, one.name) for one in OLD_PACK.type_defs)


def test_what_an_added_type_waits_for_is_told() -> None:
    child = EntityDef(guid="c", name="Child", super_type=TypeDefLink(name="Parent", guid="p"))
    assert add_type(NEW, child)[1] == TypeChange(verdict=V.ADDED, name="Child", guid="c", reason="waits for its supertype Parent")
    asset = NEW.type_def("Asset")
    assert asset is not None
    assert add_type(NEW, EntityDef(guid=asset.guid, name="OldAsset"))[1].reason == "its GUID is also that of Asset"


@pytest.mark.parametrize("bad", [EntityDef(guid="g"), EntityDef(name="N"), EntityDef(guid="g", name="N", header_version=2)])
def test_a_type_without_identity_or_of_a_later_header_is_refused(bad: TypeDef) -> None:
    registry, change = apply_type_event(NEW, event(TypeDefEventType.NEW_TYPEDEF_EVENT, type_def=bad))
    assert registry is NEW
    assert change.verdict is V.REFUSED
    assert change.reason


def test_patches_of_what_is_unknown_ahead_or_backwards() -> None:
    def of(name: str, guid: str, applies: int, updates: int) -> TypeVerdict:
        patch = TypeDefPatch(type_def_name=name, type_def_guid=guid, apply_to_version=applies, update_to_version=updates)
        return apply_type_event(NEW, event(TypeDefEventType.UPDATED_TYPEDEF_EVENT, type_def_patch=patch))[1].verdict

    guid = "896d14c2-7522-4f6c-8519-757711943fe6"
    assert of("NoSuchType", "g", 1, 2) is V.UNKNOWN_TYPE
    assert of("Asset", guid, 9, 10) is V.PATCH_IGNORED
    assert of("Asset", guid, 1, 1) is V.REFUSED
    assert of("Asset", "other", 1, 2) is V.REFUSED


def test_a_type_that_the_release_or_another_type_needs_is_not_deleted() -> None:
    link = TypeDefLink(name="Parent", guid="p")
    registry = NEW.with_type(EntityDef(guid="p", name="Parent"))
    users = [
        EntityDef(guid="1", name="Child", super_type=link),
        ClassificationDef(guid="2", name="Mark", valid_entity_defs=[link]),
        RelationshipDef(guid="3", name="Link", end_def2=RelationshipEndDef(entity_type=link)),
    ]
    for user in users:
        same, change = delete_type(registry.with_type(user), "p", "Parent")
        assert (change.verdict, change.reason) == (V.IN_USE, f"needed by {user.name}")
        assert same.type_def("Parent") is not None
    assert delete_type(registry, "p", "Parent")[1].verdict is V.DELETED
    assert delete_type(registry, "other", "Parent")[1].verdict is V.UNKNOWN_TYPE
    asset = NEW.type_def("Asset")
    assert asset is not None
    assert delete_type(NEW, str(asset.guid), "Asset")[1].reason == "it belongs to release 6.1"
    string = NEW.attribute_type("string")
    assert string is not None
    assert delete_type(NEW, str(string.guid), "string")[1].verdict is V.IN_USE


@pytest.mark.parametrize("file", ["typedef_re_identified", "typedef_re_identified_attribute", "typedef_error_conflicting_typedefs"])
def test_what_java_does_not_act_on_is_ignored_with_the_name_of_the_type(file: str) -> None:
    registry, change = apply_type_event(NEW, section(f"events/{file}.json"))
    assert registry is NEW
    assert change.verdict is V.IGNORED
    assert change.name.startswith("Demo")


def test_a_section_without_its_payload_changes_nothing() -> None:
    for kind in (None, *TypeDefEventType):
        registry, change = apply_type_event(NEW, TypeDefSection(type_def_event_type=kind))
        assert registry is NEW
        assert change.verdict in (V.IGNORED, V.UNKNOWN_TYPE)


def test_a_member_of_another_release_does_not_change_ours_when_only_custom_types_are_learned() -> None:
    open_type = EntityDef(guid="g", name="OldOpenType", origin=OPEN_METADATA_TYPES)
    custom = EntityDef(guid="h", name="Custom", origin="coco")
    asset = NEW.type_def("Asset")
    assert asset is not None
    patch = TypeDefPatch(type_def_name="Asset", type_def_guid=asset.guid, apply_to_version=1, update_to_version=2)
    cases = [
        (event(TypeDefEventType.NEW_TYPEDEF_EVENT, type_def=open_type), V.ADDED, V.NOT_LEARNED, V.NOT_LEARNED),
        (event(TypeDefEventType.NEW_TYPEDEF_EVENT, type_def=custom), V.ADDED, V.ADDED, V.NOT_LEARNED),
        (event(TypeDefEventType.NEW_TYPEDEF_EVENT, type_def=asset), V.KNOWN, V.KNOWN, V.KNOWN),
        (section("events/typedef_new_attribute_enum.json"), V.ADDED, V.ADDED, V.NOT_LEARNED),
        (event(TypeDefEventType.UPDATED_TYPEDEF_EVENT, type_def_patch=patch), V.PATCHED, V.NOT_LEARNED, V.NOT_LEARNED),
        (section("events/typedef_deleted.json"), V.UNKNOWN_TYPE, V.UNKNOWN_TYPE, V.NOT_LEARNED),
    ]
    for change, everything, only_custom, nothing in cases:
        found = {learn: apply_type_event(NEW, change, learn)[1].verdict for learn in Learn}
        assert found == {Learn.ALL: everything, Learn.CUSTOM: only_custom, Learn.NONE: nothing}


@pytest.mark.parametrize("file", sorted(path.name for path in (GOLDEN / "egeria-4.2").glob("types_[nu]*.json")))
def test_what_a_released_server_sends_is_understood(file: str) -> None:
    registry, change = apply_type_event(NEW, section(f"egeria-4.2/{file}"))
    assert change.verdict in (V.ADDED, V.KNOWN, V.PATCH_IGNORED, V.PATCHED, V.CONFLICT)
    assert (registry is NEW) == (change.verdict not in (V.ADDED, V.PATCHED))


TEACHING = [event(TypeDefEventType.NEW_TYPEDEF_EVENT, type_def=one) for one in OLD_PACK.type_defs[:40]] + [
    section(f"events/{file}.json") for file in ("typedef_new_entity_def", "typedef_updated", "typedef_new_attribute_enum")
]


@given(st.lists(st.sampled_from(TEACHING), max_size=8))
def test_hearing_the_same_events_again_changes_nothing_more(events: list[TypeDefSection]) -> None:
    """Two runs over the events are what brings a patch that came before its type to bear; a third finds nothing to do."""

    def heard(registry: TypeRegistry) -> TypeRegistry:
        for one in events:
            registry, _ = apply_type_event(registry, one)
        return registry

    settled = heard(heard(TypeRegistry({}, {})))
    assert heard(settled) is settled


def test_every_golden_type_event_has_a_verdict() -> None:
    for path in sorted((GOLDEN / "events").glob("typedef_*.json")):
        assert json.loads(path.read_text())["typeDefEventSection"]
        assert isinstance(apply_type_event(NEW, section(f"events/{path.name}"))[1].verdict, TypeVerdict)
