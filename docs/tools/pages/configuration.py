"""Every key of the configuration, from the settings structs."""

import msgspec
from msgspec import inspect

from cohort_sync.config.keys import SECTIONS, SOURCES, expected, fields_of, is_secret
from cohort_sync.config.load import PATH_KEYS
from cohort_sync.config.settings import Section, SourceSettings
from pages.markdown import code, prose, table, value

INTRODUCTION = """\
# Configuration

A TOML file, given as `--config FILE` or in the environment variable `COHORT_SYNC_CONFIG`. A key that is not listed here is an error, which names the nearest
key that is. `cohort-sync config check` tells all problems at once, `cohort-sync config show` shows the values that count and where each comes from, and
`cohort-sync config schema` prints the JSON Schema (also in `schemas/config.schema.json`).

Later layers win:

| layer | form |
| --- | --- |
| the file | `[kafka]` and below it `bootstrap_servers = ["a:9092", "b:9092"]` |
| the environment | `COHORT_SYNC_KAFKA__BOOTSTRAP_SERVERS=a:9092,b:9092`: two underscores between section and key |
| the command line | `--set kafka.bootstrap_servers=a:9092,b:9092`, as often as wanted |

A source is named by its name or its number: `COHORT_SYNC_SOURCES__RETAIL__GROUP`, `--set sources.retail.options.server=x`.
A relative path in the file starts at the directory of the file, one of the environment or the command line at the current directory.
Keys that are *secret* are masked wherever settings are shown, and in the log; give them in the environment.
"""


def page() -> str:
    """The page."""
    parts = [INTRODUCTION]
    for name, section in SECTIONS.items():
        parts.append(f"\n## [{name}]\n\n{prose(section.__doc__)}\n\n{_keys(name, section)}")
    parts.append(f"\n## [[{SOURCES}]]\n\n{prose(SourceSettings.__doc__)} Repeat the table for each source.\n\n{_keys(SOURCES, SourceSettings)}")
    return "".join(parts)


def _keys(label: str, section: type[Section]) -> str:
    return table(
        ("key", "value", "default", "what it is"),
        ((code(key), _kind(label, section, key), _default(info), _description(section, key)) for key, info in fields_of(section).items()),
    )


def _kind(label: str, section: type[Section], key: str) -> str:
    words = expected(section, key).replace('"', "`")
    notes = [note for note, holds in (("a path", f"{label}.{key}" in PATH_KEYS), ("secret", is_secret(section, key))) if holds]
    return f"{words} ({', '.join(notes)})" if notes else words


def _default(info: msgspec.structs.FieldInfo) -> str:
    if info.required:
        return "required"
    default = info.default_factory() if info.default is msgspec.NODEFAULT and info.default_factory is not msgspec.NODEFAULT else info.default
    return value(default)


def _description(section: type[Section], key: str) -> str:
    struct = inspect.type_info(section)
    if not isinstance(struct, inspect.StructType):
        raise TypeError(f"{section!r} is no settings table")
    info = next(field.type for field in struct.fields if field.name == key)
    while isinstance(info, inspect.Metadata):
        described = (info.extra_json_schema or {}).get("description")
        if isinstance(described, str):
            return described
        info = info.type
    raise ValueError(f"{section.__name__}.{key} has no description")
