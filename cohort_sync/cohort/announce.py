"""The instance events that we send (spec cohort-events 5.1 to 5.3).

Java routes by typeDefGUID and typeDefName and ignores an event without them, so every constructor here fills them from the instance. Order among events is
the caller's: ends before relationships, relationship deletes before the entity's, DELETED (a raised version) before PURGED (ids only).
"""

from cohort_sync.cohort.member import LocalMember
from cohort_sync.omrs.enums import EventCategory, InstanceEventType
from cohort_sync.omrs.events import InstanceSection, OMRSEvent
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, InstanceType, Relationship
from cohort_sync.omrs.typedefs import TypeDefSummary


def _event(member: LocalMember, now: int, section: InstanceSection) -> OMRSEvent:
    return OMRSEvent(
        protocol_version_id=member.protocol,
        timestamp=now,
        originator=member.originator,
        event_category=EventCategory.INSTANCE,
        instance_event_section=section,
    )


def _type(instance: EntityDetail | EntityProxy | Relationship) -> InstanceType:
    return instance.type or InstanceType()


def entity_event(
    member: LocalMember,
    now: int,
    event_type: InstanceEventType,
    entity: EntityDetail,
    original: EntityDetail | None = None,
    original_type: TypeDefSummary | None = None,
    original_guid: str | None = None,
    original_home: str | None = None,
) -> OMRSEvent:
    """An event that carries a whole entity: NEW, UPDATED (with the original), UNDONE, DELETED, RESTORED, RE_IDENTIFIED, RETYPED (with the type that it had),
    RE_HOMED, REFRESHED."""
    kind = _type(entity)
    return _event(
        member,
        now,
        InstanceSection(
            event_type=event_type,
            type_def_guid=kind.type_def_guid,
            type_def_name=kind.type_def_name,
            instance_guid=entity.guid,
            original_entity=original,
            entity=entity,
            original_type_def_summary=original_type,
            original_instance_guid=original_guid,
            original_home_metadata_collection_id=original_home,
        ),
    )


def relationship_event(
    member: LocalMember,
    now: int,
    event_type: InstanceEventType,
    relationship: Relationship,
    original: Relationship | None = None,
    original_type: TypeDefSummary | None = None,
    original_guid: str | None = None,
    original_home: str | None = None,
) -> OMRSEvent:
    """The same for a relationship."""
    kind = _type(relationship)
    return _event(
        member,
        now,
        InstanceSection(
            event_type=event_type,
            type_def_guid=kind.type_def_guid,
            type_def_name=kind.type_def_name,
            instance_guid=relationship.guid,
            original_relationship=original,
            relationship=relationship,
            original_type_def_summary=original_type,
            original_instance_guid=original_guid,
            original_home_metadata_collection_id=original_home,
        ),
    )


def classification_event(
    member: LocalMember,
    now: int,
    entity: EntityDetail | EntityProxy,
    classification: Classification | None,
    original: Classification | None = None,
) -> OMRSEvent:
    """CLASSIFIED (no original), RECLASSIFIED (both) or DECLASSIFIED (only the original). The entity is as it is afterwards."""
    if classification is None:
        event_type = InstanceEventType.DECLASSIFIED_ENTITY_EVENT
    elif original is None:
        event_type = InstanceEventType.CLASSIFIED_ENTITY_EVENT
    else:
        event_type = InstanceEventType.RECLASSIFIED_ENTITY_EVENT
    kind = _type(entity)
    return _event(
        member,
        now,
        InstanceSection(
            event_type=event_type,
            type_def_guid=kind.type_def_guid,
            type_def_name=kind.type_def_name,
            instance_guid=entity.guid,
            entity=entity if isinstance(entity, EntityDetail) else None,
            entity_proxy=entity if isinstance(entity, EntityProxy) else None,
            original_classification=original,
            classification=classification,
        ),
    )


def purged_event(member: LocalMember, now: int, event_type: InstanceEventType, type_guid: str, type_name: str, guid: str) -> OMRSEvent:
    """PURGED by ids: the only form that Java peers reliably honour (spec 5.5.3). `event_type` says entity or relationship."""
    return _event(
        member,
        now,
        InstanceSection(event_type=event_type, type_def_guid=type_guid, type_def_name=type_name, instance_guid=guid),
    )


def refresh_request(
    member: LocalMember, now: int, event_type: InstanceEventType, type_guid: str | None, type_name: str | None, guid: str, home: str
) -> OMRSEvent:
    """REFRESH_ENTITY_REQUEST or REFRESH_RELATIONSHIP_REQUEST: a broadcast that the home answers."""
    return _event(
        member,
        now,
        InstanceSection(
            event_type=event_type,
            type_def_guid=type_guid,
            type_def_name=type_name,
            instance_guid=guid,
            home_metadata_collection_id=home,
        ),
    )
