"""Read everything that the instance events of a batch are about in a few queries, before they are planned one by one."""

from collections.abc import Iterable

from cohort_sync.cohort.inbound.classifications import said_already
from cohort_sync.cohort.inbound.decoding import ReadyEntity
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.store.stored import grave


def prefetch(overlay: Overlay, events: Iterable[OMRSEvent | ReadyEntity]) -> None:
    """Fill the overlay. Only speed depends on this: what is not fetched here is read when it is asked for."""
    ready: list[ReadyEntity] = []
    entities: set[str] = set()
    others: set[str] = set()
    graves: set[str] = set()
    buried: set[str] = set()
    for event in events:
        if isinstance(event, ReadyEntity):
            ready.append(event)
            continue
        section = event.instance_event_section
        if section is None:
            continue
        batch = section.instance_batch
        for entity in (section.entity, section.entity_proxy, *(batch.entities or () if batch else ())):
            if entity is not None and entity.guid is not None:
                _entity(entity, entity.guid, entities, graves)
        for relationship in (section.relationship, *(batch.relationships or () if batch else ())):
            if relationship is not None:
                _relationship(relationship, others)
        if section.original_classification is not None and section.instance_guid is not None:
            graves.add(grave(section.instance_guid, section.original_classification.name or ""))
        if section.original_instance_guid is not None:
            entities.add(section.original_instance_guid)
        if section.entity is None and section.relationship is None and section.instance_guid is not None:
            others.add(section.instance_guid)
            buried.add(section.instance_guid)
    overlay.instances.fetch(entities | others)
    overlay.classifications.fetch(entities)
    absent = {guid for guid in entities | others if overlay.instances.get(guid) is None}
    overlay.tombstones.fetch(absent | graves | buried | _fetch_heads(overlay, ready))


def _fetch_heads(overlay: Overlay, ready: list[ReadyEntity]) -> set[str]:
    """A new state of an entity asks for the heads of the stored one; for the rows of its classifications only where they change. Answers with the tombstones
    that may be asked for."""
    if not ready:
        return set()
    guids = [event.row.guid for event in ready]
    overlay.instances.fetch_heads(guids)
    overlay.classifications.fetch_heads(guids)
    graves = {guid for guid in guids if overlay.instances.head(guid) is None}
    changing = []
    for event in ready:
        guid = event.row.guid
        if not said_already(event.classifications, overlay.classifications.head(guid) or ()):
            changing.append(guid)
            graves.update(grave(guid, each.row.name) for each in event.classifications)
    overlay.classifications.fetch(changing)
    return graves


def _entity(entity: EntityDetail | EntityProxy, guid: str, entities: set[str], graves: set[str]) -> None:
    entities.add(guid)
    for classification in entity.classifications or ():
        if classification.name is not None:
            graves.add(grave(guid, classification.name))


def _relationship(relationship: Relationship, others: set[str]) -> None:
    for one in (relationship, relationship.entity_one_proxy, relationship.entity_two_proxy):
        if one is not None and one.guid is not None:
            others.add(one.guid)
