"""The type packs: complete, exact, and in one format."""

import json

import msgspec
import pytest

import schemas
from cohort_sync.omrs.enums import TypeDefStatus
from cohort_sync.omrs.type_pack import BadTypePack, decode_pack, encode_pack, retired_types

COUNTS = {"6.1": (50, 620, 205), "4.2": (63, 667, 0)}


@pytest.mark.parametrize("release", schemas.RELEASES)
def test_a_pack_holds_all_types_of_its_release_and_writes_back_the_same_bytes(release: str) -> None:
    data = schemas.read_pack(release)
    pack, retired = decode_pack(data), retired_types(data)
    assert pack.release == release
    assert (len(pack.attribute_type_defs), len(pack.type_defs), len(retired)) == COUNTS[release]
    assert encode_pack(pack, retired) == data


@pytest.mark.parametrize("release", schemas.RELEASES)
def test_every_type_comes_after_its_supertype(release: str) -> None:
    seen: set[str | None] = set()
    for type_def in decode_pack(schemas.read_pack(release)).type_defs:
        assert type_def.super_type is None or type_def.super_type.name in seen, type_def.name
        seen.add(type_def.name)


def test_a_pack_has_one_bean_a_line() -> None:
    lines = schemas.read_pack("4.2").decode().splitlines()
    beans = [json.loads(line.rstrip(",")) for line in lines if line.startswith('{"')]
    assert len(beans) == sum(COUNTS["4.2"])


def test_the_newest_types_have_their_patches_and_their_descriptions() -> None:
    types = {one.name: one for one in decode_pack(schemas.read_pack("6.1")).type_defs}
    root = types["OpenMetadataRoot"]
    assert (root.guid, root.version, root.version_name) == ("4e7761e8-3969-4627-8f40-bfe3cde85a1d", 2, "6.1-SNAPSHOT")
    assert [one.attribute_name for one in root.properties_definition or []] == ["legal"]
    assert root.description == "Common root for all open metadata entity types."
    assert types["TeamLeader"].status is TypeDefStatus.DEPRECATED_TYPEDEF


def test_the_older_types_have_times_as_numbers() -> None:
    types = {one.name: one for one in decode_pack(schemas.read_pack("4.2")).type_defs}
    assert types["ZoneGovernance"].create_time == 1577886131090


def test_retired_types_stand_apart_even_where_a_current_type_has_their_name() -> None:
    data = schemas.read_pack("6.1")
    current = {one.name: one.guid for one in decode_pack(data).type_defs}
    retired = {one.type_def.name: one for one in retired_types(data)}
    assert retired["ActionAssignment"].removed_in == "5.4"
    assert current["CloudProvider"] != retired["CloudProvider"].type_def.guid


def test_an_unknown_release_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"release '5\.0'; there are 6\.1, 4\.2"):
        schemas.read_pack("5.0")
    with pytest.raises(ValueError, match=r"from release '4\.2' to '6\.1'; there is 6\.1 to 4\.2"):
        schemas.read_translation("4.2", "6.1")


def test_the_translation_table_is_the_one_of_its_name() -> None:
    table = msgspec.json.decode(schemas.read_translation("6.1", "4.2"))
    assert (table["from"], table["to"]) == ("6.1", "4.2")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"release":"6.1"}', b'{"release":"x","attributeTypeDefs":[{}],"typeDefs":[]}'])
def test_a_file_that_is_no_pack_is_refused_with_the_form_it_should_have(data: bytes) -> None:
    with pytest.raises(BadTypePack, match='expected an object with "release", "attributeTypeDefs" and "typeDefs"'):
        decode_pack(data)
