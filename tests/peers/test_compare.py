"""The comparison that the scenarios rest on: it must see every difference of value and none of form."""

import copy

import pytest

from .compare import Difference, all_differences, assert_same, by_guid, differences, milliseconds
from .omrs_json import JsonObject, properties


def _entity() -> JsonObject:
    return {
        "class": "EntityDetail",
        "headerVersion": 1,
        "guid": "g1",
        "type": {"class": "InstanceType", "typeDefName": "Database", "typeDefVersion": 2},
        "createTime": 1_795_557_472_868,
        "maintainedBy": ["a", "b"],
        "version": 2,
        "properties": properties({"name": "one", "extra": {"a": "b"}, "size": 5}),
        "classifications": [
            {"name": "Anchors", "version": 1, "properties": properties({"anchorGUID": "g0"})},
            {"name": "Confidentiality", "version": 1},
        ],
    }


def test_forms_of_one_value_are_equal() -> None:
    ours, theirs = _entity(), _entity()
    theirs["createTime"] = "2026-11-24T21:57:52.868+00:00"
    ours["createTime"] = milliseconds(theirs["createTime"])
    theirs["maintainedBy"].reverse()
    theirs["classifications"].reverse()
    theirs["classifications"][0]["properties"] = properties({})
    theirs["replicatedBy"] = None
    theirs["mappingProperties"] = {}
    assert differences(ours, theirs) == []


def test_an_offset_is_part_of_a_date() -> None:
    assert milliseconds("2026-11-24T22:57:52.868+01:00") == milliseconds("2026-11-24T21:57:52.868Z")
    with pytest.raises(ValueError, match="no offset"):
        milliseconds("2026-11-24T21:57:52.868")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("version", lambda entity: entity.update(version=3)),
        ("createTime", lambda entity: entity.update(createTime=entity["createTime"] + 1)),
        ("maintainedBy", lambda entity: entity["maintainedBy"].append("c")),
        ("type.typeDefVersion", lambda entity: entity["type"].update(typeDefVersion=1)),
        ("replicatedBy", lambda entity: entity.update(replicatedBy="somebody")),
        ("classifications.Confidentiality", lambda entity: entity["classifications"].pop()),
        ("classifications.Anchors.version", lambda entity: entity["classifications"][0].update(version=2)),
        ("properties.instanceProperties.name", lambda entity: entity["properties"]["instanceProperties"].pop("name")),
        (
            "properties.instanceProperties.name.primitiveValue",
            lambda entity: entity["properties"]["instanceProperties"]["name"].update(primitiveValue="One"),
        ),
        (
            "properties.instanceProperties.size.primitiveValue",
            lambda entity: entity["properties"]["instanceProperties"]["size"].update(primitiveValue=6),
        ),
        (
            "properties.instanceProperties.extra.mapValues.instanceProperties.a.primitiveValue",
            lambda entity: entity["properties"]["instanceProperties"]["extra"].update(mapValues=properties({"a": "c"})),
        ),
    ],
)
def test_every_other_difference_is_told_with_its_path(path: str, change) -> None:
    theirs = _entity()
    change(theirs)
    found = differences(_entity(), theirs)
    assert [difference.path for difference in found] == [path]
    assert all(difference.guid == "g1" for difference in found)
    assert differences(_entity(), theirs, ignore=(path,)) == []


def test_missing_and_surplus_instances_are_differences() -> None:
    one = _entity()
    other = copy.deepcopy(one) | {"guid": "g2"}
    assert all_differences({"g1": one}, {"g2": other}) == [
        Difference("g1", "", "a Database", None),
        Difference("g2", "", None, "a Database"),
    ]
    with pytest.raises(ValueError, match="g1 is there twice"):
        by_guid([one, one])


def test_the_report_is_for_a_reader() -> None:
    ours = {f"g{number}": _entity() | {"guid": f"g{number}"} for number in range(5)}
    theirs = copy.deepcopy(ours)
    for entity in theirs.values():
        entity["version"] = 7
    assert_same(ours, theirs, ignore=("version",))
    with pytest.raises(AssertionError) as caught:
        assert_same(ours, theirs, limit=2)
    assert str(caught.value).splitlines() == [
        "5 differences in 5 of 5 instances:",
        "  g0 version: ours 2, theirs 7",
        "  g1 version: ours 2, theirs 7",
        "  ... and 3 more",
    ]
