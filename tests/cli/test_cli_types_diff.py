"""`cohort-sync types diff` as it is used."""

import json
import subprocess
from collections.abc import Callable

Script = Callable[..., subprocess.CompletedProcess[str]]


def test_everything_as_json(script: Script) -> None:
    answer = script("types", "diff", "6.1", "4.2", "--json")
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert (told["source"], told["target"]) == ("6.1", "4.2")
    types = told["types"]
    listed = json.loads(script("types", "list", "--release", "6.1", "--json").stdout)
    only = {one["before"]: one for one in types["onlyInSource"]}
    assert only["RelationalDatabase"]["translation"]["to"] == "Database"
    assert only.keys() <= {row["name"] for row in listed}
    assert {"before": "SecretsCollection", "after": "KeyStoreCollection"}.items() <= next(
        one for one in types["renamed"] if one["before"] == "SecretsCollection"
    ).items()
    changed = {one["before"]: one for one in types["changed"]}
    assert {"aspect": "attribute", "name": "displayName", "before": "string", "after": None, "inherited": False} in changed["Referenceable"]["changes"]
    assert types["same"] > 0
    assert {"aspect": "element", "name": "0", "before": "BIG_ENDIAN", "after": "BigEndian", "inherited": False} in next(
        one for one in told["attributeTypes"]["changed"] if one["before"] == "ByteOrdering"
    )["changes"]


def test_everything_for_people(script: Script) -> None:
    told = script("types", "diff", "6.1", "4.2").stdout
    lines = [line.split() for line in told.splitlines()]
    assert ["RelationalDatabase", "ENTITY_DEF", "Database"] in lines
    assert ["DataGrain", "ENTITY_DEF", "-"] in lines
    assert any(line[:2] == ["SecretsCollection", "KeyStoreCollection"] for line in lines)
    referenceable = next(line for line in told.splitlines() if line.split()[:1] == ["Referenceable"])
    assert "-displayName" in referenceable
    assert "legal" not in referenceable  # it only inherits that


def test_one_type(script: Script) -> None:
    told = script("types", "diff", "6.1", "4.2", "RelationalColumn").stdout
    assert "becomes   RelationalColumn" in told
    rows = [line.split() for line in told.splitlines()]
    assert ["attribute", "precision", "int", "string", "yes", "precision", "as", "text"] in rows
    one = json.loads(script("types", "diff", "6.1", "4.2", "ByteOrdering", "--json").stdout)
    assert (one["before"], one["after"], one["category"]) == ("ByteOrdering", "Endianness", "ENUM_DEF")


def test_the_other_way_round_nothing_is_translated(script: Script) -> None:
    one = json.loads(script("types", "diff", "4.2", "6.1", "Database", "--json").stdout)
    assert one["translation"] is None
    assert "becomes" not in script("types", "diff", "4.2", "6.1").stdout


def test_names_that_are_not_there(script: Script) -> None:
    answer = script("types", "diff", "6.1", "4.2", "RelationalColum")
    assert answer.returncode == 1
    assert answer.stderr.startswith("cohort-sync: there is no type 'RelationalColum' in release 6.1 or 4.2; did you mean RelationalColumn")
    assert script("types", "diff", "6.1", "5.0").stderr == "cohort-sync: OTHER: no open metadata types of release '5.0'; there are 6.1, 4.2\n"
