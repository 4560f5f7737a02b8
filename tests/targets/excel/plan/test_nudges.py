"""The plan of the check: what each nudge measures, and when a gradient agrees with it."""

from __future__ import annotations

import pytest

from gradbook.graph.lower import scalar_step
from gradbook.net import builtin, parse
from gradbook.targets.excel.plan.book import WorkbookPlan
from gradbook.targets.excel.plan.exercise import Exercise
from gradbook.targets.excel.plan.nudges import AGREES, DIFFERS, OPEN

AT_THE_CORNER = """
input 1; dense 1; {}; loss half squared error; weights 0; biases 0; sample 1 -> 1
"""


def plan(text, **more):
    net = builtin(text) if text in ("worked", "xor") else parse(text)
    return WorkbookPlan(scalar_step(net), 2, 0.5, (), **more)


@pytest.mark.parametrize("name", ["worked", "xor"])
def test_every_gradient_of_ours_agrees(name):
    book = plan(name)
    assert {book.verdict(weight) for weight in book.nudges.weights} == {AGREES}
    assert book.check_summary == f"all {len(book.step.gradients)} gradients agree"


def test_a_gradient_that_is_off_differs():
    book = plan("worked")
    weight = book.nudges.weights[0]
    slope = book.nudges.slopes[weight].value
    assert book.nudges.agrees(weight, slope, book.loss(0))
    assert not book.nudges.agrees(weight, 1.01 * slope, book.loss(0))
    assert AGREES != DIFFERS


def test_an_exercise_is_to_be_filled_in():
    book = plan("worked", exercise=Exercise())
    assert {book.verdict(weight) for weight in book.nudges.weights} == {OPEN}


@pytest.mark.parametrize(
    ("activation", "corners"),
    [("relu", True), ("leaky relu", True), ("tanh", False), ("silu", False)],
)
def test_a_corner_is_known_by_the_ops_behind_an_activation(activation, corners):
    assert plan(AT_THE_CORNER.format(activation)).nudges.has_corners is corners


def test_at_a_corner_the_slope_of_either_side_is_right():
    book = plan(AT_THE_CORNER.format("relu"))
    (weight, *_) = book.nudges.weights
    slope = book.nudges.slopes[weight]
    right = (slope.above - book.loss(0)) / 1e-5
    assert book.nudges.agrees(weight, right, book.loss(0))
    assert book.nudges.agrees(weight, 0.0, book.loss(0))
    assert not book.nudges.agrees(weight, right / 3, book.loss(0))
