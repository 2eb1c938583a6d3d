"""Sample files: source records as text, one JSON object a line.

    {"topic": ..., "key": ..., "value": ..., "headers": {...}}

A key or value that is an object, a list, a number or a truth value stands for its JSON text in UTF-8; a string for exactly these bytes; null for none. Header
values are strings. `partition` (0), `timestamp` (-1) and `offset` (the number of the line, from 1) may be given too. Empty lines are skipped.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw

from cohort_sync.mapping.record import SourceRecord


class BadSample(ValueError):
    """A line that is no sample; the message names the line, what was found and what was expected."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topic: str
    key: Raw = Raw(b"null")
    value: Raw = Raw(b"null")
    headers: dict[str, str] | list[tuple[str, str]] | None = None
    partition: int = 0
    offset: int | None = None
    timestamp: int = -1


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_text = msgspec.json.Decoder(str).decode


def read_samples(lines: bytes | Iterable[bytes]) -> Iterator[SourceRecord]:
    """The records of a sample file, in its order. Raises BadSample at the first line that is none."""
    for number, line in enumerate(lines.splitlines() if isinstance(lines, bytes) else lines, 1):
        if line.strip():
            yield read_sample(line, number)


def read_sample(line: bytes, number: int = 1) -> SourceRecord:
    """One line; `number` is its offset unless it gives one. Raises BadSample."""
    try:
        read = _decode_line(line)
        key, value = _bytes_of(read.key), _bytes_of(read.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadSample(f"line {number}: {problem}; expected an object with topic, key, value and headers") from None
    headers = read.headers.items() if isinstance(read.headers, dict) else read.headers or ()
    return SourceRecord(
        topic=read.topic,
        partition=read.partition,
        offset=number if read.offset is None else read.offset,
        timestamp=read.timestamp,
        key=key,
        value=value,
        headers=tuple((name, text.encode()) for name, text in headers),
    )


def _bytes_of(part: Raw) -> bytes | None:
    text = bytes(part)
    if text == b"null":
        return None
    return _decode_text(text).encode() if text.startswith(b'"') else text
