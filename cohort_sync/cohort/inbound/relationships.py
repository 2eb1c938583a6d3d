"""What relationship events do to reference copies (spec cohort-events 5.5). As `entities`.

The ends come along as proxies: they are stored where nothing of the entity is, and give way to the entity. The entity of an end that was purged takes late
relationships of its home with it; that of an end that was re-identified is looked for under its new GUID.
"""

from msgspec.structs import replace

from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.copies import Copies, deleted_relationship
from cohort_sync.cohort.inbound.endings import Endings, Outcome, tombstone_of_claim
from cohort_sync.cohort.inbound.entities import NOT_SAVED, Entities
from cohort_sync.cohort.inbound.validity import MissingType, Validity, refuse, type_ids
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.exchange import zones_of
from cohort_sync.omrs.instances import EntityProxy, Relationship
from cohort_sync.omrs.precedence import ACCEPT, DELETED, Claim, Judgement, Sender, Verdict, judge_instance, judge_revival
from cohort_sync.store.rows import InstanceRow, Kind
from cohort_sync.store.stored import classification_of, entity_of, relationship_row


class Relationships:
    """Relationship events over the overlay of one batch."""

    def __init__(self, overlay: Overlay, copies: Copies, endings: Endings, validity: Validity, entities: Entities, context: InboundContext) -> None:
        self._overlay = overlay
        self._copies = copies
        self._endings = endings
        self._validity = validity
        self._entities = entities
        self._context = context

    def save(self, sender: Sender, relationship: Relationship, *, re_homed: bool = False, current: bool = False) -> Outcome:
        """NEW, UPDATED, UNDONE, RESTORED, RETYPED, RE_HOMED, REFRESHED and DELETED.

        `current`: the home says how it is now (RESTORED, REFRESHED), also after the delete of an end. Any other event of a live relationship at a deleted
        entity of the same home was sent before that delete.
        """
        claim = self._validity.relationship(relationship)
        if isinstance(claim, MissingType):
            return claim
        guid = relationship.guid or ""
        row = self._overlay.instances.get(guid)
        buried = self._overlay.tombstones.get(guid) if row is None or row.create_time != claim.create_time else None
        judged = judge_instance(sender, claim, row, buried, re_homed=re_homed)
        if judged.verdict is not Verdict.STORED:
            if buried is not None and judged.verdict is Verdict.STALE and claim.create_time == buried.create_time:
                self._copies.bury(tombstone_of_claim(guid, claim))
            return judged
        if not (claim.status == DELETED and row is not None) and not self._saved(relationship):
            return NOT_SAVED
        if relationship.type is not None:
            missing = self._validity.properties(relationship.type, relationship.properties, f"relationship {guid}")
            if missing is not None:
                return missing
        one = self._end(relationship.entity_one_proxy or EntityProxy())
        two = self._end(relationship.entity_two_proxy or EntityProxy())
        if one is not relationship.entity_one_proxy or two is not relationship.entity_two_proxy:
            relationship = replace(relationship, entity_one_proxy=one, entity_two_proxy=two)
        ends = [(proxy, self._overlay.instances.get(proxy.guid or "")) for proxy in (one, two)]
        for proxy, end in ends:
            if end is None and row is None and self._purged(proxy, claim):
                return Judgement(Verdict.STALE, f"the entity {proxy.guid} at its end was purged since")
        new = relationship_row(relationship)
        for proxy, end in ends:
            if end is None or end.kind == Kind.PROXY:
                self._save_end(sender, proxy)
            elif not current and claim.status != DELETED and end.status == DELETED and end.home == claim.home:
                new = deleted_relationship(new, entity_of(end, ()))
                current = True
        self._overlay.instances.put(guid, new)
        return ACCEPT

    def delete(self, sender: Sender, relationship: Relationship) -> Outcome:
        """DELETED: the copy becomes a soft-deleted one, whatever status the event gives it."""
        if relationship.status is not InstanceStatus.DELETED:
            relationship = replace(relationship, status_on_delete=relationship.status_on_delete or relationship.status, status=InstanceStatus.DELETED)
        return self.save(sender, relationship)

    def purge(self, sender: Sender, guid: str | None, relationship: Relationship | None, type_id: MissingType) -> Outcome:
        """PURGED and DELETE_PURGED, with the instance or by ids."""
        guid = guid or (relationship.guid if relationship is not None else None)
        if guid is None:
            refuse("a purge without instanceGUID and without relationship")
        claim = self._validity.relationship(relationship) if relationship is not None else None
        return self._endings.purge(sender, guid, claim, type_id, relationship=True)

    def re_identify(self, sender: Sender, relationship: Relationship, old_guid: str | None) -> Outcome:
        """RE_IDENTIFIED: the relationship under its new GUID, and the old one is gone."""
        claim = self._validity.relationship(relationship)
        saved = self.save(sender, relationship)
        if isinstance(saved, MissingType) or isinstance(claim, MissingType):
            return saved
        return self._endings.retire(sender, old_guid, relationship.guid or "", claim, saved, relationship=True)

    # ------------------------------------------------------------ ends

    def _end(self, proxy: EntityProxy) -> EntityProxy:
        """The proxy under the GUID that the entity has now."""
        seen = {proxy.guid}
        while proxy.guid is not None and self._overlay.instances.get(proxy.guid) is None and self._overlay.tombstones.get(proxy.guid) is not None:
            new = self._copies.new_guid(proxy.guid)
            if new is None or new in seen:
                break
            seen.add(new)
            proxy = replace(proxy, guid=new)
        return proxy

    def _purged(self, proxy: EntityProxy, claim: Claim) -> bool:
        """Was the entity at this end purged, and has it not begun again for the sender of the relationship?"""
        buried = self._overlay.tombstones.get(proxy.guid or "")
        if buried is None or buried.home != claim.home or proxy.create_time is None:
            return False
        as_claimed = claim._replace(version=proxy.version, create_time=proxy.create_time)
        return judge_revival(as_claimed, buried).verdict is Verdict.STALE

    def _save_end(self, sender: Sender, proxy: EntityProxy) -> None:
        """An incomplete proxy, or one of a type that is not known, does not keep the relationship out: nothing is stored for it."""
        try:
            claim = self._validity.proxy(proxy)
        except PoisonEvent:
            return
        if not isinstance(claim, MissingType):
            self._entities.save_proxy(sender, replace(proxy, classifications=None) if proxy.classifications else proxy, claim)

    # ------------------------------------------------------------ exchange

    def _saved(self, relationship: Relationship) -> bool:
        rule = self._context.save
        if rule.everything_passes:
            return True
        return rule.type_passes(*type_ids(relationship)) and (not rule.zones_matter or all(map(rule.zones_pass, self.zones(relationship))))

    def zones(self, relationship: Relationship) -> list[frozenset[str] | None]:
        """The zones of both ends: as stored, else as the relationship says."""
        found = []
        for proxy in (relationship.entity_one_proxy, relationship.entity_two_proxy):
            if proxy is not None:
                row: InstanceRow | None = self._overlay.instances.get(proxy.guid or "")
                stored = self._overlay.classifications.get(proxy.guid or "") if row is not None else None
                found.append(zones_of(proxy.classifications if row is None else map(classification_of, stored or ())))
        return found
