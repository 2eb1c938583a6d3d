"""Kafka records as the scenarios write and read them, and the sample files that hold them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "golden" / "samples"


@dataclass(frozen=True, slots=True)
class Record:
    """One record, as bytes on the wire; None is a missing key or a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = field(default=())


def sample_records(path: Path) -> Iterator[Record]:
    """The records of a sample file, in its order: objects and lists become UTF-8 JSON, a text stands for these very bytes."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            sample = json.loads(line)
            headers = tuple((name, _bytes(value) or b"") for name, value in sample["headers"].items())
            yield Record(sample["topic"], _bytes(sample["key"]), _bytes(sample["value"]), headers)


def _bytes(value: object) -> bytes | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")
