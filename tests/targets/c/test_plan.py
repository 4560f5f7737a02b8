"""Places in memory are shared in turn, and values of the step are there before they are read."""

from __future__ import annotations

from gradbook.graph.names import Name
from gradbook.graph.node import Graph
from gradbook.targets.c.pass_plan import Lifetime, Plan, slots
from tests.targets.c.networks import planned, text


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


def names(plan: Plan) -> list[list[str]]:
    """What changes together."""
    return [[str(leaf.name) for leaf in group.leaves] for group in plan.whole.updates]


def test_what_a_pass_reads_is_filled_before_its_phase():
    plan = planned(text("conv 4 3x3", "batchnorm", "relu", "conv 4 3x3", "batchnorm"))
    filled = {node: phase for phase, nodes in plan.whole.before.items() for node in nodes}
    for one, rows in plan.rows.items():
        for row in rows.rows:
            for node in row.arrays:
                assert node.op.name == "leaf" or filled[node] <= one.phase


def test_a_weight_changes_together_with_its_velocity():
    groups = names(planned(text("conv 4 3x3 no bias") + "\nupdate momentum 0.9"))
    assert ["w_layer_0", "v_w_layer_0"] in groups
    assert len(groups) == 3  # the convolution's weights, the dense layer's and its biases


def test_sums_that_only_an_update_reads_are_filled_with_it():
    plan = planned(text("conv 4 3x3 no bias"))
    late = {node for group in plan.whole.updates for node in group.arrays}
    assert late
    assert late.isdisjoint(plan.whole.arrays)
