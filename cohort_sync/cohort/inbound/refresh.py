"""Requests to refresh a reference copy: the home answers with the instance as it is now (spec cohort-events 5.6).

Java asks only the home, by `homeMetadataCollectionId`. We answer for what is homed here and for what we replicate (nobody else would). An instance that is
soft-deleted is sent as such. One answer for an instance is enough for all requests of a batch.
"""

from cohort_sync.cohort import announce
from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.cohort.sending import may_be_sent
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import InstanceEventType
from cohort_sync.omrs.events import InstanceSection, OMRSEvent
from cohort_sync.omrs.exchange import zones_of
from cohort_sync.omrs.precedence import Judgement, Verdict
from cohort_sync.store.rows import InstanceRow, Kind, OutboxRow
from cohort_sync.store.stored import classification_of, entity_of, relationship_of

CHANNEL = "instances"
NOT_OURS = Judgement(Verdict.IGNORED, "it asks the home of another collection")


class Refresh:
    """Answers of one batch."""

    def __init__(self, overlay: Overlay, context: InboundContext, answered: set[str]) -> None:
        self._overlay = overlay
        self._context = context
        self._answered = answered

    def answer(self, section: InstanceSection) -> Judgement:
        """REFRESH_ENTITY_REQUEST and REFRESH_RELATIONSHIP_REQUEST."""
        guid, home, local = section.instance_guid, section.home_metadata_collection_id, self._context.local
        row = self._overlay.instances.get(guid) if guid is not None else None
        if row is None or row.kind == Kind.PROXY:
            return Judgement(Verdict.IGNORED, "we do not have it") if home == local else NOT_OURS
        if row.home != home or local not in (row.home, row.replicated_by):
            return NOT_OURS
        if (row.kind == Kind.ENTITY) is not (section.event_type is InstanceEventType.REFRESH_ENTITY_REQUEST):
            return Judgement(Verdict.IGNORED, "an instance of another kind has this GUID")
        if row.guid in self._answered:
            return Judgement(Verdict.ANSWERED, "with the answer to an earlier request")
        event = self._refreshed(row)
        if not may_be_sent(self._context.send, event, self._zones):
            return Judgement(Verdict.EXCLUDED, "the send rule keeps the answer in")
        value = encode_event(event)
        if len(value) > self._context.max_event_bytes:
            return Judgement(Verdict.IGNORED, f"the answer would have {len(value)} bytes, over the limit of {self._context.max_event_bytes}")
        self._answered.add(row.guid)
        self._overlay.send(OutboxRow(0, CHANNEL, value, self._context.now))
        return Judgement(Verdict.ANSWERED)

    def _refreshed(self, row: InstanceRow) -> OMRSEvent:
        member, now = self._context.member, self._context.now
        if row.kind == Kind.ENTITY:
            entity = entity_of(row, self._overlay.classifications.get(row.guid) or ())
            return announce.entity_event(member, now, InstanceEventType.REFRESHED_ENTITY_EVENT, entity)
        return announce.relationship_event(member, now, InstanceEventType.REFRESHED_RELATIONSHIP_EVENT, relationship_of(row))

    def _zones(self, guid: str) -> frozenset[str] | None:
        return zones_of(map(classification_of, self._overlay.classifications.get(guid) or ()))
