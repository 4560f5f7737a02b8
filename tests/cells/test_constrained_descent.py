"""Points that keep constraints are lowest where the slopes and the constraints' weights balance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradbook.cells.constrained_descent import (
    ConstrainedPoint,
    Kept,
    descend_within,
    lowest_of_model,
)
from gradbook.cells.descent import DescentEnd, NumberBounds, SlopedPoint, descend, dot

NUMBER = st.integers(-16, 16).map(lambda n: n / 4)
ROW = st.lists(NUMBER, min_size=3, max_size=3)
Of = Callable[[Sequence[float]], float]


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, min_size=3, max_size=3), ROW, st.lists(st.tuples(ROW, NUMBER), max_size=5))
def test_a_quadratic_model_is_lowest_where_weights_balance_its_slopes(root, slopes, constraints):
    curvature = [[dot(a, b) + (i == j) for j, b in enumerate(root)] for i, a in enumerate(root)]
    kept = [(normal, offset) for normal, offset in constraints if any(normal)]
    found = lowest_of_model(curvature, slopes, [n for n, _ in kept], [b for _, b in kept], 0)
    if found is None:
        return
    at, weights = found
    steep = [dot(row, at) + g for row, g in zip(curvature, slopes, strict=True)]
    for (normal, offset), weight in zip(kept, weights, strict=True):
        steep = [g - weight * n for g, n in zip(steep, normal, strict=True)]
        apart = dot(normal, at) - offset
        assert weight >= 0
        assert apart >= -1e-8
        assert weight * apart == pytest.approx(0, abs=1e-6)
    assert steep == pytest.approx([0, 0, 0], abs=1e-6)


def test_constraints_that_contradict_each_other_have_no_lowest_point():
    assert lowest_of_model([[1.0]], [0.0], [[1.0], [-1.0]], [1.0, 1.0], 0) is None


def measured(value: Of, *constraints: tuple[Of, bool]) -> Callable[[list[float]], ConstrainedPoint]:
    """A function with slopes by differences, which are exact enough for quadratic ones."""

    def slopes(of: Of, at: Sequence[float]) -> list[float]:
        moved = [
            [x + d * (j == k) for j, x in enumerate(at)]
            for k in range(len(at))
            for d in (1e-5, -1e-5)
        ]
        return [(of(a) - of(b)) / 2e-5 for a, b in zip(moved[::2], moved[1::2], strict=True)]

    def at_a_point(at: list[float]) -> ConstrainedPoint:
        place = SlopedPoint(at, value(at), slopes(value, at))
        return ConstrainedPoint(place, tuple(Kept(c(at), slopes(c, at), e) for c, e in constraints))

    return at_a_point


def test_the_71st_problem_of_hock_and_schittkowski():
    function = measured(
        lambda x: x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2],
        (lambda x: x[0] * x[1] * x[2] * x[3] - 25, False),
        (lambda x: sum(y * y for y in x) - 40, True),
    )
    box = NumberBounds([1.0] * 4, [5.0] * 4)
    point, end, left = descend_within(function, function([1.0, 5.0, 5.0, 1.0]), box)
    assert end is DescentEnd.LEVEL
    assert point.place.value == pytest.approx(17.0140173, abs=1e-6)
    assert point.place.at == pytest.approx([1, 4.742999, 3.821151, 1.379408], abs=1e-4)
    assert point.violation < 1e-8
    assert left[1:] == pytest.approx([0, 0, 0], abs=1e-5)


def test_a_descent_ends_where_values_are_errors_beyond():
    """Steps into errors are shortened: the lowest point is beside them."""

    def function(at: list[float]) -> SlopedPoint:
        (x,) = at
        return SlopedPoint(at, (x - 0.1) ** 2 if x > 0 else float("nan"), [2 * (x - 0.1)])

    place, end = descend(function, function([40.0]), NumberBounds([-inf], [inf]))
    assert end is DescentEnd.LEVEL
    assert place.at == pytest.approx([0.1])
