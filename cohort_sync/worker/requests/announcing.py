"""Requests that send something: publish and refresh."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from cohort_sync.cohort.publish import Announcer, Cursor, Selection, plan_publish
from cohort_sync.cohort.refresh_requests import AskedCursor, ask_for_registrations, plan_refresh
from cohort_sync.cohort.requests import Publish, Refresh
from cohort_sync.omrs.type_registry import TypeRegistry, UnknownType
from cohort_sync.omrs.typedefs import ClassificationDef
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.worker.requests.answers import Answer, Done, Going, Refused


@dataclass(frozen=True, slots=True)
class Announcing:
    """`registry` answers with the types in whose terms we announce, `clock` with epoch milliseconds."""

    announcer: Announcer
    registry: Callable[[], TypeRegistry]
    clock: Callable[[], int]

    def publish(self, reader: Reader, ask: Publish, cursor: str | None) -> Answer:
        """Announce home instances again, chunk by chunk."""
        try:
            selection = Selection(type_names=self._types(ask.type_name), source=ask.source)
        except UnknownType as problem:
            return Refused(text=str(problem))
        if selection.type_names is not None and isinstance(self.registry().type_def(ask.type_name), ClassificationDef):
            return Refused(text=f"{ask.type_name} is a classification type; classifications go with their entities: name an entity or relationship type")
        at = Cursor() if cursor is None else msgspec.json.decode(cursor, type=Cursor)
        chunk = plan_publish(reader, selection, at, self.announcer, self.clock())
        writes = WriteSet(outbox=chunk.outbox)
        if chunk.last:
            return Done(writes=writes, text=str(chunk.cursor))
        return Going(writes=writes, cursor=msgspec.json.encode(chunk.cursor).decode(), text=f"{chunk.cursor} so far")

    def _types(self, name: str) -> frozenset[str] | None:
        return self.registry().subtypes(name) | {name} if name else None

    def refresh(self, reader: Reader, ask: Refresh, cursor: str | None) -> Answer:
        """Ask for registrations, then, if wanted, for instances."""
        member, now = self.announcer.member, self.clock()
        writes = WriteSet()
        said = "asked the other members for their registrations"
        if cursor is None:
            writes.outbox.append(ask_for_registrations(member, now))
            if not ask.instances:
                return Done(writes=writes, text=said)
            homes = (ask.member,) if ask.member else tuple(row.metadata_collection_id for row in reader.members())
            if member.metadata_collection_id in homes:
                return Refused(text="this member is the home of its own instances: nobody else can be asked for them; `publish` announces them again")
            at = AskedCursor(homes=homes)
        else:
            at = msgspec.json.decode(cursor, type=AskedCursor)
        chunk = plan_refresh(reader, at, member, now)
        writes.outbox += chunk.outbox
        text = f"{said}; {chunk.cursor}"
        if chunk.last:
            return Done(writes=writes, text=text)
        return Going(writes=writes, cursor=msgspec.json.encode(chunk.cursor).decode(), text=f"{text} so far")
