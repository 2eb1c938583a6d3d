"""What was fetched and is not handed out yet: order within partitions, turns between them, nothing lost."""

from hypothesis import given
from hypothesis import strategies as st

from cohort_sync.stream.surplus import Surplus


def test_it_hands_out_in_order_and_in_turns() -> None:
    surplus: Surplus[str, int] = Surplus()
    surplus.add({"a": [1, 2, 3], "b": [10], "c": []})
    assert len(surplus) == 4
    assert surplus.take(2) == {"a": [1, 2]}
    assert surplus.take(2) == {"b": [10], "a": [3]}
    assert surplus.take(2) == {}
    assert not surplus


def test_what_is_dropped_does_not_come() -> None:
    surplus: Surplus[str, int] = Surplus()
    surplus.add({"a": [1, 2], "b": [10]})
    surplus.drop("a")
    surplus.drop("z")
    assert surplus.take(5) == {"b": [10]}
    surplus.add({"a": [3]})
    surplus.clear()
    assert surplus.take(5) == {}


@given(
    st.lists(
        st.one_of(st.dictionaries(st.sampled_from("abc"), st.integers(0, 5), max_size=3), st.integers(0, 6)),
        max_size=30,
    )
)
def test_each_partition_comes_whole_and_in_order(steps: list[dict[str, int] | int]) -> None:
    """A step fetches so many records of partitions, or takes so many."""
    surplus: Surplus[str, int] = Surplus()
    put: dict[str, list[int]] = {}
    got: dict[str, list[int]] = {}
    for step in steps:
        if isinstance(step, dict):
            fetched = {name: list(range(len(put.get(name, [])), len(put.get(name, [])) + count)) for name, count in step.items()}
            for name, records in fetched.items():
                put.setdefault(name, []).extend(records)
            surplus.add(fetched)
        else:
            held = len(surplus)
            taken = surplus.take(step)
            assert sum(map(len, taken.values())) == min(step, held)
            for name, records in taken.items():
                got.setdefault(name, []).extend(records)
    for name, records in surplus.take(1000).items():
        got.setdefault(name, []).extend(records)
    assert {name: records for name, records in got.items() if records} == {name: records for name, records in put.items() if records}
