"""Predicates as conditions on the find index. A condition may hold for too many owners, never for too few: the matcher has the last word.

`narrow` answers with SQL over `o`, a row of find_owner, or None when the index has nothing to say. A `driver` is a part of a conjunction that can be read as a
stream of owner ids in their order: a find begins with the smallest of them.
"""

from decimal import Decimal
from math import inf, nextafter
from typing import Final, NamedTuple, TypeAlias

from cohort_sync.omrs.predicates import (
    AllOf,
    AnyOf,
    AnyText,
    Classified,
    EndIn,
    Equals,
    HasHeader,
    HasProperty,
    Not,
    NumberIs,
    Predicate,
    TextIs,
)
from cohort_sync.omrs.search_text import Anchor, Expression, Literal, TextPattern
from cohort_sync.store.finds import INDEXED_TEXT, SCOPE, float_of, indexed_text

Parameter: TypeAlias = str | int | float

_TRIGRAM: Final = 3
_MAX_TRIGRAMS: Final = 16
_TAIL: Final = 4
"""Names tell their differences at the end: so many of the last groups are always looked for."""
_MAX_TERMS: Final = 200
"""A predicate with more parts than this is left to the matcher."""

_TEXT_SQL: Final = "SELECT rowid AS owner FROM find_text WHERE find_text MATCH ?"
_CLASSIFIED_SQL: Final = "SELECT owner FROM find_classified WHERE name = ?"
_VALUES_SQL: Final = "SELECT owner FROM find_value WHERE name = (SELECT id FROM find_name WHERE name = ?) AND value "
_NO_TEXT: Final = "< ''"
"""What is true of a number and false of a text, as SQLite orders them."""


class Condition(NamedTuple):
    """A condition with its parameters."""

    sql: str
    parameters: tuple[Parameter, ...] = ()


class Driver(NamedTuple):
    """A query that gives owners: `owner`, ascending."""

    sql: str
    parameters: tuple[Parameter, ...]


def driver(part: Predicate) -> Driver | None:
    """The owners that satisfy this part, if the index can list them in their order."""
    match part:
        case HasProperty(str(name), Equals(category, value)) if (key := _key(category, value)) is not None:
            return Driver(_VALUES_SQL + "= ? ORDER BY owner", (name, key))
        case HasProperty(str(name), TextIs(Literal(_, Anchor.EXACT | Anchor.PREFIX, False) as literal, True)) if literal.text:
            sql, parameters = _prefixed(name, literal)
            return Driver(sql + " ORDER BY owner", parameters)
        case HasProperty(_, TextIs(pattern, True)) | AnyText(pattern) if (trigrams := _trigrams(pattern)) is not None:
            return Driver(_TEXT_SQL + " ORDER BY rowid", (trigrams,))
        case Classified(names, _) if len(names) == 1:
            return Driver(_CLASSIFIED_SQL + " ORDER BY owner", tuple(names))
        case _:
            return None


def parts_of(predicate: Predicate) -> tuple[Predicate, ...]:
    """What every result satisfies, one by one."""
    return predicate.parts[:_MAX_TERMS] if isinstance(predicate, AllOf) else (predicate,)


def narrow(predicate: Predicate, scope: str = "") -> Condition | None:
    """What the index knows of this predicate; `scope` is the classification whose properties it is about, with the separator."""
    match predicate:
        case AllOf(parts):
            known = [found for part in parts[:_MAX_TERMS] if (found := narrow(part, scope)) is not None]
            return _joined(known, " AND ") if known else None
        case AnyOf(parts):
            if len(parts) > _MAX_TERMS:
                return None
            some = [narrow(part, scope) for part in parts]
            return None if None in some else _joined([one for one in some if one is not None], " OR ", empty="0")
        case HasProperty(name, test):
            return _has_property(name, test, scope)
        case HasHeader("guid", Equals(_, str(guid))) | HasHeader("guid", TextIs(Literal(str(guid), Anchor.EXACT, False), _)) if not scope:
            return Condition("o.guid = ?", (guid,))
        case HasHeader("typeName", TextIs(Literal(str(name), Anchor.EXACT, False), _)) if not scope:
            return Condition("o.type_name = ?", (name,))
        case Classified(names, test):
            return _classified(names, test)
        case AnyText(pattern):
            trigrams = _trigrams(pattern)
            return _among(_TEXT_SQL, trigrams) if trigrams is not None else None
        case EndIn(end, guids):
            if len(guids) > _MAX_TERMS * 10:
                return None
            places = ", ".join("?" * len(guids))
            return Condition(f"o.guid IN (SELECT guid FROM instance WHERE end{int(end)} IN ({places}))", tuple(sorted(guids)))  # noqa: S608
        case HasHeader() | Not():
            return None


def _has_property(name: str | None, test: object, scope: str) -> Condition | None:
    key = None if name is None else scope + name
    match test:
        case Equals(category, value) if key is not None and (indexed := _key(category, value)) is not None:
            return _among(_VALUES_SQL + "= ?", key, indexed)
        case NumberIs(relation, number) if key is not None:
            bound = _bound(relation, number)
            return _among(f"{_VALUES_SQL}{relation[0]}= ? AND value {_NO_TEXT}", key, bound)
        case TextIs(pattern, strings_only):
            return _has_text(key, pattern, strings_only=strings_only, scope=scope)
        case _:
            return None


def _has_text(key: str | None, pattern: TextPattern, *, strings_only: bool, scope: str) -> Condition | None:
    """Numbers have a text too: unless only strings are meant, every owner with a number there may be one."""
    if key is not None and isinstance(pattern, Literal) and not pattern.ignore_case and pattern.anchor in (Anchor.EXACT, Anchor.PREFIX):
        sql, parameters = _prefixed(key, pattern)
        found = _among(sql, *parameters)
    elif not scope and (trigrams := _trigrams(pattern)) is not None:
        found = _among(_TEXT_SQL, trigrams)
    else:
        return None
    if strings_only:
        return found
    return None if key is None else _joined([found, _among(_VALUES_SQL + _NO_TEXT, key)], " OR ")


def _prefixed(key: str, literal: Literal) -> tuple[str, tuple[Parameter, ...]]:
    """The query for the owners whose text has this prefix, or is this."""
    text = literal.text[:INDEXED_TEXT]
    if literal.anchor is Anchor.EXACT:
        return _VALUES_SQL + "= ?", (key, text)
    last = ord(text[-1]) if text else 0x10FFFF
    if last >= 0xD7FF:
        return _VALUES_SQL + ">= ?", (key, text)
    return _VALUES_SQL + ">= ? AND value < ?", (key, text, text[:-1] + chr(last + 1))


def _classified(names: frozenset[str], test: Predicate) -> Condition:
    """Each name with what is known of its properties."""
    parts = []
    for name in sorted(names):
        has_name = _among(_CLASSIFIED_SQL, name)
        inner = narrow(test, name + SCOPE)
        parts.append(has_name if inner is None else _joined([has_name, inner], " AND "))
    return _joined(parts, " OR ", empty="0")


def _key(category: str, value: object) -> int | float | str | None:
    """A value as it stands in find_value; None when it does not."""
    if isinstance(value, str):
        return value[:INDEXED_TEXT]
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and category != "ENUM":
        return value if -(1 << 63) <= value < 1 << 63 else float_of(value)
    if isinstance(value, float | Decimal):
        return float_of(value) if isinstance(value, Decimal) else value
    return None


def _bound(relation: str, number: Decimal) -> float:
    """The number as a float on the generous side; the comparison is made with `<=` or `>=`."""
    return nextafter(float_of(number), inf if relation[0] == "<" else -inf)


def _trigrams(pattern: TextPattern) -> str | None:
    """The match expression of the text index for all texts that can match; None when they have nothing in common that is long enough."""
    match pattern:
        case Literal(text, _, _):
            required: tuple[str, ...] = (text,)
        case Expression(_, required):
            pass
    found = dict.fromkeys(text[at : at + _TRIGRAM] for text in map(indexed_text, required) for at in range(len(text) - _TRIGRAM + 1))
    if not found:
        return None
    everything = list(found)
    chosen = dict.fromkeys(everything[:: 1 + (len(found) - 1) // _MAX_TRIGRAMS] + everything[-_TAIL:])
    return " AND ".join('"' + one.replace('"', '""') + '"' for one in chosen)


def _among(query: str, *parameters: Parameter) -> Condition:
    return Condition(f"o.id IN ({query})", parameters)


def _joined(conditions: list[Condition], operator: str, empty: str = "1") -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    sql = operator.join(one.sql if one.sql == empty else f"({one.sql})" for one in conditions) or empty
    return Condition(sql, tuple(parameter for one in conditions for parameter in one.parameters))
