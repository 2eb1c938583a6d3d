"""Open metadata archives: real ones (cut down) and broken ones."""

import json
from pathlib import Path
from typing import Any

import pytest

import schemas
from cohort_sync.omrs.archive import ArchiveType, BadArchive, OpenMetadataArchive, decode_archive, load_types
from cohort_sync.omrs.enums import TypeDefStatus
from cohort_sync.omrs.property_rules import property_problems
from cohort_sync.omrs.type_changes import TypeVerdict
from cohort_sync.omrs.type_check import type_problems
from cohort_sync.omrs.type_registry import TypeRegistry

ARCHIVES = Path(__file__).parent.parent / "golden" / "archives"
NEW = TypeRegistry.from_pack(schemas.read_pack("6.1"))
V = TypeVerdict


def archive(name: str) -> OpenMetadataArchive:
    return decode_archive((ARCHIVES / f"{name}.omarchive").read_bytes())


def made(**parts: Any) -> OpenMetadataArchive:
    about = {"archiveGUID": "a", "archiveName": "n", "archiveVersion": "1"}
    return decode_archive(json.dumps({"class": "OpenMetadataArchive", "archiveProperties": about, **parts}).encode())


def test_an_archive_of_types_adds_them_once() -> None:
    registry, report = load_types(NEW, archive("CocoTypesArchive"))
    assert (report.guid, report.name) == ("50874908-01f1-47e2-83ea-e571109a946e", "CocoTypes")
    assert report.counts() == {V.ADDED: 4}
    assert [change.name for change in report.changes][:2] == ["BiopsyScope", "BiopsyReport"]
    assert report.rejected() == []
    assert report.waiting(registry) == {}
    assert "qualifiedName" in registry.attributes("BiopsyReport")
    assert type_problems(registry) == []
    again, second = load_types(registry, archive("CocoTypesArchive"))
    assert again is registry
    assert second.counts() == {V.KNOWN: 4}


def test_patches_of_an_archive_come_after_its_types() -> None:
    registry, report = load_types(TypeRegistry({}, {}), archive("OpenMetadataTypes-trimmed"))
    assert set(report.counts()) == {V.ADDED, V.PATCHED}
    for type_def in registry.types():
        assert type_def == NEW.type_def(type_def.name), type_def.name
    for attribute_type in registry.attribute_types():
        assert attribute_type == NEW.attribute_type(attribute_type.name)
    assert registry.entity_def("OpenMetadataRoot").version == 2
    assert registry.entity_def("TeamLeader").status is TypeDefStatus.DEPRECATED_TYPEDEF
    again, second = load_types(registry, archive("OpenMetadataTypes-trimmed"))
    assert again is registry
    assert set(second.counts()) == {V.KNOWN, V.PATCH_IGNORED}


def test_the_types_of_the_release_are_already_there() -> None:
    registry, report = load_types(NEW, archive("OpenMetadataTypes-trimmed"))
    assert registry is NEW
    assert set(report.counts()) == {V.KNOWN, V.PATCH_IGNORED}


def test_an_archive_of_instances_keeps_them_whole_and_its_types_are_known() -> None:
    found = archive("SimpleCatalog-trimmed")
    assert found.archive_properties.archive_type is ArchiveType.CONTENT_PACK
    assert found.archive_properties.depends_on_archives == ["bce3b0a0-662a-4f87-b8dc-844078a11a6e"]
    registry, report = load_types(NEW, found)
    assert registry is NEW
    assert (report.entities, report.relationships, report.classifications) == (4, 2, 0)
    instances = found.archive_instance_store
    assert instances is not None
    for entity in instances.entities or ():
        assert entity.type is not None
        assert NEW.is_known(entity.type.type_def_guid, entity.type.type_def_name)
        assert property_problems(NEW, entity.type.type_def_name or "", entity.properties) == []
    for relationship in instances.relationships or ():
        assert relationship.type is not None
        ends = (relationship.entity_one_proxy, relationship.entity_two_proxy)
        for number, end in enumerate(ends, 1):
            assert end is not None
            assert end.type is not None
            assert NEW.end_accepts(relationship.type.type_def_name or "", number, end.type.type_def_name or "")


def test_types_wait_for_the_archive_that_has_their_supertypes() -> None:
    child = {"class": "EntityDef", "guid": "c", "name": "Child", "superType": {"guid": "p", "name": "Parent"}}
    parent = {"class": "EntityDef", "guid": "p", "name": "Parent"}
    registry, first = load_types(NEW, made(archiveTypeStore={"newTypeDefs": [child]}))
    assert first.waiting(registry) == {"Child": "Parent"}
    registry, second = load_types(registry, made(archiveTypeStore={"newTypeDefs": [parent]}))
    assert first.waiting(registry) == second.waiting(registry) == {}


def test_what_cannot_be_taken_is_reported_and_the_rest_is() -> None:
    store = {
        "attributeTypeDefs": [{"class": "PrimitiveDef", "guid": "x", "name": "string"}],
        "newTypeDefs": [{"class": "EntityDef", "guid": "x", "name": "Asset"}, {"class": "EntityDef", "guid": "g", "name": "Good"}, {"class": "EntityDef"}],
        "typeDefPatches": [{"typeDefGUID": "x", "typeDefName": "Nowhere", "applyToVersion": 1, "updateToVersion": 2}],
    }
    registry, report = load_types(NEW, made(archiveTypeStore=store))
    assert [(change.verdict, change.name) for change in report.rejected()] == [
        (V.CONFLICT, "string"),
        (V.CONFLICT, "Asset"),
        (V.REFUSED, ""),
        (V.UNKNOWN_TYPE, "Nowhere"),
    ]
    assert all(change.reason for change in report.rejected())
    assert registry.is_known("g", "Good")


def test_a_classification_for_an_entity_of_another_archive() -> None:
    extension = {
        "class": "ClassificationEntityExtension",
        "headerVersion": 1,
        "classification": {"class": "Classification", "headerVersion": 1, "version": 1, "name": "Confidentiality"},
        "entityToClassify": {"class": "EntityProxy", "headerVersion": 1, "version": 1, "guid": "e"},
    }
    found = made(archiveInstanceStore={"class": "OpenMetadataArchiveInstanceStore", "classifications": [extension]})
    assert load_types(NEW, found)[1].classifications == 1
    store = found.archive_instance_store
    assert store is not None
    assert store.classifications
    classification, proxy = store.classifications[0].classification, store.classifications[0].entity_to_classify
    assert (classification and classification.name, proxy and proxy.guid) == ("Confidentiality", "e")


def test_the_reading_is_tolerant_where_java_is() -> None:
    about = {"archiveGUID": "a", "archiveType": "NEW_KIND", "creationDate": "2026-06-11T00:00:00.123Z", "unknown": 1, "archiveName": None}
    found = decode_archive(json.dumps({"class": "OpenMetadataArchive", "archiveProperties": about, "archiveTypeStore": None}).encode())
    assert found.archive_properties.archive_type is ArchiveType.UNKNOWN
    assert found.archive_properties.creation_date == 1781136000123


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff", b'{"class":"OpenMetadataArchive"}', b'{"class":"Other","archiveProperties":{}}', b'{"a":' * 5000],
)
def test_what_is_no_archive_is_refused_with_what_was_expected(data: bytes) -> None:
    with pytest.raises(BadArchive, match=r"not an open metadata archive: .*; expected an object of class OpenMetadataArchive"):
        decode_archive(data)
