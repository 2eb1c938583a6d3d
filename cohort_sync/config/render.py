"""The settings for people and tools: masked text, masked JSON, the JSON Schema, and a first configuration file."""

import json
from collections.abc import Iterator, Mapping
from typing import cast
from uuid import uuid4

import msgspec

from cohort_sync.config.keys import MASK, SECTIONS, SOURCES, fields_of, is_secret, is_secret_option
from cohort_sync.config.layers import OPTIONS
from cohort_sync.config.load import Loaded
from cohort_sync.config.settings import Section, Settings, SourceSettings, TypesSettings

SCHEMA_ID = "urn:cohort-sync:configuration"


def secret_values(settings: Settings) -> frozenset[str]:
    """Every secret that the settings hold, for the log to leave out."""
    found = {cast("str", getattr(getattr(settings, name), key)) for name, table in SECTIONS.items() for key in fields_of(table) if is_secret(table, key)}
    found |= {value for source in settings.sources for name, value in source.options.items() if is_secret_option(name)}
    return frozenset(found - {""})


def as_document(settings: Settings) -> dict[str, object]:
    """The effective settings as one JSON object; secrets are masked."""
    document: dict[str, object] = {name: _masked(getattr(settings, name)) for name in SECTIONS}
    document[SOURCES] = [_masked(source) for source in settings.sources]
    return document


def as_toml(loaded: Loaded) -> str:
    """The effective settings as TOML, each line with where it comes from; secrets are masked."""
    document = as_document(loaded.settings)
    lines: list[str] = []
    for name in SECTIONS:
        lines += [f"[{name}]", *_table(cast("Mapping[str, object]", document[name]), name, loaded.origins), ""]
    for source in cast("list[dict[str, object]]", document[SOURCES]):
        options = cast("dict[str, object]", source.pop(OPTIONS))
        label = f"{SOURCES}.{source['name']}"
        lines += [f"[[{SOURCES}]]", *_table(source, label, loaded.origins)]
        if options:
            lines += [f"[{SOURCES}.{OPTIONS}]", *_table(options, f"{label}.{OPTIONS}", loaded.origins)]
        lines.append("")
    return "\n".join(lines)


def json_schema() -> dict[str, object]:
    """The JSON Schema of the configuration, for editors and other tools."""
    schema = msgspec.json.schema(Settings)
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, "title": "cohort-sync configuration", **schema}
    return cast("dict[str, object]", json.loads(json.dumps(document)))


def schema_text() -> str:
    """`json_schema` as it stands in schemas/config.schema.json."""
    return json.dumps(json_schema(), indent=2) + "\n"


def first_file(*, name: str, cohort: str, bootstrap_servers: str, store: str, topic_root: str = "", release: str = "6.1") -> str:
    """A small configuration to begin with, with a metadata collection id of its own (made here, random). What is as in the defaults is not in it."""
    root = f"\ntopic_root = {_toml(topic_root)}" if topic_root else ""
    types = (
        f"\n# What the other members use. It cannot change once the store exists.\n[types]\nrelease = {_toml(release)}\n"
        if release != TypesSettings().release
        else ""
    )
    brokers = ", ".join(_toml(server.strip()) for server in bootstrap_servers.split(","))
    return f"""\
# cohort-sync configuration. `cohort-sync config show` lists every key with its value, `cohort-sync config schema` says what each is for.
[member]
name = {_toml(name)}
# Made for this member. Never change it, and never use it for another one.
metadata_collection_id = "{uuid4()}"

[cohort]
name = {_toml(cohort)}{root}

[kafka]
bootstrap_servers = [{brokers}]

[store]
path = {_toml(store)}
{types}
# A third-party source, read by a mapper; without one this member only receives.
# [[sources]]
# name = "retail"
# mapper = "debezium"
# topics = ["retail"]
"""


def _masked(section: Section) -> dict[str, object]:
    table = type(section)
    values: dict[str, object] = {}
    for key in fields_of(table):
        value = getattr(section, key)
        if key == OPTIONS and table is SourceSettings:
            values[key] = {name: MASK if text and is_secret_option(name) else text for name, text in cast("dict[str, str]", value).items()}
        else:
            values[key] = MASK if value and is_secret(table, key) else (list(value) if isinstance(value, tuple) else value)
    return values


def _table(values: Mapping[str, object], label: str, origins: Mapping[str, str]) -> Iterator[str]:
    for key, value in values.items():
        yield f"{key} = {_toml(value)}  # {origins.get(f'{label}.{key}', 'default')}"


def _toml(value: object) -> str:
    """A JSON text, number, boolean or list is also a TOML one; TOML wants DEL escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
