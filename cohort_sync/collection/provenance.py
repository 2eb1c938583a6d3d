"""What of a header depends on who is in the cohort now (spec metadata-collection-semantics 12): who may change an instance, and how it is shown.

An instance of a member that has left is shown with the provenance DEREGISTERED_REPOSITORY. That is a view: it is never stored, and it ends when the member
comes back.
"""

from typing import TypeVar

import msgspec
from msgspec.structs import replace

from cohort_sync.collection.context import CollectionContext
from cohort_sync.omrs.enums import InstanceProvenanceType as Provenance
from cohort_sync.omrs.instances import AuditHeader, Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.store.protocol import Reader

Header = TypeVar("Header", bound=AuditHeader)


class Cohort(msgspec.Struct, frozen=True):
    """Who is in the cohort at the moment of a call."""

    collection_id: str
    collection_name: str
    active: frozenset[str]
    """The metadata collection ids of all members, ours too."""

    @classmethod
    def now(cls, context: CollectionContext, reader: Reader) -> "Cohort":
        """As the registry of the store has it."""
        ours = context.collection_id
        others = (row.metadata_collection_id for row in reader.members())
        return cls(ours, context.member.metadata_collection_name, frozenset((ours, *others)))

    def may_update(self, header: AuditHeader) -> bool:
        """May we change the core of this instance?"""
        match header.instance_provenance_type:
            case Provenance.LOCAL_COHORT:
                return header.metadata_collection_id == self.collection_id
            case Provenance.EXTERNAL_SOURCE | Provenance.CONTENT_PACK:
                return header.replicated_by == self.collection_id
            case _:
                return False

    def may_rehome(self, header: AuditHeader) -> bool:
        """May we become the home of this instance: is it somebody else's?"""
        match header.instance_provenance_type:
            case Provenance.LOCAL_COHORT:
                return header.metadata_collection_id != self.collection_id
            case Provenance.EXTERNAL_SOURCE | Provenance.CONTENT_PACK:
                return header.replicated_by is not None and header.replicated_by != self.collection_id
            case _:
                return True

    # ------------------------------------------------------------ the view

    def entity(self, entity: EntityDetail) -> EntityDetail:
        """An entity as it is shown, with its classifications."""
        return self._with_classifications(self._header(entity))

    def proxy(self, proxy: EntityProxy) -> EntityProxy:
        """An entity proxy as it is shown."""
        shown = self._header(proxy)
        classifications = self.classifications(shown.classifications)
        return shown if classifications == shown.classifications else replace(shown, classifications=classifications)

    def relationship(self, relationship: Relationship) -> Relationship:
        """A relationship as it is shown, with its end proxies."""
        shown = self._header(relationship)
        one = self._header(shown.entity_one_proxy) if shown.entity_one_proxy is not None else None
        two = self._header(shown.entity_two_proxy) if shown.entity_two_proxy is not None else None
        if one is shown.entity_one_proxy and two is shown.entity_two_proxy:
            return shown
        return replace(shown, entity_one_proxy=one, entity_two_proxy=two)

    def classifications(self, classifications: list[Classification] | None) -> list[Classification] | None:
        """Classifications as they are shown."""
        return [self._header(one) for one in classifications] if classifications else classifications

    def _with_classifications(self, entity: EntityDetail) -> EntityDetail:
        classifications = self.classifications(entity.classifications)
        return entity if classifications == entity.classifications else replace(entity, classifications=classifications)

    def _header(self, header: Header) -> Header:
        home, provenance = header.metadata_collection_id, header.instance_provenance_type
        if provenance is Provenance.LOCAL_COHORT and home is not None and home not in self.active:
            return replace(header, instance_provenance_type=Provenance.DEREGISTERED_REPOSITORY)
        if home == self.collection_id and header.metadata_collection_name is None:
            return replace(header, metadata_collection_name=self.collection_name)
        return header
