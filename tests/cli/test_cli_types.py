"""`cohort-sync types` as it is used."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Script = Callable[..., subprocess.CompletedProcess[str]]


def test_the_packs_are_sound(script: Script) -> None:
    answer = script("types", "check")
    assert answer.returncode == 0, answer.stdout
    assert "open metadata types 6.1: 620 types, 50 attribute types: ok" in answer.stdout
    assert "open metadata types 4.2:" in answer.stdout
    counts = json.loads(script("types", "check", "--release", "4.2", "--json").stdout)
    assert list(counts) == ["4.2"]
    assert counts["4.2"]["problems"] == []


def test_list_by_kind_and_supertype(script: Script) -> None:
    entities = json.loads(script("types", "list", "--kind", "entity", "--json").stdout)
    assert {row["category"] for row in entities} == {"ENTITY_DEF"}
    databases = json.loads(script("types", "list", "--under", "Database", "--json").stdout)
    assert {row["name"] for row in databases} >= {"Database", "RelationalDatabase"}
    assert "GlossaryTerm" not in {row["name"] for row in databases}
    attributes = json.loads(script("types", "list", "--kind", "attribute", "--json").stdout)
    assert "map<string,string>" in {row["name"] for row in attributes}
    everything = script("types", "list").stdout
    assert everything.startswith("Open metadata types 6.1: 670")
    assert "0921c83f-b2db-4086-a52c-0d10e52ca078" in everything


def test_show_each_kind(script: Script) -> None:
    entity = script("types", "show", "Asset").stdout
    assert "supertypes         Referenceable, OpenMetadataRoot" in entity
    assert any(line.split()[:4] == ["qualifiedName", "string", "ONE_ONLY", "Referenceable"] for line in entity.splitlines())
    relationship = script("types", "show", "AttachedTag").stdout
    assert "end 2        InformalTag as tags (ANY_NUMBER)" in relationship
    classification = script("types", "show", "Confidentiality", "--release", "4.2").stdout
    assert "stands on    Referenceable" in classification
    assert "b34a64b9-554a-42b1-8f8a-7d5c2339f9c4" in script("types", "show", "string").stdout
    shown = json.loads(script("types", "show", "Database", "--json").stdout)
    assert shown["type"]["name"] == "Database"
    assert shown["supertypes"][0] == "DataStore"
    assert {row["attribute"]["attributeName"]: row["inherited"] for row in shown["attributes"]}["qualifiedName"] is True


def test_names_that_are_not_there(script: Script) -> None:
    answer = script("types", "show", "Databse")
    assert answer.returncode == 1
    assert answer.stderr.startswith("cohort-sync: there is no type 'Databse' in release 6.1; did you mean Database")
    assert "did you mean RelationalTable" in script("types", "show", "nalTable").stderr
    assert script("types", "list", "--release", "5.0").stderr == "cohort-sync: --release: no open metadata types of release '5.0'; there are 6.1, 4.2\n"


# ---------------------------------------------------------------- archives

HEADER = {"archiveGUID": "a1", "archiveName": "Own types", "archiveVersion": "1.0", "archiveType": "CONTENT_PACK"}


def archive(path: Path, *type_defs: dict[str, object], patches: tuple[dict[str, object], ...] = ()) -> Path:
    types = {"newTypeDefs": list(type_defs), "typeDefPatches": list(patches)}
    path.write_text(json.dumps({"class": "OpenMetadataArchive", "archiveProperties": HEADER, "archiveTypeStore": types}))
    return path


def entity(name: str, super_type: str | None, guid: str | None = None) -> dict[str, object]:
    above = {} if super_type is None else {"superType": {"guid": f"guid-of-{super_type}", "name": super_type}}
    return {"class": "EntityDef", "name": name, "guid": guid or f"guid-of-{name}", "version": 1, "category": "ENTITY_DEF", **above}


def test_archives_are_loaded_in_their_order(script: Script, tmp_path: Path) -> None:
    first = archive(tmp_path / "first.omarchive", entity("Lakehouse", "Database"))
    patch: dict[str, object] = {"typeDefGUID": "guid-of-Lakehouse", "typeDefName": "Lakehouse", "applyToVersion": 1, "updateToVersion": 2, "description": "new"}
    second = archive(tmp_path / "second.omarchive", entity("Icehouse", "Lakehouse"), patches=(patch,))
    answer = script("types", "load", str(first), str(second), "--json")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    assert json.loads(answer.stdout)[1] == {
        "file": str(second),
        "guid": "a1",
        "name": "Own types",
        "version": "1.0",
        "types": {"added": 1, "patched": 1},
        "entities": 0,
        "relationships": 0,
        "classifications": 0,
        "problems": [],
    }
    assert script("types", "load", str(first)).stdout == f"{first}: Own types 1.0 (a1): types and patches: 1 added\n"


def test_what_an_archive_lacks_or_contradicts_is_told(script: Script, tmp_path: Path) -> None:
    path = archive(tmp_path / "bad.omarchive", entity("Icehouse", "Lakehouse"), entity("Database", None, guid="another"))
    answer = script("types", "load", str(path))
    assert answer.returncode == 1
    assert "  Icehouse: lacks its supertype Lakehouse\n" in answer.stdout
    assert "  Database: conflict: " in answer.stdout


def test_files_that_are_no_archives(script: Script, tmp_path: Path) -> None:
    path = tmp_path / "no.omarchive"
    assert f"{path}: cannot be read: No such file or directory" in script("types", "load", str(path)).stderr
    path.write_text("{}")
    answer = script("types", "load", str(path))
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"cohort-sync: {path}: not an open metadata archive: ")
