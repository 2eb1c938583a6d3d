"""A polled batch of cohort events as one write set (design, "Two flows, one store").

The batch comes in the order registration topic, types topic, instances topic, and is planned in slices. Order inside a slice: registration events, then type
events, then events that were parked for a type that has just come, then instance events; within each kind the order of the records. Every event has a verdict
of its own; one that cannot be used becomes a dead letter and takes nothing with it.

The write set holds final states. When several events of a batch are about one instance, they see each other, and only the last state is written: the states in
between do not appear in the history.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec.structs import replace

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.copies import Copies
from cohort_sync.cohort.inbound.decoding import DecodedRecord, NotForUs, ReadyEntity
from cohort_sync.cohort.inbound.endings import Outcome
from cohort_sync.cohort.inbound.instances import Instances
from cohort_sync.cohort.inbound.letters import dead_letter, parked, record_of
from cohort_sync.cohort.inbound.prefetch import prefetch
from cohort_sync.cohort.inbound.report import Alarm, EventResult, InboundReport, PeerReport, SecondMember
from cohort_sync.cohort.inbound.validity import MissingType
from cohort_sync.cohort.membership import Membership
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.cohort.type_events import TypeEvents
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.codec import decode_event
from cohort_sync.omrs.enums import EventCategory, InstanceEventType
from cohort_sync.omrs.errors import PoisonEvent, UndecodableEvent
from cohort_sync.omrs.events import ErrorSection, InstanceSection, OMRSEvent, Originator
from cohort_sync.omrs.precedence import Judgement, Sender, Verdict
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import ParkedRow

SOURCE = "cohort"
SLICE = 500
"""So many records are read for and planned together: enough to make the store's queries worth it, few enough not to hold a whole batch of decoded events."""
PARKED_AT_ONCE = 10_000
"""At most so many parked events are applied with the type that they wait for; `plan_waiting` applies the rest."""

Event = tuple[SourceRecord, OMRSEvent]
InstanceEvent = tuple[SourceRecord, OMRSEvent | ReadyEntity]


def plan_inbound(reader: Reader, batch: Iterable[DecodedRecord], context: InboundContext) -> tuple[WriteSet, InboundReport]:
    """Plan a batch. Pure: everything it reads comes from `reader`, everything it does is in the write set. The caller adds the positions to it.

    `batch` is asked for slice by slice: what it takes to decode the records may be done on the way (`decoding`).
    """
    planner = InboundPlanner(reader, context)
    planner.plan(batch)
    return planner.finish()


class InboundPlanner:
    """One batch under way."""

    def __init__(self, reader: Reader, context: InboundContext) -> None:
        self._reader = reader
        self._context = context
        self._writes = WriteSet()
        self._overlay = Overlay(reader, SOURCE)
        self._copies = Copies(self._overlay, reader)
        self._membership = Membership(reader, context, self._writes)
        self._types = TypeEvents(reader, context, self._writes)
        self._answered: set[str] = set()
        self._instances = Instances(self._overlay, self._copies, context, self._answered)
        self._results: list[EventResult] = []
        self._alarms: list[Alarm] = []
        self._second_member_told = False

    def plan(self, batch: Iterable[DecodedRecord]) -> None:
        """Plan these records after those that were planned before."""
        records = iter(batch)
        while self._plan_slice(list(islice(records, SLICE))):
            continue

    def _plan_slice(self, batch: Sequence[DecodedRecord]) -> int:
        """Registration, types, parked events, instances. Answers how many records there were; keeps none of them."""
        registry, types, instances = self._sorted(batch)
        for record, event in registry:
            self._registry_event(record, event)
        known = self._types.registry
        for record, event in types:
            self._type_event(record, event)
        if self._types.registry is not known:
            self._instances = Instances(self._overlay, self._copies, replace(self._context, registry=self._types.registry), self._answered)
        if changed := self._types.take_changed():
            self.retry(row for row in self._reader.parked(type_names=changed, limit=PARKED_AT_ONCE) if not self.is_settled(row))
        prefetch(self._overlay, (event for _, event in instances))
        for record, instance in instances:
            if isinstance(instance, ReadyEntity):
                self._ready_entity(record, instance)
            else:
                self._instance_event(record, instance, self._context.now)
        return len(batch)

    def retry(self, rows: Iterable[ParkedRow]) -> None:
        """Plan parked events again, in the order in which they came. What waits for another type now keeps its age; what waits for the same stays as it is."""
        for row in rows:
            self._writes.unparked.add(row.id)
            record = record_of(row)
            told, waiting = len(self._results), len(self._writes.parked)
            try:
                self._instance_event(record, decode_event(row.value), row.parked_at)
            except UndecodableEvent as problem:
                self._refuse(record, None, problem)
            again = self._writes.parked[waiting:]
            if again and (again[0].type_name, again[0].type_guid) == (row.type_name, row.type_guid):
                self._writes.unparked.discard(row.id)
                del self._writes.parked[waiting:], self._results[told:]

    def is_settled(self, row: ParkedRow) -> bool:
        """Was this parked event dealt with?"""
        return row.id in self._writes.unparked

    def give_up(self, rows: Iterable[ParkedRow]) -> None:
        """Parked events whose type does not come become dead letters."""
        for row in rows:
            self._writes.unparked.add(row.id)
            reason = (
                f"type {row.type_name} ({row.type_guid}) did not become known within {self._context.parked_seconds:.0f} s (worker.parked_seconds); "
                "let the cohort teach it (types.learn), or load it (types.archives), then replay this dead letter"
            )
            self._refuse(record_of(row), None, PoisonEvent(reason, stage="validate"), type_name=row.type_name, guid=row.instance_guid or None)

    def finish(self) -> tuple[WriteSet, InboundReport]:
        """The write set and what to say about it."""
        instances = self._overlay.write_set()
        writes = self._writes
        writes.removed = instances.removed
        writes.instances = instances.instances
        writes.classifications = instances.classifications
        writes.tombstones = instances.tombstones
        writes.outbox += instances.outbox
        writes.facts.update(self._copies.facts)
        return writes, InboundReport(self._results, self._alarms, self._types.registry, len(writes.outbox))

    # ------------------------------------------------------------ sorting

    def _sorted(self, batch: Sequence[DecodedRecord]) -> tuple[list[Event], list[Event], list[InstanceEvent]]:
        registry: list[Event] = []
        types: list[Event] = []
        instances: list[InstanceEvent] = []
        for record, event in batch:
            if isinstance(event, ReadyEntity):
                instances.append((record, event))
            elif isinstance(event, NotForUs):
                self._tell(record, None, Judgement(Verdict.IGNORED, event.reason))
            elif isinstance(event, UndecodableEvent):
                self._refuse(record, None, event)
            elif self._heard(record, event):
                match event.event_category:
                    case EventCategory.REGISTRY:
                        registry.append((record, event))
                    case EventCategory.TYPEDEF:
                        types.append((record, event))
                    case EventCategory.INSTANCE:
                        instances.append((record, event))
                    case EventCategory.GENERIC | EventCategory.UNKNOWN:
                        self._tell(record, event, Judgement(Verdict.IGNORED, f"events of category {event.event_category.value} have no meaning here"))
                    case None:
                        self._refuse(record, event, PoisonEvent("an event without eventCategory; expected REGISTRY, TYPEDEF or INSTANCE", stage="validate"))
        return registry, types, instances

    def _heard(self, record: SourceRecord, event: OMRSEvent) -> bool:
        """Is this an event of somebody else? Otherwise its verdict has been told."""
        if record.key == self._context.own_key.value:
            self._tell(record, event, Judgement(Verdict.IGNORED, "our own record"))
            return False
        if event.originator is None:
            self._refuse(record, event, PoisonEvent("an event without originator; every event names its sender (spec cohort-events 2.2)", stage="validate"))
            return False
        if event.originator.metadata_collection_id != self._context.local:
            return True
        if record.timestamp < self._context.own_key.since:
            self._tell(record, event, Judgement(Verdict.NOT_HOME, "sent with our metadata collection id before this store was made"))
            return False
        self._tell(record, event, Judgement(Verdict.NOT_HOME, "another server sends with our metadata collection id"))
        if not self._second_member_told:
            self._second_member_told = True
            self._alarms.append(SecondMember(server_name=event.originator.server_name, event_type=_event_type(event), record=record))
        return False

    # ------------------------------------------------------------ one event

    def _registry_event(self, record: SourceRecord, event: OMRSEvent) -> None:
        judged, report = self._membership.apply(record, event)
        if report is not None:
            self._alarms.append(report)
        self._tell(record, event, judged)

    def _type_event(self, record: SourceRecord, event: OMRSEvent) -> None:
        try:
            judged, change, alarm = self._types.apply(record, event)
        except PoisonEvent as problem:
            self._refuse(record, event, problem)
            return
        if alarm is not None:
            self._alarms.append(alarm)
        self._tell(record, event, judged, type_name=change.name if change is not None else None, guid=change.guid if change is not None else None)

    def _ready_entity(self, record: SourceRecord, ready: ReadyEntity) -> None:
        if ready.registry is not self._types.registry:  # a type came between: what was found valid may not be so any more
            self._instance_event(record, decode_event(record.value or b""), self._context.now)
            return
        verdict, reason = self._instances.apply_ready(ready)
        self._overlay.keep()
        self._results.append(EventResult(record, ready.event_type, verdict, ready.instance_guid, ready.type_name, ready.originator, ready.event_time, reason))

    def _instance_event(self, record: SourceRecord, event: OMRSEvent, parked_since: int) -> None:
        section = event.instance_event_section or InstanceSection()
        kind = section.event_type
        if kind is InstanceEventType.BATCH_INSTANCES_EVENT:
            self._batch_event(record, event, section, parked_since)
        elif event.error_section is not None or kind is InstanceEventType.INSTANCE_ERROR_EVENT:
            self._alarms.append(self._complaint(record, event, event.error_section or ErrorSection()))
            self._tell(record, event, Judgement(Verdict.NOTED, "an error report of another member; nothing is re-identified or purged because of it"))
        elif kind is None or kind is InstanceEventType.UNKNOWN_INSTANCE_EVENT:
            self._tell(record, event, Judgement(Verdict.IGNORED, "an instance event of an unknown kind"))
        else:
            try:
                outcome = self._instances.apply(self._sender(event), section)
            except PoisonEvent as problem:
                self._overlay.drop()
                self._refuse(record, event, problem, type_name=section.type_def_name, guid=section.instance_guid)
                return
            self._settle(record, event, outcome, parked_since, section.type_def_name, section.instance_guid)

    def _batch_event(self, record: SourceRecord, event: OMRSEvent, section: InstanceSection, parked_since: int) -> None:
        """Element by element. Those that are refused or wait keep the whole event, once: applied again, the others are duplicates."""
        problems: list[str] = []
        missing: MissingType | None = None
        graph = section.instance_batch
        sender = self._sender(event)
        for instance in (*((graph.entities if graph else None) or ()), *((graph.relationships if graph else None) or ())):
            type_name = instance.type.type_def_name if instance.type is not None else None
            try:
                outcome = self._instances.element(sender, instance)
            except PoisonEvent as problem:
                self._overlay.drop()
                problems.append(str(problem))
                self._tell(record, event, Judgement(Verdict.REFUSED, str(problem)), type_name=type_name, guid=instance.guid)
                continue
            if isinstance(outcome, MissingType):
                self._overlay.drop()
                missing = missing or outcome
                outcome = Judgement(Verdict.PARKED, _waits_for(outcome))
            else:
                self._overlay.keep()
            self._tell(record, event, outcome, type_name=type_name, guid=instance.guid)
        if graph is None:
            self._refuse(record, event, PoisonEvent("a BATCH_INSTANCES event without instanceBatch", stage="validate"))
        if problems:
            self._writes.dead_letters.append(dead_letter(record, "validate", "; ".join(problems), self._context.now))
        if missing is not None:
            self._writes.parked.append(parked(record, missing, None, parked_since))

    def _settle(self, record: SourceRecord, event: OMRSEvent, outcome: Outcome, parked_since: int, type_name: str | None, guid: str | None) -> None:
        if isinstance(outcome, MissingType):
            self._overlay.drop()
            self._writes.parked.append(parked(record, outcome, guid, parked_since))
            outcome = Judgement(Verdict.PARKED, _waits_for(outcome))
        else:
            self._overlay.keep()
        self._tell(record, event, outcome, type_name=type_name, guid=guid)

    # ------------------------------------------------------------ pieces

    def _sender(self, event: OMRSEvent) -> Sender:
        originator = event.originator
        return Sender(originator.metadata_collection_id if originator is not None else None, self._context.local)

    def _complaint(self, record: SourceRecord, event: OMRSEvent, error: ErrorSection) -> PeerReport:
        originator = event.originator or Originator()
        return PeerReport(
            about="instances",
            originator=originator.metadata_collection_id,
            server_name=originator.server_name,
            error_code=error.error_code.value if error.error_code else None,
            message=error.error_message or (f"instance {error.target_instance_guid}" if error.target_instance_guid else None),
            about_us=error.target_metadata_collection_id == self._context.local,
            record=record,
        )

    def _refuse(self, record: SourceRecord, event: OMRSEvent | None, problem: PoisonEvent, *, type_name: str | None = None, guid: str | None = None) -> None:
        self._writes.dead_letters.append(dead_letter(record, problem.stage, str(problem), self._context.now))
        self._tell(record, event, Judgement(Verdict.REFUSED, str(problem)), type_name=type_name, guid=guid)

    def _tell(self, record: SourceRecord, event: OMRSEvent | None, judged: Judgement, *, type_name: str | None = None, guid: str | None = None) -> None:
        originator = event.originator.metadata_collection_id if event is not None and event.originator is not None else None
        kind, time = (_event_type(event), event.timestamp) if event is not None else ("", None)
        self._results.append(EventResult(record, kind, judged.verdict, guid, type_name, originator, time, judged.reason))


def _waits_for(missing: MissingType) -> str:
    return f"it waits for type {missing.name} ({missing.guid})"


def _event_type(event: OMRSEvent) -> str:
    instance, types, registry = event.instance_event_section, event.type_def_event_section, event.registry_event_section
    kind = (
        (instance.event_type if instance is not None else None)
        or (types.type_def_event_type if types is not None else None)
        or (registry.registry_event_type if registry is not None else None)
    )
    return "" if kind is None else kind.value
