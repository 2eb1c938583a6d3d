"""The types of a worker: the pack, archives over it, and what was learned over both."""

import json
from pathlib import Path

import msgspec
import pytest

from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.typedefs import EntityDef, EnumDef, EnumElementDef, TypeDefLink
from cohort_sync.store.rows import TypeRow
from cohort_sync.worker.type_system import TypeSystem


def archive(path: Path, *types: dict[str, object]) -> str:
    header = {"archiveGUID": "a1", "archiveName": "Own types", "archiveVersion": "1.0", "archiveType": "CONTENT_PACK"}
    path.write_text(json.dumps({"class": "OpenMetadataArchive", "archiveProperties": header, "archiveTypeStore": {"newTypeDefs": list(types)}}))
    return str(path)


def entity_json(name: str, above: str, guid: str) -> dict[str, object]:
    link = {"guid": guid, "name": above}
    return {"class": "EntityDef", "name": name, "guid": f"guid-of-{name}", "version": 1, "category": "ENTITY_DEF", "superType": link}


def learned(one: EntityDef | EnumDef, kind: str = "typedef") -> TypeRow:
    return TypeRow(str(one.guid), str(one.name), kind, one.version, msgspec.json.encode(one))


ASSET = TypeDefLink(guid="896d14c2-7522-4f6c-8519-757711943fe6", name="Asset")


def test_a_release_alone() -> None:
    types = TypeSystem.load("4.2", [], [])
    assert types.base is types.registry
    assert types.base.release == "4.2"
    assert types.base.type_def("RelationalColumn") is not None


def test_archives_are_part_of_what_we_announce_in_and_learned_types_are_not(tmp_path: Path) -> None:
    path = archive(tmp_path / "own.omarchive", entity_json("Lakehouse", "Asset", str(ASSET.guid)))
    icehouse = EntityDef(guid="g-ice", name="Icehouse", version=1, super_type=TypeDefLink(guid="guid-of-Lakehouse", name="Lakehouse"))
    types = TypeSystem.load("6.1", [path], [learned(icehouse)])
    assert types.base.is_a("Lakehouse", "Asset")
    assert types.base.type_def("Icehouse") is None
    assert types.registry.is_known("g-ice", "Icehouse")
    assert types.registry.is_a("Icehouse", "Asset")


def test_archives_build_on_each_other_in_their_order(tmp_path: Path) -> None:
    first = archive(tmp_path / "first.omarchive", entity_json("Lakehouse", "Asset", str(ASSET.guid)))
    second = archive(tmp_path / "second.omarchive", entity_json("Icehouse", "Lakehouse", "guid-of-Lakehouse"))
    assert TypeSystem.load("6.1", [first, second], []).base.is_a("Icehouse", "Asset")


def test_learned_enums_and_changed_types() -> None:
    enum = EnumDef(guid="g-e", name="Temperature", version=1, element_defs=[EnumElementDef(value="COLD", ordinal=0)])
    old, new = (EntityDef(guid="g-ice", name="Icehouse", version=number, super_type=ASSET) for number in (1, 2))
    types = TypeSystem.load("6.1", [], [learned(enum, "attribute"), learned(old), learned(new)])
    element = types.registry.enum_element("Temperature", "COLD")
    assert element is not None
    assert element.ordinal == 0
    assert types.registry.instance_type("Icehouse").type_def_version == 2


@pytest.mark.parametrize("content", [None, "{}", '{"class":', "\0"])
def test_an_archive_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bad.omarchive"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError) as refusal:
        TypeSystem.load("6.1", [str(path)], [])
    assert str(refusal.value).startswith(f"types.archives: {path} cannot be used as an open metadata archive: ")


def test_only_a_part_of_the_release(tmp_path: Path) -> None:
    path = archive(tmp_path / "own.omarchive", entity_json("Lakehouse", "Asset", str(ASSET.guid)))
    whole = TypeSystem.load("4.2", [], []).base
    learned_table = whole.type_def("DataSet")
    assert isinstance(learned_table, EntityDef)
    types = TypeSystem.load("4.2", [path], [learned(learned_table)], ["Asset", "Referenceable", "OpenMetadataRoot"])
    assert [one.name for one in types.base.types()] == ["OpenMetadataRoot", "Referenceable", "Asset", "Lakehouse"]
    assert types.registry.is_a("DataSet", "Asset")


def test_a_part_that_is_not_closed_names_the_key() -> None:
    with pytest.raises(ConfigurationError, match=r"^types\.only: not closed, add OpenMetadataRoot \(supertype of Referenceable\); or leave out"):
        TypeSystem.load("4.2", [], [], ["Referenceable"])
