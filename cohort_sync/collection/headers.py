"""Headers of what is new and of what changes (spec metadata-collection-semantics 2.1 and 2.2).

Times of one instance never stand still: a change that comes within the millisecond of the one before is dated a millisecond later, so that every version has a
time of its own in the history.
"""

from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from cohort_sync.cohort.member import LocalMember
from cohort_sync.omrs.enums import ClassificationOrigin, InstanceProvenanceType, InstanceStatus
from cohort_sync.omrs.instances import AuditHeader, Classification, EntityDetail, EntityProxy, InstanceType, Relationship
from cohort_sync.omrs.properties import InstanceProperties

Header = TypeVar("Header", bound=AuditHeader)


class Author(NamedTuple):
    """Who asks for a change, and under which request."""

    user: str
    request_id: str | None = None


class Home(NamedTuple):
    """Whose instance something is to be: ours, or that of an external source that we replicate."""

    provenance: InstanceProvenanceType
    collection_id: str
    collection_name: str | None
    replicated_by: str | None = None

    @classmethod
    def local(cls, member: LocalMember) -> "Home":
        """Our own metadata collection."""
        return cls(InstanceProvenanceType.LOCAL_COHORT, member.metadata_collection_id, member.metadata_collection_name)

    @classmethod
    def external(cls, member: LocalMember, source_guid: str, source_name: str | None) -> "Home":
        """An external source."""
        return cls(InstanceProvenanceType.EXTERNAL_SOURCE, source_guid, source_name, member.metadata_collection_id)


class Birth(NamedTuple):
    """The beginning of an instance: who, when, where, and whether the release notes it as the first update too (from 6.x)."""

    author: Author
    time: int
    home: Home
    noted_as_update: bool

    def fields(self, version: int = 1) -> dict[str, object]:
        """The header fields of something that is new; of something whose name was there before, with the version that follows."""
        updated = self.noted_as_update or version > 1
        return {
            "instance_provenance_type": self.home.provenance,
            "metadata_collection_id": self.home.collection_id,
            "metadata_collection_name": self.home.collection_name,
            "replicated_by": self.home.replicated_by,
            "created_by": self.author.user,
            "updated_by": self.author.user if updated else None,
            "maintained_by": [self.author.user] if self.noted_as_update else None,
            "create_time": self.time,
            "update_time": self.time if updated else None,
            "version": version,
            "last_request_id": self.author.request_id,
        }


def new_entity(birth: Birth, guid: str, kind: InstanceType, status: InstanceStatus | None, properties: InstanceProperties | None) -> EntityDetail:
    """An entity that is new."""
    return replace(EntityDetail(type=kind, guid=guid, status=status, properties=properties), **birth.fields())


def new_relationship(
    birth: Birth,
    guid: str,
    kind: InstanceType,
    status: InstanceStatus | None,
    properties: InstanceProperties | None,
    ends: tuple[EntityProxy, EntityProxy],
) -> Relationship:
    """A relationship that is new."""
    one, two = ends
    bare = Relationship(type=kind, guid=guid, status=status, properties=properties, entity_one_proxy=one, entity_two_proxy=two)
    return replace(bare, **birth.fields())


def new_classification(
    birth: Birth,
    name: str,
    kind: InstanceType,
    status: InstanceStatus | None,
    properties: InstanceProperties | None,
    origin: ClassificationOrigin | None = None,
    origin_guid: str | None = None,
    version: int = 1,
) -> Classification:
    """A classification that is new on its entity; `version` goes on from one of this name that was removed."""
    bare = Classification(
        type=kind,
        name=name,
        status=status,
        properties=properties,
        classification_origin=origin or ClassificationOrigin.ASSIGNED,
        classification_origin_guid=origin_guid,
    )
    return replace(bare, **birth.fields(version))


def next_version(header: Header, author: Author, now: int, of: AuditHeader | None = None) -> Header:
    """The header of the version that follows `of`, which is the header itself unless older content comes back."""
    before = header if of is None else of
    maintainers = list(before.maintained_by or ([before.created_by] if before.created_by else []))
    if author.user not in maintainers:
        maintainers.append(author.user)
    last = before.create_time or 0 if before.update_time is None else before.update_time
    return replace(
        header,
        updated_by=author.user,
        update_time=max(now, last + 1),
        version=before.version + 1,
        maintained_by=maintainers,
        last_request_id=author.request_id,
    )
