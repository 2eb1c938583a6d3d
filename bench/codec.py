"""Decode and encode of one event, in microseconds."""

import timeit
from collections.abc import Callable

from bench.events import event_bytes
from bench.results import Measurement
from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.type_registry import TypeRegistry
from schemas import read_pack

_ROUNDS, _CALLS = 7, 2000


def measure() -> list[Measurement]:
    """The best of several rounds: what the code costs when nothing disturbs it."""
    data = event_bytes(TypeRegistry.from_pack(read_pack("6.1")), 1, 2)
    event = decode_event(data)
    note = f"an event of {len(data):,} bytes"
    return [
        Measurement(name="decode", value=_best(lambda: decode_event(data)), unit="us", note=note),
        Measurement(name="encode", value=_best(lambda: encode_event(event)), unit="us", note=note),
    ]


def _best(call: Callable[[], object]) -> float:
    return round(min(timeit.repeat(call, number=_CALLS, repeat=_ROUNDS)) / _CALLS * 1e6, 2)
