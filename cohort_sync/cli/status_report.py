"""The report of `cohort-sync status`: what the store holds and what the worker adds, as one value. Pure but for what it is given."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from cohort_sync.cli.worker_probe import WorkerReport
from cohort_sync.cohort.outbound.planner import HALTED
from cohort_sync.config import Settings
from cohort_sync.observe.status import PRESENCE_FACT, Presence, WorkerStatus
from cohort_sync.store.protocol import Reader
from cohort_sync.store.rows import GapRow, Kind, MemberRow, PositionRow


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of the parts of the report; keys are written as OMRS writes its own."""


class HomeReport(Part, frozen=True, kw_only=True):
    """What the store holds of one home collection. `types` counts by type (or classification) name; `name` is the member's server name, where it is known."""

    metadata_collection_id: str
    name: str | None
    ours: bool
    entities: int
    proxies: int
    relationships: int
    classifications: int
    types: dict[str, dict[str, int]]


class PositionReport(Part, frozen=True, kw_only=True):
    """How far a partition is read. `endOffset` and `lag` are None when no worker answers that knows them."""

    topic: str
    partition: int
    next_offset: int
    end_offset: int | None
    lag: int | None
    topic_id: str
    cluster_id: str


class DeadLetterCount(Part, frozen=True, kw_only=True):
    """Open dead letters of a flow ("cohort" or a source) by the stage that refused them."""

    flow: str
    stage: str
    count: int


class GapReport(Part, frozen=True, kw_only=True):
    """Records that the broker no longer had when they were due: from `expected` up to `first`."""

    topic: str
    partition: int
    expected: int
    first: int
    last: int
    answer: str
    seen: int


class HaltedReport(Part, frozen=True, kw_only=True):
    """A source that is halted because too many of its records in a row could not be used."""

    source: str
    reason: str


class StatusReport(Part, frozen=True, kw_only=True):
    """Everything that `status --json` prints."""

    member: str
    metadata_collection_id: str
    cohort: str
    type_release: str
    store: str
    worker: WorkerReport
    homes: tuple[HomeReport, ...]
    positions: tuple[PositionReport, ...]
    outbox: int
    parked: int
    dead_letters: int
    dead_letter_counts: tuple[DeadLetterCount, ...]
    members: int
    gaps: tuple[GapReport, ...]
    halted: tuple[HaltedReport, ...]
    attention: tuple[str, ...]
    """What an operator should look at, one sentence each."""


class StoreFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the report needs from the store, read in one consistent view."""

    presence: Presence | None
    counts: list[tuple[str, int, str, int]]
    classification_counts: list[tuple[str, str, int]]
    positions: list[PositionRow]
    outbox: int
    parked: int
    dead_letter_counts: list[tuple[str, str, int]]
    members: list[MemberRow]
    gaps: list[GapRow]
    halted: dict[str, str]


def read_figures(reader: Reader, sources: Iterable[str]) -> StoreFigures:
    """Read them; `sources` are the names of the configured sources."""
    halted = {source: reader.fact(HALTED + source) for source in sources}
    return StoreFigures(
        presence=Presence.decode(reader.fact(PRESENCE_FACT)),
        counts=reader.counts(),
        classification_counts=reader.classification_counts(),
        positions=reader.positions(),
        outbox=reader.outbox_size(),
        parked=reader.parked_size(),
        dead_letter_counts=reader.dead_letter_counts(),
        members=reader.members(),
        gaps=reader.gaps(),
        halted={source: reason for source, reason in halted.items() if reason},
    )


def make_report(settings: Settings, figures: StoreFigures, worker: WorkerReport, live: WorkerStatus | None) -> StatusReport:
    """Put together what the store and the worker said."""
    gaps = tuple(GapReport(**gap._asdict()) for gap in figures.gaps)
    halted = tuple(HaltedReport(source=source, reason=reason) for source, reason in figures.halted.items())
    names = {member.metadata_collection_id: member.server_name for member in figures.members}
    counts = tuple(DeadLetterCount(flow=flow, stage=stage, count=count) for flow, stage, count in figures.dead_letter_counts)
    return StatusReport(
        member=settings.member.name,
        metadata_collection_id=settings.member.metadata_collection_id,
        cohort=settings.cohort.name,
        type_release=settings.types.release,
        store=settings.store.path,
        worker=worker,
        homes=_homes(figures, settings.member.metadata_collection_id, {**names, settings.member.metadata_collection_id: settings.member.name}),
        positions=_positions(figures.positions, live),
        outbox=figures.outbox,
        parked=figures.parked,
        dead_letters=sum(count.count for count in counts),
        dead_letter_counts=counts,
        members=len(figures.members),
        gaps=gaps,
        halted=halted,
        attention=tuple(_attention(figures, worker)),
    )


def _homes(figures: StoreFigures, ours: str, names: Mapping[str, str | None]) -> tuple[HomeReport, ...]:
    """Our own first, then the others by their ids."""
    by_home: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: {"entities": {}, "proxies": {}, "relationships": {}, "classifications": {}})
    groups = {Kind.ENTITY: "entities", Kind.PROXY: "proxies", Kind.RELATIONSHIP: "relationships"}
    for home, kind, type_name, count in figures.counts:
        by_home[home][groups[Kind(kind)]][type_name] = count
    for home, name, count in figures.classification_counts:
        by_home[home]["classifications"][name] = count
    return tuple(
        HomeReport(
            metadata_collection_id=home,
            name=names.get(home),
            ours=home == ours,
            entities=sum(types["entities"].values()),
            proxies=sum(types["proxies"].values()),
            relationships=sum(types["relationships"].values()),
            classifications=sum(types["classifications"].values()),
            types=types,
        )
        for home, types in sorted(by_home.items(), key=lambda item: (item[0] != ours, item[0]))
    )


def _positions(rows: list[PositionRow], live: WorkerStatus | None) -> tuple[PositionReport, ...]:
    """The store says how far a partition is read, the worker where it ends."""
    ends = {(at.topic, at.partition): at.end_offset for at in (live.positions if live is not None else ())}
    reports = []
    for row in rows:
        end = ends.get((row.topic, row.partition))
        lag = None if end is None else max(0, end - row.next_offset)
        reports.append(
            PositionReport(
                topic=row.topic,
                partition=row.partition,
                next_offset=row.next_offset,
                end_offset=end,
                lag=lag,
                topic_id=row.topic_id,
                cluster_id=row.cluster_id,
            )
        )
    return tuple(reports)


def _attention(figures: StoreFigures, worker: WorkerReport) -> Iterable[str]:
    match worker.state:
        case "running" | "embedded":
            yield from (f"not ready: {condition.name}: {condition.reason}" for condition in worker.conditions if not condition.holds)
        case "silent":
            yield f"the worker (process {worker.pid}) does not answer at {worker.http}"
        case "stopped":
            yield "the worker is not running" + (f"; {figures.outbox} events wait to be sent" if figures.outbox else "")
        case "never":
            yield "no worker has used this store yet"
    yield from (f"source {source} is halted: {reason}" for source, reason in figures.halted.items())
    yield from map(_gap_line, figures.gaps)
    yield from (f"member {member.server_name or member.metadata_collection_id} says about us: {member.problem}" for member in figures.members if member.problem)


def _gap_line(gap: GapRow) -> str:
    where = f"{gap.topic}[{gap.partition}]"
    if gap.expected < gap.first:
        answer = "reading stopped there (worker.on_gap)" if gap.answer == "stopped" else "reading went on after them"
        return f"{where}: records {gap.expected} to {gap.first - 1} were gone; {answer}"
    answer = "reading stopped (worker.on_gap)" if gap.answer == "stopped" else f"reading went on at {gap.first}"
    return f"{where}: record {gap.expected} was due, but the topic was made anew or has lost its records; {answer}"
