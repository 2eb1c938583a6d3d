"""Put, remove and rename the objects of a source: which instances an object has, and which GUID an identity has.

An object's row holds a digest of the desired state that was last planned: an equal state costs one hash. Its members are the GUIDs in the order of their
announcement, entities before relationships; removal goes the other way round.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from cohort_sync.cohort.outbound.context import SourceContext
from cohort_sync.cohort.outbound.home import HomeWriter
from cohort_sync.cohort.outbound.overlay import Overlay
from cohort_sync.cohort.outbound.typed import typed_properties
from cohort_sync.mapping.desired import DesiredEntity, DesiredObject, DesiredRelationship, PlainProperties, identity_of
from cohort_sync.mapping.spi import Put, Remember, Remove, Rename, Verb
from cohort_sync.omrs.errors import PoisonEvent
from cohort_sync.omrs.identity import entity_guid, namespace, relationship_guid
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.store.rows import IdentityRow, InstanceRow, Kind, ObjectRow
from cohort_sync.store.stored import entity_of, grave

_decode_members = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder(order="deterministic").encode
_NAME_SEPARATOR = "::"


class ObjectPlanner:
    """Applies the verbs of one source over an overlay."""

    def __init__(self, overlay: Overlay, context: SourceContext) -> None:
        self._overlay = overlay
        self._context = context
        self._namespace = namespace(context.member.metadata_collection_id)
        self._renamed: dict[str, tuple[str, str]] = {}
        """Keys that were renamed in this step and not put since: old and new beginning of their qualified names."""

    def apply(self, verbs: Iterable[Verb], writer: HomeWriter) -> None:
        """Apply the verbs of one step, in order."""
        self._renamed.clear()
        for verb in verbs:
            match verb:
                case Put(desired):
                    self._put(desired, writer)
                case Remove(key):
                    self._remove(key, writer)
                case Rename():
                    self._rename(verb, writer)
                case Remember(key, value):
                    self._overlay.remember(key, value)
        for key, (old_name, new_name) in self._renamed.items():
            self._rename_entities(key, old_name, new_name, writer)

    # ------------------------------------------------------------ put

    def _put(self, desired: DesiredObject, writer: HomeWriter) -> None:
        digest = hashlib.blake2b(_encode(desired), digest_size=16).digest()
        before = self._overlay.objects.get(desired.key)
        self._renamed.pop(desired.key, None)
        if before is not None and before.digest == digest:
            return
        guids = self._guids(desired.entities)
        ends = [(self._end(r.end1, guids), self._end(r.end2, guids)) for r in desired.relationships]
        links = [
            relationship_guid(self._namespace, r.type_name, end1, end2, r.discriminator) for r, (end1, end2) in zip(desired.relationships, ends, strict=True)
        ]
        members = [*(guids[e.identity] for e in desired.entities), *links]
        old_members = _decode_members(before.members) if before else []
        self._fetch([*members, *old_members])
        self._overlay.tombstones.fetch([grave(guids[e.identity], c.name) for e in desired.entities for c in e.classifications])
        stated = self._context.translate(desired) if self._context.translate else desired
        self._remove_members([guid for guid in old_members if guid not in set(members)], desired.key, writer)
        for entity, original in zip(stated.entities, desired.entities, strict=True):
            self._put_entity(guids[original.identity], entity, writer, guids)
        for relationship, original_link, guid, (end1, end2) in zip(stated.relationships, desired.relationships, links, ends, strict=True):
            swapped = (relationship.end1, relationship.end2) == (original_link.end2, original_link.end1) and relationship.end1 != relationship.end2
            self._put_relationship(guid, relationship, (end2, end1) if swapped else (end1, end2), writer, guids)
        self._overlay.objects.put(desired.key, ObjectRow(self._overlay.source, desired.key, digest, msgspec.json.encode(members)))

    def _put_entity(self, guid: str, entity: DesiredEntity, writer: HomeWriter, guids: dict[str, str]) -> None:
        classifications = {c.name: self._typed(c.name, c.properties, guids) for c in entity.classifications}
        writer.put_entity(guid, entity.type_name, self._typed(entity.type_name, entity.properties, guids), classifications)

    def _put_relationship(self, guid: str, stated: DesiredRelationship, ends: tuple[str, str], writer: HomeWriter, guids: dict[str, str]) -> None:
        writer.put_relationship(guid, stated.type_name, ends[0], ends[1], self._typed(stated.type_name, stated.properties, guids))

    def _typed(self, type_name: str, properties: PlainProperties, guids: dict[str, str]) -> InstanceProperties | None:
        return typed_properties(self._context.registry, type_name, properties, lambda identity: self._end(identity, guids))

    # ------------------------------------------------------------ identities

    def _guids(self, entities: Iterable[DesiredEntity]) -> dict[str, str]:
        """The GUID of each identity; an identity that is new or vacant gets one and is written down."""
        found: dict[str, str] = {}
        names = [entity.identity for entity in entities]
        self._overlay.identities.fetch(names)
        for identity in names:
            row = self._overlay.identities.get(identity)
            if row is not None and row.guid:
                found[identity] = row.guid
                continue
            vacated = row.vacated if row else 0
            guid = entity_guid(self._namespace, f"{identity}#{vacated + 1}" if vacated else identity)
            self._overlay.identities.put(identity, IdentityRow(identity, guid, vacated))
            found[identity] = guid
        if len(found) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise PoisonEvent(f"two entities of one object have the same identity {twice[0]}; the source holds two things of one name", stage="map")
        return found

    def _end(self, identity: str, guids: dict[str, str]) -> str:
        """The GUID of an entity of this object, or of one that another object has put before."""
        if identity in guids:
            return guids[identity]
        row = self._overlay.identities.get(identity)
        if row is None or not row.guid:
            raise PoisonEvent(f"nothing is known by the identity {identity}; a mapper must put an object before what refers to it", stage="map")
        return row.guid

    # ------------------------------------------------------------ remove

    def _remove(self, key: str, writer: HomeWriter) -> None:
        row = self._overlay.objects.get(key)
        self._renamed.pop(key, None)
        if row is None:
            return
        members = _decode_members(row.members)
        self._fetch(members)
        self._remove_members(members, key, writer)
        self._overlay.objects.put(key, None)

    def _remove_members(self, guids: list[str], key: str, writer: HomeWriter) -> None:
        """Relationships first, then entities, each last announced first; links that other objects have to these entities go too."""
        if not guids:
            return
        rows = [row for row in (self._overlay.instances.get(guid) for guid in reversed(guids)) if row is not None]
        for row in rows:
            if row.kind == Kind.RELATIONSHIP:
                writer.remove_relationship(row.guid)
        for row in rows:
            if row.kind == Kind.ENTITY:
                self._remove_links(row.guid, key, writer)
                writer.remove_entity(row.guid)

    def _remove_links(self, guid: str, key: str, writer: HomeWriter) -> None:
        """Links of other objects to an entity that goes: receivers get no cascade from us."""
        removed = {link.guid for link in self._overlay.relationships_of(guid) if writer.remove_relationship(link.guid)}
        if not removed:
            return
        for other in self._overlay.keys(""):
            row = self._overlay.objects.get(other)
            members = _decode_members(row.members) if row else []
            if row is not None and other != key and removed.intersection(members):
                left = [member for member in members if member not in removed]
                self._overlay.objects.put(other, row._replace(digest=b"", members=msgspec.json.encode(left)))

    def _fetch(self, guids: list[str]) -> None:
        """Read what is needed of these instances with one query each."""
        self._overlay.instances.fetch(guids)
        self._overlay.classifications.fetch(guids)
        self._overlay.tombstones.fetch([guid for guid in guids if self._overlay.instances.get(guid) is None])

    # ------------------------------------------------------------ rename

    def _rename(self, verb: Rename, writer: HomeWriter) -> None:
        """Move the object and the identities of its entities to the new name. What was there under the new name is replaced."""
        row = self._overlay.objects.get(verb.old)
        if row is None or verb.old == verb.new:
            return
        self._remove(verb.new, writer)
        members = _decode_members(row.members)
        self._fetch(members)
        for entity in self._entities(members):
            name = entity.qualified_name or ""
            new_name = renamed(name, verb.old_name, verb.new_name)
            if new_name is not None:
                self._move_identity(identity_of(name), identity_of(new_name), entity.guid)
        self._overlay.objects.put(verb.old, None)
        self._overlay.objects.put(verb.new, row._replace(key=verb.new, digest=b""))
        self._renamed[verb.new] = (verb.old_name, verb.new_name)

    def _move_identity(self, old: str, new: str, guid: str) -> None:
        before = self._overlay.identities.get(old)
        self._overlay.identities.put(old, IdentityRow(old, "", (before.vacated if before else 0) + 1))
        target = self._overlay.identities.get(new)
        self._overlay.identities.put(new, IdentityRow(new, guid, target.vacated if target else 0))

    def _rename_entities(self, key: str, old_name: str, new_name: str, writer: HomeWriter) -> None:
        """A rename without a put: only the qualified names change."""
        row = self._overlay.objects.get(key)
        for instance in self._entities(_decode_members(row.members) if row else []):
            name = renamed(instance.qualified_name or "", old_name, new_name)
            if name is None:
                continue
            entity = entity_of(instance, self._overlay.classifications.get(instance.guid) or ())
            changed = typed_properties(self._context.registry, instance.type_name, {"qualifiedName": name}, lambda identity: identity)
            old = entity.properties.instance_properties if entity.properties and entity.properties.instance_properties else {}
            new = changed.instance_properties if changed and changed.instance_properties else {}
            ours = {c.name or "": c.properties for c in entity.classifications or () if c.metadata_collection_id == instance.home}
            writer.put_entity(instance.guid, instance.type_name, InstanceProperties(instance_properties={**old, **new}), ours)

    def _entities(self, members: list[str]) -> list[InstanceRow]:
        rows = [self._overlay.instances.get(guid) for guid in members]
        return [row for row in rows if row is not None and row.kind == Kind.ENTITY]


def renamed(name: str, old: str, new: str) -> str | None:
    """`name` with its beginning changed, when it is `old` itself or lies below it; None when it does neither."""
    if name == old:
        return new
    if name.startswith(old + _NAME_SEPARATOR):
        return new + name[len(old) :]
    return None
