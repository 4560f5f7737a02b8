"""Bounds of a value that hold whatever the numbers are that it is computed from."""

from __future__ import annotations

import random
from math import inf, isfinite

import numpy as np

from gradbook.graph.bounds import bounds
from gradbook.graph.reference import evaluate
from gradbook.net.formulas import parse_formulas
from gradbook.net.lower import scalar_step
from tests.cases import for_each
from tests.net.test_formulas import expression


def result(text):
    return scalar_step(parse_formulas(f"E = {text}; a = 1; b = 1; c = 1")).loss


@for_each(
    "formula, low, high",
    [
        ("(a - b)^2 / 2 + abs(c)", 0, inf),
        ("-ln(sigmoid(a*b*c))", 0, inf),
        ("1 + exp(a) + b^2 * c^4", 1, inf),
        ("3*tanh(a*b) - cos(c)", -4, 4),
        ("a*b + c", -inf, inf),
        ("a^3 + b^2 + c^2", -inf, inf),
        ("1/(2 + sin(a + b*c))", 1 / 3, 1),
        ("a^2/(1 + b^2 + c^2)", 0, inf),
        ("(a*b*c)*(a*b*c) + 2", 2, inf),
        ("sqrt(4 + a^2 + b^2 + c^2)", 2, inf),
    ],
)
def test_a_bound_is_what_it_is_by_hand(formula, low, high):
    assert bounds(result(formula)) == (low, high)


def test_the_values_of_500_random_formulas_lie_within_their_bounds():
    draw, bounded = random.Random(12), 0
    for _ in range(500):
        node = result(f"{expression(draw, 3)} + 0*(a + b + c)")
        low, high = bounds(node)
        bounded += isfinite(low) or isfinite(high)
        leaves = [leaf for leaf in node.graph.nodes if leaf.op.name == "leaf"]
        for _ in range(10):
            numbers = {leaf: np.float64(draw.uniform(-9, 9)) for leaf in leaves}
            with np.errstate(all="ignore"):
                value = float(evaluate([node], numbers)[node])
            slack = 1e-9 * (1 + abs(value))
            assert not isfinite(value) or low - slack <= value <= high + slack
    assert bounded > 50
