"""Every formula is a function: its values and slopes are those of its neighbours' differences."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.audit.backward.outputs import POINTS, CellFunctions, PointValues, in_order
from tests.audit.material.small import at, small
from tests.audit.material.worked_once.list import listed_cells

NUDGE = 1e-6


def values_of(cells):
    book, flow = small(cells)

    def leaf(cell):
        value = book.values.get(cell)
        return np.random.default_rng(cell).normal(size=POINTS) if value == 1.0 else value

    return PointValues(CellFunctions(book, flow), in_order(book, flow), leaf)


def test_cells_are_computed_from_numbers_drawn_for_others():
    values = values_of({"A1": 1.0, "A2": 1.0, "B1": "=A1*A2", "B2": "=B1-A1"})
    a, b = values.number(at("A1")), values.number(at("A2"))
    assert values.number(at("B2")) == pytest.approx(a * b - a)


def test_a_text_chooses_and_is_no_number():
    values = values_of({"A1": 1.0, "A2": "on", "B1": '=IF(A2="on",2*A1,0)', "B2": "=A2"})
    assert values.number(at("B1")) == pytest.approx(2 * values.number(at("A1")))
    assert values.of(at("B2")) == "on"
    assert np.isnan(values.number(at("B2"))).all()


def test_slopes_are_those_of_small_differences():
    cells = listed_cells()
    loss, values = at("B15"), cells.values
    slopes = values.slopes({loss: np.ones(POINTS)})
    for name in ("B3", "B8", "B10", "B11"):
        cell = at(name)
        below = cells.flow.below([cell])
        up, down = (
            values.with_values({cell: values.number(cell) + step}, below).number(loss)
            for step in (NUDGE, -NUDGE)
        )
        assert slopes[cell] == pytest.approx((up - down) / (2 * NUDGE), rel=1e-5, abs=1e-8)


def test_another_formula_is_worked_in_a_cell_without_writing_it():
    values = values_of({"A1": 1.0, "B1": "=A1"})
    assert values.value_of("3*A1", at("B1")) == pytest.approx(3 * values.number(at("A1")))
    assert np.isnan(values.value_of("NOSUCH(A1)", at("B1"))).all()


def test_a_circle_has_no_order():
    book, flow = small({"A1": "=B1", "B1": "=A1", "C1": "=D1", "E1": "=A1"})
    assert in_order(book, flow) == [at("C1")]
