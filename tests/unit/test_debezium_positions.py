"""Positions of every connector, and the lives of a log."""

import pytest

from mappers.debezium.positions import Clock, Mark, mark_of, place, read_clock, write_clock
from mappers.debezium.structs import Source


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Source("mysql", "s", file="mysql-bin.000007", pos=157, row=2, server_id=7), Mark("binlog mysql-bin", (7, 157, 2), "7")),
        (Source("mariadb", "s", file="mysql-bin.1000000", pos=4), Mark("binlog mysql-bin", (1000000, 4, 0))),
        (Source("mysql", "s", file="host.bin.x.12", pos=4, server_id=0), Mark("binlog host.bin.x", (12, 4, 0))),
        (Source("mysql", "s", file="no number", pos=4), Mark()),
        (Source("mysql", "s", file="mysql-bin.000007"), Mark()),
        (Source("postgresql", "s", lsn=33554432), Mark("lsn", (33554432,))),
        (Source("postgresql", "s"), Mark()),
        (
            Source("sqlserver", "s", commit_lsn="0000002b:00000d80:0003", change_lsn="0000002b:00000d80:0002", event_serial_no=1),
            Mark("lsn 3", (0x2B, 0xD80, 3, 0x2B, 0xD80, 2, 1)),
        ),
        (Source("sqlserver", "s", commit_lsn="0000002b:00000d80:0003", change_lsn="NULL"), Mark("lsn 3", (0x2B, 0xD80, 3, 0, 0, 0, 0))),
        (Source("sqlserver", "s", commit_lsn="NULL"), Mark()),
        (Source("db2", "s", commit_lsn="00000000:00000000:0000a0f1", change_lsn=None), Mark("lsn 3", (0, 0, 0xA0F1, 0, 0, 0, 0))),
        (Source("oracle", "s", scn="28493"), Mark("scn", (28493,))),
        (Source("oracle", "s", scn=28493), Mark("scn", (28493,))),
        (Source("oracle", "s", scn="none"), Mark()),
        (Source("oracle", "s", scn="9" * 40), Mark()),
        (Source("vitess", "s"), Mark()),
        (Source("somebody's", "s", lsn=5), Mark()),
    ],
)
def test_the_mark_of_a_source(given: Source, expected: Mark) -> None:
    assert mark_of(given) == expected


def marks(*steps: tuple[int, int, str]) -> list[tuple[int, ...]]:
    """The orders of records of (position, time, server), one after the other."""
    clock, orders = Clock(), []
    for pos, time, server in steps:
        position, clock = place(clock, Mark("binlog mysql-bin", (pos,), server), time)
        clock = read_clock(write_clock(clock))
        orders.append(position.order)
    return orders


def test_a_log_that_goes_on_has_one_life() -> None:
    assert marks((100, 10, ""), (100, 11, ""), (200, 12, "7"), (300, 12, "7"), (200, 12, "7"), (100, 10, "")) == [
        (0, 100), (0, 100), (0, 200), (0, 300), (0, 200), (0, 100),
    ]  # fmt: skip


def test_earlier_in_the_log_and_later_in_time_is_a_new_life_and_old_records_stay_in_the_old_one() -> None:
    assert marks((900, 10, "7"), (100, 20, ""), (150, 21, "7"), (900, 10, "7"), (200, 22, "7")) == [(0, 900), (1, 100), (1, 150), (0, 900), (1, 200)]


def test_another_server_begins_a_new_life_whatever_its_clock_says() -> None:
    assert marks((900, 10, "7"), (950, 9, "8"), (960, 11, "8")) == [(0, 900), (1, 950), (1, 960)]


def test_a_record_of_the_old_server_is_a_replay_unless_it_is_later_than_everything() -> None:
    assert marks((900, 10, "7"), (100, 20, "8"), (900, 10, "7"), (950, 30, "7"), (100, 20, "8")) == [(0, 900), (1, 100), (0, 900), (2, 950), (1, 100)]


def test_another_file_family_is_another_life() -> None:
    clock = place(Clock(), Mark("binlog a", (5,)), 10)[1]
    position, clock = place(clock, Mark("binlog b", (1,)), 10)
    assert position.order == (1, 1)
    assert place(clock, Mark("binlog a", (5,)), 10)[0].order == (0, 5)


def test_no_mark_leaves_it_to_the_kafka_offset() -> None:
    clock = Clock((), (), 5)
    position, after = place(clock, Mark(), 10)
    assert position.lineage == ""
    assert after is clock


def test_what_is_remembered_stays_small() -> None:
    clock = Clock()
    for number in range(100):
        position, clock = place(clock, Mark("binlog x", (1000 - number,)), number + 1)
    assert position.order[0] == 99
    assert len(clock.lives) <= 16
