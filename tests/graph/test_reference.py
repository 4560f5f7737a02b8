"""The evaluation: what is given, what is watched, and what an epoch holds."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.graph.reference import evaluate
from gradbook.net import builtin, parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import losses, run


@pytest.fixture
def step():
    return scalar_step(builtin("worked"))


def test_an_epoch_holds_what_it_began_with(step):
    first, second = run(step, 2)
    w1 = step.weights[0]
    assert float(first[w1]) == 0.15
    assert float(second[w1]) == float(first[step.next[w1]])
    assert float(second[step.loss]) < float(first[step.loss])


def test_an_epoch_holds_every_input_even_one_that_nothing_reads():
    step = scalar_step(parse("input 1x2x3; avgpool 2; flatten; dense 1; sample 1 2 3 4 5 6 -> 1"))
    values = next(run(step, 1))
    assert [float(values[leaf]) for leaf in step.inputs] == [1, 2, 3, 4, 5, 6]


def test_the_rate_is_the_networks_unless_another_is_asked_for(step):
    own, one, two = (next(run(step, 1, rate))[step.rate] for rate in (None, 1, 2))
    assert float(own) == float(one) == 1
    assert float(two) == 2


def test_a_rate_of_zero_is_a_rate(step):
    assert len(set(losses(step, 5, 0).tolist())) == 1


def test_training_can_begin_elsewhere(step):
    w1 = step.weights[0]
    values = next(run(step, 1, start={w1: np.asarray(0.7)}))
    assert float(values[w1]) == 0.7
    assert float(values[step.weights[1]]) == 0.2


def test_other_values_can_be_watched(step):
    half = step.loss / 2
    values = next(run(step, 1, watch=[half]))
    assert float(values[half]) == float(values[step.loss]) / 2


def test_losses_are_those_of_the_epochs(step):
    assert losses(step, 3).tolist() == [float(values[step.loss]) for values in run(step, 3)]
    assert losses(step, 0).shape == (0,)


def test_a_diverging_network_says_so_by_its_values_and_warns_nobody():
    step = training_step(parse("input 1; dense 1; loss mean squared error; sample 1 -> 0"))
    assert not np.isfinite(losses(step, 2000, 1e3)[-1])


def test_a_value_that_is_the_same_for_all_samples_still_has_one_for_each():
    net = parse("input 1; dense 1; weights 0; sample 1 -> 0; sample 2 -> 0; sample 3 -> 1")
    step = scalar_step(net)
    values = evaluate(step.outputs, {**step.data, **step.start})
    assert values[step.outputs[0]].tolist() == [0, 0, 0]
