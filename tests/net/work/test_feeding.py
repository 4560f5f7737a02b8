"""Slopes worked value by value, through what each value feeds, are those of the whole graph."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.lab.models.model import trained_shapes
from gradbook.net import Net
from gradbook.net.work.at_work import at_work, error_with, leaf_of, parts
from gradbook.net.work.feeding import feeds

NETS = {
    "windows": "input 2x7x8; conv 4 3x2 stride 2 pad 1; relu; conv 3 2x2; flatten; dense 3",
    "groups": "input 4x5x5; conv 4 3x3 pad 1 groups 2; silu; conv 4 3x3 groups 4; flatten; dense 3",
    "pools": "input 2x6x6; conv 3 3x3 pad 1; maxpool 2; batchnorm; gelu; avgpool all; flatten; "
    "dense 3",
    "overlapping": "input 1x7x7; conv 2 2x2; maxpool 3 stride 1; avgpool 2 stride 1; flatten; "
    "dense 3",
    "residual": "input 2x4x4; conv 2 3x3 pad 1; batchnorm; tanh; add back 3; dropout 0.5; flatten; "
    "dense 3",
    "side by side": "input 2x3x3; conv 1 2x2 pad 1; conv 2 2x2; gelu; concat back 3 0 1; flatten; "
    "dense 3; concat back 1; dense 3",
    "groups of channels": "input 1x3x3; conv 4 2x2; groupnorm 2; tanh; layernorm; flatten; "
    "dense 3; layernorm; dense 3",
    "channels of places": "input 2x3x3; placenorm; conv 3 2x2; placenorm; tanh; flatten; dense 3",
    "applied again": "input 1x7x7; conv 2 3x3; conv 2 3x3 pad 1; batchnorm; tanh; again 3; "
    "flatten; dense 3; dense 3; layernorm; again 2",
    "dense": "input 5; dense 4; leaky relu 0.1; batchnorm; dense 3",
}
ENDINGS = {
    "softmax": "; softmax; loss cross-entropy smoothing 0.1",
    "log softmax": "; log softmax; loss cross-entropy",
    "sigmoid": "; sigmoid; loss binary cross-entropy",
    "numbers": "; loss half squared error",
    "squared shares": "; softmax; loss mean squared error",
    "squared logarithms": "; log softmax; loss half squared error",
    "none said": "; softmax",
}


TURNS = list(zip(NETS, [*ENDINGS, "softmax", "numbers", "sigmoid"], strict=True))


@pytest.fixture(params=TURNS, ids="-".join)
def worked(request):
    """A network with random values on a random input; the endings take turns."""
    layers, ending = request.param
    net, draw = Net.parse(NETS[layers] + ENDINGS[ending]), np.random.default_rng(7)
    kept = {name: draw.uniform(0.2, 1, shape) for name, shape in trained_shapes(net).items()}
    kept |= {n: draw.normal(size=a.shape) for n, a in kept.items() if n.startswith(("w", "b"))}
    return at_work(net, kept, draw.normal(size=net.input), np.eye(3)[1])


def test_the_slope_of_a_value_is_that_of_all_it_feeds(worked):
    for number in range(worked.last):
        for place in np.ndindex(worked.net.shapes[number]):
            through = sum(feed.share for feed in feeds(worked, number, place))
            assert through == pytest.approx(worked.slopes[number][place], rel=1e-9, abs=1e-12)


def test_a_gradient_is_the_sum_of_its_parts(worked):
    for parameter, gradient in worked.gradients.items():
        for place in np.ndindex(parameter.shape):
            found = sum(part.product for part in parts(worked, parameter, place))
            assert found == pytest.approx(gradient[place], rel=1e-9, abs=1e-12)


def test_gradients_are_what_a_nudge_of_a_weight_measures(worked):
    for parameter, gradient in worked.gradients.items():
        name = leaf_of(parameter)
        place = tuple(k // 2 for k in parameter.shape)

        def nudged(by, name=name, place=place):
            values = worked.kept[name].copy()
            values[place] += by
            return error_with(worked, {name: values})

        slope = (nudged(1e-6) - nudged(-1e-6)) / 2e-6
        assert slope == pytest.approx(gradient[place], rel=1e-5, abs=1e-8)
