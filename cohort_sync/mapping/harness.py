"""Golden files for mappers: what a file of samples has to give, and how a result differs from it, told for people.

An expectation is a JSON object; everything in it is optional, and only what it names is compared:

    {"outcomePerLine": [word, ...], "outcomes": {word: n}, "entities": {type: n}, "relationships": {type: n}, "classifications": {name: n},
     "guids": {qualifiedName: guid}, "names": [qualifiedName, ...]}

`names` is the complete list, in any order; `guids` a selection. An `expected.json` beside the samples may hold many: {"files": {"x.jsonl": {...}}}.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec


class Expectation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is expected of one file of samples. None is not compared."""

    outcome_per_line: list[str] | None = None
    outcomes: dict[str, int] | None = None
    entities: dict[str, int] | None = None
    relationships: dict[str, int] | None = None
    classifications: dict[str, int] | None = None
    guids: dict[str, str] | None = None
    names: list[str] | None = None


class Expectations(msgspec.Struct, frozen=True, rename="camel"):
    """An `expected.json`."""

    files: dict[str, Expectation]
    metadata_collection_id: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave, as plain values. `reasons` stands beside `outcomes`."""

    outcomes: Sequence[str]
    reasons: Sequence[str] = ()
    entities: Mapping[str, int]
    relationships: Mapping[str, int]
    classifications: Mapping[str, int]
    guids: Mapping[str, str]


class BadExpectation(ValueError):
    """An expectation that cannot be read; the message says where and why."""


def read_expectations(data: bytes) -> Expectations:
    """An `expected.json`. Raises BadExpectation."""
    try:
        return msgspec.json.decode(data, type=Expectations)
    except msgspec.DecodeError as problem:
        raise BadExpectation(f"no expectations: {problem}") from None


def differences(result: Result, expected: Expectation) -> list[str]:
    """How a result differs from what is expected, one sentence each; empty when it is as expected."""
    found = _lines(result, expected.outcome_per_line)
    if expected.outcomes is not None:
        found += _counts("outcome", dict(Counter(result.outcomes)), expected.outcomes)
    for what in ("entities", "relationships", "classifications"):
        wanted: dict[str, int] | None = getattr(expected, what)
        if wanted is not None:
            found += _counts(what, getattr(result, what), wanted)
    for name, guid in (expected.guids or {}).items():
        got = result.guids.get(name)
        if got is None:
            found.append(f"guids: nothing is called {name!r}, expected {guid}")
        elif got != guid:
            found.append(f"guids: {name!r} is {got}, expected {guid}")
    if expected.names is not None:
        found += [f"names: {name!r} is there and not expected" for name in sorted(result.guids.keys() - set(expected.names))]
        found += [f"names: {name!r} is not there" for name in sorted(set(expected.names) - result.guids.keys())]
    return found


def _lines(result: Result, expected: Sequence[str] | None) -> list[str]:
    if expected is None:
        return []
    found = []
    for number, (got, wanted) in enumerate(zip(result.outcomes, expected, strict=False), 1):
        if got != wanted:
            reason = result.reasons[number - 1] if number <= len(result.reasons) else ""
            found.append(f"line {number}: {got}{f' ({reason})' if reason else ''}, expected {wanted}")
    if len(result.outcomes) != len(expected):
        found.append(f"lines: {len(result.outcomes)} records, expected {len(expected)}")
    return found


def _counts(what: str, got: Mapping[str, int], wanted: Mapping[str, int]) -> list[str]:
    return [f"{what}: {got.get(name, 0)} {name}, expected {wanted.get(name, 0)}" for name in sorted({*got, *wanted}) if got.get(name, 0) != wanted.get(name, 0)]
