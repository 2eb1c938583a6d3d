"""What entity events do to reference copies (spec cohort-events 5.5, egeria-6.1-observed).

Each method answers with the verdict and has staged its effect, or answers with the type that is missing and has staged nothing. PoisonEvent: the event is not
valid; the caller drops what was staged.
"""

from msgspec.structs import replace

from cohort_sync.cohort.inbound.classifications import Classifications
from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.copies import Copies
from cohort_sync.cohort.inbound.decoding import ReadyEntity
from cohort_sync.cohort.inbound.endings import WRONG_KIND, Endings, Outcome, tombstone_of_claim
from cohort_sync.cohort.inbound.validity import Claims, MissingType, Validity, refuse, type_ids
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.cohort.outbound.typed import proxy_of_entity
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.exchange import zones_of
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy
from cohort_sync.omrs.precedence import (
    ACCEPT,
    DELETED,
    DUPLICATE,
    OURS,
    Claim,
    ClassificationClaim,
    Judgement,
    Sender,
    Stored,
    Verdict,
    judge_instance,
    judge_proxy,
)
from cohort_sync.store.rows import InstanceRow, Kind, Tombstone
from cohort_sync.store.stored import entity_rows, proxy_rows

_PROXY = Kind.PROXY.value
NOT_SAVED = Judgement(Verdict.EXCLUDED, "the save rule keeps it out")


class Entities:
    """Entity events over the overlay of one batch."""

    def __init__(self, overlay: Overlay, copies: Copies, endings: Endings, validity: Validity, context: InboundContext) -> None:
        self._overlay = overlay
        self._copies = copies
        self._validity = validity
        self._context = context
        self._classifications = Classifications(overlay, copies, validity)
        self._endings = endings

    def save(self, sender: Sender, entity: EntityDetail, *, re_homed: bool = False) -> Outcome:
        """NEW, UPDATED, UNDONE, RESTORED, RETYPED, RE_HOMED, REFRESHED and DELETED: the header decides, the event type is a hint (spec, trap 12)."""
        claim = self._validity.entity(entity)
        if isinstance(claim, MissingType):
            return claim
        guid = entity.guid or ""
        judged, held, buried = self._judged(sender, guid, claim, re_homed=re_homed)
        if judged.verdict is Verdict.DUPLICATE and entity.classifications:
            claims = self._validity.classifications(entity, claim.type_name)
            return claims if isinstance(claims, MissingType) else self._merged(sender, guid, claims)
        if judged.verdict is not Verdict.STORED:
            return judged
        if not (claim.status == DELETED and held is not None) and not self._saved(entity):
            return NOT_SAVED
        if entity.type is not None and (missing := self._validity.properties(entity.type, entity.properties, f"entity {guid}")):
            return missing
        claims = self._validity.classifications(entity, claim.type_name)
        if isinstance(claims, MissingType):
            return claims
        new, _ = entity_rows(replace(entity, classifications=None) if entity.classifications else entity)
        self._classifications.replace(sender, guid, claim.home, claims, newer=held is not None or buried is not None)
        self._overlay.instances.put(guid, new)
        if claim.status == DELETED and (held is None or held.status != DELETED):
            self._copies.delete_relationships(new, entity, sender)
        return ACCEPT

    def save_ready(self, sender: Sender, ready: ReadyEntity) -> Judgement:
        """The same for a live entity that was found valid before, where no rule keeps anything out."""
        row = ready.row
        judged, held, buried = self._judged(sender, row.guid, row)
        if judged.verdict is Verdict.DUPLICATE and ready.classifications:
            return self._merged(sender, row.guid, ready.classifications)
        if judged.verdict is Verdict.STORED:
            self._classifications.replace(sender, row.guid, row.home, ready.classifications, newer=held is not None or buried is not None)
            self._overlay.instances.put(row.guid, row)
        return judged

    def _judged(self, sender: Sender, guid: str, claim: Stored, *, re_homed: bool = False) -> tuple[Judgement, Stored | None, Tombstone | None]:
        """The verdict, what is stored of the entity itself (a proxy is hearsay), and its tombstone where that counts."""
        stored = self._overlay.instances.head(guid)
        held = None if stored is not None and stored.kind == _PROXY else stored
        buried = self._overlay.tombstones.get(guid) if held is None or held.create_time != claim.create_time else None
        judged = judge_instance(sender, claim, held, buried, re_homed=re_homed)
        if buried is not None and judged.verdict is Verdict.STALE and claim.create_time == buried.create_time:
            self._copies.bury(tombstone_of_claim(guid, claim))
        return judged, held, buried

    def delete(self, sender: Sender, entity: EntityDetail) -> Outcome:
        """DELETED: the copy becomes a soft-deleted one, whatever status the event gives it."""
        if entity.status is not InstanceStatus.DELETED:
            entity = replace(entity, status_on_delete=entity.status_on_delete or entity.status, status=InstanceStatus.DELETED)
        return self.save(sender, entity)

    def purge(self, sender: Sender, guid: str | None, entity: EntityDetail | None, type_id: MissingType) -> Outcome:
        """PURGED and DELETE_PURGED, with the instance or by ids."""
        guid = guid or (entity.guid if entity is not None else None)
        if guid is None:
            refuse("a purge without instanceGUID and without entity")
        claim = self._validity.entity(entity) if entity is not None else None
        return self._endings.purge(sender, guid, claim, type_id, relationship=False)

    def re_identify(self, sender: Sender, entity: EntityDetail, old_guid: str | None) -> Outcome:
        """RE_IDENTIFIED: the entity under its new GUID, and the old one is gone."""
        claim = self._validity.entity(entity)
        saved = self.save(sender, entity)
        if isinstance(saved, MissingType) or isinstance(claim, MissingType):
            return saved
        return self._endings.retire(sender, old_guid, entity.guid or "", claim, saved, relationship=False)

    def classify(self, sender: Sender, entity: EntityDetail | EntityProxy, classification: Classification | None, original: Classification | None) -> Outcome:
        """CLASSIFIED, RECLASSIFIED (classification given) and DECLASSIFIED (only the original).

        The entity in the event counts as an update of it when its home speaks; from anybody else it only serves as a proxy when nothing is stored. On an
        entity of ours only classifications of others change. A soft-deleted entity is classified too: it shows once the entity is restored.
        """
        if classification is None and (original is None or original.name is None):
            refuse(f"a classification event of entity {entity.guid} needs a classification, and one that declassifies an originalClassification with a name")
        entity_claim = self._validity.entity(entity) if isinstance(entity, EntityDetail) else self._validity.proxy(entity)
        if isinstance(entity_claim, MissingType):
            return entity_claim
        guid = entity.guid or ""
        before = self._overlay.instances.get(guid)
        claim: ClassificationClaim | MissingType | None
        if classification is not None:
            classification = self._validity.completed(classification, entity.create_time)
            claim = self._validity.classification(classification, guid, entity_claim.type_name if isinstance(entity, EntityDetail) else None)
        else:
            claim = self._classifications.claim_of_removed(guid, original or Classification())
        if isinstance(claim, MissingType):
            return claim
        core = self._core(sender, entity, entity_claim, before)
        if isinstance(core, MissingType) or core.verdict not in (Verdict.STORED, Verdict.DUPLICATE):
            return core
        if claim is None:
            return core
        if classification is not None:
            judged = self._classifications.classify(sender, guid, classification, claim)
        else:
            name = (original.name if original is not None else None) or ""
            older = before is not None and before.kind == Kind.ENTITY and isinstance(entity, EntityDetail) and entity.version < before.version
            judged = self._classifications.declassify(sender, guid, name, claim, entity_is_older=older)
        return core if core.verdict is Verdict.STORED and judged.verdict is Verdict.DUPLICATE else judged

    # ------------------------------------------------------------ pieces

    def _core(self, sender: Sender, entity: EntityDetail | EntityProxy, claim: Claim, row: InstanceRow | None) -> Outcome:
        """What the entity of a classification event changes. STORED or DUPLICATE: it is there, and the classification may follow."""
        guid = entity.guid or ""
        if row is not None and row.kind == Kind.RELATIONSHIP:
            return WRONG_KIND
        if row is not None and row.home == sender.local:
            return DUPLICATE
        if claim.home == sender.local:
            return OURS
        if isinstance(entity, EntityDetail) and sender.speaks_for(claim.home, claim.replicated_by):
            if row is None and not self._saved(entity):
                return NOT_SAVED
            saved = self.save(sender, entity)
            if isinstance(saved, MissingType) or saved.verdict is Verdict.STORED:
                return saved
            return DUPLICATE if self._overlay.instances.get(guid) is not None else saved
        if row is not None:
            return DUPLICATE
        if not self._saved(entity):
            return NOT_SAVED
        proxy = proxy_of_entity(self._context.registry, entity) if isinstance(entity, EntityDetail) else entity
        return self.save_proxy(sender, replace(proxy, classifications=None), claim._replace(kind=Kind.PROXY.value))

    def save_proxy(self, sender: Sender, proxy: EntityProxy, claim: Claim) -> Judgement:
        """An entity that is known only as the end of a relationship or the subject of a classification. Classifications inside it are not announcements."""
        guid = proxy.guid or ""
        row = self._overlay.instances.get(guid)
        judged = judge_proxy(sender, claim, row, self._overlay.tombstones.get(guid) if row is None else None)
        if judged.verdict is Verdict.STORED:
            self._overlay.instances.put(guid, proxy_rows(proxy)[0])
        return judged

    def _merged(self, sender: Sender, guid: str, claims: Claims) -> Judgement:
        return ACCEPT if self._classifications.merge(sender, guid, claims) else DUPLICATE

    def _saved(self, entity: EntityDetail | EntityProxy) -> bool:
        rule = self._context.save
        if rule.everything_passes:
            return True
        return rule.type_passes(*type_ids(entity)) and (not rule.zones_matter or rule.zones_pass(zones_of(entity.classifications)))
