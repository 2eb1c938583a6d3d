"""`cohort-sync config` as it is used."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

from cohort_sync.config.keys import SECTIONS, fields_of
from cohort_sync.config.settings import Section, SourceSettings

Script = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "cohort-sync.example.toml"


def test_begin_check_show(script: Script, tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    begun = script("config", "init", "--output", str(path), "--name", "retail-proxy", "--cohort", "coco", "--bootstrap-servers", "k1:9092,k2:9092")
    assert begun.returncode == 0, begun.stderr
    assert f"cohort-sync config check --config {path}" in begun.stdout
    checked = script("config", "check", "--config", str(path))
    assert checked.stdout == f"{path}: ok. Member retail-proxy of cohort coco, sources: none.\n"
    answer = json.loads(script("config", "check", "--json", COHORT_SYNC_CONFIG=str(path)).stdout)
    assert answer == {"ok": True, "file": str(path), "member": "retail-proxy", "sources": []}
    shown = script("config", "show", "--config", str(path), "--set", "http.port=0", COHORT_SYNC_KAFKA__SASL_PASSWORD="hunter2")
    values = tomllib.loads(shown.stdout)
    assert values["kafka"]["bootstrap_servers"] == ["k1:9092", "k2:9092"]
    assert values["kafka"]["sasl_password"] == "********"
    assert values["http"]["port"] == 0
    assert "port = 0  # --set http.port" in shown.stdout
    assert "# environment variable COHORT_SYNC_KAFKA__SASL_PASSWORD" in shown.stdout
    assert "hunter2" not in shown.stdout
    assert json.loads(script("config", "show", "--config", str(path), "--json").stdout)["member"]["name"] == "retail-proxy"


def test_no_configuration_at_all_is_one_problem(script: Script) -> None:
    for command in (["config", "check"], ["worker"], ["status"]):
        answer = script(*command)
        assert answer.returncode == 2
        assert answer.stderr == (
            "cohort-sync: there is no configuration: name its file with --config FILE or COHORT_SYNC_CONFIG; "
            "`cohort-sync config init --output FILE` makes a first one\n"
        )
    assert "member.metadata_collection_id: missing" in script("status", COHORT_SYNC_MEMBER__NAME="m").stderr  # all of it may come from there


def test_an_existing_file_is_left_alone(script: Script, tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text("precious")
    answer = script("config", "init", "--output", str(path))
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"cohort-sync: {path} exists and is left alone")
    assert path.read_text() == "precious"
    assert script("config", "init", "--output", str(tmp_path / "no" / "dir.toml")).returncode == 2


def test_a_wrong_configuration_names_file_key_got_and_expected(script: Script, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(
        '[member]\nname = "m"\nmetadata_collection_id = "i"\n[cohort]\nname = "c"\n[store]\npath = "x.db"\n[worker]\nbatch_sise = 4\non_gap = "jump"\n'
    )
    for command in (["config", "check"], ["config", "show"], ["worker"], ["status"]):
        answer = script(*command, "--config", str(path))
        assert answer.returncode == 2
        assert answer.stdout == ""
        assert answer.stderr == (
            "cohort-sync: wrong configuration, 2 problems:\n"
            f"  {path}: worker.batch_sise: unknown key; did you mean worker.batch_size?\n"
            f'  {path}: worker.on_gap: got "jump" (text), expected one of "resume", "stop"\n'
        )


def test_mappers_and_archives_are_checked_too(script: Script, tmp_path: Path) -> None:
    (tmp_path / "no.omarchive").write_text("{}")
    path = tmp_path / "m.toml"
    source = '[[sources]]\nname = "{0}"\nmapper = "{1}"\ntopics = ["t"]\noptions = {2}\n'
    path.write_text(
        '[member]\nname = "m"\nmetadata_collection_id = "i"\n[cohort]\nname = "c"\n[store]\npath = "x.db"\n[types]\narchives = ["no.omarchive"]\n'
        + source.format("a", "debezum", "{}")
        + source.format("b", "debezium", '{nonsense = "1"}')
    )
    answer = script("config", "check", "--config", str(path))
    assert answer.returncode == 2
    assert f"types.archives: {tmp_path}/no.omarchive: not an open metadata archive" in answer.stderr
    assert f"{path}: sources.a: no mapper 'debezum' is installed; there are:" in answer.stderr
    assert "Did you mean 'debezium'?" in answer.stderr
    assert "sources.b: mapper 'debezium': " in answer.stderr
    assert "nonsense" in answer.stderr


def test_a_list_of_types_must_be_closed(script: Script, tmp_path: Path) -> None:
    path = tmp_path / "part.toml"
    start = '[member]\nname = "m"\nmetadata_collection_id = "i"\n[cohort]\nname = "c"\n[store]\npath = "x.db"\n[types]\nrelease = "4.2"\n'
    path.write_text(start + 'only = ["OpenMetadataRoot", "Asset"]\n')
    answer = script("config", "check", "--config", str(path))
    assert answer.returncode == 2
    assert "types.only: not closed, add Referenceable (supertype of Asset); or leave out the types that need them" in answer.stderr
    whole = script("config", "check", "--config", str(path), COHORT_SYNC_TYPES__ONLY="OpenMetadataRoot,Referenceable,Asset")
    assert whole.returncode == 0, whole.stderr


def test_the_schema_is_printed_and_written(script: Script, tmp_path: Path) -> None:
    printed = script("config", "schema").stdout
    assert printed == (ROOT / "schemas" / "config.schema.json").read_text()
    assert script("config", "schema", "--output", str(tmp_path / "s.json")).returncode == 0
    assert (tmp_path / "s.json").read_text() == printed


def test_the_example_is_a_configuration(script: Script, tmp_path: Path) -> None:
    answer = script("config", "check", "--config", str(EXAMPLE), "--set", f"store.path={tmp_path}/x.db")
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_example_names_every_key_with_its_default() -> None:
    """A line `# key = value` is a key that is not set; what it shows has to be the default."""
    text = EXAMPLE.read_text()
    given = tomllib.loads(text)
    whole = tomllib.loads(re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    assert "options" in whole["sources"][0]
    tables: list[tuple[str, dict[str, object], dict[str, object], type[Section]]] = [
        *((name, given[name], whole[name], table) for name, table in SECTIONS.items()),
        ("sources", given["sources"][0], whole["sources"][0], SourceSettings),
    ]
    for name, is_given, is_shown, table in tables:
        assert set(is_shown) == set(fields_of(table)), name
        for key, field in fields_of(table).items():
            if key not in is_given:
                value = is_shown[key]
                assert (tuple(value) if isinstance(value, list) else value) == field.default, f"{name}.{key}"
