"""The base of every wire bean: how a Java bean and a msgspec struct correspond.

Jackson's rules in OMRSTopicConnector (spec cohort-events 2.1): `class` first, then the fields in declaration order along the class hierarchy; nulls and
empty collections are left out; primitives (int, long, boolean) are always written.
Here: a nullable field has the default `None`; a Java primitive has a default *factory* (msgspec leaves out static defaults only), so it is always written.
A field that may hold any JSON is `Raw` and keeps its bytes, which is what keeps big numbers exact; `ABSENT` is its null.
"""

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw

Primitive = TypeVar("Primitive", bound=int)

ABSENT = Raw(b"")
"""The null of a `Raw` field: not written."""


Long = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""Java's long (and int, which is not looked at more closely). JSON allows more; what no Java member can have sent and no store can hold is no OMRS event."""


def wire_name(field: str) -> str:
    """Java's property name of a field: `type_def_guid` is `typeDefGUID`, `create_time` is `createTime`."""
    head, *tail = field.split("_")
    return head + "".join("GUID" if word == "guid" else word.capitalize() for word in tail)


def always(value: Primitive) -> Callable[[], Primitive]:
    """A default factory for a Java primitive: the field may be missing on the wire and is always written."""
    return lambda: value


class Bean(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, rename=wire_name):
    """A Java bean as an immutable struct. Unknown fields are skipped when it is decoded, as Java does (ignoreUnknown)."""
