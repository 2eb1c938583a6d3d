"""Several answers about the same instances into one (spec metadata-collection-semantics 13.1). Pure.

What the home says wins, then the highest version, then who was asked first. Classifications are merged one by one, because each has a version of its own.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.finds import Paging, SequencingOrder
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, EntitySummary, Relationship
from cohort_sync.store.finds import FindQuery, in_order, page, rank
from cohort_sync.store.rows import Kind

Known = TypeVar("Known", EntityDetail, Relationship)
AnyEntity = EntityDetail | EntityProxy | EntitySummary
EntityT = TypeVar("EntityT", bound=AnyEntity)
Instance = TypeVar("Instance", bound=EntityDetail | EntityProxy | EntitySummary | Relationship)
_FULL: dict[type, int] = {EntityDetail: 2, EntitySummary: 1}


def best(answers: Iterable[tuple[str, Instance]]) -> Instance | None:
    """The answer that wins, of (metadata collection id of who answered, instance): the home's, else the newest, else the fullest, else the first."""
    winner: Instance | None = None
    strength = (False, -1, -1)
    for collection, instance in answers:
        this = (instance.metadata_collection_id == collection, instance.version, _FULL.get(type(instance), 0))
        if this > strength:
            winner, strength = instance, this
    return winner


def merged_classifications(several: Iterable[Sequence[Classification] | None], *, deleted: bool = False) -> list[Classification] | None:
    """By name, the highest version, the first on a tie; in the order of the names. `deleted`: keep those that are soft-deleted."""
    found: dict[str, Classification] = {}
    for classifications in several:
        for one in classifications or ():
            known = found.get(one.name or "")
            if known is None or one.version > known.version:
                found[one.name or ""] = one
    return [found[name] for name in sorted(found) if deleted or found[name].status is not InstanceStatus.DELETED] or None


def with_classifications(entity: EntityT, several: Iterable[Sequence[Classification] | None], *, deleted: bool = False) -> EntityT:
    """The entity with its own classifications and these."""
    merged = merged_classifications((entity.classifications, *several), deleted=deleted)
    return entity if merged == entity.classifications else replace(entity, classifications=merged)


def merged_entities(answers: Iterable[tuple[str, Sequence[EntityDetail] | None]]) -> list[EntityDetail]:
    """The entities of several lists, each once, in the order in which they were found first."""
    found: dict[str, list[tuple[str, EntityDetail]]] = {}
    for collection, entities in answers:
        for entity in entities or ():
            found.setdefault(entity.guid or "", []).append((collection, entity))
    winners = ((best(each), each) for each in found.values())
    return [with_classifications(one, (entity.classifications for _, entity in each)) for one, each in winners if one is not None]


def merged_relationships(answers: Iterable[tuple[str, Sequence[Relationship] | None]]) -> list[Relationship]:
    """The same for relationships."""
    found: dict[str, list[tuple[str, Relationship]]] = {}
    for collection, relationships in answers:
        for relationship in relationships or ():
            found.setdefault(relationship.guid or "", []).append((collection, relationship))
    return [one for one in map(best, found.values()) if one is not None]


def cut(instances: Sequence[Known], paging: Paging) -> list[Known]:
    """The page of a list in the order that is asked for; ANY is the order of the list."""
    kind = Kind.RELATIONSHIP if instances and isinstance(instances[0], Relationship) else Kind.ENTITY
    query = FindQuery(
        kind=kind,
        order=paging.sequencing_order or SequencingOrder.ANY,
        order_property=paging.sequencing_property,
        offset=paging.offset,
        page_size=paging.page_size,
    )
    by_guid = {one.guid or "": one for one in instances}
    ranked = in_order((rank(query, one, position) for position, one in enumerate(instances)), query.order)
    return [by_guid[place.guid] for place in page(query, ranked)]


def versions(answers: Iterable[tuple[str, Sequence[Known] | None]], *, newest_first: bool) -> list[Known]:
    """The versions of one instance out of several histories, each version once."""
    found: dict[int, list[tuple[str, Known]]] = {}
    for collection, history in answers:
        for one in history or ():
            found.setdefault(one.version, []).append((collection, one))
    winners = (best(found[version]) for version in sorted(found, reverse=newest_first))
    return [winner for winner in winners if winner is not None]
