"""What the watchdog leaves for the next process, when its clock is set, and what becomes of a suspect. That it cuts is tested with real processes."""

import faulthandler
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cohort_sync.cohort.requests import Publish, Replay, request_row
from cohort_sync.mapping.record import SourceRecord
from cohort_sync.mapping.spi import Malformed, Mapper, MapperSettings, Meaning, Noop, View
from cohort_sync.observe.watchdog import Suspect, Watchdog
from cohort_sync.store.memory.reader import MemoryReader
from cohort_sync.store.memory.state import MemoryState
from cohort_sync.store.protocol import WriteSet
from cohort_sync.store.rows import PositionMove
from cohort_sync.worker.mapper_watch import SUSPECTS, WatchedMapper, note_suspect


class Clock:
    """What was asked of faulthandler: seconds from now, None for silence."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[float | None] = []
        self.now = 1000.0
        monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda seconds, **_: self.asked.append(round(seconds, 3)))
        monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: self.asked.append(None))
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def watchdog(tmp_path: Path, clock: Clock) -> Iterator[Watchdog]:
    watchdog = Watchdog(tmp_path / "store.db.watch", 10)
    watchdog.start()
    yield watchdog
    watchdog.close()


def test_a_record_alone_has_the_clock_to_itself(watchdog: Watchdog, clock: Clock) -> None:
    cell = watchdog.cell()
    cell.begin("t", 0, 1)
    cell.end()
    assert clock.asked == [12.5, None]


def test_a_batch_may_take_any_time_as_long_as_no_record_does(watchdog: Watchdog, clock: Clock) -> None:
    cell = watchdog.cell()
    with watchdog.batch():
        for offset in range(100):
            cell.begin("t", 0, offset)
            clock.now += 1
            cell.end()
    assert clock.asked[0] == 12.5
    assert clock.asked[-1] is None
    settings = [seconds for seconds in clock.asked if seconds is not None]
    assert len(settings) < 40
    assert all(10 <= seconds <= 12.5 for seconds in settings)


def test_the_clock_is_that_of_the_record_that_began_first(watchdog: Watchdog, clock: Clock) -> None:
    slow, quick = watchdog.cell(), watchdog.cell()
    slow.begin("slow", 0, 1)
    for offset in range(20):
        clock.now += 0.5
        quick.begin("quick", 0, offset)
        quick.end()
    assert clock.asked == [12.5]
    slow.end()
    assert clock.asked == [12.5, None]


def test_the_next_process_suspects_what_began_first_and_only_when_the_clock_rang(tmp_path: Path, watchdog: Watchdog, clock: Clock) -> None:
    done, second, first = watchdog.cell(), watchdog.cell(), watchdog.cell(repeated=True)
    done.begin("done", 0, 1)
    first.begin("größe", 7, 1 << 40)
    clock.now += 1
    second.begin("second", 0, 2)
    done.end()
    after = Watchdog(tmp_path / "store.db.watch", 10)
    assert after.suspect() is None
    (tmp_path / "store.db.watch.trace").write_text("Timeout!\n")
    assert after.suspect() == Suspect("größe", 7, 1 << 40, True, "Timeout!\n")
    first.end()
    second.end()
    assert after.suspect() is None
    watchdog.close()
    assert list(tmp_path.iterdir()) == []
    watchdog.start()


def test_nothing_is_suspected_where_nothing_was_left(tmp_path: Path) -> None:
    assert Watchdog(tmp_path / "store.db.watch", 1).suspect() is None


class Upper(Mapper[str]):
    """Says what it was given."""

    name, options, emits = "upper", (), frozenset[str]()

    def __init__(self, settings: MapperSettings) -> None:
        self.settings = settings

    def decode(self, record: SourceRecord) -> str | Meaning:
        return (record.value or b"").decode().upper() or Noop("empty")

    def interpret(self, event: str, view: View) -> Meaning:
        return Noop(event)


def test_a_watched_mapper_says_what_the_mapper_says_except_of_suspects(watchdog: Watchdog) -> None:
    mapper = WatchedMapper(Upper(MapperSettings(source="s")), watchdog.cell(), {("t", 0, 2): "it hung"})
    view = MemoryReader(MemoryState())
    assert mapper.decode(SourceRecord("t", 0, 1, 0, None, b"")) == Noop("empty")
    assert mapper.interpret(mapper.decode(SourceRecord("t", 0, 1, 0, None, b"a")), view) == Noop("A")
    assert mapper.decode(SourceRecord("t", 0, 2, 0, None, b"a")) == Malformed("it hung")
    assert mapper.interpret(mapper.decode(SourceRecord("t", 1, 2, 0, None, b"a")), view) == Noop("A")


def test_a_suspect_is_remembered_until_it_was_dealt_with() -> None:
    state = MemoryState()
    writes, suspects = note_suspect(MemoryReader(state), Suspect("t", 0, 5, False, "trace"), 60)
    assert list(suspects) == [("t", 0, 5)]
    assert "60 s (worker.mapper_seconds)" in suspects["t", 0, 5]
    state = state.apply(writes, 0)
    writes, again = note_suspect(MemoryReader(state), None, 60)
    assert again == suspects
    state = state.apply(WriteSet(positions=[PositionMove("c", "t", 0, "", None, 6)]), 0)
    writes, gone = note_suspect(MemoryReader(state), None, 60)
    assert (gone, writes.facts) == ({}, {SUSPECTS: None})


def test_a_replay_that_hung_has_failed_and_nothing_else() -> None:
    state = MemoryState().apply(WriteSet(requests=[request_row(Replay(ids=(1,)), 0), request_row(Publish(), 0)]), 0)
    writes, suspects = note_suspect(MemoryReader(state), Suspect("t", 0, 5, True, "trace"), 60)
    assert suspects == {}
    states = [row.state for row in MemoryReader(state.apply(writes, 0)).requests()]
    assert states == ["failed", "pending"]
