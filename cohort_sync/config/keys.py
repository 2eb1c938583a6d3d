"""What the settings structs say about each key: its type, its limits in words, whether it is a secret, and which known key is nearest to a wrong one."""

import difflib
import re
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import inspect

from cohort_sync.config.settings import Section, Settings, SourceSettings

SECTIONS: Final[dict[str, type[Section]]] = {
    field.name: field.type for field in msgspec.structs.fields(Settings) if isinstance(field.type, type) and issubclass(field.type, Section)
}
"""The tables of the file by name; `sources`, the only list of tables, is apart."""

SOURCES: Final = "sources"

MASK: Final = "********"

_SECRET_OPTION = re.compile(r"password|passwd|secret|token|credential|api[-_.]?key|private[-_.]?key", re.IGNORECASE)

_PLAIN_NAMES: Final[tuple[tuple[type[inspect.Type], str], ...]] = ((inspect.BoolType, "true or false"), (inspect.DictType, "a table of text"))


def fields_of(section: type[Section]) -> dict[str, msgspec.structs.FieldInfo]:
    """The keys of a table, in the order of the reference."""
    return {field.name: field for field in msgspec.structs.fields(section)}


def is_secret(section: type[Section], key: str) -> bool:
    """Is this a key whose value must not be shown?"""
    return _extra(_inspected(section, key), schema=True).get("writeOnly") is True


def is_secret_option(name: str) -> bool:
    """Does the name of a mapper's own setting say that its value is a secret?"""
    return _SECRET_OPTION.search(name) is not None


def is_list(section: type[Section], key: str) -> bool:
    """Is the value of this key a list?"""
    info = _inspected(section, key)
    while isinstance(info, inspect.Metadata):
        info = info.type
    return isinstance(info, inspect.VarTupleType)


def expected(section: type[Section], key: str) -> str:
    """What a value of this key must be, in words."""
    return _describe(_inspected(section, key))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    matches = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def suggest_key(section: str, key: str, label: str) -> str | None:
    """The full name of the key that was probably meant: of the same table (called `label`) first, then the same key of another table."""
    tables = SECTIONS | {SOURCES: SourceSettings}
    near = nearest(key, fields_of(tables[section]))
    if near is not None:
        return f"{label}.{near}"
    others = [name for name, table in tables.items() if key in fields_of(table)]
    return f"{others[0]}.{key}" if others else None


def _inspected(section: type[Section], key: str) -> inspect.Type:
    info = inspect.type_info(section)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{section!r} is no settings table")
    return next(field.type for field in info.fields if field.name == key)


def _extra(info: inspect.Type, *, schema: bool) -> dict[str, object]:
    """What the Meta annotations say, of the innermost and the outer ones together."""
    found: dict[str, object] = {}
    while isinstance(info, inspect.Metadata):
        found |= (info.extra_json_schema if schema else info.extra) or {}
        info = info.type
    return found


def _describe(info: inspect.Type) -> str:
    words = _extra(info, schema=False).get("expected")
    while isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(words, str):
        return words
    for kind, name in _PLAIN_NAMES:
        if isinstance(info, kind):
            return name
    if isinstance(info, inspect.LiteralType):
        return "one of " + ", ".join(f'"{value}"' for value in info.values)
    if isinstance(info, inspect.EnumType):
        return "one of " + ", ".join(f'"{member.value}"' for member in info.cls)
    if isinstance(info, inspect.IntType):
        return "a whole number" + _limits(info)
    if isinstance(info, inspect.FloatType):
        return "a number" + _limits(info)
    if isinstance(info, inspect.VarTupleType):
        return f"a list of {_describe(info.item_type)}" + (" with at least one item" if info.min_length else "")
    if isinstance(info, inspect.StrType):
        return "text that is not empty" if info.min_length else "text"
    return type(info).__name__


def _limits(info: inspect.IntType | inspect.FloatType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge} to {info.le}"
    return f" of at least {info.ge}" if info.ge is not None else ""
