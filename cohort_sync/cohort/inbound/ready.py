"""Entity events made ready beforehand: what needs no store (decoding, validity, the rows) is done record by record, outside of the transaction.

Most events of a busy cohort are new states of entities from their homes. For these the planner, which holds the writer, is left with the verdict: it touches a
few rows instead of a tree of a hundred objects that another processor has just made. Everything else, and whatever is not valid, stays an event: there is one
place that knows what becomes of it (`Instances`).
"""

from collections.abc import Iterable

from msgspec.structs import replace

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.decoding import Decoded, DecodedRecord, ReadyEntity, decode
from cohort_sync.cohort.inbound.validity import MissingType, Validity
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.enums import EventCategory, InstanceStatus
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.events import OMRSEvent
from cohort_sync.store.stored import entity_rows

_STATES = frozenset(
    each.value
    for each in (
        Event.NEW_ENTITY_EVENT,
        Event.UPDATED_ENTITY_EVENT,
        Event.UNDONE_ENTITY_EVENT,
        Event.RESTORED_ENTITY_EVENT,
        Event.RETYPED_ENTITY_EVENT,
        Event.REFRESHED_ENTITY_EVENT,
    )
)
"""The events that carry a state of an entity and mean nothing else."""


def prepare_records(records: Iterable[SourceRecord], context: InboundContext) -> list[DecodedRecord]:
    """As `decode_records`, with entity events made ready where that can be. Never raises; may run in any thread."""
    own_key, most = context.own_key.value, context.max_event_bytes
    if not (context.process.everything_passes and context.save.everything_passes):  # the rules look into the event
        return [(record, decode(record, own_key, most)) for record in records]
    validity = Validity(context.registry, context.statuses)
    return [(record, _prepared(decode(record, own_key, most), context, validity)) for record in records]


def _prepared(decoded: Decoded, context: InboundContext, validity: Validity) -> Decoded:
    if not isinstance(decoded, OMRSEvent):
        return decoded
    return _ready(decoded, context, validity) or decoded


def _ready(event: OMRSEvent, context: InboundContext, validity: Validity) -> ReadyEntity | None:
    """The event made ready; None when it has to be looked at whole."""
    section, originator = event.instance_event_section, event.originator
    if section is None or originator is None or event.error_section is not None or event.event_category is not EventCategory.INSTANCE:
        return None
    entity, kind = section.entity, section.event_type
    if entity is None or kind is None or kind._value_ not in _STATES or entity.status is InstanceStatus.DELETED or entity.type is None:
        return None
    if section.type_def_guid is None or section.type_def_name is None or originator.metadata_collection_id == context.local:
        return None
    try:
        claim = validity.entity(entity)
        if isinstance(claim, MissingType):
            return None
        claims = validity.classifications(entity, claim.type_name)
        if isinstance(claims, MissingType) or validity.properties(entity.type, entity.properties, f"entity {entity.guid}") is not None:
            return None
        row, _ = entity_rows(replace(entity, classifications=None) if entity.classifications else entity)
    except PoisonEvent:
        return None
    return ReadyEntity(
        event_type=kind._value_,
        type_name=section.type_def_name,
        instance_guid=section.instance_guid,
        originator=originator.metadata_collection_id,
        event_time=event.timestamp,
        row=row,
        classifications=claims,
        registry=context.registry,
    )
