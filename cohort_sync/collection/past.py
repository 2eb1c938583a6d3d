"""The versions of one instance, present and past (spec metadata-collection-semantics 6)."""

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from cohort_sync.omrs.finds import HistorySequencingOrder
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import InstanceRow, Kind
from cohort_sync.store.versions import (
    ClassificationState,
    classification_states,
    classifications_at,
    instance_version,
    with_classifications,
)

Value = TypeVar("Value")
_END_OF_TIME = (1 << 63) - 1


class Version(NamedTuple, Generic[Value]):
    """Something and the time in which it was so: from its own time on, until the next version came."""

    value: Value
    valid_from: int
    valid_to: int | None

    def covers(self, instant: int) -> bool:
        """Was it so at that instant?"""
        return self.valid_from <= instant and (self.valid_to is None or instant < self.valid_to)

    def overlaps(self, from_time: int | None, to_time: int | None) -> bool:
        """Was it so at some instant of the range?"""
        return (to_time is None or self.valid_from <= to_time) and (from_time is None or self.valid_to is None or self.valid_to > from_time)


def entity_versions(reader: Reader, guid: str) -> list[Version[EntityDetail | EntityProxy]]:
    """Newest first; empty when there is no entity or proxy. An entity of the past has the classifications that it had when the version ended."""
    row = reader.instances((guid,)).get(guid)
    if row is None or row.kind == Kind.RELATIONSHIP:
        return []
    states = classification_states(reader.classifications((guid,)).get(guid, ()), reader.classification_history(guid))
    found: list[Version[EntityDetail | EntityProxy]] = []
    for version in _documents(reader, row):
        instance = instance_version(*version.value)
        last = _END_OF_TIME if version.valid_to is None else version.valid_to - 1
        if isinstance(instance, EntityDetail):
            entity = with_classifications(instance, classifications_at(states, last))
            found.append(Version(entity, version.valid_from, version.valid_to))
        elif isinstance(instance, EntityProxy):
            found.append(Version(instance, version.valid_from, version.valid_to))
    return found


def relationship_versions(reader: Reader, guid: str) -> list[Version[Relationship]]:
    """Newest first; empty when there is no relationship."""
    row = reader.instances((guid,)).get(guid)
    if row is None or row.kind != Kind.RELATIONSHIP:
        return []
    found: list[Version[Relationship]] = []
    for version in _documents(reader, row):
        instance = instance_version(*version.value)
        if isinstance(instance, Relationship):
            found.append(Version(instance, version.valid_from, version.valid_to))
    return found


def classification_versions(reader: Reader, guid: str, name: str) -> list[Version[Classification]]:
    """The states of one classification of an entity, newest first."""
    states: list[ClassificationState] = classification_states(reader.classifications((guid,)).get(guid, ()), reader.classification_history(guid))
    return [Version(state.classification, state.valid_from, state.valid_to) for state in states if state.classification.name == name]


def _documents(reader: Reader, row: InstanceRow) -> Iterable[Version[tuple[int, bytes]]]:
    yield Version((row.kind, row.document), row.create_time if row.update_time is None else row.update_time, None)
    for old in reader.history(row.guid):
        yield Version((old.kind, old.document), old.valid_from, old.valid_to)


def history_page(
    versions: Iterable[Version[Value]],
    from_time: int | None,
    to_time: int | None,
    offset: int,
    page_size: int,
    order: HistorySequencingOrder | None,
    keep: Callable[[Value], bool] = lambda _value: True,
) -> list[Value]:
    """The versions of a range, newest first or (FORWARDS) oldest first, and of those the page. A page size of 0 is no limit."""
    found = [version.value for version in versions if version.overlaps(from_time, to_time) and keep(version.value)]
    if order is HistorySequencingOrder.FORWARDS:
        found.reverse()
    start = max(offset, 0)
    return found[start : start + page_size] if page_size else found[start:]
