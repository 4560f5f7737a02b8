"""Values of the step as a whole: each is there before the phase that reads it."""

from __future__ import annotations

from gradbook.targets.c.plan.plan import Plan
from tests.targets.c.networks import planned, text


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
