"""When two sides of an identity agree: everywhere, but for digits that nobody could have kept."""

import numpy as np
import pytest

from gradbook.audit.formulas.points import POINTS, Numbers, agree, apply, is_multiple
from gradbook.graph.names import Name
from gradbook.graph.node import Graph
from tests.cases import for_each

NET = np.linspace(-3, 17, POINTS)  # at 17 a sigmoid is all but 1
SIGMOID = 1 / (1 + np.exp(-NET))
SLOPE = (1 + np.exp(-NET)) ** -2 * np.exp(-NET)


def test_what_a_saturated_sigmoid_left_of_its_digits_is_no_disagreement():
    assert not np.allclose(SIGMOID * (1 - SIGMOID), SLOPE, rtol=1e-9, atol=0)
    assert agree(SIGMOID * (1 - SIGMOID), SLOPE)


def test_a_part_in_a_million_is_one():
    assert not agree(SIGMOID * (1 - SIGMOID) * (1 + 1e-6), SLOPE)


def test_one_point_that_counts_is_enough():
    other = SLOPE.copy()
    other[np.argmax(other)] *= 1 + 1e-6
    assert not agree(other, SLOPE)


def test_a_multiple_is_one_wherever_both_are_numbers():
    some = np.array([1.0, 2.0, -4.0, np.nan, 3.0])
    assert is_multiple(-2.5 * some, np.where(some == 2.0, np.nan, some))
    assert not is_multiple(some + 1, some)


def test_nothing_is_a_multiple_by_0():
    assert not is_multiple(np.zeros(POINTS), SLOPE)


GRAPH = Graph()
A, B, C = (GRAPH.leaf(Name(letter)) for letter in "abc")
DRAWN = np.random.default_rng(5).normal(0, 1.1, (3, POINTS))
NUMBERS = Numbers(lambda cell: DRAWN[cell], {A: 0, B: 1, C: 2})
ZERO, ALSO_ZERO = ((A + B) + C) - (C + (B + A)), (A * C + B * C) - (A + B) * C


def test_two_sums_of_which_only_rounding_is_left_are_both_0():
    assert not agree(NUMBERS.of(ZERO), NUMBERS.of(ALSO_ZERO))
    assert NUMBERS.same(ZERO, ALSO_ZERO)
    assert NUMBERS.same(ZERO * 2 / 3, GRAPH.constant(0))


def test_what_is_small_but_no_rounding_is_not_0():
    assert not NUMBERS.same(A * 1e-17, B * 1e-17)
    assert not NUMBERS.same(ZERO, A * 1e-17)
    assert not NUMBERS.same(ZERO + 1e-11, ALSO_ZERO)


@for_each(
    ("op", "values"),
    [
        ("exp", [0.3]),
        ("log", [0.3]),
        ("sqrt", [0.3]),
        ("tanh", [-0.7]),
        ("sigmoid", [-0.7]),
        ("normal_share", [0.6]),
        ("divide", [0.3, -0.8]),
        ("choose", [0.4, -0.3, 0.9]),
        ("largest", [0.4, -0.3, 0.9]),
    ],
)
def test_a_number_carries_its_slope_through_every_op(op, values):
    step = 1e-6
    for k in range(len(values)):
        slope = apply(op, [np.array(v + 1e-40j * (j == k)) for j, v in enumerate(values)]).imag
        there, back = (
            apply(op, [np.array(v + sign * step * (j == k)) for j, v in enumerate(values)])
            for sign in (1, -1)
        )
        assert slope / 1e-40 == pytest.approx((there - back) / (2 * step), abs=1e-8)


@for_each(("op", "more"), [("log", []), ("sqrt", []), ("power", [0.5])])
def test_what_has_no_value_has_no_slope(op, more):
    with np.errstate(invalid="ignore"):
        assert np.isnan(apply(op, [np.array(-0.3 + 1e-40j), *map(np.array, more)]))
