"""Instances as they were: documents of the history as instances, and the classifications that an entity had at an instant.

A version is valid from its own time on, and no longer at the time of the version that replaced it (spec metadata-collection-semantics 4 and 6).
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.store.rows import ClassificationHistoryRow, ClassificationRow, Kind

_decode_entity = msgspec.json.Decoder(EntityDetail).decode
_decode_proxy = msgspec.json.Decoder(EntityProxy).decode
_decode_relationship = msgspec.json.Decoder(Relationship).decode
_decode_classification = msgspec.json.Decoder(Classification).decode


def instance_version(kind: int, document: bytes) -> EntityDetail | EntityProxy | Relationship:
    """The instance of a document; an entity without its classifications."""
    match kind:
        case Kind.RELATIONSHIP:
            return _decode_relationship(document)
        case Kind.PROXY:
            return _decode_proxy(document)
        case _:
            return _decode_entity(document)


class ClassificationState(NamedTuple):
    """A state of a classification and the time in which it was valid."""

    classification: Classification
    valid_from: int
    valid_to: int | None
    """None: it still is."""


def classification_states(current: Iterable[ClassificationRow], past: Iterable[ClassificationHistoryRow]) -> list[ClassificationState]:
    """All states of the classifications of an entity, in the order of their names, each newest first.

    A state that was replaced was valid until the next one began; one that was taken off, until the store's clock then: a removal carries no time of its own.
    """
    states: dict[str, list[ClassificationState]] = {}
    for row in current:
        classification = _decode_classification(row.document)
        states[row.name] = [ClassificationState(classification, _began(classification, row.create_time), None)]
    for old in past:
        classification = _decode_classification(old.document)
        later = states.setdefault(old.name, [])
        ended = old.ended if old.removed or not later else later[-1].valid_from
        later.append(ClassificationState(classification, _began(classification, old.create_time), ended))
    return [state for name in sorted(states) for state in states[name]]


def classifications_at(states: Iterable[ClassificationState], as_of: int) -> list[Classification]:
    """Those that were on the entity at that instant, one of each name."""
    found: dict[str | None, Classification] = {}
    for state in states:
        if state.valid_from <= as_of and (state.valid_to is None or as_of < state.valid_to):
            found.setdefault(state.classification.name, state.classification)
    return list(found.values())


def _began(classification: Classification, create_time: int) -> int:
    return create_time if classification.update_time is None else classification.update_time


def with_classifications(entity: EntityDetail, classifications: list[Classification]) -> EntityDetail:
    """The entity with these classifications; an empty list is none."""
    return replace(entity, classifications=classifications or None)
