"""The state of the store with the changes of a batch on top, one record at a time.

Three layers: what the store holds, what earlier records of the batch changed (kept), and what the present record changes (staged). A record that turns out to
be unusable half way is dropped with all its changes; its neighbours stay.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import (
    ClassificationHead,
    ClassificationRow,
    GuardRow,
    IdentityRow,
    InstanceHead,
    InstanceRow,
    MemoRow,
    ObjectRow,
    OutboxRow,
    Tombstone,
)

K = TypeVar("K")
V = TypeVar("V")
H = TypeVar("H")


class Layered(Generic[K, V]):
    """One kind of row. `None` is a row that is not there."""

    def __init__(self, load: Callable[[Collection[K]], Mapping[K, V]], touched: "list[_Stageable]") -> None:
        self._load = load
        self._touched = touched
        self.stored: dict[K, V | None] = {}
        self.kept: dict[K, V | None] = {}
        self._staged: dict[K, V | None] = {}

    def fetch(self, keys: Iterable[K]) -> None:
        """Read what is not read yet in one query."""
        missing = [key for key in keys if key not in self.stored]
        if missing:
            found = self._load(missing)
            for key in missing:
                self.stored[key] = found.get(key)

    def get(self, key: K) -> V | None:
        """The row as the present record sees it."""
        if key in self._staged:
            return self._staged[key]
        if key in self.kept:
            return self.kept[key]
        if key not in self.stored:
            self.fetch((key,))
        return self.stored[key]

    def put(self, key: K, value: V | None) -> None:
        """Change it for the present record."""
        if not self._staged:
            self._touched.append(self)
        self._staged[key] = value

    def changed(self) -> dict[K, V | None]:
        """What the batch changed so far, the present record included."""
        return {**self.kept, **self._staged}

    def keep(self) -> None:
        """The present record stands."""
        self.kept.update(self._staged)
        self._staged.clear()

    def drop(self) -> None:
        """The present record is taken back."""
        self._staged.clear()


class Headed(Layered[K, V], Generic[K, V, H]):
    """Rows of which the heads can be read alone, for what asks no more of them: a head costs a third of its row."""

    def __init__(
        self,
        load: Callable[[Collection[K]], Mapping[K, V]],
        load_heads: Callable[[Collection[K]], Mapping[K, H]],
        touched: "list[_Stageable]",
    ) -> None:
        super().__init__(load, touched)
        self._load_heads = load_heads
        self._heads: dict[K, H | None] = {}

    def fetch(self, keys: Iterable[K]) -> None:
        """As `Layered.fetch`; what has no head is not looked for again."""
        heads, wanted = self._heads, []
        for key in keys:
            if key in heads and heads[key] is None:
                self.stored.setdefault(key, None)
            else:
                wanted.append(key)
        super().fetch(wanted)

    def fetch_heads(self, keys: Iterable[K]) -> None:
        """Read the heads of what is not read yet in one query."""
        missing = [key for key in keys if key not in self._heads and key not in self.stored]
        if missing:
            found = self._load_heads(missing)
            for key in missing:
                self._heads[key] = found.get(key)

    def head(self, key: K) -> V | H | None:
        """The head as the present record sees it, or the row where that is known."""
        if key in self._staged or key in self.kept or key in self.stored or key not in self._heads:
            return self.get(key)
        return self._heads[key]

    def was_stored(self, key: K) -> bool:
        """Did the store hold it before this batch, as far as was read?"""
        return self.stored.get(key) is not None or self._heads.get(key) is not None

    def complete(self) -> None:
        """Read the rows of what the batch has changed and read the head of only."""
        self.fetch([key for key in self.kept if self._heads.get(key) is not None])


class _Stageable(Protocol):
    def keep(self) -> None: ...

    def drop(self) -> None: ...


class Overlay:
    """All rows that a source's planning reads and writes. Also what a mapper sees (`View`)."""

    def __init__(self, reader: Reader, source: str) -> None:
        self._reader = reader
        self.source = source
        touched: list[_Stageable] = []
        self._touched = touched
        """The layers that the present record has changed: few of all."""
        self.instances = Headed[str, InstanceRow, InstanceHead](reader.instances, reader.instance_heads, touched)
        self.classifications = Headed[str, Sequence[ClassificationRow], Sequence[ClassificationHead]](
            reader.classifications, reader.classification_heads, touched
        )
        self.tombstones = Layered[str, Tombstone](reader.tombstones, touched)
        self.identities = Layered[str, IdentityRow](reader.identities, touched)
        self.objects = Layered[str, ObjectRow](lambda keys: reader.objects(source, keys), touched)
        self.guards = Layered[str, GuardRow](lambda names: reader.guards(source, names), touched)
        self._memos = Layered[str, bytes](lambda keys: {key: reader.memo(source, key) for key in keys}, touched)
        self._purged: set[str] = set()
        self._staged_purged: set[str] = set()
        self._outbox: list[OutboxRow] = []
        self._staged_outbox: list[OutboxRow] = []
        self._has_changed = False

    # ------------------------------------------------------------ the mapper's view

    def has(self, key: str) -> bool:
        return self.objects.get(key) is not None

    def keys(self, prefix: str) -> list[str]:
        return _merge(self._reader.object_keys(self.source, prefix), self.objects.changed(), prefix)

    def memo(self, key: str) -> bytes:
        return self._memos.get(key) or b""

    def memos(self, prefix: str) -> list[str]:
        changed = {key: value or None for key, value in self._memos.changed().items()}
        return _merge(self._reader.memo_keys(self.source, prefix), changed, prefix)

    # ------------------------------------------------------------ writing

    def remember(self, key: str, value: bytes) -> None:
        """Keep a mapper's memo; an empty value forgets it."""
        self._memos.put(key, value)

    def purge(self, guid: str) -> None:
        """The instance is gone, with its classifications and its history."""
        self.instances.put(guid, None)
        self.classifications.put(guid, None)
        self._staged_purged.add(guid)

    def send(self, row: OutboxRow) -> None:
        """Announce something, after everything that was announced before."""
        self._staged_outbox.append(row)

    @property
    def announced(self) -> int:
        """How many events the batch has announced with the records that were kept."""
        return len(self._outbox)

    def note_change(self) -> None:
        """The present record changed an instance, whether that is announced or not."""
        self._has_changed = True

    @property
    def has_changed(self) -> bool:
        """Whether the present record changed an instance so far."""
        return self._has_changed

    def relationships_of(self, guid: str) -> list[InstanceRow]:
        """All relationships at an entity now, in the order of their GUIDs."""
        found = {row.guid: row for row in self._reader.relationships_of((guid,))}
        self.instances.stored.update({g: row for g, row in found.items() if g not in self.instances.stored})
        for changed_guid, row in self.instances.changed().items():
            found.pop(changed_guid, None)
            if row is not None and guid in (row.end1, row.end2):
                found[changed_guid] = row
        return [found[g] for g in sorted(found)]

    def keep(self) -> None:
        """The present record stands."""
        for layer in self._touched:
            layer.keep()
        self._touched.clear()
        if self._staged_purged:
            self._purged |= self._staged_purged
            self._staged_purged.clear()
        if self._staged_outbox:
            self._outbox += self._staged_outbox
            self._staged_outbox.clear()
        self._has_changed = False

    def drop(self) -> None:
        """The present record is taken back whole."""
        for layer in self._touched:
            layer.drop()
        self._touched.clear()
        self._staged_purged.clear()
        self._staged_outbox.clear()
        self._has_changed = False

    def write_set(self) -> WriteSet:
        """Everything that was kept, as the store wants it."""
        writes = WriteSet()
        writes.removed = {guid for guid in self._purged if self.instances.was_stored(guid)}
        writes.instances = {guid: row for guid, row in self.instances.kept.items() if row is not None}
        self.classifications.complete()
        for guid, rows in self.classifications.kept.items():
            before = {} if guid in writes.removed else {row.name: row for row in self.classifications.stored.get(guid) or ()}
            after = {row.name: row for row in rows or ()}
            for name in before.keys() | after.keys():
                if after.get(name) != before.get(name):
                    writes.classifications[guid, name] = after.get(name)
        writes.tombstones = dict(self.tombstones.kept)
        writes.identities = {identity: row for identity, row in self.identities.kept.items() if row is not None}
        writes.objects = {(self.source, key): row for key, row in self.objects.kept.items()}
        writes.guards = {(self.source, name): row for name, row in self.guards.kept.items() if row is not None}
        writes.memos = {(self.source, key): MemoRow(self.source, key, value) if value else None for key, value in self._memos.kept.items()}
        writes.outbox = self._outbox
        return writes


def _merge(stored: Collection[str], changed: Mapping[str, object], prefix: str) -> list[str]:
    """The keys that are there now, sorted."""
    gone = {key for key, value in changed.items() if value is None}
    new = {key for key, value in changed.items() if value is not None and key.startswith(prefix)}
    return sorted((set(stored) - gone) | new)
