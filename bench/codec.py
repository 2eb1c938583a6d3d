"""Decode and encode of one event, in microseconds."""

import timeit

from bench.events import event_bytes
from cohort_sync.omrs.codec import decode_event, encode_event
from cohort_sync.omrs.type_registry import TypeRegistry
from schemas import read_pack

_ROUNDS, _CALLS = 7, 2000


def measure() -> dict[str, object]:
    """The best of several rounds: what the code costs when nothing disturbs it."""
    data = event_bytes(TypeRegistry.from_pack(read_pack("6.1")), 1, 2)
    event = decode_event(data)

    def best(call: object) -> float:
        return min(timeit.repeat(call, number=_CALLS, repeat=_ROUNDS)) / _CALLS * 1e6  # type: ignore[arg-type]

    decode_us, encode_us = best(lambda: decode_event(data)), best(lambda: encode_event(event))
    return {"bytes": len(data), "decode_us": round(decode_us, 2), "encode_us": round(encode_us, 2)}
