"""The write-ahead log stays short even when there is always somebody who reads."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cohort_sync.store.sqlite import connection as connections
from cohort_sync.store.sqlite import log_limit
from cohort_sync.store.sqlite.log_limit import LogLimit, ReadGate

LIMIT = 100_000


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connections.for_writing(tmp_path / "s.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
        yield connection


def fill(connection: sqlite3.Connection) -> None:
    connection.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,) for _ in range(300)])


def size(tmp_path: Path) -> int:
    return (tmp_path / "s.db-wal").stat().st_size


def test_a_long_log_is_moved_into_the_database(writer: sqlite3.Connection, tmp_path: Path) -> None:
    log = LogLimit(tmp_path / "s.db", ReadGate(), limit=LIMIT)
    log.keep(writer)
    fill(writer)
    assert size(tmp_path) > LIMIT
    log.keep(writer)
    assert size(tmp_path) == 0
    assert writer.execute("PRAGMA busy_timeout").fetchone() == (5000,)


def test_a_read_under_way_is_not_cut_off_and_the_next_try_is_later(writer: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_limit, "_PATIENCE_SECONDS", 0.01)
    now = 0.0
    gate = ReadGate()
    log = LogLimit(tmp_path / "s.db", gate, limit=LIMIT, clock=lambda: now)
    with gate.reading():
        fill(writer)
        log.keep(writer)
        assert size(tmp_path) > LIMIT
    log.keep(writer)
    assert size(tmp_path) > LIMIT
    now = 6.0
    log.keep(writer)
    assert size(tmp_path) == 0


def test_a_read_that_comes_meanwhile_waits() -> None:
    gate, came = ReadGate(), threading.Event()

    def read() -> None:
        with gate.reading():
            came.set()

    with gate.shut(0.0) as alone:
        assert alone
        thread = threading.Thread(target=read)
        thread.start()
        assert not came.wait(0.05)
    thread.join(5)
    assert came.is_set()


def test_a_reader_of_another_process_does_not_hold_the_writer_up(writer: sqlite3.Connection, tmp_path: Path) -> None:
    log = LogLimit(tmp_path / "s.db", ReadGate(), limit=LIMIT)
    with closing(connections.for_reading(tmp_path / "s.db")) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM t").fetchall()
        fill(writer)
        log.keep(writer)
        assert size(tmp_path) > LIMIT
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (300,)
