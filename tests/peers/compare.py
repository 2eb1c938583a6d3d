"""Two members' instances compared as values.

Values, not texts: dates to the millisecond whether they came as a number or as ISO text, what is empty equals what is absent,
classifications by their name and `maintainedBy` as a set, numbers by their value. Everything else has to be equal.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from .omrs_json import JsonObject

_DATES = frozenset({"createTime", "updateTime", "effectiveFromTime", "effectiveToTime", "registrationTime"})
_NUMBERS = frozenset({"BIGDECIMAL", "BIGINTEGER", "BYTE", "DOUBLE", "FLOAT", "INT", "LONG", "SHORT"})
_EMPTY = (None, [], {})


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs; `path` is dotted, "" is the whole instance; None is an absent value."""

    guid: str
    path: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        return f"{self.guid} {self.path or '(instance)'}: ours {_short(self.ours)}, theirs {_short(self.theirs)}"


def differences(ours: JsonObject | None, theirs: JsonObject | None, *, ignore: Iterable[str] = ()) -> list[Difference]:
    """What differs between two forms of one instance.

    `ignore` holds shell patterns of paths, such as "entityOneProxy.version" or "*.maintainedBy"; what lies below an ignored
    path is ignored too.
    """
    guid = str((ours or theirs or {}).get("guid"))
    left = None if ours is None else normal(ours)
    right = None if theirs is None else normal(theirs)
    if left is None or right is None:
        return [] if left is right else [Difference(guid, "", _named(ours), _named(theirs))]
    patterns = tuple(ignore)
    found = _walk("", left, right)
    return [Difference(guid, path, one, other) for path, one, other in found if not _ignored(path, patterns)]


def all_differences(ours: Mapping[str, JsonObject], theirs: Mapping[str, JsonObject], *, ignore: Iterable[str] = ()) -> list[Difference]:
    """What differs between two sets of instances, both by GUID: the missing and the surplus ones too, in GUID order."""
    return [difference for guid in sorted(ours.keys() | theirs.keys()) for difference in differences(ours.get(guid), theirs.get(guid), ignore=ignore)]


def assert_same(ours: Mapping[str, JsonObject], theirs: Mapping[str, JsonObject], *, ignore: Iterable[str] = (), limit: int = 30) -> None:
    """AssertionError that lists the first `limit` differences and how many there are."""
    found = all_differences(ours, theirs, ignore=ignore)
    if found:
        guids = len({difference.guid for difference in found})
        lines = "\n".join(f"  {difference}" for difference in found[:limit])
        more = f"\n  ... and {len(found) - limit} more" if len(found) > limit else ""
        raise AssertionError(f"{len(found)} differences in {guids} of {len(ours)} instances:\n{lines}{more}")


def by_guid(instances: Iterable[JsonObject]) -> dict[str, JsonObject]:
    """The instances by their GUID; ValueError when a GUID comes twice."""
    found: dict[str, JsonObject] = {}
    for instance in instances:
        if instance["guid"] in found:
            raise ValueError(f"the instance {instance['guid']} is there twice")
        found[instance["guid"]] = instance
    return found


def normal(value: Any, name: str = "") -> Any:
    """The value that stands for all its forms on the wire; None for what is empty."""
    match value:
        case dict():
            return _normal_object(value)
        case list() if name == "classifications":
            return {item["name"]: normal(item) for item in value} or None
        case list() if name == "maintainedBy":
            return sorted(value) or None
        case list():
            return [normal(item) for item in value] or None
        case _ if name in _DATES:
            return milliseconds(value)
        case _:
            return value


def milliseconds(value: int | str | None) -> int | None:
    """Epoch milliseconds of a date in either form; ISO text needs an offset."""
    if value is None or isinstance(value, int):
        return value
    when = datetime.fromisoformat(value)
    if when.tzinfo is None:
        raise ValueError(f"the date {value!r} has no offset")
    return round(when.timestamp() * 1_000)


def _normal_object(value: JsonObject) -> JsonObject | None:
    kept = {key: normal(item, key) for key, item in value.items()}
    kept = {key: item for key, item in kept.items() if item not in _EMPTY}
    if not kept.keys() - {"class", "headerVersion"}:
        return None
    if "primitiveValue" in kept:
        kept["primitiveValue"] = _primitive(kept["primitiveValue"], str(kept.get("primitiveDefCategory")))
    return kept


def _primitive(value: Any, category: str) -> Any:
    kind = category.removeprefix("OM_PRIMITIVE_TYPE_")
    if kind == "DATE":
        return milliseconds(value)
    return Decimal(str(value)) if kind in _NUMBERS else value


def _walk(path: str, ours: Any, theirs: Any) -> Iterator[tuple[str, object, object]]:
    match ours, theirs:
        case dict(), dict():
            for key in sorted(ours.keys() | theirs.keys()):
                yield from _walk(f"{path}.{key}" if path else key, ours.get(key), theirs.get(key))
        case list(), list() if len(ours) == len(theirs):
            for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                yield from _walk(f"{path}[{place}]", one, other)
        case _ if ours != theirs or type(ours) is not type(theirs):
            yield path, ours, theirs


def _ignored(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}.*") for pattern in patterns)


def _named(instance: JsonObject | None) -> object:
    return None if instance is None else f"a {instance.get('type', {}).get('typeDefName')}"


def _short(value: object) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
