"""Every event that Egeria's own classes wrote decodes, and encodes to the same JSON value and the same bytes."""

import json
from pathlib import Path

import pytest

from cohort_sync.omrs.codec import decode_event, encode_event

GOLDEN = Path(__file__).parents[1] / "golden"
EVENTS = sorted((GOLDEN / "events").glob("*.json"))
RELEASED = sorted((GOLDEN / "egeria-4.2").glob("*.json"))


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def test_all_goldens_are_here() -> None:
    assert len(EVENTS) == 61
    assert len(RELEASED) == 33


@pytest.mark.parametrize("path", EVENTS, ids=lambda p: p.stem)
def test_egeria_6_1_event_round_trips_to_the_same_bytes(path: Path) -> None:
    value = json.loads(path.read_bytes())
    wire = compact(value)
    again = encode_event(decode_event(wire))
    assert json.loads(again) == value
    assert again == wire


@pytest.mark.parametrize("path", EVENTS + RELEASED, ids=lambda p: p.stem)
def test_event_round_trips_to_the_same_value(path: Path) -> None:
    assert json.loads(encode_event(decode_event(path.read_bytes()))) == json.loads(path.read_bytes())
