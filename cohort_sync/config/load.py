"""Loading: layers in, checked and complete settings out, or one ConfigurationError that names everything that is wrong."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cohort_sync.config.checks import check, missing_files
from cohort_sync.config.keys import SECTIONS, SOURCES, expected, fields_of, is_list, is_secret, is_secret_option
from cohort_sync.config.layers import OPTIONS, Draft, Entry, read_document, read_environment, read_file, read_overrides, shown
from cohort_sync.config.settings import Section, Settings, SourceSettings
from cohort_sync.omrs.errors import ConfigurationError

PATH_KEYS: Final = frozenset({"store.path", "types.archives", "kafka.ssl_cafile", "kafka.ssl_certfile", "kafka.ssl_keyfile"})
"""Keys that name files. A relative one starts at the directory of the configuration file; one of the environment or of --set at the current directory."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each key that is not a default came from ("file" names, environment variables, --set)."""

    settings: Settings
    origins: Mapping[str, str]


def load(path: Path | None, *, environ: Mapping[str, str] | None = None, overrides: Iterable[str] = (), complete: bool = True) -> Loaded:
    """Read file, environment and overrides (later ones win) and check them.

    `complete` also checks what only a worker needs: keys that need each other, and files that must exist. Commands that merely read the store leave it out,
    because a secret may be given to the service alone. Raises ConfigurationError with every problem, one a line.
    """
    draft = Draft(file=str(path) if path is not None else "no file was given (--config FILE)")
    if path is not None:
        read_file(draft, path)
    read_environment(draft, os.environ if environ is None else environ)
    read_overrides(draft, overrides)
    if path is None and not draft.problems and not any(draft.sections.values()):
        raise ConfigurationError(
            "there is no configuration: name its file with --config FILE or COHORT_SYNC_CONFIG; `cohort-sync config init --output FILE` makes a first one"
        )
    return _loaded(draft, complete)


def settings_from(document: Mapping[str, object]) -> Settings:
    """The settings of a program that has a member inside: tables and keys as in the configuration file. A path may be a `Path`, a relative one starts at the
    current directory. Neither a file nor the environment is looked at. Raises ConfigurationError with every problem, one a line."""
    draft = Draft(file="settings")
    read_document(draft, {name: _plain(table) for name, table in document.items()}, draft.file, Path.cwd())
    return _loaded(draft, complete=True).settings


def _plain(value: object) -> object:
    """As TOML would have given it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _loaded(draft: Draft, complete: bool) -> Loaded:
    origins: dict[str, str] = {}
    sections = {name: _section(draft, name, table, draft.sections[name], origins) for name, table in SECTIONS.items()}
    sources = []
    for number, source in enumerate(draft.sources):
        label = f"{SOURCES}.{source.label(number)}"
        values = _section(draft, label, SourceSettings, source.entries, origins)
        values[OPTIONS] = _options(draft, f"{label}.{OPTIONS}", source.options, origins)
        sources.append(values)
    if draft.problems:
        raise wrong_configuration(draft.problems)
    settings = _with_derived_names(msgspec.convert({**sections, SOURCES: sources}, Settings))
    if complete:
        found = check(settings)
        found += missing_files(settings)
        for key, message in found:
            draft.problem(origins.get(key, draft.file), key, message)
    if draft.problems:
        raise wrong_configuration(draft.problems)
    return Loaded(settings, origins)


def load_settings(path: Path | None, *, environ: Mapping[str, str] | None = None, overrides: Iterable[str] = (), complete: bool = True) -> Settings:
    """`load`, when the origins are of no interest."""
    return load(path, environ=environ, overrides=overrides, complete=complete).settings


def _section(draft: Draft, label: str, table: type[Section], entries: dict[str, Entry], origins: dict[str, str]) -> dict[str, object]:
    """The values of one table that are given, converted; problems are noted in the draft."""
    values: dict[str, object] = {}
    for key, info in fields_of(table).items():
        name = f"{label}.{key}"
        entry = entries.get(key)
        if entry is None:
            if info.required:
                description = expected(table, key)
                draft.problem(draft.file, name, f"missing, expected {description}")
            continue
        origins[name] = entry.origin
        try:
            value = msgspec.convert(_from_text(entry, table, key), info.type, strict=not entry.from_text)
        except (msgspec.ValidationError, tomllib.TOMLDecodeError):
            got = "a value that is not repeated here" if is_secret(table, key) else shown(entry.value)
            draft.problem(entry.origin, name, f"got {got}, expected {expected(table, key)}")
            continue
        values[key] = _absolute(value, entry.base) if name in PATH_KEYS else value
    return values


def _options(draft: Draft, label: str, entries: dict[str, Entry], origins: dict[str, str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, entry in entries.items():
        name = f"{label}.{key}"
        origins[name] = entry.origin
        if isinstance(entry.value, str):
            options[key] = entry.value
        else:
            got = "a value that is not repeated here" if is_secret_option(key) else shown(entry.value)
            draft.problem(entry.origin, name, f"got {got}, expected text; put it in quotes")
    return options


def _from_text(entry: Entry, table: type[Section], key: str) -> object:
    """Lists are written as TOML (["a", "b"]) or with commas (a,b) where only text can be given; all else converts itself."""
    if not (entry.from_text and isinstance(entry.value, str) and is_list(table, key)):
        return entry.value
    text = entry.value.strip()
    if text.startswith("["):
        return tomllib.loads(f"value = {text}")["value"]
    return [item.strip() for item in text.split(",") if item.strip()]


def _absolute(value: object, base: Path) -> object:
    if isinstance(value, tuple):
        return tuple(_absolute(item, base) for item in value)
    if not isinstance(value, str) or value in ("", ":memory:"):
        return value
    try:
        return str(base / Path(value).expanduser())
    except RuntimeError:  # "~somebody" who is not known here: left as a name, and then told as a file that is not there
        return str(base / value)


def _with_derived_names(settings: Settings) -> Settings:
    """Fill what is empty by rule, so that nobody else has to know the rule."""
    member = settings.member
    replace = msgspec.structs.replace
    return replace(
        settings,
        member=replace(member, metadata_collection_name=member.metadata_collection_name or member.name),
        sources=tuple(replace(source, group=source.group or f"cohort-sync.{member.name}.{source.name}") for source in settings.sources),
    )


def wrong_configuration(problems: list[str]) -> ConfigurationError:
    """All problems as one error, one a line."""
    if len(problems) == 1:
        return ConfigurationError(f"wrong configuration: {problems[0]}")
    return ConfigurationError("\n".join([f"wrong configuration, {len(problems)} problems:", *(f"  {problem}" for problem in problems)]))
