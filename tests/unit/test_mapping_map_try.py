"""`cohort-sync map try`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cohort_sync.cli.main import cli

SAMPLES = Path(__file__).parent.parent / "golden/samples"
FILE = str(SAMPLES / "debezium-schema-changes.jsonl")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["map", "try", *arguments])


def answered(*arguments: str) -> dict[str, object]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return answer


def test_it_prints_one_object_with_the_expected_results() -> None:
    expected = json.loads((SAMPLES / "expected.json").read_bytes())["files"]["debezium-schema-changes.jsonl"]
    answer = answered("--mapper", "debezium", FILE)
    assert list(answer) == ["outcomes", "entities", "relationships", "classifications", "guids"]
    assert answer["outcomes"] == expected["outcomePerLine"]
    for part in ("entities", "relationships", "classifications"):
        assert answer[part] == expected[part]
    guids = answer["guids"]
    assert isinstance(guids, dict)
    assert expected["guids"].items() <= guids.items()
    assert len(guids) == 80


def test_the_state_is_every_final_instance_as_omrs_json() -> None:
    instances = answered("--mapper", "debezium", "--state", FILE)["instances"]
    assert isinstance(instances, list)
    assert len(instances) == 80 + 78
    assert {one["class"] for one in instances} == {"EntityDetail", "Relationship"}
    assert {one["metadataCollectionId"] for one in instances} == {"3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"}


def test_collection_id_and_settings_can_be_given() -> None:
    one, two = answered("--mapper", "debezium", FILE), answered("--mapper", "debezium", "--collection-id", "any text", "--set", "server=prod", FILE)
    assert one["entities"] != two["entities"] or one["guids"] != two["guids"]
    assert isinstance(two["guids"], dict)
    assert "MySQL Relational Database::prod::shop" in two["guids"]


def test_a_configuration_gives_collection_release_and_options(tmp_path: Path) -> None:
    config = tmp_path / "member.toml"
    config.write_text(
        '[member]\nname = "m"\nmetadata_collection_id = "3f0b1c9e-6a52-4c1e-9a77-5d2f8e4b1a01"\n[cohort]\nname = "c"\n[store]\npath = "x.db"\n'
        '[kafka]\nbootstrap_servers = ["127.0.0.1:1"]\n[types]\nrelease = "4.2"\n'
        '[[sources]]\nname = "one"\nmapper = "debezium"\ntopics = ["a"]\n[sources.options]\nserver = "prod"\n'
        '[[sources]]\nname = "two"\nmapper = "debezium"\ntopics = ["b"]\n'
    )
    answer = answered("--mapper", "debezium", "--config", str(config), "--source", "one", FILE)
    assert isinstance(answer["entities"], dict)
    assert answer["entities"]["Database"] == 2
    assert isinstance(answer["guids"], dict)
    assert "MySQL Relational Database::prod::shop" in answer["guids"]
    several = run("--mapper", "debezium", "--config", str(config), FILE)
    assert several.exit_code == 2
    assert "several sources have mapper 'debezium': one, two; say which with --source NAME" in several.output


def test_for_people_each_record_has_a_line_with_its_reason() -> None:
    result = run("--mapper", "debezium", FILE)
    assert result.exit_code == 0
    assert "$.tableChanges[0].table.columns: Expected `array`, got `str`" in result.output
    assert "48 records" in result.output
    assert "80 qualified names" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--mapper", "hive_metasore", FILE], "no mapper 'hive_metasore' is installed; there are: "),
        (["--mapper", "debezium", "--set", "rowz=1", FILE], "no option 'rowz'; did you mean 'rows'"),
        (["--mapper", "debezium", "--set", "rows", FILE], "--set rows: expected KEY=VALUE"),
        (["--mapper", "debezium", "/no/such/file.jsonl"], "/no/such/file.jsonl: cannot be read: No such file or directory"),
        (["--mapper", "debezium", "--release", "9.9", FILE], "types.release: no open metadata types of release '9.9'"),
        (["--mapper", "debezium", __file__], "line 1: "),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.output
