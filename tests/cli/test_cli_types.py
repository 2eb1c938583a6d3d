"""`cohort-sync types` as it is used."""

import json
import subprocess
from collections.abc import Callable

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
    assert script("types", "list", "--release", "5.0").stderr == "cohort-sync: --release: no open metadata types of release '5.0'; there are 6.1, 4.2\n"
