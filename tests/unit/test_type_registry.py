"""What the registry answers about the open metadata types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from cohort_sync.omrs.enums import TypeDefCategory
from cohort_sync.omrs.primitive_values import BadPropertyValue
from cohort_sync.omrs.type_pack import BadTypePack
from cohort_sync.omrs.type_registry import TypeRegistry, UnknownType
from cohort_sync.omrs.typedefs import EntityDef, TypeDefLink

NEW = TypeRegistry.from_pack(schemas.read_pack("6.1"))
OLD = TypeRegistry.from_pack(schemas.read_pack("4.2"))
ASSET = "896d14c2-7522-4f6c-8519-757711943fe6"


@pytest.mark.parametrize("registry", [NEW, OLD], ids=["6.1", "4.2"])
def test_every_type_of_a_pack_is_known_by_name_and_guid_together(registry: TypeRegistry) -> None:
    for one in registry.types():
        assert registry.is_known(one.guid, one.name)
        assert not registry.is_known(one.guid, f"{one.name}x")
        assert not registry.is_known("x", one.name)
        assert registry.type_def(one.name) == one
        assert registry.type_def_by_guid(one.guid) == one
    for attribute_type in registry.attribute_types():
        assert registry.attribute_type(attribute_type.name) == attribute_type
        assert registry.attribute_type_by_guid(attribute_type.guid) == attribute_type


def test_nothing_is_known_by_null() -> None:
    assert not NEW.is_known(None, "Asset")
    assert not NEW.is_known(ASSET, None)
    assert NEW.type_def(None) is None
    assert NEW.type_def_by_guid(None) is None
    assert NEW.attribute_type(None) is None
    assert NEW.attribute_type_by_guid(None) is None


def test_inheritance_goes_up_and_down() -> None:
    assert NEW.supertypes("RelationalTable") == (
        "SchemaAttribute",
        "SchemaElement",
        "AuthoredReferenceable",
        "Referenceable",
        "OpenMetadataRoot",
    )
    assert "RelationalTable" in NEW.subtypes("Referenceable")
    assert "Referenceable" not in NEW.subtypes("Referenceable")
    assert NEW.is_a("RelationalTable", "SchemaElement")
    assert NEW.is_a("Asset", "Asset")
    assert not NEW.is_a("SchemaElement", "RelationalTable")
    assert not NEW.is_a("NoSuchType", "NoSuchType")


@given(st.sampled_from([str(one.name) for one in NEW.types()]))
def test_down_is_the_inverse_of_up_and_attributes_are_inherited(name: str) -> None:
    for above in NEW.supertypes(name):
        assert name in NEW.subtypes(above)
        assert NEW.attributes(above).keys() <= NEW.attributes(name).keys()
    for below in NEW.subtypes(name):
        assert name in NEW.supertypes(below)
    assert set(NEW.unique_attributes(name)) == {key for key, one in NEW.attributes(name).items() if one.unique}


def test_attributes_are_the_own_ones_and_then_the_inherited_ones() -> None:
    names = list(NEW.attributes("RelationalColumn"))
    assert names.index("isNullable") < names.index("contentStatus") < names.index("qualifiedName") < names.index("legal")
    assert NEW.attribute("RelationalColumn", "qualifiedName") == NEW.attribute("Referenceable", "qualifiedName")
    assert NEW.attribute("RelationalColumn", "nonsense") is None
    assert NEW.unique_attributes("RelationalColumn") == ("qualifiedName",)
    assert NEW.unique_attributes("ForeignKey") == ()


def test_types_can_be_listed_by_category() -> None:
    counts = {category: len(list(NEW.types(category))) for category in (None, *TypeDefCategory)}
    assert counts[None] == 620
    assert counts[TypeDefCategory.ENTITY_DEF] == 340
    assert counts[TypeDefCategory.RELATIONSHIP_DEF] == 196
    assert counts[TypeDefCategory.CLASSIFICATION_DEF] == 84
    gallery = NEW.gallery()
    assert (len(gallery.type_defs or []), len(gallery.attribute_type_defs or [])) == (620, 50)
    assert TypeRegistry({}, {}).gallery().type_defs is None


def test_an_instance_carries_category_guid_name_and_version_of_its_type() -> None:
    found = NEW.instance_type("OpenMetadataRoot")
    assert (found.type_def_category, found.type_def_guid, found.type_def_name, found.type_def_version) == (
        TypeDefCategory.ENTITY_DEF,
        "4e7761e8-3969-4627-8f40-bfe3cde85a1d",
        "OpenMetadataRoot",
        2,
    )
    assert NEW.instance_type("ForeignKey").type_def_category is TypeDefCategory.RELATIONSHIP_DEF
    assert NEW.instance_type("Ownership").type_def_category is TypeDefCategory.CLASSIFICATION_DEF


def test_a_classification_stands_on_its_valid_types_and_their_subtypes() -> None:
    assert NEW.can_classify("PrimaryKey", "RelationalColumn")
    assert not NEW.can_classify("PrimaryKey", "RelationalDatabase")
    assert "RelationalColumn" in NEW.valid_entity_types("PrimaryKey")
    assert all(NEW.can_classify("PrimaryKey", name) for name in NEW.valid_entity_types("PrimaryKey"))


def test_a_classification_without_valid_types_stands_on_any_entity() -> None:
    free = next(one for one in NEW.types(TypeDefCategory.CLASSIFICATION_DEF) if one.name == "PrimaryKey")
    registry = NEW.with_type(type(free)(guid="g", name="Free"))
    assert registry.can_classify("Free", "RelationalDatabase")
    assert len(registry.valid_entity_types("Free")) == 340


def test_ends_take_their_type_and_its_subtypes() -> None:
    one, two = NEW.ends("ForeignKey")
    assert (one.attribute_name, two.attribute_name) == ("primaryKey", "foreignKey")
    assert NEW.end_accepts("ForeignKey", 1, "RelationalColumn")
    assert NEW.end_accepts("ForeignKey", 2, "RelationalColumn")
    assert not NEW.end_accepts("ForeignKey", 1, "RelationalDatabase")
    assert not NEW.end_accepts("ForeignKey", 1, "NoSuchType")


def test_enum_elements_are_found_by_name_and_by_ordinal() -> None:
    by_name = NEW.enum_element("ActivityStatus", "COMPLETED")
    assert by_name is not None
    assert by_name.ordinal == 10
    assert NEW.enum_element("ActivityStatus", 10) == by_name
    assert NEW.enum_element("ActivityStatus", "Completed") is None
    with pytest.raises(UnknownType, match="no enum 'string' among the known types"):
        NEW.enum_element("string", 1)


def test_properties_are_made_by_the_definitions_of_the_type() -> None:
    made = NEW.properties("RelationalColumn", {"qualifiedName": "q", "length": 3}, effective_from=5)
    assert made is not None
    assert made.effective_from_time == 5
    assert [(name, value.type_name) for name, value in (made.instance_properties or {}).items()] == [
        ("qualifiedName", "string"),
        ("length", "int"),
    ]
    assert NEW.properties("RelationalColumn", {}) is None
    with pytest.raises(BadPropertyValue, match=r"RelationalColumn\.length: got str '3', expected int"):
        NEW.properties("RelationalColumn", {"length": "3"})
    with pytest.raises(UnknownType, match=r"type RelationalColumn has no attribute 'lenght'; did you mean length"):
        NEW.properties("RelationalColumn", {"lenght": 3})


def test_an_unknown_type_is_told_with_the_nearest_names() -> None:
    for ask in (NEW.supertypes, NEW.subtypes, NEW.attributes, NEW.instance_type, NEW.missing_supertype, NEW.entity_def):
        with pytest.raises(UnknownType, match="'RelationalTabel' among the known types; did you mean RelationalTable"):
            ask("RelationalTabel")
    with pytest.raises(UnknownType, match="no entity type 'ForeignKey'"):
        NEW.entity_def("ForeignKey")
    with pytest.raises(UnknownType, match="no relationship type 'Asset'"):
        NEW.ends("Asset")
    with pytest.raises(UnknownType, match="no classification type 'Asset'"):
        NEW.can_classify("Asset", "Asset")


def test_a_change_makes_a_new_registry_and_leaves_the_old_one() -> None:
    extra = EntityDef(guid="g", name="Extra", super_type=TypeDefLink(name="Asset", guid=ASSET))
    assert NEW.subtypes("Asset")
    changed = NEW.with_type(extra)
    assert "Extra" in changed.subtypes("Asset")
    assert changed.unique_attributes("Extra") == ("qualifiedName",)
    assert NEW.type_def("Extra") is None
    assert "Extra" not in NEW.subtypes("Asset")
    assert changed.without("Extra").type_def("Extra") is None


def test_a_type_is_unknown_to_instances_until_its_whole_chain_is_there() -> None:
    child = EntityDef(guid="c", name="Child", super_type=TypeDefLink(name="Parent", guid="p"))
    parent = EntityDef(guid="p", name="Parent", super_type=TypeDefLink(name="Asset", guid=ASSET))
    waiting = NEW.with_type(child)
    assert not waiting.is_known("c", "Child")
    assert waiting.missing_supertype("Child") == "Parent"
    assert waiting.with_type(parent).is_known("c", "Child")


def test_a_link_finds_a_renamed_type_by_its_guid() -> None:
    link = TypeDefLink(name="AssetAsItWasCalled", guid=ASSET)
    child = EntityDef(guid="c", name="Child", super_type=link)
    assert NEW.linked(link) == NEW.type_def("Asset")
    assert NEW.linked(TypeDefLink()) is None
    assert NEW.with_type(child).supertypes("Child")[0] == "Asset"


def test_types_that_are_their_own_ancestors_end_somewhere_and_are_not_known() -> None:
    one = EntityDef(guid="1", name="One", super_type=TypeDefLink(name="Two", guid="2"))
    two = EntityDef(guid="2", name="Two", super_type=TypeDefLink(name="One", guid="1"))
    registry = TypeRegistry({"One": one, "Two": two}, {})
    assert registry.supertypes("One") == ("Two",)
    assert not registry.is_known("1", "One")


def test_two_types_with_one_guid_are_known_each_by_its_name() -> None:
    registry = NEW.with_type(EntityDef(guid=ASSET, name="OldAsset"))
    assert registry.is_known(ASSET, "OldAsset")
    assert registry.is_known(ASSET, "Asset")
    assert registry.type_def_by_guid(ASSET) == NEW.type_def("Asset")


def test_a_pack_with_a_nameless_type_is_refused() -> None:
    with pytest.raises(BadTypePack, match="a type has the name None and the GUID 'g'; expected both"):
        TypeRegistry.from_pack(b'{"release":"x","attributeTypeDefs":[],"typeDefs":[{"class":"EntityDef","guid":"g"}]}')
