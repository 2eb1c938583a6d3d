"""What every method of the collection has to know besides its parameters: values and three injected sources."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from cohort_sync.cohort.member import LocalMember
from cohort_sync.omrs.conditions import SearchDialect
from cohort_sync.omrs.exchange import ExchangeFilter
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.clock import wall_clock


class TypeHolder(Protocol):
    """Who holds the types that are known at the moment. A registry is never changed: another one takes its place."""

    registry: TypeRegistry


def random_guid() -> str:
    """A GUID that nobody has."""
    return str(uuid4())


def nobody() -> None:
    """Nobody waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionContext:
    """One metadata collection."""

    member: LocalMember
    types: TypeHolder
    clock: Callable[[], int] = wall_clock
    new_guid: Callable[[], str] = random_guid
    find_timeout: float = 30.0
    """Seconds that a find may take; 0: no limit."""
    announced: Callable[[], None] = nobody
    """Called after a transaction that left something to be sent: whoever sends need not wait for its next look."""
    types_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while types are changed. Whoever else changes the types of the holder has to hold it too, from reading the registry to replacing it."""
    send: ExchangeFilter = field(default_factory=ExchangeFilter)
    """What of it is announced: what the rule keeps in is changed all the same."""
    max_event_bytes: int = 1_000_000
    """The largest event that the broker takes; what does not fit is not stored either, because it could not be announced."""

    @property
    def collection_id(self) -> str:
        """Our metadata collection id."""
        return self.member.metadata_collection_id

    @property
    def source(self) -> str:
        """How errors name this repository."""
        return self.member.server_name


def is_before_6(release: str) -> bool:
    """Is this a type release of members up to 5.x?"""
    head = release.split(".")[0]
    return head.isdigit() and int(head) < 6


def dialect_of(release: str) -> SearchDialect:
    """How the members of a cohort with these types mean the strings that they search for."""
    return SearchDialect.EXPRESSION if is_before_6(release) else SearchDialect.LITERAL
