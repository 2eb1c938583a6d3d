"""A dry run: records through a mapper and the real planner into a store that is thrown away. Nothing is sent and no position is kept.

It answers what `cohort-sync map try` prints, and what the golden harness compares.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from cohort_sync.cohort.outbound import SourceContext, SourceReport, plan_source_batch
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Mapper, Meaning, Outcome
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.instances import EntityDetail, Relationship
from cohort_sync.store.protocol import Planner, Reader, Store, WriteSet
from cohort_sync.store.rows import InstanceRow, Kind
from cohort_sync.store.stored import entity_of, relationship_of

EventT = TypeVar("EventT")
T = TypeVar("T")


class DryRunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the records, and what is there in the end. Soft-deleted instances are not counted; all counts stand in the order of the names."""

    outcomes: tuple[Outcome, ...]
    entities: dict[str, int]
    relationships: dict[str, int]
    classifications: dict[str, int]
    """Numbers of entities that carry the classification."""
    guids: dict[str, str]
    """By qualified name."""
    instances: tuple[EntityDetail | Relationship, ...]
    """Entities, then relationships, each in the order of the GUIDs; soft-deleted ones too."""

    def document(self, *, state: bool = False) -> dict[str, object]:
        """The result as one JSON object; with `state`, every final instance as OMRS JSON under `instances`."""
        told: dict[str, object] = {
            "outcomes": [outcome.word for outcome in self.outcomes],
            "entities": self.entities,
            "relationships": self.relationships,
            "classifications": self.classifications,
            "guids": self.guids,
        }
        return {**told, "instances": self.instances} if state else told


async def run_dry(
    store: Store, mapper: Mapper[EventT], records: Iterable[SourceRecord], context: SourceContext, *, now: int = 0, batch_size: int = 500
) -> DryRunResult:
    """Apply the records in their order on top of what the open store holds. `now` (epoch ms) is the time of the announcements.

    Bad records become outcomes; however many there are, they do not halt it. Raises what the mapper raises, which a sound mapper never does.
    """
    lenient = replace(context, max_bad_run=2**62)
    outcomes: list[Outcome] = []
    for chunk in _chunks(records, batch_size):
        batch = [(record, mapper.decode(record)) for record in chunk]

        report = await store.transact(_plan(batch, mapper, lenient, now))
        outcomes += report.outcomes
    return await store.read(lambda reader: _result(reader, tuple(outcomes), context.member.metadata_collection_id))


def _plan(batch: Sequence[tuple[SourceRecord, EventT | Meaning]], mapper: Mapper[EventT], context: SourceContext, now: int) -> Planner[SourceReport]:
    def plan(reader: Reader) -> tuple[WriteSet, SourceReport]:
        return plan_source_batch(reader, batch, mapper, context, {}, now)

    return plan


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _result(reader: Reader, outcomes: tuple[Outcome, ...], home: str) -> DryRunResult:
    entities = list(reader.scan(home, Kind.ENTITY))
    relationships = list(reader.scan(home, Kind.RELATIONSHIP))
    classified = reader.classifications([row.guid for row in entities])
    live = [row for row in entities if _live(row)]
    return DryRunResult(
        outcomes=outcomes,
        entities=_counted(row.type_name for row in live),
        relationships=_counted(row.type_name for row in relationships if _live(row)),
        classifications=_counted(one.name for row in live for one in classified.get(row.guid, ())),
        guids=dict(sorted((row.qualified_name, row.guid) for row in live if row.qualified_name is not None)),
        instances=(*(entity_of(row, classified.get(row.guid, ())) for row in entities), *(relationship_of(row) for row in relationships)),
    )


def _live(row: InstanceRow) -> bool:
    return row.status != InstanceStatus.DELETED


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
