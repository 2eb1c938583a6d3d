"""Type events of other members: what is learned, stored and answered (spec cohort-events 4.3; `omrs.type_changes` decides, this module has the effects).

We publish no open metadata types and echo nothing: an event that taught us a type is not sent on. The one thing that is sent is the conflict event, when a name
stands for another type here.
"""

import msgspec

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.report import PeerReport, TypeConflict
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.codec import encode_event
from cohort_sync.omrs.enums import EventCategory, EventErrorCode, TypeDefEventType
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.events import ErrorSection, OMRSEvent, Originator, TypeDefSection
from cohort_sync.omrs.precedence import Judgement, Verdict
from cohort_sync.omrs.type_changes import TypeChange, TypeVerdict, apply_type_event
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import AttributeTypeDef, CollectionDef, EnumDef, PrimitiveDef, TypeDef, TypeDefBody, TypeDefSummary
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import OutboxRow, TypeRow

CHANNEL = "types"
TYPEDEF = "typedef"
ATTRIBUTE = "attribute"

_VERDICTS = {
    TypeVerdict.ADDED: Verdict.STORED,
    TypeVerdict.PATCHED: Verdict.STORED,
    TypeVerdict.KNOWN: Verdict.DUPLICATE,
    TypeVerdict.PATCH_IGNORED: Verdict.STALE,
    TypeVerdict.CONFLICT: Verdict.CONFLICT,
    TypeVerdict.DELETED: Verdict.REMOVED,
    TypeVerdict.IN_USE: Verdict.IGNORED,
    TypeVerdict.UNKNOWN_TYPE: Verdict.IGNORED,
    TypeVerdict.NOT_LEARNED: Verdict.EXCLUDED,
    TypeVerdict.IGNORED: Verdict.IGNORED,
}
_DELETES = (TypeDefEventType.DELETED_TYPEDEF_EVENT, TypeDefEventType.DELETED_ATTRIBUTE_TYPEDEF_EVENT)


class TypeEvents:
    """Type events of one batch. `registry` is the one after those that were applied."""

    def __init__(self, reader: Reader, context: InboundContext, writes: WriteSet) -> None:
        self._reader = reader
        self._context = context
        self._writes = writes
        self._used: frozenset[str] | None = None
        self._answered: set[tuple[str, str]] = set()
        self.registry: TypeRegistry = context.registry
        self._changed: set[str] = set()

    def apply(self, record: SourceRecord, event: OMRSEvent) -> tuple[Judgement, TypeChange | None, TypeConflict | PeerReport | None]:
        """What a type event does. PoisonEvent when the change contradicts itself (a type without name or GUID, a patch that goes backwards)."""
        section = event.type_def_event_section or TypeDefSection()
        originator = event.originator or Originator()
        if not self._context.process.types_pass:
            return Judgement(Verdict.EXCLUDED, "the process rule keeps types out"), None, None
        if section.type_def_event_type is TypeDefEventType.TYPEDEF_ERROR_EVENT:
            return Judgement(Verdict.NOTED), None, _report(record, event, originator, self._context.local)
        if section.type_def_event_type in _DELETES and section.type_def_name in self._in_use():
            return Judgement(Verdict.IGNORED, f"there are instances of type {section.type_def_name}"), None, None
        registry, change = apply_type_event(self.registry, section, self._context.learn)
        if change.verdict is TypeVerdict.REFUSED:
            raise PoisonEvent(f"type event about {change.name or 'a type without a name'}: {change.reason}", stage="validate")
        self.registry = registry
        conflict = None
        match change.verdict:
            case TypeVerdict.ADDED | TypeVerdict.PATCHED:
                self._learned(change.name, attribute=section.type_def_event_type is TypeDefEventType.NEW_ATTRIBUTE_TYPEDEF_EVENT)
            case TypeVerdict.DELETED:
                self._writes.types[change.guid] = None
            case TypeVerdict.CONFLICT:
                self._answer(section, change, originator)
                conflict = TypeConflict(name=change.name, guid=change.guid, originator=originator.metadata_collection_id, reason=change.reason, record=record)
        return Judgement(_VERDICTS[change.verdict], change.reason), change, conflict

    def take_changed(self) -> frozenset[str]:
        """The types that came or changed since this was asked last, and the types below them: what waited for one of them can be tried again."""
        changed = frozenset(self._changed)
        self._changed.clear()
        return changed

    def _learned(self, name: str, *, attribute: bool) -> None:
        if attribute:
            found = self.registry.attribute_type(name)
            if found is not None:
                self._writes.types[str(found.guid)] = TypeRow(str(found.guid), name, ATTRIBUTE, found.version, msgspec.json.encode(found))
            return
        type_def = self.registry.type_def(name)
        if type_def is not None:
            self._writes.types[str(type_def.guid)] = TypeRow(str(type_def.guid), name, TYPEDEF, type_def.version, msgspec.json.encode(type_def))
            self._changed |= {name, *self.registry.subtypes(name)}

    def _answer(self, section: TypeDefSection, change: TypeChange, originator: Originator) -> None:
        """One answer for a type is enough for all announcements of a batch."""
        key = (change.guid, originator.metadata_collection_id or "")
        if change.known is not None and key not in self._answered:
            self._answered.add(key)
            event = conflict_event(self._context, section.type_def or section.attribute_type_def, change.known, change.reason, originator)
            self._writes.outbox.append(OutboxRow(0, CHANNEL, encode_event(event), self._context.now))

    def _in_use(self) -> frozenset[str]:
        """The types of which there are instances."""
        if self._used is None:
            classifications = {name for _, name, _ in self._reader.classification_counts()}
            self._used = frozenset({name for _, _, name, _ in self._reader.counts()} | classifications)
        return self._used


def conflict_event(
    context: InboundContext, new: TypeDef | AttributeTypeDef | None, known: TypeDef | AttributeTypeDef, reason: str, originator: Originator
) -> OMRSEvent:
    """TYPEDEF_ERROR_EVENT with CONFLICTING_TYPEDEFS or CONFLICTING_ATTRIBUTE_TYPEDEFS, as Java fills it (spec 4.1)."""
    attribute = isinstance(known, PrimitiveDef | CollectionDef | EnumDef)
    return OMRSEvent(
        protocol_version_id=context.member.protocol,
        timestamp=context.now,
        originator=context.member.originator,
        event_category=EventCategory.TYPEDEF,
        type_def_event_section=TypeDefSection(
            type_def_event_type=TypeDefEventType.TYPEDEF_ERROR_EVENT,
            original_type_def_summary=summary(new),
            original_attribute_type_def=_attribute(new),
        ),
        error_section=ErrorSection(
            error_code=EventErrorCode.CONFLICTING_ATTRIBUTE_TYPEDEFS if attribute else EventErrorCode.CONFLICTING_TYPEDEFS,
            error_message=reason,
            other_metadata_collection_id=originator.metadata_collection_id,
            other_type_def_summary=summary(known),
            other_attribute_type_def=_attribute(known),
        ),
    )


def summary(one: TypeDef | AttributeTypeDef | None) -> TypeDefSummary | None:
    """GUID, name, status, version and category of a type; None for an attribute type."""
    if not isinstance(one, TypeDefBody):
        return None
    return TypeDefSummary(
        header_version=one.header_version,
        guid=one.guid,
        name=one.name,
        status=one.status,
        version=one.version,
        version_name=one.version_name,
        category=one.category,
    )


def _attribute(one: TypeDef | AttributeTypeDef | None) -> AttributeTypeDef | None:
    return one if isinstance(one, PrimitiveDef | CollectionDef | EnumDef) else None


def _report(record: SourceRecord, event: OMRSEvent, originator: Originator, local: str) -> PeerReport:
    """Java gives no message for an attribute type: then the name of the type says at least what it is about."""
    error = event.error_section or ErrorSection()
    section = event.type_def_event_section or TypeDefSection()
    about = section.original_attribute_type_def or section.original_type_def_summary or error.target_type_def_summary
    return PeerReport(
        about="types",
        originator=originator.metadata_collection_id,
        server_name=originator.server_name,
        error_code=error.error_code.value if error.error_code else None,
        message=error.error_message or (f"type {about.name} ({about.guid})" if about is not None else None),
        about_us=local in (error.target_metadata_collection_id, error.other_metadata_collection_id),
        record=record,
    )
