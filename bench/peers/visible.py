"""From a change at one member, and from its event on the topic, until the other member's REST API shows it."""

import random
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.peers.stage import Stage, until_ready
from bench.results import Measurement
from cohort_sync.cohort.topics import CohortTopics
from tests.peers.rest import EgeriaClient

COHORT = "visible"
OURS, EGERIA = 150, 100
OURS_PAUSE_SECONDS, EGERIA_PAUSE_SECONDS = 0.05, 0.2
_LOOK_SECONDS = 0.002
_PATIENCE_SECONDS = 30.0
CHANGE_TARGET_MS = EVENT_TARGET_MS = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """One entity: when it was asked for at its home and when the other member's REST API had it, in epoch seconds."""

    asked: float
    seen: float


def measure(stage: Stage) -> list[Measurement]:
    """The entities are made at random moments, so that nobody's rhythm of looking is met by design."""
    topics = stage.cohort(COHORT)
    with stage.egeria("visible-egeria", COHORT) as egeria, stage.ours("visible-one", COHORT) as one, stage.ours("visible-two", COHORT) as two:
        egeria.wait_ready()
        until_ready(one)
        until_ready(two)
        with egeria.client() as theirs, EgeriaClient(str(one.url), "visible-one", "bench") as ours, EgeriaClient(str(two.url), "visible-two", "bench") as other:
            _samples("warm", theirs, ours, 20, OURS_PAUSE_SECONDS)
            _samples("warm", ours, other, 50, OURS_PAUSE_SECONDS)
            rounds = {
                "ours to ours": _samples("oo", ours, other, OURS, OURS_PAUSE_SECONDS),
                "Egeria to ours": _samples("eo", theirs, ours, EGERIA, EGERIA_PAUSE_SECONDS),
                "ours to Egeria": _samples("oe", ours, theirs, EGERIA, EGERIA_PAUSE_SECONDS),
            }
    sent = _sent(stage, topics)
    return [measurement for name, samples in rounds.items() for measurement in _told(name, samples, sent)]


def _told(name: str, samples: dict[str, Seen], sent: dict[str, float]) -> list[Measurement]:
    """Of the whole way, and of the part of it that begins with the event on the topic, which is the receiver's.

    Both hold the looking: a few milliseconds for each entity that is under way. An Egeria server sends what it has changed once a second.
    """
    whole = _milliseconds([one.seen - one.asked for one in samples.values()])
    received = _milliseconds([max(0.0, one.seen - sent[guid]) for guid, one in samples.items()])
    note = f"{len(samples)} entities"
    change_target = CHANGE_TARGET_MS if name == "ours to ours" else None
    event_target = None if name.endswith("to Egeria") else EVENT_TARGET_MS
    return [
        Measurement(name=f"change seen, {name}, p50", value=whole[49], unit="ms", at_most=change_target, note=note),
        Measurement(name=f"change seen, {name}, p99", value=whole[98], unit="ms"),
        Measurement(name=f"event seen, {name}, p50", value=received[49], unit="ms", at_most=event_target),
        Measurement(name=f"event seen, {name}, p99", value=received[98], unit="ms"),
    ]


def _milliseconds(seconds: list[float]) -> list[float]:
    """The 99 percentiles."""
    return [round(cut * 1000, 1) for cut in statistics.quantiles(seconds, n=100, method="inclusive")]


def _sent(stage: Stage, topics: CohortTopics) -> dict[str, float]:
    """When the first event of each instance was sent, by GUID."""
    found: dict[str, float] = {}
    for when, event in stage.events(topics.instances):
        found.setdefault(event["instanceEventSection"]["instanceGUID"], when)
    return found


def _samples(label: str, maker: EgeriaClient, seer: EgeriaClient, count: int, pause: float) -> dict[str, Seen]:
    """By GUID; `pause`: seconds between two entities, on the average. RuntimeError for one that does not become visible."""
    waiting: dict[str, float] = {}
    lock = threading.Lock()

    def make() -> None:
        for number in range(count):
            time.sleep(random.expovariate(1 / pause))
            asked = time.time()
            guid = str(maker.add_entity("GlossaryTerm", {"qualifiedName": f"{label}::{number}", "displayName": f"{number}"})["guid"])
            with lock:
                waiting[guid] = asked

    samples: dict[str, Seen] = {}
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(make)
        while len(samples) < count:
            with lock:
                outstanding = list(waiting.items())
            for guid, asked in outstanding:
                if seer.entity_if_known(guid) is not None:
                    samples[guid] = Seen(asked, time.time())
                    with lock:
                        del waiting[guid]
                elif time.time() - asked > _PATIENCE_SECONDS:
                    raise RuntimeError(f"{label}: {guid} is not visible after {_PATIENCE_SECONDS:g} s")
            if making.done() and (failed := making.exception()) is not None:
                raise failed
            time.sleep(_LOOK_SECONDS)
    return samples
