"""The plan of the check: what each nudge measures."""

from __future__ import annotations

import pytest

from gradbook.net import parse
from gradbook.net.lower import scalar_step
from gradbook.targets.excel.plan.book import WorkbookPlan

AT_THE_CORNER = """
input 1; dense 1; {}; loss half squared error; weights 0; biases 0; sample 1 -> 1
"""


def plan(text):
    return WorkbookPlan(scalar_step(parse(text)), 2, 0.5, ())


@pytest.mark.parametrize(
    ("activation", "corners"),
    [("relu", True), ("leaky relu", True), ("tanh", False), ("silu", False)],
)
def test_a_corner_is_known_by_the_ops_behind_an_activation(activation, corners):
    assert plan(AT_THE_CORNER.format(activation)).nudges.has_corners is corners


def test_a_nudge_measures_a_parabola_exactly():
    book = plan("input 1; dense 1 no bias; loss half squared error; weights 3; sample 2 -> 1")
    (slope,) = book.nudges.slopes.values()
    assert slope.value == pytest.approx((6 - 1) * 2, rel=1e-9)
    assert slope.error == 12.5
    assert slope.size == pytest.approx(12.5, rel=1e-4)  # of the nudged error


def test_size_is_that_of_the_largest_value_given_or_made():
    book = plan("input 1; dense 1 no bias; loss half squared error; weights 1; sample 2 -> -90")
    (slope,) = book.nudges.slopes.values()
    assert slope.size == pytest.approx(92**2 / 2, rel=1e-4)
