"""The step in single values and the step on tensors are the same step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

from gradbook.graph.reference import evaluate
from gradbook.net import LESSONS, builtin
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from tests.agree.runs import apart, compared, doubts, on_a_corner, outputs, reference_run, slopes
from tests.cases import for_each
from tests.families import networks, steady

SLIGHT = 1e-3
EPOCHS = 10


@given(networks())
def test_single_values_and_tensors_begin_alike(net):
    tensors, scalars = training_step(net), scalar_step(net)
    one, other = next(run(tensors, 1)), next(run(scalars, 1))
    assert one[tensors.loss] == pytest.approx(other[scalars.loss], rel=1e-12, abs=1e-14)
    assert outputs(tensors, one) == pytest.approx(outputs(scalars, other), rel=1e-12, abs=1e-13)
    assume(not on_a_corner(tensors))
    assert apart(slopes(tensors), slopes(scalars)) <= 1e-12


@given(networks().map(steady))
def test_single_values_and_tensors_train_alike(net):
    tensors, scalars = training_step(net), scalar_step(net)
    compared(
        reference_run(tensors, EPOCHS), reference_run(scalars, EPOCHS), doubts(tensors, EPOCHS)
    )


@for_each("name", LESSONS)
def test_single_values_and_tensors_train_alike_for_70_epochs(name):
    tensors, scalars = training_step(builtin(name)), scalar_step(builtin(name))
    pair = reference_run(tensors, 70), reference_run(scalars, 70)
    assert compared(*pair, doubts(tensors, 70)) == 70


def slopes_by_trying(step, weight, slight):
    """∂E/∂w of every element from the loss a little to either side, to fourth order."""
    given_ = {**step.data, **step.start}
    start = step.start[weight]
    found = np.empty(start.shape)

    def loss(place, by):
        moved = start.copy()
        moved[place] += by
        return float(evaluate([step.loss], {**given_, weight: moved})[step.loss])

    for place in np.ndindex(start.shape):
        near = loss(place, slight) - loss(place, -slight)
        far = loss(place, 2 * slight) - loss(place, -2 * slight)
        found[place] = (8 * near - far) / (12 * slight)
    return found


@given(networks(smooth=True, depth=3))
def test_gradients_are_what_the_loss_does_when_a_weight_is_moved(net):
    step = training_step(net)
    values = next(run(step, 1))
    for weight, slope in step.gradients.items():
        tried = slopes_by_trying(step, weight, SLIGHT)
        doubt = np.abs(tried - slopes_by_trying(step, weight, 2 * SLIGHT))
        assert np.all(np.abs(values[slope] - tried) <= 1e-10 + doubt)
