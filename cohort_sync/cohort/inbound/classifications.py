"""Classifications of reference copies, and those that other members put on entities of ours (spec cohort-events 5.9, metadata-collection-semantics 8).

A classification has a home, a version and a createTime of its own, and these decide. What an entity event says of the classifications in it:
    a newer state of the entity, from its home    the classifications of that home are now exactly these (what is missing was removed, what an undo brought
                                                  back is back); those of other homes are taken by their versions and never removed by being absent
    the state that is stored already              each is taken by its version: a refresh repairs what was missed
    an older state                                nothing
Classifications whose home is ours are left alone by all of these. One with the status DELETED (a PostgreSQL home sends them) is a removal.
"""

from collections.abc import Sequence

from cohort_sync.cohort.inbound.copies import Copies
from cohort_sync.cohort.inbound.validity import Announced, Claims, MissingType, Validity
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.omrs.instances import Classification
from cohort_sync.omrs.precedence import (
    ClassificationClaim,
    Judgement,
    Sender,
    StoredClassification,
    Verdict,
    judge_classification,
    judge_declassification,
)
from cohort_sync.store.rows import ClassificationHead, ClassificationRow, Tombstone
from cohort_sync.store.stored import CLASSIFICATION, classification_row, grave


def said_already(claims: Claims, stored: Sequence[ClassificationHead | ClassificationRow]) -> bool:
    """Are the classifications of an entity exactly those that are stored, at their versions? Then nothing of them changes, whoever says so."""
    if len(claims) != len(stored):
        return False
    heads = {head.name: head for head in stored}
    for row, removed in claims:
        head = heads.pop(row.name, None)  # one that is named twice is judged by the rules
        if head is None or removed or head.version != row.version or head.create_time != row.create_time or head.home != row.home:
            return False
    return True


class Classifications:
    """Changes of classifications in the overlay of one batch."""

    def __init__(self, overlay: Overlay, copies: Copies, validity: Validity) -> None:
        self._overlay = overlay
        self._copies = copies
        self._validity = validity

    def replace(self, sender: Sender, guid: str, home: str, claims: Claims, *, newer: bool) -> None:
        """A state of the entity was accepted. `newer`: a whole entity was known before (stored or purged), and this state is newer than that."""
        if said_already(claims, self._overlay.classifications.head(guid) or ()):
            return
        stored = self._overlay.classifications.get(guid) or ()
        rows = {row.name: row for row in stored}
        named = set()
        for announced in claims:
            new = announced.row
            named.add(new.name)
            row = rows.get(new.name)
            if new.home == home and newer and (row is None or row.home == home):
                if announced.removed:
                    self._take_away(rows, guid, new.name, new)
                elif row is None or (row.create_time, row.version) != (new.create_time, new.version):
                    rows[new.name] = new
            else:
                self._by_version(sender, rows, guid, announced)
        for row in stored:
            if row.home == home and row.home != sender.local and row.name not in named:
                self._take_away(rows, guid, row.name, None)
        self._write(guid, stored, rows)

    def merge(self, sender: Sender, guid: str, claims: Claims) -> bool:
        """The entity is stored at this version already; True when a classification changed."""
        if said_already(claims, self._overlay.classifications.head(guid) or ()):
            return False
        stored = self._overlay.classifications.get(guid) or ()
        rows = {row.name: row for row in stored}
        for announced in claims:
            self._by_version(sender, rows, guid, announced)
        return self._write(guid, stored, rows)

    def classify(self, sender: Sender, guid: str, classification: Classification, claim: ClassificationClaim) -> Judgement:
        """CLASSIFIED or RECLASSIFIED."""
        if not sender.speaks_for(claim.home, claim.replicated_by):
            return Judgement(Verdict.NOT_HOME, f"{sender.originator} is not the home {claim.home} of this classification and does not replicate it")
        stored = self._overlay.classifications.get(guid) or ()
        rows = {row.name: row for row in stored}
        name = classification.name or ""
        judged = judge_classification(sender, claim, rows.get(name), self._overlay.tombstones.get(grave(guid, name)))
        if judged.verdict is Verdict.STORED:
            rows[name] = classification_row(guid, classification)
            self._write(guid, stored, rows)
        return judged

    def declassify(self, sender: Sender, guid: str, name: str, claim: ClassificationClaim, *, entity_is_older: bool) -> Judgement:
        """DECLASSIFIED. What arrives later and is not newer than what was removed is stale, even where nothing was there to remove."""
        stored = self._overlay.classifications.get(guid) or ()
        rows = {row.name: row for row in stored}
        buried = self._overlay.tombstones.get(grave(guid, name))
        judged = judge_declassification(sender, claim, rows.get(name), buried, entity_is_older=entity_is_older)
        if judged.verdict in (Verdict.REMOVED, Verdict.DUPLICATE):
            self._take_away(rows, guid, name, claim)
            self._write(guid, stored, rows)
        return judged

    def claim_of_removed(self, guid: str, original: Classification) -> ClassificationClaim | MissingType | None:
        """Which classification a DECLASSIFIED event means. Java needs the name only: what the event leaves out is taken from the stored one; None: no such."""
        header = original.type
        if header is not None and header.type_def_name and header.type_def_guid and not self._validity.is_known(header):
            return MissingType(header.type_def_name, header.type_def_guid)
        stored = next((row for row in self._overlay.classifications.get(guid) or () if row.name == original.name), None)
        home, created = original.metadata_collection_id, original.create_time
        if home is not None and created is not None:
            return ClassificationClaim(home, original.replicated_by, original.version, created)
        return None if stored is None else ClassificationClaim(stored.home, None, stored.version, stored.create_time)

    # ------------------------------------------------------------ pieces

    def _by_version(self, sender: Sender, rows: dict[str, ClassificationRow], guid: str, announced: Announced) -> None:
        new = announced.row
        row = rows.get(new.name)
        judged = judge_classification(sender, new, row, self._overlay.tombstones.get(grave(guid, new.name)))
        if announced.removed:
            same = row is not None and (row.home, row.create_time, row.version) == (new.home, new.create_time, new.version)
            if judged.verdict is Verdict.STORED or (same and judged.verdict is Verdict.DUPLICATE):
                self._take_away(rows, guid, new.name, new)
        elif judged.verdict is Verdict.STORED:
            rows[new.name] = new

    def _take_away(self, rows: dict[str, ClassificationRow], guid: str, name: str, claim: StoredClassification | None) -> None:
        row = rows.pop(name, None)
        if row is not None:
            self._copies.bury_classification(row)
        if claim is not None:
            self._copies.bury(Tombstone(grave(guid, name), CLASSIFICATION, name, claim.home, claim.create_time, claim.version))

    def _write(self, guid: str, stored: Sequence[ClassificationRow], rows: dict[str, ClassificationRow]) -> bool:
        after = tuple(rows.values())
        if after == tuple(stored):
            return False
        self._overlay.classifications.put(guid, after)
        return True
