"""What became of a batch: one result an event (a batch event has one an element), and what an operator should look at."""

import re
from collections import Counter

import msgspec

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.omrs.type_registry import TypeRegistry

_BRACES = re.compile(r" ?\{[^{}]*\}")
_LONG = 300


class EventResult(msgspec.Struct, frozen=True, gc=False):
    """One event and its verdict. `reason` says more where the verdict alone does not; `event_time` is the sender's (epoch ms), for the latency."""

    record: SourceRecord
    event_type: str
    verdict: Verdict
    guid: str | None
    type_name: str | None
    originator: str | None
    event_time: int | None
    reason: str


class SecondMember(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Somebody else sends with our metadata collection id."""

    server_name: str | None
    event_type: str
    record: SourceRecord

    kind = "second_member"

    @property
    def text(self) -> str:
        return (
            f"another server ({self.server_name or 'without a name'}) sends with our metadata collection id: {self.event_type} at {self.record.place}. "
            "Its events change nothing here, but the other members mix the two up: stop one of them and give it an id of its own"
        )


class PeerReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Another member reports an error: about us, or about somebody else."""

    about: str
    """registration, types or instances."""
    originator: str | None
    server_name: str | None
    error_code: str | None
    message: str | None
    about_us: bool
    advice: str = ""
    record: SourceRecord

    kind = "peer_report"

    @property
    def text(self) -> str:
        whom = "this member" if self.about_us else "another member"
        said = f"{self.server_name or self.originator} reports an error of {self.about} about {whom}: {self.error_code}: {brief(self.message) or 'no message'}"
        return f"{said}. {self.advice}" if self.advice else said


def brief(message: str | None) -> str:
    """A member's message without what is in braces: Java prints whole objects into it, a connection takes 1,700 characters. At most 300 characters."""
    text = message or ""
    for _ in range(text.count("{")):
        text, before = _BRACES.sub(" (...)", text), text
        if text == before:
            break
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


class TypeConflict(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A member announced a type whose name stands for another one here; it was answered."""

    name: str
    guid: str
    originator: str | None
    reason: str
    record: SourceRecord

    kind = "type_conflict"

    @property
    def text(self) -> str:
        return f"{self.originator} announced type {self.name} ({self.guid}): {self.reason}"


Alarm = SecondMember | PeerReport | TypeConflict
"""Each has a `kind` (for counting) and a `text` (for the log)."""


class InboundReport(msgspec.Struct, frozen=True):
    """What became of a batch. `registry` is the one after it: the caller puts it in the place of its own once the transaction is durable."""

    results: list[EventResult]
    alarms: list[Alarm]
    registry: TypeRegistry
    announced: int
    """How many events were put into the outbox."""

    def counts(self) -> "Counter[tuple[Verdict, str]]":
        """Events by verdict and event type."""
        return Counter((result.verdict, result.event_type) for result in self.results)
