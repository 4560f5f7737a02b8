"""Personal start weights: the same for the same seed, and good to find mistakes with."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.graph.reference import evaluate
from gradbook.lab.exercise import personal
from gradbook.net import Role, builtin, parse
from gradbook.net.build import training_step

SEEDS = range(1, 40)


def gradients(net):
    step = training_step(net)
    slopes = list(step.gradients.values())
    values = evaluate(slopes, {**step.data, **step.start})
    return np.abs(np.concatenate([np.ravel(values[slope]) for slope in slopes]))


def test_a_seed_gives_the_same_weights_again():
    assert personal(builtin("worked"), 7) == personal(builtin("worked"), 7)


def test_students_get_weights_of_their_own():
    drawn = {personal(builtin("worked"), seed).start_values()[Role.WEIGHT] for seed in SEEDS}
    assert len(drawn) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_gradient_is_lost_or_mistaken_for_another(seed):
    found = np.sort(gradients(personal(builtin("worked"), seed)))
    assert found[0] > 1e-4 * found[-1]
    assert np.all(np.diff(found) > 1e-4 * found[1:])


def test_weights_can_be_typed_and_none_is_like_another():
    weights = personal(builtin("worked"), 3).start_values()[Role.WEIGHT]
    assert all(round(w, 2) == w and 0.1 <= abs(w) <= 0.95 for w in weights)
    assert len(set(weights)) == 8


def test_units_that_would_sleep_are_drawn_again():
    net = parse(
        "input 2; dense 3; relu; dense 1; sample 1 0.5 -> 1; sample 0.2 1 -> 0; sample 1 1 -> 0.5"
    )
    awake = [np.count_nonzero(gradients(personal(net, seed))) for seed in SEEDS]
    assert min(awake) == net.count()


def test_biases_and_scales_are_drawn_too():
    net = parse("input 1; dense 2; batchnorm; dense 1; sample 1 -> 1; sample 2 -> 0")
    start = personal(net, 1).start_values()
    assert 0 not in start[Role.BIAS]
    assert all(0.6 <= scale <= 1.4 for scale in start[Role.SCALE])


def test_the_rest_of_the_network_stays_as_it_is():
    net = personal(builtin("mazur"), 1)
    assert (net.layers, net.samples, net.rate) == (
        builtin("mazur").layers,
        builtin("mazur").samples,
        0.5,
    )
