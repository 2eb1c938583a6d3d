"""Makes the files of `schemas/` from their sources. Run it again when a source changes:

    python -m schemas.tools.make_packs --types open-metadata-types.json --archive OpenMetadataTypes.omarchive \
        --types-4.2 types.json --translation translation.json --out schemas

--types        every type of 6.1 and every retired one with its history, as a flat list (no descriptions)
--archive      the 6.1 types archive of Egeria: whole TypeDefs at their first versions, and the patches to them
--types-4.2    the types of a 4.2 server as its REST API gives them, in one object with `release`
--translation  the table from 6.1 to 4.2

The current 6.1 types are the archive's with the patches applied, which keeps descriptions and creation times. They
must agree with --types in everything that both hold; the script refuses to write anything when they do not.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from cohort_sync.omrs.type_pack import RetiredType, TypePack, encode_pack
from cohort_sync.omrs.type_patches import Patched, PatchStale, apply_patch
from cohort_sync.omrs.typedefs import (
    AttributeTypeDef,
    ClassificationDef,
    CollectionDef,
    EnumDef,
    PrimitiveDef,
    RelationshipDef,
    RelationshipEndDef,
    TypeDef,
    TypeDefAttribute,
    TypeDefLink,
    TypeDefPatch,
)

Json = dict[str, Any]
CLASSES = {
    "ENTITY_DEF": "EntityDef",
    "RELATIONSHIP_DEF": "RelationshipDef",
    "CLASSIFICATION_DEF": "ClassificationDef",
    "ENUM_DEF": "EnumDef",
    "COLLECTION": "CollectionDef",
    "PRIMITIVE": "PrimitiveDef",
}


def main() -> None:
    """Reads the sources, checks them against each other and writes the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--types", "--archive", "--types-4.2", "--translation", "--out"):
        parser.add_argument(option, type=Path, required=True, dest=option.strip("-"))
    paths: dict[str, Path] = vars(parser.parse_args())

    flat: list[Json] = json.loads(paths["types"].read_text())
    newest = pack_of_archive("6.1", json.loads(paths["archive"].read_text())["archiveTypeStore"])
    differences = list(disagreements(newest, [item for item in flat if "removedIn" not in item]))
    if differences:
        sys.exit("\n".join(["the 6.1 types archive and the list of types disagree:", *differences]))
    retired = retired_of(flat, newest)
    older = pack_of_server(json.loads(paths["types-4.2"].read_text()))

    out = paths["out"]
    (out / "open-metadata-types-6.1.json").write_bytes(encode_pack(newest, retired))
    (out / "open-metadata-types-4.2.json").write_bytes(encode_pack(older, []))
    (out / "translation-6.1-4.2.json").write_bytes(paths["translation"].read_bytes())
    for pack in (newest, older):
        print(f"{pack.release}: {len(pack.attribute_type_defs)} attribute types, {len(pack.type_defs)} types")
    print(f"retired: {len(retired)}")


def pack_of_archive(release: str, store: Json) -> TypePack:
    """The types of an archive's type store after its patches."""
    types = {type_def.name: type_def for type_def in msgspec.convert(store["newTypeDefs"], list[TypeDef])}
    for patch in msgspec.convert(store.get("typeDefPatches", []), list[TypeDefPatch]):
        result = apply_patch(types[patch.type_def_name], patch)
        if isinstance(result, Patched):
            types[patch.type_def_name] = result.type_def
        elif not isinstance(result, PatchStale):
            sys.exit(f"the archive's own patch cannot be applied: {result.reason}")
    attribute_types = msgspec.convert(store["attributeTypeDefs"], list[AttributeTypeDef])
    return TypePack(release=release, attribute_type_defs=attribute_types, type_defs=supertypes_first(list(types.values())))


def pack_of_server(document: Json) -> TypePack:
    """The types that a server's REST API answered: its times are text."""
    for type_def in document["typeDefs"]:
        for name in ("createTime", "updateTime"):
            if isinstance(type_def.get(name), str):
                type_def[name] = round(datetime.fromisoformat(type_def[name]).timestamp() * 1000)
    pack = msgspec.convert(document, TypePack)
    return msgspec.structs.replace(
        pack,
        attribute_type_defs=sorted(pack.attribute_type_defs, key=lambda one: (str(one.category), str(one.name))),
        type_defs=supertypes_first(sorted(pack.type_defs, key=lambda one: (one.category != "ENTITY_DEF", one.name))),
    )


def supertypes_first(types: list[TypeDef]) -> list[TypeDef]:
    """The types in their order, but each after its supertype: a receiver needs it first."""
    by_name = {type_def.name: type_def for type_def in types}
    placed: dict[str | None, TypeDef] = {}

    def place(type_def: TypeDef) -> None:
        if type_def.super_type and type_def.super_type.name in by_name and type_def.name not in placed:
            place(by_name[type_def.super_type.name])
        placed.setdefault(type_def.name, type_def)

    for type_def in types:
        place(type_def)
    return list(placed.values())


def disagreements(pack: TypePack, flat: list[Json]) -> Iterator[str]:
    """What the list of types says otherwise than the pack, type by type."""
    ours = {one.name: flat_of(one) for one in [*pack.attribute_type_defs, *pack.type_defs]}
    theirs = {item["name"]: {k: v for k, v in item.items() if k not in ("release", "history")} for item in flat}
    for name in sorted(ours.keys() | theirs.keys(), key=str):
        if ours.get(name) != theirs.get(name):
            yield f"{name}: the archive has {ours.get(name)}, the list has {theirs.get(name)}"


def flat_of(one: AttributeTypeDef | TypeDef) -> Json:
    """A type in the form of the flat list."""
    item: Json = {"name": one.name, "guid": one.guid, "category": one.category, "version": one.version}
    match one:
        case PrimitiveDef():
            return item | {"primitiveDefCategory": one.primitive_def_category}
        case CollectionDef():
            return item | {"collectionDefCategory": one.collection_def_category, "argumentTypes": one.argument_types}
        case EnumDef():
            item["elements"] = [{"ordinal": e.ordinal, "value": e.value} for e in one.element_defs or []]
            default = one.default_value.value if one.default_value else None
            return item | ({"defaultValue": default} if default else {})
    item |= {
        "superType": one.super_type.name if one.super_type else None,
        "versionName": one.version_name,
        "statusList": one.valid_instance_status_list,
        "initialStatus": one.initial_status,
        "attributes": [flat_attribute(attribute) for attribute in one.properties_definition or []],
    }
    if one.status != "ACTIVE_TYPEDEF":
        item["status"] = one.status
    if isinstance(one, RelationshipDef):
        ends = [end for end in (one.end_def1, one.end_def2) if end and end.entity_type]
        item["ends"] = [
            {
                "end": number,
                "role": end.attribute_name,
                "type": end.entity_type.name if end.entity_type else None,
                "cardinality": end.attribute_cardinality,
            }
            for number, end in enumerate(ends, 1)
        ]
        item |= {"multiLink": one.multi_link, "propagationRule": one.propagation_rule}
    elif isinstance(one, ClassificationDef):
        item["validEntityDefs"] = [link.name for link in one.valid_entity_defs or []]
        item["propagatable"] = one.propagatable
    return item


def flat_attribute(attribute: TypeDefAttribute) -> Json:
    """An attribute in the form of the flat list."""
    assert attribute.attribute_type is not None
    item: Json = {
        "name": attribute.attribute_name,
        "type": attribute.attribute_type.name,
        "typeGUID": attribute.attribute_type.guid,
        "typeCategory": attribute.attribute_type.category,
        "cardinality": attribute.attribute_cardinality,
    }
    if attribute.unique:
        item["unique"] = True
    if attribute.attribute_status != "ACTIVE_ATTRIBUTE":
        item["status"] = attribute.attribute_status
    if attribute.replaced_by_attribute:
        item["replacedBy"] = attribute.replaced_by_attribute
    return item


def retired_of(flat: list[Json], pack: TypePack) -> list[RetiredType]:
    """The retired types as beans, with what the list knows of them.

    A link goes to the retired type of that name when there is one, else to the current one; where the list does not
    know the name, the link has no GUID. An attribute type that nothing defines has name, GUID and category only.
    """
    attribute_types = {one.name: one for one in pack.attribute_type_defs}
    items = [item for item in flat if "removedIn" in item]
    guids = {one.name: one.guid for one in pack.type_defs} | {item["name"]: item["guid"] for item in items}

    def link(name: str | None) -> TypeDefLink | None:
        return TypeDefLink(name=name, guid=guids.get(name)) if name else None

    def attribute(item: Json) -> TypeDefAttribute:
        category = item["typeCategory"]
        bare = {"class": CLASSES[category], "category": category, "guid": item["typeGUID"], "name": item["type"]}
        return msgspec.convert(
            {
                "attributeName": item["name"],
                "attributeType": msgspec.to_builtins(attribute_types.get(item["type"])) or bare,
                "attributeStatus": item.get("status", "ACTIVE_ATTRIBUTE"),
                "replacedByAttribute": item.get("replacedBy"),
                "attributeCardinality": item["cardinality"],
                "unique": item.get("unique", False),
            },
            TypeDefAttribute,
        )

    def end(item: Json) -> RelationshipEndDef:
        return RelationshipEndDef(entity_type=link(item["type"]), attribute_name=item["role"], attribute_cardinality=item["cardinality"])

    def type_def(item: Json) -> TypeDef:
        bean: TypeDef = msgspec.convert(
            {
                "class": CLASSES[item["category"]],
                "guid": item["guid"],
                "name": item["name"],
                "status": item.get("status", "ACTIVE_TYPEDEF"),
                "version": item["version"],
                "versionName": item["versionName"],
                "category": item["category"],
                "validInstanceStatusList": item["statusList"],
                "initialStatus": item["initialStatus"],
                "propagationRule": item.get("propagationRule"),
                "multiLink": item.get("multiLink", False),
                "propagatable": item.get("propagatable", False),
            },
            TypeDef,
        )
        bean = msgspec.structs.replace(
            bean,
            super_type=link(item["superType"]),
            properties_definition=[attribute(one) for one in item["attributes"]] or None,
        )
        if isinstance(bean, RelationshipDef):
            one, two = item["ends"]
            return msgspec.structs.replace(bean, end_def1=end(one), end_def2=end(two))
        if isinstance(bean, ClassificationDef):
            links = [found for name in item["validEntityDefs"] if (found := link(name))]
            return msgspec.structs.replace(bean, valid_entity_defs=links or None)
        return bean

    return [RetiredType(release=item["release"], removed_in=item["removedIn"], type_def=type_def(item)) for item in items]


if __name__ == "__main__":
    main()
