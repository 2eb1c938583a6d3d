"""Readiness of a member: what its parts meet, as conditions with reasons, in the log and in the metrics."""

from collections.abc import Callable, Sequence

import structlog

from cohort_sync.observe.health import Condition, Health
from cohort_sync.observe.metrics import Metrics
from cohort_sync.stream.cohort_flow import FLOW, CohortFlow
from cohort_sync.stream.flow import Clock
from cohort_sync.stream.reading import Away, Gap, Reading
from cohort_sync.stream.source_flow import SourceFlow

_log = structlog.stdlib.get_logger(__name__)
STORE = "store"
BROKER = "broker"
AnyFlow = CohortFlow | SourceFlow[object]


def condition_of(source: str) -> str:
    """The condition of a source."""
    return f"source {source}"


class Readiness:
    """The conditions of one member: store, broker, cohort, and one for each source. Belongs to the event loop."""

    def __init__(self, sources: Sequence[str], metrics: Metrics, clock: Clock) -> None:
        waiting = {STORE: "not open yet", BROKER: "not reached yet", FLOW: "not joined yet", **{condition_of(name): "not started yet" for name in sources}}
        self.health = Health(waiting, clock=clock, on_change=self._changed)
        self._metrics = metrics
        self._outages: dict[str, str] = {}
        """By who met it: why the broker cannot be used."""
        self._halts: dict[str, str] = {}
        """By condition: why it waits for the operator. Told again after an outage, whose reason took its place meanwhile."""

    def broker(self, problem: str | None) -> None:
        """The broker took what was sent (or had nothing to take), or why it did not."""
        self._broker_told("sending", problem)

    def source_halted(self, source: str, reason: str | None) -> None:
        """A source was halted, or goes on (None)."""
        self._metrics.halted(source, reason is not None)
        condition = condition_of(source)
        if reason is None:
            self._halts.pop(condition, None)
            self.health.holds(condition)
        else:
            self._halt(condition, reason)

    def gap_teller(self, condition: str) -> Callable[[Gap, bool], None]:
        """Who is told of the gaps of a flow, and whether reading goes on behind them."""

        def told(gap: Gap, goes_on: bool) -> None:
            self._metrics.gap(gap.topic)
            if goes_on:
                _log.error("Records are missing; reading goes on behind the gap (worker.on_gap = resume)", gap=str(gap))
                return
            advice = "make the records available again, or start with worker.on_gap = 'resume' to go on without them"
            _log.error("Records are missing; this partition waits (worker.on_gap = stop)", gap=str(gap), advice=advice)
            self._halt(condition, f"{gap}; {advice}")

        return told

    def look_at(self, flows: Sequence[AnyFlow]) -> None:
        """Readiness follows what the readers reach."""
        for flow in flows:
            condition = FLOW if isinstance(flow, CohortFlow) else condition_of(flow.name)
            match flow.reader.state:
                case Away(reason=reason):
                    self._broker_told(condition, reason)
                    self.health.fails(condition, f"the broker is away: {reason}")
                case Reading(missing=missing, halted=halted):
                    self._broker_told(condition, None)
                    self._reading(flow, condition, missing, bool(halted))

    def _reading(self, flow: AnyFlow, condition: str, missing: frozenset[str], halted: bool) -> None:
        if isinstance(flow, CohortFlow) and flow.disconnected:
            self.health.fails(condition, "disconnected, as the REST API was told: tell it to connect, or start the worker again")
        elif missing:
            self.health.fails(condition, f"topics that do not exist yet: {', '.join(sorted(missing))}")
        elif not halted and flow.may_be_ready:
            self._halts.pop(condition, None)
            self.health.holds(condition)
        elif condition in self._halts:
            self.health.fails(condition, self._halts[condition])

    def _broker_told(self, who: str, problem: str | None) -> None:
        """With nothing to send it is the cohort's reader that meets an outage."""
        if problem is None:
            self._outages.pop(who, None)
        else:
            self._outages[who] = problem
        reason = next(iter(self._outages.values()), None)
        if reason is None:
            self.health.holds(BROKER)
        else:
            self.health.fails(BROKER, reason)

    def _halt(self, condition: str, reason: str) -> None:
        self._halts[condition] = reason
        self.health.fails(condition, reason)

    def _changed(self, condition: Condition) -> None:
        self._metrics.condition(condition.name, condition.holds)
        if condition.holds:
            _log.info("A condition of readiness holds", condition=condition.name)
        else:
            _log.warning("A condition of readiness does not hold", condition=condition.name, reason=condition.reason)
