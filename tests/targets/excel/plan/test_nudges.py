"""The plan of the check: what each nudge measures."""

from __future__ import annotations

import pytest

from gradbook.net import parse
from gradbook.net.lower import scalar_step
from gradbook.targets.excel.plan.workbook_plan import WorkbookPlan
from tests.cases import for_each

AT_THE_CORNER = """
input 1; dense 1; {}; loss half squared error; weights 0; biases 0; sample 1 -> 1
"""


def plan(text):
    return WorkbookPlan(scalar_step(parse(text)), 2, 0.5, ())


@for_each(
    ("activation", "corners"),
    [("relu", True), ("leaky relu", True), ("tanh", False), ("silu", False)],
)
def test_a_corner_is_known_by_the_ops_behind_an_activation(activation, corners):
    assert plan(AT_THE_CORNER.format(activation)).check.nudges.has_corners is corners


def test_a_nudge_measures_a_parabola_exactly():
    book = plan("input 1; dense 1 no bias; loss half squared error; weights 3; sample 2 -> 1")
    (line,) = book.check.weight_lines
    assert line.slope.value == pytest.approx((6 - 1) * 2, rel=1e-9)
    assert book.check.nudges.size_as_it_is.value == 12.5


def test_size_is_that_of_the_largest_value_given_or_made():
    book = plan("input 1; dense 1 no bias; loss half squared error; weights 1; sample 2 -> -90")
    assert book.check.nudges.size_as_it_is.value == 92**2 / 2
    assert book.check.nudges.data_size == 90
