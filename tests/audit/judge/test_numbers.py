"""When two sides of an identity agree: everywhere, but for digits that nobody could have kept."""

import numpy as np

from gradbook.audit.judge.numbers import POINTS, agree

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
