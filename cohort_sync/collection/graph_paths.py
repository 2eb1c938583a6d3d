"""What lies on the paths between two entities. Pure.

An edge lies on some path that visits no entity twice exactly if, with one more edge drawn between the two ends, it is in the same biconnected component as that
edge. So one depth-first walk finds all of them, where listing the paths would take time that grows with their number.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Edge(NamedTuple):
    """A relationship between two entities."""

    name: str
    one: str
    two: str


def edges_between(start: str, end: str, edges: Sequence[Edge]) -> list[Edge]:
    """The edges of all paths between two different entities, in the order in which they were given."""
    virtual = Edge("", start, end)
    numbered = [edge for edge in edges if edge.one != edge.two]
    numbered.append(virtual)
    wanted = _component_of(len(numbered) - 1, start, numbered)
    return [edge for number, edge in enumerate(numbered) if number in wanted and edge is not virtual]


def _component_of(number: int, start: str, edges: Sequence[Edge]) -> set[int]:
    """The numbers of the edges in the biconnected component of one edge at `start` (Tarjan's walk, without recursion)."""
    around: dict[str, list[int]] = {}
    for at, edge in enumerate(edges):
        around.setdefault(edge.one, []).append(at)
        around.setdefault(edge.two, []).append(at)
    depth = {start: 0}
    low = {start: 0}
    seen: set[int] = set()
    stack: list[int] = []
    place: dict[int, int] = {}
    walk: list[tuple[str, int, int]] = [(start, -1, 0)]
    while walk:
        node, arrived, position = walk.pop()
        if position < len(around[node]):
            walk.append((node, arrived, position + 1))
            at = around[node][position]
            if at in seen:
                continue
            seen.add(at)
            place[at] = len(stack)
            stack.append(at)
            edge = edges[at]
            other = edge.two if edge.one == node else edge.one
            if other in depth:
                low[node] = min(low[node], depth[other])
            else:
                depth[other] = low[other] = len(walk)
                walk.append((other, at, 0))
            continue
        if arrived < 0:
            break
        parent = walk[-1][0]
        low[parent] = min(low[parent], low[node])
        if low[node] >= depth[parent]:
            component = set(stack[place[arrived] :])
            del stack[place[arrived] :]
            if number in component:
                return component
    return set(stack) if number in stack else set()
