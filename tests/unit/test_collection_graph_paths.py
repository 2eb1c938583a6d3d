"""What lies on the paths between two entities, compared with a walk that lists the paths."""

from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st

from cohort_sync.collection.graph_paths import Edge, edges_between

NODES = st.integers(0, 6)
GRAPHS = st.lists(st.tuples(NODES, NODES), max_size=10)


def edges_listed(start: str, end: str, edges: list[Edge]) -> list[Edge]:
    """The edges of all paths that visit no node twice, by listing the paths."""
    found: set[str] = set()

    def walk(node: str, visited: frozenset[str], path: tuple[str, ...]) -> None:
        if node == end:
            found.update(path)
            return
        for edge in edges:
            if node in (edge.one, edge.two) and edge.one != edge.two:
                other = edge.two if edge.one == node else edge.one
                if other not in visited:
                    walk(other, visited | {other}, (*path, edge.name))

    walk(start, frozenset({start}), ())
    return [edge for edge in edges if edge.name in found]


@settings(max_examples=500)
@given(GRAPHS)
def test_the_edges_are_those_of_the_listed_paths(pairs: list[tuple[int, int]]) -> None:
    edges = [Edge(f"edge {number}", str(one), str(two)) for number, (one, two) in enumerate(pairs)]
    assert edges_between("0", "1", edges) == edges_listed("0", "1", edges)


def test_several_relationships_between_two_entities_are_all_paths() -> None:
    edges = [Edge("first", "a", "b"), Edge("second", "b", "a"), Edge("to itself", "a", "a"), Edge("away", "b", "c")]
    assert [edge.name for edge in edges_between("a", "b", edges)] == ["first", "second"]


def test_a_graph_with_more_paths_than_can_be_listed_is_walked_once() -> None:
    rungs = 2_000
    edges = [Edge(f"{step} {way}", str(step), str(step + 1)) for step in range(rungs) for way in ("left", "right")]
    dead_ends = [Edge(f"{step} aside", str(step), f"aside {step}") for step in range(rungs)]
    began = perf_counter()
    assert edges_between("0", str(rungs), edges + dead_ends) == edges
    assert perf_counter() - began < 5


def test_nothing_lies_between_entities_that_are_not_connected() -> None:
    assert edges_between("a", "z", [Edge("one", "a", "b"), Edge("two", "y", "z")]) == []
