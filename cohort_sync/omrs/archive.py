"""Open metadata archives, `.omarchive` files (spec configuration-and-security 8.2, metadata-collection-semantics 15).

The beans of the whole file, and what its types do to a registry. Its instances are carried as they stand; nothing here
gives them the home that loading a content pack would give them.
"""

from collections import Counter
from enum import StrEnum

import msgspec
from msgspec import field

from cohort_sync.omrs.bean import Bean, always
from cohort_sync.omrs.errors import FatalFault
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.lenient import repaired
from cohort_sync.omrs.properties import EpochMillis
from cohort_sync.omrs.type_changes import TypeChange, TypeVerdict, add_attribute_type, add_type, patch_type
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef, TypeDefPatch


class ArchiveType(StrEnum):
    """OpenMetadataArchiveType: whose the instances are once they are loaded."""

    UNKNOWN = "UNKNOWN"
    CONTENT_PACK = "CONTENT_PACK"
    """The archive is their home: read-only for everybody."""
    METADATA_EXPORT = "METADATA_EXPORT"
    """They keep the home that they have; where they have none it is the archive."""
    REPOSITORY_BACKUP = "REPOSITORY_BACKUP"
    """They are put back where they came from."""


class ArchiveProperties(Bean, frozen=True, kw_only=True):
    """What an archive says of itself. `depends_on_archives` is informational: Java does not check it."""

    archive_guid: str | None = None
    archive_name: str | None = None
    archive_description: str | None = None
    archive_type: ArchiveType | None = None
    archive_version: str | None = None
    originator_name: str | None = None
    originator_organization: str | None = None
    originator_license: str | None = None
    creation_date: EpochMillis | None = None
    depends_on_archives: list[str] | None = None


class ArchiveTypeStore(Bean, frozen=True, kw_only=True):
    """The types of an archive, in the order in which they are loaded."""

    attribute_type_defs: list[AttributeTypeDef] | None = None
    new_type_defs: list[TypeDef] | None = None
    type_def_patches: list[TypeDefPatch] | None = None


class ClassificationEntityExtension(Bean, frozen=True, kw_only=True):
    """A classification for an entity that is not in the archive."""

    header_version: int = field(default_factory=always(1))
    classification: Classification | None = None
    entity_to_classify: EntityProxy | None = None


class ArchiveInstanceStore(Bean, frozen=True, kw_only=True):
    """The instances of an archive, in the order in which they are loaded."""

    entities: list[EntityDetail] | None = None
    relationships: list[Relationship] | None = None
    classifications: list[ClassificationEntityExtension] | None = None


class OpenMetadataArchive(Bean, frozen=True, kw_only=True, tag_field="class", tag="OpenMetadataArchive"):
    """An `.omarchive` file."""

    archive_properties: ArchiveProperties
    archive_type_store: ArchiveTypeStore | None = None
    archive_instance_store: ArchiveInstanceStore | None = None


class BadArchive(FatalFault):
    """Bytes that are no open metadata archive. The caller knows the file and says so."""

    exit_code = 2


class ArchiveReport(msgspec.Struct, frozen=True, kw_only=True):
    """What loading the types of an archive did: one change for each attribute type, type and patch, in that order."""

    guid: str
    name: str
    version: str
    changes: tuple[TypeChange, ...]
    entities: int
    relationships: int
    classifications: int

    def counts(self) -> Counter[TypeVerdict]:
        """How many changes had each verdict."""
        return Counter(change.verdict for change in self.changes)

    def rejected(self) -> list[TypeChange]:
        """What was not taken and should have been: conflicts, refused changes, and patches of types that nothing defines."""
        bad = (TypeVerdict.CONFLICT, TypeVerdict.REFUSED, TypeVerdict.UNKNOWN_TYPE)
        return [change for change in self.changes if change.verdict in bad]

    def waiting(self, registry: TypeRegistry) -> dict[str, str]:
        """The types of this archive that no instance can have in this registry, with the supertype that is missing.

        An archive depends on the types of others; asked after the last one was loaded, this is what is wrong.
        """
        names = [change.name for change in self.changes if registry.type_def(change.name) is not None]
        return {name: missing for name in names if (missing := registry.missing_supertype(name)) is not None}


_decoder = msgspec.json.Decoder(OpenMetadataArchive)


def decode_archive(data: bytes) -> OpenMetadataArchive:
    """The archive in a file. Raises BadArchive with what is wrong and where in the JSON.

    As tolerant as the reading of events: nulls, dates as text and enum names of later releases are understood.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            return _decoder.decode(repaired(data, OpenMetadataArchive))
        except (msgspec.DecodeError, ValueError, RecursionError) as problem:
            message = f"not an open metadata archive: {problem}; expected an object of class OpenMetadataArchive with archiveProperties"
            raise BadArchive(message) from problem


def load_types(registry: TypeRegistry, archive: OpenMetadataArchive) -> tuple[TypeRegistry, ArchiveReport]:
    """The registry with the archive's attribute types, types and patches, and what became of each. Loading again changes nothing."""
    store = archive.archive_type_store or ArchiveTypeStore()
    instances = archive.archive_instance_store or ArchiveInstanceStore()
    changes = []
    for attribute_type in store.attribute_type_defs or ():
        registry, change = add_attribute_type(registry, attribute_type)
        changes.append(change)
    for type_def in store.new_type_defs or ():
        registry, change = add_type(registry, type_def)
        changes.append(change)
    for patch in store.type_def_patches or ():
        registry, change = patch_type(registry, patch)
        changes.append(change)
    about = archive.archive_properties
    report = ArchiveReport(
        guid=about.archive_guid or "",
        name=about.archive_name or "",
        version=about.archive_version or "",
        changes=tuple(changes),
        entities=len(instances.entities or ()),
        relationships=len(instances.relationships or ()),
        classifications=len(instances.classifications or ()),
    )
    return registry, report
