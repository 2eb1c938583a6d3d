"""When the find index gets its turn: while nobody writes, or when somebody finds, or when too much waits."""

import asyncio

import pytest

from cohort_sync.store.sqlite import index_keeper
from cohort_sync.store.sqlite.index_keeper import ASKED_CHUNK, CHUNK, ENOUGH, URGENT, URGENT_CHUNK, IndexKeeper


class Index:
    """Counts down what waits; remembers the turns."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.turns: list[int] = []
        self.wanted = 0
        self.done = asyncio.Event()

    async def __call__(self, limit: int) -> int:
        self.turns.append(limit)
        self.waiting = max(0, self.waiting - limit)
        if len(self.turns) == self.wanted:
            self.done.set()
        return self.waiting


async def turns(index: Index, turns: int, *, writing: bool, asked: bool = False) -> list[int]:
    index.wanted = turns
    keeper = IndexKeeper(index)
    if writing:
        keeper.begin()
    if asked:
        keeper.asked()
    keeper._touched.set()
    async with asyncio.timeout(10):
        await index.done.wait()
    await keeper.stop()
    return index.turns[:turns]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_keeper, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(index_keeper, "_PATIENCE_SECONDS", 0.03)


def test_while_nobody_writes_it_takes_small_chunks_until_nothing_waits() -> None:
    index = Index(250)
    assert asyncio.run(turns(index, 3, writing=False)) == [CHUNK, CHUNK, CHUNK]
    assert index.waiting == 0


def test_beside_a_stream_of_changes_it_only_looks() -> None:
    assert asyncio.run(turns(Index(10_000), 3, writing=True)) == [0, 0, 0]


def test_when_somebody_finds_it_takes_half_of_what_waits() -> None:
    assert asyncio.run(turns(Index(1_600), 3, writing=True, asked=True)) == [0, 800, 400]


def test_a_turn_for_somebody_who_finds_has_an_end() -> None:
    assert asyncio.run(turns(Index(100_000), 2, writing=True, asked=True)) == [0, ASKED_CHUNK]


def test_little_that_waits_is_no_reason_to_take_a_turn() -> None:
    assert asyncio.run(turns(Index(ENOUGH), 3, writing=True, asked=True)) == [0, 0, 0]


def test_too_much_waits() -> None:
    assert asyncio.run(turns(Index(URGENT + 10 * URGENT_CHUNK), 2, writing=True)) == [0, URGENT_CHUNK]
