"""Every formula is a function: its values and slopes are those of its neighbours' differences."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.audit.backward.cells_at_points import POINTS, Cells, in_order
from gradbook.audit.backward.output_pairs import OutputPair, output_pairs
from tests.audit.material.small import at, small
from tests.audit.material.worked_once.list import cells_of, listed, listed_cells

NUDGE = 1e-6


def values_of(cells):
    book, flow = small(cells)

    def leaf(cell):
        value = book.values.get(cell)
        return np.random.default_rng(cell).normal(size=POINTS) if value == 1.0 else value

    return Cells(book, flow, (), in_order(book, flow), leaf)


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
    loss, values = at("B15"), cells
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
    assert list(in_order(book, flow)) == [at("C1")]


# Outputs are found by what formulas compare --------------------------------------------


def test_an_output_and_its_target():
    assert listed_cells().pairs == [OutputPair(at("B13"), at("B14"))]


def test_a_sheet_that_compares_nothing_has_none():
    assert not output_pairs(*small({"A1": 1.0, "A2": 2.0, "A3": "=A1-A2"}), 0)


def test_matrices_are_compared_cell_by_cell():
    cells = {"A1:B2": 1.0, "A5": 2.0, "C1:D2": "=A1+$A$5", "F1:G2": 0.5}
    cells |= {"H1": "=SUMXMY2(C1:D2,F1:G2)"}
    pairs = {
        OutputPair(at(o), at(t))
        for o, t in zip(("C1", "D1", "C2", "D2"), ("F1", "G1", "F2", "G2"), strict=True)
    }
    assert set(output_pairs(*small(cells), 0)) == pairs


def test_one_target_used_twice_leaves_the_other_to_the_second_output():
    cells = {"A1": 1.0, "A2": 2.0, "B1": "=A1*A2", "B2": "=A1+A2", "C1": 0.1, "C2": 0.9}
    compared = {"D1": "=(B1-C1)^2", "D2": "=(B2-C1)^2"}
    found = output_pairs(*small({**cells, **compared}), 0)
    assert set(found) == {OutputPair(at("B1"), at("C1")), OutputPair(at("B2"), at("C2"))}


def test_outputs_that_add_to_one_are_a_group():
    cells = {"A1:A2": 1.0, "B1:B2": "=EXP(A1*$A$1)", "C1:C2": "=B1/SUM(B$1:B$2)", "D1:D2": 0.5}
    groups = cells_of({**cells, "E1:E2": "=C1-D1"}).groups
    assert [{pair.output for pair in group} for group in groups] == [{at("C1"), at("C2")}]


def test_what_depends_on_a_target_is_below_it():
    cells = listed_cells()
    assert at("E1") in cells.below_targets
    assert at("B13") not in cells.below_targets
    assert cells.is_leaf(at("B3"))
    assert not cells.is_leaf(at("B9"))


def test_a_blank_with_a_user_is_a_number_that_nobody_has_typed_yet():
    book, flow = small({k: v for k, v in listed().items() if k != "B14"})
    assert output_pairs(book, flow, 0) == [OutputPair(at("B13"), at("B14"))]
