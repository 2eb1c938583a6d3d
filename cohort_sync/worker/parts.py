"""The parts of one worker, made from its settings. What each does is its own module's; here is only who knows whom.

`Parts` is filled in three steps, because each needs what the one before has found out: `open_store` (identity, types, mappers), `make_topics`, `start_shell`.
"""

import asyncio
import socket
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import structlog

from cohort_sync import __version__
from cohort_sync.cohort.inbound.context import InboundContext
from cohort_sync.cohort.inbound.decoding import DecodedRecord
from cohort_sync.cohort.inbound.report import InboundReport
from cohort_sync.cohort.inbound.waiting import plan_waiting
from cohort_sync.cohort.member import LocalMember
from cohort_sync.cohort.own_key import OwnKey, own_key
from cohort_sync.cohort.publish import Announcer
from cohort_sync.cohort.registration import LEFT, check_fresh_store, plan_leave, plan_start, registration_time, sightings
from cohort_sync.cohort.requests import DONE
from cohort_sync.cohort.topics import cohort_topics
from cohort_sync.collection.collection import MetadataCollection
from cohort_sync.collection.context import CollectionContext
from cohort_sync.config import exchange_filter
from cohort_sync.config.settings import Settings
from cohort_sync.observe.loop_lag import LoopLag
from cohort_sync.observe.metrics import Metrics
from cohort_sync.observe.status import PRESENCE_FACT, Presence
from cohort_sync.ocf.connections_out import ConnectionMode, registration_connection
from cohort_sync.omrs.errors import FatalFault, TransientFault
from cohort_sync.omrs.events import PROTOCOL_V1, PROTOCOL_V2
from cohort_sync.omrs.precedence import Verdict
from cohort_sync.omrs.type_changes import Learn
from cohort_sync.store.protocol import Reader, Store, WriteSet
from cohort_sync.stream.admin import KafkaAdmin, WrongPartitionCount
from cohort_sync.stream.cohort_flow import FLOW, CohortFlow
from cohort_sync.stream.consumer import BatchReader
from cohort_sync.stream.flow import Clock
from cohort_sync.stream.outbox import OutboxPublisher
from cohort_sync.stream.position_book import PositionBook
from cohort_sync.stream.producer import OrderedSender
from cohort_sync.stream.reading import ReaderOptions, SharedTopics, WholeTopics
from cohort_sync.stream.shell import Shell
from cohort_sync.stream.source_flow import SourceFlow, decoder, record_decoder
from cohort_sync.worker.housekeeping import Housekeeping
from cohort_sync.worker.identity_check import claim_store
from cohort_sync.worker.kafka_of import kafka_settings
from cohort_sync.worker.mapper_watch import MapperWatch
from cohort_sync.worker.readiness import STORE, Readiness, condition_of
from cohort_sync.worker.requests import Announcing, DeadLetters, ReplaySource, RequestDesk, RequestPlanner
from cohort_sync.worker.sources import Source, build_sources
from cohort_sync.worker.type_system import TypeSystem

_log = structlog.stdlib.get_logger(__name__)
_KEY_ROOM = 1024
"""Bytes that a record's key and framing may take beside the value that planning has measured."""
_LATE_LOOP_SECONDS = 1.0


def nobody_asks(_report: InboundReport) -> None:
    """Nobody wants to be told what became of events."""


class Parts:
    """Everything that a worker is made of."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        clock: Clock,
        stop: Callable[[], None],
        applied: Callable[[InboundReport], None] = nobody_asks,
        watch: MapperWatch | None = None,
    ) -> None:
        """`stop` tells the worker to stop, as a signal does; `applied` is told what became of the events of a transaction, after its commit. `watch` ends the
        process when a mapper hangs; the caller closes it."""
        member = settings.member
        self.settings = settings
        self.clock = clock
        self._stop = stop
        self._applied = applied
        self._watch = watch
        self.started_at = clock()
        self.connection_mode = ConnectionMode(settings.registration.connection)
        self.connection = registration_connection(self.connection_mode, release=settings.types.release, address=settings.registration.address)
        self.kafka = kafka_settings(settings.kafka, f"cohort-sync-{member.name}")
        self.topics = cohort_topics(settings.cohort.name, settings.cohort.topic_root)
        self.member = LocalMember(
            metadata_collection_id=member.metadata_collection_id,
            metadata_collection_name=member.metadata_collection_name or member.name,
            server_name=member.name,
            server_type=member.server_type,
            organization_name=member.organization or None,
            protocol=PROTOCOL_V2 if int(settings.types.release.split(".")[0]) >= 6 else PROTOCOL_V1,
        )
        self.metrics = Metrics(
            version=__version__, member=member.name, metadata_collection_id=member.metadata_collection_id, type_release=settings.types.release
        )
        known = {*self.topics.all, *(topic for each in settings.sources for topic in each.topics)}
        self.metrics.expect(sources=[each.name for each in settings.sources], topics=sorted(known))
        self.readiness = Readiness([each.name for each in settings.sources], self.metrics, clock)
        self.health = self.readiness.health
        self.loop_lag = LoopLag(self.metrics.loop_lag, self._loop_is_late, threshold=_LATE_LOOP_SECONDS)
        self.store = store
        self.stopping = asyncio.Event()
        self.cohort_stopping = asyncio.Event()
        self.sources_stopping = asyncio.Event()
        self.planning = asyncio.Lock()
        """Held while events of the cohort are planned: the types that one plan teaches are known to the next."""
        self.leaving: int | None = None
        """The request to leave the cohort."""
        self.opened = False
        self.started = False

    # ------------------------------------------------------------ step 1

    async def open_store(self) -> None:
        """Store, identity, types, mappers. Raises StoreLocked or ConfigurationError with nothing changed but what identifies the store."""
        await self.store.open()
        floor = await self.store.transact(lambda reader: claim_store(reader, self.settings, self.started_at))
        fresh = str(uuid.uuid4())
        self.key: OwnKey = await self.store.transact(lambda reader: own_key(reader, fresh, self.started_at))
        learned = await self.store.read(lambda reader: reader.types())
        types = self.settings.types
        self.types = await asyncio.to_thread(TypeSystem.load, types.release, types.archives, learned, types.only)
        self.was_registered = await self.store.read(lambda reader: registration_time(reader) is not None or reader.fact(LEFT) is not None)
        self._built = build_sources(self.settings, self.member, lambda: self.types.base, floor)
        if self._watch is not None:
            await self._watch.take_up(self.store, lambda: self.metrics.alarm("mapper_hung"))
        self._build()
        self.opened = True
        self.health.holds(STORE)

    def _build(self) -> None:
        settings = self.settings
        self.admin = KafkaAdmin(self.kafka)
        self.sender = OrderedSender(self.kafka, max_record_bytes=settings.kafka.max_event_bytes + _KEY_ROOM)
        self.publisher = OutboxPublisher(
            self.store, self.sender, self.topics, self.key.value.decode(), metrics=self.metrics, broker=self.readiness.broker, stopping=self.stopping
        )
        self.shell = Shell(f"cohort-sync-{settings.member.name}", self.kafka, data_dir=Path(settings.store.path).parent)
        self.cohort = self._cohort_flow()
        self.sources = [self._source_flow(source) for source in self._built]
        self.desk = self._desk()
        self.housekeeping = Housekeeping(
            self.store,
            settings.store,
            expire=self._expire_parked,
            look=lambda: self.readiness.look_at(self.flows),
            ends=self.end_offsets,
            metrics=self.metrics,
            clock=self.clock,
            stopping=self.stopping,
        )

    def _desk(self) -> RequestDesk:
        settings = self.settings
        announcer = Announcer(member=self.member, send=exchange_filter(settings.cohort, "send"), max_event_bytes=settings.kafka.max_event_bytes)
        sources = {each.settings.name: self._replay_source(each) for each in self._built}
        planner = RequestPlanner(
            Announcing(announcer, lambda: self.types.base, self.clock),
            DeadLetters(sources, self.inbound_context, self._learned, self.clock),
        )
        return RequestDesk(self.store, planner.plan, turn=self.planning, committed=self.publisher.wake, leave=self._leave, stopping=self.stopping)

    def _replay_source(self, source: Source) -> ReplaySource:
        mapper = source.mapper if self._watch is None else self._watch.over_replay(source.mapper)
        return ReplaySource(record_decoder(mapper, self.settings.kafka.max_event_bytes), mapper, source.context)

    def _cohort_flow(self) -> CohortFlow:
        book = self._book(FLOW)
        reader = BatchReader(
            self.kafka,
            WholeTopics(self.topics.all),
            group=f"cohort-sync.{self.settings.member.name}.cohort",
            starting_offsets=book.starting_offsets,
            on_gap=book.on_gap,
            prepare=book.prepare,
            options=self._reader_options(),
        )
        flow = CohortFlow(
            reader,
            book,
            self.topics,
            self.inbound_context,
            self.store,
            check=self._check_fresh_store,
            join=self.announce_registration,
            learned=self._learned,
            committed=self.publisher.wake,
            planning=self.planning,
            metrics=self.metrics,
            receive=self.settings.cohort.receive,
            stopping=self.cohort_stopping,
        )

        async def before() -> None:
            flow.reconnected()

        book.before_connecting(before)
        return flow

    def _source_flow(self, source: Source) -> SourceFlow[object]:
        book = self._book(condition_of(source.settings.name))
        reader = BatchReader(
            self.kafka,
            SharedTopics(source.settings.topics, source.settings.topic_pattern),
            group=source.group,
            starting_offsets=book.starting_offsets,
            on_gap=book.on_gap,
            prepare=book.prepare,
            options=self._reader_options(),
        )
        watch = self._watch
        mapper, watching = (source.mapper, nullcontext) if watch is None else (watch.over(source.mapper), watch.batch)
        agent = self.shell.agent(source.settings.name, decoder(mapper, self.settings.kafka.max_event_bytes, watching))
        return SourceFlow(
            reader,
            book,
            agent,
            mapper,
            source.context,
            self.store,
            metrics=self.metrics,
            clock=self.clock,
            committed=self.publisher.wake,
            halted=self.readiness.source_halted,
            watching=watching,
            stopping=self.sources_stopping,
        )

    def _reader_options(self) -> ReaderOptions:
        """Three heartbeats in a session, as Kafka advises."""
        session = int(self.settings.kafka.session_timeout_seconds * 1000)
        return ReaderOptions(
            max_records=self.settings.worker.batch_size,
            session_timeout_ms=session,
            heartbeat_interval_ms=session // 3,
            topic_refresh_seconds=self.settings.kafka.topic_refresh_seconds,
        )

    def _book(self, condition: str) -> PositionBook:
        tell = self.readiness.gap_teller(condition)
        return PositionBook(self.store, self.admin, resume_after_gap=self.settings.worker.on_gap == "resume", clock=self.clock, tell=tell)

    # ------------------------------------------------------------ step 2 and 3

    async def make_topics(self) -> None:
        """The three cohort topics with one partition each. Raises FatalFault when one has another number: Java members read only one."""
        kafka = self.settings.kafka
        if kafka.create_topics:
            outcomes = await self.admin.ensure_topics(self.topics.all, partitions=1, replication=kafka.replication_factor)
            for outcome in outcomes.values():
                if isinstance(outcome, WrongPartitionCount):
                    raise FatalFault(f"{outcome}; a cohort topic must have exactly one partition, because Java members read no more. Make the topic anew.")
        self.readiness.broker(None)

    async def start_shell(self) -> None:
        """The Faust app with the mapper agents."""
        await self.shell.start()
        self.started = True

    # ------------------------------------------------------------ what the flows ask and tell

    def collection(self) -> MetadataCollection:
        """Our metadata collection, for whoever asks or changes it from outside: what it has to announce is sent at once, and it changes types in turn with the
        cohort flow."""
        context = CollectionContext(
            member=self.member,
            types=self.types,
            clock=self.clock,
            announced=self.publisher.wake,
            types_turn=self.planning,
            find_timeout=self.settings.http.find_seconds,
            send=exchange_filter(self.settings.cohort, "send"),
            max_event_bytes=self.settings.kafka.max_event_bytes,
        )
        return MetadataCollection(self.store, context)

    def inbound_context(self) -> InboundContext:
        """The present registry and time, and everything that stays."""
        cohort, types = self.settings.cohort, self.settings.types
        return InboundContext(
            member=self.member,
            own_key=self.key,
            registry=self.types.registry,
            now=self.clock(),
            started_at=self.started_at,
            process=exchange_filter(cohort, "process"),
            save=exchange_filter(cohort, "save"),
            send=exchange_filter(cohort, "send"),
            learn=Learn(types.learn),
            connection=self.connection,
            connection_mode=self.connection_mode,
            parked_seconds=self.settings.worker.parked_seconds,
            max_event_bytes=self.settings.kafka.max_event_bytes,
        )

    def _check_fresh_store(self, records: list[DecodedRecord]) -> None:
        """Before we join: is somebody registered under our id, although this store is new?"""
        worker = self.settings.worker
        seen = sightings(records, self.member)
        check_fresh_store(seen, self.member, registered=self.was_registered, recovering=worker.recovering, fresh_id=worker.fresh_id)

    async def announce_registration(self) -> None:
        """Announce this member: through the outbox, so that what is noted as sent will be sent."""
        now = self.clock()
        kind = await self.store.transact(lambda reader: plan_start(reader, self.member, self.connection, now))
        self.publisher.wake()
        _log.info(
            "Joining the cohort", cohort=self.settings.cohort.name, registration=kind.value, members=len(await self.store.read(lambda reader: reader.members()))
        )

    def _learned(self, report: InboundReport) -> None:
        self.types.registry = report.registry
        self._applied(report)

    async def _expire_parked(self) -> None:
        """The types stay those that the cohort flow has learned: this only looks at what waits for them."""
        context = self.inbound_context()
        report = await self.store.transact(lambda reader: plan_waiting(reader, context))
        self._applied(report)
        for (verdict, event_type), count in report.counts().items():
            self.metrics.event_applied(verdict.value, event_type, count)
        for result in report.results:
            if result.verdict is Verdict.REFUSED:
                self.metrics.dead_letter(FLOW, FLOW)
                _log.warning("An event waited too long for its type and is a dead letter now", at=result.record.place, guid=result.guid, reason=result.reason)
        if report.announced:
            self.publisher.wake()

    def _loop_is_late(self, seconds: float) -> None:
        self.metrics.alarm("loop_lag")
        _log.warning(f"The event loop was late by {seconds:.2f} s: something computes or blocks on it")

    # ------------------------------------------------------------ what is seen from outside

    async def be_present(self, http: str, pid: int) -> Presence:
        """Leave in the store where this member can be asked. Raises TransientFault."""
        presence = Presence(pid=pid, host=socket.gethostname(), http=http, version=__version__, started=self.started_at)
        await self.store.transact(lambda _reader: (WriteSet(facts={PRESENCE_FACT: presence.encode()}), None))
        return presence

    @property
    def flows(self) -> list[CohortFlow | SourceFlow[object]]:
        """All flows that read."""
        return [self.cohort, *self.sources]

    def end_offsets(self) -> dict[tuple[str, int], int]:
        """The ends of the partitions that are read, as the last fetch told them."""
        ends: dict[tuple[str, int], int] = {}
        for flow in self.flows if self.opened else ():
            positions = flow.reader.positions
            ends.update({(key.topic, key.partition): positions[key] + lag for key, lag in flow.reader.lag().items() if key in positions})
        return ends

    def flow_of(self, topic: str) -> str:
        """The flow that reads a topic: cohort, or the name of a source."""
        if topic in self.topics.all:
            return FLOW
        return next((flow.name for flow in self.sources if any(key.topic == topic for key in flow.reader.positions)), "")

    # ------------------------------------------------------------ stop

    def _leave(self, request: int) -> None:
        self.leaving = request
        self._stop()

    async def leave(self) -> None:
        """Leave the cohort, when a request says so: its last event, after everything that the flows announced. They have to be stopped before."""
        request, now = self.leaving, self.clock()
        if request is None:
            return

        def plan(reader: Reader) -> tuple[WriteSet, None]:
            writes = plan_leave(reader, self.member, now)
            writes.request_results[request] = (DONE, f"left the cohort {self.settings.cohort.name}; the worker stops, its next start registers again")
            return writes, None

        try:
            await self.store.transact(plan)
        except TransientFault as fault:
            _log.error("Could not leave the cohort; the request stays, and the next start of the worker does it", reason=str(fault))
            return
        _log.info("Left the cohort", cohort=self.settings.cohort.name)

    async def flush(self, seconds: float) -> None:
        """Give the outbox time to be sent; what is left stays in the store."""
        self.publisher.wake()
        try:
            await asyncio.wait_for(self.publisher.empty.wait(), seconds)
        except TimeoutError:
            left = await self.store.read(lambda reader: reader.outbox_size())
            _log.warning("Not everything was sent before the stop; it is sent at the next start", left=left)

    async def close(self) -> None:
        """Close what is open, the connections side by side, the store last."""
        closing = [self.shell.stop()] if self.started else []
        if self.opened:
            closing += [self.sender.close(), self.admin.close()]
        for problem in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(problem, BaseException):
                _log.warning("A connection could not be closed in good order", reason=str(problem))
        await self.store.close()
