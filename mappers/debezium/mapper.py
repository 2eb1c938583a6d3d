"""The Debezium mapper: databases, tables and columns from schema change topics and from the schema part of data records (spec mappers 2)."""

from collections.abc import Iterable

from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.relational import EMITS
from cohort_sync.mapping.spi import MapperSettings, Meaning, OptionSpec, View
from mappers.debezium.changes import interpret_change
from mappers.debezium.decoding import decode
from mappers.debezium.events import Event, RowSeen, SchemaChanged
from mappers.debezium.options import OPTIONS, read_options
from mappers.debezium.rows import interpret_row


class DebeziumMapper:
    """See README.md beside this file for what it reads, what it makes of it and what can be set."""

    name = "debezium"
    options: Iterable[OptionSpec] = OPTIONS
    emits = EMITS

    def __init__(self, settings: MapperSettings) -> None:
        self._options = read_options(settings)

    def decode(self, record: SourceRecord) -> Event | Meaning:
        """What kind of record it is, checked and with names resolved."""
        return decode(record, self._options)

    def interpret(self, event: Event, view: View) -> Meaning:
        """What it changes, given what is known."""
        match event:
            case RowSeen():
                return interpret_row(event, view)
            case SchemaChanged():
                return interpret_change(event, view, self._options)
