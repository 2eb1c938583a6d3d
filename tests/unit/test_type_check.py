"""What `types check` finds."""

import msgspec
import pytest

import schemas
from cohort_sync.omrs.enums import CollectionDefCategory, TypeDefCategory
from cohort_sync.omrs.type_check import type_problems
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    ClassificationDef,
    CollectionDef,
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

NEW = TypeRegistry.from_pack(schemas.read_pack("6.1"))
ENTITY, RELATIONSHIP, CLASSIFICATION = TypeDefCategory.ENTITY_DEF, TypeDefCategory.RELATIONSHIP_DEF, TypeDefCategory.CLASSIFICATION_DEF
ROOT = TypeDefLink(name="OpenMetadataRoot", guid="4e7761e8-3969-4627-8f40-bfe3cde85a1d")
GONE = TypeDefLink(name="Gone", guid="x")


@pytest.mark.parametrize("release", schemas.RELEASES)
def test_the_packs_are_consistent(release: str) -> None:
    assert type_problems(TypeRegistry.from_pack(schemas.read_pack(release))) == []


def attribute(name: str, attribute_type: AttributeTypeDef | None) -> TypeDefAttribute:
    return TypeDefAttribute(attribute_name=name, attribute_type=attribute_type)


def entity(**fields: object) -> EntityDef:
    return msgspec.structs.replace(EntityDef(guid="t", name="T", category=ENTITY), **fields)


STRING, INT = NEW.attribute_type("string"), NEW.attribute_type("int")


@pytest.mark.parametrize(
    ("type_def", "problem"),
    [
        (entity(super_type=GONE), "T: its supertype Gone (x) is not known"),
        (
            entity(super_type=TypeDefLink(name=ROOT.name, guid="x")),
            f"T: its supertype OpenMetadataRoot has the GUID x here and {ROOT.guid} by itself",
        ),
        (
            entity(super_type=TypeDefLink(name="ForeignKey", guid=NEW.relationship_def("ForeignKey").guid)),
            "T: its supertype ForeignKey is a RelationshipDef, expected EntityDef",
        ),
        (entity(super_type=TypeDefLink(name="T", guid="t")), "T: is its own supertype by way of T"),
        (entity(category=RELATIONSHIP), "T: is a EntityDef, but its category is RELATIONSHIP_DEF"),
        (entity(category=None), "T: is a EntityDef, but its category is missing"),
        (entity(guid=ROOT.guid), f"OpenMetadataRoot and T have one GUID, {ROOT.guid}"),
        (entity(properties_definition=[attribute("a", None)]), "T: attribute a has no type"),
        (
            entity(properties_definition=[attribute("a", PrimitiveDef(name="text", guid="x"))]),
            "T: attribute a has the type text (x), which is not known",
        ),
        (
            entity(properties_definition=[attribute("a", PrimitiveDef(name="string", guid="x"))]),
            "T: attribute a means the type string as PrimitiveDef x, which is PrimitiveDef b34a64b9-554a-42b1-8f8a-7d5c2339f9c4",
        ),
        (entity(properties_definition=[attribute("a", STRING), attribute("a", STRING)]), "T: attribute a is there twice"),
        (entity(properties_definition=[attribute("", STRING)]), "T: an attribute has no name"),
        (
            entity(super_type=ROOT, properties_definition=[attribute("legal", INT)]),
            "T: attribute legal is int, but a supertype has it as string",
        ),
        (
            ClassificationDef(guid="t", name="T", category=CLASSIFICATION, valid_entity_defs=[GONE]),
            "T: its valid entity type Gone (x) is not known",
        ),
        (
            RelationshipDef(guid="t", name="T", category=RELATIONSHIP, end_def1=RelationshipEndDef(entity_type=ROOT), end_def2=RelationshipEndDef()),
            "T: end 2 has no entity type",
        ),
        (
            RelationshipDef(
                guid="t",
                name="T",
                category=RELATIONSHIP,
                end_def1=RelationshipEndDef(entity_type=GONE),
                end_def2=RelationshipEndDef(entity_type=ROOT),
            ),
            "T: its end 1 Gone (x) is not known",
        ),
    ],
)
def test_what_is_wrong_with_a_type_is_told_once(type_def: TypeDef, problem: str) -> None:
    assert type_problems(NEW.with_type(type_def)) == [problem]


@pytest.mark.parametrize(
    ("attribute_type", "problem"),
    [
        (PrimitiveDef(guid="t", name="T"), "T: has no primitiveDefCategory"),
        (CollectionDef(guid="t", name="T"), "T: has no collectionDefCategory"),
        (
            CollectionDef(guid="t", name="T", collection_def_category=CollectionDefCategory.STRUCT, argument_count=1),
            "T: argumentCount is 1, but 0 argumentTypes are there",
        ),
        (
            CollectionDef(guid="t", name="T", collection_def_category=CollectionDefCategory.MAP),
            "T: is a OM_COLLECTION_MAP of 0 argumentTypes",
        ),
        (EnumDef(guid="t", name="T"), "T: has no elementDefs"),
        (
            EnumDef(guid="t", name="T", element_defs=[EnumElementDef(value="A"), EnumElementDef(value="A", ordinal=1)]),
            "T: two of its elements have one value",
        ),
        (
            EnumDef(guid="t", name="T", element_defs=[EnumElementDef(value="A")], default_value=EnumElementDef(value="B")),
            "T: the default value B is none of its elements",
        ),
    ],
)
def test_what_is_wrong_with_an_attribute_type(attribute_type: AttributeTypeDef, problem: str) -> None:
    assert type_problems(NEW.with_attribute_type(attribute_type)) == [problem]


def test_a_circle_of_supertypes_is_found_from_each_of_its_types() -> None:
    one = entity(name="One", guid="1", super_type=TypeDefLink(name="Two", guid="2"))
    two = entity(name="Two", guid="2", super_type=TypeDefLink(name="One", guid="1"))
    assert type_problems(TypeRegistry({"One": one, "Two": two}, {})) == [
        "One: is its own supertype by way of One",
        "Two: is its own supertype by way of Two",
    ]
