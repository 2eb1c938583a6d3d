"""The Reader over a state in memory."""

from collections.abc import Collection, Iterator

from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.store.finds import Deadline, FindQuery, sift
from cohort_sync.store.memory.state import MemoryState
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
    Kind,
    MemberRow,
    ObjectRow,
    OutboxRow,
    ParkedRow,
    PositionRow,
    RequestRow,
    Tombstone,
    TypeRow,
)
from cohort_sync.store.stored import head_of
from cohort_sync.store.versions import classification_states, classifications_at, instance_version, with_classifications

_END_OF_TIME = (1 << 63) - 1


class MemoryReader:
    """See `Reader`. One that a store gave to a planner or query ends with its transaction, as the SQLite one does: after that it raises RuntimeError."""

    def __init__(self, state: MemoryState) -> None:
        self._current: MemoryState | None = state

    def end(self) -> None:
        """The transaction has ended."""
        self._current = None

    @property
    def _state(self) -> MemoryState:
        if self._current is None:
            raise RuntimeError("the transaction of this Reader has ended; whatever it gives has to be used up inside the planner or the query")
        return self._current

    def instances(self, guids: Collection[str]) -> dict[str, InstanceRow]:
        rows = self._state.instances
        return {guid: rows[guid] for guid in guids if guid in rows}

    def classifications(self, guids: Collection[str]) -> dict[str, list[ClassificationRow]]:
        rows = self._state.classifications
        return {guid: [rows[guid][name] for name in sorted(rows[guid])] for guid in guids if guid in rows}

    def instance_heads(self, guids: Collection[str]) -> dict[str, InstanceHead]:
        return {guid: head_of(row) for guid, row in self.instances(guids).items()}

    def classification_heads(self, guids: Collection[str]) -> dict[str, list[ClassificationHead]]:
        return {guid: [ClassificationHead(*row[:-1]) for row in rows] for guid, rows in self.classifications(guids).items()}

    def relationships_of(self, guids: Collection[str]) -> list[InstanceRow]:
        state = self._state
        return [state.instances[guid] for guid in sorted({found for guid in guids for found in state.at_end.get(guid, ())})]

    def tombstones(self, guids: Collection[str]) -> dict[str, Tombstone]:
        rows = self._state.tombstones
        return {guid: rows[guid] for guid in guids if guid in rows}

    def history(self, guid: str) -> list[HistoryRow]:
        state = self._state
        return [state.history[number] for number in reversed(state.history_of.get(guid, ()))]

    def scan(self, home: str | None = None, kind: int | None = None, after: str = "") -> Iterator[InstanceRow]:
        for guid in sorted(guid for guid, row in self._state.instances.items() if guid > after and home in (None, row.home) and kind in (None, row.kind)):
            yield self._state.instances[guid]

    def homes(self) -> list[str]:
        state = self._state
        return sorted({row.home for row in state.instances.values()} | {row.home for rows in state.classifications.values() for row in rows.values()})

    def classifications_homed(self, home: str, after: tuple[str, str] = ("", "")) -> Iterator[ClassificationRow]:
        for guid in sorted(self._state.classifications):
            for name, row in sorted(self._state.classifications[guid].items()):
                if row.home == home and (guid, name) > after:
                    yield self._state.classifications[guid][name]

    def counts(self) -> list[tuple[str, int, str, int]]:
        numbers: dict[tuple[str, int, str], int] = {}
        for row in self._state.instances.values():
            if row.status != "DELETED":
                key = (row.home, int(row.kind), row.type_name)
                numbers[key] = numbers.get(key, 0) + 1
        return [(*key, number) for key, number in sorted(numbers.items())]

    def classification_counts(self) -> list[tuple[str, str, int]]:
        state = self._state
        numbers: dict[tuple[str, str], int] = {}
        for guid, rows in state.classifications.items():
            entity = state.instances.get(guid)
            if entity is not None and entity.kind == Kind.ENTITY and entity.status != "DELETED":
                for name in rows:
                    numbers[entity.home, name] = numbers.get((entity.home, name), 0) + 1
        return [(*key, number) for key, number in sorted(numbers.items())]

    def objects(self, source: str, keys: Collection[str]) -> dict[str, ObjectRow]:
        rows = self._state.objects
        return {key: rows[source, key] for key in keys if (source, key) in rows}

    def object_keys(self, source: str, prefix: str) -> list[str]:
        return sorted(key for owner, key in self._state.objects if owner == source and key.startswith(prefix))

    def source_objects(self, source: str, after: str = "", limit: int = 500) -> list[ObjectRow]:
        rows = self._state.objects
        return [rows[source, key] for key in sorted(key for owner, key in rows if owner == source and key > after)[:limit]]

    def identities(self, identities: Collection[str]) -> dict[str, IdentityRow]:
        rows = self._state.identities
        return {identity: rows[identity] for identity in identities if identity in rows}

    def guards(self, source: str, names: Collection[str]) -> dict[str, GuardRow]:
        rows = self._state.guards
        return {name: rows[source, name][0] for name in names if (source, name) in rows}

    def memo(self, source: str, key: str) -> bytes:
        row = self._state.memos.get((source, key))
        return row.value if row else b""

    def memo_keys(self, source: str, prefix: str) -> list[str]:
        return sorted(key for owner, key in self._state.memos if owner == source and key.startswith(prefix))

    def outbox(self, limit: int) -> list[OutboxRow]:
        return list(self._state.outbox.values())[:limit]

    def outbox_size(self) -> int:
        return len(self._state.outbox)

    def dead_letters(self, state: str | None = "open", limit: int = 1000, after: int = 0) -> list[DeadLetterRow]:
        return [row for row in self._state.dead_letters.values() if row.id > after and state in (None, row.state)][:limit]

    def dead_letter(self, dead_letter_id: int) -> DeadLetterRow | None:
        return self._state.dead_letters.get(dead_letter_id)

    def dead_letter_counts(self) -> list[tuple[str, str, int]]:
        numbers: dict[tuple[str, str], int] = {}
        for row in self._state.dead_letters.values():
            if row.state == "open":
                numbers[row.flow, row.stage] = numbers.get((row.flow, row.stage), 0) + 1
        return [(*key, number) for key, number in sorted(numbers.items())]

    def parked(self, type_names: Collection[str] | None = None, before: int | None = None, limit: int = 1000) -> list[ParkedRow]:
        return [
            row for row in self._state.parked.values() if (type_names is None or row.type_name in type_names) and (before is None or row.parked_at < before)
        ][:limit]

    def parked_size(self) -> int:
        return len(self._state.parked)

    def members(self) -> list[MemberRow]:
        return [row for _, row in sorted(self._state.members.items())]

    def types(self) -> list[TypeRow]:
        return list(self._state.types.values())

    def positions(self) -> list[PositionRow]:
        return [row for _, row in sorted(self._state.positions.items())]

    def gaps(self) -> list[GapRow]:
        return list(reversed(self._state.gaps))

    def requests(self, *states: str) -> list[RequestRow]:
        return [row for row in self._state.requests.values() if not states or row.state in states]

    def request(self, request_id: int) -> RequestRow | None:
        return self._state.requests.get(request_id)

    def fact(self, name: str) -> str | None:
        return self._state.facts.get(name)

    def classification_history(self, guid: str) -> list[ClassificationHistoryRow]:
        return list(reversed(self._state.classification_history.get(guid, ())))

    def find_entities(self, query: FindQuery) -> list[EntityDetail]:
        return sift(query, self._entities(query.as_of), Deadline(query.timeout))

    def find_relationships(self, query: FindQuery) -> list[Relationship]:
        documents = self._documents(Kind.RELATIONSHIP, query.as_of)
        candidates = (instance_version(Kind.RELATIONSHIP, document) for _, document in documents)
        return sift(query, (one for one in candidates if isinstance(one, Relationship)), Deadline(query.timeout))

    def _entities(self, as_of: int | None) -> Iterator[EntityDetail]:
        for guid, document in self._documents(Kind.ENTITY, as_of):
            entity = instance_version(Kind.ENTITY, document)
            current = self.classifications((guid,)).get(guid, [])
            if isinstance(entity, EntityDetail):
                states = classification_states(current, self.classification_history(guid) if as_of is not None else ())
                yield with_classifications(entity, classifications_at(states, _END_OF_TIME if as_of is None else as_of))

    def _documents(self, kind: Kind, as_of: int | None) -> Iterator[tuple[str, bytes]]:
        """The present documents of a kind, in the order in which they became known, or those that were valid at an instant."""
        state = self._state
        for row in state.instances.values():
            valid_from = row.create_time if row.update_time is None else row.update_time
            if row.kind == kind and (as_of is None or valid_from <= as_of):
                yield row.guid, row.document
        for old in state.history.values() if as_of is not None else ():
            if as_of is not None and old.kind == kind and old.valid_from <= as_of < old.valid_to:
                yield old.guid, old.document
