"""The cohort registry in the form of Java's FileBasedRegistryStoreConnector (spec configuration-and-security 8.1): for moving in and out.

One JSON object with `localRegistration` and `remoteRegistrations`; the outer beans carry no `class`. What Java loses silently (a corrupt file is an empty
registry) is an error here.
"""

import msgspec

from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.registration import REGISTRATION_TIME, registration_time
from cohort_sync.omrs.bean import Bean
from cohort_sync.omrs.connections import AnyConnection
from cohort_sync.omrs.errors import ConfigurationError
from cohort_sync.omrs.properties import EpochMillis
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.store.rows import MemberRow


class MemberRegistration(Bean, frozen=True, kw_only=True):
    """One member."""

    metadata_collection_id: str | None = None
    metadata_collection_name: str | None = None
    server_name: str | None = None
    server_type: str | None = None
    organization_name: str | None = None
    registration_time: EpochMillis | None = None
    repository_connection: AnyConnection | None = None


class CohortMembership(Bean, frozen=True, kw_only=True):
    """The whole file."""

    local_registration: MemberRegistration | None = None
    remote_registrations: list[MemberRegistration] | None = None


_decode_connection = msgspec.json.Decoder(AnyConnection).decode


def export_registry(reader: Reader, member: LocalMember, connection: AnyConnection | None) -> bytes:
    """Our membership as Java would keep it."""
    local = local_registration(member, connection, registration_time(reader))
    remote = [member_registration(row) for row in reader.members()]
    return msgspec.json.encode(CohortMembership(local_registration=local, remote_registrations=remote or None))


def import_registry(data: bytes, member: LocalMember, now: int) -> WriteSet:
    """The members of a file, and our own registration time if it is our file. Members without a collection id are left out, as Java does.

    Raises ConfigurationError when it is no such file, or the file of a member with another metadata collection id.
    """
    try:
        membership = msgspec.json.decode(data, type=CohortMembership)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"not a cohort registry: {problem}; expected an object with localRegistration and remoteRegistrations") from problem
    writes = WriteSet()
    local = membership.local_registration
    if local is not None:
        if local.metadata_collection_id not in (None, member.metadata_collection_id):
            raise ConfigurationError(
                f"the cohort registry is that of metadata collection {local.metadata_collection_id!r} (server {local.server_name!r}); "
                f"this member is {member.metadata_collection_id!r}"
            )
        if local.registration_time is not None:
            writes.facts[REGISTRATION_TIME] = str(local.registration_time)
    for one in membership.remote_registrations or ():
        if one.metadata_collection_id is not None and one.metadata_collection_id != member.metadata_collection_id:
            writes.members[one.metadata_collection_id] = _row(one, one.metadata_collection_id, now)
    return writes


def local_registration(member: LocalMember, connection: AnyConnection | None, since: int | None) -> MemberRegistration:
    """Ours. `since`: when it was registered first."""
    return MemberRegistration(
        metadata_collection_id=member.metadata_collection_id,
        metadata_collection_name=member.metadata_collection_name,
        server_name=member.server_name,
        server_type=member.server_type,
        organization_name=member.organization_name,
        registration_time=since,
        repository_connection=connection,
    )


def member_registration(row: MemberRow) -> MemberRegistration:
    """That of another member."""
    return MemberRegistration(
        metadata_collection_id=row.metadata_collection_id,
        metadata_collection_name=row.metadata_collection_name,
        server_name=row.server_name,
        server_type=row.server_type,
        organization_name=row.organization_name,
        registration_time=row.registration_time,
        repository_connection=None if row.connection is None else _decode_connection(row.connection),
    )


def _row(one: MemberRegistration, collection: str, now: int) -> MemberRow:
    return MemberRow(
        collection,
        one.metadata_collection_name,
        one.server_name,
        one.server_type,
        one.organization_name,
        one.registration_time,
        None if one.repository_connection is None else msgspec.json.encode(one.repository_connection),
        now,
        now,
        None,
    )
