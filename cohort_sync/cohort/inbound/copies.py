"""Reference copies as rows: what a purge leaves behind, and what the end of an entity does to its relationships.

No events come for cascades (spec cohort-events 5.3): a home that deletes an entity deletes the relationships at it silently, and one that re-identifies
an entity re-points them. Only relationships that the same sender speaks for follow; what is homed here or at a third member is that member's to change.

Tombstones stay when an instance comes back. A classification that was removed has one too, under `grave`.
"""

from msgspec.structs import replace

from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.omrs.enums import InstanceStatus
from cohort_sync.omrs.instances import EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.precedence import DELETED, Claim, Sender
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import ClassificationRow, InstanceRow, Kind, Tombstone
from cohort_sync.store.stored import classification_tombstone, relationship_of, relationship_row

RE_IDENTIFIED = "re-identified:"


class Copies:
    """Changes of instances and tombstones in the overlay of one batch."""

    def __init__(self, overlay: Overlay, reader: Reader) -> None:
        self._overlay = overlay
        self._reader = reader
        self.facts: dict[str, str] = {}
        """Which GUID took the place of one that was re-identified away."""

    # ------------------------------------------------------------ tombstones

    def bury(self, tombstone: Tombstone) -> None:
        """Put up a tombstone, unless there is one already that says more."""
        before = self._overlay.tombstones.get(tombstone.guid)
        if before is None or (before.create_time, before.version) < (tombstone.create_time, tombstone.version):
            self._overlay.tombstones.put(tombstone.guid, tombstone)

    def bury_classification(self, row: ClassificationRow) -> None:
        """The same for a classification."""
        self.bury(classification_tombstone(row))

    # ------------------------------------------------------------ the end of an instance

    def purge(self, row: InstanceRow, claim: Claim | None, sender: Sender) -> None:
        """The instance is gone with its classifications and history, and so are, for an entity, the sender's relationships at it."""
        version, created = row.version, row.create_time
        if claim is not None:
            created, version = max((created, version), (claim.create_time, claim.version))
        for classification in self._overlay.classifications.get(row.guid) or ():
            self.bury_classification(classification)
        self._overlay.purge(row.guid)
        self.bury(Tombstone(row.guid, row.kind, row.type_name, row.home, created, version))
        if row.kind != Kind.RELATIONSHIP:
            for relationship in self._relationships(row, sender):
                self._overlay.purge(relationship.guid)
                self.bury(
                    Tombstone(
                        relationship.guid,
                        relationship.kind,
                        relationship.type_name,
                        relationship.home,
                        relationship.create_time,
                        relationship.version,
                    )
                )

    def delete_relationships(self, row: InstanceRow, entity: EntityDetail, sender: Sender) -> None:
        """The entity was soft-deleted: its home soft-deletes the relationships at it, each with a raised version (spec metadata-collection-semantics 7.1)."""
        for relationship in self._relationships(row, sender):
            if relationship.status != DELETED:
                self._overlay.instances.put(relationship.guid, deleted_relationship(relationship, entity))

    def re_point(self, old: InstanceRow, new_guid: str, sender: Sender) -> None:
        """The entity has a new GUID: the relationships at it follow, at their version. Classifications of other homes move along."""
        for row in self._relationships(old, sender):
            relationship = relationship_of(row)
            moved = replace(
                relationship,
                entity_one_proxy=_renamed(relationship.entity_one_proxy, old.guid, new_guid),
                entity_two_proxy=_renamed(relationship.entity_two_proxy, old.guid, new_guid),
            )
            self._overlay.instances.put(row.guid, relationship_row(moved))
        foreign = [c._replace(entity_guid=new_guid) for c in self._overlay.classifications.get(old.guid) or () if c.home != old.home]
        if foreign:
            present = self._overlay.classifications.get(new_guid) or ()
            names = {each.name for each in present}
            self._overlay.classifications.put(new_guid, (*present, *(each for each in foreign if each.name not in names)))

    def _relationships(self, entity: InstanceRow, sender: Sender) -> list[InstanceRow]:
        """The relationships at an entity that its home takes along."""
        return [
            row
            for row in self._overlay.relationships_of(entity.guid)
            if row.home != sender.local and (row.home == entity.home or sender.speaks_for(row.home, row.replicated_by))
        ]

    # ------------------------------------------------------------ re-identified GUIDs

    def remember_new_guid(self, old: str, new: str) -> None:
        """What refers to the old GUID later (a relationship that arrives late) is meant for the new one."""
        self.facts[RE_IDENTIFIED + old] = new

    def new_guid(self, old: str) -> str | None:
        """The GUID that took the place of this one, if it was re-identified away."""
        name = RE_IDENTIFIED + old
        return self.facts.get(name) or self._reader.fact(name)


def deleted_relationship(row: InstanceRow, entity: EntityDetail) -> InstanceRow:
    """A relationship as its home has it after the delete of an entity at it (spec metadata-collection-semantics 2.2, as 4.2 does it)."""
    relationship = relationship_of(row)
    return relationship_row(
        replace(
            relationship,
            updated_by=entity.updated_by,
            maintained_by=_maintainers(relationship, entity.updated_by),
            update_time=entity.update_time or relationship.update_time,
            version=relationship.version + 1,
            status_on_delete=relationship.status,
            status=InstanceStatus.DELETED,
        )
    )


def _maintainers(relationship: Relationship, user: str | None) -> list[str] | None:
    """Who has had a hand in it when this user changes it; the list begins with the first change, and with the creator."""
    names = relationship.maintained_by or [name for name in (relationship.created_by,) if name is not None]
    if user is not None and user not in names:
        names = [*names, user]
    return names or None


def _renamed(proxy: EntityProxy | None, old: str, new: str) -> EntityProxy | None:
    return replace(proxy, guid=new) if proxy is not None and proxy.guid == old else proxy
