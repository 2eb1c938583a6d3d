"""Where a record stands in the log of its database (spec mappers 1.3), and in which life of that log.

    MySQL, MariaDB   (binlog file number, pos, row)        lineage: the file family       server: server_id, 0 (in snapshots) = unknown
    PostgreSQL       (lsn)
    SQL Server, Db2  (commit_lsn, change_lsn, event_serial_no), each lsn as its groups of hexadecimal digits
    Oracle           (scn)
    others           none: the Kafka offset decides

A GTID is not used: a set of them has no total order, and all records of one statement share it.

A log may begin again: RESET MASTER, a failover, a connector that was pointed at another server, a restored cluster. Then the numbers say nothing any more, and
the old guards would hold the catalogue back. That is a new *life* of the log, and the number of the life comes before everything else in a position. A life
begins with a record of a server or file family that was not there before, or with one that is earlier in the log and yet later in time: no replay is that.
Every record is put into the life that it came from, however late it arrives. (A log that began again and stands at the very position of the last change is
taken for a replay until its next record.)
"""

import re

import msgspec
from msgspec.structs import replace

from cohort_sync.mapping.spi import Position
from mappers.debezium.structs import Source

_BINLOG = re.compile(r"^(.*?)[.]?(\d+)$", re.ASCII)
_LSN = re.compile(r"^[0-9A-Fa-f]{1,16}(?::[0-9A-Fa-f]{1,16})*$", re.ASCII)
_MAX_DIGITS = 30


class Mark(msgspec.Struct, frozen=True):
    """A position without its life. `family` "" has no order of its own."""

    family: str = ""
    order: tuple[int, ...] = ()
    server: str = ""


def mark_of(source: Source) -> Mark:
    """The position that a `source` block names; an empty mark when it names none that can be compared."""
    match source.connector:
        case "mysql" | "mariadb":
            return _binlog(source)
        case "postgresql" if source.lsn is not None:
            return Mark("lsn", (source.lsn,))
        case "sqlserver" | "db2":
            return _lsn_pair(source)
        case "oracle":
            return _scn(source.scn)
        case _:
            return Mark()


def _binlog(source: Source) -> Mark:
    found = _BINLOG.match(source.file or "")
    if found is None or source.pos is None or len(found[2]) > _MAX_DIGITS:
        return Mark()
    server = str(source.server_id) if source.server_id else ""
    return Mark(f"binlog {found[1]}", (int(found[2]), source.pos, source.row or 0), server)


def _lsn_pair(source: Source) -> Mark:
    commit, change = _groups(source.commit_lsn), _groups(source.change_lsn)
    if not commit:
        return Mark()
    width = len(commit)
    padded = (*change, *(0,) * width)[:width]
    return Mark(f"lsn {width}", (*commit, *padded, source.event_serial_no or 0))


def _groups(lsn: str | None) -> tuple[int, ...]:
    return tuple(int(group, 16) for group in lsn.split(":")) if lsn and _LSN.match(lsn) else ()


def _scn(scn: int | str | None) -> Mark:
    text = str(scn)
    return Mark("scn", (int(text),)) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else Mark()


# ---------------------------------------------------------------- lives


_LIVES_KEPT = 16


class Life(msgspec.Struct, frozen=True, array_like=True):
    """One life of a log: its number, when it was first seen (epoch ms), its file family and its server ("" as long as that is not known)."""

    number: int
    since: int
    family: str
    server: str

    def has(self, mark: Mark) -> bool:
        """Can the record come from here?"""
        return mark.family == self.family and (mark.server == self.server or not mark.server or not self.server)


class Clock(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of a log: its lives, and the latest position and time of the present one. A memo of the mapper."""

    lives: tuple[Life, ...] = ()
    order: tuple[int, ...] = ()
    time: int = 0


_decode_clock = msgspec.json.Decoder(Clock).decode


def read_clock(memo: bytes) -> Clock:
    """The clock of a memo; a new one when there is none."""
    return _decode_clock(memo) if memo else Clock()


def write_clock(clock: Clock) -> bytes:
    """The clock as a memo."""
    return msgspec.json.encode(clock)


def place(clock: Clock, mark: Mark, time: int) -> tuple[Position, Clock]:
    """The position of a record of this time (epoch ms), and the clock after it."""
    if not mark.family:
        return Position(), clock
    if not clock.lives:
        return _begin(clock, mark, time)
    *past, present = clock.lives
    earlier = [life for life in past if life.has(mark)]
    late = time > clock.time
    if present.has(mark):
        if late and mark.order < clock.order:
            return _begin(clock, mark, time)
        if time >= present.since or not earlier:
            return _go_on(clock, present, mark, time)
    elif late or not earlier:
        return _begin(clock, mark, time)
    return _position(next((life for life in reversed(earlier) if life.since <= time), earlier[0]), mark), clock


def _begin(clock: Clock, mark: Mark, time: int) -> tuple[Position, Clock]:
    life = Life(clock.lives[-1].number + 1 if clock.lives else 0, time, mark.family, mark.server)
    return _position(life, mark), Clock((*clock.lives, life)[-_LIVES_KEPT:], mark.order, max(clock.time, time))


def _go_on(clock: Clock, present: Life, mark: Mark, time: int) -> tuple[Position, Clock]:
    life = replace(present, server=present.server or mark.server)
    return _position(life, mark), Clock((*clock.lives[:-1], life), max(clock.order, mark.order), max(clock.time, time))


def _position(life: Life, mark: Mark) -> Position:
    return Position(lineage="log", order=(life.number, *mark.order))
