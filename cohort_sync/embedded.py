"""A member of a cohort inside a program of yours: its store, its metadata collection, its place in the cohort.

    async with Member(settings_from({"member": {...}, "cohort": {...}, "kafka": {...}, "store": {...}}), applied=told) as member:
        term = await member.collection.entities.add_entity(Author("you"), member.types.entity_def("GlossaryTerm").guid, properties)

What is promised:

- **Durability.** A change of the collection is durable, and its announcement with it, when the call returns. What cannot be sent now stays in the store and is
  sent later, in the order of the changes, at least once; a crash at any moment loses nothing and leaves no half change (guarantees 1 and 2).
- **Order.** Changes are announced in the order of their commits. Events of the others are applied in the order of their topics, types before instances.
- **Threads.** A member belongs to the event loop that entered it. Its methods may be called from every task of that loop, side by side; none blocks the loop,
  the store works in threads of its own. From another thread: `asyncio.run_coroutine_threadsafe`.
- **The broker may be away**, at the start and later: the collection works without it. `joined` waits for it.
- **One member, one store.** A second process with the same store is refused (StoreLocked); members in one process are independent of each other.
- **Faults.** What makes going on pointless (credentials refused, a damaged store, another member under our id) cancels the block and is raised at its end.

The worker is this with pages, signals and a log of its own. The command line looks at the store of an embedded member as at that of a worker, and the member
does what it asks for (dead letters, publish, refresh).
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog
from structlog.typing import EventDict, WrappedLogger

from cohort_sync.cohort.inbound.report import EventResult, InboundReport
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.headers import Author
from cohort_sync.config import load_settings, settings_from
from cohort_sync.config.settings import Settings
from cohort_sync.observe.health import Condition
from cohort_sync.observe.status import NOBODY
from cohort_sync.omrs.errors import CohortSyncError, ConfigurationError, FatalFault, StoreLocked, TransientFault
from cohort_sync.omrs.exceptions import OMRSException
from cohort_sync.omrs.finds import MatchCriteria, Paging, SequencingOrder
from cohort_sync.omrs.instances import Classification, EntityDetail, EntityProxy, Relationship
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.omrs.primitive_values import plain_values
from cohort_sync.omrs.properties import InstanceProperties
from cohort_sync.omrs.type_registry import TypeRegistry
from cohort_sync.store.clock import wall_clock
from cohort_sync.store.protocol import Store
from cohort_sync.store.sqlite import SqliteStore
from cohort_sync.worker.engine import Engine
from cohort_sync.worker.parts import Parts

__all__ = [
    "Author",
    "Classification",
    "CohortSyncError",
    "ConfigurationError",
    "EntityDetail",
    "EntityProxy",
    "EventResult",
    "FatalFault",
    "InstanceProperties",
    "MatchCriteria",
    "Member",
    "OMRSException",
    "Paging",
    "Relationship",
    "SequencingOrder",
    "Settings",
    "StoreLocked",
    "TransientFault",
    "Verdict",
    "load_settings",
    "plain_values",
    "settings_from",
]

Clock = Callable[[], int]
"""Epoch milliseconds."""
StoreFactory = Callable[[str, Clock], Store]
"""Makes a store that is not open yet, of store.path and the clock."""


def _unheard(_result: EventResult) -> None:
    """Nobody wants to be told."""


class Member:
    """One member of one cohort, for the length of an `async with` block.

    Entering opens the store: after that the collection can be used. The cohort is joined beside the block, however long the broker takes. Leaving the block
    stops everything within `worker.drain_seconds`; the member stays registered, and what was not sent is sent at the next start.
    """

    def __init__(
        self, settings: Settings, *, applied: Callable[[EventResult], None] = _unheard, store: StoreFactory | None = None, clock: Clock = wall_clock
    ) -> None:
        """`applied` is told what became of each event of the others, on the event loop, after the commit, in order. It must not block, and what it raises ends
        the member. It is a call, not a queue: what was applied and not told because the program ended then is in the store. `store` makes a repository
        connector of your own; the default is SQLite. Nothing is opened yet."""
        self._settings = settings
        self._applied = applied
        self._make_store = store or (lambda path, clock: SqliteStore(path, clock=clock))
        self._clock = clock
        self._stopping = asyncio.Event()
        self._engine: Engine | None = None
        self._collection: MetadataCollection | None = None
        self._block = asyncio.timeout(None)
        self._inside = False

    async def __aenter__(self) -> Self:
        """Raises StoreLocked, ConfigurationError, FatalFault; then nothing is left open."""
        if self._engine is not None:
            raise RuntimeError("a Member is entered once; make another one for another start")
        _log_as_the_program_does()
        store = self._make_store(self._settings.store.path, self._clock)
        parts = Parts(self._settings, store, clock=self._clock, stop=self._stopping.set, applied=self._tell)
        self._engine = Engine(parts, self._stopping, close_doors=self._close_doors, tell=_nobody_waits)
        try:
            self._collection = await self._engine.open()
            await parts.be_present("", os.getpid())
        except BaseException:
            await self._engine.stop()
            raise
        self._engine.supervisor.start("join", self._join(self._engine))
        self._engine.supervisor.start("end of the block", self._cut_block_on_fault(self._engine))
        await self._block.__aenter__()
        self._inside = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop. Raises the fault that ended the member, if one did."""
        engine = self._running
        self._inside = False
        try:
            await self._block.__aexit__(kind, error, trace)
        except TimeoutError:
            error = None  # the block was cancelled by a fault, which is raised below
        finally:
            await engine.stop()
        if engine.fault is not None and error is None:
            raise engine.fault

    # ------------------------------------------------------------ what a program uses

    @property
    def collection(self) -> MetadataCollection:
        """The metadata collection. What it refuses is an OMRSException, with the store unchanged."""
        if self._collection is None:
            raise FatalFault("this member is not open: use its collection inside `async with member:`")
        return self._collection

    @property
    def types(self) -> TypeRegistry:
        """The types that are known at this moment, with those that the cohort has taught: their GUIDs, and typed properties of plain values."""
        return self._running.parts.types.registry

    @property
    def store(self) -> Store:
        """For what the collection does not tell: `await member.store.read(lambda reader: reader.members())`. Only the collection changes it."""
        return self._running.parts.store

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Store, broker, cohort and sources: does each hold, and why not."""
        return self._running.parts.health.conditions

    async def joined(self) -> None:
        """Wait until this member is registered and has read what was there of the others' registrations and types. There is no limit of time:
        `asyncio.timeout` sets one, and `conditions` says what it waits for."""
        await self._running.parts.cohort.joined.wait()

    async def sent(self) -> None:
        """Wait until everything that was to be announced is acknowledged by the broker. There is no limit of time."""
        publisher = self._running.parts.publisher
        publisher.wake()
        await publisher.empty.wait()

    async def stopped(self) -> None:
        """Wait until somebody else ends this member (`cohort-sync unregister`): the block should end then, and the member leaves the cohort with it."""
        await self._stopping.wait()

    # ------------------------------------------------------------ beside the block

    @property
    def _running(self) -> Engine:
        if self._engine is None or self._collection is None:
            raise FatalFault("this member is not open: use it inside `async with member:`")
        return self._engine

    async def _join(self, engine: Engine) -> None:
        await engine.join()

    async def _cut_block_on_fault(self, engine: Engine) -> None:
        await self._stopping.wait()
        if engine.fault is not None and self._inside:
            self._block.reschedule(asyncio.get_running_loop().time())

    async def _close_doors(self) -> None:
        if self._collection is not None and self._engine is not None:
            self._collection = None
            with suppress(TransientFault):  # it is only what the command line is told
                await self._engine.parts.be_present("", NOBODY)

    def _tell(self, report: InboundReport) -> None:
        for result in report.results:
            if result.event_type or result.verdict is not Verdict.IGNORED:  # our own records are not even decoded
                self._applied(result)


def _nobody_waits(_what: str) -> None:
    """A program is told by `conditions`."""


def _log_as_the_program_does() -> None:
    """Our log goes where the program's standard logging goes, under the names of our modules, unless the program has set up structlog for itself."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[structlog.stdlib.filter_by_level, _as_text],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )


def _as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> tuple[tuple[str], dict[str, object]]:
    trouble = event.pop("exc_info", None)
    message = str(event.pop("event"))
    pairs = " ".join(f"{key}={value!r}" for key, value in event.items())
    return (f"{message} [{pairs}]" if pairs else message,), {"exc_info": trouble}
