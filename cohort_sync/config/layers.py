"""Where values come from: the TOML file, then the environment, then --set; a later layer replaces the value of an earlier one.

    [kafka] bootstrap_servers = [...]                     in the file
    COHORT_SYNC_KAFKA__BOOTSTRAP_SERVERS=a:9092,b:9092    in the environment
    --set kafka.bootstrap_servers=a:9092,b:9092           on the command line

A source is named by its name or its number: COHORT_SYNC_SOURCES__RETAIL__GROUP, --set sources.retail.options.server=x. Nothing is checked here but whether
a key exists; values stay as they were found, with their origin, until `load` converts them.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cohort_sync.config.keys import SECTIONS, SOURCES, fields_of, nearest, suggest_key
from cohort_sync.config.settings import SourceSettings
from cohort_sync.omrs.errors import ConfigurationError

PREFIX: Final = "COHORT_SYNC_"
OPTIONS: Final = "options"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value as it was found. `from_text` says that it still has to be read as the key's type; `base` is what a relative path starts from."""

    value: object
    origin: str
    base: Path
    from_text: bool = False


@dataclass(slots=True)
class SourceDraft:
    """One [[sources]] table."""

    entries: dict[str, Entry] = field(default_factory=dict)
    options: dict[str, Entry] = field(default_factory=dict)

    def label(self, number: int) -> str:
        """How messages call it: its name where it has a usable one."""
        entry = self.entries.get("name")
        return entry.value if entry is not None and isinstance(entry.value, str) and entry.value else str(number)


@dataclass(slots=True)
class Draft:
    """All layers in one, and what was wrong so far. A problem is "origin: key: what is wrong, what was expected"."""

    file: str
    sections: dict[str, dict[str, Entry]] = field(default_factory=lambda: {name: {} for name in SECTIONS})
    sources: list[SourceDraft] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def problem(self, origin: str, key: str, message: str) -> None:
        """Note a problem; loading goes on, so that the reader is told all of them at once."""
        self.problems.append(f"{origin}: {key}: {message}" if key else f"{origin}: {message}")


def read_file(draft: Draft, path: Path) -> None:
    """Add the TOML file. ConfigurationError at once when it cannot be read as TOML at all."""
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file; `cohort-sync config init --output {path}` makes one") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text (byte {error.start}), expected a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not TOML: {error}") from error
    read_document(draft, document, str(path), path.absolute().parent)


def read_document(draft: Draft, document: Mapping[str, object], origin: str, base: Path) -> None:
    """Add tables as TOML gives them; a path in them starts from `base`."""
    for name, table in document.items():
        if name == SOURCES:
            _add_sources(draft, table, origin, base)
        elif name not in SECTIONS:
            near = nearest(name, [*SECTIONS, SOURCES])
            draft.problem(origin, name, "unknown table" + (f"; did you mean [{near}]?" if near else f"; expected one of {', '.join([*SECTIONS, SOURCES])}"))
        elif not isinstance(table, dict):
            draft.problem(origin, name, f"got {shown(table)}, expected a table: [{name}]")
        else:
            for key, value in table.items():
                if key in fields_of(SECTIONS[name]):
                    draft.sections[name][key] = Entry(value, origin, base)
                else:
                    _unknown_key(draft, origin, name, name, key)


def read_environment(draft: Draft, environ: Mapping[str, str]) -> None:
    """Add every COHORT_SYNC_<SECTION>__<KEY> of the environment."""
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        origin = f"environment variable {variable}"
        parts = variable.removeprefix(PREFIX).lower().split("__")
        if len(parts) > 1:
            _assign(draft, parts, environ[variable], origin)
        else:
            _tell_single_underscore(draft, parts[0], origin)


def read_overrides(draft: Draft, overrides: Iterable[str]) -> None:
    """Add `section.key=value` texts of the command line."""
    for override in overrides:
        name, separator, value = override.partition("=")
        if not separator:
            draft.problem(f"--set {override}", "", "got no value, expected section.key=value")
        else:
            _assign(draft, name.strip().split("."), value, f"--set {name.strip()}")


def shown(value: object) -> str:
    """A value for a message, short, with the kind of value that it is."""
    kinds: tuple[tuple[type, str], ...] = ((bool, "true/false"), (int, "whole number"), (float, "number"), (str, "text"), (list, "list"), (dict, "table"))
    kind = next((name for python, name in kinds if isinstance(value, python)), type(value).__name__)
    text = str(value).lower() if isinstance(value, bool) else (f'"{value}"' if isinstance(value, str) else str(value))
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({kind})"


def _add_sources(draft: Draft, tables: object, origin: str, base: Path) -> None:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        draft.problem(origin, SOURCES, f"got {shown(tables)}, expected a list of tables: [[{SOURCES}]]")
        return
    for table in tables:
        source = SourceDraft()
        draft.sources.append(source)
        source.entries = {key: Entry(value, origin, base) for key, value in table.items() if key in fields_of(SourceSettings) and key != OPTIONS}
        label = f"{SOURCES}.{source.label(len(draft.sources) - 1)}"
        options = table.get(OPTIONS, {})
        if isinstance(options, dict):
            source.options = {key: Entry(value, origin, base) for key, value in options.items()}
        else:
            draft.problem(origin, f"{label}.{OPTIONS}", f"got {shown(options)}, expected a table: [{SOURCES}.{OPTIONS}]")
        for key in table:
            if key not in fields_of(SourceSettings):
                _unknown_key(draft, origin, label, SOURCES, key)


def _assign(draft: Draft, parts: list[str], value: str, origin: str) -> None:
    entry = Entry(value, origin, Path.cwd(), from_text=True)
    section, *rest = parts
    if section == SOURCES:
        _assign_source(draft, rest, entry)
    elif section not in SECTIONS:
        near = nearest(section, [*SECTIONS, SOURCES])
        draft.problem(origin, section, "unknown section" + (f"; did you mean {near}?" if near else f"; expected one of {', '.join([*SECTIONS, SOURCES])}"))
    elif len(rest) != 1:
        draft.problem(origin, "", f"got {len(parts)} names, expected a section and a key")
    elif rest[0] not in fields_of(SECTIONS[section]):
        _unknown_key(draft, origin, section, section, rest[0])
    else:
        draft.sections[section][rest[0]] = entry


def _assign_source(draft: Draft, rest: list[str], entry: Entry) -> None:
    if len(rest) < 2:
        draft.problem(entry.origin, SOURCES, "expected the name of a source and a key, such as sources.retail.group")
        return
    wanted, key, *more = rest
    labels = [source.label(number) for number, source in enumerate(draft.sources)]
    found = [source for number, (source, label) in enumerate(zip(draft.sources, labels, strict=True)) if wanted == str(number) or _flat(wanted) == _flat(label)]
    if not found:
        there = f"the file names {', '.join(labels)}" if labels else "the file names none"
        draft.problem(entry.origin, SOURCES, f'there is no source "{wanted}"; {there}')
    elif key == OPTIONS and more:
        found[0].options[".".join(more)] = entry
    elif more or key not in fields_of(SourceSettings):
        _unknown_key(draft, entry.origin, f"{SOURCES}.{wanted}", SOURCES, ".".join([key, *more]))
    elif key == OPTIONS:
        draft.problem(entry.origin, f"{SOURCES}.{wanted}.{OPTIONS}", "expected the name of an option after it")
    else:
        found[0].entries[key] = entry


def _tell_single_underscore(draft: Draft, rest: str, origin: str) -> None:
    """COHORT_SYNC_KAFKA_SASL_PASSWORD: without this it would be ignored in silence. Other variables with our prefix are none of ours."""
    for section, table in SECTIONS.items():
        key = rest.removeprefix(f"{section}_")
        if key != rest and key in fields_of(table):
            draft.problem(origin, "", f"the section and the key have two underscores between them: {PREFIX}{section.upper()}__{key.upper()}")


def _unknown_key(draft: Draft, origin: str, label: str, section: str, key: str) -> None:
    near = suggest_key(section, key, label)
    known = fields_of(SourceSettings if section == SOURCES else SECTIONS[section])
    draft.problem(origin, f"{label}.{key}", "unknown key" + (f"; did you mean {near}?" if near else f"; expected one of {', '.join(known)}"))


def _flat(name: str) -> str:
    """Environment variables have no dots, dashes or lower case."""
    return re.sub(r"[^a-z0-9]", "_", name.lower())
