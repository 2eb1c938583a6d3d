"""Who wins: what an incoming instance is against the stored one (spec cohort-events 5.5, metadata-collection-semantics 11, 12 and 14; design guarantee 5).

Pure verdicts over a few header fields; nothing here reads or writes. The order of two states of one instance is that of (createTime, version), never that of
arrival: Java members send through a pool, and any record may come again.

Where we differ from Egeria on purpose:
- what is homed here is never changed by anybody's event (Java overwrites it);
- only the home of an instance, or the member that replicates an external source or a content pack, changes it (Java does not look at the sender);
- PURGED from there purges at any version, and what was purged stays away until the same life has a higher version or a new life (createTime) begins;
- a full entity replaces a proxy whatever the versions are: a proxy is hearsay of somebody's relationship;
- of two states of one version the deleted one is the later (4.2 in memory announces a re-type, forgets it, and gives its version again to the delete);
- type versions are compared within one type only: the versions of two types have no order (a re-typed entity may carry a lower one).
"""

from enum import StrEnum
from typing import NamedTuple, Protocol

from cohort_sync.omrs.enums import InstanceProvenanceType, InstanceStatus

DELETED = InstanceStatus.DELETED.value
EXPORT_ARCHIVE = InstanceProvenanceType.EXPORT_ARCHIVE.value


class Verdict(StrEnum):
    """What became of an incoming event, or of one instance in it."""

    STORED = "stored"
    """What the store holds is now what the event says: created, changed, soft-deleted, restored, classified; a member or a type became known."""
    REMOVED = "removed"
    """Something is gone because of it: purged, re-identified away, declassified, unregistered."""
    DUPLICATE = "duplicate"
    """The store says this already."""
    STALE = "stale"
    """Older than what is stored, or of a life that was purged."""
    NOT_HOME = "not_home"
    """The sender may not change this: it is homed here, or homed at another member than the sender, or the sender claims our metadata collection id."""
    PARKED = "parked"
    """It waits in the store for a type that is not known (yet)."""
    EXCLUDED = "excluded"
    """An exchange rule of ours keeps it out."""
    CONFLICT = "conflict"
    """It contradicts what is stored: another createTime, home, kind or an older version of the type under the same GUID, or another type of the same name."""
    REFUSED = "refused"
    """It is not valid: undecodable, incomplete or against its type. A dead letter."""
    ANSWERED = "answered"
    """A request that was answered."""
    NOTED = "noted"
    """An error report of another member: an alarm, no change."""
    IGNORED = "ignored"
    """Nothing for us: our own record, a request to others, a kind of event that has no effect."""


class Judgement(NamedTuple):
    """A verdict and, unless it is plain, its reason for the reader."""

    verdict: Verdict
    reason: str = ""


ACCEPT = Judgement(Verdict.STORED)
DUPLICATE = Judgement(Verdict.DUPLICATE)
OLDER = Judgement(Verdict.STALE, "its version is lower than that of the stored one")
OURS = Judgement(Verdict.NOT_HOME, "it is homed here: only this member changes it")


class Stored(Protocol):
    """What a verdict asks of an entity, proxy or relationship: the stored one, or one that comes and has its row already."""

    @property
    def kind(self) -> int: ...
    @property
    def type_name(self) -> str: ...
    @property
    def home(self) -> str: ...
    @property
    def replicated_by(self) -> str | None: ...
    @property
    def provenance(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def create_time(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def type_version(self) -> int: ...


class Buried(Protocol):
    """What is left of something that was purged, or of a classification that was removed."""

    @property
    def version(self) -> int: ...
    @property
    def create_time(self) -> int: ...


class StoredClassification(Protocol):
    """The same of a classification."""

    @property
    def home(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def create_time(self) -> int: ...


class Sender(NamedTuple):
    """Who speaks (originator of the event) and who listens."""

    originator: str | None
    local: str
    """Our metadata collection id."""

    def speaks_for(self, home: str, replicated_by: str | None) -> bool:
        """Is the sender the home of something, or the member that replicates it?"""
        return self.originator is not None and (self.originator == home or self.originator == replicated_by)


class Claim(NamedTuple):
    """The header of an incoming entity or relationship."""

    kind: int
    type_name: str
    home: str
    replicated_by: str | None
    provenance: str
    version: int
    create_time: int
    status: str
    type_version: int


class ClassificationClaim(NamedTuple):
    """The header of an incoming classification."""

    home: str
    replicated_by: str | None
    version: int
    create_time: int


def judge_instance(sender: Sender, claim: Stored, stored: Stored | None, buried: Buried | None, *, re_homed: bool = False) -> Judgement:
    """May this state of an entity or relationship replace what is stored? STORED means yes.

    `stored` is None where nothing, or only a proxy of it, is stored; `buried` is its tombstone, which matters only where nothing is stored or the createTime
    differs. `re_homed`: the event is a RE_HOMED one, whose home differs
    from the stored one because the new home speaks (spec 5.8).
    """
    if claim.home == sender.local:
        return OURS
    if stored is None:
        if not sender.speaks_for(claim.home, claim.replicated_by) and claim.provenance != EXPORT_ARCHIVE:
            return _foreign(sender, claim.home)
        return ACCEPT if buried is None else judge_revival(claim, buried)
    if stored.home == sender.local:
        return OURS
    if not _entitled(sender, claim, stored, re_homed):
        return _foreign(sender, stored.home)
    if stored.kind != claim.kind:
        return Judgement(Verdict.CONFLICT, "an instance of another kind has this GUID")
    if claim.create_time != stored.create_time:
        if buried is not None and (claim.create_time, claim.version) <= (buried.create_time, buried.version):
            return Judgement(Verdict.STALE, "it is of an earlier life, which was purged")
        if stored.status == DELETED and claim.create_time > stored.create_time:
            return ACCEPT  # a new life: the purge of the old one was lost, or comes later
        return Judgement(Verdict.CONFLICT, f"its createTime is {claim.create_time}, that of the stored one {stored.create_time}")
    if claim.version < stored.version:
        return OLDER
    if claim.version == stored.version and (claim.status != DELETED or stored.status == DELETED):
        return DUPLICATE
    if claim.type_version < stored.type_version and claim.type_name == stored.type_name:
        return Judgement(Verdict.CONFLICT, f"version {claim.type_version} of its type is older than {stored.type_version}, that of the stored one")
    if claim.home != stored.home and not re_homed:
        return Judgement(Verdict.CONFLICT, f"its home is {claim.home}, that of the stored one {stored.home}")
    return ACCEPT


def judge_revival(claim: Stored, buried: Buried) -> Judgement:
    """May something begin again that was purged?"""
    if (claim.create_time, claim.version) <= (buried.create_time, buried.version):
        return Judgement(Verdict.STALE, "it was purged since")
    if claim.create_time == buried.create_time and claim.status == DELETED:
        return Judgement(Verdict.STALE, "its deletion comes after its purge")
    return ACCEPT


def judge_purge(sender: Sender, claim: Claim | None, stored: Stored | None, buried: Buried | None) -> Judgement:
    """May this sender purge what is stored (a proxy counts)? REMOVED means yes. The version does not matter (spec 5.5.3).

    `claim` is None for a purge by ids. A tombstone is kept when an instance comes back, so that the purge before that, sent or read again, does not take the
    new life away.
    """
    if claim is not None and claim.home == sender.local:
        return OURS
    if stored is None:
        return Judgement(Verdict.DUPLICATE, "nothing of it is stored")
    if stored.home == sender.local:
        return OURS
    if not sender.speaks_for(stored.home, stored.replicated_by):
        return _foreign(sender, stored.home)
    if claim is not None and claim.create_time < stored.create_time:
        return Judgement(Verdict.STALE, "it purges an earlier life of this GUID")
    if buried is not None and _purged_before(claim, stored, buried):
        return Judgement(Verdict.STALE, "it was applied before, and the instance came back since")
    return Judgement(Verdict.REMOVED)


def _purged_before(claim: Claim | None, stored: Stored, buried: Buried) -> bool:
    """Is this the purge that made the tombstone, once more? With the instance its version tells; by ids alone only a delete before it makes it a new one."""
    if claim is None:
        return stored.status != DELETED
    return (claim.create_time, claim.version) <= (buried.create_time, buried.version)


def judge_proxy(sender: Sender, claim: Claim, stored: Stored | None, buried: Buried | None) -> Judgement:
    """May a proxy be stored that came with a relationship or a classification? Anybody may speak of any entity; nobody replaces a full one by it."""
    if claim.home == sender.local:
        return OURS
    if stored is None:
        return ACCEPT if buried is None else judge_revival(claim, buried)
    if stored.kind != claim.kind or stored.home != claim.home:
        return Judgement(Verdict.DUPLICATE, "more than this proxy is known")
    return ACCEPT if (claim.create_time, claim.version) > (stored.create_time, stored.version) else DUPLICATE


def judge_classification(sender: Sender, claim: StoredClassification, stored: StoredClassification | None, buried: Buried | None) -> Judgement:
    """May this classification be put on an entity, or replace the stored one of its name? STORED means yes.

    Its own home, createTime and version decide, never those of the entity (spec 5.9). A later createTime is a re-creation, even from another home.
    """
    if claim.home == sender.local or (stored is not None and stored.home == sender.local):
        return OURS
    if buried is not None and (claim.create_time, claim.version) <= (buried.create_time, buried.version):
        return Judgement(Verdict.STALE, "it was removed since")
    if stored is None or claim.create_time > stored.create_time:
        return ACCEPT
    if claim.home != stored.home:
        return Judgement(Verdict.CONFLICT, f"its home is {claim.home}, that of the stored one {stored.home}")
    if (claim.create_time, claim.version) < (stored.create_time, stored.version):
        return OLDER
    return DUPLICATE if claim.version == stored.version else ACCEPT


def judge_declassification(
    sender: Sender, claim: ClassificationClaim, stored: StoredClassification | None, buried: Buried | None, *, entity_is_older: bool
) -> Judgement:
    """May this sender take a classification away? REMOVED means yes. One that was put on again since (or is newer) stays.

    An undo may bring a classification back at the version at which it was removed. Only then the entity's version is asked (`entity_is_older`: the event has
    an older entity than the store), which tells this removal, read again, from another one.
    """
    if claim.home == sender.local or (stored is not None and stored.home == sender.local):
        return OURS
    if not sender.speaks_for(claim.home, claim.replicated_by):
        return _foreign(sender, claim.home)
    if stored is None:
        return Judgement(Verdict.DUPLICATE, "the entity has no such classification")
    if claim.home != stored.home:
        return Judgement(Verdict.STALE, f"the stored one is of another home, {stored.home}")
    if (claim.create_time, claim.version) < (stored.create_time, stored.version):
        return OLDER
    if buried is not None and entity_is_older and (claim.create_time, claim.version) <= (buried.create_time, buried.version):
        return Judgement(Verdict.STALE, "it was applied before, and the classification came back since")
    return Judgement(Verdict.REMOVED)


def _entitled(sender: Sender, claim: Stored, stored: Stored, re_homed: bool) -> bool:
    """An export archive is announced by whoever loaded it, and read-only everywhere: anybody repeats it."""
    if sender.speaks_for(stored.home, stored.replicated_by):
        return True
    if re_homed and claim.home != stored.home:
        return claim.home == sender.originator
    return claim.provenance == EXPORT_ARCHIVE == stored.provenance


def _foreign(sender: Sender, home: str) -> Judgement:
    return Judgement(Verdict.NOT_HOME, f"{sender.originator or 'a sender without metadataCollectionId'} is not its home {home} and does not replicate it")
