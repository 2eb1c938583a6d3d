"""The settings of the mapper: names, defaults, checks."""

import difflib
import re
from enum import StrEnum
from typing import TypeVar

import msgspec

from cohort_sync.mapping.spi import MapperSettings, OptionSpec
from mappers.debezium.names import WITH_SCHEMA_TOPIC, Ref

OPTIONS = (
    OptionSpec("server", "", "Name of the database server in qualified names; empty: the connector's topic.prefix. Only for a source with one connector."),
    OptionSpec("qualified_name_prefix", "", "Stands before every qualified name, where another collection catalogs the same databases."),
    OptionSpec("table_include", "", "Comma-separated regular expressions, as in Debezium's table.include.list; empty: every table. They match db.table, "
               "db.schema.table or schema.table as a whole, in any case."),
    OptionSpec("table_exclude", "", "The same for tables that are left out; it wins over table_include."),
    OptionSpec("rows", "auto", "Learn the shape of tables from data records: auto (connectors without a schema change topic), always or never."),
    OptionSpec("snapshot_sweep", "databases", "What a new snapshot may remove, because it was not in it: databases (tables of the databases that the snapshot "
               "described whole), server (all tables of the server: only if every snapshot covers all captured tables) or off."),
    OptionSpec("heartbeat_prefix", "__debezium-heartbeat", "The connector's topic.heartbeat.prefix."),
)  # fmt: skip


class Rows(StrEnum):
    """May the shape of tables come from data records?"""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Sweep(StrEnum):
    """What the end of a snapshot may remove."""

    DATABASES = "databases"
    SERVER = "server"
    OFF = "off"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The checked settings."""

    server: str
    prefix: str
    include: tuple[re.Pattern[str], ...]
    exclude: tuple[re.Pattern[str], ...]
    rows: Rows
    sweep: Sweep
    heartbeat_prefix: str

    def captures(self, ref: Ref) -> bool:
        """Is this table wanted?"""
        names = ref.dotted
        if any(pattern.fullmatch(name) for pattern in self.exclude for name in names):
            return False
        return not self.include or any(pattern.fullmatch(name) for pattern in self.include for name in names)

    def reads_rows_of(self, connector: str) -> bool:
        """Does the shape of this connector's tables come from their rows?"""
        return self.rows is Rows.ALWAYS or (self.rows is Rows.AUTO and connector not in WITH_SCHEMA_TOPIC)


def read_options(settings: MapperSettings) -> Options:
    """Check the settings of a source. Raises ValueError that names the option, what was found and what was expected."""
    values = {option.name: option.default for option in OPTIONS}
    for name in settings.options:
        if name not in values:
            near = difflib.get_close_matches(name, values, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(values)}"
            raise ValueError(f"source {settings.source!r}: the debezium mapper has no option {name!r}{hint}")
    values.update(settings.options)
    return Options(
        server=values["server"],
        prefix=values["qualified_name_prefix"],
        include=_patterns(settings.source, "table_include", values["table_include"]),
        exclude=_patterns(settings.source, "table_exclude", values["table_exclude"]),
        rows=_choice(settings.source, "rows", values["rows"], Rows),
        sweep=_choice(settings.source, "snapshot_sweep", values["snapshot_sweep"], Sweep),
        heartbeat_prefix=values["heartbeat_prefix"],
    )


def _patterns(source: str, name: str, text: str) -> tuple[re.Pattern[str], ...]:
    patterns = []
    for part in re.split(r"(?<!\\),", text):
        if not part.strip():
            continue
        try:
            patterns.append(re.compile(part.strip().replace("\\,", ","), re.IGNORECASE))
        except re.error as problem:
            raise ValueError(f"source {source!r}: option {name!r}: {part.strip()!r} is no regular expression: {problem}") from None
    return tuple(patterns)


ChoiceT = TypeVar("ChoiceT", bound=StrEnum)


def _choice(source: str, name: str, value: str, choices: type[ChoiceT]) -> ChoiceT:
    try:
        return choices(value)
    except ValueError:
        raise ValueError(f"source {source!r}: option {name!r}: got {value!r}, expected one of {', '.join(choices)}") from None
