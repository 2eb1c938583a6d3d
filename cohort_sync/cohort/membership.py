"""The other members of the cohort, from their registrations (spec cohort-events 3.3 to 3.5).

A member is known by its metadata collection id; its last registration wins, nothing is merged. Not registered members are heard all the same: nothing of the
events on the other topics depends on this list.
"""

import msgspec

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.report import PeerReport, brief
from cohort_sync.cohort.registration import forget_complaints, registration_row, registration_time
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.ocf.connections_out import advice
from cohort_sync.omrs.enums import RegistryEventType
from cohort_sync.omrs.events import ErrorSection, OMRSEvent, Originator, RegistrySection
from cohort_sync.omrs.precedence import Judgement, Verdict
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import MemberRow

_encode = msgspec.json.Encoder().encode


class Membership:
    """Registration events of one batch; fills the write set. Members that changed before in the batch are seen."""

    def __init__(self, reader: Reader, context: InboundContext, writes: WriteSet) -> None:
        self._reader = reader
        self._context = context
        self._writes = writes
        self._stored: dict[str, MemberRow] | None = None
        self._answered = False

    def apply(self, record: SourceRecord, event: OMRSEvent) -> tuple[Judgement, PeerReport | None]:
        """What a registration event of another member does."""
        section = event.registry_event_section or RegistrySection()
        originator = event.originator or Originator()
        match section.registry_event_type:
            case RegistryEventType.REGISTRATION_EVENT | RegistryEventType.RE_REGISTRATION_EVENT:
                return self._registered(record, originator, section), None
            case RegistryEventType.UN_REGISTRATION_EVENT:
                return self._left(originator), None
            case RegistryEventType.REFRESH_REGISTRATION_REQUEST:
                return self._asked(record), None
            case RegistryEventType.REGISTRATION_ERROR_EVENT:
                return self._complained(record, event, originator)
            case RegistryEventType.UNKNOWN_REGISTRY_EVENT | None:
                return Judgement(Verdict.IGNORED, "a registration event of an unknown kind"), None

    def _registered(self, record: SourceRecord, originator: Originator, section: RegistrySection) -> Judgement:
        collection = originator.metadata_collection_id
        if collection is None:
            return Judgement(Verdict.IGNORED, "a registration without metadataCollectionId")
        before = self._member(collection)
        self._writes.members[collection] = MemberRow(
            collection,
            section.metadata_collection_name,
            originator.server_name,
            originator.server_type,
            originator.organization_name,
            section.registration_timestamp,
            None if section.remote_connection is None else _encode(section.remote_connection),
            record.timestamp if before is None else before.first_seen,
            record.timestamp,
            None if before is None else before.problem,
        )
        return Judgement(Verdict.STORED)

    def _left(self, originator: Originator) -> Judgement:
        collection = originator.metadata_collection_id
        if collection is None or self._member(collection) is None:
            return Judgement(Verdict.DUPLICATE, "no such member")
        self._writes.members[collection] = None
        return Judgement(Verdict.REMOVED)

    def _asked(self, record: SourceRecord) -> Judgement:
        """Every member answers every request with a broadcast; requests from before our start were answered by our registration at the start."""
        since = registration_time(self._reader)
        if since is None:
            return Judgement(Verdict.IGNORED, "we are not registered")
        if record.timestamp < self._context.started_at:
            return Judgement(Verdict.IGNORED, "it is older than our start")
        if not self._answered:
            self._answered = True
            self._writes.outbox.append(registration_row(self._context.member, self._context.connection, since, self._context.now))
            forget_complaints(self._reader, self._writes)
        return Judgement(Verdict.ANSWERED)

    def _complained(self, record: SourceRecord, event: OMRSEvent, originator: Originator) -> tuple[Judgement, PeerReport]:
        """Java's error code says nothing (spec 3.5); that a connection is named tells a bad connection from a conflict of collection ids."""
        error = event.error_section or ErrorSection()
        about_us = error.target_metadata_collection_id == self._context.local
        connection = error.target_remote_connection is not None
        what_to_do = ""
        if about_us and connection:
            what_to_do = advice(self._context.connection_mode, event.protocol_version_id)
        elif about_us:
            what_to_do = "Another member of the cohort has our metadata collection id: give one of the two an id of its own."
        code = error.error_code.value if error.error_code else None
        if about_us and originator.metadata_collection_id is not None:
            member = self._member(originator.metadata_collection_id)
            if member is not None:
                said = "cannot use our connection" if connection else "reports that our metadata collection id is not ours alone"
                problem = f"{said}: {brief(error.error_message) or code or 'no reason given'}. {what_to_do}"
                self._writes.members[member.metadata_collection_id] = member._replace(problem=problem)
        report = PeerReport(
            about="registration",
            originator=originator.metadata_collection_id,
            server_name=originator.server_name,
            error_code=code,
            message=error.error_message,
            about_us=about_us,
            advice=what_to_do,
            record=record,
        )
        return Judgement(Verdict.NOTED), report

    def _member(self, collection: str) -> MemberRow | None:
        if collection in self._writes.members:
            return self._writes.members[collection]
        if self._stored is None:
            self._stored = {row.metadata_collection_id: row for row in self._reader.members()}
        return self._stored.get(collection)
