"""Instance events by their type: which part of the section counts, and who deals with it (spec cohort-events 5.2 and 5.5.3)."""

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.copies import Copies
from cohort_sync.cohort.inbound.decoding import ReadyEntity
from cohort_sync.cohort.inbound.endings import Endings, Outcome
from cohort_sync.cohort.inbound.entities import Entities
from cohort_sync.cohort.inbound.refresh import Refresh
from cohort_sync.cohort.inbound.relationships import Relationships
from cohort_sync.cohort.inbound.validity import MissingType, Validity, refuse, type_ids
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.omrs.enums import InstanceEventType as Event
from cohort_sync.omrs.events import InstanceSection
from cohort_sync.omrs.exchange import zones_of
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.precedence import Judgement, Sender, Verdict

NOT_PROCESSED = Judgement(Verdict.EXCLUDED, "the process rule keeps it out")
NO_EFFECT = Judgement(Verdict.IGNORED, "this kind of event has no effect")


class Instances:
    """The instance events of one batch, under the types as they are now. `answered` are the GUIDs whose refresh requests have their answer in this batch."""

    def __init__(self, overlay: Overlay, copies: Copies, context: InboundContext, answered: set[str]) -> None:
        self._context = context
        validity = Validity(context.registry, context.statuses)
        endings = Endings(overlay, copies, context.registry)
        self._entities = Entities(overlay, copies, endings, validity, context)
        self._relationships = Relationships(overlay, copies, endings, validity, self._entities, context)
        self._refresh = Refresh(overlay, context, answered)
        self._sender = Sender(None, context.local)
        """Of the last event that was made ready: mostly that of the next one too."""

    def apply(self, sender: Sender, section: InstanceSection) -> Outcome:
        """Stage what an event does. A batch event is taken apart by the caller (`entity`, `relationship`). PoisonEvent: refused."""
        if section.type_def_guid is None or section.type_def_name is None:
            refuse("an instance event without typeDefGUID and typeDefName in its section; receivers route by them (spec cohort-events 5.1)")
        if not self._processed(section):
            return NOT_PROCESSED
        type_id = MissingType(section.type_def_name, section.type_def_guid)
        match section.event_type:
            case (
                Event.NEW_ENTITY_EVENT
                | Event.UPDATED_ENTITY_EVENT
                | Event.UNDONE_ENTITY_EVENT
                | Event.RESTORED_ENTITY_EVENT
                | Event.RETYPED_ENTITY_EVENT
                | Event.REFRESHED_ENTITY_EVENT
            ):
                return self._entities.save(sender, _entity(section))
            case Event.RE_HOMED_ENTITY_EVENT:
                return self._entities.save(sender, _entity(section), re_homed=True)
            case Event.RE_IDENTIFIED_ENTITY_EVENT:
                return self._entities.re_identify(sender, _entity(section), section.original_instance_guid)
            case Event.DELETED_ENTITY_EVENT:
                return self._entities.delete(sender, _entity(section))
            case Event.PURGED_ENTITY_EVENT | Event.DELETE_PURGED_ENTITY_EVENT:
                return self._entities.purge(sender, section.instance_guid, section.entity, type_id)
            case Event.CLASSIFIED_ENTITY_EVENT | Event.RECLASSIFIED_ENTITY_EVENT | Event.DECLASSIFIED_ENTITY_EVENT:
                return self._classified(sender, section)
            case Event.NEW_RELATIONSHIP_EVENT | Event.UPDATED_RELATIONSHIP_EVENT | Event.UNDONE_RELATIONSHIP_EVENT | Event.RETYPED_RELATIONSHIP_EVENT:
                return self._relationships.save(sender, _relationship(section))
            case Event.RESTORED_RELATIONSHIP_EVENT | Event.REFRESHED_RELATIONSHIP_EVENT:
                return self._relationships.save(sender, _relationship(section), current=True)
            case Event.RE_HOMED_RELATIONSHIP_EVENT:
                return self._relationships.save(sender, _relationship(section), re_homed=True)
            case Event.RE_IDENTIFIED_RELATIONSHIP_EVENT:
                return self._relationships.re_identify(sender, _relationship(section), section.original_instance_guid)
            case Event.DELETED_RELATIONSHIP_EVENT:
                return self._relationships.delete(sender, _relationship(section))
            case Event.PURGED_RELATIONSHIP_EVENT | Event.DELETE_PURGED_RELATIONSHIP_EVENT:
                return self._relationships.purge(sender, section.instance_guid, section.relationship, type_id)
            case Event.REFRESH_ENTITY_REQUEST | Event.REFRESH_RELATIONSHIP_REQUEST:
                return self._refresh.answer(section)
            case Event.BATCH_INSTANCES_EVENT | Event.INSTANCE_ERROR_EVENT | Event.UNKNOWN_INSTANCE_EVENT | None:
                return NO_EFFECT

    def apply_ready(self, ready: ReadyEntity) -> Judgement:
        """Stage what an event does that was made ready."""
        sender = self._sender
        if sender.originator != ready.originator:
            sender = self._sender = Sender(ready.originator, self._context.local)
        return self._entities.save_ready(sender, ready)

    def element(self, sender: Sender, instance: EntityDetail | Relationship) -> Outcome:
        """One element of a BATCH_INSTANCES event, judged by its own type."""
        if not self._context.process.type_passes(*type_ids(instance)) or not self._zones_pass(instance):
            return NOT_PROCESSED
        if isinstance(instance, EntityDetail):
            return self._entities.save(sender, instance)
        return self._relationships.save(sender, instance)

    def _classified(self, sender: Sender, section: InstanceSection) -> Outcome:
        entity: EntityDetail | EntityProxy | None = section.entity or section.entity_proxy
        if entity is None:
            refuse("a classification event with neither entity nor entityProxy")
        gone = section.event_type is Event.DECLASSIFIED_ENTITY_EVENT
        return self._entities.classify(sender, entity, None if gone else section.classification, section.original_classification if gone else None)

    def _processed(self, section: InstanceSection) -> bool:
        rule = self._context.process
        if rule.everything_passes:
            return True
        if not rule.type_passes(section.type_def_guid, section.type_def_name):
            return False
        instance = section.entity or section.entity_proxy or section.relationship
        return instance is None or self._zones_pass(instance)

    def _zones_pass(self, instance: EntityDetail | EntityProxy | Relationship) -> bool:
        rule = self._context.process
        if not rule.zones_matter:
            return True
        if isinstance(instance, Relationship):
            return all(map(rule.zones_pass, self._relationships.zones(instance)))
        return rule.zones_pass(zones_of(instance.classifications))


def _entity(section: InstanceSection) -> EntityDetail:
    return section.entity or refuse(f"a {section.event_type} without entity")


def _relationship(section: InstanceSection) -> Relationship:
    return section.relationship or refuse(f"a {section.event_type} without relationship")
