"""The update rules, against the lines of their papers on a slope that is known in the head."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from math import sqrt

import pytest

from gradbook.net import Update, parse
from gradbook.net.build import training_step
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from tests.cases import for_each

# o = w·1 and E = ½(0 − w)², so that the slope at w is w itself.
NET = parse("input 1; dense 1 no bias; weights 2; sample 1 -> 0")
START = 2.0
EPOCHS = 8


def descent(w, rate):
    while True:
        yield w
        w -= rate * w


def momentum(w, rate, share):
    v = 0.0
    while True:
        yield w
        v = share * v + w
        w -= rate * v


def adam(w, rate, beta1, beta2, epsilon):
    m = s = k = 0.0
    while True:
        yield w
        k += 1
        m = beta1 * m + (1 - beta1) * w
        s = beta2 * s + (1 - beta2) * w**2
        w -= rate * (m / (1 - beta1**k)) / (sqrt(s / (1 - beta2**k)) + epsilon)


@for_each("make", [scalar_step, training_step])
@for_each(
    ("rule", "way", "rate", "settings"),
    [
        (Update(), descent, 0.3, ()),
        (Update("momentum"), momentum, 0.3, (0.9,)),
        (Update("momentum", 0), momentum, 0.3, (0,)),
        (Update("momentum", 0.5), momentum, 0.1, (0.5,)),
        (Update("adam"), adam, 0.3, (0.9, 0.999, 1e-8)),
        (Update("adam", 0, 0.5, epsilon=0.1), adam, 0.2, (0, 0.5, 0.1)),
    ],
)
def test_a_weight_goes_the_way_of_its_rule(rule, way, rate, settings, make):
    step = make(replace(NET, update=rule, rate=rate))
    (weight,) = step.weights
    found = [values[weight].item() for values in run(step, EPOCHS)]
    assert found == pytest.approx(list(islice(way(START, rate, *settings), EPOCHS)), rel=1e-14)
