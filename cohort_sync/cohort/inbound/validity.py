"""Is an incoming instance complete, and valid for its type? What Java refuses (or should) is refused here (spec cohort-events 5.5.1, 6.7, egeria-6.1-observed).

A type that is not known is no fault of the instance: it waits for the type. Everything else that is wrong is a PoisonEvent of the stage "validate".
"""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from msgspec.structs import replace

from cohort_sync.omrs.enums import InstanceProvenanceType, InstanceStatus, TypeDefCategory
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.instances import AuditHeader, Classification, EntityDetail, EntityProxy, InstanceType, Relationship
from cohort_sync.omrs.precedence import Claim, ClassificationClaim
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.property_rules import PropertyProblemCode, property_problems
from cohort_sync.omrs.type_registry import TypeRegistry, category_of
from cohort_sync.store.rows import ClassificationRow, Kind
from cohort_sync.store.stored import classification_row

HEADER_VERSION = 1
"""The newest form of instance that we understand; Java does not save what is newer."""


class MissingType(NamedTuple):
    """The type that an event has to wait for."""

    name: str
    guid: str


class Announced(NamedTuple):
    """A classification of an entity event that was found valid. Its row is made at once: the tree that it comes from need not be kept."""

    row: ClassificationRow
    removed: bool
    """It has the status DELETED, which is how a PostgreSQL home takes it off."""


Claims = Sequence[Announced]


class Validity:
    """The checks against one registry."""

    def __init__(self, registry: TypeRegistry, statuses: frozenset[InstanceStatus]) -> None:
        self._registry = registry
        self._statuses = statuses
        self._known_types: set[tuple[TypeDefCategory, str | None, str | None]] = set()
        """Found to be there and of their category."""

    def entity(self, entity: EntityDetail) -> Claim | MissingType:
        """The header of an entity."""
        return self._claim(entity, entity.status, Kind.ENTITY, TypeDefCategory.ENTITY_DEF, f"entity {entity.guid}")

    def proxy(self, proxy: EntityProxy) -> Claim | MissingType:
        """The header of an entity proxy."""
        return self._claim(proxy, proxy.status, Kind.PROXY, TypeDefCategory.ENTITY_DEF, f"entity proxy {proxy.guid}")

    def relationship(self, relationship: Relationship) -> Claim | MissingType:
        """The header of a relationship, and that both its ends are there."""
        what = f"relationship {relationship.guid}"
        one, two = relationship.entity_one_proxy, relationship.entity_two_proxy
        if one is None or one.guid is None or two is None or two.guid is None:
            refuse(f"{what} has no {'entityOneProxy' if one is None or one.guid is None else 'entityTwoProxy'} with a guid; both ends must be given")
        return self._claim(relationship, relationship.status, Kind.RELATIONSHIP, TypeDefCategory.RELATIONSHIP_DEF, what)

    def classification(self, classification: Classification, entity_guid: str, entity_type: str | None) -> ClassificationClaim | MissingType:
        """A classification and its properties. `entity_type` None: it stands on a proxy, where Java does not check whether it may."""
        what = f"classification {classification.name} of entity {entity_guid}"
        header = classification.type
        if classification.name is None or header is None or header.type_def_name is None or header.type_def_guid is None:
            refuse(f"{what} needs a name and a type with name and GUID")
        if classification.name != header.type_def_name:
            refuse(f"{what} has the type {header.type_def_name}; name and type of a classification are the same")
        missing = self._known(header, TypeDefCategory.CLASSIFICATION_DEF, what)
        if missing is not None:
            return missing
        if entity_type is not None and not self._registry.can_classify(classification.name, entity_type):
            refuse(f"{what}: a {entity_type} cannot have this classification")
        home, created = classification.metadata_collection_id, classification.create_time
        if home is None or created is None:
            refuse(f"{what} has no {'metadataCollectionId' if home is None else 'createTime'}")
        self._status(classification.status, what)
        return self.properties(header, classification.properties, what) or ClassificationClaim(
            home, classification.replicated_by, classification.version, created
        )

    def completed(self, classification: Classification, entity_created: int | None) -> Classification:
        """The classification with the header that it lacks: the type of its name, the createTime of its entity.

        4.2 in memory takes a classification of addEntity as its caller gives it, maybe with no more than a name, and announces it like that; every Java
        member keeps it, and the entity with it.
        """
        name, header, created = classification.name, classification.type, classification.create_time
        if header is None and self._registry.type_def(name) is not None:
            header = self._registry.instance_type(name or "")
        if header is classification.type and created is not None:
            return classification
        return replace(classification, type=header, create_time=entity_created if created is None else created)

    def classifications(self, entity: EntityDetail, entity_type: str) -> Claims | MissingType:
        """All classifications of an entity."""
        guid, claims = entity.guid or "", []
        for announced in entity.classifications or ():
            classification = self.completed(announced, entity.create_time)
            claim = self.classification(classification, guid, entity_type)
            if isinstance(claim, MissingType):
                return claim
            claims.append(Announced(classification_row(guid, classification), classification.status is InstanceStatus.DELETED))
        return claims

    def is_known(self, header: InstanceType) -> bool:
        """Is this type known by name and GUID?"""
        return self._registry.is_known(header.type_def_guid, header.type_def_name)

    def properties(self, header: InstanceType, properties: InstanceProperties | None, what: str) -> MissingType | None:
        """Do the properties fit the type? Unknown ones wait for the patch of a type that is newer at the sender, or that is not of the release.

        The version alone does not tell: a Java member leaves that of an instance as it was created when it fills an attribute that a patch has brought since.
        """
        name = header.type_def_name or ""
        problems = property_problems(self._registry, name, properties)
        if not problems:
            return None
        known = self._registry.type_def(name)
        patchable = known is not None and (header.type_def_version > known.version or name not in self._registry.base)
        if patchable and all(problem.code is PropertyProblemCode.BAD_PROPERTY_FOR_TYPE for problem in problems):
            return MissingType(name, header.type_def_guid or "")
        return refuse(f"{what}: " + "; ".join(problem.message for problem in problems))

    def _claim(
        self, header: EntityDetail | EntityProxy | Relationship, status: InstanceStatus | None, kind: Kind, category: TypeDefCategory, what: str
    ) -> Claim | MissingType:
        kind_of = header.type
        if kind_of is None or kind_of.type_def_name is None:
            refuse(f"{what} has no type with a name")
        missing = self._known(kind_of, category, what)
        if missing is not None:
            return missing
        home, created = header.metadata_collection_id, header.create_time
        if header.guid is None or home is None or created is None:
            refuse(f"{what} has no {_missing(header)}, which every instance needs")
        if header.header_version > HEADER_VERSION:
            refuse(f"{what} has headerVersion {header.header_version}; expected at most {HEADER_VERSION}")
        self._status(status, what)
        return Claim(
            kind._value_,  # `value` is a property made in Python, and this is asked for every event
            kind_of.type_def_name,
            home,
            header.replicated_by,
            (header.instance_provenance_type or InstanceProvenanceType.UNKNOWN)._value_,
            header.version,
            created,
            (status or InstanceStatus.UNKNOWN)._value_,
            kind_of.type_def_version,
        )

    def _known(self, header: InstanceType, category: TypeDefCategory, what: str) -> MissingType | None:
        name, guid = header.type_def_name, header.type_def_guid
        if header.type_def_category is not category:
            shown = header.type_def_category.value if header.type_def_category else "none"
            refuse(f"{what} has the typeDefCategory {shown} in its type; expected {category.value}")
        if (category, name, guid) in self._known_types:
            return None
        known = self._registry.type_def(name)
        if self._registry.is_known(guid, name) and known is not None:
            if category_of(known) is not category:
                refuse(f"{what} has the type {name}, which is a {category_of(known).value}; expected {category.value}")
            self._known_types.add((category, name, guid))
            return None
        if name is None or guid is None:
            refuse(f"{what} has a type without a typeDefGUID")
        if known is not None and known.guid != guid:
            refuse(f"{what} has the type {name} with the GUID {guid}; the GUID of {name} is {known.guid} here")
        return MissingType(name, guid)

    def _status(self, status: InstanceStatus | None, what: str) -> None:
        if status is not InstanceStatus.ACTIVE and status is not None and status not in self._statuses:
            expected = ", ".join(sorted(each.value for each in self._statuses))
            refuse(f"{what} has the status {status.value}; the statuses of release {self._registry.release} are {expected}")


def refuse(reason: str) -> NoReturn:
    """This instance is not valid: a dead letter."""
    raise PoisonEvent(reason, stage="validate")


def _missing(header: EntityDetail | EntityProxy | Relationship) -> str:
    if header.guid is None:
        return "guid"
    return "metadataCollectionId" if header.metadata_collection_id is None else "createTime"


def type_ids(header: AuditHeader) -> tuple[str | None, str | None]:
    """GUID and name of an instance's type."""
    kind = header.type
    return (None, None) if kind is None else (kind.type_def_guid, kind.type_def_name)
