"""Calls of the repository services as a member of a cohort makes them: one connection that is kept, one call after the other."""

import http.client
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from bench.events import entity
from bench.large_store import guid_of
from cohort_sync.omrs.type_registry import TypeRegistry
from schemas import read_pack

GLOSSARY_TERM = "0db3e6ec-f5ef-4d75-ae38-b7ee6fd6ec0a"
_WARM = 10


class Caller:
    """One connection to the repository services of a member."""

    def __init__(self, url: str, server: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._base = f"/servers/{server}/open-metadata/repository-services/users/erinoverview"

    def post(self, path: str, body: object = None) -> dict[str, object]:
        """A call as 6.x makes it; RuntimeError when the answer is an exception."""
        data = b"" if body is None else json.dumps(body).encode()
        self._connection.request("POST", self._base + path, data, {"content-type": "application/json"})
        answer: dict[str, object] = json.loads(self._connection.getresponse().read())
        if answer.get("relatedHTTPCode") != 200:
            raise RuntimeError(f"{path}: {str(answer)[:1000]}")
        return answer

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


Call = Callable[[Caller, int], None]
"""One call; the number says which instance it is about."""


def milliseconds(caller: Caller, call: Call, calls: int, seconds: float) -> list[float]:
    """How long each of so many calls took, in ms, the shortest first; those that begin after `seconds` are left out, and some calls before do not count."""
    for number in range(1, min(calls, _WARM) + 1):
        call(caller, -number)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < calls and (not times or time.perf_counter() < end):
        began = time.perf_counter()
        call(caller, len(times))
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)


class Calls:
    """The calls over a store that `large_store` has made, with so many entities."""

    def __init__(self, entities: int) -> None:
        self._entities = entities
        self._registry = TypeRegistry.from_pack(read_pack("6.1"))
        self._made = 0

    def _spread(self, number: int) -> int:
        return number * 7919 % self._entities

    def detail(self, to: Caller, number: int) -> None:
        to.post(f"/instances/entity/{guid_of(self._spread(number))}")

    def known(self, to: Caller, number: int) -> None:
        to.post(f"/instances/entity/{guid_of(self._spread(number))}/existence")

    def relationships(self, to: Caller, number: int) -> None:
        to.post(f"/instances/entity/{guid_of(self._spread(number))}/relationships", {"pageSize": 100})

    def named(self, to: Caller, number: int) -> None:
        match = {"instanceProperties": {"qualifiedName": _text(f"GlossaryTerm::bench::{self._spread(number)}")}}
        _expect(to.post("/instances/entities/by-property", {"matchProperties": match, "matchCriteria": "ALL", "pageSize": 10}), 1)

    def of_type(self, to: Caller, number: int) -> None:
        """One page after the other."""
        _page(to, abs(number) * 100 % (self._entities - 100), "ANY")

    def of_type_at_the_end(self, to: Caller, number: int) -> None:
        """The last hundred pages."""
        _page(to, self._entities - 100 - abs(number) % 100 * 100, "ANY")

    def of_type_recent(self, to: Caller, number: int) -> None:
        _page(to, abs(number) * 100 % (self._entities - 100), "LAST_UPDATE_RECENT")

    def of_type_ascending(self, to: Caller, number: int) -> None:
        _page(to, abs(number) * 100 % (self._entities - 100), "PROPERTY_ASCENDING", "displayName")

    def containing(self, to: Caller, number: int) -> None:
        text = f"term {self._spread(number)}"
        _expect(to.post(f"/instances/entities/by-property-value?searchString={quote(text)}&ignoreCase=false", {"pageSize": 10}), 1)

    def neighbourhood(self, to: Caller, number: int) -> None:
        to.post(f"/instances/entities/from-entity/{guid_of(self._spread(number))}/by-neighborhood?level=2", {})

    def save_copy(self, to: Caller, _number: int) -> None:
        """An entity that was not there."""
        self._made += 1
        copy = entity(self._registry, 1_000_000_000 + self._made, 1)
        to.post("/instances/entities/reference-copy", {"entity": json.loads(msgspec.json.encode(copy))})

    def add(self, to: Caller, number: int) -> None:
        properties = {"instanceProperties": {"qualifiedName": _text(f"added {time.time_ns()} {number}")}}
        to.post("/instances/entity", {"entityTypeGUID": GLOSSARY_TERM, "initialProperties": properties})


def _text(value: str) -> dict[str, object]:
    return {
        "class": "PrimitivePropertyValue",
        "instancePropertyCategory": "PRIMITIVE",
        "primitiveDefCategory": "OM_PRIMITIVE_TYPE_STRING",
        "primitiveValue": value,
    }


def _page(to: Caller, offset: int, order: str, order_property: str | None = None) -> None:
    body = {"typeGUID": GLOSSARY_TERM, "offset": offset, "pageSize": 100, "sequencingOrder": order, "sequencingProperty": order_property}
    _expect(to.post("/instances/entities/by-property", body), 100)


def _expect(answer: dict[str, object], at_least: int) -> None:
    found = answer.get("entities")
    if not isinstance(found, list) or len(found) < at_least:
        raise RuntimeError(f"{at_least} entities were to be found: {str(answer)[:500]}")
