"""Places in memory are shared by values that don't live at the same time."""

from __future__ import annotations

from gradbook.graph.names import Name
from gradbook.graph.node import Graph
from gradbook.targets.c.plan.memory import Lifetime, slots


def lay(*lives: tuple[int, int, int]) -> list[tuple[int, list[int]]]:
    """(size, first, last) of each → the size of every place and who lies there, by number."""
    graph = Graph()
    nodes = [graph.leaf(Name("v", (k,))) for k in range(len(lives))]
    made = [Lifetime(node, *life) for node, life in zip(nodes, lives, strict=True)]
    return [(slot.size, [nodes.index(node) for node in slot.nodes]) for slot in slots(made)]


def test_a_value_takes_the_place_of_one_that_is_read_no_more():
    assert lay((10, 0, 2), (9, 3, 4)) == [(10, [0, 1])]


def test_a_pass_never_writes_over_what_it_reads():
    assert lay((10, 0, 2), (10, 2, 4)) == [(10, [0]), (10, [1])]


def test_a_place_grows_for_the_larger_but_is_not_wasted_on_the_small():
    assert lay((10, 0, 1), (12, 2, 3)) == [(12, [0, 1])]
    assert lay((10, 0, 1), (3, 2, 3)) == [(10, [0]), (3, [1])]


def test_the_best_fit_is_taken():
    assert lay((10, 0, 1), (16, 0, 1), (15, 2, 3)) == [(10, [0]), (16, [1, 2])]
