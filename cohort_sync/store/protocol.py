"""The narrow store protocol: what every repository connector of ours does, and nothing more.

All change goes through `transact`: a planner reads through a `Reader` and answers with a `WriteSet`, which is written in the same transaction. Planners are
pure: no clock, no I/O but the Reader. Transactions of one store are serialised; a planner sees everything that was committed before it.
A planner may be called again (another backend's transaction may lose and be retried), so it must not have effects of its own.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from cohort_sync.omrs.errors import TransientFault
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.store.finds import FindQuery
from cohort_sync.store.rows import (
    ClassificationHead,
    ClassificationHistoryRow,
    ClassificationRow,
    DeadLetterRow,
    GapRow,
    GuardRow,
    HistoryRow,
    IdentityRow,
    InstanceHead,
    InstanceRow,
    MemberRow,
    MemoRow,
    ObjectRow,
    OutboxRow,
    ParkedRow,
    PositionMove,
    PositionRow,
    RequestRow,
    Tombstone,
    TypeRow,
)

T = TypeVar("T")


class PositionLost(TransientFault):
    """A position is not where the caller left it: another worker has moved it (guarantee 8). Everything of the transaction was rolled back."""


@dataclass(slots=True)
class WriteSet:
    """Everything that one transaction writes. Mutable while a planner fills it; applied in the order of the fields.

    A removed instance takes its classifications and its history along. Writing an instance moves the row that it replaces into the history.
    """

    removed: set[str] = field(default_factory=set)
    instances: dict[str, InstanceRow] = field(default_factory=dict)
    classifications: dict[tuple[str, str], ClassificationRow | None] = field(default_factory=dict)
    """By entity GUID and name; None removes it."""
    tombstones: dict[str, Tombstone | None] = field(default_factory=dict)
    """None removes it (the instance is back)."""
    objects: dict[tuple[str, str], ObjectRow | None] = field(default_factory=dict)
    identities: dict[str, IdentityRow] = field(default_factory=dict)
    guards: dict[tuple[str, str], GuardRow] = field(default_factory=dict)
    memos: dict[tuple[str, str], MemoRow | None] = field(default_factory=dict)
    outbox: list[OutboxRow] = field(default_factory=list)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    dead_letter_states: dict[int, str] = field(default_factory=dict)
    dead_letter_reasons: dict[int, tuple[str, str]] = field(default_factory=dict)
    """By id: stage and reason of the last attempt to replay it."""
    parked: list[ParkedRow] = field(default_factory=list)
    unparked: set[int] = field(default_factory=set)
    members: dict[str, MemberRow | None] = field(default_factory=dict)
    types: dict[str, TypeRow | None] = field(default_factory=dict)
    """By GUID."""
    gaps: list[GapRow] = field(default_factory=list)
    requests: list[RequestRow] = field(default_factory=list)
    request_results: dict[int, tuple[str, str]] = field(default_factory=dict)
    """By id: state and result."""
    facts: dict[str, str | None] = field(default_factory=dict)
    """Small named facts about the store (collection id, type release, halted sources, ...)."""
    positions: list[PositionMove] = field(default_factory=list)


class Reader(Protocol):
    """A consistent view of the store. Missing rows are left out of the answers; no order unless one is named."""

    def instances(self, guids: Collection[str]) -> dict[str, InstanceRow]: ...

    def classifications(self, guids: Collection[str]) -> dict[str, list[ClassificationRow]]:
        """By entity GUID, each list in the order of the names."""
        ...

    def instance_heads(self, guids: Collection[str]) -> dict[str, InstanceHead]:
        """What `instances` gives, without what a verdict does not ask for: less than half of the work."""
        ...

    def classification_heads(self, guids: Collection[str]) -> dict[str, list[ClassificationHead]]:
        """What `classifications` gives, likewise; each list in any order."""
        ...

    def relationships_of(self, guids: Collection[str]) -> list[InstanceRow]:
        """All relationships that have one of these entities at an end, each once, in the order of their GUIDs."""
        ...

    def tombstones(self, guids: Collection[str]) -> dict[str, Tombstone]: ...

    def history(self, guid: str) -> list[HistoryRow]:
        """Earlier versions, newest first."""
        ...

    def scan(self, home: str | None = None, kind: int | None = None, after: str = "") -> Iterator[InstanceRow]:
        """Every instance (of a home, of a kind) in the order of the GUIDs, those greater than `after`; read in chunks: memory does not grow with the store."""
        ...

    def homes(self) -> list[str]:
        """The home collections of all instances and classifications, sorted."""
        ...

    def classifications_homed(self, home: str, after: tuple[str, str] = ("", "")) -> Iterator[ClassificationRow]:
        """Every classification whose own home this is, in the order of entity GUID and name, those greater than `after`."""
        ...

    def counts(self) -> list[tuple[str, int, str, int]]:
        """(home, kind, type name, number) of all instances that are not soft-deleted, sorted."""
        ...

    def classification_counts(self) -> list[tuple[str, str, int]]:
        """(home of the entity, classification name, number of entities), soft-deleted ones left out, sorted."""
        ...

    def objects(self, source: str, keys: Collection[str]) -> dict[str, ObjectRow]: ...

    def object_keys(self, source: str, prefix: str) -> list[str]:
        """Sorted."""
        ...

    def source_objects(self, source: str, after: str = "", limit: int = 500) -> list[ObjectRow]:
        """The objects of a source in the order of their keys, those with a key greater than `after`."""
        ...

    def identities(self, identities: Collection[str]) -> dict[str, IdentityRow]: ...

    def guards(self, source: str, names: Collection[str]) -> dict[str, GuardRow]: ...

    def memo(self, source: str, key: str) -> bytes:
        """Empty when there is none."""
        ...

    def memo_keys(self, source: str, prefix: str) -> list[str]:
        """Sorted."""
        ...

    def outbox(self, limit: int) -> list[OutboxRow]:
        """The oldest rows, in the order of `seq`."""
        ...

    def outbox_size(self) -> int: ...

    def dead_letters(self, state: str | None = "open", limit: int = 1000, after: int = 0) -> list[DeadLetterRow]:
        """In the order of the ids, those greater than `after`; None: of every state."""
        ...

    def dead_letter(self, dead_letter_id: int) -> DeadLetterRow | None: ...

    def dead_letter_counts(self) -> list[tuple[str, str, int]]:
        """(flow, stage, number) of the open ones, sorted."""
        ...

    def parked(self, type_names: Collection[str] | None = None, before: int | None = None, limit: int = 1000) -> list[ParkedRow]:
        """In the order of the ids: all, those of these types, those parked before this time."""
        ...

    def parked_size(self) -> int: ...

    def members(self) -> list[MemberRow]:
        """In the order of the metadata collection ids."""
        ...

    def types(self) -> list[TypeRow]:
        """In the order in which they were learned."""
        ...

    def positions(self) -> list[PositionRow]:
        """Sorted by cluster, topic and partition."""
        ...

    def gaps(self) -> list[GapRow]:
        """Newest first."""
        ...

    def requests(self, *states: str) -> list[RequestRow]:
        """Those in one of these states (none named: all), in the order of the ids."""
        ...

    def request(self, request_id: int) -> RequestRow | None: ...

    def fact(self, name: str) -> str | None: ...

    def classification_history(self, guid: str) -> list[ClassificationHistoryRow]:
        """Earlier states of the classifications of an entity, newest first."""
        ...

    def find_entities(self, query: FindQuery) -> list[EntityDetail]:
        """The page of a find over entities. Raises UnsupportedExpression, and QueryTimeout after the query's deadline."""
        ...

    def find_relationships(self, query: FindQuery) -> list[Relationship]:
        """The same over relationships."""
        ...


Planner = Callable[[Reader], tuple[WriteSet, T]]
Query = Callable[[Reader], T]


class Store(Protocol):
    """A repository connector of ours. All methods may be called from any task of one event loop; none blocks it."""

    async def open(self) -> None:
        """Open, lock and migrate. StoreLocked when another worker has it, ConfigurationError when it was made by a newer release."""
        ...

    async def close(self) -> None:
        """Wait for what is under way and close. Calling it again does nothing."""
        ...

    async def transact(self, plan: Planner[T], *, committing: Callable[[], None] | None = None) -> T:
        """Run `plan` and write its WriteSet in one durable transaction; answers with the planner's result.

        `committing` is called in the writer's thread when everything is written and only the commit is left, which is a wait for the disk: what it starts
        runs beside that. It must not block or raise, and says nothing about the outcome: the commit may still fail.

        Raises PositionLost (rolled back), TransientFault (disk full, locked; rolled back), or what the planner raises (rolled back).
        """
        ...

    async def read(self, query: Query[T]) -> T:
        """Run a query on a consistent view, beside a transaction that may be under way."""
        ...

    async def acknowledge(self, up_to_seq: int) -> None:
        """Delete the outbox rows up to and including this one: the broker has them."""
        ...

    async def prune(self, *, history_before: int, dead_letters_before: int, guards_before: int, chunk: int = 500) -> int:
        """Delete history, closed dead letters and guards that are older than these times, at most `chunk` rows a table; answers how many."""
        ...
