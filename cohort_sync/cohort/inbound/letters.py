"""Records that are kept whole because they cannot be used now: dead letters and parked events."""

import base64

import msgspec

from cohort_sync.cohort.inbound.validity import MissingType
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.store.rows import DeadLetterRow, ParkedRow

COHORT = "cohort"
"""The flow of the cohort topics in dead letters."""


def dead_letter(record: SourceRecord, stage: str, reason: str, now: int) -> DeadLetterRow:
    """An open dead letter of the cohort flow."""
    headers = msgspec.json.encode([[name, base64.b64encode(value).decode()] for name, value in record.headers])
    return DeadLetterRow(
        0, COHORT, stage, reason, record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers, now, "open"
    )


def parked(record: SourceRecord, missing: MissingType, instance_guid: str | None, since: int) -> ParkedRow:
    """An event that waits for a type since this time."""
    return ParkedRow(
        0,
        missing.name,
        missing.guid,
        instance_guid or "",
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value or b"",
        since,
    )


def record_of(row: ParkedRow) -> SourceRecord:
    """The record that was parked. Its headers were not kept; members write none."""
    return SourceRecord(row.topic, row.partition, row.offset, row.timestamp, row.key, row.value)
