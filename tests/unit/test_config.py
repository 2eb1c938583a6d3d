"""Configuration: layers, messages, masking, schema."""

import json
import tomllib
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort_sync.config import Settings, as_document, as_toml, exchange_filter, first_file, json_schema, load, load_settings, schema_text, secret_values
from cohort_sync.config.keys import MASK, SECTIONS, expected, fields_of
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.exchange import ExchangeFilter

DIRECTIONS: tuple[Literal["send", "process", "save"], ...] = ("send", "process", "save")
MINIMAL = """\
[member]
name = "retail-proxy"
metadata_collection_id = "3f0b1c9e-7a51-4f0a-9a53-1de2c4a6b001"
[cohort]
name = "coco"
[store]
path = "retail.db"
"""
SOURCE = """\
[[sources]]
name = "retail"
mapper = "debezium"
topics = ["retail"]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cohort-sync.toml"
    path.write_text(text)
    return path


def refused(path: Path | None, *, environ: dict[str, str] | None = None, overrides: tuple[str, ...] = ()) -> list[str]:
    """The lines of the error that loading ends with."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, environ=environ or {}, overrides=overrides)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


# ---------------------------------------------------------------- what is accepted


def test_a_minimal_file_is_completed_by_rule(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, MINIMAL + SOURCE), environ={})
    assert settings.member.metadata_collection_name == "retail-proxy"
    assert settings.sources[0].group == "cohort-sync.retail-proxy.retail"
    assert settings.kafka.bootstrap_servers == ("127.0.0.1:9092",)
    assert settings.cohort.events_to_save == "ALL"


def test_later_layers_win(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "[worker]\nbatch_size = 1\ndrain_seconds = 1\non_gap = 'resume'\n")
    environ = {"COHORT_SYNC_WORKER__BATCH_SIZE": "2", "COHORT_SYNC_WORKER__DRAIN_SECONDS": "2.5", "OTHER": "x"}
    loaded = load(path, environ=environ, overrides=["worker.batch_size=3"])
    assert (loaded.settings.worker.batch_size, loaded.settings.worker.drain_seconds, loaded.settings.worker.on_gap) == (3, 2.5, "resume")
    assert loaded.origins["worker.batch_size"] == "--set worker.batch_size"
    assert loaded.origins["worker.drain_seconds"] == "environment variable COHORT_SYNC_WORKER__DRAIN_SECONDS"
    assert loaded.origins["worker.on_gap"] == str(path)
    assert "worker.parked_seconds" not in loaded.origins


def test_the_environment_alone_is_enough(tmp_path: Path) -> None:
    environ = {
        "COHORT_SYNC_MEMBER__NAME": "m",
        "COHORT_SYNC_MEMBER__METADATA_COLLECTION_ID": "m-id",
        "COHORT_SYNC_COHORT__NAME": "c",
        "COHORT_SYNC_STORE__PATH": str(tmp_path / "x.db"),
    }
    assert load_settings(None, environ=environ).member.name == "m"


@pytest.mark.parametrize(("section", "key"), [(section, key) for section, table in SECTIONS.items() for key in fields_of(table)])
def test_every_key_is_set_by_the_environment_and_by_set(tmp_path: Path, section: str, key: str) -> None:
    given_text = {
        "max_event_bytes": "20000",
        "bootstrap_servers": "a:1,b:2",
        "release": "4.2",
        "connection": "auto",
        "max_consecutive_dead_letters": "21",
        "max_body_bytes": "20000",
    }
    description = expected(SECTIONS[section], key)
    if key in given_text:
        text = given_text[key]
    elif description.startswith("one of"):
        text = [word for word in description.removeprefix("one of ").replace('"', "").split(", ") if word][-1]
    else:
        text = {"true or false": "true", "a whole": "7", "a number": "7"}.get(
            description if description == "true or false" else " ".join(description.split()[:2]), "word"
        )
    name = f"COHORT_SYNC_{section}__{key}".upper()
    by_environment = load_settings(write(tmp_path, MINIMAL), environ={name: text}, complete=False)
    by_flag = load_settings(write(tmp_path, MINIMAL), environ={}, overrides=[f"{section}.{key}={text}"], complete=False)
    assert by_environment == by_flag
    value = getattr(getattr(by_flag, section), key)
    shown = (
        ",".join(value)
        if isinstance(value, tuple)
        else str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
    assert shown in (text, str(Path.cwd() / text))


def test_lists_may_be_given_as_toml_or_with_commas(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + SOURCE)
    for text in ('["a", "b,c"]', "[ 'a','b,c' ]"):
        assert load_settings(path, environ={}, overrides=[f"sources.retail.topics={text}"]).sources[0].topics == ("a", "b,c")
    assert load_settings(path, environ={}, overrides=["sources.0.topics= a , b "]).sources[0].topics == ("a", "b")


def test_a_source_is_named_by_its_name_or_number(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + SOURCE.replace('"retail"\nmapper', '"Retail-eu.1"\nmapper'))
    settings = load_settings(
        path, environ={"COHORT_SYNC_SOURCES__RETAIL_EU_1__OPTIONS__SERVER": "x"}, overrides=["sources.0.options.a.b=y", "sources.0.group=g"]
    )
    assert settings.sources[0].options == {"server": "x", "a.b": "y"}
    assert settings.sources[0].group == "g"


def test_relative_paths_start_at_the_file_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "types.omarchive").write_text("{}")
    path = write(tmp_path, MINIMAL + '[types]\narchives = ["types.omarchive"]\n')
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = load_settings(path, environ={})
    assert settings.store.path == str(tmp_path / "retail.db")
    assert settings.types.archives == (str(tmp_path / "types.omarchive"),)
    assert load_settings(path, environ={}, overrides=["store.path=own.db"]).store.path == str(tmp_path / "elsewhere" / "own.db")


@pytest.mark.parametrize("direction", ["send", "process", "save"])
def test_each_direction_has_the_rule_and_the_lists_that_it_was_given(tmp_path: Path, direction: Literal["send", "process", "save"]) -> None:
    path = write(tmp_path, MINIMAL)
    assert exchange_filter(load_settings(path, environ={}).cohort, direction) == ExchangeFilter()
    selected = load_settings(
        path, environ={}, overrides=[f"cohort.events_to_{direction}=SELECTED_TYPES", f"cohort.selected_types_to_{direction}=Asset,Database"]
    )
    rule = exchange_filter(selected.cohort, direction)
    assert (rule.type_passes("g", "Asset"), rule.type_passes("g", "GlossaryTerm")) == (True, False)
    assert all(exchange_filter(selected.cohort, other) == ExchangeFilter() for other in DIRECTIONS if other != direction)
    zoned = load_settings(path, environ={}, overrides=[f"cohort.events_to_{direction}=GOVERNANCE_ZONES", f"cohort.excluded_zones_to_{direction}=local-only"])
    rule = exchange_filter(zoned.cohort, direction)
    assert (rule.zones_pass(None), rule.zones_pass(frozenset({"local-only"})), rule.zones_pass(frozenset({"x"}))) == (True, False, True)
    included = load_settings(path, environ={}, overrides=["cohort.zones_always=true", f"cohort.included_zones_to_{direction}=x"])
    rule = exchange_filter(included.cohort, direction)
    assert (rule.zones_pass(None), rule.zones_pass(frozenset({"x"})), rule.zones_pass(frozenset({"y"}))) == (False, True, False)
    assert all(exchange_filter(included.cohort, other).everything_passes for other in DIRECTIONS if other != direction)


# ---------------------------------------------------------------- what is refused, and how it is told


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[member]\nnam = "x"\nmetadata_collection_id = 5\n[kafka]\nbootstrap_server = ["x"]\npath = 3\n[store]\npath = "a.db"\n[worker]\nbatch_size = "many"\n'
        '[workers]\na = 1\n[[sources]]\nname = "a b"\nmapper = "m"\ntopic = ["x"]\n[sources.options]\nx = 1\n',
    )
    lines = refused(path, environ={"COHORT_SYNC_HTTP__PORT": "70000"}, overrides=("http.hst=::", "log.level=loud"))
    assert lines[0] == f"wrong configuration, {len(lines) - 1} problems:"
    assert set(lines[1:]) == {
        f"  {path}: member.nam: unknown key; did you mean member.name?",
        f"  {path}: member.name: missing, expected text that is not empty",
        f"  {path}: member.metadata_collection_id: got 5 (whole number), expected text that is not empty",
        f"  {path}: cohort.name: missing, expected a name of letters, digits, '.', '_' and '-'",
        f"  {path}: kafka.bootstrap_server: unknown key; did you mean kafka.bootstrap_servers?",
        f"  {path}: kafka.path: unknown key; did you mean store.path?",
        f"  {path}: workers: unknown table; did you mean [worker]?",
        f'  {path}: worker.batch_size: got "many" (text), expected a whole number from 1 to 10000',
        f"  {path}: sources.a b.topic: unknown key; did you mean sources.a b.topics?",
        f"""  {path}: sources.a b.name: got "a b" (text), expected a name of letters, digits, '.', '_' and '-'""",
        f"  {path}: sources.a b.options.x: got 1 (whole number), expected text; put it in quotes",
        '  environment variable COHORT_SYNC_HTTP__PORT: http.port: got "70000" (text), expected a whole number from 0 to 65535',
        "  --set http.hst: http.hst: unknown key; did you mean http.host?",
        '  --set log.level: log.level: got "loud" (text), expected one of "debug", "error", "info", "warning"',
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file; `cohort-sync config init --output {path}` makes one"),
        (b"[member\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1, column 8)"),
        (b"[member]\nname = '\xff'\n", "is not UTF-8 text (byte 17), expected a TOML file"),
        (b"member = 3\n", "member: got 3 (whole number), expected a table: [member]"),
        (b"sources = 3\n", "sources: got 3 (whole number), expected a list of tables: [[sources]]"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    assert any(f"{path}: {message.format(path=path)}" in line for line in refused(path))


def test_a_directory_instead_of_a_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            "[kafka]\nsecurity_protocol = 'SASL_SSL'\nsasl_mechanism = 'PLAIN'\nsasl_username = 'u'",
            "kafka.sasl_password: is empty, expected a value because security_protocol is SASL_SSL",
        ),
        (
            "[kafka]\nsasl_mechanism = 'PLAIN'",
            "kafka.security_protocol: is PLAINTEXT but sasl_ keys are set; expected SASL_SSL or SASL_PLAINTEXT, or no sasl_ keys",
        ),
        ("[kafka]\nsecurity_protocol = 'SSL'\nssl_certfile = 'cohort-sync.toml'", "kafka.ssl_keyfile: is empty, expected a file because ssl_certfile is set"),
        (
            "[kafka]\nssl_cafile = 'cohort-sync.toml'",
            "kafka.security_protocol: is PLAINTEXT but certificates are set; expected SSL or SASL_SSL, or no ssl_cafile and ssl_certfile",
        ),
        ("[kafka]\nsecurity_protocol = 'SSL'\nssl_cafile = '/nowhere/ca.pem'", "kafka.ssl_cafile: /nowhere/ca.pem is not there, expected a file"),
        ("[types]\narchives = ['/nowhere/a.omarchive']", "types.archives: /nowhere/a.omarchive is not there, expected a file"),
        ("[registration]\nconnection = 'plain'", 'registration.address: got "", expected a URL (http:// or https://) because connection is "plain"'),
        ("[worker]\nrecovering = true\nfresh_id = true", "worker.fresh_id: excludes worker.recovering; expected at most one of them to be true"),
        (SOURCE + SOURCE, "sources.retail.name: is used by 2 sources, expected a name of its own for each"),
        (
            SOURCE + "group = 'g'\n" + SOURCE.replace('name = "retail"', 'name = "other"\ngroup = "g"'),
            'sources.other.group: "g" is used by several sources, expected a group of its own for each',
        ),
        (SOURCE + "topic_pattern = 'a.*'", "sources.retail.topic_pattern: excludes topics; expected only one of them"),
        (SOURCE.replace("topics", "#"), "sources.retail.topics: is empty, expected topic names (or topic_pattern)"),
        (
            SOURCE.replace('topics = ["retail"]', "topic_pattern = '('"),
            'sources.retail.topic_pattern: got "(", expected a regular expression: missing ), unterminated subpattern at position 0',
        ),
    ],
)
def test_keys_that_do_not_go_together(tmp_path: Path, extra: str, message: str) -> None:
    path = write(tmp_path, f"{MINIMAL}{extra}\n")
    assert any(line.endswith(f"{path}: {message}") for line in refused(path)), refused(path)
    # What only a worker needs does not keep an operator from looking into the store.
    assert load_settings(path, environ={}, complete=False).member.name == "retail-proxy"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("cohort.events_to_send=SELECTED_TYPES",), "cohort.selected_types_to_send: is empty, expected types because events_to_send is SELECTED_TYPES"),
        (
            ("cohort.selected_types_to_save=Asset",),
            "cohort.selected_types_to_save: has no effect because events_to_save is ALL; expected SELECTED_TYPES or DESELECTED_TYPES",
        ),
        (
            ("cohort.events_to_process=GOVERNANCE_ZONES",),
            "cohort.included_zones_to_process: is empty, as is excluded_zones_to_process; expected zones because events_to_process is GOVERNANCE_ZONES",
        ),
        (
            ("cohort.excluded_zones_to_save=local-only",),
            "cohort.excluded_zones_to_save: has no effect because events_to_save is ALL; expected GOVERNANCE_ZONES, or zones_always",
        ),
        (("store.path=:memory:",), 'store.path: got ":memory:", expected a file: what a worker has promised must outlive it'),
        (("store.path=/nowhere/x.db",), "store.path: the directory /nowhere is not there; make it, and let the worker's user write to it"),
        (("store.path=/",), "store.path: / is a directory, expected a file"),
    ],
)
def test_values_that_do_not_go_together(tmp_path: Path, overrides: tuple[str, ...], message: str) -> None:
    assert any(line.endswith(message) for line in refused(write(tmp_path, MINIMAL), overrides=overrides))


@pytest.mark.parametrize(
    ("environ", "overrides", "message"),
    [
        ({"COHORT_SYNC_KAFKA_SASL_PASSWORD": "x"}, (), "two underscores between them: COHORT_SYNC_KAFKA__SASL_PASSWORD"),
        ({"COHORT_SYNC_KAFKAS__X": "x"}, (), "kafkas: unknown section; did you mean kafka?"),
        ({"COHORT_SYNC_KAFKA__SASL__PASSWORD": "x"}, (), "got 3 names, expected a section and a key"),
        ({"COHORT_SYNC_SOURCES__NONE__GROUP": "x"}, (), 'there is no source "none"; the file names retail'),
        ({"COHORT_SYNC_SOURCES__RETAIL": "x"}, (), "expected the name of a source and a key, such as sources.retail.group"),
        ({}, ("sources.retail.options=x",), "sources.retail.options: expected the name of an option after it"),
        ({}, ("sources.retail.grup=x",), "sources.retail.grup: unknown key; did you mean sources.retail.group?"),
        ({}, ("kafka.bootstrap_servers",), "got no value, expected section.key=value"),
        ({}, ("kafka.bootstrap_servers=[",), 'got "[" (text), expected a list of host:port with at least one item'),
        ({}, ("kafka.bootstrap_servers=",), "expected a list of host:port with at least one item"),
    ],
)
def test_names_that_lead_nowhere(tmp_path: Path, environ: dict[str, str], overrides: tuple[str, ...], message: str) -> None:
    (line,) = refused(write(tmp_path, MINIMAL + SOURCE), environ=environ, overrides=overrides)
    assert message in line


def test_variables_that_are_none_of_ours_are_left_alone(tmp_path: Path) -> None:
    load_settings(write(tmp_path, MINIMAL), environ={"COHORT_SYNC_CONFIG": "x", "COHORT_SYNC_TEST_CACHE": "y", "COHORT_SYNC": "z", "KAFKA__X": "1"})


# ---------------------------------------------------------------- secrets

SECURE = MINIMAL + (
    "[kafka]\nsecurity_protocol = 'SASL_SSL'\nsasl_mechanism = 'PLAIN'\nsasl_username = 'u'\nsasl_password = 'hunter2'\n"
    + SOURCE
    + "[sources.options]\nregistry_password = 'hunter3'\nserver = 'visible'\n"
)


def test_secrets_are_masked_wherever_settings_are_shown(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, SECURE), environ={"COHORT_SYNC_KAFKA__SSL_KEY_PASSWORD": "hunter4"})
    shown = as_toml(loaded) + json.dumps(as_document(loaded.settings))
    assert "hunter" not in shown
    assert "visible" in shown
    assert tomllib.loads(as_toml(loaded))["kafka"]["sasl_password"] == MASK
    assert secret_values(loaded.settings) == {"hunter2", "hunter3", "hunter4"}


def test_messages_do_not_repeat_secrets(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "[kafka]\nsasl_password = 4711\n" + SOURCE + "[sources.options]\napi_key = 4711\n")
    lines = refused(path)
    assert len(lines) == 3
    assert "4711" not in "\n".join(lines)


# ---------------------------------------------------------------- what is shown is what was loaded


@settings(deadline=None)  # it writes files
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2),
    topics=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=3),
    batch=st.integers(1, 10_000),
    seconds=st.floats(0, 3600),
    receive=st.booleans(),
)
def test_shown_settings_load_to_the_same_settings(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], topics: list[str], batch: int, seconds: float, receive: bool
) -> None:
    tmp_path = tmp_path_factory.getbasetemp()
    base = load_settings(write(tmp_path, MINIMAL + SOURCE), environ={})
    document = msgspec.json.decode(msgspec.json.encode(base))
    document["member"]["organization"] = texts[0]
    document["sources"][0] |= {"topics": topics, "options": {"server": texts[1]}}
    document["worker"] |= {"batch_size": batch, "drain_seconds": seconds}
    document["cohort"]["receive"] = receive
    settings = msgspec.convert(document, Settings)
    loaded = load(write(tmp_path, MINIMAL + SOURCE), environ={})
    shown = tmp_path / "shown.toml"
    shown.write_text(as_toml(type(loaded)(settings, {})), newline="")
    assert load_settings(shown, environ={}) == settings


def test_the_first_file_is_a_configuration(tmp_path: Path) -> None:
    text = first_file(name='a "b"', cohort="coco", bootstrap_servers="a:1, b:2", store=str(tmp_path / "x.db"))
    settings = load_settings(write(tmp_path, text), environ={})
    assert (settings.member.name, settings.kafka.bootstrap_servers) == ('a "b"', ("a:1", "b:2"))
    assert (settings.cohort.topic_root, settings.types.release) == ("", "6.1")
    again = load_settings(
        write(tmp_path, first_file(name="a", cohort="coco", bootstrap_servers="a:1", store="x.db", topic_root="egeria.omag", release="4.2")), environ={}
    )
    assert again.member.metadata_collection_id != settings.member.metadata_collection_id
    assert (again.cohort.topic_root, again.types.release) == ("egeria.omag", "4.2")


# ---------------------------------------------------------------- the schema


def test_the_schema_in_the_tree_is_current() -> None:
    stored = Path(__file__).parents[2] / "schemas" / "config.schema.json"
    assert stored.read_text() == schema_text(), "run `cohort-sync config schema --output schemas/config.schema.json`"


def test_the_schema_describes_every_key_and_marks_secrets() -> None:
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    tables = [definition for name, definition in definitions.items() if name.endswith("Settings") and name != "Settings"]
    assert len(tables) == len(SECTIONS) + 1
    for table in tables:
        assert table["additionalProperties"] is False
        for name, key in table["properties"].items():
            assert key["description"].endswith("."), name
            assert (key.get("writeOnly") is True) == name.endswith(("password", "token"))


def test_beyond_loopback_a_token_or_a_word_is_needed(tmp_path: Path) -> None:
    """The repository services would be open to everybody who reaches them."""
    for allowed in ('host = "127.0.0.1"', 'host = "::1"', 'host = "0.0.0.0"\ntoken = "secret"', 'host = "0.0.0.0"\ninsecure = true'):
        assert load_settings(write(tmp_path, MINIMAL + f"[http]\n{allowed}\n"), environ={}).http.host
    with pytest.raises(ConfigurationError, match=r"http\.token"):
        load_settings(write(tmp_path, MINIMAL + '[http]\nhost = "0.0.0.0"\n'), environ={})
