"""How a reference copy ends: purged, or re-identified under another GUID. The same for entities and relationships."""

from cohort_sync.cohort.inbound.copies import Copies
from cohort_sync.cohort.inbound.validity import MissingType
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.omrs.precedence import ACCEPT, Claim, Judgement, Sender, Stored, Verdict, judge_purge
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.rows import Kind, Tombstone

Outcome = Judgement | MissingType
WRONG_KIND = Judgement(Verdict.CONFLICT, "an instance of another kind has this GUID")


class Endings:
    """Ends of instances over the overlay of one batch."""

    def __init__(self, overlay: Overlay, copies: Copies, registry: TypeRegistry) -> None:
        self._overlay = overlay
        self._copies = copies
        self._registry = registry

    def purge(self, sender: Sender, guid: str, claim: Claim | MissingType | None, type_id: MissingType, *, relationship: bool) -> Outcome:
        """PURGED and DELETE_PURGED. `claim` is None for a purge by ids; `type_id` is the type that the event names."""
        row = self._overlay.instances.get(guid)
        if row is None and (isinstance(claim, MissingType) or not self._registry.is_known(type_id.guid, type_id.name)):
            return type_id  # what it purges may be waiting for the same type
        if isinstance(claim, MissingType):
            claim = None
        if row is not None and (row.kind == Kind.RELATIONSHIP) is not relationship:
            return WRONG_KIND
        judged = judge_purge(sender, claim, row, self._overlay.tombstones.get(guid))
        if judged.verdict is Verdict.REMOVED and row is not None:
            self._copies.purge(row, claim, sender)
        elif judged.verdict is Verdict.DUPLICATE and claim is not None and sender.speaks_for(claim.home, claim.replicated_by):
            self._copies.bury(tombstone_of_claim(guid, claim))
        return judged

    def retire(self, sender: Sender, old_guid: str | None, new_guid: str, claim: Claim, saved: Judgement, *, relationship: bool) -> Judgement:
        """RE_IDENTIFIED: what stood under the old GUID is gone, whatever became of the new one (Java leaves the old copy, spec 5.5.3)."""
        known = saved.verdict in (Verdict.STORED, Verdict.DUPLICATE, Verdict.STALE)
        if old_guid is None or old_guid == new_guid or not known or not sender.speaks_for(claim.home, claim.replicated_by):
            return saved
        old = self._overlay.instances.get(old_guid)
        if old is not None:
            theirs = (old.kind == Kind.RELATIONSHIP) is relationship and old.home != sender.local and sender.speaks_for(old.home, old.replicated_by)
            if not theirs or (old.create_time, old.version) > (claim.create_time, claim.version):
                return saved
            if not relationship:
                self._copies.re_point(old, new_guid, sender)
            self._overlay.purge(old_guid)
        self._copies.bury(tombstone_of_claim(old_guid, claim))
        if not relationship:
            self._copies.remember_new_guid(old_guid, new_guid)
        return saved if old is None else ACCEPT


def tombstone_of_claim(guid: str, claim: Stored) -> Tombstone:
    """The tombstone of something that an event says has ended."""
    return Tombstone(guid, claim.kind, claim.type_name, claim.home, claim.create_time, claim.version)
