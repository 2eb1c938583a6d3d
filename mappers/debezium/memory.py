"""What the mapper remembers between records, and under which keys.

clock:<manager>     the lives of a log (positions.Clock)
snapshot:<manager>  the snapshot that is running or was last (Snapshot)
seen:<table key>    the id of the last snapshot that had this table
shape:<table key>   the digest of the schema part that was last mapped, then the table's own clock
"""

import msgspec

from cohort_sync.mapping.relational import Place
from cohort_sync.mapping.spi import Remember, View
from mappers.debezium.positions import Clock, read_clock, write_clock


def clock_key(manager: Place) -> str:
    """The memo of a log's clock."""
    return "clock:" + manager.manager_name


def snapshot_key(manager: Place) -> str:
    """The memo of a server's snapshot."""
    return "snapshot:" + manager.manager_name


def seen_key(table_key: str) -> str:
    """The memo of the snapshot that had a table."""
    return "seen:" + table_key


def shape_key(table_key: str) -> str:
    """The memo of a table's shape in data records."""
    return "shape:" + table_key


def forget_table(table_key: str, view: View) -> tuple[Remember, ...]:
    """Forget what is remembered of a table that is gone: its shape may come back the same."""
    return tuple(Remember(key, b"") for key in (seen_key(table_key), shape_key(table_key)) if view.memo(key))


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """A snapshot of one server: its id, the connector, whether it goes on, and the databases that it describes whole."""

    id: str = ""
    connector: str = ""
    running: bool = False
    databases: tuple[str, ...] = ()


_decode_snapshot = msgspec.json.Decoder(Snapshot).decode


def read_snapshot(view: View, manager: Place) -> Snapshot:
    """The snapshot of a server; an ended one without an id when there was none."""
    memo = view.memo(snapshot_key(manager))
    return _decode_snapshot(memo) if memo else Snapshot()


def remember_snapshot(manager: Place, snapshot: Snapshot) -> Remember:
    """Write it down."""
    return Remember(snapshot_key(manager), msgspec.json.encode(snapshot))


def read_server_clock(view: View, manager: Place) -> Clock:
    """The clock of a log."""
    return read_clock(view.memo(clock_key(manager)))


def remember_clock(manager: Place, clock: Clock) -> Remember:
    """Write it down."""
    return Remember(clock_key(manager), write_clock(clock))
