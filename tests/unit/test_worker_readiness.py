"""The conditions of a member, as its parts tell them."""

from types import SimpleNamespace

from prometheus_client.parser import text_string_to_metric_families

from cohort_sync.observe.metrics import ALARMS, Metrics
from cohort_sync.stream.reading import Away, Reading
from cohort_sync.worker.readiness import Readiness

READING = Reading(frozenset(), frozenset(), frozenset())


def metrics() -> Metrics:
    return Metrics(version="1", member="m", metadata_collection_id="c", type_release="6.1")


def flow(name: str, state: Away | Reading) -> SimpleNamespace:
    return SimpleNamespace(name=name, may_be_ready=True, reader=SimpleNamespace(state=state))


def test_an_outage_is_told_by_whoever_meets_it() -> None:
    """With nothing to send, only the readers see that the broker is away."""
    readiness = Readiness(["a", "b"], metrics(), lambda: 0)
    readiness.broker(None)

    def broker() -> tuple[bool, str]:
        (condition,) = (each for each in readiness.health.conditions if each.name == "broker")
        return condition.holds, condition.reason

    assert broker() == (True, "")
    readiness.look_at([flow("a", Away("no route", 0.0, 1)), flow("b", READING)])
    readiness.broker(None)
    assert broker() == (False, "no route")
    readiness.broker("not acknowledged")
    readiness.look_at([flow("a", READING), flow("b", READING)])
    assert broker() == (False, "not acknowledged")
    readiness.broker(None)
    assert broker() == (True, "")


def test_what_may_go_wrong_is_counted_from_zero() -> None:
    one = metrics()
    one.expect(sources=["shop"], topics=["t"])
    samples = {(each.name, *each.labels.values()): each.value for family in text_string_to_metric_families(one.render().decode()) for each in family.samples}
    for alarm in ALARMS:
        assert samples["cohort_sync_alarms_total", alarm] == 0
    assert samples["cohort_sync_gaps_total", "t"] == 0
    assert samples["cohort_sync_dead_letters_total", "shop", "source"] == 0
    assert samples["cohort_sync_dead_letters_total", "cohort", "cohort"] == 0
    assert samples["cohort_sync_transient_faults_total", "broker"] == 0
    assert samples["cohort_sync_source_halted", "shop"] == 0
