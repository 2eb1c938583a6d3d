"""Requests about sources."""

from cohort_sync.cohort.outbound.planner import BAD_RUN, HALTED
from cohort_sync.cohort.requests import Resume
from cohort_sync.store.protocol import Reader, WriteSet
from cohort_sync.worker.requests.answers import Answer, Done, Refused


def resume(reader: Reader, ask: Resume) -> Answer:
    """Lift the halt of a source; it goes on with the record after the last dead letter."""
    if reader.fact(HALTED + ask.source) is None:
        return Refused(text=f"source {ask.source!r} is not halted")
    return Done(writes=WriteSet(facts={HALTED + ask.source: None, BAD_RUN + ask.source: "0"}), text=f"source {ask.source} goes on")
